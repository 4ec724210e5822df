//! The deadline that libssh2 does not keep: its timeout bounds one wait for one packet, so a server
//! that keeps talking keeps a call running without end. One thread watches all sockets and shuts
//! down those whose time is up; the blocked call then ends with an error at once.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Owns the thread; it ends when this is dropped.
pub(super) struct Watchdog {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    next: u64,
    watched: BTreeMap<(Instant, u64), (Arc<TcpStream>, Arc<AtomicBool>)>,
    stopping: bool,
}

/// Watches one socket until it is dropped.
pub(super) struct Watch {
    shared: Arc<Shared>,
    key: (Instant, u64),
    fired: Arc<AtomicBool>,
}

impl Watchdog {
    pub(super) fn start() -> std::io::Result<Watchdog> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
        });
        let watching = shared.clone();
        std::thread::Builder::new()
            .name("ssh-watchdog".into())
            .stack_size(128 * 1024)
            .spawn(move || watching.run())?;
        Ok(Watchdog { shared })
    }

    /// Shuts the socket down at the deadline, in both directions.
    pub(super) fn watch(&self, stream: &Arc<TcpStream>, deadline: Instant) -> Watch {
        let fired = Arc::new(AtomicBool::new(false));
        let mut state = self.shared.lock();
        let key = (deadline, state.next);
        state.next += 1;
        let first = state.watched.keys().next().is_none_or(|k| key < *k);
        state.watched.insert(key, (stream.clone(), fired.clone()));
        drop(state);
        if first {
            self.shared.wake.notify_one();
        }
        Watch {
            shared: self.shared.clone(),
            key,
            fired,
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.wake.notify_one();
    }
}

impl Watch {
    /// Whether the socket was shut down because its time was up.
    pub(super) fn fired(&self) -> bool {
        self.fired.load(Ordering::Acquire)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.lock().watched.remove(&self.key);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.lock();
        while !state.stopping {
            let now = Instant::now();
            while let Some(entry) = state.watched.first_entry() {
                if entry.key().0 > now {
                    break;
                }
                let (stream, fired) = entry.remove();
                fired.store(true, Ordering::Release);
                let _ = stream.shutdown(Shutdown::Both);
            }
            let next = state.watched.keys().next().map(|k| k.0);
            state = match next {
                None => self
                    .wake
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(at) => {
                    let pause = at.saturating_duration_since(now);
                    let woken = self.wake.wait_timeout(state, pause);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::TcpListener;
    use std::time::Duration;

    fn pair() -> (Arc<TcpStream>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Arc::new(client), listener.accept().unwrap().0)
    }

    #[test]
    fn a_blocked_read_ends_at_the_deadline() {
        let watchdog = Watchdog::start().unwrap();
        let (late, _peer) = pair();
        let (early, _peer2) = pair();
        let now = Instant::now();
        let long = watchdog.watch(&late, now + Duration::from_secs(600));
        let short = watchdog.watch(&early, now + Duration::from_millis(50));
        assert_eq!(
            (&*early).read(&mut [0; 1]).unwrap(),
            0,
            "shut down reads as the end"
        );
        assert!(short.fired() && !long.fired());
        assert!(now.elapsed() >= Duration::from_millis(50));
        drop(long);
        late.set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        assert!(
            (&*late).read(&mut [0; 1]).is_err(),
            "not watched any more, still open"
        );
    }
}
