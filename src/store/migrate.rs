//! Makes the tables and views of a new file, and brings an older file up to date: columns are added,
//! never dropped.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use duckdb::Connection;
use sha2::{Digest, Sha256};

use super::schema::{self, ident};
use super::sealed::{Folder, files, table};
use super::{StoreError, remember, rollup, view};
use crate::table::Tables;

/// A checkpoint waits for readers; it is tried so often, then left to the next one.
const CHECKPOINTS: u32 = 10;
const CHECKPOINT_PAUSE: Duration = Duration::from_millis(200);

/// Brings the file to what this program knows. Refuses a file of a newer program untouched.
pub(super) fn bring_up(
    connection: &Connection,
    path: &Path,
    sealed: Option<&Folder>,
) -> Result<(), StoreError> {
    refuse_newer(connection, path)?;
    follow(connection, &Tables::default(), sealed)
}

/// An error when a newer program wrote the file.
pub(super) fn refuse_newer(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    if let Some(found) = meta(connection, "schema")? {
        let found: i64 = found.parse().unwrap_or(i64::MAX);
        if found > schema::VERSION {
            return Err(StoreError::Newer {
                path: path.into(),
                found,
                known: schema::VERSION,
            });
        }
    }
    Ok(())
}

/// Makes what these tables need and the file does not have.
pub(super) fn follow(
    connection: &Connection,
    tables: &Tables,
    sealed: Option<&Folder>,
) -> Result<(), StoreError> {
    let tables = remember::all(connection, tables)?;
    let shape = shape(&tables);
    if meta(connection, "shape")?.as_deref() == Some(&shape) {
        return Ok(());
    }
    let run = |sql: &str| connection.execute_batch(sql).map_err(StoreError::from);
    run("BEGIN TRANSACTION")?;
    let made = physical(connection, &tables)
        .and_then(|all| all.iter().try_for_each(|s| run(s)))
        .and_then(|()| whole_tables(connection, &tables, sealed))
        .and_then(|()| views(&tables, &shape).iter().try_for_each(|s| run(s)));
    if let Err(error) = made {
        let _ = connection.execute_batch("ROLLBACK");
        return Err(error);
    }
    run("COMMIT")?;
    checkpoint(connection);
    Ok(())
}

/// DDL in the write-ahead log is what replay is worst at. A reader under way keeps it from being
/// written out; its time is bounded.
fn checkpoint(connection: &Connection) {
    let mut tries = 0;
    while let Err(error) = connection.execute_batch("CHECKPOINT") {
        tries += 1;
        if tries >= CHECKPOINTS {
            tracing::warn!(
                "the change of the tables stays in the write-ahead log for now: {error}"
            );
            return;
        }
        std::thread::sleep(CHECKPOINT_PAUSE);
    }
}

fn physical(connection: &Connection, tables: &Tables) -> Result<Vec<String>, StoreError> {
    let existing = existing_columns(connection)?;
    let mut all = vec![
        "CREATE SCHEMA IF NOT EXISTS raw".to_owned(),
        "CREATE SCHEMA IF NOT EXISTS hist".to_owned(),
    ];
    for table in schema::tables(tables) {
        all.push(table.create());
        let Some(columns) = existing.get(&table.name) else {
            continue;
        };
        for (name, kind) in &table.columns {
            let column = format!("raw.{} {{}} {}", ident(&table.name), ident(name));
            match columns.get(*name).map(String::as_str) {
                None => all.push(format!(
                    "ALTER TABLE {} {kind}",
                    column.replace("{}", "ADD COLUMN")
                )),
                Some("BIGINT" | "INTEGER") if *kind == "DOUBLE" => all.push(format!(
                    "ALTER TABLE {} TYPE DOUBLE",
                    column.replace("{}", "ALTER COLUMN")
                )),
                Some(found) if fits(found, kind) => {}
                Some(found) => {
                    return Err(StoreError::Other(format!(
                        "the column `{}.{name}` is {found} in the history and cannot become {kind}: give it another name in the profile",
                        table.name
                    )));
                }
            }
        }
    }
    Ok(all)
}

/// The views `hist.*` over all tables that are sealed, those that this program does not know, too,
/// and over the rollups of those that it knows.
fn whole_tables(
    connection: &Connection,
    tables: &Tables,
    sealed: Option<&Folder>,
) -> Result<(), StoreError> {
    for timed in table::all(connection)? {
        if let Some(folder) = sealed {
            files::make_empty(connection, folder, &timed)?;
            connection.execute_batch(&files::none(folder, &timed.name))?;
        }
        connection.execute_batch(&table::whole(&timed, sealed))?;
    }
    for rollup in rollup::all(tables) {
        if let Some(folder) = sealed {
            files::make_empty_rollup(connection, folder, &rollup)?;
            connection.execute_batch(&files::none(folder, &rollup.set()))?;
        }
        connection.execute_batch(&rollup.whole(sealed))?;
    }
    Ok(())
}

fn views(tables: &Tables, shape: &str) -> Vec<String> {
    let mut all = Vec::new();
    for view in view::views(tables) {
        all.extend(view.create());
    }
    all.extend(remember::statements(tables));
    all.push("DELETE FROM raw.meta WHERE key IN ('schema', 'shape')".into());
    all.push(format!(
        "INSERT INTO raw.meta VALUES ('schema', '{}'), ('shape', '{shape}')",
        schema::VERSION
    ));
    all
}

/// Whether values of a kind can be put into a column as it is. A wider column stays as wide as it is.
fn fits(found: &str, kind: &str) -> bool {
    let found = if found == "TIMESTAMP WITH TIME ZONE" {
        "TIMESTAMPTZ"
    } else {
        found
    };
    found == kind || (found == "DOUBLE" && kind == "BIGINT")
}

/// Tells one set of definitions from another, so that an unchanged file is opened without DDL.
fn shape(tables: &Tables) -> String {
    let mut hash = Sha256::new();
    for table in schema::tables(tables) {
        hash.update(table.create());
    }
    for rollup in rollup::all(tables) {
        hash.update(rollup.whole(None));
    }
    for view in view::views(tables) {
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
) -> Result<HashMap<String, HashMap<String, String>>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE schema_name = 'raw'",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut columns: HashMap<String, HashMap<String, String>> = HashMap::new();
    for row in rows {
        let (table, column, kind): (String, String, String) = row?;
        columns.entry(table).or_default().insert(column, kind);
    }
    Ok(columns)
}
