//! How the daemon itself is, for load balancers and Prometheus.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use http::StatusCode;
use warp::Reply as _;

use super::fault::Fault;
use super::pages::fleet;
use super::routes::Response;
use super::site::Site;
use super::visit::Visit;
use crate::signal::{Counters, Space};
use crate::store::Question;

/// Ready: the history answers, an inventory is in force, and a poll is done.
pub(super) async fn ready(site: Arc<Site>, _visit: Arc<Visit>) -> Result<Response, Fault> {
    let mut missing = Vec::new();
    if let Err(error) = site.parts.store.ask(Question::new("SELECT 1")).await {
        missing.push(format!("the history does not answer: {error}"));
    }
    let trouble = site.parts.counters.store_trouble();
    if !trouble.is_empty() {
        missing.push(format!("the history cannot be written: {trouble}"));
    }
    let loaded = site.loaded();
    if loaded.loaded_at == 0 {
        missing.push("no inventory is in force yet".to_owned());
    }
    let counters = &site.parts.counters;
    let polls = counters.polls_good.load(Relaxed) + counters.polls_failed.load(Relaxed);
    if polls == 0 && !loaded.inventory.hosts.is_empty() {
        missing.push("no host has been polled yet".to_owned());
    }
    if missing.is_empty() {
        // Short of space is not out of order: it is told, and the oldest rows make room.
        let short = site.parts.counters.space().filter(Space::is_short);
        let short = short.map_or_else(String::new, |space| {
            format!(
                "short of space: {} bytes free on the disk of the history, {} are wanted\n",
                space.free_bytes, space.wanted_bytes
            )
        });
        return Ok(text(format!("ready\n{short}"), "text/plain; charset=utf-8"));
    }
    let mut response = text(missing.join("\n") + "\n", "text/plain; charset=utf-8");
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    Ok(response)
}

/// One counter as programs and people see it.
pub(super) struct Counter {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    /// It only rises while the daemon runs.
    pub(super) rises: bool,
    pub(super) value: u64,
}

/// Every counter of the daemon.
pub(super) fn counters(counters: &Counters) -> Vec<Counter> {
    let c = counters;
    [
        rising("polls_good", "Good polls.", &c.polls_good),
        rising("polls_failed", "Failed polls.", &c.polls_failed),
        rising(
            "turns_missed",
            "Turns skipped because the former poll of the target was still running.",
            &c.turns_missed,
        ),
        rising(
            "collections_dropped",
            "Collections dropped because their host is gone.",
            &c.collections_dropped,
        ),
        rising(
            "pushes_taken",
            "Pushed collections stored.",
            &c.pushes_taken,
        ),
        rising(
            "pushes_repeated",
            "Pushed collections that were stored before.",
            &c.pushes_repeated,
        ),
        rising(
            "pushes_refused",
            "Pushed collections that were refused.",
            &c.pushes_refused,
        ),
        rising("rows_stored", "Rows stored.", &c.rows_stored),
        rising(
            "rows_lost",
            "Rows given up because the store refused them to the end.",
            &c.rows_lost,
        ),
        rising("commits", "Commits.", &c.commits),
        rising("commits_failed", "Failed commits.", &c.commits_failed),
        rising(
            "snmp_stale_replies",
            "Late or foreign SNMP datagrams.",
            &c.snmp_stale_replies,
        ),
        rising(
            "traps_received",
            "Datagrams that came where traps are waited for.",
            &c.traps_received,
        ),
        rising("traps_stored", "Traps that became events.", &c.traps_stored),
        rising(
            "traps_unknown",
            "Traps from addresses that no host with SNMP has; the log names them.",
            &c.traps_unknown,
        ),
        rising(
            "traps_refused",
            "Traps with a wrong community, user or signature, or malformed; the log says why.",
            &c.traps_refused,
        ),
        rising(
            "traps_suppressed",
            "Traps beyond what one host may send.",
            &c.traps_suppressed,
        ),
        rising("mails_sent", "Mails sent.", &c.mails_sent),
        rising(
            "mails_failed",
            "Failed attempts to send a mail.",
            &c.mails_failed,
        ),
        standing(
            "mails_waiting",
            "Mails waiting in the outbox.",
            &c.mails_waiting,
        ),
        standing(
            "evaluated_at",
            "Start of the newest rule evaluation, Unix seconds.",
            &c.evaluated_at,
        ),
        standing(
            "lateness_ms",
            "Greatest lateness of a poll in the last minute, milliseconds.",
            &c.lateness_ms,
        ),
        rising(
            "reloads_good",
            "Good reloads of the inventory.",
            &c.reloads_good,
        ),
        rising(
            "reloads_rejected",
            "Rejected reloads of the inventory.",
            &c.reloads_rejected,
        ),
    ]
    .into()
}

fn rising(name: &'static str, help: &'static str, value: &AtomicU64) -> Counter {
    Counter {
        name,
        help,
        rises: true,
        value: value.load(Relaxed),
    }
}

fn standing(name: &'static str, help: &'static str, value: &AtomicU64) -> Counter {
    Counter {
        rises: false,
        ..rising(name, help, value)
    }
}

/// Prometheus text. Label values are fixed words: what comes from outside makes no new series.
pub(super) async fn metrics(site: Arc<Site>, _visit: Arc<Visit>) -> Result<Response, Fault> {
    let hosts = fleet::health(&site).await?;
    let counts = fleet::Counts::of(&hosts);
    let loaded = site.loaded();
    let mut out = String::new();
    for counter in counters(&site.parts.counters) {
        let Counter {
            name,
            help,
            rises,
            value,
        } = counter;
        let (kind, suffix) = if rises {
            ("counter", "_total")
        } else {
            ("gauge", "")
        };
        let _ = write!(
            out,
            "# HELP eider_{name}{suffix} {help}\n# TYPE eider_{name}{suffix} {kind}\neider_{name}{suffix} {value}\n"
        );
    }
    if let Some(space) = site.parts.counters.space() {
        let _ = write!(
            out,
            "# HELP eider_disk_free_bytes Free space on the disk of the history.\n# TYPE eider_disk_free_bytes gauge\neider_disk_free_bytes {}\n# HELP eider_disk_short Whether less is free than storage.min_free.\n# TYPE eider_disk_short gauge\neider_disk_short {}\n",
            space.free_bytes,
            u8::from(space.is_short()),
        );
    }
    out.push_str("# HELP eider_hosts Hosts of the inventory by state.\n# TYPE eider_hosts gauge\n");
    for (state, count) in [
        ("up", counts.up),
        ("warn", counts.warn),
        ("down", counts.down),
        ("silent", counts.silent),
        ("new", counts.new),
    ] {
        let _ = writeln!(out, "eider_hosts{{state=\"{state}\"}} {count}");
    }
    let _ = write!(
        out,
        "# HELP eider_inventory_rejected Whether the files on disk are broken and an older inventory is in force.\n# TYPE eider_inventory_rejected gauge\neider_inventory_rejected {}\n# HELP eider_uptime_seconds Time since the daemon started.\n# TYPE eider_uptime_seconds gauge\neider_uptime_seconds {}\n# HELP eider_build_info The version, as a label.\n# TYPE eider_build_info gauge\neider_build_info{{version=\"{}\"}} 1\n",
        u8::from(!loaded.rejected.is_empty()),
        site.parts.started.elapsed().as_secs(),
        env!("CARGO_PKG_VERSION"),
    );
    Ok(text(out, "text/plain; version=0.0.4; charset=utf-8"))
}

fn text(body: String, kind: &'static str) -> Response {
    warp::reply::with_header(body, "content-type", kind).into_response()
}
