//! A write-ahead log that cannot be replayed, as a power cut leaves it: a copy is kept, the log is
//! cut where DuckDB says that the damage begins, and what came before is saved.

use std::cmp::Ordering;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

/// Length and checksum before each entry of the log.
const HEAD_BYTES: u64 = 16;

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Repair {
    /// The damaged log as it was.
    pub(super) copy: PathBuf,
    /// What is not in the history any more.
    pub(super) dropped_bytes: u64,
}

/// Cuts the log at the byte that DuckDB's message names. `None`: it names none, or the log could not
/// be copied; then nothing was changed.
pub(super) fn cut(wal: &Path, message: &str) -> Option<Repair> {
    let named = position(message)?;
    let size = std::fs::metadata(wal).ok()?.len();
    let at = match named.cmp(&size) {
        Ordering::Less => named,
        // DuckDB names the byte behind the entry's head. A head of zeros stands by itself, an entry
        // without content, and must go too.
        Ordering::Equal => named.checked_sub(HEAD_BYTES)?,
        Ordering::Greater => return None,
    };
    match copy_and_cut(wal, at) {
        Ok(copy) => Some(Repair {
            copy,
            dropped_bytes: size - at,
        }),
        Err(error) => {
            tracing::error!(wal = %wal.display(), %error, "the damaged log cannot be copied and cut");
            None
        }
    }
}

fn copy_and_cut(wal: &Path, at: u64) -> std::io::Result<PathBuf> {
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ");
    let mut name = wal.as_os_str().to_owned();
    name.push(format!(".corrupt-{now}"));
    let copy = PathBuf::from(name);
    std::fs::copy(wal, &copy)?;
    File::open(&copy)?.sync_all()?;
    if let Some(directory) = wal.parent() {
        File::open(directory)?.sync_all()?;
    }
    let log = OpenOptions::new().write(true).open(wal)?;
    log.set_len(at)?;
    log.sync_all()?;
    Ok(copy)
}

/// `… at byte position 1833 …` → 1833
fn position(message: &str) -> Option<u64> {
    let (_, rest) = message.split_once("byte position ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
