//! How columns are shown, once it is known what was asked and what came.

use super::{Answer, Asked, Cell, Query};

/// Percent-encodes everything that could end or split a segment of a path or a value of a query
/// string.
pub fn segment(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

impl Query {
    /// The query as it is shown with an answer to a call: a unit written `{column}` is what that
    /// column of the answer says, and `{$name}` in a link is the call's own value (`{$from}` and
    /// `{$to}` the range as written), encoded.
    pub fn shown(mut self, asked: &Asked, answer: &Answer) -> Query {
        let values = self.values(asked);
        for (_, show) in &mut self.columns {
            if let Some(column) = show.unit.as_deref().and_then(hole) {
                show.unit = first_text(answer, column);
            }
            if let Some(link) = &mut show.link {
                for (name, value) in &values {
                    *link = link.replace(&format!("{{${name}}}"), &segment(value));
                }
            }
        }
        self
    }

    /// What the call gives, else what is the default, as text.
    fn values(&self, asked: &Asked) -> Vec<(String, String)> {
        let (from, to) = self.written_range(asked);
        let mut values = vec![
            ("from".to_owned(), from.to_owned()),
            ("to".to_owned(), to.to_owned()),
        ];
        for param in &self.params {
            let given = asked.params.iter().rev().find(|(n, _)| *n == param.name);
            let value = given.map(|(_, value)| value).or(param.default.as_ref());
            values.push((param.name.clone(), value.cloned().unwrap_or_default()));
        }
        values
    }
}

/// The holes of a link: `/q/a?host={host}&from={$from}` has `host` and `$from`.
pub fn holes(link: &str) -> impl Iterator<Item = &str> {
    let parts = link.split('{').skip(1);
    parts.filter_map(|part| part.split_once('}').map(|(name, _)| name))
}

/// `{unit}` → `unit`
pub fn hole(text: &str) -> Option<&str> {
    text.strip_prefix('{')?.strip_suffix('}')
}

fn first_text(answer: &Answer, column: &str) -> Option<String> {
    let place = answer.column(column)?;
    answer.rows.iter().find_map(|row| match row.get(place) {
        Some(Cell::Text(text)) => Some(text.clone()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::AnswerColumn;

    const FILE: &str = "/*---
title: A
range: now-7d
params:
  measure: {type: enum, values: [cpu, load], default: cpu}
  group: {type: group, default: \"\"}
columns:
  host: {link: \"/q/b?host={host}&m={$measure}&g={$group}&from={$from}&to={$to}\"}
  value: {unit: \"{unit}\"}
---*/
SELECT 1
";

    #[test]
    fn units_come_from_the_answer_and_links_carry_the_call() {
        let query = Query::parse("queries/a.sql", FILE).unwrap();
        let asked = Asked {
            params: vec![("group".into(), "a&b=é".into())],
            ..Asked::default()
        };
        let answer = Answer {
            columns: ["value", "unit"]
                .map(|name| AnswerColumn {
                    name: name.into(),
                    sql_type: String::new(),
                })
                .into(),
            rows: vec![
                vec![Cell::Int(1), Cell::Null],
                vec![Cell::Int(1), Cell::Text("ms".into())],
            ],
            truncated: false,
        };
        let shown = query.clone().shown(&asked, &answer);
        assert_eq!(shown.show("value").unwrap().unit.as_deref(), Some("ms"));
        assert_eq!(
            shown.show("host").unwrap().link.as_deref(),
            Some("/q/b?host={host}&m=cpu&g=a%26b%3D%C3%A9&from=now-7d&to=now")
        );
        let nothing = query.shown(&asked, &Answer::default());
        assert_eq!(nothing.show("value").unwrap().unit, None);
        let names: Vec<&str> = holes("/q/{a}?x={$b}&{").collect();
        assert_eq!(names, ["a", "$b"]);
    }
}
