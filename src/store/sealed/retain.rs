//! Takes files out of the history whose time is over.

use std::time::Duration;

use super::super::{Recorder, Store, StoreError};
use super::manifest::{self, Entry, Tier};
use crate::inventory::Retention;
use crate::reading::UnixSeconds;

/// A file whose time is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Expired {
    pub table: String,
    /// The end of the stretch that it covers.
    pub to: UnixSeconds,
    path: String,
    pub bytes: i64,
}

impl Store {
    /// The files that hold nothing younger than is to be kept.
    pub fn expired(&self, keep: &Retention, now: UnixSeconds) -> Result<Vec<Expired>, StoreError> {
        if self.shared.sealed.is_none() {
            return Ok(Vec::new());
        }
        let connection = self.shared.pool.connection()?;
        let over = manifest::read(&connection)?
            .into_iter()
            .filter(|entry| is_over(entry, keep, now));
        Ok(over.map(Expired::of).collect())
    }

    /// The oldest files with rows as collected, as many as take so many bytes; none with rows after
    /// `before`.
    pub fn oldest_raw(&self, bytes: u64, before: UnixSeconds) -> Result<Vec<Expired>, StoreError> {
        if self.shared.sealed.is_none() {
            return Ok(Vec::new());
        }
        let connection = self.shared.pool.connection()?;
        let mut files = manifest::read(&connection)?;
        files.retain(|entry| entry.tier == Tier::Raw && entry.to <= before);
        files.sort_by_key(|entry| entry.to);
        let mut missing = i64::try_from(bytes).unwrap_or(i64::MAX);
        let enough = files.into_iter().take_while(|entry| {
            let wanted = missing > 0;
            missing -= entry.bytes;
            wanted
        });
        Ok(enough.map(Expired::of).collect())
    }
}

impl Expired {
    fn of(entry: Entry) -> Expired {
        Expired {
            table: entry.table,
            to: entry.to,
            path: entry.path,
            bytes: entry.bytes,
        }
    }
}

impl Recorder {
    /// Takes these files out of the manifest; they are unlinked when nobody can be reading them.
    pub fn forget(&mut self, expired: &[Expired]) -> Result<(), StoreError> {
        let shared = self.shared.clone();
        let Some(folder) = &shared.sealed else {
            return Ok(());
        };
        self.transaction(|connection| {
            for file in expired {
                manifest::remove(connection, &file.path)?;
            }
            Ok(())
        })?;
        folder.replace(expired.iter().map(|file| folder.file(&file.path)));
        Ok(())
    }
}

fn is_over(entry: &Entry, keep: &Retention, now: UnixSeconds) -> bool {
    let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let kept = match (entry.tier, entry.table.as_str()) {
        (Tier::Raw, "process") => seconds(keep.process),
        (Tier::Raw, _) => seconds(keep.raw),
        // Nothing is known of how long these are to be kept.
        _ => return false,
    };
    entry.to <= now.saturating_sub(kept)
}
