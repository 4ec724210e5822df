//! A page of one table of one host: all rows, and a chart of the column asked for.

use std::sync::Arc;

use serde::Serialize;

use super::super::super::fault::Fault;
use super::super::super::page;
use super::super::super::range::{PRESETS, Range};
use super::super::super::records::{self, Record, at, number};
use super::super::super::routes::Response;
use super::super::super::site::{self, Site};
use super::super::super::visit::Visit;
use super::{Ask, Field, Head, Made, fields, head, quoted};
use crate::render::chart::{self, Chart, Line, Name, Plan};
use crate::store::{Cell, Question, StoreError};
use crate::table::Kind;

const ALL_ROWS: usize = 2_000;
const ALL_COLUMNS: usize = 60;
/// Lines of one chart: more cannot be told apart.
const LINES: usize = 8;
const DEFAULT_RANGE: &str = "now-6h";

#[derive(Serialize)]
struct TablePage {
    host: String,
    made: Made,
    shown: usize,
    /// Columns that can be drawn.
    drawable: Vec<Head>,
    drawn: Option<String>,
    chart: Option<Chart>,
    range: Range,
    presets: [&'static str; 6],
}

/// All rows of one table of a host, with a chart of the column asked for.
pub(in crate::web) async fn page(
    site: Arc<Site>,
    visit: Arc<Visit>,
    host: String,
    table: String,
) -> Result<Response, Fault> {
    let inventory = site.loaded().inventory.clone();
    let found = inventory.hosts.get(host.as_str());
    let known = inventory.tables.made().find(|t| t.name == table);
    let (Some(found), Some(table)) = (found, known) else {
        return Err(Fault::not_found(format!(
            "the inventory has no host {host}, or no profile makes a table {table}"
        )));
    };
    let now = site::now();
    let timezone = site.timezone();
    let (from, to) = (visit.param("from"), visit.param("to"));
    let range = Range::parse(from, to, DEFAULT_RANGE, now, &timezone);
    let ask = Ask {
        rows: ALL_ROWS,
        columns: ALL_COLUMNS,
        ..Ask::part(&inventory, found, table, now)
    };
    let made = ask.made(&site, &inventory, visit.language).await?;
    let drawable = fields(table)
        .into_iter()
        .filter(|f| !matches!(f.kind, Kind::Text | Kind::Bool | Kind::Time))
        .collect::<Vec<Field>>();
    let wanted = visit.param("chart");
    let field = wanted.and_then(|wanted| drawable.iter().find(|f| f.name == wanted));
    let chart = match field {
        Some(field) => Some(draw(&site, &ask, field, &range, &timezone).await?),
        None => None,
    };
    let body = TablePage {
        host,
        shown: made.rows.len(),
        made,
        drawn: field.map(|field| field.name.to_owned()),
        drawable: drawable.iter().map(head).collect(),
        chart,
        range,
        presets: PRESETS,
    };
    page::html(&site, &visit, "made.html", body).await
}

/// One line per thing, those with the greatest values.
async fn draw(
    site: &Site,
    ask: &Ask<'_>,
    field: &Field,
    range: &Range,
    timezone: &str,
) -> Result<Chart, StoreError> {
    let interval = (ask.window / 2).max(1);
    let step = range.step(interval);
    let entity = ask.table.entity.map_or("''".to_owned(), quoted);
    let (table, column) = (quoted(ask.table.name), quoted(field.name));
    let sql = format!(
        "WITH rows AS (SELECT {entity} AS thing, ts, {column}::DOUBLE AS v FROM {table} \
         WHERE host = $host AND ts >= $from AND ts < $to AND {column} IS NOT NULL), \
         most AS (SELECT thing FROM rows GROUP BY thing ORDER BY max(v) DESC, thing LIMIT {LINES}) \
         SELECT thing, CAST(floor(epoch(ts) / $step) * $step AS BIGINT) AS t, avg(v) AS v \
         FROM rows WHERE thing IN (FROM most) GROUP BY ALL ORDER BY thing, t"
    );
    let question = Question::new(sql)
        .bind("host", Cell::Text(ask.host.name.to_string()))
        .bind("from", at(range.from))
        .bind("to", at(range.to))
        .bind("step", Cell::Int(step.into()));
    let rows = records::ask(&site.parts.store, question).await?;
    let lines = rows.chunk_by(|a, b| a.get("thing") == b.get("thing"));
    let lines = lines.filter_map(|rows| {
        let thing = rows.first()?.get("thing")?.as_str()?;
        let thing = if thing.is_empty() { field.name } else { thing };
        let point = |row: &Record| Some((row.get("t")?.as_i64()?, number(row, "v")));
        Some(Line {
            name: Name::Text(thing.to_owned()),
            points: rows.iter().filter_map(point).collect(),
        })
    });
    let plan = Plan {
        title: field.name,
        unit: field.unit,
        at_least: if field.unit == "%" { 100.0 } else { 0.0 },
        filled: chart::Filled::None,
        range: range.span(),
        step,
    };
    Ok(chart::draw(&plan, lines.collect(), timezone))
}
