//! Puts the batch on disk, and keeps it in memory while the database refuses it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{BASELINES_EVERY, COMMIT_ROWS, Thread, Waiting};
use crate::signal::{Changed, Refused};
use crate::store::StoreError;

/// A batch that the database refuses this often for no passing reason is given up, and what is
/// remembered is read anew.
const TRIES: u32 = 3;
/// A trouble that may pass, as a full disk does, is waited for this long.
const PATIENCE: Duration = Duration::from_secs(600);
/// More rows than this do not wait in memory.
const WAITING_ROWS: usize = 200_000;
/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The database refuses the batch.
pub(super) struct Trouble {
    since: Instant,
    tries: u32,
    again: Instant,
}

impl Thread {
    /// How long nothing has to be done unless an order comes in.
    pub(super) fn wait(&self) -> Duration {
        match (&self.trouble, self.since) {
            (Some(trouble), _) => trouble.again.saturating_duration_since(Instant::now()),
            (None, Some(since)) => self.patience().saturating_sub(since.elapsed()),
            (None, None) => BASELINES_EVERY,
        }
    }

    pub(super) fn is_due(&self) -> bool {
        match &self.trouble {
            Some(trouble) => trouble.again <= Instant::now(),
            None => {
                self.batch_rows >= COMMIT_ROWS
                    || self.since.is_some_and(|t| t.elapsed() >= self.patience())
            }
        }
    }

    pub(super) fn commit_unless_waiting(&mut self) {
        if self.trouble.is_none() {
            self.commit();
        }
    }

    /// What is still there at the end is tried a few times more.
    pub(super) fn last_commit(&mut self) {
        for _ in 0..TRIES {
            self.commit();
            if self.trouble.is_none() {
                return;
            }
            std::thread::sleep(Duration::from_secs(1));
        }
        self.give_up("the daemon stops");
    }

    /// Appends the batch, once. When the database refuses it, it waits in memory and grows, the loop
    /// goes on, and it is tried again; what is given up in the end is counted.
    pub(super) fn commit(&mut self) {
        if self.batch.is_empty() && self.told.is_empty() {
            // Nothing but senders of what is on disk already.
            self.trouble = None;
            self.settle(&Ok(()));
            return;
        }
        let error = match self.parts.recorder.append_with(&self.batch, &self.told) {
            Ok(()) => {
                self.trouble = None;
                self.parts.counters.set_store_trouble(String::new());
                self.settle(&Ok(()));
                return;
            }
            Err(error) => error,
        };
        let counters = &self.parts.counters;
        counters.set_store_trouble(error.to_string());
        counters.commits_failed.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let trouble = self.trouble.get_or_insert(Trouble {
            since: now,
            tries: 0,
            again: now,
        });
        trouble.tries += 1;
        let tries = trouble.tries;
        tracing::error!(tries, "storing {} rows: {error}", self.batch_rows);
        let lasts = tries >= TRIES && !may_pass(&error);
        if lasts || trouble.since.elapsed() >= PATIENCE || self.batch_rows >= WAITING_ROWS {
            self.give_up(&error.to_string());
        } else {
            trouble.again = now + Duration::from_secs(tries.into()).min(PAUSE_MAX);
        }
    }

    fn give_up(&mut self, why: &str) {
        let lost = self.batch_rows as u64;
        self.parts
            .counters
            .rows_lost
            .fetch_add(lost, Ordering::Relaxed);
        tracing::error!("{lost} rows are given up");
        self.trouble = None;
        self.settle(&Err(why.to_owned()));
    }

    fn settle(&mut self, result: &Result<(), String>) {
        for waiting in self.waiting.drain(..) {
            // Whoever waited may have gone.
            match waiting {
                Waiting::Caller(reply) => {
                    let _ = reply.send(result.clone().map_err(StoreError::Other));
                }
                Waiting::Sender(reply, taken) => {
                    let _ = reply.send(result.clone().map(|()| taken).map_err(Refused::ForNow));
                }
            }
        }
        let good = result.is_ok();
        if good && self.batch_rows > 0 {
            self.parts.counters.commits.fetch_add(1, Ordering::Relaxed);
            self.parts
                .counters
                .rows_stored
                .fetch_add(self.batch_rows as u64, Ordering::Relaxed);
            for host in std::mem::take(&mut self.hosts) {
                // Nobody may be looking.
                let _ = self.parts.changed.send(Changed { host });
            }
        }
        self.batch.clear();
        self.told.clear();
        self.hosts.clear();
        self.batch_rows = 0;
        self.since = None;
        if !good {
            // What the intake remembers of the lost batch is not in the store: start from what is.
            self.stale = self.inventory.take();
            self.freshen();
        }
    }

    /// Reads the store anew if what is remembered may not be in it. `false`: it cannot be read now.
    pub(super) fn freshen(&mut self) -> bool {
        let Some(inventory) = self.stale.take() else {
            return true;
        };
        let Err(error) = self.sync(inventory.clone()) else {
            return true;
        };
        tracing::error!("reading the store anew: {error}");
        self.stale = Some(inventory);
        false
    }
}

/// Whether the database may take the same rows later: space may be freed, a file become writable. So
/// it is with every failure of writing; what is wrong with the rows themselves stays wrong.
fn may_pass(error: &StoreError) -> bool {
    const PASSING: [&str; 4] = ["IO Error", "Failed to commit", "Could not", "No space left"];
    match error {
        StoreError::Invalidated(_) => true,
        other => {
            let words = other.to_string();
            PASSING.iter().any(|sign| words.contains(sign))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_duckdb_says_when_it_cannot_write_may_pass() {
        let words = "TransactionContext Error: Failed to commit: Could not write file \"/data/eider.duckdb.wal\": File too large";
        assert!(may_pass(&StoreError::Other(words.into())));
        let words = "IO Error: Could not write file: No space left on device";
        assert!(may_pass(&StoreError::Other(words.into())));
        assert!(may_pass(&StoreError::Invalidated("FATAL Error".into())));
        let words = "Conversion Error: Could convert nothing";
        assert!(!may_pass(&StoreError::Other(words.into())));
    }
}
