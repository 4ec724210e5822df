//! Facts with their periods of validity. Per entity the periods begin at the beginning of time, end
//! at its end and neither overlap nor leave a gap, so that the range join of the views finds exactly
//! one for every row.

use std::collections::{BTreeMap, HashMap};

use duckdb::Connection;

use crate::intake::{EntityId, FactChange, HostId, Stored};
use crate::reading::{UnixSeconds, Value};
use crate::table::{Table, Tables};

use super::append::{Slot, appender, flush, put};
use super::{StoreError, schema};

/// `-infinity` and `infinity` as TIMESTAMPTZ holds them.
const BEGINNING: i64 = -i64::MAX;
const END: i64 = i64::MAX;

/// Appends the batch's new facts of entities and hosts and ends the periods that they follow.
pub(super) fn append(
    connection: &Connection,
    tables: &Tables,
    batch: &[Stored],
) -> Result<(), StoreError> {
    for table in tables.iter().filter(|t| !t.facts.is_empty()) {
        entity_facts(connection, table, batch)?;
    }
    host_facts(connection, batch)
}

/// What one entity's facts were from a moment on, in order; the moment in microseconds.
type Changes<'b> = Vec<(i64, &'b [Value])>;

/// What becomes of the open period that changes follow.
enum Former {
    None,
    Ends(i64),
    Replaced,
}

/// The periods of changes that follow an open period which began at `open`.
///
/// A change at or before the start of the open period replaces it; this happens when the clock was
/// set back or when facts follow an entity that had none yet.
fn periods<V: Copy>(open: Option<i64>, changes: &[(i64, V)]) -> (Former, Vec<(i64, i64, V)>) {
    let (former, mut from) = match (open, changes.first()) {
        (Some(started), Some((at, _))) if *at > started => (Former::Ends(*at), *at),
        (Some(started), Some(_)) => (Former::Replaced, started),
        _ => (Former::None, BEGINNING),
    };
    let mut periods = Vec::with_capacity(changes.len());
    for (i, (_, value)) in changes.iter().enumerate() {
        let to = changes.get(i + 1).map_or(END, |next| next.0);
        if to > from {
            periods.push((from, to, *value));
            from = to;
        }
    }
    (former, periods)
}

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
    let mut rows = Vec::new();
    let mut ends = Vec::new();
    let mut replaced = Vec::new();
    for (id, list) in &changes {
        let (former, made) = periods(open.get(id).copied(), list);
        match former {
            Former::Ends(at) => ends.push(format!("({id}, make_timestamptz({at}))")),
            Former::Replaced => replaced.push(id.to_string()),
            Former::None => {}
        }
        rows.extend(made.into_iter().map(|period| (*id, period)));
    }
    end_periods(connection, &name, &ends, &replaced)?;
    let mut appender = appender(connection, &name, &schema::fact_columns(table))?;
    let mut slots = Vec::with_capacity(table.facts.len() + 3);
    for (id, (from, to, facts)) in rows {
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

/// Facts change seldom, but at the first sight of ten thousand hosts all at once: a few statements
/// for the whole batch.
fn host_facts(connection: &Connection, batch: &[Stored]) -> Result<(), StoreError> {
    let mut changes: BTreeMap<(HostId, &str), Vec<(i64, &str)>> = BTreeMap::new();
    for stored in batch {
        let at = stored.ts.saturating_mul(1_000_000);
        for (fact, value) in &stored.host_facts {
            let list = changes.entry((stored.host_id, fact)).or_default();
            list.retain(|(earlier, _)| *earlier < at);
            list.push((at, value));
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    let open = open_host_facts(connection, changes.keys().map(|(host, _)| *host))?;
    let mut rows = Vec::new();
    let mut ends = Vec::new();
    let mut replaced = Vec::new();
    for ((host, fact), list) in &changes {
        let started = open.get(&(*host, (*fact).to_string())).copied();
        let quoted = fact.replace('\'', "''");
        let (former, made) = periods(started, list);
        match former {
            Former::Ends(at) => {
                ends.push(format!("({host}, '{quoted}', make_timestamptz({at}))"));
            }
            Former::Replaced => replaced.push(format!("({host}, '{quoted}')")),
            Former::None => {}
        }
        rows.extend(made.into_iter().map(|period| (*host, *fact, period)));
    }
    end_host_facts(connection, &ends, &replaced)?;
    let mut appender = connection.appender_to_db("host_fact", "raw")?;
    for (host, fact, (from, to, value)) in rows {
        let row = [
            Slot::Small(host),
            Slot::Text(fact),
            Slot::Text(value),
            Slot::Micros(from),
            Slot::Micros(to),
        ];
        put(&mut appender, &row)?;
    }
    flush(appender)
}

/// When the open periods of these hosts' facts began, in microseconds.
fn open_host_facts(
    connection: &Connection,
    hosts: impl Iterator<Item = HostId>,
) -> Result<HashMap<(HostId, String), i64>, StoreError> {
    let mut hosts: Vec<String> = hosts.map(|host| host.to_string()).collect();
    hosts.dedup();
    let sql = format!(
        "SELECT host_id, fact, CASE WHEN isfinite(valid_from) THEN epoch_us(valid_from) END
         FROM raw.host_fact WHERE valid_to = 'infinity' AND host_id IN ({})",
        hosts.join(", ")
    );
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| {
        let started = row.get::<_, Option<i64>>(2)?.unwrap_or(BEGINNING);
        Ok(((row.get(0)?, row.get(1)?), started))
    })?;
    rows.collect::<Result<_, _>>().map_err(StoreError::from)
}

fn end_host_facts(
    connection: &Connection,
    ends: &[String],
    replaced: &[String],
) -> Result<(), StoreError> {
    if !ends.is_empty() {
        let sql = format!(
            "UPDATE raw.host_fact h SET valid_to = c.ends FROM (VALUES {}) c(host, fact, ends)
             WHERE h.host_id = c.host AND h.fact = c.fact AND h.valid_to = 'infinity'",
            ends.join(", ")
        );
        connection.execute_batch(&sql)?;
    }
    if !replaced.is_empty() {
        let sql = format!(
            "DELETE FROM raw.host_fact WHERE valid_to = 'infinity' AND (host_id, fact) IN ({})",
            replaced.join(", ")
        );
        connection.execute_batch(&sql)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_neither_overlap_nor_leave_a_gap() {
        let (former, made) = periods(None, &[(5, 'a'), (9, 'b')]);
        assert!(matches!(former, Former::None));
        assert_eq!(made, [(BEGINNING, 9, 'a'), (9, END, 'b')]);
        let (former, made) = periods(Some(3), &[(5, 'a')]);
        assert!(matches!(former, Former::Ends(5)));
        assert_eq!(made, [(5, END, 'a')]);
        let (former, made) = periods(Some(7), &[(5, 'a'), (6, 'b')]);
        assert!(matches!(former, Former::Replaced), "the clock was set back");
        assert_eq!(made, [(7, END, 'b')]);
    }
}
