//! What a bad network does to replies: by chance, but by the same chance for the same seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::invented::mix;
use super::socket::Route;

/// The faults of the line. Parts are from 0 (never) to 1 (always).
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Part of the replies that is lost.
    pub loss: f64,
    /// Part of the replies that comes twice.
    pub duplicate: f64,
    /// Part of the replies that others overtake.
    pub reorder: f64,
    /// Each reply comes later by half of this to one and a half times this.
    pub delay: Duration,
}

/// A reply that is overtaken comes this much later, and up to twice.
const OVERTAKEN: Duration = Duration::from_millis(20);
/// More replies than this do not wait; the oldest question is then asked again anyway.
const MOST_WAITING: usize = 100_000;

/// Chance and the replies that wait.
pub(super) struct Line {
    faults: Faults,
    state: u64,
    waiting: BinaryHeap<Reverse<(u64, u64)>>,
    datagrams: std::collections::HashMap<u64, (Route, Vec<u8>)>,
    next: u64,
}

impl Line {
    pub(super) fn new(faults: Faults, seed: u64) -> Line {
        Line {
            faults,
            state: seed,
            waiting: BinaryHeap::new(),
            datagrams: std::collections::HashMap::new(),
            next: 0,
        }
    }

    /// Takes a reply at `now_us`, the time in microseconds; `true` when it is to be sent at once,
    /// too or only.
    pub(super) fn take(&mut self, now_us: u64, route: Route, datagram: &[u8]) -> bool {
        if self.chance() < self.faults.loss {
            return false;
        }
        let copies = 1 + usize::from(self.chance() < self.faults.duplicate);
        let mut at_once = false;
        for _ in 0..copies {
            let mut wait = self.faults.delay.mul_f64(0.5 + self.chance());
            if self.chance() < self.faults.reorder {
                wait += OVERTAKEN.mul_f64(1.0 + self.chance());
            }
            if wait.is_zero() && !at_once {
                at_once = true;
            } else {
                self.later(now_us, wait, route, datagram);
            }
        }
        at_once
    }

    /// Keeps a reply back for so long.
    pub(super) fn later(&mut self, now_us: u64, wait: Duration, route: Route, datagram: &[u8]) {
        if self.datagrams.len() < MOST_WAITING {
            let due = now_us + wait.as_micros() as u64;
            self.waiting.push(Reverse((due, self.next)));
            self.datagrams.insert(self.next, (route, datagram.to_vec()));
            self.next += 1;
        }
    }

    /// The next reply that has waited long enough.
    pub(super) fn due(&mut self, now_us: u64) -> Option<(Route, Vec<u8>)> {
        let Reverse((due, number)) = *self.waiting.peek()?;
        if due > now_us {
            return None;
        }
        self.waiting.pop();
        self.datagrams.remove(&number)
    }

    /// How long nothing will be due, in microseconds.
    pub(super) fn idle_us(&self, now_us: u64) -> Option<u64> {
        let Reverse((due, _)) = self.waiting.peek()?;
        Some(due.saturating_sub(now_us))
    }

    /// The next number from 0 to 1.
    fn chance(&mut self) -> f64 {
        self.state = self.state.wrapping_add(1);
        (mix(self.state) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of 10,000 replies are sent at once, and when the others are.
    fn play(faults: &Faults) -> (usize, Vec<u64>) {
        let mut line = Line::new(faults.clone(), 5);
        let at_once = (0..10_000)
            .filter(|i| line.take(*i, Route::default(), &[1]))
            .count();
        let mut later = Vec::new();
        for now in (0..1_000_000).step_by(1_000) {
            while line.due(now).is_some() {
                later.push(now);
            }
        }
        assert_eq!(line.idle_us(0), None);
        (at_once, later)
    }

    #[test]
    fn does_what_it_is_told_and_the_same_again() {
        assert_eq!(play(&Faults::default()), (10_000, vec![]));
        let lossy = Faults {
            loss: 0.1,
            duplicate: 0.2,
            reorder: 0.3,
            ..Faults::default()
        };
        let (at_once, later) = play(&lossy);
        // 9,000 arrive, 1,800 twice; of these 10,800 three in ten late, and of two at once one.
        let all = at_once + later.len();
        assert!((10_500..11_100).contains(&all), "{all}");
        assert!(later.len() > 2_900, "{}", later.len());
        assert_eq!(play(&lossy), (at_once, later));
        let slow = Faults {
            delay: Duration::from_millis(100),
            ..Faults::default()
        };
        let (at_once, later) = play(&slow);
        assert_eq!((at_once, later.len()), (0, 10_000));
        assert!(later[0] >= 50_000 && later[9_999] <= 161_000);
    }
}
