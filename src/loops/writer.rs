//! The one writing thread: takes collections in, stores them in batches, acknowledges after commit.

mod baselines;
mod commit;
mod preview;
mod pushed;
mod sync;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::{broadcast, mpsc, oneshot};

use crate::intake::{Intake, Stored, Told};
use crate::inventory::Inventory;
use crate::reading::{Collection, Happening};
use crate::signal::{Changed, Counters, Polled, Pushed, Refused, Taken};
use crate::store::{Recorder, Store, StoreError};

pub use preview::preview;

/// Orders that may wait; beyond that the pollers wait.
const QUEUE: usize = 1_024;
/// A collection is on disk this long after it came in, at the latest: each commit has its price,
/// however few its rows.
const COMMIT_AFTER: Duration = Duration::from_secs(2);
/// The same while somebody waits for it.
const COMMIT_SOON: Duration = Duration::from_millis(500);
/// A batch of this many rows is committed at once.
const COMMIT_ROWS: usize = 20_000;
/// How often the counter baselines are written beside the history.
const BASELINES_EVERY: Duration = Duration::from_secs(60);
/// The others' end of the writing thread. Cheap to clone; the thread ends when all are dropped.
#[derive(Clone)]
pub struct Writer {
    orders: mpsc::Sender<Order>,
}

type Acknowledge = oneshot::Sender<Result<(), StoreError>>;

enum Order {
    Store(Box<Collection>, Option<Acknowledge>),
    Tell(Box<Happening>, Option<Acknowledge>),
    Push(Box<Pushed>),
    Preview(Vec<Collection>, oneshot::Sender<Vec<Polled>>),
    Sync(Arc<Inventory>, Acknowledge),
    Run(Box<dyn FnOnce(&mut Recorder) + Send>),
}

/// What the thread needs; `app` makes it.
pub struct Parts {
    pub recorder: Recorder,
    pub store: Store,
    /// The directory `data/state`.
    pub state: PathBuf,
    pub changed: broadcast::Sender<Changed>,
    pub counters: Arc<Counters>,
}

/// Starts the thread. It ends, with everything stored and the database closed, when the last
/// [`Writer`] is dropped.
pub fn start(parts: Parts) -> std::io::Result<(Writer, std::thread::JoinHandle<()>)> {
    let (orders, inbox) = mpsc::channel(QUEUE);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let thread = std::thread::Builder::new()
        .name("writer".into())
        .spawn(move || Thread::new(parts).run(&runtime, inbox))?;
    Ok((Writer { orders }, thread))
}

impl Writer {
    /// Hands a collection over; waits while the queue is full. Returns before it is stored.
    pub async fn store(&self, collection: Collection) {
        let order = Order::Store(Box::new(collection), None);
        // The queue closes only when the daemon ends: nobody is left to tell.
        let _ = self.orders.send(order).await;
    }

    /// Hands a collection over and waits until it is committed.
    pub async fn store_and_wait(&self, collection: Collection) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Store(Box::new(collection), Some(reply)), answer)
            .await
    }

    /// Hands over what a host told; waits while the queue is full. Returns before it is stored.
    pub async fn tell(&self, happening: Happening) {
        let _ = self
            .orders
            .send(Order::Tell(Box::new(happening), None))
            .await;
    }

    /// Hands over what a host told and waits until it is committed.
    pub async fn tell_and_wait(&self, happening: Happening) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Tell(Box::new(happening), Some(reply)), answer)
            .await
    }

    /// Hands a pushed collection over; whoever sent it is answered after the commit.
    pub async fn push(&self, pushed: Pushed) {
        // When the daemon ends the reply is dropped, and the sender asked to come again.
        let _ = self.orders.send(Order::Push(Box::new(pushed))).await;
    }

    /// Follows a new inventory: hosts, groups, labels.
    pub async fn sync(&self, inventory: Arc<Inventory>) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Sync(inventory, reply), answer).await
    }

    /// What would be stored of these collections; nothing is.
    pub async fn preview(&self, collections: Vec<Collection>) -> Result<Vec<Polled>, String> {
        let (reply, answer) = oneshot::channel();
        let sent = self.orders.send(Order::Preview(collections, reply)).await;
        match (sent, answer.await) {
            (Ok(()), Ok(polled)) => Ok(polled),
            _ => Err("the writer has stopped".into()),
        }
    }

    /// Runs something of the store's own (alerts, notifications) on the writing thread and waits for
    /// its result.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Recorder) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let order = Order::Run(Box::new(move |recorder| {
            let _ = reply.send(work(recorder));
        }));
        self.order(order, answer).await
    }

    async fn order<T>(
        &self,
        order: Order,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let stopped = || StoreError::Other("the writer has stopped".into());
        self.orders.send(order).await.map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }
}

/// Who is told when the batch is on disk.
enum Waiting {
    Caller(Acknowledge),
    Sender(oneshot::Sender<Result<Taken, Refused>>, Taken),
}

struct Thread {
    parts: Parts,
    intake: Intake,
    inventory: Option<Arc<Inventory>>,
    batch: Vec<Stored>,
    told: Vec<Told>,
    batch_rows: usize,
    hosts: BTreeSet<Arc<str>>,
    waiting: Vec<Waiting>,
    pushed: pushed::Book,
    /// When the oldest collection of the batch came in.
    since: Option<Instant>,
    /// The database refuses the batch.
    trouble: Option<commit::Trouble>,
    /// What is remembered may not be in the store: it is read anew before anything is taken.
    stale: Option<Arc<Inventory>>,
    baselines_at: Instant,
}

impl Thread {
    fn new(parts: Parts) -> Thread {
        Thread {
            parts,
            intake: Intake::default(),
            inventory: None,
            batch: Vec::new(),
            told: Vec::new(),
            batch_rows: 0,
            hosts: BTreeSet::new(),
            waiting: Vec::new(),
            pushed: pushed::Book::default(),
            since: None,
            trouble: None,
            stale: None,
            baselines_at: Instant::now(),
        }
    }

    fn run(mut self, runtime: &tokio::runtime::Runtime, mut inbox: mpsc::Receiver<Order>) {
        loop {
            let wait = self.wait();
            let order = runtime.block_on(async { tokio::time::timeout(wait, inbox.recv()).await });
            match order {
                Ok(Some(order)) => self.obey(order),
                Ok(None) => break,
                Err(_) => {}
            }
            if self.is_due() {
                self.commit();
            }
            if self.since.is_none() && self.baselines_at.elapsed() >= BASELINES_EVERY {
                self.save_baselines();
            }
        }
        self.last_commit();
        self.save_baselines();
        if let Err(error) = self.parts.recorder.close() {
            tracing::error!("closing the database: {error}");
        }
    }

    /// How long the oldest collection of the batch may wait.
    fn patience(&self) -> Duration {
        if self.waiting.is_empty() {
            COMMIT_AFTER
        } else {
            COMMIT_SOON
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Store(collection, reply) => self.take(*collection, reply),
            Order::Tell(happening, reply) => self.hear(&happening, reply),
            Order::Push(pushed) => self.take_pushed(*pushed),
            Order::Preview(collections, reply) => {
                let mut fork = self.intake.fork(collections.first().map(|c| &*c.host));
                let _ = reply.send(preview(&mut fork, collections));
            }
            Order::Sync(inventory, reply) => {
                // Rows under way belong to the hosts as they were.
                self.commit_unless_waiting();
                let _ = reply.send(self.sync(inventory));
            }
            Order::Run(work) => {
                self.commit_unless_waiting();
                work(&mut self.parts.recorder);
            }
        }
    }

    fn take(&mut self, collection: Collection, reply: Option<Acknowledge>) {
        let host = collection.host.clone();
        let stored = self.freshen().then(|| self.intake.take(collection));
        let Some(stored) = stored.flatten() else {
            let dropped = &self.parts.counters.collections_dropped;
            dropped.fetch_add(1, Ordering::Relaxed);
            return refuse(&host, reply);
        };
        self.waiting.extend(reply.map(Waiting::Caller));
        self.add(stored, &host);
    }

    fn add(&mut self, stored: Stored, host: &Arc<str>) {
        self.added(host, stored.poll.rows as usize + 1);
        self.batch.push(stored);
    }

    fn hear(&mut self, happening: &Happening, reply: Option<Acknowledge>) {
        let told = self.freshen().then(|| self.intake.hear(happening));
        let Some(told) = told.flatten() else {
            return refuse(&happening.host, reply);
        };
        self.waiting.extend(reply.map(Waiting::Caller));
        self.added(&happening.host, 1);
        self.told.push(told);
    }

    fn added(&mut self, host: &Arc<str>, rows: usize) {
        self.batch_rows += rows;
        self.hosts.insert(Arc::clone(host));
        self.since.get_or_insert_with(Instant::now);
    }
}

/// The host is not in the inventory any more.
fn refuse(host: &str, reply: Option<Acknowledge>) {
    if let Some(reply) = reply {
        let gone = format!("{host} is not in the inventory");
        let _ = reply.send(Err(StoreError::Other(gone)));
    }
}
