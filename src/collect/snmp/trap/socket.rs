//! The sockets that wait for traps.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

/// When a core switch fails, hundreds of devices tell at once. The kernel gives less when
/// net.core.rmem_max says so.
const RECEIVE_BUFFER: usize = 4 << 20;

/// Opens a socket on this address. Must be called inside a tokio runtime. The error is one sentence
/// that says what to do.
pub fn bind(address: SocketAddr) -> Result<UdpSocket, String> {
    open(address).map_err(|error| {
        let help = match error.kind() {
            io::ErrorKind::PermissionDenied => {
                " (ports below 1024 need CAP_NET_BIND_SERVICE: see docs/traps.md, or take another port)"
            }
            io::ErrorKind::AddrInUse => {
                " (another program, snmptrapd perhaps, or a second eider listens there)"
            }
            _ => "",
        };
        format!("cannot listen for traps on udp {address}: {error}{help}")
    })
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        // IPv4 has a socket of its own.
        socket.set_only_v6(true)?;
    }
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}
