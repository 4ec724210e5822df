//! Patience after a refused login: servers lock out addresses that keep trying.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::reading::{Cause, Failure};

const FIRST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(3600);

/// Who was refused, and when the next try may be.
#[derive(Default)]
pub(super) struct Backoff {
    refused: Mutex<HashMap<String, Refused>>,
}

struct Refused {
    times: u32,
    next: Instant,
    message: String,
}

impl Backoff {
    /// The failure of a poll that must not be tried yet.
    pub(super) fn check(&self, key: &str, now: Instant) -> Option<Failure> {
        let refused = self.lock();
        let refused = refused.get(key)?;
        let wait = refused.next.checked_duration_since(now)?;
        (!wait.is_zero()).then(|| refused.failure(wait))
    }

    /// Notes a refusal; returns it with the time of the next try.
    pub(super) fn refuse(&self, key: &str, now: Instant, message: String) -> Failure {
        let mut all = self.lock();
        let times = all.get(key).map_or(0, |r| r.times);
        let wait = FIRST.saturating_mul(1 << times.min(10)).min(LONGEST);
        let refused = Refused {
            times: times + 1,
            next: now + wait,
            message,
        };
        let failure = refused.failure(wait);
        all.insert(key.to_owned(), refused);
        failure
    }

    pub(super) fn accept(&self, key: &str) {
        self.lock().remove(key);
    }

    pub(super) fn keep_only(&self, wanted: impl Fn(&str) -> bool) {
        self.lock().retain(|key, _| wanted(key));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Refused>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refused {
    fn failure(&self, wait: Duration) -> Failure {
        let seconds = wait.as_secs_f64().ceil() as u64;
        let wait = match seconds {
            0..=90 => format!("{seconds} s"),
            _ => format!("{} min", seconds.div_ceil(60)),
        };
        Failure::new(Cause::Auth, format!("{}; next try in {wait}", self.message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_end_with_a_success() {
        let backoff = Backoff::default();
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..10 {
            assert_eq!(backoff.check("a", now), None);
            backoff.refuse("a", now, "authentication refused".into());
            let next = backoff.lock()["a"].next;
            waits.push((next - now).as_secs());
            now = next;
        }
        assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
        backoff.accept("a");
        let failure = backoff.refuse("a", now, "authentication refused".into());
        assert_eq!(failure.message, "authentication refused; next try in 30 s");
    }

    #[test]
    fn a_skipped_poll_says_when_it_will_be_tried() {
        let backoff = Backoff::default();
        let now = Instant::now();
        for _ in 0..3 {
            backoff.refuse(
                "a",
                now,
                "authentication refused for user m (tried: publickey)".into(),
            );
        }
        let failure = backoff.check("a", now + Duration::from_millis(10)).unwrap();
        assert_eq!(
            failure.message,
            "authentication refused for user m (tried: publickey); next try in 2 min"
        );
        assert_eq!(failure.cause, Cause::Auth);
        assert_eq!(backoff.check("b", now), None);
    }
}
