//! From the honest answer to what is really sent.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::super::invented::mix;
use super::super::object::INTEGER;
use super::super::socket::Route;
use super::Mischief::{self, *};
use super::Sent;
use super::draft::{Draft, NOT_IN_TIME, SEQUENCE};
use crate::collect::snmp::codec::{LocalEngine, Request, Seal};

/// More than this many devices do not keep the reply before.
const MOST_KEPT: usize = 10_000;

/// The honest answer.
pub(in crate::simulate) struct Answer<'a> {
    /// Of version 3 none when the answer is a Report.
    pub(in crate::simulate) request: Option<&'a Request<'a>>,
    pub(in crate::simulate) error: (u32, u32),
    pub(in crate::simulate) varbinds: &'a [u8],
    /// With version 3, and with a Report its reason.
    pub(in crate::simulate) secure: Option<(&'a LocalEngine, Seal)>,
    pub(in crate::simulate) reason: u32,
    pub(in crate::simulate) route: Route,
}

/// Chance, and what is remembered from one answer to the next.
pub(in crate::simulate) struct Spoiler {
    state: u64,
    before: HashMap<(Route, u32), Vec<u8>>,
}

impl Spoiler {
    pub(in crate::simulate) fn new(seed: u64) -> Spoiler {
        Spoiler {
            state: seed,
            before: HashMap::new(),
        }
    }

    /// What is sent in the place of the answer.
    pub(in crate::simulate) fn spoil(&mut self, how: Mischief, answer: &Answer<'_>) -> Vec<Sent> {
        let mut draft = Draft::of(answer);
        let honest = draft.octets(answer);
        let at_once = |octets| sent(answer.route, octets);
        match how {
            Silent => Vec::new(),
            Late => later(answer.route, 6_000, honest),
            Slow => later(answer.route, 1_500, honest),
            Flood => (0..10).map(|_| at_once(honest.clone())).collect(),
            Stale => self.stale(answer, honest),
            OtherSource => {
                draft.poison();
                let mut route = answer.route;
                route.to = Ipv4Addr::from(u32::from(route.to) ^ 0x0040_0000);
                vec![sent(route, draft.octets(answer))]
            }
            ForgedReport if draft.version == 3 => {
                let mut forged = Draft::of(answer);
                forged.report(NOT_IN_TIME, (false, false));
                forged.seal.boots = i32::MAX as u32 - 1;
                vec![at_once(forged.octets(answer)), at_once(honest)]
            }
            Empty => vec![at_once(Vec::new())],
            Garbage => vec![at_once(self.chances(500))],
            Huge => vec![at_once(self.chances(60_000))],
            Deep => vec![at_once(deep())],
            Truncated => {
                let end = self.below(honest.len());
                vec![at_once(honest[..end].to_vec())]
            }
            Trailing => {
                draft.poison();
                let mut octets = draft.octets(answer);
                octets.extend(self.chances(40));
                vec![at_once(octets)]
            }
            WrongLength => {
                let mut octets = honest;
                // The last octet of the outer length.
                let at = 1 + usize::from(octets[1] & 0x7f) * usize::from(octets[1] >> 7);
                octets[at] = octets[at].wrapping_add(1 + self.below(9) as u8);
                vec![at_once(octets)]
            }
            WrongVersion => {
                draft.poison();
                let mut octets = draft.octets(answer);
                if let Some(at) = octets.windows(2).position(|w| w == [INTEGER, 1]) {
                    octets[at + 2] = if octets[at + 2] == 1 { 0 } else { 1 };
                }
                vec![at_once(octets)]
            }
            how => {
                draft.spoil(how, answer.request, self);
                vec![at_once(draft.octets(answer))]
            }
        }
    }

    fn stale(&mut self, answer: &Answer<'_>, honest: Vec<u8>) -> Vec<Sent> {
        if self.before.len() > MOST_KEPT {
            self.before.clear();
        }
        let version = answer.request.map_or(3, |r| r.version);
        let before = self.before.insert((answer.route, version), honest);
        before.into_iter().map(|o| sent(answer.route, o)).collect()
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(1);
        (mix(self.state) % end.max(1) as u64) as usize
    }

    fn chances(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.below(256) as u8).collect()
    }
}

fn sent(route: Route, octets: Vec<u8>) -> Sent {
    Sent {
        after: Duration::ZERO,
        route,
        octets,
    }
}

fn later(route: Route, ms: u64, octets: Vec<u8>) -> Vec<Sent> {
    vec![Sent {
        after: Duration::from_millis(ms),
        route,
        octets,
    }]
}

/// Frames around frames, some thousand deep.
fn deep() -> Vec<u8> {
    let mut octets = Vec::new();
    for left in (0..2_000_u16).rev() {
        octets.extend([SEQUENCE, 0x82]);
        octets.extend((left * 4).to_be_bytes());
    }
    octets
}
