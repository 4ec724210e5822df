//! Rows of a table whose definition a reload changed while they were read.

use crate::reading::{Row, TableReadings, Value};
use crate::table::{Column, Tables};

/// The readings in today's columns: found by name, NULL where there was none or one of another kind.
/// `None` when the table is gone.
pub(super) fn current(readings: TableReadings, tables: &Tables) -> Option<TableReadings> {
    let table = tables.find(readings.table.name)?;
    if std::ptr::eq(table, readings.table) {
        return Some(readings);
    }
    let columns = places(readings.table.columns, table.columns);
    let facts = places(readings.table.facts, table.facts);
    let move_row = |row: &Row| Row {
        entity: row.entity.clone(),
        values: moved(&row.values, &columns),
        facts: moved(&row.facts, &facts).into(),
        discontinuity: row.discontinuity,
    };
    let rows = readings.rows.iter().map(move_row).collect();
    Some(TableReadings { table, rows })
}

/// For each of today's columns its former place.
fn places(before: &[Column], now: &[Column]) -> Vec<Option<usize>> {
    let same = |column: &Column| {
        before
            .iter()
            .position(|b| b.name == column.name && b.kind == column.kind)
    };
    now.iter().map(same).collect()
}

fn moved(values: &[Value], places: &[Option<usize>]) -> Vec<Value> {
    let value = |place: &Option<usize>| place.and_then(|p| values.get(p)).cloned();
    places
        .iter()
        .map(|place| value(place).unwrap_or(Value::Null))
        .collect()
}
