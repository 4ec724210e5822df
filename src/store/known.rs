//! What the writer needs to know after a start: every entity with its newest facts.

use std::collections::HashMap;

use duckdb::types::ValueRef;
use duckdb::{Connection, Row};

use crate::intake::EntityId;
use crate::reading::{EntityKey, Value};
use crate::table::{self, Table};

use super::open::classify;
use super::schema::{fact_table, ident};
use super::{Known, KnownEntity, StoreError};

/// Reads it all.
pub(super) fn read(connection: &Connection) -> Result<Known, StoreError> {
    let mut facts = HashMap::new();
    for table in table::ALL.iter().filter(|t| !t.facts.is_empty()) {
        newest_facts(connection, table, &mut facts)?;
    }
    let mut statement = connection
        .prepare(
            "SELECT id, host_id, table_name, name, alias, mac, kind FROM raw.entity ORDER BY id",
        )
        .map_err(classify)?;
    let rows = statement
        .query_map([], |row| {
            let id = row.get(0)?;
            Ok(KnownEntity {
                id,
                host_id: row.get(1)?,
                table: row.get(2)?,
                key: EntityKey {
                    name: text(row, 3)?,
                    alias: text(row, 4)?,
                    mac: text(row, 5)?,
                    kind: text(row, 6)?,
                },
                facts: facts.remove(&id).unwrap_or_default(),
            })
        })
        .map_err(classify)?;
    let entities = rows.collect::<Result<_, _>>().map_err(classify)?;
    let mut statement = connection
        .prepare("SELECT host_id, fact, value FROM raw.host_fact WHERE valid_to = 'infinity'")
        .map_err(classify)?;
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, text(row, 2)?)))
        .map_err(classify)?;
    let host_facts = rows.collect::<Result<_, _>>().map_err(classify)?;
    Ok(Known {
        entities,
        host_facts,
    })
}

/// The facts of each entity's open period; an entity whose facts are all unknown is left out.
fn newest_facts(
    connection: &Connection,
    table: &'static Table,
    into: &mut HashMap<EntityId, Vec<Value>>,
) -> Result<(), StoreError> {
    let names: Vec<String> = table.facts.iter().map(|c| ident(c.name)).collect();
    let sql = format!(
        "SELECT entity_id, {} FROM raw.{} WHERE valid_to = 'infinity'",
        names.join(", "),
        ident(&fact_table(table))
    );
    let mut statement = connection.prepare(&sql).map_err(classify)?;
    let mut rows = statement.query([]).map_err(classify)?;
    while let Some(row) = rows.next().map_err(classify)? {
        let values: Result<Vec<Value>, _> = (1..=names.len())
            .map(|i| row.get_ref(i).map(value))
            .collect();
        let values = values.map_err(classify)?;
        if values.iter().any(|v| !v.is_null()) {
            into.insert(row.get(0).map_err(classify)?, values);
        }
    }
    Ok(())
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::BigInt(v) => Value::Int(v),
        ValueRef::Double(v) => Value::Float(v),
        ValueRef::Boolean(v) => Value::Bool(v),
        ValueRef::Text(bytes) => Value::text(String::from_utf8_lossy(bytes)),
        ValueRef::Timestamp(unit, v) => Value::Int(unit.to_micros(v).div_euclid(1_000_000)),
        _ => Value::Null,
    }
}

fn text(row: &Row<'_>, column: usize) -> duckdb::Result<String> {
    Ok(row.get::<_, Option<String>>(column)?.unwrap_or_default())
}
