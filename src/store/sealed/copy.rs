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
    make(connection, path, query, options, keep)
}

/// The same for a file that can be made anew at any time ([`is_whole`]): nobody waits for the disk.
pub(in crate::store) fn write_again(
    connection: &Connection,
    path: &Path,
    query: &str,
) -> Result<(), StoreError> {
    let keep = |part: &Path, path: &Path| std::fs::rename(part, path);
    make(connection, path, query, "FORMAT parquet", keep)
}

/// Whether it is a Parquet file to its end.
pub(super) fn is_whole(path: &Path) -> bool {
    use std::io::{Read, Seek, SeekFrom};
    let end = |mut file: File| -> std::io::Result<[u8; 4]> {
        let mut bytes = [0; 4];
        file.seek(SeekFrom::End(-4))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    };
    File::open(path).and_then(end).is_ok_and(|b| &b == b"PAR1")
}

fn make(
    connection: &Connection,
    path: &Path,
    query: &str,
    options: &str,
    keep: impl Fn(&Path, &Path) -> std::io::Result<()>,
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
