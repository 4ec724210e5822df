//! What may be asked: exactly one statement that reads.
//!
//! DuckDB's own parser decides, through `json_serialize_sql`, which takes SELECT in all its forms
//! (also FROM, VALUES, TABLE, DESCRIBE, SHOW, SUMMARIZE) and nothing else, and runs none of it. The
//! client library would run every statement but the last of a text while preparing it, so nothing
//! reaches it that has not passed here. The READ ONLY transaction and the locked configuration stand
//! behind this gate.

use duckdb::Connection;

use super::{lex, mistake};

/// `Err`: a sentence for the person who asked.
pub(super) fn check(connection: &Connection, sql: &str) -> Result<(), String> {
    if sql.contains('\0') {
        return Err("the SQL holds a NUL character".into());
    }
    let sql = lex::explained(sql).unwrap_or(sql);
    let verdict = connection.query_row(
        "SELECT json_extract_string(j, '$.error'), json_extract_string(j, '$.error_message'),
                json_array_length(j, '$.statements'), json_extract_string(j, '$.error_type'),
                json_extract_string(j, '$.position')
         FROM (SELECT json_serialize_sql(CAST(? AS VARCHAR)) AS j)",
        [sql],
        |row| {
            Ok(Verdict {
                failed: row.get::<_, Option<String>>(0)?.as_deref() != Some("false"),
                message: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
                statements: row.get::<_, Option<i64>>(2)?.unwrap_or(0),
                kind: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
                position: row
                    .get::<_, Option<String>>(4)?
                    .and_then(|text| text.parse().ok()),
            })
        },
    );
    let verdict = verdict.map_err(|e| super::ask::clean(&e.to_string()))?;
    match verdict {
        Verdict {
            failed: true,
            kind,
            message,
            position,
            ..
        } if kind == "parser" => Err(syntax_error(sql, &message, position)),
        Verdict { failed: true, .. } => Err(
            "only reading is allowed: one SELECT, FROM, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN"
                .into(),
        ),
        Verdict { statements: 0, .. } => Err("there is no statement".into()),
        Verdict { statements: 1, .. } => Ok(()),
        Verdict { statements, .. } => Err(format!(
            "one statement at a time, please: these are {statements}"
        )),
    }
}

struct Verdict {
    failed: bool,
    kind: String,
    message: String,
    statements: i64,
    position: Option<usize>,
}

/// The message with the line and a caret under the place.
fn syntax_error(sql: &str, message: &str, position: Option<usize>) -> String {
    position.map_or_else(|| message.to_owned(), |at| mistake::at(sql, message, at))
}
