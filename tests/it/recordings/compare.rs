//! What was read against what was expected: one line per difference.

use eider::reading::{Readings, Row, TableReadings, Value};
use serde_json::Value as Json;

use super::expected::{Cells, Expected, ExpectedTable};

/// Computed numbers may differ by this share in their last places.
const TOLERANCE: f64 = 1e-6;

/// Everything that is not as expected.
pub(super) fn differences(expected: &Expected, readings: &Readings) -> Vec<String> {
    let mut found = Vec::new();
    for (fact, wanted) in &expected.facts {
        let known = readings.host_facts.iter().find(|(name, _)| *name == fact);
        let known = known.map(|(_, text)| text);
        if known != wanted.as_ref() {
            found.push(format!("fact {fact}: {known:?}, expected {wanted:?}"));
        }
    }
    for (name, wanted) in &expected.tables {
        match rows_of(readings, name) {
            Some(table) => in_table(wanted, table, &mut found),
            None => found.push(format!("{name}: no rows, expected {}", wanted.rows)),
        }
    }
    // What profiles give besides the core tables is named in whole, so that no row comes unseen.
    for table in readings.tables.iter().filter(|t| !t.rows.is_empty()) {
        let name = table.table.name;
        if eider::table::find(name).is_none() && !expected.tables.contains_key(name) {
            let rows = table.rows.len();
            found.push(format!("{name}: {rows} rows, of which nothing is said"));
        }
    }
    for name in &expected.absent {
        if let Some(table) = rows_of(readings, name) {
            let rows = table.rows.len();
            found.push(format!("{name}: {rows} rows, expected none"));
        }
    }
    if readings.problems.len() != expected.problems {
        let (problems, wanted) = (&readings.problems, expected.problems);
        found.push(format!("problems: {problems:?}, expected {wanted}"));
    }
    found
}

fn rows_of<'a>(readings: &'a Readings, name: &str) -> Option<&'a TableReadings> {
    let mut tables = readings.tables.iter();
    tables.find(|t| t.table.name == name && !t.rows.is_empty())
}

fn in_table(wanted: &ExpectedTable, table: &TableReadings, found: &mut Vec<String>) {
    let name = table.table.name;
    let names: Vec<String> = table
        .rows
        .iter()
        .map(|row| name_of(row, table, wanted.key.as_deref()))
        .collect();
    if table.rows.len() != wanted.rows {
        let (rows, count) = (table.rows.len(), wanted.rows);
        found.push(format!("{name}: {rows} rows, expected {count}: {names:?}"));
    }
    if let Some(cells) = &wanted.row {
        in_row(cells, &table.rows[0], table, name, found);
    }
    for (entity, cells) in &wanted.each {
        let place = names.iter().position(|n| n == entity);
        match place {
            Some(place) => {
                let label = format!("{name} {entity:?}");
                in_row(cells, &table.rows[place], table, &label, found);
            }
            None => found.push(format!("{name} {entity:?}: no such row in {names:?}")),
        }
    }
    for entity in wanted.without.iter().filter(|e| names.contains(e)) {
        found.push(format!("{name} {entity:?}: a row, expected none"));
    }
}

fn name_of(row: &Row, table: &TableReadings, key: Option<&str>) -> String {
    match (key, &row.entity) {
        (Some(key), _) => match cell(row, table, key) {
            Some(Value::Text(text)) => text.to_string(),
            Some(Value::Int(number)) => number.to_string(),
            other => format!("{other:?}"),
        },
        (None, Some(entity)) => entity.name.clone(),
        (None, None) => String::new(),
    }
}

fn cell<'a>(row: &'a Row, table: &TableReadings, name: &str) -> Option<&'a Value> {
    let column = table.table.position(name).map(|p| &row.values[p]);
    column.or_else(|| table.table.fact_position(name).map(|p| &row.facts[p]))
}

fn in_row(wanted: &Cells, row: &Row, table: &TableReadings, label: &str, found: &mut Vec<String>) {
    for (name, wanted) in wanted {
        match cell(row, table, name) {
            None => found.push(format!("{label}: there is no column {name}")),
            Some(value) if !is_like(value, wanted) => {
                found.push(format!("{label} {name}: {value:?}, expected {wanted}"));
            }
            Some(_) => {}
        }
    }
}

fn is_like(value: &Value, wanted: &Json) -> bool {
    let whole = match value {
        Value::Int(v) => Some(i128::from(*v)),
        Value::Counter32(v) => Some(i128::from(*v)),
        Value::Counter64(v) => Some(i128::from(*v)),
        _ => None,
    };
    match (wanted, value) {
        (Json::Null, value) => value.is_null(),
        (Json::Bool(wanted), Value::Bool(value)) => value == wanted,
        (Json::String(wanted), Value::Text(value)) => **value == **wanted,
        (Json::Array(range), Value::Int(_) | Value::Float(_)) => {
            let ends: Vec<f64> = range.iter().filter_map(Json::as_f64).collect();
            let number = number(value);
            matches!(ends[..], [least, most] if least <= number && number <= most)
        }
        (Json::Number(wanted), value) => match (whole, wanted.as_i128()) {
            (Some(value), Some(wanted)) => value == wanted,
            (Some(_), None) => false,
            (None, _) => wanted.as_f64().is_some_and(|w| is_near(number(value), w)),
        },
        _ => false,
    }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Int(v) => *v as f64,
        Value::Float(v) => *v,
        _ => f64::NAN,
    }
}

fn is_near(value: f64, wanted: f64) -> bool {
    (value - wanted).abs() <= TOLERANCE * wanted.abs().max(1e-3)
}

#[cfg(test)]
mod tests {
    use eider::reading::EntityKey;
    use eider::table::{CPU, INTERFACE};

    use super::*;

    fn readings() -> Readings {
        let mut port = Row::new(&INTERFACE, Some(EntityKey::named("Gi0/1")));
        port.set(&INTERFACE, "in_octets", Value::Counter64(u64::MAX));
        port.set_fact(&INTERFACE, "alias", Value::text("uplink"));
        let mut cpu = Row::new(&CPU, None);
        cpu.set(&CPU, "used_pct", Value::Float(12.5));
        Readings {
            tables: vec![
                TableReadings {
                    table: &INTERFACE,
                    rows: vec![port],
                },
                TableReadings {
                    table: &CPU,
                    rows: vec![cpu],
                },
            ],
            host_facts: vec![("sys_name", "core".to_string())],
            ..Readings::default()
        }
    }

    fn found(text: &str) -> Vec<String> {
        let text = format!("device: made up\n{text}");
        let expected = Expected::parse(&text).expect("a sound file");
        differences(&expected, &readings())
    }

    #[test]
    fn what_is_right_passes() {
        let right = "facts: {sys_name: core, location: null}
tables:
  interface:
    how: as made
    rows: 1
    each: {Gi0/1: {in_octets: 18446744073709551615, alias: uplink, out_octets: null}}
    without: [Gi0/2]
  cpu: {how: as made, rows: 1, row: {used_pct: 12.5}}
absent: [memory]";
        assert_eq!(found(right), Vec::<String>::new());
        let range = "tables: {cpu: {how: x, rows: 1, row: {used_pct: [12, 13]}}}";
        assert_eq!(found(range), Vec::<String>::new());
    }

    #[test]
    fn every_kind_of_difference_is_told() {
        let cases = [
            ("facts: {sys_name: edge}\ntables: {}", "fact sys_name"),
            ("facts: {location: x}\ntables: {}", "fact location"),
            ("tables: {memory: {how: x, rows: 1}}", "memory: no rows"),
            ("tables: {cpu: {how: x, rows: 2}}", "cpu: 1 rows"),
            (
                "tables: {cpu: {how: x, rows: 1, row: {used_pct: 12.6}}}",
                "cpu used_pct",
            ),
            (
                "tables: {cpu: {how: x, rows: 1, row: {used_pct: [13, 14]}}}",
                "cpu used_pct",
            ),
            (
                "tables: {cpu: {how: x, rows: 1, row: {used_pct: '12.5'}}}",
                "cpu used_pct",
            ),
            (
                "tables: {cpu: {how: x, rows: 1, row: {cores: 0}}}",
                "cpu cores",
            ),
            (
                "tables: {cpu: {how: x, rows: 1, row: {load: 0}}}",
                "no column load",
            ),
            (
                "tables: {interface: {how: x, rows: 1, each: {Gi0/1: {in_octets: 18446744073709551614}}}}",
                "in_octets",
            ),
            (
                "tables: {interface: {how: x, rows: 1, each: {Gi0/2: {}}}}",
                "no such row",
            ),
            (
                "tables: {interface: {how: x, rows: 1, without: [Gi0/1]}}",
                "expected none",
            ),
            ("tables: {}\nabsent: [cpu]", "expected none"),
            ("tables: {}\nproblems: 1", "problems"),
        ];
        for (text, said) in cases {
            let found = found(text);
            assert!(
                matches!(&found[..], [line] if line.contains(said)),
                "{text}: {found:?}"
            );
        }
    }
}
