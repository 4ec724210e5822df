//! Closes the file and opens it again while the readers wait: after the database was invalidated (a
//! full disk, an I/O error), and to put a smaller file in its place.

use std::time::Duration;

use duckdb::Connection;

use super::{Recorder, StoreError, migrate, open};

/// Readers have this long to leave; they are interrupted after half of it. Those that do not heed that
/// hold the old file open: the next attempt waits for them.
const READERS_LEAVE: Duration = Duration::from_secs(20);

impl Recorder {
    /// Whether the database may be written to; opens it again when it is known to be unusable.
    pub(super) fn ready(&mut self) -> Result<(), StoreError> {
        if self.lost {
            self.reopen(|| Ok(()))?;
            tracing::info!("the history is open again");
        }
        Ok(())
    }

    /// Closes every connection, runs `between` while nobody has the file open, and opens it again.
    /// After an error the next [`Recorder::ready`] tries anew.
    pub(super) fn reopen(
        &mut self,
        between: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let shared = self.shared.clone();
        let (Some(data), Some(folder)) = (&shared.data, &shared.sealed) else {
            return Err(StoreError::Invalidated(
                "a history in memory cannot be opened again".into(),
            ));
        };
        self.lost = true;
        if !shared.pool.suspend(READERS_LEAVE) {
            return Err(StoreError::Invalidated(
                "questions under way still hold the file open".into(),
            ));
        }
        // The last connection to the old instance goes with this.
        self.connection = Connection::open_in_memory()?;
        between()?;
        let opened = open::database(data, &shared.options, folder)?;
        migrate::follow(&opened, &self.tables, Some(folder))?;
        let (twin, first) = open::prepare(&opened, folder)?;
        let root = opened.try_clone()?;
        self.connection = opened;
        shared.pool.resume(root, twin, first);
        self.lost = false;
        Ok(())
    }
}
