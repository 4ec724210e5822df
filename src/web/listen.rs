//! Our own accept loop: it bounds connections, heads and the time they may take, which the loop of
//! the web framework does not, and it always ends when asked to stop.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tower::Layer as _;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tracing::{debug, warn};

use super::gate::{self, House, Peer};

/// A head that takes longer, or an idle connection, is closed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_HEAD_BYTES: usize = 16 << 10;
const MAX_CONNECTIONS: usize = 1024;
const MAX_PER_ADDRESS: usize = 64;
/// Connections of the Unix socket at once: a place of its own, so that the command line gets
/// through while the pages are under attack.
const MAX_LOCAL: usize = 64;
/// What open requests get to end in when we stop.
const STOP_TIME: Duration = Duration::from_secs(3);
/// Pause after a failed accept (no file descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the pages cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    #[error("{0} is in use: choose another with --listen or server.listen")]
    InUse(SocketAddr),
    #[error("cannot listen on {address}: {why}; choose another with --listen or server.listen")]
    Listen {
        address: SocketAddr,
        why: std::io::Error,
    },
    #[error(
        "{0} can be reached from other machines, and nobody has a password yet: run `eider user add NAME` first, or listen on 127.0.0.1"
    )]
    NoUsers(SocketAddr),
    #[error("{0}")]
    Users(#[from] super::users::UsersError),
    #[error("another eider answers on {0}: stop it first")]
    SocketAnswers(PathBuf),
    #[error("cannot make the socket {path}: {why}")]
    Socket { path: PathBuf, why: std::io::Error },
}

/// The TCP listeners, bound. Port 0 becomes a free one.
pub(super) async fn tcp(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, WebError> {
    let mut listeners = Vec::new();
    for address in addresses {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|why| match why.kind() {
                std::io::ErrorKind::AddrInUse => WebError::InUse(*address),
                _ => WebError::Listen {
                    address: *address,
                    why,
                },
            })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

/// The Unix socket for the command line: 0600 before it has its name, in the place of a stale one.
/// Returns the user id that owns it, the only one that is served.
pub(super) fn unix(path: &Path) -> Result<(UnixListener, u32), WebError> {
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(WebError::SocketAnswers(path.into()));
    }
    let unfinished = path.with_extension(format!("{}", std::process::id()));
    let make = || {
        let _ = std::fs::remove_file(&unfinished);
        let listener = UnixListener::bind(&unfinished)?;
        std::fs::set_permissions(&unfinished, std::fs::Permissions::from_mode(0o600))?;
        let owner = std::fs::metadata(&unfinished)?.uid();
        std::fs::rename(&unfinished, path)?;
        Ok((listener, owner))
    };
    make().map_err(|why| WebError::Socket {
        path: path.into(),
        why,
    })
}

/// Serves until `stop` turns true, then at most [`STOP_TIME`] more.
pub(super) async fn run(
    house: Arc<House>,
    tcp: Vec<TcpListener>,
    unix: (UnixListener, u32),
    mut stop: watch::Receiver<bool>,
) {
    let (alive, mut gone) = mpsc::channel::<Infallible>(1);
    let limits = Arc::new(Limits::default());
    for listener in tcp {
        tokio::spawn(accept_tcp(
            listener,
            Arc::clone(&house),
            Arc::clone(&limits),
            stop.clone(),
            alive.clone(),
        ));
    }
    let (listener, owner) = unix;
    tokio::spawn(accept_unix(listener, owner, house, stop.clone(), alive));
    let _ = stop.wait_for(|stop| *stop).await;
    // Every connection holds `alive`; none left, or time over.
    let _ = tokio::time::timeout(STOP_TIME + Duration::from_secs(1), gone.recv()).await;
}

async fn accept_tcp(
    listener: TcpListener,
    house: Arc<House>,
    limits: Arc<Limits>,
    mut stop: watch::Receiver<bool>,
    alive: mpsc::Sender<Infallible>,
) {
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, address): (TcpStream, SocketAddr) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = limits.take(address.ip().to_canonical()) else {
            debug!(%address, "too many connections: closed one");
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (house, stop, alive) = (Arc::clone(&house), stop.clone(), alive.clone());
        tokio::spawn(async move {
            connection(stream, house, Peer::Network(address), stop).await;
            drop((place, alive));
        });
    }
}

async fn accept_unix(
    listener: UnixListener,
    owner: u32,
    house: Arc<House>,
    mut stop: watch::Receiver<bool>,
    alive: mpsc::Sender<Infallible>,
) {
    let places = Arc::new(Semaphore::new(MAX_LOCAL));
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            accepted = listener.accept() => accepted,
        };
        let stream: UnixStream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // The mode of the socket keeps others out already; root passes it, and so does a user who
        // opened it before a change of mode.
        if stream.peer_cred().map(|peer| peer.uid()).ok() != Some(owner) {
            continue;
        }
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let (house, stop, alive) = (Arc::clone(&house), stop.clone(), alive.clone());
        tokio::spawn(async move {
            connection(stream, house, Peer::Owner, stop).await;
            drop((place, alive));
        });
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    house: Arc<House>,
    peer: Peer,
    mut stop: watch::Receiver<bool>,
) {
    let service = tower::service_fn(move |request: hyper::Request<Incoming>| {
        gate::answer(Arc::clone(&house), peer, request)
    });
    let service = CompressionLayer::new().layer(CatchPanicLayer::new().layer(service));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => Some(outcome),
        _ = stop.wait_for(|stop| *stop) => None,
    };
    let outcome = match outcome {
        Some(outcome) => outcome,
        None => {
            connection.as_mut().graceful_shutdown();
            let ended = tokio::time::timeout(STOP_TIME, connection).await;
            ended.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = outcome {
        debug!(?peer, %error, "connection ended early");
    }
}

/// How many connections there are, in all and from each address.
struct Limits {
    all: Arc<Semaphore>,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            all: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            by_address: Mutex::default(),
        }
    }
}

impl Limits {
    /// A place for one more connection, `None` when there is none.
    fn take(self: &Arc<Limits>, address: IpAddr) -> Option<Place> {
        let permit = Arc::clone(&self.all).try_acquire_owned().ok()?;
        let mut by_address = self.by_address.lock().ok()?;
        let count = by_address.entry(address).or_default();
        if *count >= MAX_PER_ADDRESS {
            return None;
        }
        *count += 1;
        Some(Place {
            limits: Arc::clone(self),
            address,
            _permit: permit,
        })
    }
}

/// One connection's place; given back when dropped.
struct Place {
    limits: Arc<Limits>,
    address: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Ok(mut by_address) = self.limits.by_address.lock()
            && let Some(count) = by_address.get_mut(&self.address)
        {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_per_address_and_given_back() {
        let limits = Arc::new(Limits::default());
        let one: IpAddr = [192, 0, 2, 1].into();
        let mut places: Vec<_> = (0..MAX_PER_ADDRESS)
            .map(|_| limits.take(one).unwrap())
            .collect();
        assert!(limits.take(one).is_none());
        assert!(limits.take([192, 0, 2, 2].into()).is_some());
        places.pop();
        assert!(limits.take(one).is_some());
        drop(places);
        assert!(limits.by_address.lock().unwrap().is_empty());
        assert_eq!(limits.all.available_permits(), MAX_CONNECTIONS);
    }
}
