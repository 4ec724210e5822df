//! Facts with their periods of validity. Per entity the periods begin at the beginning of time, end
//! at its end and neither overlap nor leave a gap, so that the range join of the views finds exactly
//! one for every row.

use std::collections::{BTreeMap, HashMap};

use duckdb::Connection;

use crate::intake::{EntityId, FactChange, HostId, Stored};
use crate::reading::{UnixSeconds, Value};
use crate::table::{self, Table};

use super::append::{Slot, appender, flush, put};
use super::{StoreError, schema};

/// `-infinity` and `infinity` as TIMESTAMPTZ holds them.
const BEGINNING: i64 = -i64::MAX;
const END: i64 = i64::MAX;

/// Appends the batch's new facts of entities and hosts and ends the periods that they follow.
pub(super) fn append(connection: &Connection, batch: &[Stored]) -> Result<(), StoreError> {
    for table in table::ALL.iter().filter(|t| !t.facts.is_empty()) {
        entity_facts(connection, table, batch)?;
    }
    host_facts(connection, batch)
}

/// What one entity's facts were from a moment on, in order; the moment in microseconds.
type Changes<'b> = Vec<(i64, &'b [Value])>;

fn entity_facts(
    connection: &Connection,
    table: &'static Table,
    batch: &[Stored],
) -> Result<(), StoreError> {
    let changes = changes(table, batch);
    if changes.is_empty() {
        return Ok(());
    }
    let name = schema::fact_table(table);
    let ids: Vec<String> = changes.keys().map(ToString::to_string).collect();
    let open = open_periods(connection, &name, &ids)?;
    let mut appender_rows = Vec::new();
    let mut ends = Vec::new();
    let mut replaced = Vec::new();
    for (id, list) in &changes {
        // A change at or before the start of the open period replaces it; this happens when the
        // clock was set back or when facts follow an entity that had none yet.
        let mut from = BEGINNING;
        match open.get(id) {
            Some(started) if list[0].0 > *started => {
                ends.push(format!("({id}, make_timestamptz({}))", list[0].0));
                from = list[0].0;
            }
            Some(started) => {
                replaced.push(id.to_string());
                from = *started;
            }
            None => {}
        }
        for (i, (_, facts)) in list.iter().enumerate() {
            let to = list.get(i + 1).map_or(END, |next| next.0);
            if to > from {
                appender_rows.push((*id, from, to, *facts));
                from = to;
            }
        }
    }
    end_periods(connection, &name, &ends, &replaced)?;
    let mut appender = appender(connection, &name, &schema::fact_columns(table))?;
    let mut slots = Vec::with_capacity(table.facts.len() + 3);
    for (id, from, to, facts) in appender_rows {
        slots.clear();
        slots.extend([Slot::Small(id), Slot::Micros(from), Slot::Micros(to)]);
        for (i, column) in table.facts.iter().enumerate() {
            slots.push(Slot::of(facts.get(i).unwrap_or(&Value::Null), column.kind));
        }
        put(&mut appender, &slots)?;
    }
    flush(appender)
}

/// The batch's changes by entity. A new entity whose facts nobody told yet gets empty ones; a first
/// change is valid from the beginning.
fn changes<'b>(table: &'static Table, batch: &'b [Stored]) -> BTreeMap<EntityId, Changes<'b>> {
    let mut all: BTreeMap<EntityId, Changes<'b>> = BTreeMap::new();
    for stored in batch {
        for entity in stored.new_entities.iter().filter(|e| e.table == table.name) {
            all.insert(entity.id, vec![(BEGINNING, &[])]);
        }
        let of_table = stored.fact_changes.iter().filter(|c| c.table == table);
        for change in of_table {
            push(all.entry(change.entity_id).or_default(), change, stored.ts);
        }
    }
    all
}

fn push<'b>(list: &mut Changes<'b>, change: &'b FactChange, ts: UnixSeconds) {
    let at = if change.first {
        BEGINNING
    } else {
        ts.saturating_mul(1_000_000)
    };
    // Facts never go back in time within a batch: what comes later replaces.
    list.retain(|(earlier, _)| *earlier < at);
    list.push((at, &change.facts));
}

/// When the open period of each of these entities began, in microseconds.
fn open_periods(
    connection: &Connection,
    table: &str,
    ids: &[String],
) -> Result<HashMap<EntityId, i64>, StoreError> {
    let sql = format!(
        "SELECT entity_id, CASE WHEN isfinite(valid_from) THEN epoch_us(valid_from) END
         FROM raw.{} WHERE valid_to = 'infinity' AND entity_id IN ({})",
        schema::ident(table),
        ids.join(", ")
    );
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| {
        Ok((
            row.get(0)?,
            row.get::<_, Option<i64>>(1)?.unwrap_or(BEGINNING),
        ))
    })?;
    rows.collect::<Result<_, _>>().map_err(StoreError::from)
}

fn end_periods(
    connection: &Connection,
    table: &str,
    ends: &[String],
    replaced: &[String],
) -> Result<(), StoreError> {
    let table = schema::ident(table);
    if !ends.is_empty() {
        let sql = format!(
            "UPDATE raw.{table} SET valid_to = c.ends
             FROM (VALUES {}) c(id, ends) WHERE entity_id = c.id AND valid_to = 'infinity'",
            ends.join(", ")
        );
        connection.execute_batch(&sql)?;
    }
    if !replaced.is_empty() {
        let sql = format!(
            "DELETE FROM raw.{table} WHERE valid_to = 'infinity' AND entity_id IN ({})",
            replaced.join(", ")
        );
        connection.execute_batch(&sql)?;
    }
    Ok(())
}

/// Host facts are few and change seldom: one by one.
fn host_facts(connection: &Connection, batch: &[Stored]) -> Result<(), StoreError> {
    for stored in batch {
        for (fact, value) in &stored.host_facts {
            host_fact(connection, stored.host_id, fact, value, stored.ts)?;
        }
    }
    Ok(())
}

fn host_fact(
    connection: &Connection,
    host: HostId,
    fact: &str,
    value: &str,
    ts: UnixSeconds,
) -> Result<(), StoreError> {
    // A period that would begin before the open one replaces it.
    let replace = connection.execute(
        "DELETE FROM raw.host_fact WHERE host_id = ? AND fact = ? AND valid_to = 'infinity'
             AND valid_from >= to_timestamp(?)",
        duckdb::params![host, fact, ts],
    )?;
    let ended = connection.execute(
        "UPDATE raw.host_fact SET valid_to = to_timestamp(?)
             WHERE host_id = ? AND fact = ? AND valid_to = 'infinity'",
        duckdb::params![ts, host, fact],
    )?;
    let from = if replace + ended == 0 {
        "CAST('-infinity' AS TIMESTAMPTZ)".to_owned()
    } else {
        format!("to_timestamp({ts})")
    };
    connection.execute(
        &format!("INSERT INTO raw.host_fact VALUES (?, ?, ?, {from}, 'infinity')"),
        duckdb::params![host, fact, value],
    )?;
    Ok(())
}
