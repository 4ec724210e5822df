//! Whether a device that has been silent is worth more than one question per poll.
//!
//! Pure: closed at first; polls in a row without any answer open it; any answer closes it at once.

use std::time::Duration;

use super::slots::ATTEMPTS;

/// Polls in a row without any answer after which a device counts as dead.
const OPENS_AFTER: u32 = 3;
/// How long the only question to a dead device is waited for: longer than any round trip, and much
/// shorter than the attempts that a live one gets.
pub(super) const PROBE_PATIENCE: Duration = Duration::from_secs(2);

/// The breaker of one device.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    silent_polls: u32,
}

impl Breaker {
    /// A whole poll ended without any answer.
    pub(super) fn silent(&mut self) {
        self.silent_polls = self.silent_polls.saturating_add(1);
    }

    /// Something came from the device, good or bad.
    pub(super) fn answered(&mut self) {
        self.silent_polls = 0;
    }

    pub(super) fn is_open(&self) -> bool {
        self.silent_polls >= OPENS_AFTER
    }

    /// How often one question is put.
    pub(super) fn attempts(&self) -> usize {
        if self.is_open() { 1 } else { ATTEMPTS }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_three_silent_polls_and_closes_at_the_first_answer() {
        let mut breaker = Breaker::default();
        for _ in 0..OPENS_AFTER {
            assert_eq!(breaker.attempts(), ATTEMPTS);
            breaker.silent();
        }
        assert_eq!(breaker.attempts(), 1);
        breaker.silent();
        assert!(breaker.is_open(), "stays open while nothing comes");
        breaker.answered();
        assert_eq!(breaker.attempts(), ATTEMPTS);
    }

    #[test]
    fn silence_now_and_then_opens_nothing() {
        let mut breaker = Breaker::default();
        for _ in 0..10 {
            breaker.silent();
            breaker.silent();
            breaker.answered();
        }
        assert!(!breaker.is_open());
    }
}
