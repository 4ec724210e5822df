//! What the writer needs to know after a start: every entity with its newest facts.

use std::collections::HashMap;

use duckdb::types::ValueRef;
use duckdb::{Connection, Row};

use crate::intake::{EntityId, HostId};
use crate::reading::{EntityKey, UnixSeconds, Value, Way};
use crate::table::{Table, Tables};

use super::schema::{fact_table, ident};
use super::sealed::Folder;
use super::sealed::files;
use super::sealed::scope::Scope;
use super::{Known, KnownEntity, StoreError};

/// Reads it all.
pub(super) fn read(
    connection: &Connection,
    tables: &Tables,
    sealed: Option<&Folder>,
) -> Result<Known, StoreError> {
    let mut facts = HashMap::new();
    for table in tables.iter().filter(|t| !t.facts.is_empty()) {
        newest_facts(connection, table, &mut facts)?;
    }
    let mut statement = connection.prepare(
        "SELECT id, host_id, table_name, name, alias, mac, kind FROM raw.entity ORDER BY id",
    )?;
    let rows = statement.query_map([], |row| {
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
    })?;
    let entities = rows.collect::<Result<_, _>>()?;
    let mut statement = connection
        .prepare("SELECT host_id, fact, value FROM raw.host_fact WHERE valid_to = 'infinity'")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, text(row, 2)?)))?;
    let host_facts = rows.collect::<Result<_, _>>()?;
    Ok(Known {
        entities,
        host_facts,
        newest: newest_polls(connection, sealed)?,
    })
}

/// The time of the newest good poll of each target. One that is older than the newest of all by a
/// week serves nobody any more.
fn newest_polls(
    connection: &Connection,
    sealed: Option<&Folder>,
) -> Result<Vec<(HostId, Way, UnixSeconds)>, StoreError> {
    if let Some(folder) = sealed {
        files::open(connection, folder, &Scope::newest("poll", connection)?)?;
    }
    let sql = "SELECT host_id, method, parameter, epoch(max(ts))::BIGINT FROM hist.poll
               WHERE ok AND ts >= (SELECT max(ts) - INTERVAL 7 DAY FROM hist.poll)
               GROUP BY host_id, method, parameter";
    let found = newest_by(connection, sql);
    if let Some(folder) = sealed {
        connection.execute_batch(&files::none(folder, "poll"))?;
    }
    found
}

fn newest_by(
    connection: &Connection,
    sql: &str,
) -> Result<Vec<(HostId, Way, UnixSeconds)>, StoreError> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let method: String = row.get(1)?;
        let parameter: Option<String> = row.get(2)?;
        let way = Way::from_words(&method, parameter.as_deref());
        Ok((row.get(0)?, way, row.get(3)?))
    })?;
    let rows: Vec<(HostId, Option<Way>, UnixSeconds)> = rows.collect::<Result<_, _>>()?;
    Ok(rows
        .into_iter()
        .filter_map(|(host, way, ts)| Some((host, way?, ts)))
        .collect())
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
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let values: Result<Vec<Value>, _> = (1..=names.len())
            .map(|i| row.get_ref(i).map(value))
            .collect();
        let values = values?;
        if values.iter().any(|v| !v.is_null()) {
            into.insert(row.get(0)?, values);
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
