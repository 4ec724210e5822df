//! One question and its answer: attempts, patience, and the words when there is no answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::device::Device;
use super::message::{self, Ask, Malformed, Response};
use super::slots::{ATTEMPTS, Peer};
use super::socket::Sockets;
use super::usm::Usm;
use crate::inventory::SnmpVersion;
use crate::reading::{Cause, Effort, Failure};

/// Why a question stays without an answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Nothing came.
    Silence {
        retries: usize,
        seconds: u64,
        elsewhere: Option<SocketAddr>,
    },
    /// What came is not an answer to what was asked.
    Malformed(Malformed),
    /// It cannot even be sent.
    Unreachable(std::io::Error),
    /// The collection's time is over.
    Deadline,
    /// All 65,536 slots are taken.
    Busy,
    /// What is wrong is known, in words.
    Failed(Failure),
}

/// The connection to one device during one collection.
pub(super) struct Line<'a> {
    pub(super) sockets: &'a Sockets,
    pub(super) device: &'a mut Device,
    pub(super) peer: Peer,
    pub(super) version: SnmpVersion,
    /// With version 3 only.
    pub(super) usm: Option<Arc<Usm>>,
    pub(super) deadline: Instant,
    pub(super) effort: Effort,
    /// Questions answered in this collection.
    pub(super) answered: u32,
    /// Anything came from the device, be it of no use.
    pub(super) heard: bool,
    /// What went wrong without spoiling the whole.
    pub(super) problems: Vec<String>,
}

/// What one exchange cost.
#[derive(Default)]
pub(super) struct Cost {
    effort: Effort,
    round_trip: Option<Duration>,
}

/// How one exchange is to be held; several may run side by side.
pub(super) struct Course<'a> {
    sockets: &'a Sockets,
    peer: Peer,
    version: SnmpVersion,
    usm: Option<Arc<Usm>>,
    /// One for each attempt.
    patience: [Option<Duration>; ATTEMPTS],
    pub(super) deadline: Instant,
}

/// What a datagram under the right id means.
pub(super) enum Heard<T> {
    Answer(T),
    /// The answer, unless a better one comes before patience ends.
    Perhaps(T),
    /// An answer that cannot be used: ask again.
    Malformed(Malformed),
    /// Not from whom it should be: listen on.
    Foreign(Malformed),
}

impl Course<'_> {
    /// Puts one question, again and again until the answer comes or patience ends.
    ///
    /// `read` takes the answer apart and must refuse one that does not fit the question: then the
    /// question is put again.
    pub(super) async fn ask<T>(
        &self,
        ask: Ask,
        varbinds: &[u8],
        mut read: impl FnMut(&Response<'_>) -> Result<T, Malformed>,
    ) -> (Result<T, Trouble>, Cost) {
        let mut cost = Cost::default();
        let answer = match &self.usm {
            Some(usm) => {
                self.ask_securely(usm, (ask, varbinds), read, &mut cost)
                    .await
            }
            None => {
                let community = &self.peer.community;
                let write = |id, out: &mut Vec<u8>| {
                    message::encode(self.version, community, ask, id, varbinds, out);
                };
                let heard = |datagram: &[u8]| match Response::decode(datagram)
                    .and_then(|response| read(&response))
                {
                    Ok(answer) => Heard::Answer(answer),
                    Err(why) => Heard::Malformed(why),
                };
                self.exchange(&mut cost, write, heard).await
            }
        };
        (answer, cost)
    }

    /// Sends what `write` makes of an id, and again, until `read` has heard the answer.
    pub(super) async fn exchange<T>(
        &self,
        cost: &mut Cost,
        mut write: impl FnMut(u32, &mut Vec<u8>),
        mut read: impl FnMut(&[u8]) -> Heard<T>,
    ) -> Result<T, Trouble> {
        let begun = Instant::now();
        let mut sent = [begun; ATTEMPTS];
        let mut until = begun;
        let mut malformed = None;
        let mut perhaps = None;
        let mut ticket = self.sockets.book(self.peer.clone()).ok_or(Trouble::Busy)?;
        let mut buffer = Vec::with_capacity(1_500);
        let mut attempt = 0;
        while let Some(patience) = self.patience.get(attempt).copied().flatten()
            && Instant::now() < self.deadline
        {
            sent[attempt] = Instant::now();
            write(ticket.next_id(), &mut buffer);
            cost.effort.requests += 1;
            cost.effort.retries += u32::from(attempt > 0);
            match self.sockets.send(&buffer, self.peer.address).await {
                Err(error) if is_lasting(&error) => return Err(Trouble::Unreachable(error)),
                // A full queue loses the datagram as a network would.
                _ => {}
            }
            // Counted from the beginning: a late timer does not delay the next one too.
            until = (until + patience).min(self.deadline);
            attempt += 1;
            while let Ok(Some(reply)) = timeout_at(until, ticket.reply()).await {
                cost.effort.bytes += reply.datagram.len() as u64;
                let heard = read(&reply.datagram);
                if !matches!(heard, Heard::Foreign(_)) {
                    cost.round_trip = Some(reply.at.duration_since(sent[reply.attempt]));
                }
                match heard {
                    Heard::Answer(answer) => return Ok(answer),
                    Heard::Perhaps(answer) => perhaps = Some(answer),
                    Heard::Malformed(why) => {
                        malformed = Some(why);
                        ticket.listen_again();
                        break;
                    }
                    Heard::Foreign(why) => malformed = Some(why),
                }
                ticket.listen_again();
            }
            if let Some(answer) = perhaps {
                return Ok(answer);
            }
        }
        Err(match malformed {
            Some(why) => Trouble::Malformed(why),
            None if attempt == 0 => Trouble::Deadline,
            None => Trouble::Silence {
                retries: attempt - 1,
                seconds: (((until - begun).as_millis() as u64 + 500) / 1_000).max(1),
                elsewhere: ticket.close(),
            },
        })
    }
}

impl<'a> Line<'a> {
    /// How exchanges are held from now on.
    pub(super) fn course(&self) -> Course<'a> {
        let mut patience = self.device.patience();
        Course {
            sockets: self.sockets,
            peer: self.peer.clone(),
            version: self.version,
            usm: self.usm.clone(),
            patience: std::array::from_fn(|_| patience.next()),
            deadline: self.deadline,
        }
    }

    /// Puts one question; see [`Course::ask`].
    pub(super) async fn ask<T>(
        &mut self,
        ask: Ask,
        varbinds: &[u8],
        read: impl FnMut(&Response<'_>) -> Result<T, Malformed>,
    ) -> Result<T, Trouble> {
        let (answer, cost) = self.course().ask(ask, varbinds, read).await;
        self.charge(&cost, answer.is_ok());
        answer
    }

    /// Takes over what an exchange cost and taught.
    pub(super) fn charge(&mut self, cost: &Cost, answered: bool) {
        self.effort.requests += cost.effort.requests;
        self.effort.retries += cost.effort.retries;
        self.effort.bytes += cost.effort.bytes;
        self.answered += u32::from(answered);
        if let Some(round_trip) = cost.round_trip {
            self.device.pace.learn(round_trip);
        }
        if answered || cost.round_trip.is_some() {
            self.heard = true;
            self.device.breaker.answered();
        }
        if let Some(most) = self.usm.as_ref().and_then(|usm| usm.max_size()) {
            self.device.packing.limit(most as usize);
        }
    }

    /// Questions were put and nothing at all came.
    pub(super) fn is_silent(&self) -> bool {
        self.effort.requests > 0 && !self.heard
    }

    /// Notes a part that failed; a few are enough to understand.
    pub(super) fn note(&mut self, problem: String) {
        if self.problems.len() < 8 && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// The trouble as a failure of the whole collection, for people.
    pub(super) fn failure(&self, trouble: &Trouble) -> Failure {
        let port = self.peer.address.port();
        match trouble {
            Trouble::Silence {
                retries,
                seconds,
                elsewhere,
            } => {
                let plural = if *retries == 1 { "retry" } else { "retries" };
                let tried = if self.device.breaker.is_open() {
                    format!("(asked once, for it has been silent before; {seconds} s)")
                } else {
                    format!("({retries} {plural}, {seconds} s)")
                };
                let message = match elsewhere {
                    Some(from) => format!(
                        "no answer on udp/{port} {tried} (it answers from {from}: give that address)"
                    ),
                    None if self.answered > 0 => format!(
                        "no more answers on udp/{port} after the first {} {tried}",
                        self.answered
                    ),
                    None if self.usm.is_some() => format!(
                        "no answer on udp/{port} {tried} (check address and access list, and that the device speaks SNMPv3)"
                    ),
                    None => format!(
                        "no answer on udp/{port} {tried} (check address, community and access list)"
                    ),
                };
                Failure::new(Cause::Timeout, message)
            }
            Trouble::Failed(failure) => failure.clone(),
            Trouble::Malformed(Malformed(why)) => Failure::new(
                Cause::Protocol,
                format!("malformed reply on udp/{port}: {why}"),
            ),
            Trouble::Unreachable(error) => Failure::new(
                Cause::Unreachable,
                format!(
                    "cannot send to {}: {error} (check the route and the local firewall)",
                    self.peer.address
                ),
            ),
            Trouble::Deadline => Failure::new(
                Cause::Timeout,
                format!(
                    "the collection's timeout ended after {} answers on udp/{port} (give a longer timeout)",
                    self.answered
                ),
            ),
            Trouble::Busy => Failure::new(
                Cause::Limit,
                "too many SNMP requests under way (65,536)".to_string(),
            ),
        }
    }
}

fn is_lasting(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{
        AddrNotAvailable, HostUnreachable, InvalidInput, NetworkUnreachable, PermissionDenied,
    };
    matches!(
        error.kind(),
        AddrNotAvailable | HostUnreachable | InvalidInput | NetworkUnreachable | PermissionDenied
    )
}
