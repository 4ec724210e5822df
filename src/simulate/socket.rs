//! One UDP socket that answers from whichever loopback address was asked.
//!
//! A fleet needs every address of 127/8 at once: the socket is bound to the loopback device, asks
//! the kernel for the address that each datagram came to (IP_PKTINFO), and takes only those of
//! 127/8.

use std::io;
use std::mem;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

const RECEIVE_BUFFER: usize = 4 << 20;
/// Room for one IP_PKTINFO message, aligned as the kernel wants it.
type Control = [u64; 8];

/// From whom a datagram came, and to which address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Route {
    pub(super) from: SocketAddrV4,
    pub(super) to: Ipv4Addr,
}

impl Default for Route {
    fn default() -> Route {
        Route {
            from: SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0),
            to: Ipv4Addr::LOCALHOST,
        }
    }
}

pub(super) struct LoopbackSocket {
    socket: Socket,
    port: u16,
}

impl LoopbackSocket {
    /// Listens on one address of 127/8, or with `None` on all of them. Port 0: any free one.
    pub(super) fn open(only: Option<Ipv4Addr>, port: u16) -> io::Result<LoopbackSocket> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        let address = match only {
            Some(address) if address.is_loopback() => address,
            Some(_) => return Err(io::ErrorKind::InvalidInput.into()),
            None => {
                socket.bind_device(Some(b"lo"))?;
                Ipv4Addr::UNSPECIFIED
            }
        };
        ask_for_destination(&socket)?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SocketAddr::from((address, port)).into())?;
        let bound = socket.local_addr()?.as_socket_ipv4();
        let port = bound.map_or(port, |a| a.port());
        Ok(LoopbackSocket { socket, port })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The next datagram that came to an address of 127/8, its length and its way; `None` when there
    /// is none now.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<(usize, Route)>> {
        loop {
            match receive(&self.socket, buffer) {
                Ok((length, Some(route))) if route.to.is_loopback() => {
                    return Ok(Some((length, route)));
                }
                // Meant for another address of this machine: none of our devices.
                Ok(_) => {}
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(None),
                    // An asker who has gone makes the next call fail once.
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionRefused => {}
                    _ => return Err(error),
                },
            }
        }
    }

    /// Answers on the way that a datagram came. A full queue loses it, as a network would.
    pub(super) fn send(&self, datagram: &[u8], route: Route) {
        let _ = send(&self.socket, datagram, route);
    }

    /// Waits for a datagram, at most so long.
    pub(super) fn wait(&self, most: Duration) {
        let mut poll = libc::pollfd {
            fd: self.socket.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        let ms = most.as_micros().div_ceil(1_000).min(60_000) as i32;
        #[allow(unsafe_code, reason = "the standard library has no poll")]
        // SAFETY: one valid pollfd, alive during the call; a signal that ends it early does no harm.
        unsafe {
            libc::poll(&raw mut poll, 1, ms);
        }
    }
}

#[allow(unsafe_code, reason = "socket2 has no IP_PKTINFO")]
fn ask_for_destination(socket: &Socket) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the option takes an int, which lives during the call.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_PKTINFO,
            (&raw const on).cast(),
            mem::size_of_val(&on) as libc::socklen_t,
        )
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// An address of IPv4 as the kernel writes it.
fn empty_name() -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: 0,
        sin_addr: libc::in_addr { s_addr: 0 },
        sin_zero: [0; 8],
    }
}

#[allow(unsafe_code, reason = "control messages need recvmsg")]
fn receive(socket: &Socket, buffer: &mut [u8]) -> io::Result<(usize, Option<Route>)> {
    let mut name = empty_name();
    let mut control: Control = [0; 8];
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: all zeros is a valid msghdr; every pointer put into it outlives the call, with its
    // true length; the control messages are walked by the macros made for it, and read unaligned.
    unsafe {
        let mut message: libc::msghdr = mem::zeroed();
        message.msg_name = (&raw mut name).cast();
        message.msg_namelen = mem::size_of_val(&name) as libc::socklen_t;
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = mem::size_of_val(&control) as _;
        let length = libc::recvmsg(socket.as_raw_fd(), &raw mut message, 0);
        let Ok(length) = usize::try_from(length) else {
            return Err(io::Error::last_os_error());
        };
        if message.msg_flags & libc::MSG_TRUNC != 0 {
            return Ok((length, None));
        }
        let mut header = libc::CMSG_FIRSTHDR(&raw const message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::IPPROTO_IP && (*header).cmsg_type == libc::IP_PKTINFO {
                let info: libc::in_pktinfo = libc::CMSG_DATA(header)
                    .cast::<libc::in_pktinfo>()
                    .read_unaligned();
                let address = Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr));
                let route = Route {
                    from: SocketAddrV4::new(address, u16::from_be(name.sin_port)),
                    to: Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr)),
                };
                return Ok((length, Some(route)));
            }
            header = libc::CMSG_NXTHDR(&raw const message, header);
        }
        Ok((length, None))
    }
}

#[allow(unsafe_code, reason = "control messages need sendmsg")]
fn send(socket: &Socket, datagram: &[u8], route: Route) -> io::Result<()> {
    let mut name = empty_name();
    name.sin_addr.s_addr = u32::from(*route.from.ip()).to_be();
    name.sin_port = route.from.port().to_be();
    let info = libc::in_pktinfo {
        ipi_ifindex: 0,
        ipi_spec_dst: libc::in_addr {
            s_addr: u32::from(route.to).to_be(),
        },
        ipi_addr: libc::in_addr { s_addr: 0 },
    };
    let size = mem::size_of::<libc::in_pktinfo>() as libc::c_uint;
    let mut control: Control = [0; 8];
    let mut part = libc::iovec {
        iov_base: datagram.as_ptr().cast_mut().cast(),
        iov_len: datagram.len(),
    };
    // SAFETY: as in `receive`; sendmsg only reads the datagram. The control buffer has room for the
    // one header that is written: CMSG_SPACE of 12 octets is 32 on 64-bit machines.
    let sent = unsafe {
        let mut message: libc::msghdr = mem::zeroed();
        message.msg_name = (&raw mut name).cast();
        message.msg_namelen = mem::size_of_val(&name) as libc::socklen_t;
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(size) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::IPPROTO_IP;
        (*header).cmsg_type = libc::IP_PKTINFO;
        (*header).cmsg_len = libc::CMSG_LEN(size) as _;
        libc::CMSG_DATA(header)
            .cast::<libc::in_pktinfo>()
            .write_unaligned(info);
        libc::sendmsg(socket.as_raw_fd(), &raw const message, 0)
    };
    if sent >= 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
