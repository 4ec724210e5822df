//! The ICMP sockets: one per address family serves all hosts.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::packet::{self, Framing, Probe, Seen};
use crate::reading::{Cause, Failure};

/// Answers of thousands of hosts must fit while we are busy elsewhere.
const RECEIVE_BUFFER: usize = 1 << 20;
/// Longer packets are no answers to ours.
const LONGEST: usize = 2_048;
/// More than one host can truly say about one poll; further packets are dropped.
const QUEUE: usize = 64;

/// One socket and the polls that wait for answers on it.
#[derive(Debug)]
pub(super) struct Wire {
    socket: Arc<UdpSocket>,
    framing: Framing,
    identifier: u16,
    waiting: Arc<Waiting>,
    receiver: AbortHandle,
}

/// Polls under way by their cookie.
#[derive(Debug, Default)]
struct Waiting(Mutex<HashMap<u64, Waiter>>);

#[derive(Debug)]
struct Waiter {
    address: IpAddr,
    tell: mpsc::Sender<Heard>,
}

/// What was heard about one probe.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) sequence: u16,
    pub(super) at: Instant,
    /// An answer, or why there will be none.
    pub(super) what: Result<(), String>,
}

impl Wire {
    /// Opens the socket of the family: without privileges where net.ipv4.ping_group_range lets
    /// us, else a raw one, which only root or CAP_NET_RAW may open.
    pub(super) fn open(v6: bool) -> Result<Wire, Failure> {
        let (domain, protocol) = match v6 {
            false => (Domain::IPV4, Protocol::ICMPV4),
            true => (Domain::IPV6, Protocol::ICMPV6),
        };
        let open = |kind| socket(domain, kind, protocol);
        let opened = match open(Type::DGRAM) {
            Ok(socket) => Ok((socket, if v6 { Framing::V6 } else { Framing::V4 })),
            Err(_) => open(Type::RAW).map(|socket| match v6 {
                false => (socket, Framing::V4WithHeader),
                true => (socket, Framing::V6),
            }),
        };
        let (socket, framing) = opened.map_err(|error| closed(&error, v6))?;
        let (socket, waiting) = (Arc::new(socket), Arc::new(Waiting::default()));
        let receiver = tokio::spawn(receive(socket.clone(), framing, waiting.clone()));
        Ok(Wire {
            socket,
            framing,
            identifier: rand::random(),
            waiting,
            receiver: receiver.abort_handle(),
        })
    }

    /// Begins to listen to one host.
    pub(super) fn listen(&self, address: IpAddr) -> Ear {
        let (tell, heard) = mpsc::channel(QUEUE);
        let cookie = rand::random();
        let waiter = Waiter { address, tell };
        self.waiting.lock().insert(cookie, waiter);
        Ear {
            cookie,
            heard,
            waiting: self.waiting.clone(),
        }
    }

    pub(super) async fn send(&self, address: IpAddr, probe: Probe) -> io::Result<()> {
        let packet = packet::encode(self.framing, self.identifier, probe);
        let to = SocketAddr::new(address, 0);
        self.socket.send_to(&packet, to).await.map(|_| ())
    }

    /// Lets every answer go by, as a network does that loses them.
    #[cfg(test)]
    pub(super) fn deafen(&self) {
        self.receiver.abort();
    }

    /// Polls under way.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.lock().len()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.receiver.abort();
    }
}

/// One poll's place among those that wait, given back when dropped.
#[derive(Debug)]
pub(super) struct Ear {
    pub(super) cookie: u64,
    pub(super) heard: mpsc::Receiver<Heard>,
    waiting: Arc<Waiting>,
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.waiting.lock().remove(&self.cookie);
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Waiter>> {
        // The table is sound after any panic: every change to it is one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the poll that waits for it. An answer counts only from the address that was asked;
    /// a complaint comes from anywhere but must quote our request to that address.
    fn deliver(&self, seen: &Seen, from: IpAddr, at: Instant) {
        let (probe, about, what) = match *seen {
            Seen::Answer(probe) => (probe, from, Ok(())),
            Seen::Unreachable(probe, to, why) => (probe, to, Err(format!("{why}, says {from}"))),
        };
        let waiting = self.lock();
        if let Some(waiter) = waiting.get(&probe.cookie)
            && waiter.address == about
        {
            let sequence = probe.sequence;
            // A full queue means a host that answers many times over; the poll has enough.
            let _ = waiter.tell.try_send(Heard { sequence, at, what });
        }
    }
}

fn socket(domain: Domain, kind: Type, protocol: Protocol) -> io::Result<UdpSocket> {
    let socket = Socket::new(domain, kind, Some(protocol))?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket.into())
}

/// Why there is no socket, and what to do about it.
fn closed(error: &io::Error, v6: bool) -> Failure {
    if v6 && error.raw_os_error() == Some(libc::EAFNOSUPPORT) {
        return Failure::new(Cause::Unreachable, "this machine has no IPv6");
    }
    let message = match error.kind() {
        io::ErrorKind::PermissionDenied => "this machine does not let eider ping: run `sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"` as root (and write it to /etc/sysctl.d/), or give the service CAP_NET_RAW".to_owned(),
        _ => format!("cannot open a socket to ping with: {error}"),
    };
    Failure::new(Cause::Internal, message)
}

async fn receive(socket: Arc<UdpSocket>, framing: Framing, waiting: Arc<Waiting>) {
    let mut buffer = vec![0; LONGEST];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, from)) => {
                let at = Instant::now();
                if let Some(seen) = packet::decode(framing, &buffer[..length]) {
                    waiting.deliver(&seen, from.ip(), at);
                }
            }
            // The kernel may report trouble of an earlier send here; the socket itself goes on.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_asked_address_with_the_right_cookie_is_heard() {
        let waiting = Waiting::default();
        let (tell, mut heard) = mpsc::channel(QUEUE);
        let address = IpAddr::from([192, 0, 2, 9]);
        waiting.lock().insert(7, Waiter { address, tell });
        let probe = |cookie| Probe {
            cookie,
            sequence: 1,
        };
        let (now, other) = (Instant::now(), IpAddr::from([192, 0, 2, 10]));
        waiting.deliver(&Seen::Answer(probe(7)), other, now);
        waiting.deliver(&Seen::Answer(probe(8)), address, now);
        waiting.deliver(&Seen::Unreachable(probe(7), other, "no"), other, now);
        assert!(heard.try_recv().is_err());
        waiting.deliver(&Seen::Answer(probe(7)), address, now);
        assert_eq!(heard.try_recv().unwrap().what, Ok(()));
        waiting.deliver(&Seen::Unreachable(probe(7), address, "no"), other, now);
        let what = heard.try_recv().unwrap().what;
        assert_eq!(what, Err("no, says 192.0.2.10".to_owned()));
    }

    #[test]
    fn a_machine_that_forbids_ping_is_told_what_to_do() {
        let failure = closed(&io::ErrorKind::PermissionDenied.into(), false);
        assert!(failure.message.contains("net.ipv4.ping_group_range"));
        let failure = closed(&io::Error::from_raw_os_error(libc::EAFNOSUPPORT), true);
        assert_eq!(failure.message, "this machine has no IPv6");
    }
}
