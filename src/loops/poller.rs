//! Polls every target in its turn and hands the collections to the writer.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet};

use super::writer::Writer;
use crate::collect::Collectors;
use crate::inventory::{Inventory, Target};
use crate::reading::{Cause, Collection, Effort, Failure, UnixSeconds};
use crate::schedule::Schedule;
use crate::signal::{Counters, Loaded, PollNow};

/// More collections than this under way at once: the turn is skipped and counted.
const MAX_UNDER_WAY: usize = 4_096;
/// Turns that come within this time begin together: one waking up for several.
const STEP_MS: u64 = 20;
/// How long an asked poll may take beyond the target's own timeout.
const ASK_GRACE: Duration = Duration::from_secs(5);

/// What the loop needs; `app` makes it.
pub struct Poller {
    pub collectors: Arc<Collectors>,
    pub writer: Writer,
    pub loaded: watch::Receiver<Arc<Loaded>>,
    pub asks: mpsc::Receiver<PollNow>,
    /// Hosts to be polled at once, for a trap said that something happened there.
    pub hastened: mpsc::Receiver<Arc<str>>,
    pub counters: Arc<Counters>,
}

/// The wall clock in whole seconds.
pub fn unix_now() -> UnixSeconds {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs() as UnixSeconds)
}

/// One asked poll that waits for its targets.
struct Ask {
    waiting: Vec<Arc<Target>>,
    under_way: usize,
    done: Vec<Collection>,
    reply: oneshot::Sender<Result<Vec<crate::signal::Polled>, String>>,
}

/// The state of the running loop.
struct Running {
    parts: Poller,
    schedule: Schedule,
    /// A clock that never goes back, beginning at the wall clock's time.
    origin_ms: u64,
    started: Instant,
    under_way: JoinSet<(Arc<Target>, Collection, Option<u64>)>,
    asks: HashMap<u64, Ask>,
    next_ask: u64,
    /// Targets to be polled out of turn as soon as they are free, by id.
    hastened: HashMap<String, Arc<Target>>,
    /// Targets whose newest poll failed, to log a change and not every failure.
    failing: HashSet<String>,
    /// The greatest lateness of the running minute, and when the minute began.
    lateness: (u64, u64),
}

/// Runs until `stop` is set; polls under way are given up then.
pub async fn run(parts: Poller, mut stop: watch::Receiver<bool>) {
    let mut loaded = parts.loaded.clone();
    let mut running = Running {
        parts,
        schedule: Schedule::default(),
        origin_ms: unix_now() as u64 * 1_000,
        started: Instant::now(),
        under_way: JoinSet::new(),
        asks: HashMap::new(),
        next_ask: 0,
        hastened: HashMap::new(),
        failing: HashSet::new(),
        lateness: (0, 0),
    };
    running.follow(&loaded.borrow_and_update().inventory.clone());
    loop {
        running.start_due();
        running.start_asked();
        running.start_hastened();
        let pause = running.until_next();
        tokio::select! {
            _ = stop.changed() => break,
            changed = loaded.changed() => {
                if changed.is_err() { break }
                let inventory = loaded.borrow_and_update().inventory.clone();
                running.follow(&inventory);
            }
            Some(ask) = running.parts.asks.recv() => running.asked(ask),
            Some(host) = running.parts.hastened.recv() => running.hasten(&host),
            Some(done) = running.under_way.join_next() => running.finished(done).await,
            () = tokio::time::sleep(pause) => {}
        }
    }
    running.under_way.abort_all();
}

impl Running {
    fn now_ms(&self) -> u64 {
        self.origin_ms + self.started.elapsed().as_millis() as u64
    }

    fn follow(&mut self, inventory: &Arc<Inventory>) {
        let mut targets = inventory.targets();
        targets.retain(|target| target.is_polled());
        self.schedule.sync(&targets, self.now_ms());
        let ids: HashSet<String> = targets.iter().map(|t| t.id()).collect();
        self.failing.retain(|id| ids.contains(id));
        self.hastened.retain(|id, _| ids.contains(id));
        self.parts.collectors.keep_only(&targets);
    }

    fn until_next(&self) -> Duration {
        let wait = self
            .schedule
            .next_ms()
            .map_or(1_000, |next| next.saturating_sub(self.now_ms()));
        Duration::from_millis(wait.clamp(STEP_MS, 1_000))
    }

    fn start_due(&mut self) {
        let now = self.now_ms();
        for (target, late) in self.schedule.due(now) {
            self.note_lateness(now, late);
            if self.under_way.len() >= MAX_UNDER_WAY {
                self.schedule.finished(&target.id());
                self.parts
                    .counters
                    .turns_missed
                    .fetch_add(1, Ordering::Relaxed);
                continue;
            }
            self.start(target, None);
        }
        let missed = self.schedule.take_missed();
        self.parts
            .counters
            .turns_missed
            .fetch_add(missed, Ordering::Relaxed);
    }

    fn note_lateness(&mut self, now: u64, late: u64) {
        if now - self.lateness.1 > 60_000 {
            self.lateness = (0, now);
        }
        self.lateness.0 = self.lateness.0.max(late);
        self.parts
            .counters
            .lateness_ms
            .store(self.lateness.0, Ordering::Relaxed);
    }

    fn start(&mut self, target: Arc<Target>, ask: Option<u64>) {
        let collectors = Arc::clone(&self.parts.collectors);
        self.under_way.spawn(async move {
            let collection = collect(&collectors, &target).await;
            (target, collection, ask)
        });
    }

    async fn finished(&mut self, done: Result<(Arc<Target>, Collection, Option<u64>), JoinError>) {
        // `collect` turns panics into failures; only an aborted task can fail here.
        let Ok((target, collection, ask)) = done else {
            return;
        };
        self.schedule.finished(&target.id());
        self.parts.counters.snmp_stale_replies.store(
            self.parts.collectors.snmp_stale_replies(),
            Ordering::Relaxed,
        );
        let Some(ask) = ask else {
            self.note_outcome(&target, &collection);
            self.parts.writer.store(collection).await;
            return;
        };
        if let Some(state) = self.asks.get_mut(&ask) {
            state.under_way -= 1;
            state.done.push(collection);
        }
        self.answer_if_done(ask);
    }

    fn note_outcome(&mut self, target: &Target, collection: &Collection) {
        match &collection.outcome {
            Ok(_) => {
                self.parts
                    .counters
                    .polls_good
                    .fetch_add(1, Ordering::Relaxed);
                if self.failing.remove(&target.id()) {
                    tracing::info!(target = %target.id(), "answers again");
                }
            }
            Err(failure) => {
                self.parts
                    .counters
                    .polls_failed
                    .fetch_add(1, Ordering::Relaxed);
                if self.failing.insert(target.id()) {
                    // Debug escapes what a device may have put into the message.
                    tracing::warn!(target = %target.id(), "poll failed: {:?}", failure.message);
                }
            }
        }
    }

    fn asked(&mut self, ask: PollNow) {
        let loaded = self.parts.loaded.borrow().clone();
        let Some(host) = loaded.inventory.hosts.get(ask.host.as_str()) else {
            let _ = ask
                .reply
                .send(Err(format!("there is no host `{}`", ask.host)));
            return;
        };
        let polled = host.targets.iter().filter(|target| target.is_polled());
        let waiting: Vec<_> = polled.cloned().collect();
        if waiting.is_empty() {
            let why = format!("{} sends by itself: there is nothing to poll", ask.host);
            let _ = ask.reply.send(Err(why));
            return;
        }
        let state = Ask {
            waiting,
            under_way: 0,
            done: Vec::new(),
            reply: ask.reply,
        };
        self.asks.insert(self.next_ask, state);
        self.next_ask += 1;
    }

    /// Starts asked polls whose targets are not being polled already.
    fn start_asked(&mut self) {
        let mut ready = Vec::new();
        for (id, ask) in &mut self.asks {
            let schedule = &mut self.schedule;
            ask.waiting.retain(|target| {
                let free = schedule.claim(&target.id());
                if free {
                    ask.under_way += 1;
                    ready.push((Arc::clone(target), *id));
                }
                !free
            });
        }
        for (target, ask) in ready {
            self.start(target, Some(ask));
        }
    }

    fn hasten(&mut self, host: &str) {
        let loaded = self.parts.loaded.borrow().clone();
        if let Some(host) = loaded.inventory.hosts.get(host) {
            let targets = host.targets.iter().map(|t| (t.id(), t.clone()));
            self.hastened.extend(targets);
        }
    }

    /// Starts the polls that a trap called for and that are not running already.
    fn start_hastened(&mut self) {
        let mut ready = Vec::new();
        let (schedule, room) = (
            &mut self.schedule,
            MAX_UNDER_WAY - self.under_way.len().min(MAX_UNDER_WAY),
        );
        self.hastened.retain(|id, target| {
            let free = ready.len() < room && schedule.claim(id);
            if free {
                ready.push(Arc::clone(target));
            }
            !free
        });
        for target in ready {
            self.start(target, None);
        }
    }

    fn answer_if_done(&mut self, id: u64) {
        let done = self
            .asks
            .get(&id)
            .is_some_and(|ask| ask.waiting.is_empty() && ask.under_way == 0);
        if done && let Some(ask) = self.asks.remove(&id) {
            let writer = self.parts.writer.clone();
            tokio::spawn(async move {
                let _ = ask.reply.send(writer.preview(ask.done).await);
            });
        }
    }
}

/// Polls one target; a panic in a collector becomes that target's failure and harms nobody else.
pub async fn collect(collectors: &Collectors, target: &Target) -> Collection {
    let begun = Instant::now();
    let attempt = AssertUnwindSafe(collectors.collect(target, unix_now)).catch_unwind();
    let failed = |cause, message: String| Collection {
        host: target.host.clone(),
        way: target.way.clone(),
        ts: unix_now(),
        took: begun.elapsed(),
        read_at_ms: 0,
        effort: Effort::default(),
        outcome: Err(Failure::new(cause, message)),
    };
    match tokio::time::timeout(target.timeout + ASK_GRACE, attempt).await {
        Ok(Ok(collection)) => collection,
        Ok(Err(_)) => {
            tracing::error!(target = %target.id(), "a collector panicked; this is a defect of eider");
            failed(
                Cause::Internal,
                "internal error: the collector panicked; please report it".into(),
            )
        }
        Err(_) => failed(
            Cause::Timeout,
            format!("no end within {:?}", target.timeout + ASK_GRACE),
        ),
    }
}
