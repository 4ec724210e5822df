//! Running the probe on an open session.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant, SystemTime};

use ssh2::Channel;

use super::failure::{self, Stage};
use super::session::{Remote, Request, millis};
use super::watchdog::Watchdog;
use crate::machine::clean;
use crate::reading::{Cause, Failure};

/// What runs on the host. The shell that the user logs in with (csh, fish, …) sees this one line;
/// the script itself goes to `sh` on its standard input, so no login shell has to understand it and
/// no list of processes shows it.
const COMMAND: &str = "exec /bin/sh -s";

/// The script. A constant: nothing of the inventory is ever pasted into it.
const PROBE: &str = include_str!("probe.sh");

/// A process costs about 300 bytes of answer: 4 MiB are 14,000 of them (1 MiB would be passed by a
/// busy host), and 64 workers cannot hold more than a quarter of a gibibyte.
pub(super) const STDOUT_MAX: usize = 4 * 1024 * 1024;
pub(super) const STDERR_MAX: usize = 64 * 1024;

/// What the probe prints last. Whoever still holds the output open then (a command that hangs and
/// was left behind) is not waited for.
const END: &[u8] = b"\n<<<end>>>";

/// How long after the end mark the channel may still close by itself.
const END_PATIENCE: Duration = Duration::from_millis(300);

/// A warm session that does not open a channel in this time is taken for dead.
const WARM_PATIENCE: Duration = Duration::from_secs(5);

/// The answer is whole when the channel is closed: a server that is slow to do so loses its warm
/// session, not the poll.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// The longest silence of the socket before libssh2 is asked again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What the host printed.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    /// The session can be used again.
    pub(super) reusable: bool,
    /// By the clock here: when the probe was sent, and when its first words came.
    pub(super) began: Option<(SystemTime, SystemTime)>,
}

/// Why there is no output.
pub(super) enum NoOutput {
    /// The connection was gone before anything came back: a fresh one may help.
    Dead(Failure),
    Failed(Failure),
}

/// Runs the probe, with those of its slower parts that are due. `warm`: the session has served before and may have died since. After a failure
/// the session is of no use any more.
pub(super) fn probe(
    remote: &Remote,
    request: &Request,
    due: &[&'static str],
    watchdog: &Watchdog,
    warm: bool,
) -> Result<Output, NoOutput> {
    request.enter(Stage::Probe);
    let opening = match warm {
        true => request.left().div_f64(3.0).min(WARM_PATIENCE),
        false => request.left(),
    };
    let mut channel = begin(remote, due, watchdog, opening).map_err(|error| {
        shut(remote);
        let gone = error
            .as_ref()
            .is_none_or(|e| failure::is_disconnect(e) || failure::is_timeout(e));
        let failure = match &error {
            None => request.too_late(),
            Some(e) if failure::is_timeout(e) => request.too_late(),
            Some(e) => failure::broken(Stage::Probe, e),
        };
        match warm && gone {
            true => NoOutput::Dead(failure),
            false => NoOutput::Failed(failure),
        }
    })?;
    let mut output = Output::default();
    let sent = SystemTime::now();
    let watch = watchdog.watch(&remote.stream, request.deadline);
    let outcome = read(&mut channel, remote, request, sent, &mut output);
    if let Err(failure) = outcome {
        let failure = match watch.fired() {
            true => request.too_late(),
            false => failure,
        };
        // Before the channel is dropped: its goodbye would block.
        shut(remote);
        remote.session.set_blocking(true);
        let nothing = output.stdout.is_empty() && output.stderr.is_empty();
        let gone = failure.cause == Cause::Protocol;
        return Err(match warm && nothing && gone {
            true => NoOutput::Dead(failure),
            false => NoOutput::Failed(failure),
        });
    }
    remote.session.set_blocking(true);
    remote
        .session
        .set_timeout(millis(request.left().min(CLOSE_PATIENCE)));
    output.reusable = channel.close().is_ok() && channel.wait_close().is_ok();
    if !output.reusable {
        shut(remote);
    }
    Ok(output)
}

/// Opens the channel and hands the script over. `Err(None)`: the time was up.
fn begin(
    remote: &Remote,
    due: &[&'static str],
    watchdog: &Watchdog,
    patience: Duration,
) -> Result<Channel, Option<ssh2::Error>> {
    let watch = watchdog.watch(&remote.stream, Instant::now() + patience);
    let late = |error: ssh2::Error| (!watch.fired()).then_some(error);
    remote.session.set_blocking(true);
    remote.session.set_timeout(millis(patience));
    let mut channel = remote.session.channel_session().map_err(late)?;
    if let Err(error) = channel.exec(COMMAND) {
        shut(remote);
        return Err(late(error));
    }
    // A forced command may end without reading the script: what it prints decides, not this.
    let script = format!("eider_due='{}'\n{PROBE}", due.join(" "));
    let _ = channel.write_all(script.as_bytes());
    let _ = channel.send_eof();
    if watch.fired() {
        return Err(None);
    }
    Ok(channel)
}

/// Reads both streams to their end; reading one alone would let the other fill up and stop the host.
fn read(
    channel: &mut Channel,
    remote: &Remote,
    request: &Request,
    sent: SystemTime,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut buffer = vec![0; 32 * 1024];
    let mut ended: Option<Instant> = None;
    remote.session.set_blocking(false);
    loop {
        let out = take(channel, &mut buffer, &mut output.stdout)?;
        let err = take(&mut channel.stderr(), &mut buffer, &mut output.stderr)?;
        if out && output.began.is_none() {
            output.began = Some((sent, SystemTime::now()));
        }
        if output.stdout.len() > STDOUT_MAX {
            return Err(too_large("output", "4 MiB"));
        }
        if output.stderr.len() > STDERR_MAX {
            return Err(too_large("error output", "64 KiB"));
        }
        if channel.eof() {
            return Ok(());
        }
        if output.stdout.trim_ascii_end().ends_with(END) {
            let since = *ended.get_or_insert_with(Instant::now);
            if since.elapsed() >= END_PATIENCE {
                return Ok(());
            }
        }
        let left = request.left();
        if left.is_zero() {
            return Err(request.too_late());
        }
        // Reading one stream takes packets of the other off the socket too: with some of those still
        // inside libssh2, the socket may stay silent for ever.
        let inside = channel.read_window().available;
        if !out && !err && inside == 0 && !channel.eof() {
            let patience = if ended.is_some() {
                END_PATIENCE / 4
            } else {
                LOOK_AGAIN
            };
            wait_readable(&remote.stream, left.min(patience));
        }
    }
}

/// Takes what is there; returns whether there was anything.
fn take(from: &mut impl Read, buffer: &mut [u8], into: &mut Vec<u8>) -> Result<bool, Failure> {
    match from.read(buffer) {
        Ok(count) => {
            into.extend_from_slice(&buffer[..count]);
            Ok(count > 0)
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(Failure::new(
            Cause::Protocol,
            format!(
                "the connection broke during the probe ({})",
                clean(&error.to_string())
            ),
        )),
    }
}

fn too_large(what: &str, limit: &str) -> Failure {
    Failure::new(
        Cause::Limit,
        format!("{what} too large (more than {limit})"),
    )
}

fn shut(remote: &Remote) {
    let _ = remote.stream.shutdown(std::net::Shutdown::Both);
}

/// Waits until the socket has something to say, or the time is up; which of the two, the next read
/// tells.
#[allow(
    unsafe_code,
    reason = "poll(2) has no safe form in the standard library"
)]
fn wait_readable(stream: &TcpStream, left: Duration) {
    let mut entry = libc::pollfd {
        fd: stream.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let timeout = i32::try_from(left.as_millis()).unwrap_or(i32::MAX).max(1);
    // SAFETY: one valid entry that outlives the call; the descriptor is open while `stream` lives.
    unsafe {
        libc::poll(&mut entry, 1, timeout);
    }
}
