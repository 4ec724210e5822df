//! Datagrams by chance, most of them nearly right: whatever comes, what takes them apart does not
//! panic, and never says that there is more than came.
//!
//! The same seed makes the same datagrams. `EIDER_FUZZ_ROUNDS` makes more of them, `EIDER_FUZZ_SEED`
//! others; a panic tells the seed and the datagram.

use std::sync::Arc;

use tokio::time::Instant;

use crate::collect::snmp::codec::{self, LocalEngine, LocalUser};
use crate::collect::snmp::message::Response;
use crate::collect::snmp::oid::Oid;
use crate::collect::snmp::testing::agent::Mib;
use crate::collect::snmp::testing::{message, oid, tlv};
use crate::collect::snmp::usm::testing::{Device3, OPEN, PRIVATE, SIGNED, user};
use crate::collect::snmp::usm::{self, Opened, Passwords, Usm};
use crate::collect::snmp::{text, value};
use crate::inventory::UsmUser;

const ROUNDS: usize = 30_000;
const TAGS: [u8; 26] = [
    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x1f, 0x30, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47,
    0x80, 0x81, 0x82, 0xa0, 0xa1, 0xa2, 0xa5, 0xa7, 0xa8, 0xff,
];

fn from_environment(name: &str, otherwise: usize) -> usize {
    let set = std::env::var(name).ok().and_then(|text| text.parse().ok());
    set.unwrap_or(otherwise)
}

/// Chance (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ value >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn octets(&mut self) -> Vec<u8> {
        let length = match self.below(40) {
            0 => 5_000,
            1..5 => 200,
            _ => 9,
        };
        (0..self.below(length)).map(|_| self.next() as u8).collect()
    }

    fn tag(&mut self, right: u8) -> u8 {
        match self.one_in(300) {
            true => TAGS[self.below(TAGS.len())],
            false => right,
        }
    }

    /// A frame, its tag and length wrong now and then.
    fn frame(&mut self, tag: u8, content: &[u8]) -> Vec<u8> {
        let tag = self.tag(tag);
        let mut out = tlv(tag, content);
        match self.below(600) {
            0 => out[1] = self.next() as u8,
            1 => out = [&[tag, 0x80], content, &[0, 0]].concat(),
            2 => out = [&[tag, 0x84, 0xff, 0xff, 0xff, 0xff], content].concat(),
            3 => {
                let long = (content.len() as u64).to_be_bytes();
                out = [&[tag, 0x88], &long[..], content].concat();
            }
            4 => out.push(0),
            5 => out.truncate(self.below(out.len() + 1)),
            _ => {}
        }
        out
    }

    fn integer(&mut self) -> Vec<u8> {
        let edges: [&[u8]; 8] = [
            &[0],
            &[1],
            &[0x7f, 0xff, 0xff, 0xff],
            &[0x80, 0, 0, 0],
            &[0, 0xff, 0xff, 0xff, 0xff],
            &[],
            &[0xff; 9],
            &[3],
        ];
        let content = match self.one_in(8) {
            true => edges[self.below(edges.len())],
            false => edges[1],
        };
        self.frame(0x02, content)
    }

    /// A tree of frames.
    fn tree(&mut self, depth: usize) -> Vec<u8> {
        let tag = TAGS[self.below(TAGS.len())];
        let content = match depth > 0 && self.one_in(2) {
            true => (0..self.below(4))
                .flat_map(|_| self.tree(depth - 1))
                .collect(),
            false => self.octets(),
        };
        self.frame(tag, &content)
    }

    fn value(&mut self) -> Vec<u8> {
        match self.below(6) {
            0 => self.tree(6),
            1 => {
                let kind = [0x78, 0x79, 0x76, 0x7a, 0x7b][self.below(5)];
                let inner = self.octets();
                let inside = [&[0x9f, kind, inner.len() as u8], &inner[..]].concat();
                self.frame(0x44, &inside)
            }
            _ => {
                let (tag, content) = (TAGS[self.below(TAGS.len())], self.octets());
                self.frame(tag, &content)
            }
        }
    }

    fn pdu(&mut self) -> Vec<u8> {
        let list: Vec<u8> = (0..self.below(6))
            .flat_map(|_| {
                let name = match self.one_in(4) {
                    true => self.octets(),
                    false => oid(&[1, 3, 6, 1, 2, 1, self.below(9) as u32, self.next() as u32]),
                };
                let pair = [self.frame(0x06, &name), self.value()].concat();
                self.frame(0x30, &pair)
            })
            .collect();
        let numbers = [self.integer(), self.integer(), self.integer()].concat();
        let body = [numbers, self.frame(0x30, &list)].concat();
        let tag = [0xa0, 0xa1, 0xa2, 0xa2, 0xa2, 0xa5, 0xa8][self.below(7)];
        self.frame(tag, &body)
    }

    fn plain(&mut self) -> Vec<u8> {
        let version = [self.below(3) as u8];
        let head = [self.frame(0x02, &version), self.frame(0x04, b"public")].concat();
        let body = [head, self.pdu()].concat();
        self.frame(0x30, &body)
    }

    fn secure(&mut self, engine: &[u8]) -> Vec<u8> {
        let id = match self.one_in(4) {
            true => self.octets(),
            false => engine.to_vec(),
        };
        let flags = [self.below(8) as u8];
        let header = [
            self.integer(),
            self.integer(),
            self.frame(0x04, &flags),
            tlv(0x02, &[3]),
        ];
        let secret = [self.octets(), self.octets()];
        let security = [
            self.frame(0x04, &id),
            self.integer(),
            self.integer(),
            self.frame(0x04, b"monitor"),
            self.frame(0x04, &secret[0]),
            self.frame(0x04, &secret[1]),
        ]
        .concat();
        let security = self.frame(0x30, &security);
        let scoped = [self.frame(0x04, &id), self.frame(0x04, b""), self.pdu()].concat();
        let body = [
            self.frame(0x02, &[3]),
            self.frame(0x30, &header.concat()),
            self.frame(0x04, &security),
            self.frame(0x30, &scoped),
        ]
        .concat();
        self.frame(0x30, &body)
    }

    /// Some octets changed, taken away or put in.
    fn mutated(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut out = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(out.len());
            match self.below(5) {
                0 => out.truncate(at),
                1 => out.insert(at, self.next() as u8),
                2 if !out.is_empty() => drop(out.remove(at)),
                3 if !out.is_empty() => out[at] ^= 1 << self.below(8),
                _ if !out.is_empty() => out[at] = TAGS[self.below(TAGS.len())],
                _ => {}
            }
        }
        out
    }
}

/// Says what it was when a test panics.
struct Trial<'a>(usize, &'a [u8]);

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("EIDER_FUZZ_SEED={}: {:02x?}", self.0, self.1);
        }
    }
}

/// Everything that takes datagrams apart.
struct Takers {
    seed: usize,
    open: Usm,
    closed: Usm,
    agent: LocalEngine,
}

impl Takers {
    async fn new(device: &Device3, seed: usize) -> Takers {
        let nobody = UsmUser {
            auth: None,
            ..user()
        };
        let agent = LocalUser::new(nobody.clone()).unwrap();
        Takers {
            seed,
            open: met(nobody, device).await,
            closed: met(user(), device).await,
            agent: LocalEngine::new(&agent, device.engine_id.clone()),
        }
    }

    fn take(&self, datagram: &[u8]) {
        let _trial = Trial(self.seed, datagram);
        if let Ok(response) = Response::decode(datagram) {
            let mut octets = 0;
            for (name, datum) in response.varbinds().flatten() {
                let _ = Oid::from_ber(name).map(|oid| oid.to_string());
                octets += name.len() + datum.bytes().map_or(0, <[u8]>::len);
                // A float has some 300 digits at most.
                assert!(format!("{datum:?}").len() < 400, "a value prints itself");
                let shown = text::shown(datum.bytes().unwrap_or_default());
                assert!(!shown.contains(char::is_control), "{shown:?}");
            }
            assert!(octets <= datagram.len());
        }
        let _ = usm::message_id(datagram);
        let _ = usm::read_discovery(datagram);
        let _ = codec::Request::decode(datagram).map(|r| r.names.len());
        let _ = self.agent.hear(datagram, (5, 0));
        for usm in [&self.open, &self.closed] {
            let (engine, mut room) = (usm.engine().unwrap(), Vec::new());
            let opened = usm.open((&engine, &[]), datagram, Instant::now(), &mut room);
            if let Ok(Opened::Response(response)) = opened {
                response.varbinds().for_each(drop);
            }
        }
        if let [tag, content @ ..] = datagram {
            let _ = value::decode(*tag, content);
        }
    }
}

async fn met(user: UsmUser, device: &Device3) -> Usm {
    let usm = Usm::new(user, Arc::new(Passwords::new())).await.unwrap();
    let mut question = Vec::new();
    usm::write_discovery(9, &mut question);
    let answer = device.answer(&question, Instant::now()).unwrap();
    let found = usm::read_discovery(&answer).unwrap();
    usm.adopt(found, Instant::now()).await.unwrap();
    usm
}

#[tokio::test]
async fn nearly_right_datagrams_are_taken_apart_or_refused() {
    let device = Device3::new(Mib::new());
    let seed = from_environment("EIDER_FUZZ_SEED", 1);
    let rounds = from_environment("EIDER_FUZZ_ROUNDS", ROUNDS);
    let takers = Takers::new(&device, seed).await;
    let mut chance = Chance(seed as u64);
    let mut understood = 0;
    for round in 0..rounds {
        let datagram = match round % 4 {
            0 => chance.tree(8),
            1 => chance.plain(),
            2 => chance.secure(&device.engine_id),
            // Signed and encrypted as it should be, nonsense inside.
            _ => {
                let pdu = chance.pdu();
                let level = [OPEN, SIGNED, PRIVATE][chance.below(3)];
                device.seal(level, 7, (5, 1), &pdu)
            }
        };
        understood += usize::from(Response::decode(&datagram).is_ok());
        takers.take(&datagram);
    }
    // Were none of them understood, nothing behind the first look would have been tried.
    assert!(understood > rounds / 100, "only {understood} of {rounds}");
}

#[tokio::test]
async fn changed_datagrams_are_taken_apart_or_refused() {
    let device = Device3::new(Mib::new());
    let seed = from_environment("EIDER_FUZZ_SEED", 1);
    let rounds = from_environment("EIDER_FUZZ_ROUNDS", 3 * ROUNDS);
    let takers = Takers::new(&device, seed).await;
    let name = [1, 3, 6, 1, 2, 1, 1, 3, 0];
    let values = |tag| {
        [
            (&name[..], tag, vec![1, 2, 3, 4]),
            (&name[..], 0x04, vec![7; 300]),
        ]
    };
    let mut seeds: Vec<Vec<u8>> = [0x02, 0x06, 0x40, 0x41, 0x43, 0x44, 0x46, 0x82]
        .into_iter()
        .flat_map(|tag| [0xa0, 0xa2, 0xa5].map(|pdu| (tag, pdu)))
        .map(|(tag, pdu)| message(1, b"public", pdu, 7, 0, 0, &values(tag)))
        .collect();
    let now = Instant::now();
    for level in [OPEN, SIGNED, PRIVATE] {
        seeds.push(device.poisoned(level, 7, now));
        seeds.push(device.report(usm::testing::CLOCK, level, 7, (5, 0)));
    }
    let mut chance = Chance(seed as u64);
    for round in 0..rounds {
        takers.take(&chance.mutated(&seeds[round % seeds.len()]));
    }
}
