//! Reports as pages: the list with the delivery log, and each one as of now or of another time.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use hyper::body::Bytes;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use warp::Reply as _;

use super::super::fault::Fault;
use super::super::gate::Peer;
use super::super::page;
use super::super::percent;
use super::super::records::{self, Record, at};
use super::super::routes::Response;
use super::super::site::{self, Site};
use super::super::visit::Visit;
use super::sql;
use crate::query::parse_time;
use crate::reading::UnixSeconds;
use crate::report::{Cron, Report};
use crate::signal::{ReportOrder, ReportReply, ReportWant};
use crate::store::Question;

/// How far back the delivery log is shown.
const BACK_S: i64 = 30 * 86_400;
/// Many queries, each of which may take a minute.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Serialize)]
struct List {
    reports: Vec<Entry>,
    log: Vec<Record>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    title: String,
    schedule: Option<String>,
    zone: String,
    next: Option<UnixSeconds>,
    to: Vec<String>,
}

impl Entry {
    fn of(report: &Report, language: &str, now: UnixSeconds) -> Entry {
        let zone = TimeZone::get(&report.zone).ok();
        let next = report.cron.as_ref().zip(zone);
        Entry {
            name: report.name.clone(),
            title: report.title.get(language).to_owned(),
            schedule: report.cron.as_ref().map(|cron| cron.as_str().to_owned()),
            zone: report.zone.clone(),
            next: next.and_then(|(cron, zone): (&Cron, _)| cron.next(now, &zone)),
            to: report.to.iter().map(|to| to.address.clone()).collect(),
        }
    }
}

pub(in crate::web) async fn list(site: Arc<Site>, visit: Arc<Visit>) -> Result<Response, Fault> {
    let question = Question::new(sql::REPORT_RUNS).bind("from", at(site::now() - BACK_S));
    let log = records::ask(&site.parts.store, question).await?;
    let loaded = site.loaded();
    let reports = loaded.inventory.settings.reports.iter();
    let reports = reports.map(|report| Entry::of(report, visit.language, site::now()));
    let body = List {
        reports: reports.collect(),
        log,
    };
    page::html(&site, &visit, "reports.html", body).await
}

#[derive(Serialize)]
struct ReportPage {
    report: Value,
    entry: Entry,
}

pub(in crate::web) async fn page(
    site: Arc<Site>,
    visit: Arc<Visit>,
    name: String,
) -> Result<Response, Fault> {
    let entry = entry(&site, &visit, &name)?;
    let asked = visit.param("at").filter(|text| !text.is_empty());
    let at = asked.map(|text| parse_time(text, site::now(), &entry.zone));
    let at = at.transpose().map_err(bad)?;
    let reply = order(&site, &name, at, visit.language, ReportWant::Page).await?;
    let ReportReply::Page(report) = reply else {
        return Err(Fault::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "no page came",
        ));
    };
    page::html(&site, &visit, "report.html", ReportPage { report, entry }).await
}

/// Puts the report into the outbox for its own recipients: no address comes from the web.
pub(in crate::web) async fn send(
    site: Arc<Site>,
    visit: Arc<Visit>,
    name: String,
) -> Result<Response, Fault> {
    entry(&site, &visit, &name)?;
    let by = visit.user.clone().unwrap_or_else(|| "web".into());
    let want = ReportWant::Mail { to: Vec::new(), by };
    order(&site, &name, None, visit.language, want).await?;
    Err(Fault::elsewhere(StatusCode::SEE_OTHER, "/reports".into()))
}

/// What the command line asks for.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Request {
    /// Unix seconds; `None`: now.
    at: Option<UnixSeconds>,
    language: Option<String>,
    /// `html` or `text`.
    format: Option<String>,
    /// Addresses: then it is mailed. Our own user alone may name them.
    to: Vec<String>,
}

/// `POST /api/v1/reports/{name}`
pub(in crate::web) async fn api(
    site: Arc<Site>,
    visit: Arc<Visit>,
    name: String,
    body: Bytes,
) -> Result<Response, Fault> {
    entry(&site, &visit, &name)?;
    let request: Request = if body.is_empty() {
        Request::default()
    } else {
        serde_json::from_slice(&body)
            .map_err(|error| bad(format!("the body is not what this takes: {error}")))?
    };
    let want = match (request.to.is_empty(), request.format.as_deref()) {
        (false, _) if visit.peer != Peer::Owner => {
            let words = "addresses are taken over the socket eider.sock only: use `eider report`";
            return Err(Fault::new(StatusCode::FORBIDDEN, words));
        }
        (false, _) => ReportWant::Mail {
            to: request.to,
            by: "command line".into(),
        },
        (true, None | Some("text")) => ReportWant::Text,
        (true, Some("html")) => ReportWant::Html,
        (true, Some(other)) => {
            return Err(bad(format!("unknown format `{other}`: html or text")));
        }
    };
    let language = request.language.unwrap_or_else(|| site.language());
    let reply = order(&site, &name, request.at, &language, want).await?;
    let (text, troubles) = match reply {
        ReportReply::Text { text, troubles } => (text, troubles),
        ReportReply::Posted { to, troubles } => {
            let words = format!("in the outbox for {}\n", to.join(", "));
            (words, troubles)
        }
        ReportReply::Page(_) => (String::new(), 0),
    };
    Ok(warp::reply::json(&json!({"text": text, "troubles": troubles})).into_response())
}

fn bad(words: String) -> Fault {
    Fault::new(StatusCode::BAD_REQUEST, words)
}

fn entry(site: &Site, visit: &Visit, name: &str) -> Result<Entry, Fault> {
    let loaded = site.loaded();
    let report = loaded.inventory.settings.report(name).ok_or_else(|| {
        Fault::not_found(format!(
            "there is no report `{name}` in inventory/settings.yaml"
        ))
    })?;
    Ok(Entry::of(report, visit.language, site::now()))
}

async fn order(
    site: &Site,
    name: &str,
    at: Option<UnixSeconds>,
    language: &str,
    want: ReportWant,
) -> Result<ReportReply, Fault> {
    let (reply, answer) = oneshot::channel();
    let order = ReportOrder {
        name: name.to_owned(),
        at,
        language: language.to_owned(),
        want,
        reply,
    };
    let asked = tokio::time::timeout(PATIENCE, async {
        site.parts.reports.send(order).await.ok()?;
        answer.await.ok()
    });
    match asked.await {
        Ok(Some(Ok(reply))) => Ok(reply),
        Ok(Some(Err(why))) => Err(Fault::new(StatusCode::CONFLICT, why)),
        Ok(None) => Err(Fault::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the daemon is stopping",
        )),
        Err(_) => Err(Fault::new(
            StatusCode::GATEWAY_TIMEOUT,
            format!("the report {} was not made in time", percent::encode(name)),
        )),
    }
}
