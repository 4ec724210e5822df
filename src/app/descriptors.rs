//! File descriptors: every warm SSH session and every connection takes one.

use std::io::Error;

/// Raises this process's limit of open files as far as the system lets it, and returns it. A daemon
/// that runs into the usual 1,024 loses polls and pages alike.
#[allow(
    unsafe_code,
    reason = "the limits of a process have no safe interface in std"
)]
pub(super) fn raise_limit() -> Result<u64, Error> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a valid place for the answer, and outlives the call.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(Error::last_os_error());
    }
    // Beyond this nothing here needs more, and some systems say "unlimited".
    limit.rlim_cur = limit.rlim_max.min(1 << 20).max(limit.rlim_cur);
    // SAFETY: `limit` is a valid value that outlives the call.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } != 0 {
        return Err(Error::last_os_error());
    }
    Ok(limit.rlim_cur)
}

/// A file that may not grow (`ulimit -f`, a quota) shall be an error that is told, not the end of the
/// process.
#[allow(unsafe_code, reason = "signals have no safe interface in std")]
pub(super) fn ignore_file_limit() {
    // SAFETY: SIG_IGN is no function of ours; nothing else here handles this signal.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}
