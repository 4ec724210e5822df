//! The file beside the history that holds the counters' baselines.

use std::path::{Path, PathBuf};

/// Where it lies in `data/state`.
pub(super) fn path(state: &Path) -> PathBuf {
    state.join("baselines")
}

/// Writes a file so that it is either the old one or the new one, readable by its owner alone.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let fresh = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)
}
