//! Whether a report is due now, and what became of the times that nobody saw.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::Cron;
use crate::reading::UnixSeconds;

/// Times between two looks are counted up to this many.
const COUNTED: usize = 1_000;

/// What a schedule asks for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing before this time; `None`: never again.
    Wait(Option<UnixSeconds>),
    /// Make the report of this time; so many earlier times were missed.
    Make { at: UnixSeconds, missed: usize },
    /// The latest of so many times is too long ago.
    TooLate { at: UnixSeconds, missed: usize },
}

/// What is due at `now`, when everything up to `seen` is settled. Of several times only the latest
/// is made, and only when it is no longer ago than `late`.
pub fn due(
    cron: &Cron,
    zone: &TimeZone,
    seen: UnixSeconds,
    now: UnixSeconds,
    late: Duration,
) -> Due {
    let Some(at) = cron.latest(now, zone).filter(|at| *at > seen) else {
        return Due::Wait(cron.next(now.max(seen), zone));
    };
    let mut earlier = 0;
    let mut time = seen;
    while let Some(next) = cron.next(time, zone).filter(|next| *next < at) {
        time = next;
        earlier += 1;
        if earlier == COUNTED {
            break;
        }
    }
    if now - at <= i64::try_from(late.as_secs()).unwrap_or(i64::MAX) {
        Due::Make {
            at,
            missed: earlier,
        }
    } else {
        Due::TooLate {
            at,
            missed: earlier + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;
    const LATE: Duration = Duration::from_secs(2 * 3600);

    /// Daily at 08:00; the days count from a midnight.
    fn at(seen: i64, now: i64) -> Due {
        let cron = Cron::read("0 8 * * *").unwrap();
        let midnight = 1_795_392_000;
        let shift = |due| match due {
            Due::Wait(next) => Due::Wait(next.map(|n: i64| (n - midnight) / HOUR)),
            Due::Make { at, missed } => Due::Make {
                at: (at - midnight) / HOUR,
                missed,
            },
            Due::TooLate { at, missed } => Due::TooLate {
                at: (at - midnight) / HOUR,
                missed,
            },
        };
        shift(due(
            &cron,
            &TimeZone::UTC,
            midnight + seen * HOUR,
            midnight + now * HOUR,
            LATE,
        ))
    }

    #[test]
    fn each_time_is_due_once_and_late_ones_not_for_ever() {
        assert_eq!(at(0, 7), Due::Wait(Some(8)));
        assert_eq!(at(0, 8), Due::Make { at: 8, missed: 0 });
        assert_eq!(at(8, 8), Due::Wait(Some(32)));
        assert_eq!(at(0, 10), Due::Make { at: 8, missed: 0 });
        assert_eq!(at(0, 11), Due::TooLate { at: 8, missed: 1 });
        assert_eq!(at(0, 24 * 3 + 9), Due::Make { at: 80, missed: 3 });
        assert_eq!(at(0, 24 * 3 + 12), Due::TooLate { at: 80, missed: 4 });
        // A clock that was set back: what is settled is not done again.
        assert_eq!(at(32, 9), Due::Wait(Some(56)));
    }
}
