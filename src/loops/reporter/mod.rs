//! Makes reports: each once when it is due, and those that somebody asks for.
//!
//! A report is settled when its mails are in the outbox, in the same write: a crash before it makes
//! the report again under the same names, one after it makes nothing again.

mod files;
mod findings;
mod orders;
mod paper;
mod press;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub use findings::Maker;

use super::notifier::parcel::{About, Addressed, Postbox, SCHEDULE, Seen, Sheaf};
use super::poller::unix_now;
use crate::inventory::Inventory;
use crate::reading::UnixSeconds;
use crate::report::run::{Event, Run};
use crate::report::{Due, Report, due};
use crate::signal::{Loaded, ReportOrder};
pub(crate) use press::Press;

/// How often it looks for what is due.
const TICK: Duration = Duration::from_secs(1);
/// Reports made at once because somebody asked.
const ORDERS: usize = 2;
/// After a failure to put a report into the outbox.
const RETRY_S: i64 = 60;
/// A schedule that is settled farther ahead than this was settled by a clock that was wrong.
const CLOCK_S: i64 = 86_400;

/// What the loop needs; `app` makes it.
pub struct Reporter {
    pub maker: Maker,
    pub loaded: watch::Receiver<Arc<Loaded>>,
    pub postbox: Postbox,
    /// Reports that somebody asks for.
    pub orders: mpsc::Receiver<ReportOrder>,
}

/// Runs until `stop` is set. A report under way is made again after the next start.
pub async fn run(mut parts: Reporter, mut stop: watch::Receiver<bool>) {
    let mut clerk = Clerk {
        maker: parts.maker.clone(),
        seen: parts.postbox.seen(),
        postbox: parts.postbox.clone(),
        not_before: BTreeMap::new(),
    };
    let mut orders: JoinSet<()> = JoinSet::new();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let loaded = parts.loaded.clone();
    let scheduled = async {
        loop {
            tick.tick().await;
            let inventory = Arc::clone(&loaded.borrow().inventory);
            clerk.round(&inventory, unix_now()).await;
        }
    };
    tokio::pin!(scheduled);
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            () = &mut scheduled => {}
            Some(order) = parts.orders.recv(), if orders.len() < ORDERS => {
                let inventory = Arc::clone(&parts.loaded.borrow().inventory);
                let (maker, postbox) = (parts.maker.clone(), parts.postbox.clone());
                orders.spawn(async move { orders::obey(order, &maker, &postbox, inventory).await });
            }
            Some(_) = orders.join_next() => {}
        }
    }
}

/// Keeps the schedules.
struct Clerk {
    maker: Maker,
    postbox: Postbox,
    seen: BTreeMap<String, Seen>,
    /// Reports that could not be put into the outbox wait a little.
    not_before: BTreeMap<String, UnixSeconds>,
}

impl Clerk {
    /// Makes what is due, one after the other.
    async fn round(&mut self, inventory: &Arc<Inventory>, now: UnixSeconds) {
        self.seen
            .retain(|name, _| inventory.settings.report(name).is_some());
        for report in &inventory.settings.reports {
            let waits = self.not_before.get(&report.name);
            if report.cron.is_none() || waits.is_some_and(|until| now < *until) {
                continue;
            }
            match self.turn(report, inventory, now).await {
                Ok(()) => {
                    self.not_before.remove(&report.name);
                }
                Err(error) => {
                    tracing::error!(
                        report = report.name,
                        error,
                        "the report cannot be put into the outbox; it is tried again"
                    );
                    self.not_before.insert(report.name.clone(), now + RETRY_S);
                }
            }
        }
    }

    async fn turn(
        &mut self,
        report: &Report,
        inventory: &Arc<Inventory>,
        now: UnixSeconds,
    ) -> Result<(), String> {
        let (Some(cron), Ok(zone)) = (&report.cron, TimeZone::get(&report.zone)) else {
            return Ok(());
        };
        let known = self.seen.get(&report.name);
        let known = known.filter(|s| s.schedule == report.schedule() && s.at <= now + CLOCK_S);
        let Some(known) = known.map(|seen| seen.at) else {
            // New, or on a new schedule: what was before is none of its times.
            return self.settle(report, now, now, Vec::new()).await;
        };
        match due(cron, &zone, known, now, report.late) {
            Due::Wait(_) => Ok(()),
            Due::TooLate { at, missed } => {
                let words = format!(
                    "{missed} missed, the last one longer ago than {}: eider did not run",
                    crate::inventory::print_duration(report.late)
                );
                tracing::warn!(report = report.name, missed, "the report was missed");
                let run = run_of(report, (at, now), Event::Missed, words);
                self.settle(report, at, now, vec![run]).await
            }
            Due::Make { at, missed } => self.make(report, inventory, (at, now), missed).await,
        }
    }

    async fn make(
        &mut self,
        report: &Report,
        inventory: &Arc<Inventory>,
        (at, now): (UnixSeconds, UnixSeconds),
        missed: usize,
    ) -> Result<(), String> {
        let mut runs = Vec::new();
        if missed > 0 {
            let words = format!("{missed} earlier ones missed: eider did not run");
            runs.push(run_of(report, (at, now), Event::Missed, words));
        }
        let findings = self.maker.find(report, at).await;
        if report.skip_empty && findings.is_empty() {
            tracing::info!(report = report.name, "nothing to report");
            runs.push(Run {
                took_ms: Some(millis(findings.took)),
                ..run_of(report, (at, now), Event::Skipped, "no rows".into())
            });
            return self.settle(report, at, now, runs).await;
        }
        let about = About {
            report: report.name.clone(),
            due_at: at,
            made_at: now,
            by: SCHEDULE.into(),
        };
        let press = Press::new(&self.maker, Arc::clone(inventory), findings);
        let (mails, queued) = press.mails(about.clone(), report.to.clone()).await?;
        runs.extend(queued);
        tracing::info!(
            report = report.name,
            recipients = report.to.len(),
            "the report is made"
        );
        self.post(report, about, mails, runs, at).await
    }

    /// Notes that everything up to `at` is done.
    async fn settle(
        &mut self,
        report: &Report,
        at: UnixSeconds,
        now: UnixSeconds,
        runs: Vec<Run>,
    ) -> Result<(), String> {
        let about = About {
            report: report.name.clone(),
            due_at: at,
            made_at: now,
            by: SCHEDULE.into(),
        };
        self.post(report, about, Vec::new(), runs, at).await
    }

    async fn post(
        &mut self,
        report: &Report,
        about: About,
        mails: Vec<Addressed>,
        runs: Vec<Run>,
        at: UnixSeconds,
    ) -> Result<(), String> {
        let seen = Seen {
            at,
            schedule: report.schedule(),
        };
        let sheaf = Sheaf {
            about,
            mails,
            seen: Some(seen.clone()),
            runs,
        };
        self.postbox.post(sheaf).await?;
        self.seen.insert(report.name.clone(), seen);
        Ok(())
    }
}

fn run_of(
    report: &Report,
    (due_at, at): (UnixSeconds, UnixSeconds),
    event: Event,
    note: String,
) -> Run {
    Run {
        at,
        report: report.name.clone(),
        due_at,
        by: SCHEDULE.into(),
        event,
        recipient: String::new(),
        note,
        mail: String::new(),
        took_ms: None,
        size_bytes: None,
    }
}

fn millis(took: Duration) -> i64 {
    i64::try_from(took.as_millis()).unwrap_or(i64::MAX)
}
