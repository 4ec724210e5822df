//! Reports: what a device says instead of an answer, and what that means to a person.

use std::fmt;

use crate::collect::snmp::message::Response;
use crate::collect::snmp::oid::Oid;
use crate::inventory::UsmUser;
use crate::reading::{Cause, Failure};

/// usmStats of RFC 3414, then the statistics of RFC 3412 and RFC 3413, all scalars.
const REASONS: [(&[u32], Reason); 8] = [
    (&[6, 3, 15, 1, 1, 1, 0], Reason::Level),
    (&[6, 3, 15, 1, 1, 2, 0], Reason::Clock),
    (&[6, 3, 15, 1, 1, 3, 0], Reason::User),
    (&[6, 3, 15, 1, 1, 4, 0], Reason::Engine),
    (&[6, 3, 15, 1, 1, 5, 0], Reason::Digest),
    (&[6, 3, 15, 1, 1, 6, 0], Reason::Decryption),
    (&[6, 3, 12, 1, 4, 0], Reason::Context),
    (&[6, 3, 12, 1, 5, 0], Reason::Context),
];

/// Why a device reports instead of answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::collect::snmp) enum Reason {
    /// usmStatsUnsupportedSecLevels
    Level,
    /// usmStatsNotInTimeWindows
    Clock,
    /// usmStatsUnknownUserNames
    User,
    /// usmStatsUnknownEngineIDs
    Engine,
    /// usmStatsWrongDigests
    Digest,
    /// usmStatsDecryptionErrors
    Decryption,
    /// snmpUnavailableContexts, snmpUnknownContexts
    Context,
    Other,
}

impl Reason {
    /// The object that says so in a Report; `None` when it is not one of usmStats.
    pub(in crate::collect::snmp) fn object(self) -> Option<Vec<u32>> {
        let (suffix, _) = REASONS.iter().find(|(_, reason)| *reason == self)?;
        Some([&[1, 3, 6, 1], *suffix].concat())
    }

    /// The reason of a Report, by its first object.
    pub(super) fn of(report: &Response<'_>) -> Reason {
        let Some(Ok((name, _))) = report.varbinds().next() else {
            return Reason::Other;
        };
        let Ok(name) = Oid::from_ber(name) else {
            return Reason::Other;
        };
        let known = |(suffix, _): &&(&[u32], Reason)| {
            name.arcs().strip_prefix(&[1, 3, 6, 1]) == Some(*suffix)
        };
        REASONS
            .iter()
            .find(known)
            .map_or(Reason::Other, |(_, r)| *r)
    }
}

/// A Report.
#[derive(Clone, Debug)]
pub(in crate::collect::snmp) struct Report {
    pub(super) reason: Reason,
    /// Its signature was verified.
    pub(super) signed: bool,
    pub(super) engine_id: Vec<u8>,
    pub(super) boots: u32,
    pub(super) time: u32,
}

impl Report {
    pub(in crate::collect::snmp) fn reason(&self) -> Reason {
        self.reason
    }

    pub(in crate::collect::snmp) fn is_signed(&self) -> bool {
        self.signed
    }
}

/// Why a device of version 3 does not answer, when it is not the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::collect::snmp) enum Complaint {
    /// It reported so.
    Reported(Reason),
    /// Its engine is not the one that it was, again within a minute.
    EngineChanged,
    /// It lets the user in, but not to any object.
    NoAccess,
    /// It answers what is signed, not what is encrypted.
    WrongPrivacy,
    /// It speaks version 3, but did not answer this user in these seconds.
    Unanswered(u64),
}

impl Complaint {
    /// In words that a person can act on.
    pub(in crate::collect::snmp) fn failure(&self, user: &UsmUser) -> Failure {
        let shown = Shown(user);
        let name = &user.name;
        let (cause, message) = match self {
            Complaint::Reported(Reason::User) => (
                Cause::Auth,
                format!("unknown user {name} (create it on the device, or correct `user`)"),
            ),
            Complaint::Reported(Reason::Digest) => (
                Cause::Auth,
                format!("wrong authentication password or protocol of user {name} ({shown})"),
            ),
            Complaint::Reported(Reason::Decryption) | Complaint::WrongPrivacy => (
                Cause::Auth,
                format!("wrong privacy password or protocol of user {name} ({shown})"),
            ),
            Complaint::Reported(Reason::Level) => (
                Cause::Auth,
                format!(
                    "unsupported security level: user {name} is not set up on the device for {shown}"
                ),
            ),
            Complaint::Reported(Reason::Context) => (
                Cause::Auth,
                format!("unknown context `{}` (correct `context`)", user.context),
            ),
            Complaint::NoAccess => (
                Cause::Auth,
                format!(
                    "user {name} may not read anything ({shown}): give it a view on the device"
                ),
            ),
            Complaint::Reported(Reason::Clock) => (
                Cause::Protocol,
                "clock: the device keeps saying that our idea of its engine time is wrong (is its engine boots counter stuck, or does another device answer too?)".into(),
            ),
            Complaint::EngineChanged | Complaint::Reported(Reason::Engine) => (
                Cause::Protocol,
                "engine changed: device replaced or two devices with one engine ID (tried again in a minute)".into(),
            ),
            Complaint::Reported(Reason::Other) => (
                Cause::Protocol,
                "the device reports an SNMPv3 error that no standard names".into(),
            ),
            Complaint::Unanswered(seconds) => (
                Cause::Timeout,
                format!(
                    "no answer to user {name} in {seconds} s, although the device speaks SNMPv3: wrong privacy password or protocol ({shown}), or wrong context?"
                ),
            ),
        };
        Failure::new(cause, message)
    }
}

/// The protocols of a user: `sha256, aes128`.
struct Shown<'a>(&'a UsmUser);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(auth) = &self.0.auth else {
            return f.write_str("without authentication");
        };
        f.write_str(auth.protocol.as_str())?;
        match &auth.privacy {
            Some(privacy) => write!(f, ", {}", privacy.protocol.as_str()),
            None => f.write_str(", without privacy"),
        }
    }
}
