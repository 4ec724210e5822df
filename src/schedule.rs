//! Who is due: a stable slot per target, never twice at once, a late turn is skipped and counted.
//!
//! Pure: the time comes in as milliseconds of a clock that never goes back.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::inventory::Target;

/// Targets that appear together begin this far apart, so that a start is not a burst.
const START_STEP_MS: u64 = 5;

/// All targets with their turns.
#[derive(Debug, Default)]
pub struct Schedule {
    entries: HashMap<String, Entry>,
    /// (turn, target id), the next turn first.
    turns: BTreeSet<(u64, String)>,
    missed: u64,
}

#[derive(Debug)]
struct Entry {
    target: Arc<Target>,
    next_ms: u64,
    running: bool,
}

impl Schedule {
    /// Follows the inventory. Targets that stay keep their turns; one whose interval changed gets a
    /// new slot; a new one begins at once.
    pub fn sync(&mut self, targets: &[Arc<Target>], now_ms: u64) {
        let wanted: HashMap<String, &Arc<Target>> = targets.iter().map(|t| (t.id(), t)).collect();
        self.entries.retain(|id, entry| {
            let stays = wanted.contains_key(id);
            if !stays {
                self.turns.remove(&(entry.next_ms, id.clone()));
            }
            stays
        });
        let fresh = wanted
            .keys()
            .filter(|id| !self.entries.contains_key(*id))
            .count() as u64;
        for (id, target) in wanted {
            match self.entries.get_mut(&id) {
                Some(entry) => {
                    let same = entry.target.interval == target.interval;
                    entry.target = Arc::clone(target);
                    if !same {
                        let next = slot_after(&id, target, now_ms);
                        self.plan(&id, next);
                    }
                }
                None => {
                    let spread = (fresh * START_STEP_MS).min(interval_ms(target)).max(1);
                    let next_ms = now_ms + hash(&id) % spread;
                    let entry = Entry {
                        target: Arc::clone(target),
                        next_ms,
                        running: false,
                    };
                    self.turns.insert((next_ms, id.clone()));
                    self.entries.insert(id, entry);
                }
            }
        }
    }

    /// The targets whose turn has come; they count as running until [`Schedule::finished`]. With how
    /// late each one is, in milliseconds. A target that still runs loses this turn.
    pub fn due(&mut self, now_ms: u64) -> Vec<(Arc<Target>, u64)> {
        let mut due = Vec::new();
        while let Some((turn, id)) = self.turns.first().cloned()
            && turn <= now_ms
        {
            let Some(entry) = self.entries.get_mut(&id) else {
                self.turns.pop_first();
                continue;
            };
            let target = Arc::clone(&entry.target);
            if entry.running {
                self.missed += 1;
            } else {
                entry.running = true;
                due.push((Arc::clone(&target), now_ms - turn));
            }
            // A first turn may fall just before the slot: two polls in a row tell nothing, so the
            // slot must be at least half an interval away. A clock that jumped ahead (a suspended
            // machine) skips the turns in between.
            let earliest = now_ms + interval_ms(&target) / 2;
            self.plan(&id, slot_after(&id, &target, earliest));
        }
        due
    }

    /// Takes a target out of turn. `false`: it runs already.
    pub fn claim(&mut self, id: &str) -> bool {
        match self.entries.get_mut(id) {
            Some(entry) if !entry.running => {
                entry.running = true;
                true
            }
            Some(_) => false,
            None => true,
        }
    }

    /// The target may run again.
    pub fn finished(&mut self, id: &str) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.running = false;
        }
    }

    /// When the next turn comes.
    pub fn next_ms(&self) -> Option<u64> {
        self.turns.first().map(|(turn, _)| *turn)
    }

    /// Turns skipped since the last call, because the target was still running.
    pub fn take_missed(&mut self) -> u64 {
        std::mem::take(&mut self.missed)
    }

    fn plan(&mut self, id: &str, next_ms: u64) {
        if let Some(entry) = self.entries.get_mut(id) {
            self.turns.remove(&(entry.next_ms, id.to_string()));
            entry.next_ms = next_ms;
            self.turns.insert((next_ms, id.to_string()));
        }
    }
}

/// The first moment not before `from_ms` that lies in the target's slot: the same one after every
/// start, spread evenly over the interval by a hash of the target's id.
fn slot_after(id: &str, target: &Target, from_ms: u64) -> u64 {
    let interval = interval_ms(target);
    let phase = hash(id) % interval;
    from_ms + (phase + interval - from_ms % interval) % interval
}

fn interval_ms(target: &Target) -> u64 {
    (target.interval.as_millis() as u64).max(1)
}

/// FNV-1a, finished by a multiply-shift so that its low bits are spread too: the same in every
/// version, which std's hasher does not promise.
fn hash(id: &str) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325_u64;
    for byte in id.bytes() {
        h = (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    (h ^ (h >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::inventory::Access;
    use crate::reading::Method;

    fn target(host: &str, seconds: u64) -> Arc<Target> {
        Arc::new(Target {
            host: host.into(),
            way: Method::Local.into(),
            address: "localhost".into(),
            interval: Duration::from_secs(seconds),
            timeout: Duration::from_secs(1),
            access: Access::Local,
        })
    }

    fn names(due: &[(Arc<Target>, u64)]) -> Vec<&str> {
        due.iter().map(|(t, _)| &*t.host).collect()
    }

    #[test]
    fn a_new_target_begins_at_once_then_keeps_its_slot() {
        let mut s = Schedule::default();
        s.sync(&[target("a", 60)], 1_000_000);
        let begin = s.next_ms().expect("planned");
        assert!(begin < 1_000_010);
        assert_eq!(names(&s.due(begin)), ["a"]);
        s.finished("a/local");
        let second = s.next_ms().expect("planned");
        assert!((30_000..90_000).contains(&(second - begin)));
        assert_eq!(names(&s.due(second)), ["a"]);
        s.finished("a/local");
        assert_eq!(s.next_ms().expect("planned") - second, 60_000);
        // Another process finds the same slot.
        let mut other = Schedule::default();
        other.sync(&[target("a", 60)], 7_777_777);
        let first = other.next_ms().expect("planned");
        other.due(first);
        assert_eq!(other.next_ms().expect("planned") % 60_000, second % 60_000);
    }

    #[test]
    fn a_running_target_loses_its_turn_and_it_is_counted() {
        let mut s = Schedule::default();
        s.sync(&[target("a", 10)], 0);
        assert_eq!(s.due(100).len(), 1);
        let mut now = 0;
        for _ in 0..3 {
            now = s.next_ms().expect("planned");
            assert!(s.due(now).is_empty());
        }
        assert_eq!(s.take_missed(), 3);
        s.finished("a/local");
        assert_eq!(s.due(now + 10_000).len(), 1);
        assert_eq!(s.take_missed(), 0);
    }

    #[test]
    fn a_reload_keeps_turns_and_drops_what_is_gone() {
        let mut s = Schedule::default();
        s.sync(&[target("a", 60), target("b", 60)], 0);
        s.due(1_000);
        let before = s.next_ms();
        s.sync(&[target("a", 60), target("b", 60), target("c", 60)], 2_000);
        assert_eq!(names(&s.due(2_100)), ["c"]);
        s.sync(&[target("b", 60), target("a", 60)], 3_000);
        assert_eq!(s.next_ms(), before);
        s.sync(&[], 4_000);
        assert_eq!(s.next_ms(), None);
    }

    #[test]
    fn a_long_pause_is_not_made_up_for() {
        let mut s = Schedule::default();
        s.sync(&[target("a", 10)], 0);
        s.due(100);
        s.finished("a/local");
        assert_eq!(s.due(10_000_000).len(), 1, "one turn, not a thousand");
        assert!(s.next_ms().expect("planned") > 10_000_000);
    }

    #[test]
    fn many_targets_spread_over_the_interval() {
        let targets: Vec<_> = (0..6_000).map(|i| target(&format!("sw{i}"), 60)).collect();
        let mut s = Schedule::default();
        s.sync(&targets, 0);
        s.due(60_000);
        for t in &targets {
            s.finished(&t.id());
        }
        let mut per_second = [0; 200];
        while let Some(next) = s.next_ms().filter(|n| *n < 120_000) {
            for (t, _) in s.due(next) {
                per_second[(next / 1_000) as usize] += 1;
                s.finished(&t.id());
            }
        }
        let busiest = per_second.iter().max().expect("seconds");
        assert!(
            *busiest < 160,
            "100 a second are even, the busiest had {busiest}"
        );
    }

    #[test]
    fn an_asked_poll_waits_for_the_running_one() {
        let mut s = Schedule::default();
        s.sync(&[target("a", 10)], 0);
        assert!(s.claim("a/local"));
        assert!(!s.claim("a/local"));
        assert!(s.due(50).is_empty());
        s.finished("a/local");
        assert!(s.claim("a/local"));
    }
}
