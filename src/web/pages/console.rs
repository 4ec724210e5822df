//! The page on which people ask in SQL. It works without JavaScript: the form is sent, the answer
//! is a page. With it, the page shows how far the question is and can cancel it.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::CONTENT_DISPOSITION;
use http::{HeaderValue, StatusCode};
use hyper::body::Bytes;
use serde::Serialize;

use super::super::adhoc::{self, Asked};
use super::super::fault::Fault;
use super::super::page;
use super::super::percent;
use super::super::routes::Response;
use super::super::site::{self, Site};
use super::super::visit::Visit;
use super::schema;
use crate::store::adhoc::{Event, Output};
use crate::store::format::{self, Format};
use crate::store::{Answer, Cell, Request, StoreError, TableDoc};

/// Rows that the page shows; a file holds all of them.
const MAX_ROWS: usize = 1000;
/// Letters of a cell that the page shows.
const MAX_LETTERS: usize = 1000;

/// Questions to begin with: the key of the title, and the SQL.
const EXAMPLES: [(&str, &str); 6] = [
    (
        "console.example.busy",
        "SELECT host, round(avg(used_pct), 1) AS cpu_pct\nFROM cpu\nWHERE ts > now() - INTERVAL 1 HOUR\nGROUP BY host\nORDER BY cpu_pct DESC\nLIMIT 20",
    ),
    (
        "console.example.disks",
        "SELECT host, mount, arg_max(used_pct, ts) AS used_pct, arg_max(avail_bytes, ts) AS avail_bytes\nFROM filesystem\nWHERE ts > now() - INTERVAL 1 DAY\nGROUP BY ALL\nORDER BY used_pct DESC\nLIMIT 20",
    ),
    (
        "console.example.ports",
        "SELECT host, interface, quantile_cont(in_bps, 0.95) AS in_p95_bps, quantile_cont(out_bps, 0.95) AS out_p95_bps\nFROM interface\nWHERE ts > now() - INTERVAL 1 DAY\nGROUP BY ALL\nORDER BY greatest(in_p95_bps, out_p95_bps) DESC\nLIMIT 20",
    ),
    (
        "console.example.hours",
        "SELECT time_bucket(INTERVAL 1 HOUR, ts) AS hour, avg(used_pct) AS mean_pct, max(used_pct) AS most_pct\nFROM memory\nWHERE ts > today() - INTERVAL 1 DAY\nGROUP BY hour\nORDER BY hour",
    ),
    (
        "console.example.failures",
        "SELECT host, target, cause, count(*) AS failures, max(ts) AS last_ts\nFROM poll\nWHERE NOT ok AND ts > now() - INTERVAL 1 DAY\nGROUP BY ALL\nORDER BY failures DESC",
    ),
    (
        "console.example.events",
        "SELECT ts, host, kind, subject, message\nFROM event\nWHERE ts > now() - INTERVAL 7 DAY\nORDER BY ts DESC\nLIMIT 50",
    ),
];

#[derive(Serialize)]
struct Console {
    sql: String,
    tables: Vec<TableDoc>,
    examples: Vec<Example>,
    formats: [&'static str; 5],
    limit_s: u64,
    /// Something was asked.
    asked: bool,
    mistake: String,
    answer: Option<Shown>,
}

#[derive(Serialize)]
struct Example {
    title: &'static str,
    link: String,
}

#[derive(Serialize)]
struct Shown {
    heads: Vec<Head>,
    rows: Vec<Vec<String>>,
    truncated: bool,
    took_ms: f64,
    as_of: i64,
}

#[derive(Serialize)]
struct Head {
    name: String,
    sql_type: String,
    number: bool,
}

/// `GET /sql?q=…`: the question stands in the form and is not asked: a link must not make anybody
/// ask.
pub(in crate::web) async fn form(site: Arc<Site>, visit: Arc<Visit>) -> Result<Response, Fault> {
    let sql = visit.param("q").unwrap_or(EXAMPLES[0].1).to_owned();
    let body = console(&site, sql).await?;
    page::html(&site, &visit, "sql.html", body).await
}

/// `POST /sql`
pub(in crate::web) async fn ask(
    site: Arc<Site>,
    visit: Arc<Visit>,
    body: Bytes,
) -> Result<Response, Fault> {
    let request = Request {
        max_rows: Some(MAX_ROWS),
        ..read(&body)
    };
    let mut body = console(&site, request.sql.clone()).await?;
    body.asked = true;
    let mut status = StatusCode::OK;
    match answer(&site, &visit, &request).await {
        Ok(shown) => body.answer = Some(shown),
        Err(fault) => {
            status = fault.status();
            body.mistake = fault.detail().to_owned();
        }
    }
    let mut response = page::html(&site, &visit, "sql.html", body).await?;
    *response.status_mut() = status;
    Ok(response)
}

/// `POST /sql/file`: every row, as a file.
pub(in crate::web) async fn file(
    site: Arc<Site>,
    visit: Arc<Visit>,
    body: Bytes,
) -> Result<Response, Fault> {
    let request = Request {
        all: true,
        ..read(&body)
    };
    let query = request.query()?;
    let format = request.format.as_deref().and_then(Format::from_word);
    let mut response = adhoc::answer(&site, &visit, &request, &query).await?;
    let ending = format.unwrap_or(Format::Json).as_str();
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"eider.{ending}\"")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

fn read(body: &Bytes) -> Request {
    let fields: BTreeMap<String, String> = percent::pairs(&String::from_utf8_lossy(body))
        .into_iter()
        .collect();
    let field = |name: &str| fields.get(name).filter(|text| !text.is_empty()).cloned();
    Request {
        // Browsers send line ends as carriage return and line feed.
        sql: field("sql").unwrap_or_default().replace("\r\n", "\n"),
        format: field("format"),
        id: field("id"),
        ..Request::default()
    }
}

async fn console(site: &Arc<Site>, sql: String) -> Result<Console, Fault> {
    let settings = &site.loaded().inventory.settings.sql;
    Ok(Console {
        sql,
        tables: schema::catalog(site).await?,
        examples: EXAMPLES
            .iter()
            .map(|(title, sql)| Example {
                title,
                link: format!("/sql?q={}", percent::encode(sql)),
            })
            .collect(),
        formats: ["csv", "json", "ndjson", "parquet", "arrow"],
        limit_s: crate::store::adhoc::Limits::of(settings).wall.as_secs(),
        asked: false,
        mistake: String::new(),
        answer: None,
    })
}

async fn answer(site: &Arc<Site>, visit: &Visit, request: &Request) -> Result<Shown, Fault> {
    let begun = std::time::Instant::now();
    let query = request.query()?;
    let (question, _) = request.question(&query, &site.timezone(), site::now())?;
    let mut asked =
        Asked::start(site, visit, request.id.as_deref(), question, Output::Rows).await?;
    let as_of = asked.as_of();
    let mut answer = Answer::default();
    while let Some(event) = asked.next().await? {
        match event {
            Event::Columns(columns) => answer.columns = columns,
            Event::Rows(rows) => answer.rows.extend(rows),
            Event::End(end) => answer.truncated = end.truncated,
            Event::Data(_) | Event::Progress(_) => {}
        }
    }
    let zone = site.timezone();
    let shown = tokio::task::spawn_blocking(move || shown(&answer, &zone)).await;
    let (heads, rows, truncated) = shown.map_err(|error| {
        Fault::from(StoreError::Other(format!(
            "the answer ended oddly: {error}"
        )))
    })?;
    Ok(Shown {
        heads,
        rows,
        truncated,
        took_ms: begun.elapsed().as_secs_f64() * 1000.0,
        as_of,
    })
}

fn shown(answer: &Answer, zone: &str) -> (Vec<Head>, Vec<Vec<String>>, bool) {
    let number = |place: usize| {
        let numbers =
            |row: &Vec<Cell>| matches!(row.get(place), Some(Cell::Int(_) | Cell::Float(_)));
        answer.rows.iter().any(numbers)
    };
    let heads = answer
        .columns
        .iter()
        .enumerate()
        .map(|(place, column)| Head {
            name: column.name.clone(),
            sql_type: column.sql_type.clone(),
            number: number(place),
        });
    let heads = heads.collect();
    let zone = format::zone(zone);
    let cell = |cell: &Cell| {
        let text = format::plain(cell, &zone);
        match text.char_indices().nth(MAX_LETTERS) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    };
    let rows = answer.rows.iter().map(|row| row.iter().map(cell).collect());
    (heads, rows.collect(), answer.truncated)
}
