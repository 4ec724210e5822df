//! Makes the tables and views of a new file, and brings an older file up to date: columns are added,
//! never dropped.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use duckdb::Connection;
use sha2::{Digest, Sha256};

use super::schema::{self, ident};
use super::{StoreError, view};

/// Brings the file to what this program knows. Refuses a file of a newer program untouched.
pub(super) fn bring_up(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let shape = shape();
    if let Some(found) = meta(connection, "schema")? {
        let found: i64 = found.parse().unwrap_or(i64::MAX);
        if found > schema::VERSION {
            return Err(StoreError::Newer {
                path: path.into(),
                found,
                known: schema::VERSION,
            });
        }
        if meta(connection, "shape")?.as_deref() == Some(&shape) {
            return Ok(());
        }
    }
    let run = |sql: &str| connection.execute_batch(sql).map_err(StoreError::from);
    run("BEGIN TRANSACTION")?;
    let made = statements(connection, &shape).and_then(|all| all.iter().try_for_each(|s| run(s)));
    if let Err(error) = made {
        let _ = connection.execute_batch("ROLLBACK");
        return Err(error);
    }
    run("COMMIT")?;
    // DDL in the write-ahead log is what replay is worst at.
    run("CHECKPOINT")
}

fn statements(connection: &Connection, shape: &str) -> Result<Vec<String>, StoreError> {
    let existing = existing_columns(connection)?;
    let mut all = vec!["CREATE SCHEMA IF NOT EXISTS raw".to_owned()];
    for table in schema::tables() {
        all.push(table.create());
        let Some(columns) = existing.get(&table.name) else {
            continue;
        };
        for (name, kind) in &table.columns {
            if !columns.contains(*name) {
                all.push(format!(
                    "ALTER TABLE raw.{} ADD COLUMN {} {kind}",
                    ident(&table.name),
                    ident(name)
                ));
            }
        }
    }
    for view in view::views() {
        all.extend(view.create());
    }
    all.push("DELETE FROM raw.meta WHERE key IN ('schema', 'shape')".into());
    all.push(format!(
        "INSERT INTO raw.meta VALUES ('schema', '{}'), ('shape', '{shape}')",
        schema::VERSION
    ));
    Ok(all)
}

/// Tells one set of definitions from another, so that an unchanged file is opened without DDL.
fn shape() -> String {
    let mut hash = Sha256::new();
    for table in schema::tables() {
        hash.update(table.create());
    }
    for view in view::views() {
        for statement in view.create() {
            hash.update(statement);
        }
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

fn meta(connection: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    if existing_columns(connection)?.contains_key("meta") {
        let mut statement = connection.prepare("SELECT value FROM raw.meta WHERE key = ?")?;
        let mut rows = statement.query([key])?;
        if let Some(row) = rows.next()? {
            return row.get(0).map_err(StoreError::from);
        }
    }
    Ok(None)
}

fn existing_columns(
    connection: &Connection,
) -> Result<HashMap<String, HashSet<String>>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'raw'",
    )?;
    let pairs = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut columns: HashMap<String, HashSet<String>> = HashMap::new();
    for pair in pairs {
        let (table, column): (String, String) = pair?;
        columns.entry(table).or_default().insert(column);
    }
    Ok(columns)
}
