//! One opener per data directory.
//!
//! DuckDB's own lock keeps other processes out, but not the same process twice: then two instances
//! would write one file. A lock on a file of our own does both, and tells who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::StoreError;

const FILE: &str = "eider.lock";

/// Held as long as it lives.
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone is not enough: a process that is just being started shares the open file
        // until it runs its own program, and the lock with it. A failure leaves that moment.
        let _ = self.file.unlock();
    }
}

/// Takes the lock of the data directory; `database` is what an error names.
pub(super) fn take(data: &Path, database: &Path) -> Result<Lock, StoreError> {
    let path = data.join(FILE);
    let failed = |e: std::io::Error| {
        StoreError::Other(format!("the lock {} cannot be taken: {e}", path.display()))
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // Without a pid to read, the error still says that the file is in use.
            let _ = file.read_to_string(&mut text);
            return Err(StoreError::InUse {
                path: database.into(),
                pid: text.trim().parse().unwrap_or(0),
            });
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(failed)?;
    Ok(Lock { file })
}
