//! The user-based security model of SNMP v3 (RFC 3414), on the side of the one who asks.
//!
//! Nothing that a message says is believed before its signature is verified: what an unsigned
//! discovery says of the engine's time serves as a first guess only. The security level of the user
//! is a minimum that no answer may undercut; only Reports may, as far as the standard lets them,
//! and what an unsigned Report says changes nothing that is verified.

mod agent;
mod auth;
mod clock;
mod discovery;
mod keys;
mod privacy;
mod receive;
mod report;
mod state;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use snmp2::snmp::{MSG_REPORT, MSG_RESPONSE};
use tokio::time::Instant;

use super::message::{Ask, Malformed, Response};
use crate::inventory::UsmUser;
use crate::reading::{Event, Failure};
use auth::Signer;
use clock::Clock;
use keys::UserKeys;
use state::State;
use wire::Envelope;

pub(crate) use agent::{Heard, LocalEngine, LocalUser, Seal};
pub(super) use discovery::{read_discovery, write_discovery};
pub(super) use keys::Passwords;
pub(super) use receive::{Incoming, OwnEngine, Sender};
pub(super) use report::{Complaint, Reason, Report};
pub(super) use state::RemoteEngine;
pub(super) use wire::message_id;

/// The number of the version in a message.
pub(super) const VERSION: u32 = 3;
/// One device as its user sees it.
pub(super) struct Usm {
    user: UsmUser,
    keys: UserKeys,
    passwords: Arc<Passwords>,
    state: Mutex<State>,
}

/// A reply that is what it should be.
pub(super) enum Opened<'a> {
    Response(Response<'a>),
    Report(Report),
}

/// What one question has cost of the patience with Reports.
#[derive(Default)]
pub(super) struct Rounds {
    resynchronised: bool,
}

/// A question.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) ask: Ask,
    pub(super) id: u32,
    pub(super) varbinds: &'a [u8],
    pub(super) context: &'a [u8],
}

impl Usm {
    /// Makes the user's keys, where they are not known from another device.
    pub(super) async fn new(user: UsmUser, passwords: Arc<Passwords>) -> Result<Usm, Failure> {
        let keys = passwords.of(&user).await?;
        Ok(Usm {
            user,
            keys,
            passwords,
            state: Mutex::default(),
        })
    }

    pub(super) fn user(&self) -> &UsmUser {
        &self.user
    }

    /// The device's engine, as far as it is known.
    pub(super) fn engine(&self) -> Option<Arc<RemoteEngine>> {
        self.state().engine.clone()
    }

    /// The longest message that the device takes.
    pub(super) fn max_size(&self) -> Option<u32> {
        self.state().max_size
    }

    /// The device answered this user before.
    pub(super) fn has_answered(&self) -> bool {
        self.state().answered
    }

    /// What happened to the engine since the last time.
    pub(super) fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.state().events)
    }

    /// Replaces `out` by a question as secure as the user demands.
    pub(super) fn seal(
        &self,
        engine: &RemoteEngine,
        question: Question<'_>,
        now: Instant,
        out: &mut Vec<u8>,
    ) {
        let clock = self.state().clock.map_or((0, 0), |clock| clock.read(now));
        self.seal_at(engine, clock, question, out);
    }

    /// The same at a time when the engine surely is not: it must answer with a signed Report,
    /// before it looks at anything encrypted.
    pub(super) fn seal_out_of_time(
        &self,
        engine: &RemoteEngine,
        question: Question<'_>,
        now: Instant,
        out: &mut Vec<u8>,
    ) {
        let (boots, _) = self.state().clock.map_or((0, 0), |clock| clock.read(now));
        self.seal_at(engine, (u32::from(boots == 0), 0), question, out);
    }

    fn seal_at(
        &self,
        engine: &RemoteEngine,
        (boots, time): (u32, u32),
        question: Question<'_>,
        out: &mut Vec<u8>,
    ) {
        let mut text = Vec::with_capacity(question.varbinds.len() + 96);
        wire::encode_scoped(&engine.id, question, engine.cipher.is_some(), &mut text);
        let salt = engine
            .cipher
            .as_ref()
            .map(|cipher| cipher.encrypt(boots, time, &mut text));
        let envelope = Envelope {
            id: question.id,
            level: engine.level(),
            reportable: true,
            engine_id: &engine.id,
            boots,
            time,
            user: self.user.name.as_bytes(),
            tag_length: engine.signer.as_ref().map_or(0, Signer::tag_length),
            salt: salt.as_ref().map_or(&[], |salt| &salt[..]),
            max_size: wire::OUR_MAX_SIZE,
        };
        let at = wire::encode(&envelope, &text, out);
        if let Some(signer) = &engine.signer {
            signer.sign(out, at);
        }
    }

    /// Verifies, decrypts and takes apart a reply to a question to this engine in this context.
    /// `room` holds what was decrypted.
    pub(super) fn open<'a>(
        &self,
        (engine, context): (&RemoteEngine, &[u8]),
        datagram: &'a [u8],
        now: Instant,
        room: &'a mut Vec<u8>,
    ) -> Result<Opened<'a>, Malformed> {
        let message = wire::decode(datagram)?;
        let level = message.level;
        if level.signed {
            let signer = engine.signer.as_ref();
            let right = signer
                .is_some_and(|s| s.verify(datagram, message.tag_at, message.tag_length))
                && message.engine_id == engine.id
                && message.user == self.user.name.as_bytes();
            if !right {
                return Err(Malformed("a wrong signature"));
            }
        }
        let text = match (&engine.cipher, level.encrypted) {
            (_, false) => message.text,
            // Encrypted but not signed does not exist.
            (Some(cipher), true) if level.signed => {
                let (boots, time) = (message.boots, message.time);
                *room = cipher
                    .decrypt(boots, time, message.salt, message.text)
                    .ok_or(Malformed("encrypted with an impossible salt or length"))?;
                wire::unframe(room)?
            }
            _ => return Err(Malformed("encrypted without having been asked for it")),
        };
        let scoped = wire::decode_scoped(text)?;
        let response = Response::of_pdu(VERSION, &[], scoped.pdu)?;
        if scoped.tag == MSG_REPORT {
            return Ok(Opened::Report(Report {
                reason: Reason::of(&response),
                signed: level.signed,
                engine_id: message.engine_id.to_vec(),
                boots: message.boots,
                time: message.time,
            }));
        }
        if scoped.tag != MSG_RESPONSE {
            return Err(Malformed("neither a response nor a report"));
        }
        if level != engine.level() {
            return Err(Malformed("less secure than the user demands"));
        }
        if message.engine_id != engine.id || message.user != self.user.name.as_bytes() {
            return Err(Malformed("of another engine or user"));
        }
        if scoped.context != context {
            return Err(Malformed("of another context"));
        }
        if response.id != message.id {
            return Err(Malformed("an answer to another question inside"));
        }
        self.believe(engine, &message, now)?;
        Ok(Opened::Response(response))
    }

    /// A response is as secure as demanded: only its age is left to look at.
    fn believe(
        &self,
        engine: &RemoteEngine,
        message: &wire::Message<'_>,
        now: Instant,
    ) -> Result<(), Malformed> {
        let mut state = self.state();
        if message.level.signed {
            let clock = state
                .clock
                .get_or_insert_with(|| Clock::guess(message.boots, message.time, now));
            if !clock.follow(message.boots, message.time, now) {
                return Err(Malformed("from outside the time window"));
            }
        }
        state.answered = true;
        if state.proven.as_ref() == Some(&engine.id) {
            return Ok(());
        }
        if let Some(before) = state.proven.replace(engine.id.clone()) {
            let (before, after) = (hex(&before), hex(&engine.id));
            state.tell(format!(
                "the SNMP engine ID changed from {before} to {after}: device replaced?"
            ));
        }
        Ok(())
    }

    /// What to do about a Report to a question put to this engine: `Ok` to put it again.
    pub(super) fn heed(
        &self,
        engine: &Arc<RemoteEngine>,
        report: &Report,
        rounds: &mut Rounds,
        now: Instant,
    ) -> Result<(), Complaint> {
        let mut state = self.state();
        let known = state.engine.as_ref();
        if known.is_none_or(|known| !Arc::ptr_eq(known, engine)) {
            // Another question found out in the meantime.
            return Ok(());
        }
        match report.reason {
            Reason::Clock if std::mem::replace(&mut rounds.resynchronised, true) => {
                Err(Complaint::Reported(Reason::Clock))
            }
            Reason::Clock if report.signed => state.resynchronise(report, now),
            // Unsigned ones must not move the clock. To be on the safe side, ask who is there.
            Reason::Clock => match state.may_reset(now) {
                true => {
                    state.engine = None;
                    Ok(())
                }
                false => Err(Complaint::Reported(Reason::Clock)),
            },
            Reason::Engine if !report.engine_id.is_empty() && state.may_reset(now) => {
                state.engine = None;
                Ok(())
            }
            Reason::Engine => Err(Complaint::EngineChanged),
            reason => Err(Complaint::Reported(reason)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one step: the state is sound after any panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
