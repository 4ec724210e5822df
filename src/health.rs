//! Whether a target and a host are up, down, silent or new: a pure decision over what is known of
//! the latest collections.

use std::sync::Arc;
use std::time::Duration;

use crate::reading::{UnixSeconds, Way};

/// How a target or a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// A target: its latest collection was good. A host: any of its targets is up.
    Up,
    /// A target: its last 2 collections failed. A host: no target is up and at least one is down.
    Down,
    /// Nothing came, good or bad, within 2.5 intervals.
    Silent,
    /// Nothing is known yet: no collection, or a single one, which failed.
    New,
}

impl State {
    /// The word in mails, on pages and in rules.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Up => "up",
            State::Down => "down",
            State::Silent => "silent",
            State::New => "new",
        }
    }
}

/// What is known of a target's collections.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    pub last_ts: Option<UnixSeconds>,
    pub last_good_ts: Option<UnixSeconds>,
    /// Bad collections since the last good one.
    pub failures_in_row: u32,
    /// When the present row of equal outcomes began: the first good one after a bad one, or the
    /// first bad one after a good one.
    pub run_since: Option<UnixSeconds>,
    /// Why the latest one failed: cause (one word) and words.
    pub cause: Option<String>,
    pub error: Option<String>,
    /// What failed in part in the latest good one.
    pub problems: Option<String>,
}

/// How one target is.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetHealth {
    pub way: Way,
    pub state: State,
    /// The latest collection was good.
    pub ok: bool,
    pub last_ts: Option<UnixSeconds>,
    pub last_good_ts: Option<UnixSeconds>,
    /// Since when the state holds, as far as it is known.
    pub since: Option<UnixSeconds>,
    /// Why the latest one failed: cause (one word) and words.
    pub cause: Option<String>,
    pub error: Option<String>,
    /// What failed in part in the latest good one.
    pub problems: Option<String>,
    pub failures_in_row: u32,
    pub interval: Duration,
}

/// How one host is.
#[derive(Clone, Debug, PartialEq)]
pub struct HostHealth {
    pub host: Arc<str>,
    pub state: State,
    /// Since when the state holds, as far as it is known.
    pub since: Option<UnixSeconds>,
    /// The latest collection of any target, good or bad.
    pub last_ts: Option<UnixSeconds>,
    pub targets: Vec<TargetHealth>,
}

/// When a target whose latest collection ended at `last_ts` becomes silent.
pub fn silent_at(last_ts: UnixSeconds, interval: Duration) -> UnixSeconds {
    let tolerance = interval.as_millis().saturating_mul(5) / 2;
    last_ts.saturating_add(i64::try_from(tolerance.div_ceil(1000)).unwrap_or(i64::MAX))
}

/// One target's state at `now`. `known_since`: when the host came into the inventory.
pub fn target(
    way: Way,
    interval: Duration,
    seen: &Seen,
    known_since: Option<UnixSeconds>,
    now: UnixSeconds,
) -> TargetHealth {
    let ok = seen.last_ts.is_some() && seen.failures_in_row == 0;
    let waited_from = seen.last_ts.or(known_since);
    let overdue = waited_from.map(|from| silent_at(from, interval));
    let (state, since) = if overdue.is_some_and(|at| now > at) {
        (State::Silent, overdue)
    } else if ok {
        (State::Up, seen.run_since)
    } else if seen.failures_in_row >= 2 {
        (State::Down, seen.run_since)
    } else if seen.last_good_ts.is_some() {
        // One failure after a good collection is not yet down.
        (State::Up, seen.last_good_ts)
    } else {
        (State::New, known_since)
    };
    TargetHealth {
        way,
        state,
        ok,
        last_ts: seen.last_ts,
        last_good_ts: seen.last_good_ts,
        since,
        cause: seen.cause.clone(),
        error: seen.error.clone(),
        problems: seen.problems.clone(),
        failures_in_row: seen.failures_in_row,
        interval,
    }
}

/// A host's state from its targets'.
pub fn host(host: Arc<str>, targets: Vec<TargetHealth>) -> HostHealth {
    let has = |state| targets.iter().any(|t| t.state == state);
    let state = [State::Up, State::Down, State::Silent]
        .into_iter()
        .find(|s| has(*s))
        .unwrap_or(State::New);
    let of_state = targets.iter().filter(|t| t.state == state);
    let since = match state {
        // Up since the first of its targets is; in every other state since the last one fell.
        State::Up => of_state.filter_map(|t| t.since).min(),
        _ => of_state.filter_map(|t| t.since).max(),
    };
    HostHealth {
        host,
        state,
        since,
        last_ts: targets.iter().filter_map(|t| t.last_ts).max(),
        targets,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Method;

    const MINUTE: Duration = Duration::from_secs(60);

    fn seen(last: i64, good: Option<i64>, failures: u32) -> Seen {
        Seen {
            last_ts: Some(last),
            last_good_ts: good,
            failures_in_row: failures,
            run_since: Some(900),
            ..Seen::default()
        }
    }

    #[test]
    fn a_target_is_up_down_silent_or_new() {
        let cases = [
            ("good", seen(1000, Some(1000), 0), 1000, State::Up),
            (
                "still within 2.5 intervals",
                seen(1000, Some(1000), 0),
                1150,
                State::Up,
            ),
            ("overdue", seen(1000, Some(1000), 0), 1151, State::Silent),
            ("one failure", seen(1000, Some(940), 1), 1010, State::Up),
            ("two failures", seen(1000, Some(880), 2), 1010, State::Down),
            (
                "never good, one failure",
                seen(1000, None, 1),
                1010,
                State::New,
            ),
            (
                "never good, two failures",
                seen(1000, None, 2),
                1010,
                State::Down,
            ),
            (
                "down, then nothing",
                seen(1000, None, 9),
                1200,
                State::Silent,
            ),
            ("nothing yet", Seen::default(), 1100, State::New),
            ("nothing for too long", Seen::default(), 1151, State::Silent),
            ("clock set back", seen(1000, Some(1000), 0), 10, State::Up),
        ];
        for (name, seen, now, want) in cases {
            let got = target(Method::Snmp.into(), MINUTE, &seen, Some(1000), now);
            assert_eq!(got.state, want, "{name}");
        }
    }

    #[test]
    fn a_host_takes_the_best_word_of_its_targets() {
        use State::*;
        let cases: [(&[State], State); 8] = [
            (&[Up, Down], Up),
            (&[Silent, Up], Up),
            (&[Down, Silent], Down),
            (&[Down, New], Down),
            (&[Silent, New], Silent),
            (&[Silent, Silent], Silent),
            (&[New], New),
            (&[], New),
        ];
        for (targets, want) in cases {
            let targets = targets.iter().map(|state| TargetHealth {
                state: *state,
                ..target(Method::Ssh.into(), MINUTE, &Seen::default(), None, 0)
            });
            assert_eq!(host("a".into(), targets.collect()).state, want);
        }
    }
}
