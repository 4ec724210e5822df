//! From named cells to rows of our tables, each cell checked against its column.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::MAX_ROWS;
use crate::reading::{EntityKey, Readings, Row, TableReadings, Value};
use crate::table::{self, Column, Kind, Table};

/// Longer texts are cut.
const MAX_TEXT_CHARS: usize = 1_024;
/// A longer name of an entity is a mistake.
const MAX_NAME_CHARS: usize = 256;

/// Rows in the making: one per table and entity.
#[derive(Default)]
pub(super) struct Rows {
    tables: Vec<TableReadings>,
    index: HashMap<(&'static str, String), (usize, usize)>,
    count: usize,
}

impl Rows {
    /// The row of the entity, made when it is not there yet. A table without entities has one row
    /// for `Some("")`, and a new one each time for `None`.
    pub(super) fn row(
        &mut self,
        table: &'static Table,
        entity: Option<&str>,
    ) -> Result<&mut Row, String> {
        let name = entity.map(clean).unwrap_or_default();
        if table.entity.is_some() && name.is_empty() {
            let column = table.entity.unwrap_or_default();
            return Err(format!("a row of {} names no `{column}`", table.name));
        }
        if name.chars().count() > MAX_NAME_CHARS {
            return Err(format!(
                "the name is longer than {MAX_NAME_CHARS} characters"
            ));
        }
        let key = (table.name, name);
        let known = entity.and_then(|_| self.index.get(&key)).copied();
        let (at, row) = match known {
            Some(place) => place,
            None => self.add(table, &key, entity.is_some())?,
        };
        Ok(&mut self.tables[at].rows[row])
    }

    fn add(
        &mut self,
        table: &'static Table,
        key: &(&'static str, String),
        lasting: bool,
    ) -> Result<(usize, usize), String> {
        if self.count == MAX_ROWS {
            return Err(format!("more than {MAX_ROWS} rows"));
        }
        self.count += 1;
        let at = match self.tables.iter().position(|t| t.table == table) {
            Some(at) => at,
            None => {
                self.tables.push(TableReadings {
                    table,
                    rows: Vec::new(),
                });
                self.tables.len() - 1
            }
        };
        let rows = &mut self.tables[at].rows;
        let entity = table.entity.map(|_| EntityKey::named(key.1.clone()));
        rows.push(Row::new(table, entity));
        let place = (at, rows.len() - 1);
        if lasting {
            self.index.insert(key.clone(), place);
        }
        Ok(place)
    }

    pub(super) fn into_readings(self) -> Readings {
        Readings {
            tables: self.tables,
            ..Readings::default()
        }
    }
}

/// Sets a column or a fact of the row by its name.
pub(super) fn set(
    table: &'static Table,
    row: &mut Row,
    name: &str,
    given: &Json,
) -> Result<(), String> {
    let (column, cell) = if let Some(position) = table.position(name) {
        (&table.columns[position], &mut row.values[position])
    } else if let Some(position) = table.fact_position(name) {
        (&table.facts[position], &mut row.facts[position])
    } else {
        return Err(unknown_column(table, name));
    };
    *cell = value(column, given)?;
    Ok(())
}

/// Sets a host fact by its name; an unknown one is a mistake.
pub(super) fn host_fact(readings: &mut Readings, name: &str, given: &Json) -> Result<(), String> {
    let known = table::HOST_FACTS.iter().find(|fact| fact.name == name);
    let Some(fact) = known else {
        let names: Vec<&str> = table::HOST_FACTS.iter().map(|f| f.name).collect();
        return Err(format!(
            "there is no such fact; there are {}",
            names.join(", ")
        ));
    };
    let text = match given {
        Json::String(text) => clean(text),
        Json::Null => return Ok(()),
        other => other.to_string(),
    };
    readings.host_facts.push((fact.name, text));
    Ok(())
}

fn unknown_column(table: &Table, name: &str) -> String {
    let all = table.columns.iter().chain(table.facts).map(|c| c.name);
    match crate::inventory::nearest(name, all) {
        Some(likely) => format!(
            "{} has no column `{name}`; did you mean `{likely}`?",
            table.name
        ),
        None => format!("{} has no column `{name}`", table.name),
    }
}

/// The cell as the column's kind takes it.
pub(crate) fn value(column: &Column, given: &Json) -> Result<Value, String> {
    let wrong = |wanted: &str| Err(format!("{} is not {wanted}", short(given)));
    match (column.kind, given) {
        (_, Json::Null) => Ok(Value::Null),
        (Kind::Text, Json::String(text)) => Ok(Value::text(clean(text))),
        (Kind::Text, Json::Number(number)) => Ok(Value::text(number.to_string())),
        (Kind::Text, _) => wrong("text"),
        (Kind::Bool, Json::Bool(v)) => Ok(Value::Bool(*v)),
        (Kind::Bool, _) => wrong("true or false"),
        (Kind::Time, _) => match time(given) {
            Some(ts) => Ok(Value::Int(ts)),
            None => wrong("a time: seconds since 1970, or like 2026-03-01T12:00:00Z"),
        },
        (Kind::Counter | Kind::Input, Json::Number(number)) => match counter(number) {
            Some(n) => Ok(Value::Counter64(n)),
            None => wrong("a counter: a whole number that is not negative"),
        },
        (Kind::Int, Json::Number(number)) => match whole(number) {
            Some(n) => Ok(Value::Int(n)),
            None => wrong("a whole number of at most 63 bits"),
        },
        (Kind::Float | Kind::Pct, Json::Number(number)) => match number.as_f64() {
            Some(f) if f.is_finite() => Ok(Value::Float(f)),
            _ => wrong("a number"),
        },
        _ => wrong("a number"),
    }
}

fn counter(number: &serde_json::Number) -> Option<u64> {
    number.as_u64().or_else(|| {
        let f = number.as_f64()?;
        // Whole numbers that a double holds exactly.
        (f.fract() == 0.0 && (0.0..9e15).contains(&f)).then_some(f as u64)
    })
}

fn whole(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let f = number.as_f64()?;
        (f.abs() < 9e15).then_some(f.round() as i64)
    })
}

/// Seconds since 1970, whole or broken, or a timestamp with its zone.
pub(super) fn time(given: &Json) -> Option<i64> {
    match given {
        Json::Number(number) => {
            let seconds = number.as_f64()?;
            (seconds.abs() < 4e9).then_some(seconds.floor() as i64)
        }
        Json::String(text) => text.parse::<Timestamp>().ok().map(Timestamp::as_second),
        _ => None,
    }
}

/// Text without control characters, of bounded length.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MAX_TEXT_CHARS)
        .collect()
}

fn short(given: &Json) -> String {
    let text = given.to_string();
    if text.chars().count() <= 40 {
        return text;
    }
    let cut: String = text.chars().take(40).collect();
    format!("{cut}…")
}
