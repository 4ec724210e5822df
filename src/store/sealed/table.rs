//! Which tables hold rows in time, by the database's own account: tables that profiles declare come
//! and go while eider runs.

use duckdb::Connection;

use super::super::StoreError;
use super::super::schema::{ident, literal};
use super::Folder;

/// A table that is sealed: it has `ts` and `host_id`.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct Timed {
    pub(in crate::store) name: String,
    /// Name and SQL type, in order.
    pub(in crate::store) columns: Vec<(String, String)>,
}

impl Timed {
    pub(in crate::store) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|(name, _)| name == column)
    }

    /// The order within a file.
    pub(in crate::store) fn order(&self) -> &'static str {
        if self.has("entity_id") {
            "host_id, entity_id, ts"
        } else {
            "host_id, ts"
        }
    }
}

/// Every table of schema `raw` that is sealed, by name.
pub(in crate::store) fn all(connection: &Connection) -> Result<Vec<Timed>, StoreError> {
    let mut found = relations(connection, "raw")?;
    found.retain(|table| table.has("ts") && table.has("host_id"));
    Ok(found)
}

/// Every table or view of a schema with its columns, by name.
pub(in crate::store) fn relations(
    connection: &Connection,
    schema: &str,
) -> Result<Vec<Timed>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT table_name, column_name, data_type FROM duckdb_columns()
         WHERE schema_name = ? AND database_name = current_database()
         ORDER BY table_name, column_index",
    )?;
    let mut rows = statement.query([schema])?;
    let mut found: Vec<Timed> = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        if found.last().is_none_or(|last| last.name != name) {
            found.push(Timed {
                name,
                columns: Vec::new(),
            });
        }
        if let Some(last) = found.last_mut() {
            last.columns.push((row.get(1)?, row.get(2)?));
        }
    }
    Ok(found)
}

/// The view `hist.<table>`: sealed and hot rows. Without a folder there are only hot ones.
pub(in crate::store) fn whole(table: &Timed, folder: Option<&Folder>) -> String {
    let name = ident(&table.name);
    let sealed = if folder.is_some() {
        format!(
            "SELECT * FROM read_parquet(getvariable({}), union_by_name = true) UNION ALL BY NAME ",
            literal(&variable(&table.name))
        )
    } else {
        String::new()
    };
    format!("CREATE OR REPLACE VIEW hist.{name} AS {sealed}SELECT * FROM raw.{name}")
}

/// The session's variable that names the files of a set.
pub(in crate::store) fn variable(set: &str) -> String {
    format!("sealed_{set}")
}

/// The statements that make the same tables and views in an empty database: `hist.x` is `raw.x`
/// there, also where it is made of something else here.
pub(in crate::store) fn copies(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut tables = relations(connection, "raw")?;
    let whole = relations(connection, "hist")?;
    let only_whole = whole
        .iter()
        .filter(|view| tables.iter().all(|table| table.name != view.name));
    let only_whole: Vec<Timed> = only_whole.cloned().collect();
    tables.extend(only_whole);
    let mut all: Vec<String> = tables.iter().map(make).collect();
    all.extend(whole.iter().map(|view| {
        let name = ident(&view.name);
        format!("CREATE VIEW hist.{name} AS SELECT * FROM raw.{name}")
    }));
    let mut statement = connection.prepare(
        "SELECT sql FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal
           AND database_name = current_database() ORDER BY view_oid",
    )?;
    let views = statement.query_map([], |row| row.get(0))?;
    for view in views {
        all.push(view?);
    }
    Ok(all)
}

/// The statement that makes the table in an empty database.
pub(in crate::store) fn make(table: &Timed) -> String {
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|(name, kind)| format!("{} {kind}", ident(name)))
        .collect();
    format!(
        "CREATE TABLE raw.{} ({})",
        ident(&table.name),
        columns.join(", ")
    )
}
