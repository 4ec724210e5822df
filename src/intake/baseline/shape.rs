//! Which columns of a table count, and where an interface tells its state.

use super::Raw;
use crate::reading::{Row, Value};
use crate::table::{Column, INTERFACE, Kind, Table};

/// What a row of one table has to do with baselines.
#[derive(Debug)]
pub(super) struct Shape {
    /// Position of every column that is read as a counter, and the bits that its unit has.
    pub(super) counted: Vec<(usize, f64)>,
    /// Where an interface tells its operational state.
    state: Option<usize>,
}

impl Shape {
    pub(super) fn of(table: &Table) -> Shape {
        let is_interface = table.name == INTERFACE.name;
        Shape {
            counted: counted(table)
                .map(|(place, column)| (place, if column.unit == "B" { 8.0 } else { 0.0 }))
                .collect(),
            state: table.position("state").filter(|_| is_interface),
        }
    }

    pub(super) fn raw(&self, row: &Row) -> impl Iterator<Item = Raw> {
        self.counted.iter().map(|(i, _)| Raw::of(&row.values[*i]))
    }

    pub(super) fn forget_counters(&self, values: &mut [Value]) {
        for (i, _) in &self.counted {
            values[*i] = Value::Null;
        }
    }

    pub(super) fn link_state(&self, row: &Row) -> Option<bool> {
        match &row.values[self.state?] {
            Value::Text(state) if &**state == "up" => Some(true),
            Value::Text(state)
                if matches!(&**state, "down" | "lower_layer_down" | "not_present") =>
            {
                Some(false)
            }
            _ => None,
        }
    }
}

/// Position and definition of every column that is read as a counter.
pub(super) fn counted(table: &Table) -> impl Iterator<Item = (usize, &'static Column)> {
    let columns: &'static [Column] = table.columns;
    let is_counted = |kind| matches!(kind, Kind::Counter | Kind::Input);
    let columns = columns.iter().enumerate();
    columns.filter(move |(_, column)| is_counted(column.kind))
}
