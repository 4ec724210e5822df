//! Appends a batch of collections: entities, facts, rows, polls and events in one transaction.

use duckdb::types::{ToSql, ToSqlOutput, ValueRef};
use duckdb::{Appender, Connection, appender_params_from_iter};

use crate::intake::{EntityId, HostId, NewEntity, PollRow, Stored, StoredTable, Told};
use crate::reading::{Event, UnixSeconds, Value};
use crate::table::{Kind, Table, Tables};

use super::columns::Columns;
use super::{StoreError, period, push, schema};

/// One cell on its way into an Appender; borrows its text.
#[derive(Clone, Copy)]
pub(super) enum Slot<'a> {
    Null,
    Int(i64),
    Small(i32),
    Float(f64),
    Bool(bool),
    Text(&'a str),
    /// Microseconds since 1970.
    Micros(i64),
}

impl ToSql for Slot<'_> {
    fn to_sql(&self) -> duckdb::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Slot::Null => ValueRef::Null,
            Slot::Int(v) => ValueRef::BigInt(v),
            Slot::Small(v) => ValueRef::Int(v),
            Slot::Float(v) => ValueRef::Double(v),
            Slot::Bool(v) => ValueRef::Boolean(v),
            Slot::Text(v) => ValueRef::Text(v.as_bytes()),
            Slot::Micros(v) => ValueRef::Timestamp(duckdb::types::TimeUnit::Microsecond, v),
        }))
    }
}

impl<'a> Slot<'a> {
    /// NULL for `None` and for empty text.
    pub(super) fn text(text: Option<&'a str>) -> Slot<'a> {
        text.filter(|t| !t.is_empty())
            .map_or(Slot::Null, Slot::Text)
    }

    pub(super) fn at(seconds: UnixSeconds) -> Slot<'static> {
        seconds
            .checked_mul(1_000_000)
            .map_or(Slot::Null, Slot::Micros)
    }

    pub(super) fn small(number: Option<i32>) -> Slot<'static> {
        number.map_or(Slot::Null, Slot::Small)
    }

    /// The value as the column's kind takes it; NULL when it does not fit.
    pub(super) fn of(value: &'a Value, kind: Kind) -> Slot<'a> {
        match (kind, value) {
            (Kind::Text, Value::Text(text)) => Slot::Text(text),
            (Kind::Bool, Value::Bool(v)) => Slot::Bool(*v),
            (Kind::Time, Value::Int(v)) => Slot::at(*v),
            (Kind::Int | Kind::Counter | Kind::Input, Value::Int(v)) => Slot::Int(*v),
            (Kind::Int, Value::Counter32(v)) => Slot::Int((*v).into()),
            (Kind::Int, Value::Counter64(v)) => i64::try_from(*v).map_or(Slot::Null, Slot::Int),
            // The largest whole numbers that a double holds exactly.
            (Kind::Int, Value::Float(v)) if v.abs() < 9e15 => Slot::Int(v.round() as i64),
            (Kind::Float, Value::Float(v)) if v.is_finite() => Slot::Float(*v),
            (Kind::Float | Kind::Pct, Value::Int(v)) => Slot::Float(*v as f64),
            (Kind::Pct, Value::Float(v)) if v.is_finite() => {
                Slot::Float((v * 100.0).round() / 100.0)
            }
            _ => Slot::Null,
        }
    }
}

/// Appends everything; the caller holds the transaction.
pub(super) fn append(
    connection: &Connection,
    tables: &Tables,
    batch: &[Stored],
    told: &[Told],
) -> Result<(), StoreError> {
    entities(connection, batch)?;
    period::append(connection, tables, batch)?;
    rows(connection, batch)?;
    polls(connection, batch)?;
    push::append(connection, batch)?;
    events(connection, batch, told)
}

/// Whether a batch whose commit failed is on disk all the same: its transaction is there whole or
/// not at all, so that its polls, or its events, tell.
pub(super) fn is_stored(
    connection: &Connection,
    batch: &[Stored],
    told: &[Told],
) -> Result<bool, StoreError> {
    for stored in batch {
        let known: i64 = connection.query_row(
            "SELECT count(*) FROM raw.poll
             WHERE host_id = ? AND ts = to_timestamp(?) AND method = ? AND took_ms = ?
               AND parameter IS NOT DISTINCT FROM ?",
            duckdb::params![
                stored.host_id,
                stored.ts,
                stored.way.method.as_str(),
                stored.poll.took_ms,
                stored.way.parameter.as_deref()
            ],
            |row| row.get(0),
        )?;
        if known == 0 {
            return Ok(false);
        }
    }
    for one in told.iter().filter(|_| batch.is_empty()) {
        let known: i64 = connection.query_row(
            "SELECT count(*) FROM raw.event
             WHERE host_id = ? AND ts = to_timestamp(?) AND kind = ? AND message = ?",
            duckdb::params![one.host_id, one.ts, one.event.kind, one.event.message],
            |row| row.get(0),
        )?;
        if known == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An Appender for these columns of a raw table.
pub(super) fn appender<'c>(
    connection: &'c Connection,
    table: &str,
    columns: &[(&str, &str)],
) -> Result<Appender<'c>, StoreError> {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    connection
        .appender_with_columns_to_db(table, "raw", &names)
        .map_err(StoreError::from)
}

pub(super) fn put(appender: &mut Appender<'_>, slots: &[Slot<'_>]) -> Result<(), StoreError> {
    appender
        .append_row(appender_params_from_iter(slots))
        .map_err(StoreError::from)
}

pub(super) fn flush(mut appender: Appender<'_>) -> Result<(), StoreError> {
    appender.flush().map_err(StoreError::from)
}

fn entities(connection: &Connection, batch: &[Stored]) -> Result<(), StoreError> {
    if batch.iter().any(|s| !s.new_entities.is_empty()) {
        let mut appender = connection.appender_to_db("entity", "raw")?;
        for stored in batch {
            for entity in &stored.new_entities {
                put(&mut appender, &entity_row(entity, stored.ts))?;
            }
        }
        flush(appender)?;
    }
    let renamed: Vec<_> = batch.iter().flat_map(|s| &s.renamed_entities).collect();
    if renamed.is_empty() {
        return Ok(());
    }
    let mut update = connection
        .prepare("UPDATE raw.entity SET name = ?, alias = ?, mac = ?, kind = ? WHERE id = ?")?;
    for entity in renamed {
        let key = &entity.key;
        update.execute(duckdb::params![
            key.name, key.alias, key.mac, key.kind, entity.id
        ])?;
    }
    Ok(())
}

fn entity_row(entity: &NewEntity, ts: UnixSeconds) -> [Slot<'_>; 8] {
    [
        Slot::Small(entity.id),
        Slot::Small(entity.host_id),
        Slot::Text(entity.table),
        Slot::Text(&entity.key.name),
        Slot::Text(&entity.key.alias),
        Slot::Text(&entity.key.mac),
        Slot::Text(&entity.key.kind),
        Slot::at(ts),
    ]
}

fn rows(connection: &Connection, batch: &[Stored]) -> Result<(), StoreError> {
    let all = || {
        batch
            .iter()
            .flat_map(|s| s.tables.iter().map(move |t| (s, t)))
    };
    let mut tables: Vec<&'static Table> = Vec::new();
    for (_, readings) in all().filter(|(_, t)| !t.rows.is_empty()) {
        if !tables.iter().any(|t| std::ptr::eq(*t, readings.table)) {
            tables.push(readings.table);
        }
    }
    for table in tables {
        let of_table = all().filter(|(_, t)| std::ptr::eq(t.table, table));
        let mut columns = Columns::of(connection, table.name, &schema::columns(table))?;
        for (stored, readings) in of_table {
            table_rows(&mut columns, table, stored, readings)?;
        }
        columns.flush()?;
    }
    Ok(())
}

fn table_rows(
    columns: &mut Columns<'_>,
    table: &'static Table,
    stored: &Stored,
    readings: &StoredTable,
) -> Result<(), StoreError> {
    let counts = table.has_counters();
    for row in &readings.rows {
        let first = [Slot::at(stored.ts), Slot::Small(stored.host_id)];
        let entity = table.entity.map(|_| Slot::small(row.entity_id));
        let elapsed = counts.then(|| row.elapsed_ms.map_or(Slot::Null, Slot::Int));
        let values = schema::stored(table).map(|(position, column)| {
            let value = row.values.get(position).unwrap_or(&Value::Null);
            Slot::of(value, column.kind)
        });
        columns.put(first.into_iter().chain(entity).chain(elapsed).chain(values))?;
    }
    Ok(())
}

fn polls(connection: &Connection, batch: &[Stored]) -> Result<(), StoreError> {
    if batch.is_empty() {
        return Ok(());
    }
    let mut columns = Columns::of(connection, "poll", schema::POLL)?;
    for stored in batch {
        columns.put(poll_row(stored, &stored.poll))?;
    }
    columns.flush()
}

fn poll_row<'b>(stored: &'b Stored, poll: &'b PollRow) -> [Slot<'b>; 14] {
    let failure = poll.failure.as_ref();
    [
        Slot::at(stored.ts),
        Slot::Small(stored.host_id),
        Slot::Text(stored.way.method.as_str()),
        Slot::Bool(failure.is_none()),
        Slot::Int(poll.took_ms),
        Slot::Int(poll.effort.requests.into()),
        Slot::Int(poll.effort.retries.into()),
        Slot::Int(i64::try_from(poll.effort.bytes).unwrap_or(i64::MAX)),
        Slot::Int(poll.rows),
        Slot::Int(poll.resets),
        Slot::text(failure.map(|f| f.cause.as_str())),
        Slot::text(failure.map(|f| f.message.as_str())),
        Slot::text(Some(&poll.problems)),
        Slot::text(stored.way.parameter.as_deref()),
    ]
}

fn events(connection: &Connection, batch: &[Stored], told: &[Told]) -> Result<(), StoreError> {
    if told.is_empty() && batch.iter().all(|s| s.events.is_empty()) {
        return Ok(());
    }
    let mut appender = connection.appender_to_db("event", "raw")?;
    for stored in batch {
        for (entity_id, event) in &stored.events {
            let row = event_row(stored.ts, stored.host_id, *entity_id, event);
            put(&mut appender, &row)?;
        }
    }
    for told in told {
        let row = event_row(told.ts, told.host_id, told.entity_id, &told.event);
        put(&mut appender, &row)?;
    }
    flush(appender)
}

fn event_row(
    ts: UnixSeconds,
    host: HostId,
    entity: Option<EntityId>,
    event: &Event,
) -> [Slot<'_>; 6] {
    [
        Slot::at(ts),
        Slot::Small(host),
        Slot::small(entity),
        Slot::Text(event.kind),
        Slot::Text(&event.subject),
        Slot::Text(&event.message),
    ]
}
