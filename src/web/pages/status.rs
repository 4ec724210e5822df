//! Is the monitor itself fine? Every target's health, the daemon's counters, the mail log.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use super::super::fault::Fault;
use super::super::health;
use super::super::page;
use super::super::records::{self, Record, at};
use super::super::routes::Response;
use super::super::site::{self, Site};
use super::super::visit::Visit;
use super::fleet::{self, Counts, TargetRow};
use super::sql;
use crate::store::Question;

const DAY: i64 = 86_400;

#[derive(Serialize)]
struct StatusPage {
    uptime_s: u64,
    pid: u32,
    counts: Counts,
    total: usize,
    targets: Vec<(String, TargetRow)>,
    /// By `host/target`: polls of the last 24 h.
    work: HashMap<String, Record>,
    causes: Vec<Record>,
    counters: Vec<(&'static str, &'static str, u64)>,
    warnings: Vec<String>,
    mails: Vec<Record>,
    listen: Vec<String>,
}

pub(in crate::web) async fn page(site: Arc<Site>, visit: Arc<Visit>) -> Result<Response, Fault> {
    let hosts = fleet::health(&site).await?;
    let ask = |sql: &str| {
        let question = Question::new(sql).bind("from", at(site::now() - DAY));
        records::ask(&site.parts.store, question)
    };
    let (work, causes, mails) =
        tokio::try_join!(ask(sql::WORK), ask(sql::CAUSES), ask(sql::NOTIFICATIONS))?;
    let loaded = site.loaded();
    let body = StatusPage {
        uptime_s: site.parts.started.elapsed().as_secs(),
        pid: std::process::id(),
        counts: Counts::of(&hosts),
        total: hosts.len(),
        targets: hosts
            .iter()
            .flat_map(|host| {
                host.targets
                    .iter()
                    .map(|target| (host.host.to_string(), TargetRow::from(target)))
            })
            .collect(),
        work: work.into_iter().filter_map(named).collect(),
        causes,
        counters: health::counters(&site.parts.counters)
            .into_iter()
            .map(|counter| (counter.name, counter.help, counter.value))
            .collect(),
        warnings: loaded
            .warnings
            .iter()
            .map(|problem| {
                let place = problem.places.first();
                place.map_or_else(
                    || problem.message.clone(),
                    |p| format!("{}:{}: {}", p.path, p.line, problem.message),
                )
            })
            .collect(),
        mails,
        listen: site.listen.iter().map(ToString::to_string).collect(),
    };
    page::html(&site, &visit, "status.html", body).await
}

/// The work under the name of its target.
fn named(work: Record) -> Option<(String, Record)> {
    let host = work.get("host")?.as_str()?;
    let target = work.get("target")?.as_str()?;
    Some((format!("{host}/{target}"), work))
}
