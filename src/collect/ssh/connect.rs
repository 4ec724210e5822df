//! The TCP connection. For a poll it is made on the asynchronous side, so that a host that does not
//! answer costs no worker thread; a worker connects by itself only when a warm session has died.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::failure::{self, Stage};
use super::session::{Request, internal};
use crate::reading::Failure;

/// Connects to the first address that answers.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    timeout: Duration,
    deadline: Instant,
) -> Result<TcpStream, Failure> {
    let mut last = internal("no address to connect to");
    for (at, address) in addresses.iter().enumerate() {
        let until = Instant::now() + share(deadline, addresses.len() - at);
        let connecting = tokio::net::TcpStream::connect(address);
        last = match tokio::time::timeout_at(until.into(), connecting).await {
            Ok(Ok(stream)) => return plain(stream).map_err(|e| internal(&e.to_string())),
            Ok(Err(error)) => failure::connecting(&error, address.port()),
            Err(_) => failure::too_late(timeout, Stage::Connect),
        };
    }
    Err(last)
}

/// The same, on this thread.
pub(super) fn connect_blocking(request: &Request) -> Result<TcpStream, Failure> {
    request.enter(Stage::Connect);
    let mut last = internal("no address to connect to");
    for (at, address) in request.addresses.iter().enumerate() {
        let share = share(request.deadline, request.addresses.len() - at);
        if share.is_zero() {
            return Err(request.too_late());
        }
        match TcpStream::connect_timeout(address, share) {
            Ok(stream) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(_) if request.left().is_zero() => last = request.too_late(),
            Err(error) => last = failure::connecting(&error, address.port()),
        }
    }
    Err(last)
}

/// What is left is shared among the addresses that are left.
fn share(deadline: Instant, addresses_left: usize) -> Duration {
    let left = deadline.saturating_duration_since(Instant::now());
    left / u32::try_from(addresses_left.max(1)).unwrap_or(u32::MAX)
}

/// libssh2 wants a blocking socket, and switches it as it needs.
fn plain(stream: tokio::net::TcpStream) -> std::io::Result<TcpStream> {
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
