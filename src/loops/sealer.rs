//! Seals what is over: hours into sorted files, days into one file, while the pollers go on.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::poller::unix_now;
use super::writer::Writer;
use crate::signal::Loaded;
use crate::store::sealed::{Prepared, Stretch, Switched, UNLINK_AFTER};
use crate::store::{Store, StoreError};

/// How often the loop looks what is due.
const EVERY: Duration = Duration::from_secs(20);

/// What the loop needs; `app` makes it.
pub struct Sealer {
    pub store: Store,
    pub writer: Writer,
    pub loaded: watch::Receiver<Arc<Loaded>>,
}

/// Runs until `stop` is set; a stretch under way is finished or, at the next start, begun anew.
pub async fn run(parts: Sealer, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        tokio::select! {
            _ = stop.changed() => return,
            result = parts.turn() => if let Err(error) = result {
                tracing::error!("sealing the history: {error}; it is tried again");
            }
        }
    }
}

impl Sealer {
    /// Seals all that is due, oldest first.
    async fn turn(&self) -> Result<(), StoreError> {
        let store = self.store.clone();
        let due = blocking(move || {
            store.unlink_replaced(UNLINK_AFTER);
            store.stretches(unix_now(), false)
        })
        .await?;
        let mut failure = Ok(());
        // The rollups of a table reach as far as it is sealed: nothing is sealed beyond a stretch
        // that waits, and one table's trouble does not stop the others.
        let mut waiting = HashSet::new();
        for stretch in due {
            let table = stretch.table.clone();
            if waiting.contains(&table) {
                continue;
            }
            match self.seal(stretch).await {
                Ok(Switched::Done) => {}
                Ok(Switched::Again) => {
                    waiting.insert(table);
                }
                Err(error) => {
                    tracing::error!(table, "sealing: {error}; it is tried again");
                    waiting.insert(table);
                    if matches!(error, StoreError::Invalidated(_)) {
                        failure = Err(error);
                        break;
                    }
                }
            }
        }
        failure?;
        self.forget().await
    }

    /// Drops what has been kept long enough.
    async fn forget(&self) -> Result<(), StoreError> {
        let keep = self.loaded.borrow().inventory.settings.keep.clone();
        let store = self.store.clone();
        let expired = blocking(move || store.expired(&keep, unix_now())).await?;
        if expired.is_empty() {
            return Ok(());
        }
        for one in &expired {
            tracing::info!(
                table = one.table,
                path = one.path,
                rows = one.rows,
                bytes = one.bytes,
                "kept long enough: {}",
                one.reason
            );
        }
        self.writer
            .run(move |recorder| recorder.forget(&expired))
            .await
    }

    async fn seal(&self, stretch: Stretch) -> Result<Switched, StoreError> {
        let begun = Instant::now();
        let table = stretch.table.clone();
        let store = self.store.clone();
        let prepared: Prepared = blocking(move || store.prepare(&stretch)).await?;
        let rows = prepared.rows();
        let copied = begun.elapsed();
        let switched = self
            .writer
            .run(move |recorder| recorder.switch(&prepared))
            .await?;
        match switched {
            Switched::Done => tracing::info!(
                table,
                rows,
                copied_ms = copied.as_millis() as u64,
                switched_ms = (begun.elapsed() - copied).as_millis() as u64,
                "sealed"
            ),
            Switched::Again => tracing::debug!(table, "rows came in meanwhile: sealed next time"),
        }
        Ok(switched)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|e| Err(StoreError::Other(format!("sealing ended oddly: {e}"))))
}
