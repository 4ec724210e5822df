//! The tables that profiles made at any time: a profile may go, its history stays readable. Their
//! definitions stand in `raw.profile_table`.

use std::collections::BTreeMap;

use duckdb::Connection;

use super::StoreError;
use super::schema::literal;
use crate::table::{self, Definition, Tables};

/// The tables of the inventory, and with them all that the file remembers: what no profile defines
/// any more keeps its view.
pub(super) fn all(connection: &Connection, tables: &Tables) -> Result<Tables, StoreError> {
    let mut made: BTreeMap<String, Definition> = tables
        .made()
        .map(|table| (table.name.to_owned(), Definition::of(table)))
        .collect();
    for earlier in read(connection)? {
        // A later version of eider may bring a core table of that name.
        if table::find(&earlier.name).is_some() {
            continue;
        }
        match made.get_mut(&earlier.name) {
            Some(definition) => definition.keep(&earlier),
            None => {
                made.insert(earlier.name.clone(), earlier);
            }
        }
    }
    Ok(Tables::with(made.values().filter_map(table::intern)))
}

fn read(connection: &Connection) -> Result<Vec<Definition>, StoreError> {
    let exists: i64 = connection.query_row(
        "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'raw' AND table_name = 'profile_table'",
        [],
        |row| row.get(0),
    )?;
    if exists == 0 {
        return Ok(Vec::new());
    }
    let mut statement =
        connection.prepare("SELECT definition FROM raw.profile_table ORDER BY name")?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut definitions = Vec::new();
    for row in rows {
        match serde_json::from_str(&row?) {
            Ok(definition) => definitions.push(definition),
            Err(error) => tracing::warn!("a table that a profile made cannot be read: {error}"),
        }
    }
    Ok(definitions)
}

/// The statements that make the file remember these.
pub(super) fn statements(tables: &Tables) -> Vec<String> {
    let mut all = vec!["DELETE FROM raw.profile_table".to_owned()];
    for table in tables.made() {
        let definition = serde_json::to_string(&Definition::of(table)).unwrap_or_default();
        all.push(format!(
            "INSERT INTO raw.profile_table VALUES ({}, {})",
            literal(table.name),
            literal(&definition)
        ));
    }
    all
}
