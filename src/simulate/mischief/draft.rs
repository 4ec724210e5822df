//! An answer taken apart, every part of which can be spoiled.

use super::super::object::{COUNTER32, COUNTER64, GAUGE, INTEGER, NULL, OCTETS, OPAQUE, TICKS};
use super::Mischief::{self, *};
use super::spoil::{Answer, Spoiler};
use crate::collect::snmp::codec::{self, Question, Reply, Request, Seal};

const REQUEST: u8 = 0xa0;
const RESPONSE: u8 = 0xa2;
const TRAP: u8 = 0xa7;
const REPORT: u8 = 0xa8;
pub(super) const SEQUENCE: u8 = 0x30;
const NO_INSTANCE: u8 = 0x81;
const END_OF_VIEW: u8 = 0x82;
pub(super) const NOT_IN_TIME: u32 = 2;
const UNKNOWN_USER: u32 = 3;
const UNKNOWN_ENGINE: u32 = 4;
/// What would be seen if it were taken.
const POISON: [u8; 2] = [0x66, 0x66];
/// The longest name of a column; what is longer has an index.
const LONGEST_COLUMN: usize = 11;

/// An answer that can be spoiled in every part.
pub(super) struct Draft {
    pub(super) version: u32,
    community: Vec<u8>,
    tag: u8,
    id: u32,
    error: (u32, u32),
    varbinds: Vec<(Vec<u8>, u8, Vec<u8>)>,
    pub(super) seal: Seal,
}

impl Draft {
    pub(super) fn of(answer: &Answer<'_>) -> Draft {
        let seal = answer.secure.as_ref().map(|(_, seal)| seal.clone());
        let seal = seal.unwrap_or_default();
        let request = answer.request;
        let mut draft = Draft {
            version: request.map_or(3, |r| r.version),
            community: request.map_or(Vec::new(), |r| r.community.to_vec()),
            tag: RESPONSE,
            id: request.map_or(seal.id, |r| r.id),
            error: answer.error,
            varbinds: codec::varbinds(answer.varbinds),
            seal,
        };
        if request.is_none() {
            let level = (draft.seal.signed, draft.seal.encrypted);
            draft.report(answer.reason, level);
        }
        draft
    }

    pub(super) fn octets(&self, answer: &Answer<'_>) -> Vec<u8> {
        let (mut list, mut out) = (Vec::new(), Vec::new());
        for (name, tag, content) in &self.varbinds {
            codec::push_varbind(name, *tag, content, &mut list);
        }
        let reply = Reply {
            version: self.version,
            community: &self.community,
            tag: self.tag,
            id: self.id,
            status: self.error.0,
            index: self.error.1,
            varbinds: &list,
        };
        reply.push(&mut out);
        match &answer.secure {
            Some((engine, _)) => engine.seal(&self.seal, &out),
            None => out,
        }
    }

    /// Makes a Report of it.
    pub(super) fn report(&mut self, reason: u32, (signed, encrypted): (bool, bool)) {
        let mut name = Vec::new();
        codec::push_name(&[1, 3, 6, 1, 6, 3, 15, 1, 1, reason, 0], &mut name);
        self.tag = REPORT;
        self.error = (0, 0);
        self.varbinds = vec![(name, COUNTER32, vec![1])];
        self.seal.signed = signed;
        self.seal.encrypted = encrypted;
    }

    pub(super) fn poison(&mut self) {
        for (_, tag, content) in &mut self.varbinds {
            if [INTEGER, COUNTER32, GAUGE, TICKS, COUNTER64].contains(tag) {
                *content = POISON.to_vec();
            }
        }
    }

    fn counters(&mut self, tag: u8, content: &[u8]) {
        for (_, old, value) in &mut self.varbinds {
            if [COUNTER32, COUNTER64].contains(old) {
                *old = tag;
                *value = content.to_vec();
            }
        }
    }

    fn values(&mut self, tag: u8) {
        for (_, old, value) in &mut self.varbinds {
            *old = tag;
            value.clear();
        }
    }

    fn fail(&mut self, status: u32, index: u32) {
        self.error = (status, index);
        self.poison();
    }

    pub(super) fn spoil(
        &mut self,
        how: Mischief,
        request: Option<&Request<'_>>,
        chance: &mut Spoiler,
    ) {
        match how {
            WrongId => self.id ^= 1 << 3,
            ZeroId => self.id = 0,
            HugeId => self.id |= 1 << 31,
            WrongCommunity => {
                self.community = b"other".to_vec();
                self.seal.user = Some(b"other".to_vec());
            }
            AsRequest => self.tag = REQUEST,
            AsReport => self.tag = REPORT,
            AsTrap => self.tag = TRAP,
            WrongTypes => return self.counters(OCTETS, b"text"),
            LongNumbers => return self.counters(COUNTER64, &[1; 9]),
            EmptyNumbers => return self.counters(COUNTER64, &[]),
            Nested => return self.counters(SEQUENCE, &[SEQUENCE, 4, SEQUENCE, 2, SEQUENCE, 0]),
            NotANumber => {
                return self.counters(OPAQUE, &[0x9f, 0x78, 4, 0x7f, 0xc0, 0, 0]);
            }
            NoInstances => return self.values(NO_INSTANCE),
            EndOfView => return self.values(END_OF_VIEW),
            Nulls => return self.values(NULL),
            GenErr => return self.fail(5, 0),
            GenErrFirst => return self.fail(5, 1),
            NoSuchName => return self.fail(2, 1),
            TooBig => return self.fail(1, 0),
            WrongStatus => return self.fail(4_711, 0),
            WrongIndex => return self.fail(5, 60_000),
            NoAccess => return self.fail(16, 0),
            _ if self.version == 3 && self.spoil_seal(how, chance) => return,
            _ => return self.spoil_list(how, request),
        }
        if self.version == 3 && matches!(how, WrongId | ZeroId | HugeId) {
            self.seal.id = self.id;
        }
        self.poison();
    }

    /// What is asked for by walks, or how the values are listed.
    fn spoil_list(&mut self, how: Mischief, request: Option<&Request<'_>>) {
        let Some(request) = request else {
            return;
        };
        let walks = request.question != Question::Get;
        match how {
            NoValues => self.varbinds.clear(),
            FewerValues => {
                self.varbinds.pop();
                self.poison();
            }
            MoreValues => {
                let more = self.varbinds.clone();
                self.varbinds.extend(more);
                self.poison();
            }
            OtherNames => {
                self.varbinds.iter_mut().for_each(|(name, ..)| name.push(1));
                self.poison();
            }
            Reversed if self.varbinds.len() > 1 => {
                self.varbinds.reverse();
                self.poison();
            }
            Repeated if walks => {
                let asked = request.names.iter().cycle();
                for ((name, ..), asked) in self.varbinds.iter_mut().zip(asked) {
                    *name = asked.to_vec();
                }
                self.poison();
            }
            Cycle if walks => {
                for (name, ..) in &mut self.varbinds {
                    if let Some(last @ 3..0x80) = name.last_mut() {
                        *last = 1;
                    }
                }
            }
            Endless if walks => self.endless(request),
            _ => {}
        }
    }

    fn endless(&mut self, request: &Request<'_>) {
        let rounds = match request.question {
            Question::GetBulk {
                max_repetitions, ..
            } => max_repetitions.min(50),
            _ => 1,
        };
        self.error = (0, 0);
        self.varbinds.clear();
        let mut cursors: Vec<Vec<u32>> = Vec::new();
        for name in &request.names {
            let mut arcs = Vec::new();
            codec::read_name(name, &mut arcs);
            cursors.push(arcs);
        }
        for _ in 0..rounds {
            for arcs in &mut cursors {
                match arcs.len() > LONGEST_COLUMN {
                    true => arcs
                        .iter_mut()
                        .next_back()
                        .into_iter()
                        .for_each(|last| *last += 1),
                    false => arcs.push(1),
                }
                let mut name = Vec::new();
                codec::push_name(arcs, &mut name);
                self.varbinds.push((name, INTEGER, POISON.to_vec()));
            }
        }
    }

    /// `true` when it was a lie of version 3.
    fn spoil_seal(&mut self, how: Mischief, chance: &mut Spoiler) -> bool {
        let engine = |length: usize| Some(vec![0x80; length]);
        let digest = |length: usize| Some(vec![0; length]);
        match how {
            EngineId0 => self.seal.engine_id = engine(0),
            EngineId4 => self.seal.engine_id = engine(4),
            EngineId33 => self.seal.engine_id = engine(33),
            EngineId40000 => self.seal.engine_id = engine(40_000),
            MaxSizeHuge => self.seal.max_size = Some(i32::MAX as u32),
            MaxSizeSmall => self.seal.max_size = Some(484),
            LastBoots => self.seal.boots = i32::MAX as u32,
            LastTime => self.seal.time = i32::MAX as u32,
            BootsBack => self.seal.boots = 1_000 - chance.below(900) as u32,
            EndlessReports => self.report(NOT_IN_TIME, (true, false)),
            UnknownUser => self.report(UNKNOWN_USER, (false, false)),
            UnknownEngine => self.report(UNKNOWN_ENGINE, (false, false)),
            NoDigest => self.lie(digest(0)),
            ShortDigest => self.lie(digest(1)),
            LongerDigest => self.lie(digest(200)),
            WrongDigest => self.lie(digest(24)),
            Unprotected if self.tag == RESPONSE => {
                (self.seal.signed, self.seal.encrypted) = (false, false);
                self.poison();
            }
            Unencrypted if self.tag == RESPONSE => {
                self.seal.encrypted = false;
                self.poison();
            }
            WrongSalt if self.seal.encrypted => {
                self.seal.salt = Some(vec![1; 3]);
                self.poison();
            }
            _ => return false,
        }
        true
    }

    /// Who has no signature to spoil stays honest, so that the engine can be found.
    fn lie(&mut self, digest: Option<Vec<u8>>) {
        if self.seal.signed {
            self.seal.digest = digest;
            self.poison();
        }
    }
}
