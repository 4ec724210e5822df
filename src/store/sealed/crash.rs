//! Places where a test kills the process: `EIDER_CRASH_AT=written:2` at the second visit of the
//! place `written`. Debug builds only.

#[cfg(debug_assertions)]
pub(super) fn here(place: &str) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static VISITS: AtomicU32 = AtomicU32::new(0);
    let Ok(wanted) = std::env::var("EIDER_CRASH_AT") else {
        return;
    };
    let (name, visit) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    if name != place {
        return;
    }
    let visits = VISITS.fetch_add(1, Ordering::Relaxed) + 1;
    if visit.parse() == Ok(visits) {
        kill_self();
    }
}

/// As `kill -9`: no destructor runs, nothing is flushed.
#[cfg(debug_assertions)]
#[allow(unsafe_code)]
fn kill_self() {
    // SAFETY: kill and getpid take plain numbers and touch no memory of ours.
    unsafe {
        libc::kill(libc::getpid(), libc::SIGKILL);
    }
    // The signal may take a moment to arrive.
    loop {
        std::thread::park();
    }
}

#[cfg(not(debug_assertions))]
pub(super) fn here(_: &str) {}
