//! Connections that lead through another host or a program.
//!
//! The far end looks to libssh2 like any socket: it is one end of a pair, whose other end the tunnel
//! thread or the program has.

use std::net::{Shutdown, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use super::connect::connect_blocking;
use super::failure::{self, Stage};
use super::host_keys::HostKeys;
use super::session::{self, NoSession, Request, internal};
use super::tunnel::Tunnels;
use super::watchdog::Watchdog;
use crate::inventory::{SshAccess, Via};
use crate::machine::clean;
use crate::reading::{Cause, Failure};

/// What every session needs to come about.
pub(super) struct Means<'a> {
    pub(super) host_keys: &'a HostKeys,
    pub(super) watchdog: &'a Watchdog,
    pub(super) tunnels: &'a Tunnels,
}

/// A connection, and what must not outlive it.
pub(super) struct Line {
    pub(super) stream: TcpStream,
    pub(super) program: Option<Program>,
}

/// Whom to connect to first.
pub(super) struct Hop<'a> {
    pub(super) address: &'a str,
    pub(super) port: u16,
    /// Its name, when it is not the target itself.
    front: Option<&'a str>,
}

/// The first one on the way to an address; `None` when a program connects.
pub(super) fn first_hop<'a>(address: &'a str, access: &'a SshAccess) -> Option<Hop<'a>> {
    let mut hop = Hop {
        address,
        port: access.port,
        front: None,
    };
    let mut via = access.via.as_deref();
    while let Some(way) = via {
        let Via::Jump {
            host,
            address,
            access,
        } = way
        else {
            return None;
        };
        hop = Hop {
            address,
            port: access.port,
            front: Some(host),
        };
        via = access.via.as_deref();
    }
    Some(hop)
}

impl Hop<'_> {
    /// The same failure, with the name of the host that it is about.
    pub(super) fn named(&self, failure: Failure) -> Failure {
        match self.front {
            Some(front) => by(front, &failure),
            None => failure,
        }
    }
}

/// The connection to the request's server, by its way; `connection` is to the first hop.
pub(super) fn connect(
    request: &Request,
    connection: Option<TcpStream>,
    means: &Means<'_>,
) -> Result<Line, NoSession> {
    let direct = |stream| Line {
        stream,
        program: None,
    };
    match (request.access.via.as_deref(), connection) {
        (None, Some(stream)) => Ok(direct(stream)),
        (None, None) => Ok(direct(connect_blocking(request)?)),
        (Some(Via::Command(words)), _) => Ok(run(words, request)?),
        (
            Some(Via::Jump {
                host,
                address,
                access,
            }),
            connection,
        ) => {
            let front = Request {
                host: host.clone(),
                address: address.clone(),
                addresses: request.addresses.clone(),
                access: access.clone(),
                interval: request.interval,
                timeout: request.timeout,
                deadline: request.deadline,
                stage: request.stage.clone(),
            };
            let stream = jump(&front, request, connection, means).map_err(|why| match why {
                NoSession::Refused(message) => {
                    NoSession::Refused(by(host, &Failure::new(Cause::Auth, message)).message)
                }
                NoSession::Failed(failure) => NoSession::Failed(by(host, &failure)),
            })?;
            Ok(direct(stream))
        }
    }
}

fn by(host: &str, failure: &Failure) -> Failure {
    let message = format!("jump host {}: {}", clean(host), failure.message);
    Failure::new(failure.cause, message)
}

fn jump(
    front: &Request,
    request: &Request,
    connection: Option<TcpStream>,
    means: &Means<'_>,
) -> Result<TcpStream, NoSession> {
    let remote = session::open(front, connection, means)?;
    request.enter(Stage::Jump);
    let watch = means.watchdog.watch(&remote.stream, request.deadline);
    remote.session.set_timeout(session::millis(request.left()));
    let port = request.access.port;
    let channel = remote
        .session
        .channel_direct_tcpip(&request.address, port, None)
        .map_err(|error| {
            if watch.fired() || failure::is_timeout(&error) {
                return request.too_late();
            }
            let target = clean(&request.address);
            let message = format!(
                "it cannot reach {target} port {port}, or lets nobody through ({})",
                clean(error.message())
            );
            Failure::new(Cause::Unreachable, message)
        })?;
    drop(watch);
    let (ours, theirs) = pair()?;
    means
        .tunnels
        .carry(remote, channel, theirs)
        .map_err(|error| internal(&format!("no tunnel: {error}")))?;
    Ok(ours)
}

/// Two ends of one connection within this machine.
fn pair() -> Result<(TcpStream, UnixStream), Failure> {
    let (ours, theirs) = UnixStream::pair().map_err(|e| internal(&e.to_string()))?;
    // What reads, writes and shuts a socket down does not ask for its family.
    Ok((TcpStream::from(OwnedFd::from(ours)), theirs))
}

/// A program that is the connection. Ends with it.
pub(super) struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        if let Ok(group) = i32::try_from(self.0.id()) {
            // Only the kernel can signal a whole group; the group is ours (process_group below) and
            // its leader is not reaped yet, so the number cannot belong to anyone else.
            #[allow(unsafe_code)]
            unsafe {
                libc::kill(-group, libc::SIGKILL);
            }
        }
        let _ = self.0.wait();
    }
}

fn run(words: &[String], request: &Request) -> Result<Line, Failure> {
    request.enter(Stage::Connect);
    let words: Vec<String> = words.iter().map(|word| filled(word, request)).collect();
    let (program, arguments) = words
        .split_first()
        .ok_or_else(|| internal("the proxy command is empty"))?;
    let (ours, theirs) = pair()?;
    let input = theirs.try_clone().map_err(|e| internal(&e.to_string()))?;
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::from(OwnedFd::from(input)))
        .stdout(Stdio::from(OwnedFd::from(theirs)))
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| {
            let message = format!("proxy command: cannot run {}: {error}", clean(program));
            Failure::new(Cause::Unreachable, message)
        })?;
    Ok(Line {
        stream: ours,
        program: Some(Program(child)),
    })
}

/// `%h`, `%p`, `%r` and `%%`, as ssh_config(5) has them.
fn filled(word: &str, request: &Request) -> String {
    let mut text = String::new();
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        match (c, c == '%') {
            (_, true) => match chars.next() {
                Some('h') => text.push_str(&request.address),
                Some('p') => text.push_str(&request.access.port.to_string()),
                Some('r') => text.push_str(&request.access.user),
                Some('%') | None => text.push('%'),
                Some(other) => text.extend(['%', other]),
            },
            (c, false) => text.push(c),
        }
    }
    text
}

/// Shuts a connection down from both sides.
pub(super) fn shut(stream: &Arc<TcpStream>) {
    let _ = stream.shutdown(Shutdown::Both);
}
