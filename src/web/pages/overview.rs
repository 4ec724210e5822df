//! The overview: problems first, then every host by group.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use super::super::fault::Fault;
use super::super::page;
use super::super::records::{self, Record, at, number};
use super::super::routes::Response;
use super::super::site::{self, Site};
use super::super::visit::Visit;
use super::alerts;
use super::fleet::{self, Counts};
use super::sql;
use crate::health::{HostHealth, State};
use crate::inventory::Inventory;
use crate::reading::UnixSeconds;
use crate::store::Question;

/// The newest values are looked for so many intervals back, and at least 2.5 times as long as the
/// slowest table takes.
const INTERVALS_BACK: u64 = 3;
/// The tables of which the newest values are shown.
const SHOWN: [&str; 5] = ["cpu", "memory", "system", "filesystem", "interface"];
/// Problems shown before "and n more".
const MAX_PROBLEMS: usize = 100;

#[derive(Serialize)]
struct Overview {
    counts: Counts,
    total: usize,
    problems: Vec<Problem>,
    more_problems: usize,
    /// Open alerts, worst first.
    alerts: Vec<Record>,
    groups: Vec<GroupRows>,
}

/// One line of the list of problems.
#[derive(Serialize)]
struct Problem {
    state: &'static str,
    host: String,
    since: Option<UnixSeconds>,
    last_good: Option<UnixSeconds>,
    text: Option<String>,
}

#[derive(Serialize)]
struct GroupRows {
    /// Empty for hosts without a group.
    name: String,
    counts: Counts,
    hosts: Vec<HostRow>,
}

#[derive(Serialize)]
struct HostRow {
    name: String,
    address: String,
    state: &'static str,
    last_good: Option<UnixSeconds>,
    /// The values are older than they should be.
    stale: bool,
    cpu_pct: Option<f64>,
    memory_pct: Option<f64>,
    disk_pct: Option<f64>,
    disk: Option<String>,
    in_bps: Option<f64>,
    out_bps: Option<f64>,
    load1: Option<f64>,
    uptime_s: Option<f64>,
}

pub(in crate::web) async fn page(site: Arc<Site>, visit: Arc<Visit>) -> Result<Response, Fault> {
    let loaded = site.loaded();
    let inventory = &loaded.inventory;
    let hosts = fleet::health(&site).await?;
    let newest = Newest::read(&site, inventory).await?;
    let mut problems: Vec<Problem> = hosts.iter().filter_map(problem).collect();
    // A host that is down stands in the list already: the alert of it would say it twice.
    let mut alerts = alerts::open(&site).await?;
    alerts.retain(|alert| !told(alert, &problems));
    problems.sort_by_key(|problem| (rank(problem.state), std::cmp::Reverse(problem.since)));
    let more_problems = problems.len().saturating_sub(MAX_PROBLEMS);
    problems.truncate(MAX_PROBLEMS);
    let body = Overview {
        counts: Counts::of(&hosts),
        total: hosts.len(),
        problems,
        more_problems,
        alerts,
        groups: groups(inventory, hosts, &newest),
    };
    page::html(&site, &visit, "overview.html", body).await
}

fn problem(host: &HostHealth) -> Option<Problem> {
    let state = fleet::word(host);
    let text = fleet::trouble(host);
    (matches!(state, "down" | "silent" | "warn") || text.is_some()).then(|| Problem {
        state,
        host: host.host.to_string(),
        since: host.since.filter(|_| host.state != State::Up),
        last_good: fleet::last_good(host),
        text,
    })
}

fn told(alert: &Record, problems: &[Problem]) -> bool {
    let text = |column| alert.get(column).and_then(|value| value.as_str());
    text("rule") == Some("host-down")
        && text("host").is_some_and(|host| {
            problems
                .iter()
                .any(|problem| problem.host == host && problem.state == "down")
        })
}

/// Worst first.
fn rank(state: &str) -> u8 {
    match state {
        "down" => 0,
        "silent" => 1,
        _ => 2,
    }
}

/// Each host once, under the nearest of its groups, groups in the inventory's order.
fn groups(inventory: &Inventory, hosts: Vec<HostHealth>, newest: &Newest) -> Vec<GroupRows> {
    let mut by_group: HashMap<String, Vec<HostHealth>> = HashMap::new();
    for host in hosts {
        let group = inventory
            .hosts
            .get(&host.host)
            .and_then(|known| known.groups.first().cloned())
            .unwrap_or_default();
        by_group.entry(group).or_default().push(host);
    }
    let names = inventory.groups.iter().map(|group| group.name.clone());
    names
        .chain([String::new()])
        .filter_map(|name| {
            let hosts = by_group.remove(&name)?;
            Some(GroupRows {
                counts: Counts::of(&hosts),
                hosts: hosts
                    .iter()
                    .map(|host| newest.row(inventory, host))
                    .collect(),
                name,
            })
        })
        .collect()
}

/// The newest values of every host, one question per table.
struct Newest {
    cpu: HashMap<String, Record>,
    memory: HashMap<String, Record>,
    system: HashMap<String, Record>,
    disk: HashMap<String, Record>,
    traffic: HashMap<String, Record>,
}

impl Newest {
    async fn read(site: &Site, inventory: &Inventory) -> Result<Newest, Fault> {
        let longest = inventory
            .hosts
            .values()
            .flat_map(|host| host.targets.iter().map(|target| target.interval.as_secs()))
            .max()
            .unwrap_or(0);
        let slowest = SHOWN.iter().map(|table| inventory.tables.slowest_s(table));
        let least = slowest.max().unwrap_or(0).unsigned_abs() * 5 / 2;
        let back = (longest * INTERVALS_BACK).clamp(least.min(86_400), 86_400);
        let from = site::now() - i64::try_from(back).unwrap_or(86_400);
        let ask = |sql: &str| {
            records::by_host(&site.parts.store, Question::new(sql).bind("from", at(from)))
        };
        let (cpu, memory, system, disk, traffic) = tokio::try_join!(
            ask(sql::CPU_NOW),
            ask(sql::MEMORY_NOW),
            ask(sql::SYSTEM_NOW),
            ask(sql::DISK_NOW),
            ask(sql::TRAFFIC_NOW),
        )?;
        Ok(Newest {
            cpu,
            memory,
            system,
            disk,
            traffic,
        })
    }

    fn row(&self, inventory: &Inventory, host: &HostHealth) -> HostRow {
        let name = &*host.host;
        let value = |table: &HashMap<String, Record>, column| {
            table.get(name).and_then(|record| number(record, column))
        };
        HostRow {
            name: name.into(),
            address: inventory
                .hosts
                .get(name)
                .map(|known| known.address.clone())
                .unwrap_or_default(),
            state: fleet::word(host),
            last_good: fleet::last_good(host),
            stale: host.state != State::Up,
            cpu_pct: value(&self.cpu, "used_pct"),
            memory_pct: value(&self.memory, "used_pct"),
            disk_pct: value(&self.disk, "used_pct"),
            disk: self
                .disk
                .get(name)
                .and_then(|record| Some(record.get("mount")?.as_str()?.to_owned())),
            in_bps: value(&self.traffic, "in_bps"),
            out_bps: value(&self.traffic, "out_bps"),
            load1: value(&self.system, "load1"),
            uptime_s: value(&self.system, "uptime_s"),
        }
    }
}
