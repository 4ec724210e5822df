//! The sockets: two unconnected UDP sockets, one per address family, serve every device.
//!
//! All sending and receiving is here, so that batches of datagrams per system call can come later
//! without touching anything else.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::slots::{Peer, Reply, Slots};

/// A burst of answers from thousands of devices must fit while we are busy elsewhere. The kernel
/// gives less when net.core.rmem_max says so.
const RECEIVE_BUFFER: usize = 4 << 20;
/// No UDP datagram is longer.
const LONGEST_DATAGRAM: usize = 65_536;

/// The sockets and the requests under way on them.
pub(super) struct Sockets {
    shared: Arc<Shared>,
    v4: Option<Arc<UdpSocket>>,
    v6: Option<Arc<UdpSocket>>,
    receivers: Vec<AbortHandle>,
}

struct Shared {
    slots: Mutex<Slots>,
    stale: AtomicU64,
}

impl Shared {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        // The table is sound after any panic: every change to it is one step.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sockets {
    /// Opens the sockets and starts to listen. A machine may lack one address family, not both.
    pub(super) fn open() -> io::Result<Sockets> {
        let shared = Arc::new(Shared {
            slots: Mutex::new(Slots::new()),
            stale: AtomicU64::new(0),
        });
        let v4 = bind(Domain::IPV4, Ipv4Addr::UNSPECIFIED.into()).map(Arc::new);
        let v6 = bind(Domain::IPV6, Ipv6Addr::UNSPECIFIED.into()).map(Arc::new);
        if v6.is_err()
            && let Err(error) = v4
        {
            return Err(error);
        }
        let (v4, v6) = (v4.ok(), v6.ok());
        let receivers = [&v4, &v6]
            .into_iter()
            .flatten()
            .map(|socket| tokio::spawn(receive(socket.clone(), shared.clone())).abort_handle())
            .collect();
        Ok(Sockets {
            shared,
            v4,
            v6,
            receivers,
        })
    }

    /// Datagrams that answered nobody who waited.
    pub(super) fn stale(&self) -> u64 {
        self.shared.stale.load(Ordering::Relaxed)
    }

    pub(super) fn speaks(&self, address: IpAddr) -> bool {
        self.socket(address).is_some()
    }

    pub(super) async fn send(&self, datagram: &[u8], to: SocketAddr) -> io::Result<()> {
        let Some(socket) = self.socket(to.ip()) else {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        };
        socket.send_to(datagram, to).await.map(|_| ())
    }

    /// Books a place for one exchange; `None` when too many are under way.
    pub(super) fn book(&self, peer: Peer) -> Option<Ticket> {
        let slot = self.shared.slots().take(peer)?;
        let (sender, receiver) = oneshot::channel();
        self.shared.slots().await_reply(slot, sender);
        Some(Ticket {
            shared: self.shared.clone(),
            slot,
            receiver,
            elsewhere: None,
            open: true,
        })
    }

    fn socket(&self, address: IpAddr) -> Option<&UdpSocket> {
        match address {
            IpAddr::V4(_) => self.v4.as_deref(),
            IpAddr::V6(_) => self.v6.as_deref(),
        }
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        for receiver in &self.receivers {
            receiver.abort();
        }
    }
}

fn bind(domain: Domain, address: IpAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    if domain == Domain::IPV6 {
        socket.set_only_v6(true)?;
    }
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::new(address, 0).into())?;
    UdpSocket::from_std(socket.into())
}

async fn receive(socket: Arc<UdpSocket>, shared: Arc<Shared>) {
    let mut buffer = vec![0; LONGEST_DATAGRAM];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, from)) => {
                let delivered = shared
                    .slots()
                    .deliver(&buffer[..length], from, Instant::now());
                if !delivered {
                    shared.stale.fetch_add(1, Ordering::Relaxed);
                }
            }
            // The kernel may report trouble of an earlier send here; the socket itself goes on.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// One exchange's place in the in-flight table, given back when dropped.
pub(super) struct Ticket {
    shared: Arc<Shared>,
    slot: u16,
    receiver: oneshot::Receiver<Reply>,
    elsewhere: Option<SocketAddr>,
    open: bool,
}

impl Ticket {
    /// A request id for the next attempt.
    pub(super) fn next_id(&mut self) -> u32 {
        self.shared.slots().next_id(self.slot, rand::random())
    }

    /// The answer to any attempt so far. After one came, [`Ticket::listen_again`] makes way for
    /// another.
    pub(super) async fn reply(&mut self) -> Option<Reply> {
        (&mut self.receiver).await.ok()
    }

    pub(super) fn listen_again(&mut self) {
        let (sender, receiver) = oneshot::channel();
        self.receiver = receiver;
        self.shared.slots().await_reply(self.slot, sender);
    }

    /// Gives the place back; returns from where the right answer came when it came from elsewhere.
    pub(super) fn close(mut self) -> Option<SocketAddr> {
        self.end();
        self.elsewhere
    }

    fn end(&mut self) {
        if self.open {
            self.open = false;
            self.elsewhere = self.shared.slots().give_back(self.slot);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.end();
    }
}
