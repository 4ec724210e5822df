//! One connection: connect, shake hands, check the host key, only then log in.

use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use ssh2::{MethodType, Session};

use super::auth::{Denied, Proof};
use super::failure::{self, Stage};
use super::host_keys::{HostKey, HostKeys, Trusted, Verdict};
use super::offer;
use super::through::{self, Means, Program, shut};
use super::watchdog::Watch;
use crate::inventory::{HostKeyPolicy, SshAccess};
use crate::machine::clean;
use crate::reading::{Cause, Failure};

/// Host-key algorithms in the order we like them. Certificates are left out: the store knows keys.
pub(super) const HOST_KEY_METHODS: &[&str] = &[
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

/// The shortest wait that means one: zero is an error or for ever, by the call.
const TICK: Duration = Duration::from_millis(1);

/// What to reach and how; the worker's copy of a target.
pub(super) struct Request {
    /// The host's name in the inventory.
    pub(super) host: Arc<str>,
    pub(super) address: String,
    /// What the address resolved to.
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) access: SshAccess,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) deadline: Instant,
    pub(super) stage: Arc<AtomicU8>,
}

/// Why there is no session.
pub(super) enum NoSession {
    /// The server refused the login: back off.
    Refused(String),
    Failed(Failure),
}

impl From<Failure> for NoSession {
    fn from(failure: Failure) -> NoSession {
        NoSession::Failed(failure)
    }
}

/// An open session whose host key was right and whose user was let in.
pub(super) struct Remote {
    pub(super) session: Session,
    pub(super) stream: Arc<TcpStream>,
    pub(super) key: HostKey,
    pub(super) opened: Instant,
    /// When it is too old to be used again.
    pub(super) idle_until: Instant,
    /// The host key was trusted on this first use.
    pub(super) newly_trusted: bool,
    /// Ends with the session.
    _program: Option<Program>,
}

impl Drop for Remote {
    /// The socket goes first: libssh2's own goodbye can block for ever.
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Request {
    pub(super) fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    /// The names under which host keys of this target are kept.
    pub(super) fn names(&self) -> [&str; 2] {
        [&self.host, &self.address]
    }

    pub(super) fn too_late(&self) -> Failure {
        let stage = Stage::of_number(self.stage.load(Ordering::Relaxed));
        failure::too_late(self.timeout, stage)
    }

    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// Opens a session by the request's deadline, on the connection if there is one already.
pub(super) fn open(
    request: &Request,
    connection: Option<TcpStream>,
    means: &Means<'_>,
) -> Result<Remote, NoSession> {
    let host_keys = means.host_keys;
    let proof = Proof::prepare(&request.access.auth)?;
    let known = known(request, host_keys)?;
    let line = through::connect(request, connection, means)?;
    let stream = Arc::new(line.stream);
    let watch = means.watchdog.watch(&stream, request.deadline);
    let (session, key) = handshake(&stream, request, &watch, &known)?;
    let newly_trusted = check(request, host_keys, &key)
        .map_err(NoSession::Failed)
        .and_then(|new| log_in(&session, request, &watch, &proof).map(|()| new))
        // Before the session is dropped: its goodbye could block.
        .inspect_err(|_| shut(&stream))?;
    let now = Instant::now();
    Ok(Remote {
        session,
        stream,
        key,
        opened: now,
        idle_until: now,
        newly_trusted,
        _program: line.program,
    })
}

/// The host key that the server at these addresses shows, without logging in.
pub(super) fn fetch_key(request: &Request, means: &Means<'_>) -> Result<HostKey, Failure> {
    let line = through::connect(request, None, means).map_err(|why| match why {
        NoSession::Refused(message) => Failure::new(Cause::Auth, message),
        NoSession::Failed(failure) => failure,
    })?;
    let stream = Arc::new(line.stream);
    let watch = means.watchdog.watch(&stream, request.deadline);
    let (_session, key) = handshake(&stream, request, &watch, &[])?;
    shut(&stream);
    Ok(key)
}

fn log_in(
    session: &Session,
    request: &Request,
    watch: &Watch,
    proof: &Proof<'_>,
) -> Result<(), NoSession> {
    request.enter(Stage::Authentication);
    session.set_timeout(millis(request.left()));
    match proof.show(session, &request.access.user) {
        Ok(()) => Ok(()),
        Err(_) if watch.fired() => Err(request.too_late().into()),
        Err(Denied::Refused(message)) => Err(NoSession::Refused(message)),
        Err(Denied::Broken(error)) if failure::is_timeout(&error) => Err(request.too_late().into()),
        Err(Denied::Broken(error)) => Err(NoSession::Refused(
            failure::broken(Stage::Authentication, &error).message,
        )),
    }
}

/// A session, and the host key that the server showed. Nothing is believed yet.
fn handshake(
    stream: &Arc<TcpStream>,
    request: &Request,
    watch: &Watch,
    known: &[Trusted],
) -> Result<(Session, HostKey), Failure> {
    let broken = |error: ssh2::Error| {
        if watch.fired() || failure::is_timeout(&error) {
            request.too_late()
        } else if failure::is_no_agreement(&error) {
            no_agreement(stream, request, &error)
        } else {
            failure::broken(Stage::Handshake, &error)
        }
    };
    request.enter(Stage::Handshake);
    let mut session = Session::new().map_err(|e| internal(e.message()))?;
    session.set_tcp_stream(stream.clone());
    session.set_timeout(millis(request.left()));
    session
        .method_pref(MethodType::HostKey, &preference(known))
        .map_err(|e| internal(e.message()))?;
    if let Err(error) = session.handshake() {
        let failure = broken(error);
        shut(stream);
        return Err(failure);
    }
    let shown = session
        .host_key()
        .and_then(|(blob, _)| HostKey::of_blob(blob));
    shown.map(|key| (session, key)).ok_or_else(|| {
        Failure::new(
            Cause::Protocol,
            "the server shows no host key that can be read",
        )
    })
}

/// What the two sides do have, so that a person can make them meet.
fn no_agreement(stream: &TcpStream, request: &Request, error: &ssh2::Error) -> Failure {
    let again = stream
        .peer_addr()
        .and_then(|address| TcpStream::connect_timeout(&address, request.left().max(TICK)));
    let words = again
        .ok()
        .and_then(|s| offer::difference(s, request.deadline));
    Failure::new(
        Cause::Protocol,
        words.unwrap_or_else(|| {
            format!(
                "no algorithm in common with the server ({})",
                clean(error.message())
            )
        }),
    )
}

/// The known types first: a host known by its ed25519 key is to show that one.
fn preference(known: &[Trusted]) -> String {
    let is_known = |method: &&&str| {
        known.iter().any(|t| match t.key.kind.as_str() {
            "ssh-rsa" => method.starts_with("rsa-"),
            kind => **method == kind,
        })
    };
    let (mut first, rest): (Vec<&str>, Vec<&str>) =
        HOST_KEY_METHODS.iter().partition(|m| is_known(m));
    first.extend(rest);
    first.join(",")
}

fn known(request: &Request, host_keys: &HostKeys) -> Result<Vec<Trusted>, Failure> {
    host_keys
        .known(&request.names(), request.access.port)
        .map_err(|e| store_failure(host_keys, &e))
}

/// Whether the key may be believed; returns whether it was new. Nothing has been sent yet that names
/// the user.
fn check(request: &Request, host_keys: &HostKeys, key: &HostKey) -> Result<bool, Failure> {
    let names = request.names();
    let port = request.access.port;
    let verdict = host_keys
        .check(&names, port, key)
        .map_err(|e| store_failure(host_keys, &e))?;
    let shown = format!("{} ({})", key.fingerprint(), key.short_kind());
    let host = clean(&request.host);
    match (verdict, request.access.host_keys) {
        (Verdict::Trusted, _) => Ok(false),
        (Verdict::Unknown, HostKeyPolicy::Strict) => Err(Failure::new(
            Cause::HostKeyUnknown,
            format!("host key not trusted: {shown}; run `eider ssh trust {host}`"),
        )),
        (Verdict::Unknown, HostKeyPolicy::Tofu) => {
            let trusted = Trusted::now(&request.host, port, key, "tofu");
            let stored = host_keys.trust_first(&names, &trusted);
            match stored.map_err(|e| store_failure(host_keys, &e))? {
                true => Ok(true),
                false => Err(changed(&shown, "another one, trusted just now", &host)),
            }
        }
        (Verdict::Changed(known), _) => {
            let known: Vec<String> = known
                .iter()
                .map(|t| format!("{} ({})", t.key.fingerprint(), t.key.short_kind()))
                .collect();
            Err(changed(&shown, &known.join(" or "), &host))
        }
    }
}

fn changed(shown: &str, known: &str, host: &str) -> Failure {
    Failure::new(
        Cause::HostKeyChanged,
        format!(
            "host key changed: {shown} instead of {known}; nothing was sent. If you know why, run `eider ssh trust {host} --replace`"
        ),
    )
}

fn store_failure(host_keys: &HostKeys, error: &std::io::Error) -> Failure {
    let path = host_keys.path().display();
    Failure::new(Cause::Internal, format!("host keys in {path}: {error}"))
}

pub(super) fn internal(message: &str) -> Failure {
    Failure::new(Cause::Internal, clean(message))
}

/// For libssh2, where 0 would mean for ever.
pub(super) fn millis(left: Duration) -> u32 {
    u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_type_is_asked_for_first() {
        assert!(preference(&[]).starts_with("ssh-ed25519,ecdsa-"));
        let mut blob = 7u32.to_be_bytes().to_vec();
        blob.extend_from_slice(b"ssh-rsa");
        let key = HostKey::of_blob(&blob).unwrap();
        let known = Trusted::now("web01", 22, &key, "trust");
        assert!(preference(&[known]).starts_with("rsa-sha2-512,rsa-sha2-256,ssh-ed25519,"));
    }

    #[test]
    fn no_time_left_is_not_for_ever() {
        assert_eq!(millis(Duration::ZERO), 1);
        assert_eq!(millis(Duration::from_secs(1)), 1000);
    }
}
