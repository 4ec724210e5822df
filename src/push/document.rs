//! Our own JSON: a document is one collection.
//!
//! ```json
//! {"host": "web1", "time": 1790000000, "id": "4f2c-17", "uptime_s": 86400.25, "boot_id": "9d1c…",
//!  "facts": {"os": "Debian 13"},
//!  "tables": {"memory": [{"used_pct": 41.5}],
//!             "filesystem": [{"mount": "/", "used_pct": 71.0, "device": "/dev/sda1"}]},
//!  "problems": ["df: no answer within 5 s"]}
//! ```
//!
//! Tables and columns are those of SQL; counters are given raw, as the kernel counts them.

use serde_json::{Map, Value as Json, json};

use super::rows::{self, Rows};
use super::{Body, Circumstances, Delivery, plausible};
use crate::reading::{Collection, Readings, Row, Uptime, Value, boot_hash};
use crate::table::Table;

const KEYS: [&str; 10] = [
    "host", "time", "id", "uptime_s", "boot_id", "facts", "tables", "problems", "took_ms",
    "version",
];
/// Problems taken of one document, and characters of each.
const MAX_PROBLEMS: usize = 8;

/// One document, or an array of them.
pub(super) fn read_all(text: &str, about: &Circumstances<'_>, body: &mut Body) {
    match serde_json::from_str(text) {
        Ok(Json::Array(documents)) => {
            for document in &documents {
                take(document, 1, about, body);
            }
        }
        Ok(document) => take(&document, 1, about, body),
        Err(error) => body.wrong(error.line().max(1), "", format!("not JSON: {error}")),
    }
}

/// A document per line.
pub(super) fn read_lines(text: &str, about: &Circumstances<'_>, body: &mut Body) {
    for (position, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(line) {
            Ok(document) => take(&document, position + 1, about, body),
            Err(error) => {
                let why = format!("not JSON: {error}");
                body.wrong(position + 1, format!("column {}", error.column()), why);
            }
        }
    }
}

fn take(document: &Json, line: usize, about: &Circumstances<'_>, body: &mut Body) {
    let Json::Object(fields) = document else {
        body.wrong(line, "", "a document is an object: {\"tables\": {…}}");
        return;
    };
    for key in fields.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        let why = format!("unknown key; a document has {}", KEYS.join(", "));
        body.wrong(line, key.as_str(), why);
    }
    let ts = match fields.get("time") {
        None => about.now,
        Some(given) => match rows::time(given).map(|ts| plausible(ts, about.now)) {
            Some(Ok(ts)) => ts,
            Some(Err(why)) => return body.wrong(line, "time", why),
            None => {
                let why = "not a time: seconds since 1970, or like 2026-03-01T12:00:00Z";
                return body.wrong(line, "time", why);
            }
        },
    };
    let readings = readings(fields, line, about, body);
    body.deliveries.push(Delivery {
        host: text(fields, "host"),
        ts,
        id: text(fields, "id"),
        took_ms: fields.get("took_ms").and_then(Json::as_u64).unwrap_or(0),
        readings,
    });
}

fn text(fields: &Map<String, Json>, key: &str) -> Option<String> {
    let text = rows::clean(fields.get(key)?.as_str()?);
    (!text.is_empty()).then_some(text)
}

fn readings(
    fields: &Map<String, Json>,
    line: usize,
    about: &Circumstances<'_>,
    body: &mut Body,
) -> Readings {
    let mut made = Rows::default();
    match fields.get("tables") {
        None | Some(Json::Null) => {}
        Some(Json::Object(tables)) => {
            for (name, rows) in tables {
                match (about.table)(name) {
                    Some(table) => take_table(table, rows, &mut made, line, body),
                    None => body.wrong(line, format!("tables.{name}"), "there is no such table"),
                }
            }
        }
        Some(_) => body.wrong(line, "tables", "not an object: {\"cpu\": [{…}]}"),
    }
    let mut readings = made.into_readings();
    readings.uptime = uptime(fields);
    if let Some(facts) = fields.get("facts").and_then(Json::as_object) {
        for (name, value) in facts {
            if let Err(why) = rows::host_fact(&mut readings, name, value) {
                body.wrong(line, format!("facts.{name}"), why);
            }
        }
    }
    if let Some(problems) = fields.get("problems").and_then(Json::as_array) {
        let texts = problems.iter().filter_map(Json::as_str).map(rows::clean);
        readings.problems.extend(texts.take(MAX_PROBLEMS));
    }
    readings
}

fn take_table(table: &'static Table, given: &Json, made: &mut Rows, line: usize, body: &mut Body) {
    let single = std::slice::from_ref(given);
    let list = given.as_array().map_or(single, Vec::as_slice);
    for (position, row) in list.iter().enumerate() {
        let place = format!("tables.{}[{position}]", table.name);
        let Json::Object(cells) = row else {
            body.wrong(line, place, "a row is an object: {\"column\": value}");
            continue;
        };
        let entity = table.entity.map(|column| match cells.get(column) {
            Some(Json::String(name)) => name.clone(),
            Some(Json::Number(number)) => number.to_string(),
            _ => String::new(),
        });
        let row = match made.row(table, entity.as_deref()) {
            Ok(row) => row,
            Err(why) => {
                body.wrong(line, place, why);
                continue;
            }
        };
        for (name, value) in cells {
            if Some(name.as_str()) == table.entity {
                continue;
            }
            if let Err(why) = rows::set(table, row, name, value) {
                body.wrong(line, format!("{place}.{name}"), why);
            }
        }
    }
}

fn uptime(fields: &Map<String, Json>) -> Option<Uptime> {
    let seconds = fields.get("uptime_s")?.as_f64()?;
    // A double holds milliseconds of thousands of years exactly.
    let ms = (0.0..1e11)
        .contains(&seconds)
        .then_some(seconds * 1_000.0)? as u64;
    Some(Uptime {
        ms,
        wraps: false,
        boot: fields
            .get("boot_id")
            .and_then(Json::as_str)
            .map_or(0, |id| boot_hash(id.as_bytes())),
    })
}

/// A good collection as a document; `None` when it has no readings. `id` is its name for good.
pub fn write(collection: &Collection, id: &str) -> Option<Json> {
    let readings = collection.outcome.as_ref().ok()?;
    let tables: Map<String, Json> = readings
        .tables
        .iter()
        .map(|t| {
            let rows: Vec<Json> = t.rows.iter().map(|row| row_json(t.table, row)).collect();
            (t.table.name.to_owned(), json!(rows))
        })
        .collect();
    let facts: Map<String, Json> = readings
        .host_facts
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    let mut document = json!({
        "time": collection.ts,
        "id": id,
        "took_ms": collection.took.as_millis() as u64,
        "facts": facts,
        "tables": tables,
        "problems": readings.problems,
    });
    if let Some(uptime) = readings.uptime {
        document["uptime_s"] = json!(uptime.ms as f64 / 1_000.0);
        document["boot_id"] = json!(format!("{:016x}", uptime.boot));
    }
    Some(document)
}

fn row_json(table: &'static Table, row: &Row) -> Json {
    let mut cells = Map::new();
    if let (Some(column), Some(entity)) = (table.entity, &row.entity) {
        cells.insert(column.to_owned(), json!(entity.name));
    }
    let columns = table.columns.iter().zip(&row.values);
    for (column, value) in columns.chain(table.facts.iter().zip(row.facts.iter())) {
        if let Some(value) = json_of(value) {
            cells.insert(column.name.to_owned(), value);
        }
    }
    Json::Object(cells)
}

fn json_of(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Null => return None,
        Value::Int(n) => json!(n),
        Value::Float(f) => json!(f),
        Value::Bool(b) => json!(b),
        Value::Text(text) => json!(&**text),
        Value::Counter32(n) => json!(n),
        Value::Counter64(n) => json!(n),
    })
}
