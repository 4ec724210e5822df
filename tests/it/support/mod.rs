//! What the tests stand on: the real binary in a home of its own, and real servers on loopback.
//!
//! Everything here starts on a free port, is killed by its process id when dropped, and prints its
//! log when the test that owns it fails.

pub(crate) mod daemon;
pub(crate) mod home;
pub(crate) mod http;
pub(crate) mod process;
pub(crate) mod smtp;
pub(crate) mod snmpd;
pub(crate) mod sshd;

pub(crate) mod python;

mod port;

pub(crate) use daemon::Daemon;
pub(crate) use home::TestHome;
pub(crate) use port::Port;
pub(crate) use smtp::Smtp;
pub(crate) use snmpd::Snmpd;
pub(crate) use sshd::Sshd;

use std::time::{Duration, Instant};

/// Long enough for a busy machine; a condition that comes true ends the wait at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again and again until the closure answers `Some`, and returns that.
///
/// # Panics
/// With `what` when the deadline passes first.
pub(crate) fn wait_for<T>(
    what: &str,
    deadline: Duration,
    mut probe: impl FnMut() -> Option<T>,
) -> T {
    let start = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(
            start.elapsed() < deadline,
            "waited {deadline:?} in vain: {what}"
        );
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// [`wait_for`] a condition without a value.
pub(crate) fn wait_until(what: &str, deadline: Duration, mut condition: impl FnMut() -> bool) {
    wait_for(what, deadline, || condition().then_some(()));
}
