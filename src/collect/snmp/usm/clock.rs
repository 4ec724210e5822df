//! The clock of a device's engine: how often it started, and the seconds since (RFC 3414, 2.2).
//!
//! It is kept by our own monotonic clock between messages, so that a question asked minutes later
//! carries the time that the device has by then.

use tokio::time::Instant;

/// The end of both counters. An engine whose boots arrived there takes no signed message any more.
pub(super) const LAST: u32 = i32::MAX as u32;
/// RFC 3414 section 3.2, 7: in seconds.
pub(super) const WINDOW: u32 = 150;

#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    boots: u32,
    time: u32,
    at: Instant,
    /// Out of a message whose signature was verified; else it is only a first guess.
    verified: bool,
}

/// What a device's own statement of its time means to ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shift {
    /// As clocks go, or the first that is known.
    Forward,
    /// The same run of the engine, but earlier.
    Earlier,
    /// Fewer boots than before: not the engine that it was.
    FewerBoots { before: u32 },
    /// No more boots can be counted.
    AtTheEnd,
}

impl Clock {
    pub(super) fn guess(boots: u32, time: u32, at: Instant) -> Clock {
        Clock {
            boots,
            time,
            at,
            verified: false,
        }
    }

    /// Boots and time by now.
    pub(super) fn read(&self, now: Instant) -> (u32, u32) {
        let passed = now.saturating_duration_since(self.at).as_secs();
        let time = u64::from(self.time) + passed;
        let rest = time.saturating_sub(u64::from(LAST));
        match u32::try_from(time) {
            Ok(time) if time <= LAST => (self.boots, time),
            // After its last second an engine counts one boot more and begins at 0.
            _ => ((self.boots + 1).min(LAST), rest.min(u64::from(LAST)) as u32),
        }
    }

    /// Takes over what a signed message says, unless it is older than what is known. `false` when
    /// the message is outside the time window.
    pub(super) fn follow(&mut self, boots: u32, time: u32, now: Instant) -> bool {
        let newer = boots > self.boots || (boots == self.boots && time > self.time);
        if !self.verified || newer {
            self.set(boots, time, now);
        }
        let (our_boots, our_time) = self.read(now);
        our_boots != LAST && boots == our_boots && time.saturating_add(WINDOW) >= our_time
    }

    /// What it means that a signed message says this.
    pub(super) fn compare(&self, boots: u32, time: u32, now: Instant) -> Shift {
        let (our_boots, our_time) = self.read(now);
        if boots == LAST {
            Shift::AtTheEnd
        } else if !self.verified || boots > our_boots {
            Shift::Forward
        } else if boots < our_boots {
            Shift::FewerBoots { before: our_boots }
        } else if time.saturating_add(WINDOW) < our_time {
            Shift::Earlier
        } else {
            Shift::Forward
        }
    }

    /// Takes over what a signed message says, whatever was known.
    pub(super) fn set(&mut self, boots: u32, time: u32, now: Instant) {
        *self = Clock {
            boots,
            time,
            at: now,
            verified: true,
        };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn known(boots: u32, time: u32) -> (Clock, Instant) {
        let at = Instant::now();
        let mut clock = Clock::guess(9, 9, at);
        clock.set(boots, time, at);
        (clock, at)
    }

    #[test]
    fn goes_on_by_itself() {
        let (clock, at) = known(5, 1_000);
        for seconds in [0, 10, 60, 170, 300, 1_000_000] {
            let now = at + Duration::from_secs(seconds);
            assert_eq!(clock.read(now), (5, 1_000 + seconds as u32));
        }
        let (clock, at) = known(5, LAST - 1);
        assert_eq!(clock.read(at + Duration::from_secs(11)), (6, 10));
        let (clock, at) = known(LAST, LAST);
        let (boots, time) = clock.read(at + Duration::from_secs(11));
        assert!(boots == LAST && time <= LAST);
    }

    #[test]
    fn a_window_of_150_seconds_to_the_past() {
        for (late, inside) in [(0, true), (149, true), (150, true), (151, false)] {
            let (mut clock, at) = known(5, 1_000);
            assert_eq!(clock.follow(5, 1_000 - late, at), inside, "{late} s late");
            assert_eq!(clock.read(at), (5, 1_000));
        }
    }

    #[test]
    fn what_is_newer_is_taken_over_and_what_is_older_is_not() {
        let (mut clock, at) = known(5, 1_000);
        assert!(clock.follow(6, 3, at));
        assert_eq!(clock.read(at), (6, 3));
        assert!(clock.follow(6, 900, at));
        assert_eq!(clock.read(at), (6, 900));
        assert!(!clock.follow(5, 5_000, at));
        assert!(clock.follow(6, 800, at), "within the window");
        assert_eq!(clock.read(at), (6, 900));
    }

    #[test]
    fn a_guess_gives_way_to_any_signed_message() {
        let at = Instant::now();
        for (boots, time) in [(0, 0), (i32::MAX as u32 - 1, LAST), (LAST, LAST)] {
            let mut clock = Clock::guess(boots, time, at);
            assert_eq!(clock.compare(3, 77, at), Shift::Forward);
            assert!(clock.follow(3, 77, at));
            assert_eq!(clock.read(at), (3, 77));
        }
    }

    #[test]
    fn steps_have_a_meaning() {
        let (clock, at) = known(5, 1_000);
        let cases = [
            ((5, 1_000), Shift::Forward),
            ((5, 9_000), Shift::Forward),
            ((6, 0), Shift::Forward),
            ((5, 849), Shift::Earlier),
            ((4, 9_000), Shift::FewerBoots { before: 5 }),
            ((LAST, 0), Shift::AtTheEnd),
        ];
        for ((boots, time), expected) in cases {
            assert_eq!(clock.compare(boots, time, at), expected);
        }
    }
}
