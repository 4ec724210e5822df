//! Interrupts the questions whose time is up.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use duckdb::InterruptHandle;

/// One thread that interrupts whoever is past its deadline.
pub(super) struct Watchdog {
    list: Mutex<List>,
    changed: Condvar,
}

#[derive(Default)]
struct List {
    stopped: bool,
    next: u64,
    entries: Vec<(u64, Instant, Arc<InterruptHandle>)>,
}

/// Takes its entry off the list when dropped; no interrupt comes after that.
pub(in crate::store) struct Watched {
    watchdog: Arc<Watchdog>,
    id: u64,
}

impl Watchdog {
    pub(super) fn start() -> Arc<Watchdog> {
        let watchdog = Arc::new(Watchdog {
            list: Mutex::default(),
            changed: Condvar::new(),
        });
        let own = watchdog.clone();
        let thread = std::thread::Builder::new().name("query-watchdog".into());
        if let Err(error) = thread.spawn(move || own.run()) {
            tracing::error!(%error, "no thread for the query watchdog: queries have no deadline");
        }
        watchdog
    }

    fn run(&self) {
        let mut list = self.list();
        while !list.stopped {
            let now = Instant::now();
            for (_, deadline, handle) in &list.entries {
                if *deadline <= now {
                    handle.interrupt();
                }
            }
            // One that is past its deadline and still here did not heed the interrupt: again soon.
            let next = list.entries.iter().map(|(_, deadline, _)| *deadline).min();
            let wait = next.map_or(Duration::from_secs(3600), |deadline| {
                deadline
                    .saturating_duration_since(now)
                    .max(Duration::from_millis(20))
            });
            list = self
                .changed
                .wait_timeout(list, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    pub(super) fn add(self: Arc<Self>, deadline: Instant, handle: Arc<InterruptHandle>) -> Watched {
        let mut list = self.list();
        let id = list.next;
        list.next += 1;
        list.entries.push((id, deadline, handle));
        drop(list);
        self.changed.notify_one();
        Watched { watchdog: self, id }
    }

    pub(super) fn interrupt_all(&self) {
        for (_, _, handle) in &self.list().entries {
            handle.interrupt();
        }
    }

    pub(super) fn stop(&self) {
        self.list().stopped = true;
        self.changed.notify_one();
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watchdog
            .list()
            .entries
            .retain(|(id, _, _)| *id != self.id);
    }
}
