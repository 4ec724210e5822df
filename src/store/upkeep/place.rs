//! Files and directories that are whole or not there: made under another name, renamed at the end.

use std::fs::File;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::super::StoreError;

/// A directory in the making, gone when dropped before [`Draft::keep`].
pub(super) struct Draft {
    path: PathBuf,
    target: PathBuf,
    kept: bool,
}

impl Draft {
    /// Begins a directory that will stand at `target`, which must not be there yet, or be empty.
    pub(super) fn of(target: &Path) -> Result<Draft, StoreError> {
        if !target.is_absolute() {
            let words = format!("{}: give the whole path, from /", target.display());
            return Err(StoreError::Other(words));
        }
        if !is_free(target) {
            return Err(StoreError::Other(format!(
                "{} is there already: nothing is overwritten; name another directory",
                target.display()
            )));
        }
        let mut name = target.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        // What an earlier attempt left is of no use.
        if path.is_dir() {
            std::fs::remove_dir_all(&path).map_err(|e| failed(&path, "removed", &e))?;
        }
        make_directory(&path)?;
        Ok(Draft {
            path,
            target: target.into(),
            kept: false,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where it will stand.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Puts it in its place, for good.
    pub(super) fn keep(mut self) -> Result<(), StoreError> {
        sync(&self.path)?;
        std::fs::rename(&self.path, &self.target).map_err(|e| failed(&self.target, "made", &e))?;
        self.kept = true;
        self.target.parent().map_or(Ok(()), sync)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed is removed by the next attempt.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Nothing is there, or an empty directory.
pub(super) fn is_free(path: &Path) -> bool {
    match std::fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => std::fs::symlink_metadata(path).is_err(),
    }
}

/// Only its owner may look in.
pub(super) fn make_directory(path: &Path) -> Result<(), StoreError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|e| failed(path, "made", &e))
}

/// Gives a file that never changes a second name, or copies it where that is not possible or not
/// wanted. The file lasts once its directory is synced. `true`: it was linked.
pub(super) fn link_or_copy(from: &Path, to: &Path, copy: bool) -> Result<bool, StoreError> {
    if let Some(directory) = to.parent() {
        make_directory(directory)?;
    }
    if !copy && std::fs::hard_link(from, to).is_ok() {
        return Ok(true);
    }
    std::fs::copy(from, to).map_err(|e| failed(to, "written", &e))?;
    sync(to)?;
    Ok(false)
}

/// fsyncs a file or a directory.
pub(super) fn sync(path: &Path) -> Result<(), StoreError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|e| failed(path, "written out", &e))
}

pub(super) fn failed(path: &Path, what: &str, error: &std::io::Error) -> StoreError {
    StoreError::Other(format!(
        "IO Error: {} cannot be {what}: {error}",
        path.display()
    ))
}
