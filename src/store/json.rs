//! An answer as JSON, written by hand: integers beyond 64 bits stay exact.

use std::fmt::Write;

use jiff::tz::TimeZone;

use super::format::plain;
use super::{AnswerColumn, Cell};

/// The beginning of a document: columns with their types, rows as objects.
pub(super) fn begin(columns: &[AnswerColumn], names: &[String]) -> String {
    let mut out = String::from("{\"version\":1,\"columns\":[");
    for (i, (column, name)) in columns.iter().zip(names).enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let (name, kind) = (quoted(name), quoted(&column.sql_type));
        let _ = write!(out, "{comma}{{\"name\":{name},\"type\":{kind}}}");
    }
    out.push_str("],\"rows\":[");
    out
}

/// The end of a document.
pub(super) fn end(truncated: bool) -> String {
    format!("\n],\"truncated\":{truncated}}}\n")
}

/// One row as an object.
pub(super) fn json_row(out: &mut String, names: &[String], row: &[Cell], zone: &TimeZone) {
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
pub(super) fn unique_names(columns: &[AnswerColumn]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(columns.len());
    for column in columns {
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
