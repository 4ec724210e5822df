//! What a child reads beside the sealed files: the rows that are not sealed yet, and the tables of
//! hosts, entities, alerts, as Parquet files of one moment, with the views as they are.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use duckdb::Connection;
use serde::{Deserialize, Serialize};

use super::super::schema::{ident, literal};
use super::super::{Store, StoreError};
use super::Private;
use crate::reading::UnixSeconds;

/// The file that says what is in the copy.
const PLAN: &str = "plan.json";

/// One copy; its files go when nobody needs it any more.
pub(in crate::store) struct Copy {
    pub(super) directory: PathBuf,
    /// The moment whose rows it holds.
    pub(super) as_of: UnixSeconds,
    pub(super) begun: Instant,
    pub(super) took: Duration,
    _files: Private,
}

/// How to make of the files what they were.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) tables: Vec<CopiedTable>,
    /// The names of the views of `hist`, each of which reads a set of sealed files.
    pub(super) sets: Vec<String>,
    /// The statements that make the views of `hist`, then those of `main`, and their comments.
    pub(super) hist: Vec<String>,
    pub(super) main: Vec<String>,
    pub(super) comments: Vec<String>,
}

/// One table of schema `raw`.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct CopiedTable {
    pub(super) name: String,
    /// Name and SQL type.
    pub(super) columns: Vec<(String, String)>,
    /// In the directory; none when the table was empty.
    pub(super) file: Option<String>,
}

impl Copy {
    /// Copies everything that a view shows, in one transaction, and nothing else: what no view
    /// shows is nobody's business.
    pub(super) fn make(store: &Store, directory: PathBuf) -> Result<Copy, StoreError> {
        let files = Private::make(directory.clone())?;
        let begun = Instant::now();
        let connection = store.shared.pool.connection()?;
        connection.execute_batch("SET TimeZone = 'UTC'; BEGIN TRANSACTION READ ONLY")?;
        let copied = plan(&connection).and_then(|mut plan| {
            let as_of =
                connection.query_row("SELECT epoch(now())::BIGINT", [], |row| row.get(0))?;
            for table in &mut plan.tables {
                table.copy(&connection, &directory)?;
            }
            Ok((plan, as_of))
        });
        // The connection ends here: whether this works does not matter.
        let _ = connection.execute_batch("ROLLBACK");
        let (plan, as_of) = copied?;
        let text = serde_json::to_vec(&plan).map_err(|e| StoreError::Other(e.to_string()))?;
        let path = directory.join(PLAN);
        std::fs::write(&path, text)
            .map_err(|e| StoreError::Other(format!("{} cannot be written: {e}", path.display())))?;
        Ok(Copy {
            directory,
            as_of,
            begun,
            took: begun.elapsed(),
            _files: files,
        })
    }
}

impl Plan {
    /// The plan of the copy in that directory.
    pub(super) fn read(directory: &Path) -> Result<Plan, StoreError> {
        let path = directory.join(PLAN);
        let unreadable =
            |e: &dyn std::fmt::Display| StoreError::Other(format!("{}: {e}", path.display()));
        let text = std::fs::read(&path).map_err(|e| unreadable(&e))?;
        serde_json::from_slice(&text).map_err(|e| unreadable(&e))
    }
}

impl CopiedTable {
    fn copy(&mut self, connection: &Connection, directory: &Path) -> Result<(), StoreError> {
        let name = ident(&self.name);
        let rows: i64 =
            connection.query_row(&format!("SELECT count(*) FROM raw.{name}"), [], |row| {
                row.get(0)
            })?;
        if rows == 0 {
            return Ok(());
        }
        let file = format!("{}.parquet", self.name);
        let path = literal(&directory.join(&file).to_string_lossy());
        connection.execute_batch(&format!("COPY raw.{name} TO {path} (FORMAT parquet)"))?;
        self.file = Some(file);
        Ok(())
    }
}

fn plan(connection: &Connection) -> Result<Plan, StoreError> {
    let mut plan = Plan {
        sets: sets(connection)?,
        hist: views(connection, "hist")?,
        main: views(connection, "main")?,
        comments: comments(connection)?,
        ..Plan::default()
    };
    let shown: String = plan.hist.iter().chain(&plan.main).cloned().collect();
    let mut statement = connection.prepare(
        "SELECT table_name, column_name, data_type FROM duckdb_columns()
         WHERE schema_name = 'raw' AND database_name = current_database()
         ORDER BY table_name, column_index",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        if plan.tables.last().is_none_or(|last| last.name != name) {
            plan.tables.push(CopiedTable {
                name,
                ..CopiedTable::default()
            });
        }
        if let Some(last) = plan.tables.last_mut() {
            last.columns.push((row.get(1)?, row.get(2)?));
        }
    }
    plan.tables.retain(|table| is_shown(&shown, &table.name));
    Ok(plan)
}

/// Whether one of the views reads that table of schema `raw`.
fn is_shown(views: &str, table: &str) -> bool {
    let plain = format!("raw.{table}");
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    views.contains(&format!("raw.{}", ident(table)))
        || views
            .match_indices(&plain)
            .any(|(at, _)| ends(&views[at + plain.len()..]))
}

fn sets(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT view_name FROM duckdb_views() WHERE schema_name = 'hist'
           AND database_name = current_database()",
    )?;
    let names = statement.query_map([], |row| row.get(0))?;
    names.collect::<Result<_, _>>().map_err(StoreError::from)
}

/// The statements that make the views of a schema, in the order in which they were made.
fn views(connection: &Connection, schema: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT sql FROM duckdb_views() WHERE schema_name = ? AND NOT internal
           AND database_name = current_database() ORDER BY view_oid",
    )?;
    let views = statement.query_map([schema], |row| row.get(0))?;
    views.collect::<Result<_, _>>().map_err(StoreError::from)
}

/// The statements that comment the views of `main` and their columns.
fn comments(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT view_name, NULL, comment FROM duckdb_views()
         WHERE schema_name = 'main' AND NOT internal AND comment IS NOT NULL
           AND database_name = current_database()
         UNION ALL
         SELECT table_name, column_name, comment FROM duckdb_columns()
         WHERE schema_name = 'main' AND NOT internal AND comment IS NOT NULL
           AND database_name = current_database()",
    )?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let view = ident(&row.get::<_, String>(0)?);
        let column: Option<String> = row.get(1)?;
        let comment = literal(&row.get::<_, String>(2)?);
        all.push(match column {
            None => format!("COMMENT ON VIEW main.{view} IS {comment}"),
            Some(column) => format!(
                "COMMENT ON COLUMN main.{view}.{} IS {comment}",
                ident(&column)
            ),
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_view_shows_is_copied() {
        let (store, _recorder) = Store::in_memory().unwrap();
        let plan = plan(&store.shared.pool.connection().unwrap()).unwrap();
        let names: Vec<&str> = plan.tables.iter().map(|t| t.name.as_str()).collect();
        for shown in [
            "host",
            "poll",
            "interface",
            "interface_fact",
            "alert",
            "sealed_file",
        ] {
            assert!(names.contains(&shown), "{names:?}");
        }
        for private in ["meta", "push_key", "profile_table"] {
            assert!(!names.contains(&private), "{names:?}");
        }
        assert!(is_shown("FROM raw.\"a b\" t", "a b"));
        assert!(!is_shown("FROM raw.host_fact", "host"));
        assert!(plan.comments.len() > 100);
    }
}
