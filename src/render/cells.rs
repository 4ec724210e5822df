//! The cells of an answer as the front matter of the query wants them shown.

use serde::Serialize;
use serde_json::{Value, json};

use super::filters::segment;
use super::number;
use crate::query::{Answer, AnswerColumn, Cell, ChartKind, Query, Show};

#[derive(Serialize)]
pub struct Head {
    title: String,
    /// The column's name in the answer.
    pub name: String,
    number: bool,
}

/// One cell: a template makes it HTML.
#[derive(Serialize)]
pub struct Shown {
    /// `number`, `time`, `date`, `text` or `none`.
    kind: &'static str,
    value: Value,
    unit: String,
    /// The text of a number whose digits are fixed.
    text: Option<String>,
    link: Option<String>,
    /// 0 to 100.
    bar: Option<f64>,
    /// `warn`, `crit` or empty.
    level: &'static str,
}

pub fn show(query: &Query, answer: Answer, language: &str) -> (Vec<Head>, Vec<Vec<Shown>>) {
    let Answer { columns, rows, .. } = answer;
    let nothing = Show::default();
    let shows: Vec<&Show> = columns
        .iter()
        .map(|column| query.show(&column.name).unwrap_or(&nothing))
        .collect();
    let tops = tops(query, &columns, &rows);
    let heads = columns
        .iter()
        .zip(&shows)
        .enumerate()
        .map(|(position, (column, show))| Head {
            title: show
                .title
                .as_ref()
                .map_or(column.name.as_str(), |title| title.get(language))
                .to_owned(),
            name: column.name.clone(),
            number: rows
                .iter()
                .any(|row| matches!(row.get(position), Some(Cell::Int(_) | Cell::Float(_)))),
        })
        .collect();
    let rows = rows
        .into_iter()
        .map(|row| {
            let links: Vec<Option<String>> = shows
                .iter()
                .map(|show| show.link.as_ref().map(|link| fill(link, &columns, &row)))
                .collect();
            row.into_iter()
                .zip(&shows)
                .zip(links)
                .zip(&tops)
                .map(|(((cell, show), link), top)| one(cell, show, link, *top))
                .collect()
        })
        .collect();
    (heads, rows)
}

/// Times become Unix seconds, which the filters of the templates take.
pub fn for_template(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Bool(value) => json!(value),
        Cell::Int(value) => i64::try_from(value).map_or_else(|_| json!(value as f64), |v| json!(v)),
        Cell::Float(value) => json!(value),
        Cell::Text(value) | Cell::Other(value) => json!(value),
        Cell::Time(micros) => json!(micros.div_euclid(1_000_000)),
        Cell::Date(days) => json!(i64::from(days) * 86_400),
    }
}

fn one(cell: Cell, show: &Show, link: Option<String>, top: Option<f64>) -> Shown {
    let number = match &cell {
        Cell::Int(value) => Some(*value as f64),
        Cell::Float(value) => Some(*value).filter(|value| value.is_finite()),
        _ => None,
    };
    let kind = match &cell {
        Cell::Null => "none",
        Cell::Int(_) | Cell::Float(_) => "number",
        Cell::Time(_) => "time",
        Cell::Date(_) => "date",
        _ => "text",
    };
    let unit = show.unit.clone().unwrap_or_default();
    let text = number.zip(show.digits).map(|(value, digits)| {
        let digits = usize::from(digits.min(9));
        format!("{value:.digits$} {unit}").trim_end().to_owned()
    });
    let full = if show.bar { Some(100.0) } else { top };
    Shown {
        kind,
        text,
        link: link.filter(|_| kind != "none"),
        bar: number
            .zip(full)
            .filter(|(_, full)| *full > 0.0)
            .map(|(value, full)| (value * 100.0 / full).clamp(0.0, 100.0)),
        level: number.map_or("", |value| level(value, show)),
        unit,
        value: for_template(cell),
    }
}

/// Upwards, or downwards when `crit` is below `warn`.
pub(super) fn level(value: f64, show: &Show) -> &'static str {
    let falling = matches!((show.warn, show.crit), (Some(warn), Some(crit)) if crit < warn);
    let beyond = |limit: Option<f64>| {
        limit.is_some_and(|limit| {
            if falling {
                value <= limit
            } else {
                value >= limit
            }
        })
    };
    if beyond(show.crit) {
        "crit"
    } else if beyond(show.warn) {
        "warn"
    } else {
        ""
    }
}

/// The largest value of each column that the query wants as bars.
fn tops(query: &Query, columns: &[AnswerColumn], rows: &[Vec<Cell>]) -> Vec<Option<f64>> {
    let bars = query
        .chart
        .as_ref()
        .filter(|chart| chart.kind == ChartKind::Bar);
    columns
        .iter()
        .enumerate()
        .map(|(position, column)| {
            bars.filter(|chart| chart.y.contains(&column.name))?;
            rows.iter()
                .filter_map(|row| match row.get(position)? {
                    Cell::Int(value) => Some(*value as f64),
                    Cell::Float(value) => Some(*value).filter(|value| value.is_finite()),
                    _ => None,
                })
                .reduce(f64::max)
        })
        .collect()
}

/// The link with the row's values in it, each of them encoded: what comes from a device changes
/// neither the path nor the place.
fn fill(link: &str, columns: &[AnswerColumn], row: &[Cell]) -> String {
    let mut link = link.to_owned();
    for (column, cell) in columns.iter().zip(row) {
        let hole = format!("{{{}}}", column.name);
        if link.contains(&hole) {
            let value = match cell {
                Cell::Text(text) | Cell::Other(text) => text.clone(),
                Cell::Int(value) => value.to_string(),
                Cell::Float(value) => value.to_string(),
                _ => number::NOTHING.into(),
            };
            link = link.replace(&hole, &segment(&value));
        }
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_rise_and_fall() {
        let show = |warn, crit| Show {
            warn: Some(warn),
            crit: Some(crit),
            ..Show::default()
        };
        assert_eq!(level(85.0, &show(80.0, 90.0)), "warn");
        assert_eq!(level(90.0, &show(80.0, 90.0)), "crit");
        assert_eq!(level(3.0, &show(30.0, 7.0)), "crit");
        assert_eq!(level(40.0, &show(30.0, 7.0)), "");
        assert_eq!(level(1.0, &Show::default()), "");
    }

    #[test]
    fn a_value_does_not_lead_a_link_away() {
        let columns = [AnswerColumn {
            name: "host".into(),
            sql_type: "VARCHAR".into(),
        }];
        let row = [Cell::Text("../../x?a=javascript:1".into())];
        assert_eq!(
            fill("/hosts/{host}", &columns, &row),
            "/hosts/..%2F..%2Fx%3Fa%3Djavascript%3A1"
        );
    }
}
