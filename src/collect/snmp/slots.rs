//! The in-flight table: which request a datagram answers, if any.
//!
//! A request id is the slot's number (16 bits) and 15 random bits, new for every attempt, so that a
//! late, duplicate or foreign datagram is told from the awaited one. All attempts of one exchange
//! stay valid until it ends: a late answer to the first is as good as one to the last.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::message::Response;
use super::usm;

/// How often one question is put at most.
pub(super) const ATTEMPTS: usize = 3;

const SLOTS: usize = 1 << 16;
const RANDOM_BITS: u32 = 15;
/// Replies under one id that wait to be looked at.
const MOST_WAITING: usize = 8;

/// The awaited datagram.
pub(super) struct Reply {
    pub(super) datagram: Vec<u8>,
    pub(super) at: Instant,
    /// Which attempt it answers, from 0.
    pub(super) attempt: usize,
}

/// Who is asked, and how it must answer.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    pub(super) version: u32,
    pub(super) community: Arc<[u8]>,
}

impl Peer {
    /// Scope and flow of IPv6 are left out: the kernel fills them in on the way back.
    fn is(&self, from: SocketAddr) -> bool {
        self.address.ip() == from.ip() && self.address.port() == from.port()
    }
}

struct Waiting {
    peer: Peer,
    /// The random bits of each attempt so far.
    attempts: [u16; ATTEMPTS],
    made: usize,
    reply: Option<oneshot::Sender<Reply>>,
    /// Came while another was being looked at.
    more: VecDeque<Reply>,
    /// The right answer, but from another address than the one asked.
    elsewhere: Option<SocketAddr>,
}

/// All requests under way.
pub(super) struct Slots {
    slots: Vec<Option<Waiting>>,
    /// Slots given back wait here as long as possible before they serve again.
    free: VecDeque<u16>,
}

impl Slots {
    pub(super) fn new() -> Slots {
        Slots {
            slots: Vec::new(),
            free: VecDeque::new(),
        }
    }

    /// A slot for one exchange; `None` when 65,536 are under way.
    pub(super) fn take(&mut self, peer: Peer) -> Option<u16> {
        let waiting = Some(Waiting {
            peer,
            attempts: [0; ATTEMPTS],
            made: 0,
            reply: None,
            more: VecDeque::new(),
            elsewhere: None,
        });
        // A fresh slot while there are few, so that none serves again within the same second.
        if self.slots.len() < 1024 || self.free.is_empty() {
            if self.slots.len() == SLOTS {
                return None;
            }
            self.slots.push(waiting);
            return Some((self.slots.len() - 1) as u16);
        }
        let slot = self.free.pop_front()?;
        self.slots[usize::from(slot)] = waiting;
        Some(slot)
    }

    /// The exchange is over; returns the other address that answered, if one did.
    pub(super) fn give_back(&mut self, slot: u16) -> Option<SocketAddr> {
        let waiting = self.slots[usize::from(slot)].take();
        self.free.push_back(slot);
        waiting.and_then(|w| w.elsewhere)
    }

    /// From now on the answer goes to `reply`.
    pub(super) fn await_reply(&mut self, slot: u16, reply: oneshot::Sender<Reply>) {
        if let Some(waiting) = &mut self.slots[usize::from(slot)] {
            match waiting.more.pop_front() {
                // Who does not wait any more does not miss it.
                Some(early) => drop(reply.send(early)),
                None => waiting.reply = Some(reply),
            }
        }
    }

    /// The request id of the next attempt, made of `random`; never 0.
    pub(super) fn next_id(&mut self, slot: u16, random: u16) -> u32 {
        let random = (random >> 1).max(1);
        if let Some(waiting) = &mut self.slots[usize::from(slot)]
            && waiting.made < ATTEMPTS
        {
            waiting.attempts[waiting.made] = random;
            waiting.made += 1;
        }
        u32::from(slot) << RANDOM_BITS | u32::from(random)
    }

    /// Hands a datagram to whom it answers. `false`: it answers nobody who waits.
    pub(super) fn deliver(&mut self, datagram: &[u8], from: SocketAddr, at: Instant) -> bool {
        let Some((version, community, id)) = envelope(datagram) else {
            return false;
        };
        let slot = (id >> RANDOM_BITS) as usize;
        let random = (id & ((1 << RANDOM_BITS) - 1)) as u16;
        let Some(Some(waiting)) = self.slots.get_mut(slot) else {
            return false;
        };
        let made = &waiting.attempts[..waiting.made];
        let Some(attempt) = made.iter().position(|r| *r == random) else {
            return false;
        };
        if version != waiting.peer.version || community != &*waiting.peer.community {
            return false;
        }
        if !waiting.peer.is(from) {
            waiting.elsewhere = Some(from);
            return false;
        }
        let reply = Reply {
            datagram: datagram.to_vec(),
            at,
            attempt,
        };
        match waiting.reply.take() {
            Some(sender) => sender.send(reply).is_ok(),
            // Whoever knows the id can send in its name; only the signature tells who did, so that
            // the first must not shut out the others.
            None if version == usm::VERSION && waiting.more.len() < MOST_WAITING => {
                waiting.more.push_back(reply);
                true
            }
            None => false,
        }
    }
}

/// Version, community and id of a datagram.
fn envelope(datagram: &[u8]) -> Option<(u32, &[u8], u32)> {
    if let Some(id) = usm::message_id(datagram) {
        return Some((usm::VERSION, &[], id));
    }
    let response = Response::decode(datagram).ok()?;
    Some((response.version, response.community, response.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::snmp::testing::{self, answer};

    const ADDRESS: &str = "192.0.2.1:161";

    fn peer() -> Peer {
        Peer {
            address: ADDRESS.parse().unwrap(),
            version: 1,
            community: Arc::from(*b"public"),
        }
    }

    fn waiting(slots: &mut Slots) -> (u16, oneshot::Receiver<Reply>) {
        let slot = slots.take(peer()).unwrap();
        let (sender, receiver) = oneshot::channel();
        slots.await_reply(slot, sender);
        (slot, receiver)
    }

    fn deliver(slots: &mut Slots, datagram: &[u8], from: &str) -> bool {
        slots.deliver(datagram, from.parse().unwrap(), Instant::now())
    }

    #[test]
    fn every_attempt_counts_until_the_end_and_none_after() {
        let mut slots = Slots::new();
        let (slot, mut receiver) = waiting(&mut slots);
        let first = slots.next_id(slot, 2);
        let second = slots.next_id(slot, 60_000);
        assert_ne!(first, second);
        assert!(first < 1 << 31 && second < 1 << 31);
        assert!(deliver(&mut slots, &answer(1, b"public", first), ADDRESS));
        assert_eq!(receiver.try_recv().unwrap().attempt, 0);
        let duplicate = answer(1, b"public", second);
        assert!(!deliver(&mut slots, &duplicate, ADDRESS));
        slots.give_back(slot);
        assert!(!deliver(&mut slots, &duplicate, ADDRESS));
    }

    #[test]
    fn strangers_are_not_heard() {
        let mut slots = Slots::new();
        let (slot, mut receiver) = waiting(&mut slots);
        let id = slots.next_id(slot, 4711);
        let strangers = [
            (answer(1, b"public", id), "192.0.2.1:162"),
            (answer(1, b"public", id), "192.0.2.2:161"),
            (answer(1, b"Public", id), ADDRESS),
            (answer(1, b"", id), ADDRESS),
            (answer(0, b"public", id), ADDRESS),
            (answer(1, b"public", id ^ 1), ADDRESS),
            (answer(1, b"public", id + (1 << 15)), ADDRESS),
            (testing::message(1, b"public", 0xa0, id, 0, 0, &[]), ADDRESS),
            (b"garbage".to_vec(), ADDRESS),
            (Vec::new(), ADDRESS),
        ];
        for (datagram, from) in strangers {
            assert!(!deliver(&mut slots, &datagram, from));
            assert!(receiver.try_recv().is_err());
        }
        assert!(deliver(&mut slots, &answer(1, b"public", id), ADDRESS));
        assert!(receiver.try_recv().is_ok());
        assert_eq!(
            slots.give_back(slot),
            Some("192.0.2.2:161".parse().unwrap())
        );
    }

    #[test]
    fn sixty_five_thousand_at_once_and_not_one_more() {
        let mut slots = Slots::new();
        for _ in 0..SLOTS {
            slots.take(peer()).unwrap();
        }
        assert_eq!(slots.take(peer()), None);
        slots.give_back(7);
        assert_eq!(slots.take(peer()), Some(7));
    }
}
