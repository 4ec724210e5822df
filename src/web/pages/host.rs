//! The page of one host.

mod lines;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::super::fault::Fault;
use super::super::page;
use super::super::range::{PRESETS, Range};
use super::super::records::{self, Record, at};
use super::super::routes::Response;
use super::super::site::{self, Site};
use super::super::visit::Visit;
use super::alerts;
use super::fleet::{self, TargetRow};
use super::made::{self, Made};
use super::sql;
use crate::inventory::{Host, Target};
use crate::reading::{Method, UnixSeconds};
use crate::render::chart::{self, Chart, Filled, Line, Plan};
use crate::store::{Cell, Question, StoreError};
use lines::{
    CPU_WORDS, DISK_WORDS, LOAD_WORDS, LOSS_WORDS, MEMORY_WORDS, ROUND_TRIP_WORDS, TRAFFIC_WORDS,
    by_entity, lines,
};

const DEFAULT_RANGE: &str = "now-6h";
/// Points of so many seconds come out of rollups.
const FIVE_MINUTES: i64 = 300;
const HOUR: i64 = 3600;

#[derive(Serialize)]
struct HostPage {
    host: String,
    address: String,
    groups: Vec<String>,
    labels: BTreeMap<String, String>,
    depends_on: Vec<String>,
    state: &'static str,
    since: Option<UnixSeconds>,
    last_good: Option<UnixSeconds>,
    stale: bool,
    machine: bool,
    targets: Vec<TargetRow>,
    range: Range,
    presets: [&'static str; 6],
    charts: Vec<Chart>,
    alerts: Vec<Record>,
    /// What profiles make.
    made: Vec<Made>,
    #[serde(flatten)]
    now: Now,
}

/// The newest rows of every table.
#[derive(Serialize)]
struct Now {
    facts: Option<Record>,
    system: Option<Record>,
    cpu: Option<Record>,
    memory: Option<Record>,
    process_state: Option<Record>,
    ping: Option<Record>,
    tcp: Vec<Record>,
    http: Vec<Record>,
    interfaces: Vec<Record>,
    filesystems: Vec<Record>,
    disks: Vec<Record>,
    processes: Vec<Record>,
    sensors: Vec<Record>,
    failed_services: Vec<Record>,
    raids: Vec<Record>,
    availability: Vec<Record>,
    polls: Vec<Record>,
    failed_polls: Vec<Record>,
    events: Vec<Record>,
}

pub(in crate::web) async fn page(
    site: Arc<Site>,
    visit: Arc<Visit>,
    name: String,
) -> Result<Response, Fault> {
    let loaded = site.loaded();
    let Some(host) = loaded.inventory.hosts.get(name.as_str()) else {
        return Err(Fault::not_found(format!(
            "the inventory has no host {name}"
        )));
    };
    let now = site::now();
    let timezone = site.timezone();
    let (from, to) = (visit.param("from"), visit.param("to"));
    let range = Range::parse(from, to, DEFAULT_RANGE, now, &timezone);
    let asker = Asker::new(&site, host, &range, now);
    let health = fleet::health(&site)
        .await?
        .into_iter()
        .find(|health| health.host == host.name);
    let (newest, charts, alerts, made) = tokio::try_join!(
        asker.now(),
        asker.charts(&timezone),
        alerts::of_host(&site, &name),
        made::of_host(&site, host, visit.language, now),
    )?;
    let body = HostPage {
        host: name,
        address: host.address.clone(),
        groups: host.groups.clone(),
        labels: host.labels.clone(),
        depends_on: host.depends_on.clone(),
        state: health.as_ref().map_or("new", fleet::word),
        since: health.as_ref().and_then(|health| health.since),
        last_good: health.as_ref().and_then(fleet::last_good),
        stale: health.as_ref().is_none_or(|h| h.state.as_str() != "up"),
        machine: is_machine(host),
        targets: health
            .iter()
            .flat_map(|health| health.targets.iter().map(TargetRow::from))
            .collect(),
        range,
        presets: PRESETS,
        charts,
        alerts,
        made,
        now: newest,
    };
    page::html(&site, &visit, "host.html", body).await
}

fn is_machine(host: &Host) -> bool {
    let outside = |target: &Arc<Target>| matches!(target.way.method, Method::Ping | Method::Tcp);
    !host.targets.iter().all(outside)
}

/// Asks about one host and one range.
struct Asker<'a> {
    site: &'a Site,
    host: &'a str,
    range: &'a Range,
    now: UnixSeconds,
    /// Something asks the machine itself, not only whether it answers.
    machine: bool,
    /// Seconds per point of a chart.
    step: i64,
    /// Seconds within which rows belong together.
    window: i64,
}

impl<'a> Asker<'a> {
    fn new(site: &'a Site, host: &'a Host, range: &'a Range, now: UnixSeconds) -> Asker<'a> {
        let intervals = || host.targets.iter().map(|target| target.interval.as_secs());
        let seconds =
            |interval: Option<u64>| i64::try_from(interval.unwrap_or(60)).unwrap_or(60).max(1);
        Asker {
            site,
            host: &host.name,
            machine: is_machine(host),
            range,
            now,
            step: range.step(seconds(intervals().min())),
            window: seconds(intervals().max()) * 2,
        }
    }

    async fn ask(&self, sql: &str) -> Result<Vec<Record>, StoreError> {
        let question = Question::new(sql)
            .bind("host", Cell::Text(self.host.into()))
            .bind("from", at(self.range.from))
            .bind("to", at(self.range.to))
            .bind("step", Cell::Int(self.step.into()))
            .bind("window", Cell::Int(self.window.into()))
            .bind("day", at(self.now - 86_400))
            .bind("week", at(self.now - 7 * 86_400))
            .bind("month", at(self.now - 30 * 86_400));
        records::ask(&self.site.parts.store, question).await
    }

    /// Out of hours where a point is an hour at least, else out of rows.
    async fn long(&self, rows: &str, hours: &str) -> Result<Vec<Record>, StoreError> {
        self.ask(if self.step >= HOUR { hours } else { rows }).await
    }

    async fn traffic(&self) -> Result<Vec<Record>, StoreError> {
        let rows = if self.step >= FIVE_MINUTES {
            sql::hours::TRAFFIC_5MIN_LINES
        } else {
            sql::TRAFFIC_LINES
        };
        self.long(rows, sql::hours::TRAFFIC_LINES).await
    }

    async fn one(&self, sql: &str) -> Result<Option<Record>, StoreError> {
        Ok(self.ask(sql).await?.into_iter().next())
    }

    async fn now(&self) -> Result<Now, StoreError> {
        let (facts, system, cpu, memory, process_state, errors) = tokio::try_join!(
            self.one(sql::HOST),
            self.one(sql::SYSTEM),
            self.one(sql::CPU),
            self.one(sql::MEMORY),
            self.one(sql::PROCESS_STATE),
            self.long(sql::INTERFACE_ERRORS, sql::hours::INTERFACE_ERRORS),
        )?;
        let (ping, tcp, http) =
            tokio::try_join!(self.one(sql::PING), self.ask(sql::TCP), self.ask(sql::HTTP),)?;
        let (mut interfaces, filesystems, disks, processes) = tokio::try_join!(
            self.ask(sql::INTERFACES),
            self.ask(sql::FILESYSTEMS),
            self.ask(sql::DISKS),
            self.ask(sql::PROCESSES),
        )?;
        let (sensors, failed_services, raids) = tokio::try_join!(
            self.ask(sql::SENSORS),
            self.ask(sql::FAILED_SERVICES),
            self.ask(sql::RAIDS),
        )?;
        let (availability, polls, failed_polls, events) = tokio::try_join!(
            self.long(sql::AVAILABILITY, sql::hours::AVAILABILITY),
            self.ask(sql::POLLS),
            self.ask(sql::FAILED_POLLS),
            self.ask(sql::EVENTS),
        )?;
        for interface in &mut interfaces {
            let sums = errors
                .iter()
                .find(|sums| sums.get("interface") == interface.get("interface"));
            for column in ["in_errors", "out_errors", "in_discards", "out_discards"] {
                let sum = sums.and_then(|sums| sums.get(column)).cloned();
                interface.insert(column.into(), sum.unwrap_or_default());
            }
        }
        Ok(Now {
            facts,
            system,
            cpu,
            memory,
            process_state,
            ping,
            tcp,
            http,
            interfaces,
            filesystems,
            disks,
            processes,
            sensors,
            failed_services,
            raids,
            availability,
            polls,
            failed_polls,
            events,
        })
    }

    /// The charts of what was ever watched: a host that is only pinged has no CPU to draw.
    async fn charts(&self, timezone: &str) -> Result<Vec<Chart>, StoreError> {
        let mut charts = self.reach_charts(timezone).await?;
        if self.machine {
            charts.splice(0..0, self.machine_charts(timezone).await?);
        }
        Ok(charts)
    }

    async fn reach_charts(&self, timezone: &str) -> Result<Vec<Chart>, StoreError> {
        let (round_trip, connect, loss) = tokio::try_join!(
            self.long(sql::ROUND_TRIP_LINES, sql::hours::ROUND_TRIP_LINES),
            self.long(sql::CONNECT_LINES, sql::hours::CONNECT_LINES),
            self.long(sql::LOSS_LINES, sql::hours::LOSS_LINES),
        )?;
        let mut round_trip = lines(&round_trip, &ROUND_TRIP_WORDS);
        round_trip.extend(by_entity(&connect, "port", "connect_ms", |port| {
            format!("tcp/{port}")
        }));
        let loss = lines(&loss, &LOSS_WORDS);
        let all = [
            ("chart.round_trip", "ms", 0.0, round_trip),
            ("chart.loss", "%", 100.0, loss),
        ];
        let drawn = all.into_iter().filter(|(.., lines)| !lines.is_empty());
        Ok(drawn
            .map(|(title, unit, at_least, lines)| self.draw(title, unit, at_least, lines, timezone))
            .collect())
    }

    async fn machine_charts(&self, timezone: &str) -> Result<Vec<Chart>, StoreError> {
        let (cpu, memory, load, traffic, filesystems, disks) = tokio::try_join!(
            self.long(sql::CPU_LINES, sql::hours::CPU_LINES),
            self.long(sql::MEMORY_LINES, sql::hours::MEMORY_LINES),
            self.long(sql::LOAD_LINES, sql::hours::LOAD_LINES),
            self.traffic(),
            self.long(sql::FILESYSTEM_LINES, sql::hours::FILESYSTEM_LINES),
            self.long(sql::DISK_LINES, sql::hours::DISK_LINES),
        )?;
        let draw = |title, unit, at_least, lines| self.draw(title, unit, at_least, lines, timezone);
        Ok(vec![
            draw("chart.cpu", "%", 100.0, lines(&cpu, &CPU_WORDS)),
            draw("chart.memory", "%", 100.0, lines(&memory, &MEMORY_WORDS)),
            draw("chart.load", "", 1.0, lines(&load, &LOAD_WORDS)),
            draw(
                "chart.traffic",
                "bit/s",
                0.0,
                lines(&traffic, &TRAFFIC_WORDS),
            ),
            draw(
                "chart.filesystems",
                "%",
                100.0,
                by_entity(&filesystems, "mount", "used_pct", str::to_owned),
            ),
            draw("chart.disks", "B/s", 0.0, lines(&disks, &DISK_WORDS)),
        ])
    }

    fn draw(
        &self,
        title: &'static str,
        unit: &'static str,
        at_least: f64,
        lines: Vec<Line>,
        timezone: &str,
    ) -> Chart {
        let plan = Plan {
            title,
            unit,
            at_least,
            // Lines that stand side by side, as mounts do, are not filled.
            filled: if title == "chart.filesystems" {
                Filled::None
            } else {
                Filled::First
            },
            range: self.range.span(),
            step: self.step,
        };
        chart::draw(&plan, lines, timezone)
    }
}
