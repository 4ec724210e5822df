//! Devices that misbehave on purpose: what each does to its answers.
//!
//! Numbers in answers that nobody must take are poisoned: should one turn up anywhere, it shows.

mod draft;
mod spoil;

use std::time::Duration;

use super::socket::Route;

pub(super) use spoil::{Answer, Spoiler};

/// A way to misbehave; those of version 3 leave versions 1 and 2c alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mischief {
    Silent,
    Late,
    Slow,
    Flood,
    Stale,
    OtherSource,
    WrongId,
    ZeroId,
    HugeId,
    WrongCommunity,
    WrongVersion,
    AsRequest,
    AsReport,
    AsTrap,
    Empty,
    Garbage,
    Huge,
    Deep,
    Truncated,
    Trailing,
    WrongLength,
    NoValues,
    FewerValues,
    MoreValues,
    OtherNames,
    Reversed,
    Repeated,
    Cycle,
    Endless,
    NoInstances,
    EndOfView,
    Nulls,
    WrongTypes,
    LongNumbers,
    EmptyNumbers,
    Nested,
    NotANumber,
    GenErr,
    GenErrFirst,
    NoSuchName,
    TooBig,
    WrongStatus,
    WrongIndex,
    NoAccess,
    EngineId0,
    EngineId4,
    EngineId33,
    EngineId40000,
    MaxSizeHuge,
    MaxSizeSmall,
    LastBoots,
    LastTime,
    BootsBack,
    ForgedReport,
    EndlessReports,
    UnknownUser,
    UnknownEngine,
    NoDigest,
    ShortDigest,
    LongerDigest,
    WrongDigest,
    Unprotected,
    Unencrypted,
    WrongSalt,
}

use Mischief::*;

/// Each with its word on the command line and what it does.
#[rustfmt::skip]
pub const MISCHIEF: [(Mischief, &str, &str); 64] = [
    (Silent, "silent", "never answer"),
    (Late, "late", "answer after six seconds"),
    (Slow, "slow", "answer after a second and a half"),
    (Flood, "flood", "answer ten times"),
    (Stale, "stale", "answer with the reply to the question before"),
    (OtherSource, "other-source", "answer from another address"),
    (WrongId, "wrong-id", "answer under another request id"),
    (ZeroId, "zero-id", "answer under the request id 0"),
    (HugeId, "huge-id", "answer under a request id above 2^31"),
    (WrongCommunity, "wrong-community", "answer with another community (version 3: user)"),
    (WrongVersion, "wrong-version", "answer in another version"),
    (AsRequest, "as-request", "send a request instead of a response"),
    (AsReport, "as-report", "send a report instead of a response"),
    (AsTrap, "as-trap", "send a trap instead of a response"),
    (Empty, "empty", "send datagrams without an octet"),
    (Garbage, "garbage", "send 500 octets of chance"),
    (Huge, "huge", "send 60,000 octets of chance"),
    (Deep, "deep", "send sequences in sequences in sequences"),
    (Truncated, "truncated", "cut the reply off somewhere"),
    (Trailing, "trailing", "put more octets behind the reply"),
    (WrongLength, "wrong-length", "claim another length than there is"),
    (NoValues, "no-values", "leave all values out"),
    (FewerValues, "fewer-values", "leave the last value out"),
    (MoreValues, "more-values", "add values that nobody asked for"),
    (OtherNames, "other-names", "answer about other objects"),
    (Reversed, "reversed", "answer in the reverse order"),
    (Repeated, "repeated", "walks stay where they are"),
    (Cycle, "cycle", "walks go round in circles"),
    (Endless, "endless", "walks never end"),
    (NoInstances, "no-instances", "every value is noSuchInstance"),
    (EndOfView, "end-of-view", "every value is endOfMibView"),
    (Nulls, "nulls", "every value is NULL"),
    (WrongTypes, "wrong-types", "counters are texts"),
    (LongNumbers, "long-numbers", "counters have nine octets"),
    (EmptyNumbers, "empty-numbers", "counters have no octets"),
    (Nested, "nested", "counters are sequences in sequences"),
    (NotANumber, "not-a-number", "counters are floats that are no number"),
    (GenErr, "gen-err", "genErr to everything"),
    (GenErrFirst, "gen-err-first", "genErr about the first object of every question"),
    (NoSuchName, "no-such-name", "noSuchName about the first object of every question"),
    (TooBig, "too-big-always", "tooBig to everything"),
    (WrongStatus, "wrong-status", "an error that does not exist"),
    (WrongIndex, "wrong-index", "an error about object 60,000"),
    (NoAccess, "no-access", "authorizationError to everything"),
    (EngineId0, "engine-id-0", "version 3: no engine ID"),
    (EngineId4, "engine-id-4", "version 3: an engine ID of 4 octets"),
    (EngineId33, "engine-id-33", "version 3: an engine ID of 33 octets"),
    (EngineId40000, "engine-id-40000", "version 3: an engine ID of 40,000 octets"),
    (MaxSizeHuge, "max-size-huge", "version 3: takes messages of 2^31-1 octets"),
    (MaxSizeSmall, "max-size-small", "version 3: takes messages of 484 octets"),
    (LastBoots, "last-boots", "version 3: has started 2^31-1 times"),
    (LastTime, "last-time", "version 3: has run for 2^31-1 seconds"),
    (BootsBack, "boots-back", "version 3: starts fewer and fewer times"),
    (ForgedReport, "forged-report", "version 3: an unsigned report with another clock before each reply"),
    (EndlessReports, "endless-reports", "version 3: notInTimeWindows to everything, signed"),
    (UnknownUser, "unknown-user", "version 3: unknownUserNames to everything"),
    (UnknownEngine, "unknown-engine", "version 3: unknownEngineIDs to everything"),
    (NoDigest, "no-digest", "version 3: a signature of no octets"),
    (ShortDigest, "short-digest", "version 3: a signature of one octet"),
    (LongerDigest, "longer-digest", "version 3: a signature of 200 octets"),
    (WrongDigest, "wrong-digest", "version 3: a wrong signature of the right length"),
    (Unprotected, "unprotected", "version 3: neither signed nor encrypted"),
    (Unencrypted, "unencrypted", "version 3: not encrypted"),
    (WrongSalt, "wrong-salt", "version 3: a salt of three octets"),
];

impl Mischief {
    /// By its word on the command line.
    pub fn from_word(word: &str) -> Option<Mischief> {
        let found = MISCHIEF.iter().find(|(_, known, _)| *known == word);
        found.map(|(mischief, ..)| *mischief)
    }
}

/// A datagram to send, and when.
pub(super) struct Sent {
    pub(super) after: Duration,
    pub(super) route: Route,
    pub(super) octets: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mischief_has_one_word() {
        for (mischief, word, _) in MISCHIEF {
            assert_eq!(Mischief::from_word(word), Some(mischief));
            let same = MISCHIEF.iter().filter(|(m, ..)| *m == mischief);
            assert_eq!(same.count(), 1, "{word}");
        }
    }
}
