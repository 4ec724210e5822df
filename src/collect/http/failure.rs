//! Why there was no answer, in words to act on.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use reqwest::StatusCode;

use crate::inventory::HttpAccess;
use crate::machine::clean;
use crate::reading::{Cause, Failure};

/// No answer within the time of the whole collection.
pub(super) fn timeout(access: &HttpAccess, within: Duration) -> Failure {
    let seconds = (within.as_secs_f64() * 10.0).round() / 10.0;
    let message = format!("no whole answer from {} within {seconds} s", access.url);
    Failure::new(Cause::Timeout, message)
}

/// The cause lies at the end of a chain of errors.
pub(super) fn of(error: &reqwest::Error, access: &HttpAccess, within: Duration) -> Failure {
    if error.is_timeout() {
        return timeout(access, within);
    }
    let mut chain = vec![error.to_string()];
    let mut source = error.source();
    let mut kind = None;
    while let Some(inner) = source {
        if let Some(found) = inner.downcast_ref::<io::Error>() {
            kind = kind.or(Some(found.kind()));
        }
        chain.push(inner.to_string());
        source = inner.source();
    }
    let last = clean(chain.last().map_or("", String::as_str));
    let whole = chain.join(": ");
    if whole.contains("dns error") {
        return Failure::new(Cause::Resolve, format!("{}: {last}", access.url));
    }
    if whole.contains("certificate") || whole.contains("UnknownIssuer") {
        return untrusted(access, &whole, &last);
    }
    let (cause, why) = match kind {
        Some(io::ErrorKind::ConnectionRefused) => (
            Cause::Refused,
            "connection refused: nothing listens there".to_owned(),
        ),
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
            (Cause::Unreachable, "no route to host".to_owned())
        }
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) => (
            Cause::Protocol,
            "the server hung up in the middle of the answer".to_owned(),
        ),
        _ => (Cause::Protocol, last),
    };
    Failure::new(cause, format!("{}: {why}", access.url))
}

fn untrusted(access: &HttpAccess, whole: &str, last: &str) -> Failure {
    let why = if whole.contains("UnknownIssuer") {
        "its certificate is from an authority that is not trusted here: name its file with `ca:`, or write `verify: false`"
    } else if whole.contains("CaUsedAsEndEntity") {
        "its certificate signs itself: let an authority sign it and name that with `ca:`, or write `verify: false`"
    } else if whole.contains("Expired") || whole.contains("expired") {
        "its certificate has expired"
    } else if whole.contains("NotValidForName") || whole.contains("not valid for name") {
        "its certificate is for another name: ask for it by the name that stands in it"
    } else {
        last
    };
    Failure::new(Cause::Protocol, format!("{}: {why}", access.url))
}

/// What to do about an answer that is not 2xx.
pub(super) fn status(status: StatusCode) -> String {
    let what = match status.as_u16() {
        401 => ": the credential is wrong, or none is named",
        403 => ": the credential is not allowed to ask for this",
        404 => ": there is no such path",
        300..=399 => ": it leads elsewhere, and only redirects to the same server are followed",
        _ => "",
    };
    format!("HTTP {status}{what}")
}
