//! Which parts of the probe are due: counters at every poll, what costs the host more less often.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::table::slowest_s;

/// The parts by their names in the probe, each with a table or host fact that it fills, whose
/// cadence is its own.
const PARTS: [(&str, &str); 5] = [
    ("ps", "process"),
    ("sensor", "sensor"),
    ("fs", "filesystem"),
    ("units", "service"),
    ("hw", "os"),
];

type Asked = [Option<Instant>; PARTS.len()];

/// When which host was last asked for which part.
#[derive(Default)]
pub(super) struct Cadence {
    asked: Mutex<HashMap<String, Asked>>,
    always: AtomicBool,
}

impl Cadence {
    /// Every part at every poll from now on.
    pub(super) fn ask_everything(&self) {
        self.always.store(true, Ordering::Relaxed);
    }

    /// The parts to ask for now. A poll comes a little early or late, so half an interval more or
    /// less does not matter.
    pub(super) fn due(&self, key: &str, interval: Duration, now: Instant) -> Vec<&'static str> {
        let asked = self.lock().get(key).copied().unwrap_or_default();
        let always = self.always.load(Ordering::Relaxed);
        let parts = PARTS.iter().zip(asked).filter(|((_, fills), at)| {
            let every = Duration::from_secs(slowest_s(fills).unsigned_abs());
            always || at.is_none_or(|at| now.duration_since(at) + interval / 2 >= every)
        });
        parts.map(|((name, _), _)| *name).collect()
    }

    /// Notes that the host answered these parts, be it that one of them hung: asking again at once
    /// would leave it one more stuck process per poll.
    pub(super) fn answered(&self, key: &str, parts: &[&'static str], now: Instant) {
        let mut all = self.lock();
        let asked = all.entry(key.to_owned()).or_default();
        for ((name, _), at) in PARTS.iter().zip(asked) {
            if parts.contains(name) {
                *at = Some(now);
            }
        }
    }

    pub(super) fn keep_only(&self, wanted: impl Fn(&str) -> bool) {
        self.lock().retain(|key, _| wanted(key));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each part is asked for in an hour of polls at this interval.
    fn hour(interval_s: u64) -> HashMap<&'static str, usize> {
        let cadence = Cadence::default();
        let start = Instant::now();
        let mut counts = HashMap::new();
        for n in 0..3_600 / interval_s {
            let now = start + Duration::from_secs(n * interval_s);
            let due = cadence.due("a", Duration::from_secs(interval_s), now);
            for part in &due {
                *counts.entry(*part).or_default() += 1;
            }
            cadence.answered("a", &due, now);
        }
        counts
    }

    #[test]
    fn an_hour_of_polls() {
        let of = |fs, ps| {
            HashMap::from([
                ("ps", ps),
                ("sensor", ps),
                ("fs", fs),
                ("units", fs),
                ("hw", 1),
            ])
        };
        assert_eq!(hour(60), of(12, 60));
        assert_eq!(hour(10), of(12, 60));
        assert_eq!(hour(300), of(12, 12));
    }

    #[test]
    fn a_poll_that_failed_asks_again_and_one_look_asks_for_everything() {
        let cadence = Cadence::default();
        let now = Instant::now();
        let minute = Duration::from_secs(60);
        assert_eq!(cadence.due("a", minute, now).len(), PARTS.len());
        assert_eq!(cadence.due("a", minute, now).len(), PARTS.len());
        cadence.answered("a", &["ps", "fs", "units", "sensor", "hw"], now);
        assert_eq!(cadence.due("a", minute, now).len(), 0);
        assert_eq!(cadence.due("b", minute, now).len(), PARTS.len());
        cadence.ask_everything();
        assert_eq!(cadence.due("a", minute, now).len(), PARTS.len());
    }
}
