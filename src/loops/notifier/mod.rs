//! Decides who is told of which alert, puts the mails into the outbox and delivers them.
//!
//! The order of things makes "no alert is lost" true: an alert that fired or ended is in the outbox's
//! journal before the history learns of it; a mail is there before it is sent; and it is marked as
//! done after the mail server took it. A crash in between repeats at most that one mail, under the
//! same Message-ID.

mod journal;
mod outbox;
pub(crate) mod wording;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::poller::unix_now;
use super::writer::Writer;
use crate::alert::ledger::{Action, Entry};
use crate::alert::notice::{Notice, Verdict, Withheld, decide, finished};
use crate::alert::{Alert, AlertId, AlertState};
use crate::inventory::{Inventory, MailSettings};
use crate::mail::{Letter, MailError, Mailer, one_line};
use crate::reading::UnixSeconds;
use crate::render::Renderer;
use crate::signal::{Counters, Loaded};

use outbox::{Delivery, Outbox};
use wording::Wording;

/// Deliveries under way at once. Normally it is one, so that a crash repeats at most one mail; the
/// others are for servers that let some addresses hang.
const DELIVERIES: usize = 8;
/// A delivery that takes longer than this no longer holds up the others.
const SLOW: Duration = Duration::from_secs(2);
/// At the end, deliveries under way may take this long.
const LAST_MOMENT: Duration = Duration::from_secs(2);
/// How often it looks for what is due.
const TICK: Duration = Duration::from_secs(1);
/// Rows of the ledger that wait for the history; beyond that the oldest are dropped.
const LEDGER_ROWS: usize = 20_000;
/// Rows of the ledger written at once, and how long a failed write waits.
const LEDGER_BATCH: usize = 2_000;
const LEDGER_RETRY: Duration = Duration::from_secs(30);

/// What the loop needs; `app` makes it.
pub struct Parts {
    pub writer: Writer,
    pub loaded: watch::Receiver<Arc<Loaded>>,
    pub renderer: Renderer,
    pub counters: Arc<Counters>,
}

/// The evaluator's end.
#[derive(Debug)]
pub struct Handle {
    rounds: mpsc::Sender<Round>,
    known: Vec<Alert>,
}

struct Round {
    /// Every open alert, and those that were resolved in this round.
    alerts: Vec<Alert>,
    reply: oneshot::Sender<Result<(), String>>,
}

impl Handle {
    /// The alerts that the outbox knew at the start: what the history may have missed.
    pub fn known(&self) -> &[Alert] {
        &self.known
    }

    /// Hands over all open alerts and those resolved in this round. Returns once what fired or ended
    /// is on disk in the outbox.
    pub async fn round(&self, alerts: Vec<Alert>) -> Result<(), String> {
        let stopped = || "the notifier has stopped".to_owned();
        let (reply, answer) = oneshot::channel();
        let round = Round { alerts, reply };
        self.rounds.send(round).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

/// The loop, with its outbox open.
pub struct Notifier {
    parts: Parts,
    outbox: Outbox,
    rounds: mpsc::Receiver<Round>,
    /// Pending alerts of the latest round: nobody is told of them, but they suppress others.
    pending: Vec<Alert>,
    ledger: mpsc::Sender<Vec<Entry>>,
    ledger_rows: Option<mpsc::Receiver<Vec<Entry>>>,
    underway: JoinSet<(Delivery, Result<String, MailError>)>,
    /// The addresses under way, and since when.
    busy: BTreeMap<String, Instant>,
    /// The server for these settings, if they are of any use.
    mailer: Option<(MailSettings, Option<Arc<Mailer>>)>,
}

/// Opens the outbox `state/outbox`. Nothing is sent before [`run`].
pub fn open(parts: Parts, state: &Path) -> std::io::Result<(Notifier, Handle)> {
    let outbox = Outbox::open(&state.join("outbox"))?;
    let known = outbox.alerts.values().cloned().collect();
    let (rounds, inbox) = mpsc::channel(1);
    let (ledger, ledger_rows) = mpsc::channel(64);
    let notifier = Notifier {
        parts,
        outbox,
        rounds: inbox,
        pending: Vec::new(),
        ledger,
        ledger_rows: Some(ledger_rows),
        underway: JoinSet::new(),
        busy: BTreeMap::new(),
        mailer: None,
    };
    let handle = Handle { rounds, known };
    Ok((notifier, handle))
}

/// Runs until `stop` is set. Mails under way get a moment then; the others are sent after the next
/// start.
pub async fn run(mut notifier: Notifier, mut stop: watch::Receiver<bool>) {
    let Some(rows) = notifier.ledger_rows.take() else {
        return;
    };
    let scribe = tokio::spawn(keep_ledger(notifier.parts.writer.clone(), rows));
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            Some(round) = notifier.rounds.recv() => notifier.take(round).await,
            Some(Ok((delivery, result))) = notifier.underway.join_next() => {
                notifier.finish(&delivery, result).await;
            }
            _ = tick.tick() => {}
        }
        let now = unix_now();
        notifier.decide(now).await;
        notifier.deliver(now).await;
    }
    let last = async {
        while let Some(Ok((delivery, result))) = notifier.underway.join_next().await {
            notifier.finish(&delivery, result).await;
        }
    };
    let _ = tokio::time::timeout(LAST_MOMENT, last).await;
    // The last rows of the ledger are written as long as the writer lives.
    drop(notifier);
    let _ = tokio::time::timeout(Duration::from_secs(2), scribe).await;
}

impl Notifier {
    async fn take(&mut self, round: Round) {
        let (pending, told): (Vec<Alert>, Vec<Alert>) = round
            .alerts
            .into_iter()
            .partition(|alert| alert.state == AlertState::Pending);
        self.pending = pending;
        let done = self.outbox.note_alerts(told).await;
        if let Err(error) = &done {
            tracing::error!(%error, "the outbox cannot be written: alerts are told, but a crash now would lose them");
        }
        let _ = round.reply.send(done.map_err(|error| error.to_string()));
    }

    async fn decide(&mut self, now: UnixSeconds) {
        if self.outbox.alerts.is_empty() {
            return;
        }
        let inventory = Arc::clone(&self.parts.loaded.borrow().inventory);
        let mut alerts: BTreeMap<AlertId, Alert> = self.outbox.alerts.clone();
        alerts.extend(self.pending.iter().map(|a| (a.id, a.clone())));
        for verdict in decide(&alerts, &self.outbox.book, &inventory, now) {
            match verdict {
                Verdict::Tell(notice) => self.post(notice, &inventory).await,
                Verdict::Withhold(withheld) => self.withhold(&alerts, &withheld, now),
            }
        }
        let book = &self.outbox.book;
        let over = alerts.values().filter(|a| finished(a, book, &inventory));
        let over: Vec<AlertId> = over.map(|alert| alert.id).collect();
        if !over.is_empty()
            && let Err(error) = self.outbox.forget(over).await
        {
            tracing::error!(%error, "the outbox cannot be written");
        }
    }

    async fn post(&mut self, notice: Notice, inventory: &Inventory) {
        let to = inventory.settings.notify.get(&notice.receiver);
        let to = to.map(|settings| settings.to.clone()).unwrap_or_default();
        let copy = notice.clone();
        match self.outbox.post(notice, to).await {
            Ok(name) => self.note(Entry::queued(&copy, &name)),
            Err(error) => tracing::error!(%error, "the outbox cannot be written"),
        }
    }

    fn withhold(
        &mut self,
        alerts: &BTreeMap<AlertId, Alert>,
        withheld: &Withheld,
        now: UnixSeconds,
    ) {
        if self.outbox.book.withhold(withheld, now)
            && let Some(alert) = alerts.get(&withheld.alert)
        {
            self.note(vec![Entry::suppressed(alert, withheld, now)]);
        }
    }

    /// Starts what is due.
    async fn deliver(&mut self, now: UnixSeconds) {
        for delivery in self.outbox.expired(now) {
            let why = MailError::Settings("given up after 7 days".into());
            self.give_up(&delivery, &why, now).await;
        }
        let waiting = self.outbox.waiting() as u64;
        self.parts
            .counters
            .mails_waiting
            .store(waiting, Ordering::Relaxed);
        let all_slow = self.busy.values().all(|since| since.elapsed() > SLOW);
        if waiting == 0 || !all_slow || self.busy.len() >= DELIVERIES {
            return;
        }
        let inventory = Arc::clone(&self.parts.loaded.borrow().inventory);
        // Without `mail:` the mails wait for it.
        let Some(mailer) = self.mailer(&inventory) else {
            return;
        };
        let busy = self.busy.keys().cloned().collect();
        if let Some(delivery) = self.outbox.due(now, &busy, 1).pop() {
            self.busy.insert(delivery.to.clone(), Instant::now());
            let mailer = Arc::clone(&mailer);
            let renderer = self.parts.renderer.clone();
            let inventory = Arc::clone(&inventory);
            self.underway.spawn(async move {
                let letter = letter(&renderer, &inventory, &delivery, mailer.domain());
                let result = mailer.send(&letter).await;
                (delivery, result)
            });
        }
    }

    fn mailer(&mut self, inventory: &Inventory) -> Option<Arc<Mailer>> {
        let settings = inventory.settings.mail.as_ref()?;
        if let Some((known, mailer)) = &self.mailer
            && known == settings
        {
            return mailer.clone();
        }
        let mailer = match Mailer::new(settings) {
            Ok(mailer) => Some(Arc::new(mailer)),
            Err(error) => {
                tracing::error!(%error, "mails wait: correct `mail:` in inventory/settings.yaml");
                None
            }
        };
        self.mailer = Some((settings.clone(), mailer.clone()));
        mailer
    }

    async fn finish(&mut self, delivery: &Delivery, result: Result<String, MailError>) {
        self.busy.remove(&delivery.to);
        let now = unix_now();
        match result {
            Ok(said) => {
                if let Err(error) = self.outbox.done(delivery, now).await {
                    tracing::error!(%error, "the outbox cannot be written");
                }
                self.parts
                    .counters
                    .mails_sent
                    .fetch_add(1, Ordering::Relaxed);
                tracing::info!(mail = delivery.name, to = delivery.to, "mail sent");
                self.note_delivery(delivery, now, Action::Sent, &said);
            }
            Err(error @ (MailError::Refused { .. } | MailError::Settings(_))) => {
                self.give_up(delivery, &error, now).await;
            }
            Err(error @ (MailError::Unreachable { .. } | MailError::PutOff { .. })) => {
                self.outbox.failed(delivery, now);
                tracing::warn!(mail = delivery.name, to = delivery.to, %error, "mail not sent, will be tried again");
                self.note_delivery(delivery, now, Action::Retried, &error.to_string());
            }
        }
    }

    async fn give_up(&mut self, delivery: &Delivery, why: &MailError, now: UnixSeconds) {
        if let Err(error) = self.outbox.done(delivery, now).await {
            tracing::error!(%error, "the outbox cannot be written");
        }
        self.parts
            .counters
            .mails_failed
            .fetch_add(1, Ordering::Relaxed);
        tracing::error!(mail = delivery.name, to = delivery.to, error = %why, "mail given up");
        self.note_delivery(delivery, now, Action::Failed, &why.to_string());
    }

    fn note_delivery(&self, delivery: &Delivery, now: UnixSeconds, action: Action, note: &str) {
        let (notice, name, to) = (&delivery.notice, &delivery.name, &delivery.to);
        self.note(
            Entry::delivery(notice, name, to, now, action, note)
                .into_iter()
                .collect(),
        );
    }

    /// Adds rows to the ledger, without ever waiting for the history.
    fn note(&self, rows: Vec<Entry>) {
        if self.ledger.try_send(rows).is_err() {
            tracing::warn!("rows of the notification ledger are dropped: the history is too slow");
        }
    }
}

/// The mail of a delivery. Templates may be anybody's: when they fail, plain words take their place.
fn letter(renderer: &Renderer, inventory: &Inventory, delivery: &Delivery, domain: &str) -> Letter {
    let wording = Wording {
        renderer,
        inventory,
    };
    let notice = &delivery.notice;
    wording
        .letter(notice, &delivery.name, &delivery.to, domain)
        .unwrap_or_else(|error| {
            tracing::error!(%error, "the mail's template failed; plain words are sent instead");
            wording.plain_letter(notice, &delivery.name, &delivery.to, domain)
        })
}

/// Writes the ledger in batches; what the history refuses is kept and tried again.
async fn keep_ledger(writer: Writer, mut rows: mpsc::Receiver<Vec<Entry>>) {
    let mut waiting: Vec<Entry> = Vec::new();
    let mut open = true;
    while open {
        match tokio::time::timeout(LEDGER_RETRY, rows.recv()).await {
            Ok(Some(more)) => waiting.extend(more),
            Ok(None) => open = false,
            Err(_) => {}
        }
        while let Ok(more) = rows.try_recv() {
            waiting.extend(more);
        }
        let excess = waiting.len().saturating_sub(LEDGER_ROWS);
        if excess > 0 {
            tracing::warn!(rows = excess, "rows of the notification ledger are dropped");
            waiting.drain(..excess);
        }
        while !waiting.is_empty() {
            let batch: Vec<Entry> = waiting.iter().take(LEDGER_BATCH).cloned().collect();
            let count = batch.len();
            if let Err(error) = writer.run(move |r| r.save_notifications(&batch)).await {
                tracing::error!(%error, "the notification ledger cannot be written");
                break;
            }
            waiting.drain(..count);
        }
    }
}

/// The test mail of `eider mail test`.
pub(crate) fn test_letter(
    renderer: &Renderer,
    inventory: &Inventory,
    to: &str,
    domain: &str,
    now: UnixSeconds,
) -> Letter {
    let language = &inventory.settings.language;
    let text = renderer.translate(language, "mail.test.text");
    let subject = renderer.translate(language, "mail.test.subject");
    let url = wording::public_url(inventory);
    Letter {
        to: to.into(),
        subject: one_line(&subject),
        html: format!("<p>{text}</p><p>{}</p>", wording::escape(&url)),
        text: format!("{text}\n\n{url}\n"),
        message_id: outbox::message_id(&format!("test-{now}"), to, domain),
        references: Vec::new(),
        date: now,
        about: String::new(),
    }
}
