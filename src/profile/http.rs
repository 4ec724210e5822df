//! What a profile makes of an HTTP endpoint's answer: families of Prometheus by their labels, JSON by
//! paths.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::prometheus::{Exposition, Sample};
use crate::push;
use crate::reading::{EntityKey, Row, Value};
use crate::table::{Kind, Table};

/// Rows of one item; more are left out and told.
pub const MAX_ROWS: usize = 10_000;

/// One item of `http:`.
#[derive(Clone, Debug)]
pub struct Filling {
    pub table: &'static Table,
    /// What names the row; `None` in a table with one row per host.
    pub entity: Option<Origin>,
    /// Labels, or JSON values, that a row must have: name and text.
    pub keep: Vec<(String, String)>,
    /// JSON: where the list of rows is; empty: the whole answer is the row or the list.
    pub rows: Path,
    pub columns: Vec<FilledColumn>,
}

/// One column or fact of the table.
#[derive(Clone, Debug)]
pub struct FilledColumn {
    pub place: Place,
    pub origin: Origin,
    pub scale: f64,
}

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Column(usize),
    Fact(usize),
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// The value of a family's sample.
    Family(String),
    /// Labels, joined by `/`.
    Labels(Vec<String>),
    /// A place in a JSON row.
    Path(Path),
}

/// `stats.users`, `items.0.name`
pub type Path = Vec<String>;

/// Rows, and what is wrong with some of them.
#[derive(Debug, Default)]
pub struct Filled {
    pub rows: Vec<Row>,
    /// The first mistake.
    pub problem: Option<String>,
}

impl Filling {
    /// Rows from families: samples of equal entity labels stand side by side.
    pub fn of_families(&self, found: &Exposition) -> Filled {
        let mut filled = Filled::default();
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        for column in &self.columns {
            let Origin::Family(family) = &column.origin else {
                continue;
            };
            for sample in found.get(family).iter().filter(|s| self.keeps(s)) {
                let entity = self.entity_of(sample);
                if self.table.entity.is_some() && entity.is_empty() {
                    filled.wrong(format!("{family}: a sample without the entity's label"));
                    continue;
                }
                if !rows.contains_key(&entity) && rows.len() == MAX_ROWS {
                    filled.wrong(format!("more than {MAX_ROWS} rows of {}", self.table.name));
                    continue;
                }
                let row = rows.entry(entity).or_insert_with_key(|e| self.new_row(e));
                let value = number(sample.value * column.scale);
                self.put(row, column, &value, &mut filled.problem);
                self.put_labels(row, sample, &mut filled.problem);
            }
        }
        filled.rows = rows.into_values().collect();
        filled
    }

    fn keeps(&self, sample: &Sample) -> bool {
        self.keep
            .iter()
            .all(|(label, text)| sample.label(label) == text)
    }

    fn entity_of(&self, sample: &Sample) -> String {
        match &self.entity {
            Some(Origin::Labels(labels)) => joined(labels, sample),
            _ => String::new(),
        }
    }

    fn put_labels(&self, row: &mut Row, sample: &Sample, problem: &mut Option<String>) {
        for column in &self.columns {
            if let Origin::Labels(labels) = &column.origin {
                let text = joined(labels, sample);
                if !text.is_empty() {
                    self.put(row, column, &Json::String(text), problem);
                }
            }
        }
    }

    /// Rows from JSON. What is not where the profile says is a problem, not silence.
    pub fn of_json(&self, answer: &Json) -> Filled {
        let mut filled = Filled::default();
        let Some(found) = follow(answer, &self.rows) else {
            let path = self.rows.join(".");
            filled.wrong(format!("{}: the answer has no `{path}`", self.table.name));
            return filled;
        };
        let single = std::slice::from_ref(found);
        let list = found.as_array().map_or(single, Vec::as_slice);
        for item in list {
            let kept = |(path, text): &(String, String)| {
                let path: Path = path.split('.').map(str::to_owned).collect();
                follow(item, &path).is_some_and(|value| text_of(value) == *text)
            };
            if !self.keep.iter().all(kept) {
                continue;
            }
            let entity = match &self.entity {
                Some(Origin::Path(path)) => follow(item, path).map(text_of).unwrap_or_default(),
                _ => String::new(),
            };
            if self.table.entity.is_some() && entity.is_empty() {
                filled.wrong(format!("{}: a row without its entity", self.table.name));
                continue;
            }
            if filled.rows.len() == MAX_ROWS {
                filled.wrong(format!("more than {MAX_ROWS} rows of {}", self.table.name));
                break;
            }
            let mut row = self.new_row(&entity);
            for column in &self.columns {
                let Origin::Path(path) = &column.origin else {
                    continue;
                };
                match follow(item, path) {
                    Some(value) => {
                        let value = scaled(value, column.scale);
                        self.put(&mut row, column, &value, &mut filled.problem);
                    }
                    None => filled.wrong(format!(
                        "{}: a row has no `{}`",
                        self.table.name,
                        path.join(".")
                    )),
                }
            }
            filled.rows.push(row);
        }
        filled
    }

    fn new_row(&self, entity: &str) -> Row {
        let key = self
            .table
            .entity
            .map(|_| EntityKey::named(push::clean(entity)));
        Row::new(self.table, key)
    }

    fn put(
        &self,
        row: &mut Row,
        column: &FilledColumn,
        value: &Json,
        problem: &mut Option<String>,
    ) {
        let (of, cell) = match column.place {
            Place::Column(at) => (&self.table.columns[at], &mut row.values[at]),
            Place::Fact(at) => (&self.table.facts[at], &mut row.facts[at]),
        };
        // Exporters and scripts write true as 1.
        let truth = value.as_f64().filter(|_| of.kind == Kind::Bool);
        match truth.map_or_else(|| push::cell(of, value), |n| Ok(Value::Bool(n != 0.0))) {
            Ok(value) => *cell = value,
            Err(why) => {
                problem.get_or_insert_with(|| format!("{}.{}: {why}", self.table.name, of.name));
            }
        }
    }
}

impl Filled {
    fn wrong(&mut self, why: String) {
        self.problem.get_or_insert(why);
    }
}

fn joined(labels: &[String], sample: &Sample) -> String {
    let texts: Vec<&str> = labels.iter().map(|label| sample.label(label)).collect();
    match texts.iter().all(|text| text.is_empty()) {
        true => String::new(),
        false => texts.join("/"),
    }
}

fn follow<'j>(value: &'j Json, path: &[String]) -> Option<&'j Json> {
    path.iter().try_fold(value, |value, step| match value {
        Json::Object(fields) => fields.get(step),
        Json::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

/// A number, of text too when it is one, times the scale; all else as it is.
fn scaled(value: &Json, scale: f64) -> Json {
    if scale == 1.0 {
        return value.clone();
    }
    let found = value
        .as_f64()
        .or_else(|| value.as_str()?.trim().parse().ok());
    found.map_or_else(|| value.clone(), |n: f64| number(n * scale))
}

/// NULL for what is not a finite number. A whole one stays whole.
fn number(value: f64) -> Json {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return Json::from(value as i64);
    }
    serde_json::Number::from_f64(value).map_or(Json::Null, Json::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prometheus::Parser;
    use crate::table::SENSOR;

    fn column(name: &str, origin: Origin, scale: f64) -> FilledColumn {
        let place = Place::Column(SENSOR.position(name).expect("a column"));
        FilledColumn {
            place,
            origin,
            scale,
        }
    }

    fn value(row: &Row, name: &str) -> Value {
        row.values[SENSOR.position(name).expect("a column")].clone()
    }

    #[test]
    fn samples_of_one_entity_make_one_row() {
        let filling = Filling {
            table: &SENSOR,
            entity: Some(Origin::Labels(vec!["room".into(), "id".into()])),
            keep: vec![("site".into(), "a".into())],
            rows: Path::new(),
            columns: vec![
                column("value", Origin::Family("t".into()), 0.1),
                column("high", Origin::Family("limit".into()), 1.0),
                column("kind", Origin::Labels(vec!["what".into()]), 1.0),
            ],
        };
        let mut parser = Parser::default();
        parser.feed(
            b"t{site=\"a\",room=\"1\",id=\"x\",what=\"temperature\"} 215\nt{site=\"b\",room=\"9\"} 1\nlimit{site=\"a\",room=\"1\",id=\"x\"} 30\nt{site=\"a\"} 5\nt{site=\"a\",room=\"2\",id=\"y\"} NaN\n",
        );
        let filled = filling.of_families(&parser.finish());
        assert_eq!(filled.rows.len(), 2);
        let row = &filled.rows[0];
        assert_eq!(row.entity.as_ref().expect("named").name, "1/x");
        assert_eq!(value(row, "value"), Value::Float(21.5));
        assert_eq!(value(row, "high"), Value::Float(30.0));
        assert_eq!(value(row, "kind"), Value::text("temperature"));
        assert_eq!(value(&filled.rows[1], "value"), Value::Null);
        let problem = filled.problem.expect("one sample has no entity");
        assert!(problem.contains("without the entity"), "{problem}");
    }

    #[test]
    fn json_rows_are_found_by_paths() {
        let filling = Filling {
            table: &SENSOR,
            entity: Some(Origin::Path(vec!["name".into()])),
            keep: Vec::new(),
            rows: vec!["data".into(), "items".into()],
            columns: vec![column(
                "value",
                Origin::Path(vec!["v".into(), "0".into()]),
                0.001,
            )],
        };
        let answer = serde_json::json!({"data": {"items": [
            {"name": "a", "v": [1500]}, {"name": "b", "v": ["2500"]}, {"name": "c"}
        ]}});
        let filled = filling.of_json(&answer);
        let values: Vec<Value> = filled.rows.iter().map(|r| value(r, "value")).collect();
        assert_eq!(values, [Value::Float(1.5), Value::Float(2.5), Value::Null]);
        assert_eq!(
            filled.problem.as_deref(),
            Some("sensor: a row has no `v.0`")
        );
        let none = filling.of_json(&serde_json::json!([]));
        let problem = none.problem.expect("nothing there");
        assert_eq!(problem, "sensor: the answer has no `data.items`");
    }
}
