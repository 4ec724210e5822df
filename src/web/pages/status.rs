//! Is the monitor itself fine? Every target's health, the daemon's counters, the mail log.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
use crate::store::upkeep::{Frame, Usage};

const DAY: i64 = 86_400;
const USAGE_AGE: Duration = Duration::from_secs(60);

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
    /// `None` while the history does not answer.
    usage: Option<Arc<Usage>>,
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
        usage: usage(&site).await,
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

/// How large the history is, at most a minute old: counting takes a while, and this page comes anew
/// with every commit.
async fn usage(site: &Arc<Site>) -> Option<Arc<Usage>> {
    let mut known = site.usage.lock().await;
    if let Some((at, usage)) = &*known
        && at.elapsed() < USAGE_AGE
    {
        return Some(Arc::clone(usage));
    }
    let frame = Frame {
        now: site::now(),
        keep: site.loaded().inventory.settings.keep.clone(),
    };
    let store = site.parts.store.clone();
    let counted = tokio::task::spawn_blocking(move || store.usage(&frame)).await;
    match counted {
        Ok(Ok(usage)) => {
            let usage = Arc::new(usage);
            *known = Some((Instant::now(), Arc::clone(&usage)));
            Some(usage)
        }
        Ok(Err(error)) => {
            tracing::warn!("the size of the history is not known: {error}");
            None
        }
        Err(_) => None,
    }
}

/// The work under the name of its target.
fn named(work: Record) -> Option<(String, Record)> {
    let host = work.get("host")?.as_str()?;
    let target = work.get("target")?.as_str()?;
    Some((format!("{host}/{target}"), work))
}
