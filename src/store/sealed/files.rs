//! Names the files that the views `hist.*` of a session read.

use duckdb::Connection;

use super::super::StoreError;
use super::super::schema::{ident, literal};
use super::Folder;
use super::copy;
use super::scope::{Scope, Span};
use super::table::{self, Timed, variable};

/// Where the empty files lie, below the folder: a view needs one file at least to have columns.
const EMPTY: &str = "empty";

/// Makes the empty file of a table anew: its columns are those of the table now.
pub(in crate::store) fn make_empty(
    connection: &Connection,
    folder: &Folder,
    table: &Timed,
) -> Result<(), StoreError> {
    let path = folder.file(EMPTY).join(format!("{}.parquet", table.name));
    copy::write(
        connection,
        &path,
        &format!("SELECT * FROM raw.{} LIMIT 0", ident(&table.name)),
        "FORMAT parquet",
    )
}

/// Makes the empty files that are missing, as after a restore.
pub(in crate::store) fn complete(
    connection: &Connection,
    folder: &Folder,
) -> Result<(), StoreError> {
    for table in table::all(connection)? {
        if !folder.file(&empty(&table.name)).exists() {
            make_empty(connection, folder, &table)?;
        }
    }
    Ok(())
}

fn empty(set: &str) -> String {
    format!("{EMPTY}/{set}.parquet")
}

/// The statement that lets a set be empty.
pub(in crate::store) fn none(folder: &Folder, set: &str) -> String {
    set_variable(folder, set, &[])
}

/// The statements that let every set be empty.
pub(in crate::store) fn all_empty(
    connection: &Connection,
    folder: &Folder,
) -> Result<String, StoreError> {
    let all: Vec<String> = table::all(connection)?
        .iter()
        .map(|table| none(folder, &table.name))
        .collect();
    Ok(all.join("; "))
}

/// Gives every set of the session its empty file.
pub(in crate::store) fn clear(connection: &Connection, folder: &Folder) -> Result<(), StoreError> {
    connection
        .execute_batch(&all_empty(connection, folder)?)
        .map_err(StoreError::from)
}

/// Names the files of the scope, as the manifest of the open transaction has them. Returns the sets
/// that were named.
pub(in crate::store) fn open(
    connection: &Connection,
    folder: &Folder,
    scope: &Scope,
) -> Result<Vec<String>, StoreError> {
    let mut named = Vec::new();
    let mut statements = Vec::new();
    let mut add = |set: &str, span: Span| -> Result<(), StoreError> {
        let paths = within(connection, set, span)?;
        if !paths.is_empty() {
            statements.push(set_variable(folder, set, &paths));
            named.push(set.to_owned());
        }
        Ok(())
    };
    match scope {
        Scope::Sets(sets) => {
            for (set, span) in sets {
                add(set, *span)?;
            }
        }
        Scope::All => {
            for table in table::all(connection)? {
                add(&table.name, Span::default())?;
            }
        }
    }
    connection.execute_batch(&statements.join("; "))?;
    Ok(named)
}

/// The files of a set that may hold rows of the span, oldest first.
fn within(connection: &Connection, set: &str, span: Span) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT path FROM raw.sealed_file
         WHERE CASE tier WHEN 'raw' THEN table_name WHEN 'm5' THEN table_name || '_5min'
                         ELSE table_name || '_hourly' END = ?
           AND epoch_us(last_ts) >= ? AND epoch_us(first_ts) <= ?
         ORDER BY first_ts",
    )?;
    let from = span.from.unwrap_or(i64::MIN);
    let to = span.to.unwrap_or(i64::MAX);
    let rows = statement.query_map(duckdb::params![set, from, to], |row| row.get(0))?;
    rows.collect::<Result<_, _>>().map_err(StoreError::from)
}

fn set_variable(folder: &Folder, set: &str, paths: &[String]) -> String {
    let fallback = [empty(set)];
    let paths = if paths.is_empty() { &fallback } else { paths };
    let list: Vec<String> = paths
        .iter()
        .map(|path| literal(&folder.file(path).to_string_lossy()))
        .collect();
    format!(
        "SET VARIABLE {} = [{}]",
        ident(&variable(set)),
        list.join(", ")
    )
}
