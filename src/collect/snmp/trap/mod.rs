//! Traps and informs of every version: from a datagram to who told what, and the answer to be sent.
//!
//! Nothing is taken from an address that no host has. By versions 1 and 2c the community must be the
//! host's own or one of those that the settings list; by version 3 the message must be as secure as
//! the host's credential says, signed by its user with the keys for the sender's engine (traps) or
//! for ours (informs). Nothing that is sent back is longer than a Report, or than what came.

mod engine;
mod pdu;
mod socket;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use snmp2::AsnReader;
use snmp2::asn1::{TYPE_OCTETSTRING, TYPE_SEQUENCE};
use tokio::time::Instant;

use super::message::{
    Malformed, frame, header_length, integer_length, number, octets_length, push_header,
    push_integer, push_octets, used_up,
};
use super::text;
use super::usm::{self, Incoming, OwnEngine, Passwords, Reason, Sender};
use crate::inventory::{Access, Secret, SnmpAuth, Target, UsmUser};
use crate::trap::Trap;
use pdu::Told;

pub use socket::bind;

/// Engines of one host that are remembered: of a stack of switches each may have its own.
const MOST_ENGINES: usize = 8;

/// Reads what comes, with what it knows of engines and keys.
pub struct Desk {
    own: OwnEngine,
    passwords: Passwords,
    /// By host, then by engine ID: those whose signature was verified.
    senders: HashMap<Arc<str>, BTreeMap<Vec<u8>, Sender>>,
    reports: BTreeMap<Vec<u32>, u32>,
}

/// What became of a datagram.
#[derive(Debug)]
pub enum Heard {
    /// A host told something.
    Trap {
        host: Arc<str>,
        trap: Trap,
        /// The sender waits for it, and sends the same again until it comes.
        answer: Option<Answer>,
    },
    /// Somebody asked who we are, or must be told why he was not understood.
    Reply(Vec<u8>),
    Refused {
        why: Refusal,
        reply: Option<Vec<u8>>,
    },
}

/// The answer to an inform.
#[derive(Debug)]
pub struct Answer {
    pub datagram: Vec<u8>,
    /// The same for the same inform sent again.
    pub mark: u64,
}

/// Why a datagram of a known address is not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not SNMP, or damaged.
    Malformed(&'static str),
    /// Its community is neither that of a host at this address nor one of those in the settings.
    Community,
    /// More than one host at this address would have sent it so.
    Ambiguous(Vec<Arc<str>>),
    /// Refused by version 3, in words.
    Security(&'static str),
}

impl Desk {
    /// Reads who we are from `data/state`, or makes it up, and notes that we started once more.
    pub fn open(state: &Path) -> std::io::Result<Desk> {
        let (id, boots) = engine::start(state)?;
        Ok(Desk {
            own: OwnEngine {
                id,
                boots,
                started: Instant::now(),
            },
            passwords: Passwords::new(),
            senders: HashMap::new(),
            reports: BTreeMap::new(),
        })
    }

    /// Our engine ID in hexadecimal digits.
    pub fn engine_id(&self) -> String {
        usm::hex(&self.own.id)
    }

    /// Forgets keys of hosts that are not in the list any more.
    pub fn keep_only(&mut self, wanted: impl Fn(&str) -> bool) {
        self.senders.retain(|host, _| wanted(host));
        self.passwords.forget();
    }

    /// Reads a datagram that came from an address that these targets have.
    pub async fn hear(
        &mut self,
        datagram: &[u8],
        targets: &[Arc<Target>],
        communities: &[Secret],
    ) -> Heard {
        let heard = match version(datagram) {
            Ok(3) => self.third_version(datagram, targets).await,
            Ok(_) => by_community(datagram, targets, communities),
            Err(why) => Err(why),
        };
        heard.unwrap_or_else(|why| refused(Refusal::Malformed(why.0), None))
    }

    async fn third_version(
        &mut self,
        datagram: &[u8],
        targets: &[Arc<Target>],
    ) -> Result<Heard, Malformed> {
        let incoming = Incoming::read(datagram)?;
        let now = Instant::now();
        let to_us = incoming.engine_id() == self.own.id;
        if incoming.engine_id().is_empty() {
            return Ok(match self.reply(&incoming, None, Reason::Engine, now) {
                Some(reply) => Heard::Reply(reply),
                None => refused(Refusal::Security("a trap without an engine ID"), None),
            });
        }
        let users: Vec<(&Arc<str>, &UsmUser)> = targets
            .iter()
            .filter_map(|target| Some((&target.host, user_of(target)?)))
            .filter(|(_, user)| user.name.as_bytes() == incoming.user())
            .collect();
        let mut why = Reason::User;
        let mut hosts = Vec::new();
        for (host, user) in users {
            match self.recognise(host, user, &incoming).await {
                Ok(()) => hosts.push(host.clone()),
                Err(reason) => why = reason,
            }
        }
        let [host] = &hosts[..] else {
            if hosts.is_empty() {
                // An inform that takes another for us, as after our state was lost.
                let told = if to_us { why } else { Reason::Engine };
                let reply = self.reply(&incoming, None, told, now);
                return Ok(refused(Refusal::Security(why.of_sender()), reply));
            }
            return Ok(refused(Refusal::Ambiguous(hosts), None));
        };
        self.listen_to(host, &incoming, now)
    }

    /// Whether the user of this host sent it.
    async fn recognise(
        &mut self,
        host: &Arc<str>,
        user: &UsmUser,
        incoming: &Incoming<'_>,
    ) -> Result<(), Reason> {
        let engine_id = incoming.engine_id();
        let known = self.senders.get(host).and_then(|s| s.get(engine_id));
        if let Some(known) = known.filter(|known| known.user() == user) {
            return incoming.verify(known);
        }
        let made = Sender::new(user, &self.passwords, engine_id).await;
        let sender = made.map_err(|_| Reason::Other)?;
        incoming.verify(&sender)?;
        let known = self.senders.entry(host.clone()).or_default();
        if known.len() >= MOST_ENGINES {
            // Who has so many changes them all the time. Ours stays.
            known.retain(|id, _| *id == self.own.id);
        }
        known.insert(engine_id.to_vec(), sender);
        Ok(())
    }

    /// The signature of a host is verified; its age and its content are left to look at.
    fn listen_to(
        &mut self,
        host: &Arc<str>,
        incoming: &Incoming<'_>,
        now: Instant,
    ) -> Result<Heard, Malformed> {
        let to_us = incoming.engine_id() == self.own.id;
        let own = self.own.clone();
        let senders = self.senders.get_mut(host);
        let Some(sender) = senders.and_then(|s| s.get_mut(incoming.engine_id())) else {
            return Err(Malformed("a sender that was forgotten"));
        };
        let in_time = match to_us {
            true => own.is_in_time(incoming, sender, now),
            false => sender.follow(incoming, now),
        };
        let mut room = Vec::new();
        let opened = match in_time {
            true => incoming.open(sender, &mut room),
            false => Err(Reason::Clock),
        };
        let scoped = match opened {
            Ok(scoped) => scoped,
            Err(reason) => {
                let reply = match to_us {
                    true => self.reply(incoming, Some(host), reason, now),
                    false => None,
                };
                return Ok(refused(Refusal::Security(reason.of_sender()), reply));
            }
        };
        let Told { trap, inform } = pdu::read(usm::VERSION, scoped.tag, scoped.pdu)?;
        if inform.is_some() && !to_us {
            let reply = self.reply(incoming, None, Reason::Engine, now);
            return Ok(refused(
                Refusal::Security(Reason::Engine.of_sender()),
                reply,
            ));
        }
        let answer = inform.map(|inform| {
            let response = pdu::response(inform);
            Answer {
                mark: text::fnv(&response),
                datagram: own.respond(incoming, sender, &scoped, &response, now),
            }
        });
        Ok(Heard::Trap {
            host: host.clone(),
            trap,
            answer,
        })
    }

    /// What RFC 3414 has us say to a sender who waits for an answer; that its clock is wrong is
    /// signed with the keys of `host`.
    fn reply(
        &mut self,
        incoming: &Incoming<'_>,
        host: Option<&Arc<str>>,
        reason: Reason,
        now: Instant,
    ) -> Option<Vec<u8>> {
        if !incoming.is_reportable() {
            return None;
        }
        let object = reason.object()?;
        let count = self.reports.entry(object.clone()).or_default();
        *count = count.wrapping_add(1);
        let report = pdu::report(&object, *count);
        let sender = host
            .filter(|_| reason == Reason::Clock)
            .and_then(|host| self.senders.get(host)?.get(&self.own.id));
        Some(self.own.report(incoming, sender, &report, now))
    }
}

fn user_of(target: &Target) -> Option<&UsmUser> {
    match &target.access {
        Access::Snmp(access) => match &access.auth {
            SnmpAuth::V3(user) => Some(user),
            _ => None,
        },
        _ => None,
    }
}

fn community_of(target: &Target) -> Option<&Secret> {
    match &target.access {
        Access::Snmp(access) => match &access.auth {
            SnmpAuth::V1 { community } | SnmpAuth::V2c { community } => Some(community),
            SnmpAuth::V3(_) => None,
        },
        _ => None,
    }
}

/// The number of the version in a message.
fn version(datagram: &[u8]) -> Result<u32, Malformed> {
    let mut outer = AsnReader::from_bytes(datagram);
    let content = frame(&mut outer, TYPE_SEQUENCE)?;
    used_up(&outer)?;
    number(&mut AsnReader::from_bytes(content))
}

fn by_community(
    datagram: &[u8],
    targets: &[Arc<Target>],
    communities: &[Secret],
) -> Result<Heard, Malformed> {
    let mut outer = AsnReader::from_bytes(datagram);
    let mut message = AsnReader::from_bytes(frame(&mut outer, TYPE_SEQUENCE)?);
    let version = number(&mut message)?;
    let community = frame(&mut message, TYPE_OCTETSTRING)?;
    let is = |secret: &Secret| {
        let secret = secret.expose().as_bytes();
        !secret.is_empty() && secret == community
    };
    let own = |target: &&Arc<Target>| community_of(target).is_some_and(is);
    let mut hosts: Vec<Arc<str>> = targets.iter().filter(own).map(|t| t.host.clone()).collect();
    if hosts.is_empty() && communities.iter().any(is) {
        hosts = targets.iter().map(|t| t.host.clone()).collect();
    }
    hosts.dedup();
    let [host] = &hosts[..] else {
        let why = match hosts.is_empty() {
            true => Refusal::Community,
            false => Refusal::Ambiguous(hosts),
        };
        return Ok(refused(why, None));
    };
    let tag = message
        .peek_byte()
        .map_err(|_| Malformed("a message without content"))?;
    let pdu = frame(&mut message, tag)?;
    used_up(&message)?;
    let Told { trap, inform } = pdu::read(version, tag, pdu)?;
    let answer = inform.map(|inform| {
        let response = pdu::response(inform);
        Answer {
            mark: text::fnv(&response),
            datagram: around(version, community, &response),
        }
    });
    Ok(Heard::Trap {
        host: host.clone(),
        trap,
        answer,
    })
}

/// A message of version 1 or 2c around a whole PDU.
fn around(version: u32, community: &[u8], pdu: &[u8]) -> Vec<u8> {
    let content = integer_length(version) + octets_length(community) + pdu.len();
    let mut out = Vec::with_capacity(header_length(content) + content);
    push_header(TYPE_SEQUENCE, content, &mut out);
    push_integer(version, &mut out);
    push_octets(community, &mut out);
    out.extend_from_slice(pdu);
    out
}

fn refused(why: Refusal, reply: Option<Vec<u8>>) -> Heard {
    Heard::Refused { why, reply }
}
