//! Makes the database file as small as its rows: DuckDB uses the space of deleted rows again, but
//! never gives it back.

use std::path::Path;

use serde::Serialize;

use super::super::open::{self, FILE, wal_of};
use super::super::schema::{ident, literal};
use super::super::sealed::table;
use super::super::{Recorder, StoreError};
use super::place;

/// What the file is called until it is whole.
const PART: &str = "eider.duckdb.compact";

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Compacted {
    before_bytes: u64,
    after_bytes: u64,
}

/// Rewrites the file while nobody has it open; readers and the writer wait.
pub(super) fn run(recorder: &mut Recorder) -> Result<Compacted, StoreError> {
    let Some(data) = recorder.shared.data.clone() else {
        return Err(StoreError::Other("a history in memory has no file".into()));
    };
    recorder.ready()?;
    let file = data.join(FILE);
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    let before_bytes = size(&file) + size(&wal_of(&file));
    let mut rewritten = Ok(());
    // The old file is good until the new one has its name: an error only means that it stays.
    recorder.reopen(|| {
        rewritten = rewrite(&data);
        Ok(())
    })?;
    rewritten?;
    Ok(Compacted {
        before_bytes,
        after_bytes: size(&file) + size(&wal_of(&file)),
    })
}

fn rewrite(data: &Path) -> Result<(), StoreError> {
    if wal_of(&data.join(FILE)).exists() {
        return Err(StoreError::Other(
            "the write-ahead log could not be written out: the file stays as it is; try again"
                .into(),
        ));
    }
    let part = data.join(PART);
    remove(&part)?;
    remove(&wal_of(&part))?;
    let done = copy(&data.join(FILE), &part).and_then(|()| {
        place::sync(&part)?;
        std::fs::rename(&part, data.join(FILE))
            .map_err(|e| place::failed(&part, "put in its place", &e))?;
        place::sync(data)
    });
    if done.is_err() {
        // The next attempt removes what stays.
        let _ = remove(&part);
    }
    done
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(place::failed(path, "removed", &error))
        }
        _ => Ok(()),
    }
}

/// Every table with its rows. Views are made anew when the file is opened.
fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let connection = open::plain(to)?;
    connection.execute_batch(&format!(
        "SET TimeZone = 'UTC'; CREATE SCHEMA raw;
         ATTACH {} AS old (READ_ONLY)",
        literal(&from.to_string_lossy())
    ))?;
    let here: String = connection.query_row("SELECT current_database()", [], |row| row.get(0))?;
    connection.execute_batch("USE old.raw")?;
    let tables = table::relations(&connection, "raw")?;
    connection.execute_batch(&format!("USE {}", ident(&here)))?;
    for timed in &tables {
        let name = ident(&timed.name);
        connection.execute_batch(&table::make(timed))?;
        // In the order of the old rows: what was sorted stays sorted.
        connection.execute_batch(&format!(
            "INSERT INTO raw.{name} SELECT * FROM old.raw.{name}"
        ))?;
        let sql = format!(
            "SELECT (SELECT count(*) FROM raw.{name}) = (SELECT count(*) FROM old.raw.{name})"
        );
        let same: bool = connection.query_row(&sql, [], |row| row.get(0))?;
        if !same {
            return Err(StoreError::Other(format!(
                "the copy of {} is not whole: the file stays as it is",
                timed.name
            )));
        }
    }
    connection.execute_batch("DELETE FROM raw.meta WHERE key = 'shape'; DETACH old; CHECKPOINT")?;
    Ok(())
}
