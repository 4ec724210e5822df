//! The device's side of version 3, for whoever plays one: questions in, answers and Reports out
//! (RFC 3414 section 3.2).

use snmp2::asn1::TYPE_SEQUENCE;
use snmp2::snmp::MSG_REPORT;

use super::auth::{self, Key, Signer};
use super::privacy::Cipher;
use super::wire::{self, Envelope, Level};
use crate::collect::snmp::codec;
use crate::collect::snmp::message::{push_header, push_octets};
use crate::inventory::UsmUser;

/// RFC 3414 section 3.2, 7: in seconds.
const WINDOW: u32 = 150;
const COUNTER32: u8 = 0x41;
/// usmStats below 1.3.6.1.6.3.15.1.1.
const UNSUPPORTED_LEVEL: u32 = 1;
const NOT_IN_TIME: u32 = 2;
const UNKNOWN_USER: u32 = 3;
const UNKNOWN_ENGINE: u32 = 4;
const WRONG_DIGEST: u32 = 5;
const UNDECRYPTABLE: u32 = 6;

/// A user with the keys of its passwords.
pub(crate) struct LocalUser {
    user: UsmUser,
    auth: Option<Key>,
    privacy: Option<Key>,
}

impl LocalUser {
    /// `None` when a password is empty. Hashes a megabyte per password.
    pub(crate) fn new(user: UsmUser) -> Option<LocalUser> {
        let (mut signs, mut encrypts) = (None, None);
        if let Some(auth) = &user.auth {
            let key = |secret: &crate::inventory::Secret| {
                auth::master(auth.protocol, secret.expose().as_bytes())
            };
            signs = Some(key(&auth.secret)?);
            if let Some(privacy) = &auth.privacy {
                encrypts = Some(key(&privacy.secret)?);
            }
        }
        Some(LocalUser {
            user,
            auth: signs,
            privacy: encrypts,
        })
    }
}

/// The engine of one device with its one user.
pub(crate) struct LocalEngine {
    id: Vec<u8>,
    user: Vec<u8>,
    signer: Option<Signer>,
    cipher: Option<Cipher>,
}

/// What a datagram is to the engine.
pub(crate) enum Heard {
    /// A question of the user, at the user's level: its message id, context, and the tag and content
    /// of the PDU.
    Question {
        id: u32,
        context: Vec<u8>,
        tag: u8,
        pdu: Vec<u8>,
    },
    /// It deserves a Report: the message id, the object's number among usmStats, and whether the
    /// Report is signed.
    Report { id: u32, reason: u32, signed: bool },
}

/// How an answer is protected, and the lies in its envelope. `None`: the truth.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seal {
    pub(crate) id: u32,
    pub(crate) boots: u32,
    pub(crate) time: u32,
    pub(crate) signed: bool,
    pub(crate) encrypted: bool,
    pub(crate) context: Vec<u8>,
    pub(crate) engine_id: Option<Vec<u8>>,
    pub(crate) user: Option<Vec<u8>>,
    pub(crate) max_size: Option<u32>,
    pub(crate) digest: Option<Vec<u8>>,
    pub(crate) salt: Option<Vec<u8>>,
}

impl LocalEngine {
    pub(crate) fn new(user: &LocalUser, id: Vec<u8>) -> LocalEngine {
        let settings = user.user.auth.as_ref();
        let both = settings.zip(user.auth.as_ref());
        let signer = both.map(|(auth, key)| Signer {
            protocol: auth.protocol,
            key: auth::localise(auth.protocol, key, &id),
        });
        let privacy = settings.and_then(|auth| Some((auth, auth.privacy.as_ref()?)));
        let cipher = privacy
            .zip(user.privacy.as_ref())
            .map(|((auth, privacy), key)| {
                let localised = auth::localise(auth.protocol, key, &id);
                Cipher::new(auth.protocol, privacy.protocol, localised, &id)
            });
        LocalEngine {
            id,
            user: user.user.name.as_bytes().to_vec(),
            signer,
            cipher,
        }
    }

    pub(crate) fn signs(&self) -> bool {
        self.signer.is_some()
    }

    pub(crate) fn encrypts(&self) -> bool {
        self.cipher.is_some()
    }

    /// Takes a datagram apart at this boots and time; `None` for what is no message of version 3.
    pub(crate) fn hear(&self, datagram: &[u8], (boots, time): (u32, u32)) -> Option<Heard> {
        let asked = wire::decode(datagram).ok()?;
        let report = |reason, signed| {
            let id = asked.id;
            Some(Heard::Report { id, reason, signed })
        };
        if asked.engine_id != self.id {
            return report(UNKNOWN_ENGINE, false);
        }
        if asked.user != self.user {
            return report(UNKNOWN_USER, false);
        }
        let level = Level {
            signed: self.signs(),
            encrypted: self.encrypts(),
        };
        if asked.level != level {
            return report(UNSUPPORTED_LEVEL, false);
        }
        if let Some(signer) = &self.signer {
            if !signer.verify(datagram, asked.tag_at, asked.tag_length) {
                return report(WRONG_DIGEST, false);
            }
            if asked.boots != boots || asked.time.abs_diff(time) > WINDOW {
                return report(NOT_IN_TIME, true);
            }
        }
        let room;
        let text = match &self.cipher {
            None => asked.text,
            Some(cipher) => {
                let text = cipher.decrypt(asked.boots, asked.time, asked.salt, asked.text);
                room = text.unwrap_or_default();
                match wire::unframe(&room) {
                    Ok(text) => text,
                    Err(_) => return report(UNDECRYPTABLE, true),
                }
            }
        };
        let scoped = wire::decode_scoped(text).ok()?;
        Some(Heard::Question {
            id: asked.id,
            context: scoped.context.to_vec(),
            tag: scoped.tag,
            pdu: scoped.pdu.to_vec(),
        })
    }

    /// The PDU of a Report about that object of usmStats.
    pub(crate) fn report(reason: u32, id: u32, out: &mut Vec<u8>) {
        let (mut name, mut list) = (Vec::new(), Vec::new());
        codec::push_name(&[1, 3, 6, 1, 6, 3, 15, 1, 1, reason, 0], &mut name);
        codec::push_varbind(&name, COUNTER32, &[1], &mut list);
        let reply = codec::Reply {
            version: super::VERSION,
            community: &[],
            tag: MSG_REPORT,
            id,
            status: 0,
            index: 0,
            varbinds: &list,
        };
        reply.push(out);
    }

    /// The whole message around a PDU.
    pub(crate) fn seal(&self, seal: &Seal, pdu: &[u8]) -> Vec<u8> {
        let engine_id = seal.engine_id.as_ref().unwrap_or(&self.id);
        let mut text = Vec::new();
        push_octets(engine_id, &mut text);
        push_octets(&seal.context, &mut text);
        text.extend_from_slice(pdu);
        let mut salt = Vec::new();
        if let Some(cipher) = self.cipher.as_ref().filter(|_| seal.encrypted) {
            let mut framed = Vec::new();
            push_header(TYPE_SEQUENCE, text.len(), &mut framed);
            framed.extend_from_slice(&text);
            salt = cipher.encrypt(seal.boots, seal.time, &mut framed).to_vec();
            text = framed;
        }
        if let Some(other) = &seal.salt {
            salt.clone_from(other);
        }
        let signer = self.signer.as_ref().filter(|_| seal.signed);
        let tag_length = match &seal.digest {
            Some(digest) => digest.len(),
            None => signer.map_or(0, Signer::tag_length),
        };
        // An answer carries the name of whoever asked, an unsigned Report need not.
        let own_user: &[u8] = match seal.signed || !self.signs() {
            true => &self.user,
            false => &[],
        };
        let envelope = Envelope {
            id: seal.id,
            level: Level {
                signed: seal.signed,
                encrypted: seal.encrypted,
            },
            engine_id,
            boots: seal.boots,
            time: seal.time,
            user: seal.user.as_deref().unwrap_or(own_user),
            tag_length,
            salt: &salt,
            max_size: seal.max_size.unwrap_or(wire::OUR_MAX_SIZE),
            reportable: false,
        };
        let mut out = Vec::new();
        let at = wire::encode(&envelope, &text, &mut out);
        match (&seal.digest, signer) {
            (Some(digest), _) => out[at..at + digest.len()].copy_from_slice(digest),
            (None, Some(signer)) => signer.sign(&mut out, at),
            (None, None) => {}
        }
        out
    }
}
