//! A small file of lines in `data/state/`: replaced as a whole, read anew when it is another one.

use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Where the lines lie.
#[derive(Clone, Debug)]
pub(super) struct StateFile {
    path: PathBuf,
}

impl StateFile {
    /// The file of that name in a data directory; it need not exist.
    pub(super) fn of(data: &Path, name: &str) -> StateFile {
        StateFile {
            path: data.join("state").join(name),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The text; empty when there is no file.
    pub(super) fn text(&self) -> io::Result<String> {
        match std::fs::read_to_string(&self.path) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            other => other,
        }
    }

    /// Replaces the file, which only its owner may read.
    pub(super) fn write(&self, lines: &[String]) -> io::Result<()> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
        // A temporary file is 0600 from its first moment, and so is what it is renamed to.
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        for line in lines {
            writeln!(file, "{line}")?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        std::fs::File::open(directory)?.sync_all()
    }

    fn stamp(&self) -> io::Result<Stamp> {
        match std::fs::metadata(&self.path) {
            Ok(m) => Ok(Some((m.ino(), m.mtime(), m.mtime_nsec(), m.len()))),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(why),
        }
    }
}

/// What tells one version of the file from another: inode, modification time, length.
type Stamp = Option<(u64, i64, i64, u64)>;

/// What stands in a file as of now.
pub(super) struct Watched<T> {
    seen: Mutex<(Stamp, Arc<Vec<T>>)>,
}

impl<T> Default for Watched<T> {
    fn default() -> Watched<T> {
        Watched {
            seen: Mutex::new((None, Arc::default())),
        }
    }
}

impl<T> Watched<T> {
    /// What `read` makes of the file, read again only when it is another one.
    pub(super) fn current<E>(
        &self,
        file: &StateFile,
        read: impl FnOnce() -> Result<Vec<T>, E>,
        broken: impl FnOnce(io::Error) -> E,
    ) -> Result<Arc<Vec<T>>, E> {
        let stamp = file.stamp().map_err(broken)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.0 != stamp {
            *seen = (stamp, Arc::new(read()?));
        }
        Ok(Arc::clone(&seen.1))
    }
}
