//! Finding out who is there: the engine of a device, and the user's keys for it.

use std::sync::Arc;

use snmp2::snmp::MSG_REPORT;
use tokio::time::Instant;

use super::auth::{self, Signer};
use super::clock::Clock;
use super::keys::{Passwords, UserKeys};
use super::privacy::Cipher;
use super::state::RemoteEngine;
use super::wire::{self, Envelope, Level};
use super::{Question, Usm};
use crate::collect::snmp::message::{Ask, Malformed};
use crate::inventory::UsmUser;
use crate::reading::Failure;

/// What an unsigned discovery told; nothing in it is certain.
pub(in crate::collect::snmp) struct Discovered {
    id: Vec<u8>,
    boots: u32,
    time: u32,
    max_size: u32,
}

/// Replaces `out` by the question who is there.
pub(in crate::collect::snmp) fn write_discovery(id: u32, out: &mut Vec<u8>) {
    let mut text = Vec::new();
    let question = Question {
        ask: Ask::Get,
        id,
        varbinds: &[],
        context: &[],
    };
    wire::encode_scoped(&[], question, false, &mut text);
    let envelope = Envelope {
        id,
        level: Level {
            signed: false,
            encrypted: false,
        },
        reportable: true,
        engine_id: &[],
        boots: 0,
        time: 0,
        user: &[],
        tag_length: 0,
        salt: &[],
        max_size: wire::OUR_MAX_SIZE,
    };
    wire::encode(&envelope, &text, out);
}

/// What the device says to the question who is there.
pub(in crate::collect::snmp) fn read_discovery(datagram: &[u8]) -> Result<Discovered, Malformed> {
    let message = wire::decode(datagram)?;
    if message.level.encrypted || message.engine_id.is_empty() {
        return Err(Malformed(
            "no engine ID in the answer to the question for it",
        ));
    }
    if wire::decode_scoped(message.text)?.tag != MSG_REPORT {
        return Err(Malformed(
            "no report in answer to the question for the engine ID",
        ));
    }
    Ok(Discovered {
        id: message.engine_id.to_vec(),
        boots: message.boots,
        time: message.time,
        max_size: message.max_size,
    })
}

impl Usm {
    /// Makes the keys for a discovered engine; its time is a guess from now on.
    pub(in crate::collect::snmp) async fn adopt(
        &self,
        found: Discovered,
        now: Instant,
    ) -> Result<Arc<RemoteEngine>, Failure> {
        let known = self.engine().filter(|known| known.id == found.id);
        let engine = match known {
            Some(known) => known,
            None => Arc::new(localise(&self.user, &self.keys, &self.passwords, found.id).await?),
        };
        let mut state = self.state();
        state.engine = Some(engine.clone());
        state.clock = Some(Clock::guess(found.boots, found.time, now));
        state.max_size = Some(found.max_size);
        state.answered = false;
        Ok(engine)
    }
}

/// The user's keys for the engine of this ID.
pub(super) async fn localise(
    user: &UsmUser,
    keys: &UserKeys,
    passwords: &Passwords,
    id: Vec<u8>,
) -> Result<RemoteEngine, Failure> {
    let Some((user, key)) = user.auth.as_ref().zip(keys.auth.as_ref()) else {
        return Ok(RemoteEngine {
            id,
            signer: None,
            cipher: None,
        });
    };
    let hash = user.protocol;
    let signer = Signer {
        protocol: hash,
        key: auth::localise(hash, key, &id),
    };
    let cipher = match user.privacy.as_ref().zip(keys.privacy.as_ref()) {
        Some((privacy, key)) => {
            let (protocol, engine) = (privacy.protocol, id.clone());
            let localised = auth::localise(hash, key, &id);
            let slow = Cipher::is_slow(protocol, &localised);
            let make = move || Cipher::new(hash, protocol, localised, &engine);
            Some(match slow {
                true => passwords.in_background(make).await?,
                false => make(),
            })
        }
        None => None,
    };
    Ok(RemoteEngine {
        id,
        signer: Some(signer),
        cipher,
    })
}
