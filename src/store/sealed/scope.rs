//! What a question needs of the history: which tables, and of each which stretch of time.
//!
//! DuckDB's own optimizer tells. A twin of the database, with the same tables and views but no rows,
//! plans the question; the filters that reach a scan of `raw.<table>` are what the optimizer has
//! proven about the rows that matter, however the question was worded. Nothing that depends on rows
//! may take part, so statistics are switched off in the twin. What is not understood is not used.

use std::collections::BTreeMap;

use duckdb::Connection;
use serde_json::Value;

use super::super::{Question, StoreError, cell, lex};

/// Files that a question reads.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) enum Scope {
    /// All there are.
    All,
    /// Of each set, those of a span; of other sets none.
    Sets(BTreeMap<String, Span>),
}

/// A stretch of time in microseconds, both ends inclusive; `None` is open.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::store) struct Span {
    pub(in crate::store) from: Option<i64>,
    pub(in crate::store) to: Option<i64>,
}

/// The question runs a little after it was planned, and `now()` with it.
const MARGIN_US: i64 = 60_000_000;

impl Span {
    /// What holds both.
    fn join(self, other: Span) -> Span {
        Span {
            from: self.from.zip(other.from).map(|(a, b)| a.min(b)),
            to: self.to.zip(other.to).map(|(a, b)| a.max(b)),
        }
    }
}

impl Scope {
    /// The last week of one set.
    pub(in crate::store) fn newest(
        set: &str,
        connection: &Connection,
    ) -> Result<Scope, StoreError> {
        const WEEK_US: i64 = 7 * 86_400_000_000;
        let last: Option<i64> = connection.query_row(
            "SELECT epoch_us(max(last_ts)) FROM raw.sealed_file WHERE table_name = ? AND tier = 'raw'",
            [set],
            |row| row.get(0),
        )?;
        let from = last.map(|last| last - WEEK_US);
        Ok(Scope::Sets(
            [(set.to_owned(), Span { from, to: None })].into(),
        ))
    }
}

/// The optimizers that could conclude something from the twin's having no rows, or hide a filter.
pub(in crate::store) const DISABLED: &str =
    "statistics_propagation,join_filter_pushdown,late_materialization,top_n";

/// What the question needs; [`Scope::All`] when the twin cannot plan it. The twin is in the
/// question's time zone.
pub(in crate::store) fn of(twin: &Connection, question: &Question) -> Scope {
    let sql = lex::explained(&question.sql).unwrap_or(&question.sql);
    let sql = with_values(sql, question);
    plan(twin, &sql)
        .ok()
        .and_then(|plan| spans(twin, &plan))
        .map_or(Scope::All, Scope::Sets)
}

/// The SQL with its parameters replaced by their values.
fn with_values(sql: &str, question: &Question) -> String {
    let mut out = String::with_capacity(sql.len() + 64);
    let mut copied = 0;
    for (start, end) in lex::parameters(sql) {
        let name = &sql[start + 1..end];
        let Some((_, value)) = question.params.iter().find(|(n, _)| n == name) else {
            continue;
        };
        out.push_str(&sql[copied..start]);
        out.push_str(&cell::constant(value));
        copied = end;
    }
    out.push_str(&sql[copied..]);
    out
}

fn plan(twin: &Connection, sql: &str) -> Result<Value, StoreError> {
    let mut statement = twin.prepare(&format!("EXPLAIN (FORMAT JSON) {sql}"))?;
    let text: String = statement.query_row([], |row| row.get(1))?;
    serde_json::from_str(&text).map_err(|e| StoreError::Other(e.to_string()))
}

fn spans(twin: &Connection, plan: &Value) -> Option<BTreeMap<String, Span>> {
    let mut scans = Vec::new();
    for node in plan.as_array()? {
        collect(node, &mut scans)?;
    }
    let mut sets: BTreeMap<String, Span> = BTreeMap::new();
    for (set, filters) in scans {
        let span = span(twin, &filters);
        sets.entry(set)
            .and_modify(|known| *known = known.join(span))
            .or_insert(span);
    }
    Some(sets)
}

/// The scans of raw tables below a node, with their filters. `None` when one is not understood.
fn collect(node: &Value, scans: &mut Vec<(String, Vec<String>)>) -> Option<()> {
    if let Some(table) = node.pointer("/extra_info/Table") {
        let path = table.as_str()?;
        if let Some((_, name)) = path.split_once(".raw.") {
            let name = name.trim_matches('"').replace("\"\"", "\"");
            let filters = match node.pointer("/extra_info/Filters") {
                None => Vec::new(),
                Some(Value::String(text)) => vec![text.clone()],
                Some(Value::Array(all)) => all
                    .iter()
                    .filter_map(|one| one.as_str().map(str::to_owned))
                    .collect(),
                Some(_) => Vec::new(),
            };
            scans.push((name, filters));
        }
    }
    for child in node.get("children")?.as_array()? {
        collect(child, scans)?;
    }
    Some(())
}

fn span(twin: &Connection, filters: &[String]) -> Span {
    let mut span = Span::default();
    for (operator, moment) in filters.iter().flat_map(|text| bounds(text)) {
        let Some(micros) = micros(twin, moment) else {
            continue;
        };
        if operator != "<" && operator != "<=" {
            let from = micros.saturating_sub(MARGIN_US);
            span.from = Some(span.from.map_or(from, |known| known.max(from)));
        }
        if operator != ">" && operator != ">=" {
            let to = micros.saturating_add(MARGIN_US);
            span.to = Some(span.to.map_or(to, |known| known.min(to)));
        }
    }
    span
}

/// The bounds of `ts` among the conjuncts of a filter as DuckDB prints it:
/// `ts>='2026-11-22 00:00:00+00'::TIMESTAMP WITH TIME ZONE AND …`. Alternatives are no bounds.
fn bounds(filter: &str) -> Vec<(&str, &str)> {
    let (parts, alternatives) = conjuncts(filter);
    if alternatives {
        return Vec::new();
    }
    parts
        .into_iter()
        .filter_map(|part| {
            let rest = part.trim().strip_prefix("ts")?;
            let operator = [">=", "<=", ">", "<", "="]
                .into_iter()
                .find(|operator| rest.starts_with(operator))?;
            let moment = rest[operator.len()..]
                .strip_prefix('\'')?
                .strip_suffix("'::TIMESTAMP WITH TIME ZONE")?;
            (!moment.contains('\'')).then_some((operator, moment))
        })
        .collect()
}

/// The parts between ` AND `, outside of quotes and parentheses, and whether there is an ` OR `.
fn conjuncts(filter: &str) -> (Vec<&str>, bool) {
    let bytes = filter.as_bytes();
    let (mut quoted, mut depth, mut begin, mut alternatives) = (false, 0_i32, 0, false);
    let mut parts = Vec::new();
    for at in 0..bytes.len() {
        match bytes[at] {
            b'\'' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth -= 1,
            b' ' if !quoted && depth == 0 => {
                alternatives |= bytes[at..].starts_with(b" OR ");
                if bytes[at..].starts_with(b" AND ") {
                    parts.push(&filter[begin..at]);
                    begin = at + " AND ".len();
                }
            }
            _ => {}
        }
    }
    parts.push(&filter[begin.min(filter.len())..]);
    (parts, alternatives)
}

fn micros(twin: &Connection, moment: &str) -> Option<i64> {
    twin.query_row(
        "SELECT CASE WHEN isfinite(t) THEN epoch_us(t) END FROM (SELECT CAST(? AS TIMESTAMPTZ) AS t)",
        [moment],
        |row| row.get(0),
    )
    .ok()?
}
