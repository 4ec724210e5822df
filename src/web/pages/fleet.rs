//! How the hosts are, as pages show it.

use std::sync::Arc;

use serde::Serialize;

use super::super::fault::Fault;
use super::super::site::{self, Site};
use crate::health::{HostHealth, State, TargetHealth};
use crate::reading::UnixSeconds;

/// Every host of the inventory with its state, in the inventory's order.
pub(in crate::web) async fn health(site: &Site) -> Result<Vec<HostHealth>, Fault> {
    let store = site.parts.store.clone();
    let inventory = Arc::clone(&site.loaded().inventory);
    tokio::task::spawn_blocking(move || store.host_states(&inventory, site::now()))
        .await
        .map_err(|error| Fault::internal(&error))?
        .map_err(Fault::from)
}

/// A host's word for people: its state, or `warn` when it is up and a part of it fails.
pub(in crate::web) fn word(host: &HostHealth) -> &'static str {
    match host.state {
        State::Up if trouble(host).is_some() => "warn",
        state => state.as_str(),
    }
}

/// The newest good collection of any target.
pub(in crate::web) fn last_good(host: &HostHealth) -> Option<UnixSeconds> {
    host.targets.iter().filter_map(|t| t.last_good_ts).max()
}

/// What is wrong with the host's collections, in words; the first target that has something.
pub(in crate::web) fn trouble(host: &HostHealth) -> Option<String> {
    host.targets.iter().find_map(|target| {
        let said = if target.ok {
            target.problems.as_ref()
        } else {
            target.error.as_ref()
        };
        said.filter(|text| !text.is_empty())
            .map(|text| format!("{}: {text}", target.way))
    })
}

/// One target, for templates.
#[derive(Serialize)]
pub(in crate::web) struct TargetRow {
    /// `snmp`, `tcp:443`: as it stands in `collect:`.
    way: String,
    state: &'static str,
    since: Option<UnixSeconds>,
    last_ts: Option<UnixSeconds>,
    last_good_ts: Option<UnixSeconds>,
    cause: Option<String>,
    error: Option<String>,
    problems: Option<String>,
    interval_s: u64,
    failures_in_row: u32,
}

impl From<&TargetHealth> for TargetRow {
    fn from(target: &TargetHealth) -> TargetRow {
        let partly = target.ok && target.problems.is_some();
        TargetRow {
            way: target.way.to_string(),
            state: match target.state {
                State::Up if !target.ok || partly => "warn",
                state => state.as_str(),
            },
            since: target.since,
            last_ts: target.last_ts,
            last_good_ts: target.last_good_ts,
            cause: target.cause.clone().filter(|_| !target.ok),
            error: target.error.clone().filter(|_| !target.ok),
            problems: target.problems.clone().filter(|_| target.ok),
            interval_s: target.interval.as_secs(),
            failures_in_row: target.failures_in_row,
        }
    }
}

/// How many hosts are how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(in crate::web) struct Counts {
    pub(in crate::web) up: usize,
    pub(in crate::web) warn: usize,
    pub(in crate::web) down: usize,
    pub(in crate::web) silent: usize,
    pub(in crate::web) new: usize,
}

impl Counts {
    pub(in crate::web) fn of(hosts: &[HostHealth]) -> Counts {
        let mut counts = Counts::default();
        for host in hosts {
            match word(host) {
                "up" => counts.up += 1,
                "warn" => counts.warn += 1,
                "down" => counts.down += 1,
                "silent" => counts.silent += 1,
                _ => counts.new += 1,
            }
        }
        counts
    }
}
