//! Vendors' devices as they were recorded, asked with the profiles that ship, against facts and rows
//! that people wrote by hand from the MIBs and the raw values: `tests/data/snmp/vendors`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value as Json;

use crate::support::TestHome;

/// Computed numbers may differ by this share in their last places.
const TOLERANCE: f64 = 1e-6;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(rename = "device")]
    _device: String,
    facts: BTreeMap<String, String>,
    tables: BTreeMap<String, ExpectedTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedTable {
    /// How the values follow from the raw ones, for people.
    #[serde(rename = "how")]
    _how: Json,
    rows: usize,
    /// The only row of a table without entities.
    #[serde(default)]
    row: BTreeMap<String, Json>,
    /// Rows by the name of their entity, the first column.
    #[serde(default)]
    each: BTreeMap<String, BTreeMap<String, Json>>,
}

fn recordings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/snmp/vendors");
    let entries = std::fs::read_dir(folder).expect("the recordings are there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "snmprec"))
        .collect();
    found.sort();
    found
}

#[test]
fn every_vendors_device_gives_the_facts_and_rows_written_by_hand() {
    let recordings = recordings();
    assert!(recordings.len() >= 12, "{recordings:?}");
    let mut wrong = Vec::new();
    for recording in &recordings {
        let home = TestHome::new();
        let text =
            std::fs::read_to_string(recording.with_extension("yaml")).expect("expected rows");
        let expected: Expected = serde_saphyr::from_str(&text).expect("expected rows");
        let file = recording.to_str().expect("a path in UTF-8");
        let answer = home.succeed(&["profile", "try", "--recording", file, "--format", "json"]);
        let answer: Json = serde_json::from_str(&answer).expect("JSON");
        let name = recording.file_stem().unwrap_or_default().to_string_lossy();
        let found = differences(&expected, &answer);
        wrong.extend(found.into_iter().map(|line| format!("{name}: {line}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn differences(expected: &Expected, answer: &Json) -> Vec<String> {
    let mut found = Vec::new();
    for (fact, wanted) in &expected.facts {
        let known = &answer["facts"][fact];
        if known != wanted.as_str() {
            found.push(format!("fact {fact}: {known}, expected {wanted:?}"));
        }
    }
    for (name, wanted) in &expected.tables {
        let mut tables = answer["tables"].as_array().into_iter().flatten();
        match tables.find(|t| t["table"] == name.as_str()) {
            Some(table) => in_table(name, wanted, table, &mut found),
            None => found.push(format!("{name}: no rows")),
        }
    }
    found
}

fn in_table(name: &str, wanted: &ExpectedTable, table: &Json, found: &mut Vec<String>) {
    let columns = table["columns"].as_array().expect("columns");
    let rows = table["rows"].as_array().expect("rows");
    let names: Vec<&Json> = rows.iter().map(|row| &row[0]).collect();
    if rows.len() != wanted.rows {
        let (count, wanted) = (rows.len(), wanted.rows);
        found.push(format!(
            "{name}: {count} rows, expected {wanted}: {names:?}"
        ));
    }
    let mut compare = |row: &Json, cells: &BTreeMap<String, Json>, label: &str| {
        for (column, wanted) in cells {
            let place = columns.iter().position(|c| c == column.as_str());
            let value = place.map_or(&Json::Null, |place| &row[place]);
            if !is_like(value, wanted) {
                found.push(format!("{label} {column}: {value}, expected {wanted}"));
            }
        }
    };
    if let Some(row) = rows.first() {
        compare(row, &wanted.row, name);
    }
    for (entity, cells) in &wanted.each {
        match rows.iter().find(|row| row[0] == entity.as_str()) {
            Some(row) => compare(row, cells, &format!("{name} {entity:?}")),
            None => compare(
                &Json::Null,
                cells,
                &format!("{name} {entity:?} (no such row)"),
            ),
        }
    }
}

fn is_like(value: &Json, wanted: &Json) -> bool {
    match (value.as_f64(), wanted.as_f64()) {
        (Some(value), Some(wanted)) => (value - wanted).abs() <= TOLERANCE * wanted.abs().max(1.0),
        _ => value == wanted,
    }
}
