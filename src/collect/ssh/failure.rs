//! From errors of sockets and of libssh2 to causes and words that a person can act on.

use std::io;
use std::time::Duration;

use crate::machine::clean;
use crate::reading::{Cause, Failure};

/// What an attempt was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    Waiting,
    Resolve,
    Connect,
    Handshake,
    Authentication,
    Probe,
    Jump,
}

impl Stage {
    pub(super) fn of_number(number: u8) -> Stage {
        match number {
            1 => Stage::Resolve,
            2 => Stage::Connect,
            3 => Stage::Handshake,
            4 => Stage::Authentication,
            5 => Stage::Probe,
            6 => Stage::Jump,
            _ => Stage::Waiting,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Stage::Waiting => "waiting for a free worker",
            Stage::Resolve => "name resolution",
            Stage::Connect => "connecting",
            Stage::Handshake => "handshake",
            Stage::Authentication => "authentication",
            Stage::Probe => "probe",
            Stage::Jump => "the jump host connects",
        }
    }
}

/// The time of the whole collection is up.
pub(super) fn too_late(timeout: Duration, stage: Stage) -> Failure {
    let span = span(timeout);
    Failure::new(
        Cause::Timeout,
        format!("no answer within {span} (while: {})", stage.words()),
    )
}

/// `15 s`, `2.5 s`.
pub(super) fn span(duration: Duration) -> String {
    let seconds = (duration.as_secs_f64() * 10.0).round() / 10.0;
    format!("{seconds} s")
}

/// The TCP connection did not come about.
pub(super) fn connecting(error: &io::Error, port: u16) -> Failure {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut};
    match error.kind() {
        ConnectionRefused => Failure::new(
            Cause::Refused,
            format!("connection refused on tcp/{port}: no SSH server listens there"),
        ),
        HostUnreachable | NetworkUnreachable => {
            Failure::new(Cause::Unreachable, format!("no route to host (tcp/{port})"))
        }
        TimedOut => Failure::new(Cause::Timeout, format!("no answer on tcp/{port}")),
        _ => Failure::new(
            Cause::Unreachable,
            format!(
                "cannot connect to tcp/{port}: {}",
                clean(&error.to_string())
            ),
        ),
    }
}

/// libssh2 gave up at this stage, for another reason than the deadline.
pub(super) fn broken(stage: Stage, error: &ssh2::Error) -> Failure {
    let said = clean(error.message());
    let message = match (stage, code(error)) {
        (Stage::Handshake, BANNER_RECV) => {
            format!("what answers does not speak SSH, or closed at once ({said})")
        }
        (Stage::Handshake, SOCKET_DISCONNECT | SOCKET_RECV) => format!(
            "the server closed the connection during the handshake ({said}): it may limit or refuse this address (MaxStartups, PerSourcePenalties, fail2ban)"
        ),
        (Stage::Probe, CHANNEL_REQUEST_DENIED | CHANNEL_FAILURE) => {
            format!("the server lets the user in but runs no command for it ({said})")
        }
        (_, SOCKET_DISCONNECT | SOCKET_RECV | SOCKET_SEND) => {
            format!("the connection broke during the {} ({said})", stage.words())
        }
        _ => format!("{} failed: {said}", stage.words()),
    };
    Failure::new(Cause::Protocol, message)
}

/// Whether libssh2 itself ran into its time limit.
pub(super) fn is_timeout(error: &ssh2::Error) -> bool {
    matches!(code(error), TIMEOUT | SOCKET_TIMEOUT)
}

/// Whether the two sides have no algorithm in common.
pub(super) fn is_no_agreement(error: &ssh2::Error) -> bool {
    matches!(
        code(error),
        KEX_FAILURE | KEY_EXCHANGE_FAILURE | METHOD_NONE
    )
}

/// Whether the connection is gone.
pub(super) fn is_disconnect(error: &ssh2::Error) -> bool {
    matches!(code(error), SOCKET_DISCONNECT | SOCKET_RECV | SOCKET_SEND)
}

/// Whether a private key could not be read (wrong passphrase, unknown format).
pub(super) fn is_key_file(error: &ssh2::Error) -> bool {
    matches!(code(error), FILE | KEYFILE_AUTH_FAILED)
}

// libssh2's error numbers (libssh2.h); the crate does not name them.
const BANNER_RECV: i32 = -2;
const KEX_FAILURE: i32 = -5;
const SOCKET_SEND: i32 = -7;
const KEY_EXCHANGE_FAILURE: i32 = -8;
const TIMEOUT: i32 = -9;
const SOCKET_DISCONNECT: i32 = -13;
const FILE: i32 = -16;
const METHOD_NONE: i32 = -17;
const CHANNEL_FAILURE: i32 = -21;
const CHANNEL_REQUEST_DENIED: i32 = -22;
const SOCKET_TIMEOUT: i32 = -30;
const SOCKET_RECV: i32 = -43;
const KEYFILE_AUTH_FAILED: i32 = -48;

fn code(error: &ssh2::Error) -> i32 {
    match error.code() {
        ssh2::ErrorCode::Session(code) => code,
        ssh2::ErrorCode::SFTP(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deadline_says_where_the_time_went() {
        let failure = too_late(Duration::from_secs(15), Stage::Handshake);
        assert_eq!(failure.message, "no answer within 15 s (while: handshake)");
        assert_eq!(span(Duration::from_millis(2500)), "2.5 s");
        for number in 0..=5 {
            assert_eq!(Stage::of_number(number) as u8, number);
        }
    }

    #[test]
    fn a_refused_connection_is_not_an_unreachable_host() {
        let refused = connecting(&io::ErrorKind::ConnectionRefused.into(), 22);
        assert_eq!(refused.cause, Cause::Refused);
        let route = connecting(&io::Error::from_raw_os_error(libc::EHOSTUNREACH), 22);
        assert_eq!(route.message, "no route to host (tcp/22)");
    }
}
