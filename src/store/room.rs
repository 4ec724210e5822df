//! Space on the disk that holds the history.

use std::path::Path;

/// What the file system says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub total_bytes: u64,
    /// What a user without privileges may still take.
    pub free_bytes: u64,
}

impl Room {
    /// Of the file system that holds this path.
    pub fn of(path: &Path) -> std::io::Result<Room> {
        let told = rustix::fs::statvfs(path)?;
        Ok(Room {
            total_bytes: told.f_blocks.saturating_mul(told.f_frsize),
            free_bytes: told.f_bavail.saturating_mul(told.f_frsize),
        })
    }
}
