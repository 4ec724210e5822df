//! One question and its answer: attempts, patience, and the words when there is no answer.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::device::Device;
use super::message::{self, Ask, Malformed, Response};
use super::slots::{ATTEMPTS, Peer};
use super::socket::Sockets;
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
}

/// The connection to one device during one collection.
pub(super) struct Line<'a> {
    pub(super) sockets: &'a Sockets,
    pub(super) device: &'a mut Device,
    pub(super) peer: Peer,
    pub(super) version: SnmpVersion,
    pub(super) deadline: Instant,
    pub(super) effort: Effort,
    /// Questions answered in this collection.
    pub(super) answered: u32,
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
    patience: [Duration; ATTEMPTS],
    deadline: Instant,
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
        let begun = Instant::now();
        let mut cost = Cost::default();
        let mut sent = [begun; ATTEMPTS];
        let mut until = begun;
        let mut malformed = None;
        let Some(mut ticket) = self.sockets.book(self.peer.clone()) else {
            return (Err(Trouble::Busy), cost);
        };
        let mut buffer = Vec::with_capacity(varbinds.len() + 64);
        let mut attempt = 0;
        while attempt < ATTEMPTS && Instant::now() < self.deadline {
            sent[attempt] = Instant::now();
            let id = ticket.next_id();
            let community = &self.peer.community;
            message::encode(self.version, community, ask, id, varbinds, &mut buffer);
            cost.effort.requests += 1;
            cost.effort.retries += u32::from(attempt > 0);
            match self.sockets.send(&buffer, self.peer.address).await {
                Err(error) if is_lasting(&error) => {
                    return (Err(Trouble::Unreachable(error)), cost);
                }
                // A full queue loses the datagram as a network would.
                _ => {}
            }
            // Counted from the beginning: a late timer does not delay the next one too.
            until = (until + self.patience[attempt]).min(self.deadline);
            attempt += 1;
            let Ok(Some(reply)) = timeout_at(until, ticket.reply()).await else {
                continue;
            };
            cost.effort.bytes += reply.datagram.len() as u64;
            cost.round_trip = Some(reply.at.duration_since(sent[reply.attempt]));
            match Response::decode(&reply.datagram).and_then(|r| read(&r)) {
                Ok(answer) => return (Ok(answer), cost),
                Err(why) => {
                    malformed = Some(why);
                    ticket.listen_again();
                }
            }
        }
        let trouble = match malformed {
            Some(why) => Trouble::Malformed(why),
            None if attempt == 0 => Trouble::Deadline,
            None => Trouble::Silence {
                retries: attempt - 1,
                seconds: (((until - begun).as_millis() as u64 + 500) / 1_000).max(1),
                elsewhere: ticket.close(),
            },
        };
        (Err(trouble), cost)
    }
}

impl<'a> Line<'a> {
    /// How exchanges are held from now on.
    pub(super) fn course(&self) -> Course<'a> {
        Course {
            sockets: self.sockets,
            peer: self.peer.clone(),
            version: self.version,
            patience: std::array::from_fn(|attempt| self.device.pace.patience(attempt)),
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
                let tried = format!("({retries} {plural}, {seconds} s)");
                let message = match elsewhere {
                    Some(from) => format!(
                        "no answer on udp/{port} {tried} (it answers from {from}: give that address)"
                    ),
                    None if self.answered > 0 => format!(
                        "no more answers on udp/{port} after the first {} {tried}",
                        self.answered
                    ),
                    None => format!(
                        "no answer on udp/{port} {tried} (check address, community and access list)"
                    ),
                };
                Failure::new(Cause::Timeout, message)
            }
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
