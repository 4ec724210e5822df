//! The API for programs and the command line: JSON in, JSON out, errors as problem documents.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;
use warp::Reply as _;

use super::fault::Fault;
use super::health;
use super::pages::fleet;
use super::routes::Response;
use super::site::Site;
use super::visit::Visit;
use crate::health::{HostHealth, TargetHealth};
use crate::signal::PollNow;

/// A reload is a matter of reading files; longer means that something hangs.
const RELOAD_TIME: Duration = Duration::from_secs(20);
/// Every method of a host, one after another at worst.
const POLL_TIME: Duration = Duration::from_secs(100);

pub(super) async fn status(site: Arc<Site>, _visit: Arc<Visit>) -> Result<Response, Fault> {
    let hosts = fleet::health(&site).await?;
    let counts = fleet::Counts::of(&hosts);
    let loaded = site.loaded();
    let counters: Map<String, Value> = health::counters(&site.parts.counters)
        .into_iter()
        .map(|counter| (counter.name.to_owned(), json!(counter.value)))
        .collect();
    Ok(reply(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "uptime_s": site.parts.started.elapsed().as_secs(),
        "hosts": {
            "total": hosts.len(),
            "up": counts.up,
            "warn": counts.warn,
            "down": counts.down,
            "silent": counts.silent,
            "new": counts.new,
        },
        "inventory": {
            "loaded_at": loaded.loaded_at,
            "warnings": loaded.warnings.len(),
            "in_force": loaded.rejected.is_empty(),
            "restart_for": loaded.restart_for.join(", "),
        },
        "rejected": loaded.rejected_text,
        "store_trouble": site.parts.counters.store_trouble(),
        "sources": site.parts.counters.source_troubles(),
        "disk": site.parts.counters.space().map(|space| json!({
            "free_bytes": space.free_bytes,
            "total_bytes": space.total_bytes,
            "wanted_bytes": space.wanted_bytes,
            "short": space.is_short(),
        })),
        "counters": counters,
    })))
}

pub(super) async fn hosts(site: Arc<Site>, _visit: Arc<Visit>) -> Result<Response, Fault> {
    let hosts = fleet::health(&site).await?;
    let inventory = Arc::clone(&site.loaded().inventory);
    let hosts: Vec<Value> = hosts
        .iter()
        .map(|health| {
            let known = inventory.hosts.get(&health.host);
            host_json(health, |host| {
                host["address"] = json!(known.map(|known| &known.address));
                host["groups"] = json!(known.map(|known| &known.groups));
                host["labels"] = json!(known.map(|known| &known.labels));
            })
        })
        .collect();
    Ok(reply(&json!({"version": 1, "hosts": hosts})))
}

fn host_json(health: &HostHealth, add: impl FnOnce(&mut Value)) -> Value {
    let targets: Vec<Value> = health.targets.iter().map(target_json).collect();
    let mut host = json!({
        "name": &*health.host,
        "state": health.state.as_str(),
        "since": health.since,
        "last_ts": health.last_ts,
    });
    add(&mut host);
    host["targets"] = json!(targets);
    host
}

fn target_json(target: &TargetHealth) -> Value {
    json!({
        "method": target.way.method.as_str(),
        "target": target.way.to_string(),
        "state": target.state.as_str(),
        "ok": target.ok,
        "last_ts": target.last_ts,
        "last_good_ts": target.last_good_ts,
        "since": target.since,
        "interval_s": target.interval.as_secs(),
        "failures_in_row": target.failures_in_row,
        "cause": target.cause,
        "error": target.error,
        "problems": target.problems,
    })
}

/// Polls a host now and answers with what it said; nothing is stored.
pub(super) async fn poll(
    site: Arc<Site>,
    _visit: Arc<Visit>,
    host: String,
) -> Result<Response, Fault> {
    if !site.loaded().inventory.hosts.contains_key(host.as_str()) {
        return Err(Fault::not_found(format!(
            "there is no host `{host}` in the inventory in force"
        )));
    }
    let (sender, answer) = oneshot::channel();
    let order = PollNow {
        host,
        reply: sender,
    };
    let asked = tokio::time::timeout(POLL_TIME, async {
        site.parts.poll_now.send(order).await.ok()?;
        answer.await.ok()
    });
    match asked.await {
        Ok(Some(Ok(polled))) => {
            let answers: Vec<Value> = polled.iter().map(crate::signal::Polled::to_json).collect();
            Ok(reply(&json!(answers)))
        }
        Ok(Some(Err(why))) => Err(Fault::new(StatusCode::CONFLICT, why)),
        Ok(None) => Err(stopping()),
        Err(_) => Err(Fault::new(
            StatusCode::GATEWAY_TIMEOUT,
            "the poll did not end in time",
        )),
    }
}

/// Has the files read again and answers with what came of it.
pub(super) async fn reload(site: Arc<Site>, _visit: Arc<Visit>) -> Result<Response, Fault> {
    let mut loaded = site.parts.loaded.clone();
    loaded.mark_unchanged();
    let read = tokio::time::timeout(RELOAD_TIME, async {
        site.parts.reload.send(()).await.ok()?;
        loaded.changed().await.ok()
    });
    match read.await {
        Ok(Some(())) => {
            let loaded = site.loaded();
            Ok(reply(&json!({
                "hosts": loaded.inventory.hosts.len(),
                "warnings": loaded.warnings.len(),
                "restart_for": loaded.restart_for.join(", "),
                "rejected": loaded.rejected_text,
            })))
        }
        Ok(None) => Err(stopping()),
        Err(_) => Err(Fault::new(
            StatusCode::GATEWAY_TIMEOUT,
            "the files were not read in time",
        )),
    }
}

fn stopping() -> Fault {
    Fault::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping")
}

fn reply(body: &Value) -> Response {
    warp::reply::json(body).into_response()
}
