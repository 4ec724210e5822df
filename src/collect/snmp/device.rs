//! What one device taught us: how fast it answers, how much it bears at once, what it offers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::breaker::{Breaker, PROBE_PATIENCE};
use super::plan::Plan;
use super::profile::Profiles;
use super::slots::ATTEMPTS;
use super::usm::Usm;
use crate::inventory::PortFilter;

const SHORTEST_PATIENCE: Duration = Duration::from_millis(500);
const LONGEST_PATIENCE: Duration = Duration::from_secs(5);
/// Before anything is known.
const FIRST_PATIENCE: Duration = Duration::from_secs(1);
/// All attempts together wait at least this long: a fast device may be busy for a while.
const LEAST_TOTAL: Duration = Duration::from_secs(5);

/// A datagram of this size passes every link without being cut in pieces.
const FULL_BYTES: usize = 1_400;
/// The same with the envelope of version 3, of which this much at most is larger than version 2's.
const FULL_SECURE: usize = 1_440;
const SECURE_ENVELOPE: usize = 160;
const FULL_VARBINDS: usize = 64;
const FIRST_WALKED: usize = 20;
const MOST_WALKED: usize = 100;

/// Memory of one device, kept from poll to poll.
#[derive(Default)]
pub(super) struct Device {
    /// The last good address and when DNS said it.
    pub(super) address: Option<(IpAddr, Instant)>,
    pub(super) pace: Pace,
    pub(super) breaker: Breaker,
    /// With version 3: the engine and its clock.
    pub(super) usm: Option<Arc<Usm>>,
    pub(super) packing: Packing,
    pub(super) plan: Option<Plan>,
    pub(super) profiles: Profiles,
    /// Which interfaces are watched.
    pub(super) interfaces: Arc<PortFilter>,
    /// The last collection failed: say hello before asking for much.
    pub(super) suspect: bool,
    /// It started a few minutes ago: what it does not offer yet may come.
    pub(super) young: bool,
    /// How often in a row something was wrong when it was looked at.
    pub(super) doubts: u32,
    /// Tables that were empty, and when that was.
    pub(super) absent: HashMap<&'static str, Instant>,
    /// Since when its processes are not asked for, because that took too long.
    pub(super) slow_processes: Option<Instant>,
    /// Names of running processes by pid, with the CPU time last seen.
    pub(super) processes: HashMap<u32, (Arc<str>, i64)>,
}

impl Device {
    /// Follows the inventory; with another filter the interfaces are looked at anew.
    pub(super) fn follow_ports(&mut self, wanted: &Arc<PortFilter>) {
        if self.interfaces != *wanted {
            self.interfaces = wanted.clone();
            self.plan = None;
        }
    }

    /// How long each attempt of a question is waited for; there are no more than these.
    pub(super) fn patience(&self) -> impl Iterator<Item = Duration> + '_ {
        let least = if self.breaker.is_open() {
            PROBE_PATIENCE
        } else {
            Duration::ZERO
        };
        (0..self.breaker.attempts()).map(move |attempt| self.pace.patience(attempt).max(least))
    }
}

/// A device that keeps us waiting this long in one poll is asked several things at once.
const LONG_WAIT: Duration = Duration::from_secs(1);
const MOST_AT_ONCE: usize = 4;

/// Smoothed round-trip time, and how many requests may be under way at once.
pub(super) struct Pace {
    smoothed: Option<Duration>,
    window: usize,
    /// More at once went wrong before.
    most: usize,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            smoothed: None,
            window: 1,
            most: MOST_AT_ONCE,
        }
    }
}

impl Pace {
    pub(super) fn learn(&mut self, measured: Duration) {
        self.smoothed = Some(match self.smoothed {
            Some(before) => (before * 7 + measured) / 8,
            None => measured,
        });
    }

    /// Requests under way at once: 1 until a device far away has shown that it bears more.
    pub(super) fn window(&self) -> usize {
        self.window
    }

    /// After `rounds` of as many requests as the window allows, which took `took`; `clean` when no
    /// request had to be repeated.
    pub(super) fn widen(&mut self, clean: bool, rounds: usize, took: Duration) {
        if !clean {
            if self.window > 1 {
                self.most = self.window / 2;
            }
            self.window = 1;
        } else if rounds > 1 && took > LONG_WAIT {
            self.window = (self.window + 1).min(self.most);
        }
    }

    /// How long to wait after an attempt before the next one, the first being 0.
    pub(super) fn patience(&self, attempt: usize) -> Duration {
        let base = self.smoothed.map_or(FIRST_PATIENCE, |s| {
            (s * 3).clamp(SHORTEST_PATIENCE, LONGEST_PATIENCE)
        });
        match attempt {
            0 => base,
            _ if attempt + 1 < ATTEMPTS => base * 3 / 2,
            _ => (base * 5 / 2).max(LEAST_TOTAL.saturating_sub(base * 5 / 2)),
        }
    }
}

/// How much goes into one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packing {
    /// Estimated length of the reply.
    pub(super) bytes: usize,
    /// Objects in one GET.
    pub(super) varbinds: usize,
    /// Objects in one reply to a GETBULK: columns times max-repetitions.
    pub(super) walked: usize,
    /// More octets do not fit into one message.
    full: usize,
}

impl Default for Packing {
    fn default() -> Packing {
        Packing {
            bytes: FULL_BYTES,
            varbinds: FULL_VARBINDS,
            walked: FIRST_WALKED,
            full: FULL_BYTES,
        }
    }
}

impl Packing {
    /// Messages of version 3 of at most this many octets are to be sent: their envelope is larger.
    pub(super) fn limit(&mut self, octets: usize) {
        self.full = octets.min(FULL_SECURE) - SECURE_ENVELOPE;
        self.bytes = self.bytes.min(self.full);
    }

    /// After the device choked on `varbinds` of them.
    pub(super) fn halve(&mut self, varbinds: usize) {
        self.bytes = (self.bytes / 2).max(64);
        self.varbinds = (varbinds / 2).max(1);
    }

    /// After it choked on a GETBULK of `varbinds`.
    pub(super) fn halve_walked(&mut self, varbinds: usize) {
        self.walked = (varbinds / 2).max(1);
    }

    /// A device that choked once may have been busy: every rediscovery tries twice as much again.
    pub(super) fn recover(&mut self) {
        self.bytes = (self.bytes * 2).min(self.full);
        self.varbinds = (self.varbinds * 2).min(FULL_VARBINDS);
    }

    /// After a full reply of `varbinds` objects that took `bytes`: as many as one datagram holds.
    pub(super) fn learn_walked(&mut self, bytes: usize, varbinds: usize) {
        let fitting = self.bytes * varbinds / bytes.max(1);
        self.walked = fitting.clamp(1, self.walked * 2).min(MOST_WALKED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_five_seconds_in_all_at_first() {
        let pace = Pace::default();
        let total: Duration = (0..ATTEMPTS).map(|a| pace.patience(a)).sum();
        assert_eq!(total, Duration::from_secs(5));
    }

    #[test]
    fn follows_the_round_trip_within_bounds() {
        let mut pace = Pace::default();
        pace.learn(Duration::from_millis(2));
        assert_eq!(pace.patience(0), Duration::from_millis(500));
        for _ in 0..100 {
            pace.learn(Duration::from_secs(1));
        }
        assert!(pace.patience(0) > Duration::from_millis(2_900));
        for _ in 0..100 {
            pace.learn(Duration::from_secs(60));
        }
        assert_eq!(pace.patience(0), LONGEST_PATIENCE);
    }

    #[test]
    fn several_at_once_only_where_it_helps_and_works() {
        let (short, long) = (Duration::from_millis(10), Duration::from_secs(3));
        let mut pace = Pace::default();
        pace.widen(true, 9, short);
        assert_eq!(pace.window(), 1);
        for _ in 0..9 {
            pace.widen(true, 9, long);
        }
        assert_eq!(pace.window(), 4);
        pace.widen(false, 9, long);
        assert_eq!(pace.window(), 1);
        for _ in 0..9 {
            pace.widen(true, 9, long);
        }
        assert_eq!(pace.window(), 2, "never again as many as went wrong");
    }

    #[test]
    fn walks_fill_one_datagram() {
        let mut packing = Packing::default();
        packing.learn_walked(500, 20);
        assert_eq!(packing.walked, 40);
        packing.learn_walked(4_000, 40);
        assert_eq!(packing.walked, 14);
        for _ in 0..9 {
            packing.halve_walked(packing.walked);
        }
        assert_eq!(packing.walked, 1);
    }
}
