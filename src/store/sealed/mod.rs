//! What is sealed: past hours and days as sorted Parquet files below `data/sealed`, known to the
//! manifest `raw.sealed_file`. Plain files: other programs may read them while eider runs.
//!
//! `hist.<table>` is the table whole: the sealed files that the variable `sealed_<set>` names, and
//! the hot rows of `raw.<table>`. A question learns in [`scope`] which files it needs, reads their
//! names from the manifest inside its own READ ONLY transaction and sets the variables ([`files`]).
//!
//! A stretch of hot rows is sealed in two steps ([`seal`]): on a reader's connection the rows are
//! copied to a file that is fsynced with its directory, and rolled up into others ([`rolled`]); on the writer's, one transaction puts the
//! files into the manifest and takes the rows out. A crash between them leaves an orphan, which the
//! next start removes ([`orphan`]).

pub(super) mod copy;
mod crash;
pub(super) mod files;
pub(super) mod manifest;
mod orphan;
pub(super) mod plan;
pub(super) mod retain;
mod rolled;
pub(super) mod scope;
pub(super) mod seal;
pub(super) mod table;

pub use manifest::Tier;
pub use plan::{Stretch, Work};
pub use retain::Expired;
pub use seal::{Prepared, Switched};

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use duckdb::Connection;

use super::StoreError;

/// The directory's name in the data directory.
pub(super) const NAME: &str = "sealed";
/// A file that no new question reads may be unlinked after this long: the longest deadline of a
/// question, 60 s, and 60 s more.
pub const UNLINK_AFTER: Duration = Duration::from_secs(120);

/// The directory of the sealed files.
pub(super) struct Folder {
    root: PathBuf,
    /// Files that left the manifest, and when.
    replaced: Mutex<Vec<(PathBuf, Instant)>>,
    /// While somebody copies files, none is unlinked.
    pins: AtomicUsize,
}

/// Keeps replaced files from being unlinked until it is dropped.
pub(super) struct Pin<'f>(&'f Folder);

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        self.0.pins.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Folder {
    pub(super) fn new(data: &Path) -> Folder {
        Folder::at(data.join(NAME))
    }

    /// The directory itself.
    pub(super) fn at(root: PathBuf) -> Folder {
        Folder {
            root,
            replaced: Mutex::default(),
            pins: AtomicUsize::new(0),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// A file of the manifest.
    pub(super) fn file(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Brings the directory in line with the manifest after a start, when nobody reads.
    pub(super) fn tidy(&self, connection: &Connection) -> Result<(), StoreError> {
        orphan::remove(connection, self)
    }

    fn replace(&self, paths: impl IntoIterator<Item = PathBuf>) {
        let now = Instant::now();
        let mut replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        replaced.extend(paths.into_iter().map(|path| (path, now)));
    }

    pub(super) fn pin(&self) -> Pin<'_> {
        self.pins.fetch_add(1, Ordering::SeqCst);
        Pin(self)
    }

    /// Whether the file left the manifest and waits to be unlinked.
    pub(super) fn is_replaced(&self, path: &Path) -> bool {
        let replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        replaced.iter().any(|(known, _)| known == path)
    }

    /// Unlinks what was replaced so long ago. Returns how many files went.
    pub(super) fn unlink_replaced(&self, ago: Duration) -> usize {
        let mut replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        if self.pins.load(Ordering::SeqCst) > 0 {
            return 0;
        }
        let before = replaced.len();
        replaced.retain(|(path, since)| {
            if since.elapsed() < ago {
                return true;
            }
            if let Err(error) = std::fs::remove_file(path) {
                tracing::warn!(path = %path.display(), "a replaced file cannot be removed: {error}");
            }
            crash::here("unlinked");
            false
        });
        before - replaced.len()
    }
}

/// fsyncs a directory, so that the names in it last.
fn sync_directory(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}
