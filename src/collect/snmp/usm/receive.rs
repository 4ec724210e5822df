//! The other side of the model: messages that come unasked, and our own engine, which those who
//! want an answer address (RFC 3414, 3.2).

use tokio::time::Instant;

use super::auth::Signer;
use super::clock::{Clock, LAST, WINDOW};
use super::discovery;
use super::keys::Passwords;
use super::report::Reason;
use super::state::RemoteEngine;
use super::wire::{self, Envelope, Level, Message, Scoped};
use crate::collect::snmp::message::{Malformed, octets_length, push_header, push_octets};
use crate::inventory::UsmUser;
use crate::reading::Failure;
use snmp2::asn1::TYPE_SEQUENCE;

const UNSIGNED: Level = Level {
    signed: false,
    encrypted: false,
};

/// A message taken apart; nothing in it is to be believed yet.
pub(in crate::collect::snmp) struct Incoming<'a> {
    datagram: &'a [u8],
    message: Message<'a>,
}

/// Who sends: a user with its keys for one engine, its own or ours.
pub(in crate::collect::snmp) struct Sender {
    user: UsmUser,
    keys: RemoteEngine,
    /// Of the sender's engine; not used when the engine is ours.
    clock: Option<Clock>,
}

/// Our own engine.
#[derive(Clone, Debug)]
pub(in crate::collect::snmp) struct OwnEngine {
    pub(in crate::collect::snmp) id: Vec<u8>,
    pub(in crate::collect::snmp) boots: u32,
    pub(in crate::collect::snmp) started: Instant,
}

impl<'a> Incoming<'a> {
    pub(in crate::collect::snmp) fn read(datagram: &'a [u8]) -> Result<Incoming<'a>, Malformed> {
        let message = wire::decode(datagram)?;
        Ok(Incoming { datagram, message })
    }

    pub(in crate::collect::snmp) fn engine_id(&self) -> &'a [u8] {
        self.message.engine_id
    }

    pub(in crate::collect::snmp) fn user(&self) -> &'a [u8] {
        self.message.user
    }

    /// The sender waits for an answer.
    pub(in crate::collect::snmp) fn is_reportable(&self) -> bool {
        self.message.reportable
    }

    /// Verifies the signature; the level must be that of the sender's credential.
    pub(in crate::collect::snmp) fn verify(&self, sender: &Sender) -> Result<(), Reason> {
        let message = &self.message;
        if message.level != sender.keys.level() {
            return Err(Reason::Level);
        }
        let right =
            |signer: &Signer| signer.verify(self.datagram, message.tag_at, message.tag_length);
        match sender.keys.signer.as_ref().is_none_or(right) {
            true => Ok(()),
            false => Err(Reason::Digest),
        }
    }

    /// The content of a verified message; `room` holds what was decrypted.
    pub(in crate::collect::snmp) fn open<'r>(
        &self,
        sender: &Sender,
        room: &'r mut Vec<u8>,
    ) -> Result<Scoped<'r>, Reason>
    where
        'a: 'r,
    {
        let message = &self.message;
        let text = match &sender.keys.cipher {
            None => message.text,
            Some(cipher) => {
                let (boots, time) = (message.boots, message.time);
                *room = cipher
                    .decrypt(boots, time, message.salt, message.text)
                    .ok_or(Reason::Decryption)?;
                wire::unframe(room).map_err(|_| Reason::Decryption)?
            }
        };
        let wrong = match sender.keys.cipher {
            // With a wrong key the text is noise.
            Some(_) => Reason::Decryption,
            None => Reason::Other,
        };
        wire::decode_scoped(text).map_err(|_| wrong)
    }
}

impl Sender {
    /// Makes the user's keys for this engine.
    pub(in crate::collect::snmp) async fn new(
        user: &UsmUser,
        passwords: &Passwords,
        engine_id: &[u8],
    ) -> Result<Sender, Failure> {
        let keys = passwords.of(user).await?;
        let keys = discovery::localise(user, &keys, passwords, engine_id.to_vec()).await?;
        Ok(Sender {
            user: user.clone(),
            keys,
            clock: None,
        })
    }

    pub(in crate::collect::snmp) fn user(&self) -> &UsmUser {
        &self.user
    }

    /// Whether a verified message comes in time by the sender's own clock, which it keeps. What was
    /// signed long ago, and what comes from before a restart, is a recording.
    pub(in crate::collect::snmp) fn follow(
        &mut self,
        incoming: &Incoming<'_>,
        now: Instant,
    ) -> bool {
        if self.keys.signer.is_none() {
            return true;
        }
        let (boots, time) = (incoming.message.boots, incoming.message.time);
        let clock = self.clock.get_or_insert(Clock::guess(boots, time, now));
        clock.follow(boots, time, now)
    }
}

impl OwnEngine {
    fn time(&self, now: Instant) -> u32 {
        let seconds = now.saturating_duration_since(self.started).as_secs();
        u32::try_from(seconds).unwrap_or(LAST).min(LAST)
    }

    /// Whether a verified message to us comes in time by our clock.
    pub(in crate::collect::snmp) fn is_in_time(
        &self,
        incoming: &Incoming<'_>,
        sender: &Sender,
        now: Instant,
    ) -> bool {
        let message = &incoming.message;
        sender.keys.signer.is_none()
            || (message.boots == self.boots
                && self.boots != LAST
                && message.time.abs_diff(self.time(now)) <= WINDOW)
    }

    /// A Report to somebody who expects an answer; signed when `sender` is given.
    pub(in crate::collect::snmp) fn report(
        &self,
        incoming: &Incoming<'_>,
        sender: Option<&Sender>,
        pdu: &[u8],
        now: Instant,
    ) -> Vec<u8> {
        let level = Level {
            signed: sender.is_some_and(|s| s.keys.signer.is_some()),
            encrypted: false,
        };
        let scope = (&self.id[..], &[][..]);
        self.seal(incoming, level, sender, scope, pdu, now)
    }

    /// The answer to an inform, as secure as that was; `pdu` is whole.
    pub(in crate::collect::snmp) fn respond(
        &self,
        incoming: &Incoming<'_>,
        sender: &Sender,
        scoped: &Scoped<'_>,
        pdu: &[u8],
        now: Instant,
    ) -> Vec<u8> {
        let scope = (scoped.engine_id, scoped.context);
        let level = sender.keys.level();
        self.seal(incoming, level, Some(sender), scope, pdu, now)
    }

    fn seal(
        &self,
        incoming: &Incoming<'_>,
        level: Level,
        sender: Option<&Sender>,
        (engine_id, context): (&[u8], &[u8]),
        pdu: &[u8],
        now: Instant,
    ) -> Vec<u8> {
        let keys = sender.map(|sender| &sender.keys);
        let signer = keys
            .and_then(|k| k.signer.as_ref())
            .filter(|_| level.signed);
        let cipher = keys
            .and_then(|k| k.cipher.as_ref())
            .filter(|_| level.encrypted);
        let length = octets_length(engine_id) + octets_length(context) + pdu.len();
        let mut text = Vec::with_capacity(length + 16);
        if level.encrypted {
            push_header(TYPE_SEQUENCE, length, &mut text);
        }
        push_octets(engine_id, &mut text);
        push_octets(context, &mut text);
        text.extend_from_slice(pdu);
        let (boots, time) = (self.boots, self.time(now));
        let salt = cipher.map(|cipher| cipher.encrypt(boots, time, &mut text));
        let envelope = Envelope {
            id: incoming.message.id,
            level,
            reportable: false,
            engine_id: &self.id,
            boots,
            time,
            user: match level {
                UNSIGNED if sender.is_none() => &[],
                _ => incoming.message.user,
            },
            tag_length: signer.map_or(0, Signer::tag_length),
            salt: salt.as_ref().map_or(&[], |salt| &salt[..]),
            max_size: wire::OUR_MAX_SIZE,
        };
        let mut out = Vec::new();
        let at = wire::encode(&envelope, &text, &mut out);
        if let Some(signer) = signer {
            signer.sign(&mut out, at);
        }
        out
    }
}

impl Reason {
    /// In words, for the log.
    pub(in crate::collect::snmp) fn of_sender(self) -> &'static str {
        match self {
            Reason::Level => "less or more secure than the host's credential",
            Reason::Clock => "outside the time window: a recording, or a clock that went back",
            Reason::User => "a user that no host at this address has",
            Reason::Engine => "addressed to another engine",
            Reason::Digest => "a wrong signature: other password or protocol",
            Reason::Decryption => "cannot be decrypted: other privacy password or protocol",
            Reason::Context | Reason::Other => "not a trap",
        }
    }
}
