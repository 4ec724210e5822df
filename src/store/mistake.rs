//! What DuckDB says about a mistake, where its setting `errors_as_json` lets it say so exactly: with
//! line, column, a caret under the place and the nearest names.

use duckdb::Connection;
use serde::Deserialize;

use super::{Question, StoreError, cell, lex};
use crate::inventory::nearest;

/// As DuckDB writes it.
#[derive(Deserialize)]
struct Told {
    exception_type: String,
    exception_message: String,
    /// A byte of the statement.
    #[serde(default)]
    position: Option<String>,
    #[serde(default)]
    error_subtype: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    name: String,
}

/// The error, when it is told in JSON.
pub(super) fn read(text: &str) -> Option<StoreError> {
    let json = &text[text.find("{\"exception_type\"")?..];
    let told: Told = serde_json::from_str(json).ok()?;
    let words = told.exception_message.replace(": : ", ": ");
    if told.exception_type == "Out of Memory" {
        return Some(StoreError::Limit(too_much(&words)));
    }
    if words.contains("File too large") || words.contains("No space left on device") {
        return Some(StoreError::Limit(
            "stopped: the answer, or what it needs on disk on the way, is larger than it may be: \
             ask for a shorter range or fewer columns"
                .into(),
        ));
    }
    let outside = told.exception_type == "Permission" || words.contains("requires the extension");
    let message = if outside {
        let first = words.lines().next().unwrap_or_default();
        format!("{first}\nOnly the tables of the history can be read here: no files, no network.")
    } else {
        words
    };
    let missing = told.error_subtype == "MISSING_ENTRY" && told.kind == "Table";
    Some(StoreError::Mistake {
        message: super::ask::clean(&message),
        byte: told.position.and_then(|text| text.parse().ok()),
        table: missing.then_some(told.name),
    })
}

fn too_much(words: &str) -> String {
    let disk = words.contains("max_temp_directory_size") || words.contains("offload");
    let what = if disk { "memory and disk" } else { "memory" };
    format!(
        "stopped: the question needs more {what} than it may have: ask for a shorter range, fewer \
         columns or fewer groups"
    )
}

/// A mistake as a sentence with its place in the question.
pub(super) fn placed(
    connection: Option<&Connection>,
    question: &Question,
    error: StoreError,
) -> StoreError {
    let StoreError::Mistake {
        message,
        byte,
        table,
    } = error
    else {
        return error;
    };
    let message = match table
        .zip(connection)
        .and_then(|(name, connection)| better(connection, &name, &message))
    {
        Some(message) => message,
        None => message,
    };
    let cast = |name: &str| {
        let (_, value) = question.params.iter().find(|(n, _)| n == name)?;
        cell::cast(value)
    };
    let byte = byte.map(|byte| lex::place_before_cast(&question.sql, cast, byte));
    StoreError::Query(match byte {
        Some(byte) => at(&question.sql, &message, byte),
        None => message,
    })
}

/// DuckDB proposes its own tables, too; people look for ours.
fn better(connection: &Connection, name: &str, message: &str) -> Option<String> {
    let first = message.lines().next()?;
    let mut statement = connection
        .prepare("SELECT view_name FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal ORDER BY 1")
        .ok()?;
    let names = statement
        .query_map([], |row| row.get::<_, String>(0))
        .ok()?;
    let names: Vec<String> = names.filter_map(Result::ok).collect();
    Some(match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("{first} Did you mean \"{near}\"?"),
        None => format!("{first} There are: {}", names.join(", ")),
    })
}

/// The message with the line and a caret under the place.
pub(super) fn at(sql: &str, message: &str, byte: usize) -> String {
    // Long lines are cut around the place, so that the caret is in sight.
    const BEFORE: usize = 60;
    const SHOWN: usize = 100;
    if byte > sql.len() || !sql.is_char_boundary(byte) {
        return message.to_owned();
    }
    let before = &sql[..byte];
    let number = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |n| n + 1);
    let line: Vec<char> = sql[start..]
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .collect();
    let column = sql[start..byte].chars().count();
    let from = column.saturating_sub(BEFORE);
    let to = line.len().min(from + SHOWN);
    let (left, right) = (
        if from > 0 { "… " } else { "" },
        if to < line.len() { " …" } else { "" },
    );
    let shown: String = line[from.min(to)..to]
        .iter()
        .map(|c| if c.is_control() { ' ' } else { *c })
        .collect();
    let label = format!("LINE {number}: {left}");
    let indent = label.chars().count() + column - from;
    format!(
        "{message}\n\nline {number}, column {}:\n{label}{shown}{right}\n{:indent$}^",
        column + 1,
        ""
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_place() {
        let sql = "SELECT *\nFROM hst h\tWHERE 1";
        let text = at(sql, "no", sql.find("hst").unwrap());
        assert_eq!(
            text,
            "no\n\nline 2, column 6:\nLINE 2: FROM hst h WHERE 1\n             ^"
        );
        let long = format!("SELECT {}x", "1, ".repeat(100));
        let text = at(&long, "no", long.len() - 1);
        let lines: Vec<&str> = text.lines().collect();
        let caret = lines[4].chars().count() - 1;
        assert_eq!(lines[3].chars().nth(caret), Some('x'), "{text}");
        assert_eq!(at("中文", "no", 1), "no");
        assert!(at("a", "no", 1).ends_with(" ^"));
    }

    #[test]
    fn the_exact_form_is_read() {
        let text = r#"Binder Error: {"exception_type":"Binder","exception_message":"no x","position":"7"}"#;
        assert!(matches!(
            read(text),
            Some(StoreError::Mistake {
                byte: Some(7),
                table: None,
                ..
            })
        ));
        let text =
            r#"{"exception_type":"Out of Memory","exception_message":"failed to offload data"}"#;
        assert!(matches!(read(text), Some(StoreError::Limit(words)) if words.contains("disk")));
        assert!(read("Binder Error: no x").is_none());
    }
}
