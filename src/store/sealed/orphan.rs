//! What a crash left in the folder: files that never came into the manifest, or left it.
//!
//! A file goes only when it is certain that the database has its rows: it is of this history, and
//! not younger than the one switch that may have been under way. Another one, as after the database
//! was replaced by an older copy, is kept and told.

use std::collections::HashSet;
use std::path::Path;

use duckdb::Connection;

use super::super::StoreError;
use super::super::schema::literal;
use super::{Folder, copy, manifest};

pub(super) fn remove(connection: &Connection, folder: &Folder) -> Result<(), StoreError> {
    let known: HashSet<String> = manifest::read(connection)?
        .into_iter()
        .map(|entry| entry.path)
        .collect();
    let store = manifest::store_id(connection)?;
    let sequence = manifest::sequence(connection)?;
    for path in copy::list(folder.root()) {
        let extension = path.extension().and_then(|text| text.to_str());
        let name = path.strip_prefix(folder.root()).unwrap_or(&path);
        let name = name.to_string_lossy();
        if extension == Some(copy::PART) {
            unlink(&path);
            continue;
        }
        if extension != Some("parquet") || known.contains(&*name) || name.starts_with("empty/") {
            continue;
        }
        match origin(connection, &path) {
            Some((of, number)) if of == store && number <= sequence + 1 => unlink(&path),
            _ => tracing::warn!(
                path = %path.display(),
                "a file that the history does not know is kept: it is not read"
            ),
        }
    }
    Ok(())
}

fn unlink(path: &Path) {
    match std::fs::remove_file(path) {
        Ok(()) => {
            tracing::info!(path = %path.display(), "removed what an interrupted sealing left")
        }
        Err(error) => tracing::warn!(path = %path.display(), "cannot be removed: {error}"),
    }
}

/// Which history wrote the file, and its number.
fn origin(connection: &Connection, path: &Path) -> Option<(String, i64)> {
    let sql = format!(
        "SELECT decode(key), decode(value) FROM parquet_kv_metadata({})",
        literal(&path.to_string_lossy())
    );
    let mut statement = connection.prepare(&sql).ok()?;
    let pairs = statement
        .query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })
        .ok()?;
    let pairs: Vec<(String, String)> = pairs.filter_map(Result::ok).collect();
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name);
    let (_, store) = value("eider_store")?;
    let (_, number) = value("eider_sequence")?;
    Some((store.clone(), number.parse().ok()?))
}
