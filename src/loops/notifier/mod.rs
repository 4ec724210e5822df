//! Decides who is told of which alert, puts the mails into the outbox and delivers them.
//!
//! The order of things makes "no alert is lost" true: an alert that fired or ended is in the outbox's
//! journal before the history learns of it; a mail is there before it is sent; and it is marked as
//! done after the mail server took it. A crash in between repeats at most that one mail, under the
//! same Message-ID.

mod journal;
mod ledger;
mod outbox;
pub(crate) mod parcel;
pub(crate) mod trial;
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
use crate::mail::{Letter, MailError, Mailer};
use crate::reading::UnixSeconds;
use crate::render::Renderer;
use crate::signal::{Counters, Loaded};

use ledger::{Ledger, Line};
use outbox::{Content, Delivery, Outbox};
use parcel::{Post, Postbox, Spool};
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
    ledger: Ledger,
    ledger_lines: Option<mpsc::Receiver<Vec<Line>>>,
    spool: Spool,
    parcels: mpsc::Receiver<Post>,
    underway: JoinSet<(Delivery, Result<String, MailError>)>,
    /// The addresses under way, and since when.
    busy: BTreeMap<String, Instant>,
    /// The server for these settings, if they are of any use.
    mailer: Option<(MailSettings, Option<Arc<Mailer>>)>,
}

/// Opens the outbox `state/outbox`. Nothing is sent before [`run`].
pub fn open(parts: Parts, state: &Path) -> std::io::Result<(Notifier, Handle, Postbox)> {
    let outbox = Outbox::open(&state.join("outbox"))?;
    let spool = Spool::open(&state.join("outbox/parcels"), &outbox.parcels())?;
    let (postbox, parcels) = Postbox::new(outbox.seen.clone());
    let known = outbox.alerts.values().cloned().collect();
    let (rounds, inbox) = mpsc::channel(1);
    let (ledger, ledger_lines) = Ledger::new();
    let notifier = Notifier {
        parts,
        outbox,
        rounds: inbox,
        pending: Vec::new(),
        ledger,
        ledger_lines: Some(ledger_lines),
        spool,
        parcels,
        underway: JoinSet::new(),
        busy: BTreeMap::new(),
        mailer: None,
    };
    let handle = Handle { rounds, known };
    Ok((notifier, handle, postbox))
}

/// Runs until `stop` is set. Mails under way get a moment then; the others are sent after the next
/// start.
pub async fn run(mut notifier: Notifier, mut stop: watch::Receiver<bool>) {
    let Some(lines) = notifier.ledger_lines.take() else {
        return;
    };
    let scribe = tokio::spawn(ledger::keep(notifier.parts.writer.clone(), lines));
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            Some(round) = notifier.rounds.recv() => notifier.take(round).await,
            Some(post) = notifier.parcels.recv() => notifier.take_parcels(post).await,
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

    /// Keeps finished mails: the files first, then that they are to be sent.
    async fn take_parcels(&mut self, post: Post) {
        let Post { sheaf, reply } = post;
        let spool = self.spool.clone();
        let kept = tokio::task::spawn_blocking(move || spool.keep(&sheaf).map(|()| sheaf)).await;
        let done = match kept.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            Ok(sheaf) => {
                let done = self.outbox.post_parcels(&sheaf).await;
                if done.is_ok() {
                    self.ledger.note(sheaf.runs.into_iter().map(Line::Report));
                }
                done
            }
            Err(error) => Err(error),
        };
        let _ = reply.send(done.map_err(|error| error.to_string()));
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
            let spool = self.spool.clone();
            self.underway.spawn(async move {
                let letter = match &delivery.content {
                    Content::Notice(notice) => Ok(letter(
                        &renderer,
                        &inventory,
                        notice,
                        &delivery,
                        mailer.domain(),
                    )),
                    Content::Parcel(about) => spool.letter(about, &delivery, mailer.domain()).await,
                };
                let result = match letter {
                    Ok(letter) => mailer.send(&letter).await,
                    Err(error) => Err(error),
                };
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
                self.spool.sweep(&self.outbox.parcels());
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
        self.spool.sweep(&self.outbox.parcels());
        tracing::error!(mail = delivery.name, to = delivery.to, error = %why, "mail given up");
        self.note_delivery(delivery, now, Action::Failed, &why.to_string());
    }

    fn note_delivery(&self, delivery: &Delivery, now: UnixSeconds, action: Action, note: &str) {
        let (name, to) = (&delivery.name, &delivery.to);
        let line = match &delivery.content {
            Content::Notice(notice) => {
                Entry::delivery(notice, name, to, now, action, note).map(Line::Notification)
            }
            Content::Parcel(about) => Some(Line::Report(about.run(name, to, now, action, note))),
        };
        self.ledger.note(line);
    }

    fn note(&self, rows: Vec<Entry>) {
        self.ledger.note(rows.into_iter().map(Line::Notification));
    }
}

/// The mail of a delivery. Templates may be anybody's: when they fail, plain words take their place.
fn letter(
    renderer: &Renderer,
    inventory: &Inventory,
    notice: &Notice,
    delivery: &Delivery,
    domain: &str,
) -> Letter {
    let wording = Wording {
        renderer,
        inventory,
    };
    wording
        .letter(notice, &delivery.name, &delivery.to, domain)
        .unwrap_or_else(|error| {
            tracing::error!(%error, "the mail's template failed; plain words are sent instead");
            wording.plain_letter(notice, &delivery.name, &delivery.to, domain)
        })
}
