//! The device's own clock: whether it restarted, and what its counters run by.

use tokio::time::Instant;

use super::scalar::{Scalar, Scalars};
use super::text;
use crate::reading::Uptime;

/// sysUpTime and snmpEngineBoots at one moment.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Clock {
    pub(super) ticks: Option<i64>,
    boots: Option<i64>,
    /// By our own clock.
    at: Instant,
}

impl Clock {
    pub(super) fn of(found: &Scalars) -> Clock {
        Clock {
            ticks: found.int(Scalar::UpTime),
            boots: found.int(Scalar::EngineBoots),
            at: Instant::now(),
        }
    }

    /// The boots changed, or the ticks are behind where they should be by now: fallen, or risen from
    /// zero in the meantime. A few seconds of drift are none, and a fall from nearly full is a wrap.
    pub(super) fn restarted_since(self, before: Clock) -> bool {
        const NEARLY_FULL: i64 = (1 << 32) - 360_000;
        const DRIFT: i64 = 3_000;
        if before.boots.is_some() && self.boots.is_some() && before.boots != self.boots {
            return true;
        }
        let (Some(then), Some(now)) = (before.ticks, self.ticks) else {
            return false;
        };
        let elapsed = self.at.duration_since(before.at).as_millis() as i64 / 10;
        let behind = now < then || now + DRIFT < then + elapsed - elapsed / 50;
        behind && then + elapsed < NEARLY_FULL
    }

    pub(super) fn uptime(self) -> Option<Uptime> {
        let ticks = u64::try_from(self.ticks?).ok()?;
        Some(Uptime {
            ms: ticks * 10,
            wraps: true,
            boot: self.boots.map_or(0, |b| text::fnv(&b.to_be_bytes())),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn clock(ticks: i64, boots: Option<i64>, at: Instant) -> Clock {
        Clock {
            ticks: Some(ticks),
            boots,
            at,
        }
    }

    #[test]
    fn a_wrap_of_the_uptime_is_no_restart() {
        let now = Instant::now();
        let later = now + Duration::from_secs(60);
        let restarted = |then: i64, ticks: i64| {
            clock(ticks, None, later).restarted_since(clock(then, None, now))
        };
        assert!(!restarted((1 << 32) - 100, 5_900), "wrapped");
        assert!(!restarted(100, 6_100), "went on");
        assert!(!restarted(100_000, 105_000), "a slow clock");
        assert!(restarted(100_000, 50), "fell");
        assert!(restarted(100, 2_000), "fell, and rose since");
        let boots = |n| clock(6_100, Some(n), later);
        assert!(boots(2).restarted_since(clock(100, Some(1), now)));
        assert!(!boots(1).restarted_since(clock(100, Some(1), now)));
    }
}
