//! Evaluates the rules at a steady pace: newest rows in, changes of alerts out, to the notifier first
//! and to the history then.

mod alerts;
mod newest;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::notifier::Handle;
use super::notifier::wording::Wording;
use super::poller::unix_now;
use super::writer::Writer;
use crate::alert::{
    Alert, AlertId, Change, Newest, NewestRows, Observed, What, freshness_in, observe, step,
};
use crate::health::State;
use crate::inventory::Inventory;
use crate::mail::one_line;
use crate::reading::UnixSeconds;
use crate::render::Renderer;
use crate::signal::{Counters, Loaded};
use crate::store::{Cell, Question, Store, StoreError};
use crate::table::Table;
use alerts::Alerts;
use newest::{Wanted, newest};

/// Rows that one table may give in one round. What is beyond is not seen, and so changes nothing.
const ROWS_MAX: usize = 300_000;
/// The history may take this long to note changes; then the next round goes first.
const SAVE_TIMEOUT: Duration = Duration::from_secs(20);
/// The wall clock may run off the steady one by this much between two rounds, in seconds.
const LEAP_S: i64 = 5;
/// Open alerts; beyond that no new ones are begun.
const ALERTS_MAX: usize = 50_000;

/// What the loop needs; `app` makes it.
pub struct Evaluator {
    pub store: Store,
    pub writer: Writer,
    pub loaded: watch::Receiver<Arc<Loaded>>,
    pub renderer: Renderer,
    pub notifier: Handle,
    pub counters: Arc<Counters>,
    /// How often the rules are evaluated; 30 s unless said otherwise.
    pub every: Duration,
}

/// Runs until `stop` is set.
pub async fn run(evaluator: Evaluator, mut stop: watch::Receiver<bool>) {
    let mut alerts = tokio::select! {
        _ = stop.changed() => return,
        alerts = evaluator.load() => alerts,
    };
    let mut tick = tokio::time::interval(evaluator.every);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut before = (unix_now(), Instant::now());
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            _ = tick.tick() => {}
        }
        let now = unix_now();
        let leap = now - before.0 - before.1.elapsed().as_secs() as i64;
        if leap.abs() > LEAP_S {
            tracing::warn!(
                seconds = leap,
                "the clock was set: waiting alerts keep their age"
            );
            alerts.clock_was_set(leap);
        }
        before = (now, Instant::now());
        match evaluator.round(&mut alerts, now).await {
            Ok(()) => {
                let at = now.max(0).unsigned_abs();
                evaluator.counters.evaluated_at.store(at, Ordering::Relaxed);
            }
            Err(error) => tracing::error!(%error, "the rules could not be evaluated"),
        }
    }
}

impl Evaluator {
    /// The open alerts as the history has them; where the outbox knows more, as the outbox has them.
    async fn load(&self) -> Alerts {
        let (open, last_id) = loop {
            match self.writer.run(|recorder| recorder.open_alerts()).await {
                Ok(found) => break found,
                Err(error) => tracing::error!(%error, "the open alerts cannot be read"),
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        };
        Alerts::merged(open, last_id, self.notifier.known())
    }

    async fn round(&self, alerts: &mut Alerts, now: UnixSeconds) -> Result<(), String> {
        let inventory = Arc::clone(&self.loaded.borrow().inventory);
        alerts.follow_renames(&inventory);
        let open: Vec<Alert> = alerts.open.values().cloned().collect();
        let tables = self.newest_rows(&inventory, &open, now).await;
        let seen = observe(&inventory, &tables, now);
        let changes = step(&inventory, &open, &seen, alerts.next_id, now);
        let mut resolved = Vec::new();
        for change in changes {
            resolved.extend(self.apply(&inventory, alerts, change, now));
        }
        let mut all: Vec<Alert> = alerts.open.values().cloned().collect();
        all.extend(resolved);
        // First the outbox, then the history: what fired is never known to the history alone.
        if let Err(error) = self.notifier.round(all).await {
            tracing::error!(error, "the notifier did not take the alerts");
        }
        self.save(alerts).await
    }

    /// Takes a change over; returns the alert if it ended with it.
    fn apply(
        &self,
        inventory: &Inventory,
        alerts: &mut Alerts,
        change: Change,
        now: UnixSeconds,
    ) -> Option<Alert> {
        let Change { mut alert, what } = change;
        let new = !alerts.open.contains_key(&alert.id);
        if new && alerts.open.len() >= ALERTS_MAX {
            tracing::error!(
                rule = alert.key.rule,
                "too many alerts are open: no new ones"
            );
            return None;
        }
        alerts.next_id = alerts.next_id.max(alert.id + 1);
        let wording = Wording {
            renderer: &self.renderer,
            inventory,
        };
        if what != What::Dropped {
            alert.summary = wording.summary(&alert, &inventory.settings.language, now);
        }
        match what {
            What::Dropped => {
                alerts.open.remove(&alert.id);
                alerts.unsaved.remove(&alert.id);
                alerts.dropped.insert(alert.id);
                None
            }
            What::Resolved => {
                log(&alert, "resolved");
                alerts.open.remove(&alert.id);
                alerts.unsaved.insert(alert.id, alert.clone());
                Some(alert)
            }
            What::Fired | What::Raised => {
                log(
                    &alert,
                    if what == What::Fired {
                        "fired"
                    } else {
                        "raised"
                    },
                );
                alerts.unsaved.insert(alert.id, alert.clone());
                alerts.open.insert(alert.id, alert);
                None
            }
            What::Pending | What::Severity | What::Refreshed => {
                alerts.unsaved.insert(alert.id, alert.clone());
                alerts.open.insert(alert.id, alert);
                None
            }
        }
    }

    /// Hands everything unsaved to the history; what it refuses is tried again in the next round.
    async fn save(&self, alerts: &mut Alerts) -> Result<(), String> {
        if alerts.unsaved.is_empty() && alerts.dropped.is_empty() {
            return Ok(());
        }
        let changed: Vec<Alert> = alerts.unsaved.values().cloned().collect();
        let dropped: Vec<AlertId> = alerts.dropped.iter().copied().collect();
        let work = self
            .writer
            .run(move |recorder| recorder.save_alerts(&changed, &dropped));
        match tokio::time::timeout(SAVE_TIMEOUT, work).await {
            Ok(Ok(())) => {
                alerts.unsaved.clear();
                alerts.dropped.clear();
                Ok(())
            }
            Ok(Err(error)) => Err(format!("the alerts cannot be written: {error}")),
            Err(_) => Err("the history does not take the alerts".into()),
        }
    }

    /// The newest rows of every table that a rule looks at. A table that cannot be read is left out:
    /// its alerts are held.
    async fn newest_rows(
        &self,
        inventory: &Arc<Inventory>,
        open: &[Alert],
        now: UnixSeconds,
    ) -> Vec<NewestRows> {
        let mut tables = Vec::new();
        for wanted in Wanted::of(inventory, open) {
            let rows = match inventory.tables.find(&wanted.table) {
                Some(table) => self.ask(inventory, table, &wanted, now).await,
                None => self.host_rows(inventory, now).await,
            };
            match rows {
                Ok(rows) => tables.push(rows),
                Err(error) => {
                    tracing::error!(table = wanted.table, %error, "the rules on this table wait");
                }
            }
        }
        tables
    }

    async fn ask(
        &self,
        inventory: &Inventory,
        table: &Table,
        wanted: &Wanted,
        now: UnixSeconds,
    ) -> Result<NewestRows, StoreError> {
        let oldest = inventory
            .hosts
            .values()
            .map(|host| freshness_in(inventory, host, table.name))
            .max();
        let since = now - oldest.unwrap_or_default().as_secs() as i64;
        let mut question = Question::new(wanted.sql(table))
            .bind("since", Cell::Time(since * 1_000_000))
            // Rows from before the clock was set back are not the newest ones.
            .bind("until", Cell::Time((now + LEAP_S) * 1_000_000));
        question.max_rows = ROWS_MAX;
        let answer = self.store.ask(question).await?;
        if answer.truncated {
            tracing::error!(
                table = table.name,
                "more rows than one round may take: some are not seen"
            );
        }
        let rows = answer.rows.into_iter().filter_map(|row| newest(&row));
        Ok(NewestRows {
            table: table.name.into(),
            columns: wanted.columns.iter().cloned().collect(),
            rows: rows.collect(),
        })
    }
}

impl Evaluator {
    /// The state of every host as a row: always fresh, since it is reckoned now. What is neither up
    /// nor down has no value in `up`, and so changes nothing.
    async fn host_rows(
        &self,
        inventory: &Arc<Inventory>,
        now: UnixSeconds,
    ) -> Result<NewestRows, StoreError> {
        let (store, inventory) = (self.store.clone(), Arc::clone(inventory));
        let states = tokio::task::spawn_blocking(move || store.host_states(&inventory, now))
            .await
            .map_err(|error| StoreError::Other(error.to_string()))??;
        let rows = states.into_iter().map(|health| {
            let up = match health.state {
                State::Up => Observed::Bool(true),
                State::Down => Observed::Bool(false),
                State::Silent | State::New => Observed::Nothing,
            };
            let failed = health.targets.iter().filter_map(|target| {
                let error = target.error.as_ref().filter(|_| !target.ok)?;
                Some(format!("{}: {error}", target.way))
            });
            let detail = failed.collect::<Vec<_>>().join("; ");
            Newest {
                host: health.host,
                entity: String::new(),
                ts: now,
                values: vec![up, Observed::Text(health.state.as_str().into())],
                detail: one_line(&detail),
            }
        });
        Ok(NewestRows {
            table: "host".into(),
            columns: vec!["up".into(), "state".into()],
            rows: rows.collect(),
        })
    }
}

fn log(alert: &Alert, what: &str) {
    tracing::info!(
        rule = alert.key.rule,
        host = %alert.key.host,
        entity = alert.key.entity,
        severity = alert.severity.as_str(),
        "alert {what}"
    );
}
