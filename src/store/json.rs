//! An answer as JSON, written by hand: integers beyond 64 bits stay exact.

use std::fmt::Write;

use jiff::tz::TimeZone;

use super::format::plain;
use super::{Answer, Cell};

/// One document: columns with their types, rows as objects.
pub(super) fn document(answer: &Answer, zone: &TimeZone) -> String {
    let names = unique_names(answer);
    let mut out = String::from("{\"version\":1,\"columns\":[");
    for (i, column) in answer.columns.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let (name, kind) = (quoted(&names[i]), quoted(&column.sql_type));
        let _ = write!(out, "{comma}{{\"name\":{name},\"type\":{kind}}}");
    }
    out.push_str("],\"rows\":[");
    for (i, row) in answer.rows.iter().enumerate() {
        out.push_str(if i == 0 { "\n" } else { ",\n" });
        json_row(&mut out, &names, row, zone);
    }
    let _ = writeln!(out, "\n],\"truncated\":{}}}", answer.truncated);
    out
}

/// One object per line.
pub(super) fn lines(answer: &Answer, zone: &TimeZone) -> String {
    let names = unique_names(answer);
    let mut out = String::new();
    for row in &answer.rows {
        json_row(&mut out, &names, row, zone);
        out.push('\n');
    }
    out
}

fn json_row(out: &mut String, names: &[String], row: &[Cell], zone: &TimeZone) {
    out.push('{');
    for (i, (name, cell)) in names.iter().zip(row).enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&quoted(name));
        out.push(':');
        match cell {
            Cell::Null => out.push_str("null"),
            Cell::Float(v) if !v.is_finite() => out.push_str("null"),
            Cell::Float(v) => {
                let _ = write!(out, "{v:?}");
            }
            Cell::Bool(_) | Cell::Int(_) => out.push_str(&plain(cell, zone)),
            other => out.push_str(&quoted(&plain(other, zone))),
        }
    }
    out.push('}');
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The columns' names; one that came before gets a number.
fn unique_names(answer: &Answer) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(answer.columns.len());
    for column in &answer.columns {
        let mut name = column.name.clone();
        let mut number = 1;
        while names.contains(&name) {
            name = format!("{}_{number}", column.name);
            number += 1;
        }
        names.push(name);
    }
    names
}
