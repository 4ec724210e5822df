//! Writes one file so that it lasts: under another name first, fsynced, renamed, its directory
//! fsynced.

use std::fs::File;
use std::path::{Path, PathBuf};

use duckdb::Connection;

use super::super::StoreError;
use super::super::schema::literal;
use super::{crash, sync_directory};

/// What a file is called until it is whole.
pub(super) const PART: &str = "part";

/// Copies the query's rows into the file, in the options of DuckDB's COPY.
pub(in crate::store) fn write(
    connection: &Connection,
    path: &Path,
    query: &str,
    options: &str,
) -> Result<(), StoreError> {
    let failed = |e: std::io::Error| {
        StoreError::Other(format!(
            "IO Error: {} cannot be written: {e}",
            path.display()
        ))
    };
    if let Some(directory) = path.parent()
        && !directory.is_dir()
    {
        make_directory(directory).map_err(failed)?;
    }
    let part = path.with_extension(PART);
    let done = connection
        .execute_batch(&format!(
            "COPY ({query}) TO {} ({options})",
            literal(&part.to_string_lossy())
        ))
        .map_err(StoreError::from)
        .and_then(|()| {
            crash::here("copied");
            keep(&part, path).map_err(failed)
        });
    if done.is_err() {
        // It may never have been made.
        let _ = std::fs::remove_file(&part);
    }
    done
}

fn keep(part: &Path, path: &Path) -> std::io::Result<()> {
    File::open(part)?.sync_all()?;
    std::fs::rename(part, path)?;
    if let Some(directory) = path.parent() {
        sync_directory(directory)?;
    }
    crash::here("written");
    Ok(())
}

/// Only the owner may look in, and the new name lasts.
fn make_directory(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// Every file below the folder's directories, sorted.
pub(in crate::store) fn list(root: &Path) -> Vec<PathBuf> {
    let entries = |path: &Path| -> Vec<PathBuf> {
        let found = std::fs::read_dir(path).into_iter().flatten();
        found.filter_map(|entry| Some(entry.ok()?.path())).collect()
    };
    let mut files: Vec<PathBuf> = entries(root)
        .iter()
        .filter(|path| path.is_dir())
        .flat_map(|path| entries(path))
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}
