//! The file beside the history that holds the counters' baselines.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::Thread;
use crate::intake::LastStored;

/// Where it lies in `data/state`.
fn path(state: &Path) -> PathBuf {
    state.join("baselines")
}

/// Writes a file so that it is either the old one or the new one, readable by its owner alone.
fn replace(
    path: &Path,
    write: impl FnOnce(&mut std::fs::File) -> std::io::Result<()>,
) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let fresh = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)?;
    write(&mut file)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)
}

impl Thread {
    pub(super) fn restore_baselines(&mut self, newest: Vec<(i32, crate::reading::Way, i64)>) {
        let path = path(&self.parts.state);
        let Ok(bytes) = std::fs::read(&path) else {
            return;
        };
        let newest: LastStored = newest
            .into_iter()
            .map(|(h, way, ts)| ((h, way), ts))
            .collect::<HashMap<_, _>>();
        match self.intake.restore_baselines(&bytes, &newest) {
            Ok(targets) => tracing::info!(targets, "counters go on from before the restart"),
            Err(why) => tracing::warn!("{}: {why}; counters begin anew", path.display()),
        }
    }

    pub(super) fn save_baselines(&mut self) {
        self.baselines_at = Instant::now();
        let path = path(&self.parts.state);
        let written = replace(&path, |file| {
            self.intake.save_baselines(|piece| file.write_all(piece))
        });
        if let Err(error) = written {
            tracing::warn!(
                "{}: {error}; after a restart counters will begin anew",
                path.display()
            );
        }
    }
}
