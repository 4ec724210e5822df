//! Carries out what is asked about the history as a whole, see [`crate::store::upkeep`], and looks
//! after the disk that holds it.

mod watch;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use super::poller::unix_now;
use super::writer::Writer;
use crate::signal::{Counters, Loaded};
use crate::store::upkeep::{Frame, Hand, Order, Step};
use crate::store::{Recorder, Store, StoreError};

/// Short tasks that run at once; others wait.
const SHORT_TASKS: usize = 2;

/// What the loop needs; `app` makes it.
pub struct Keeper {
    pub store: Store,
    pub writer: Writer,
    pub loaded: tokio::sync::watch::Receiver<Arc<Loaded>>,
    pub orders: mpsc::Receiver<Order>,
    /// The data directory.
    pub data: PathBuf,
    pub counters: Arc<Counters>,
}

/// Runs until `stop` is set; tasks under way are given up then.
pub async fn run(mut parts: Keeper, mut stop: tokio::sync::watch::Receiver<bool>) {
    let (hand, mut wanted) = mpsc::channel::<Work>(4);
    let desks = Desks {
        long: Arc::new(Semaphore::new(1)),
        short: Arc::new(Semaphore::new(SHORT_TASKS)),
    };
    let mut watch = watch::Watch::new();
    let mut looks = tokio::time::interval(watch::EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            _ = looks.tick() => tokio::select! {
                _ = stop.changed() => return,
                () = watch.look(&parts) => {}
            },
            Some(order) = parts.orders.recv() => parts.begin(order, &desks, hand.clone()),
            Some(work) = wanted.recv() => {
                let written = parts.writer.run(move |recorder| { work(recorder); Ok(()) });
                tokio::select! {
                    _ = stop.changed() => return,
                    // Whoever wants the outcome hears of it by itself.
                    _ = written => {}
                }
            }
        }
    }
}

/// Something for the writing thread.
type Work = Box<dyn FnOnce(&mut Recorder) + Send>;

/// How many tasks run at once.
struct Desks {
    long: Arc<Semaphore>,
    short: Arc<Semaphore>,
}

impl Keeper {
    /// Writes an event about ourselves into the history.
    async fn tell(&self, kind: &'static str, words: String) -> Result<(), StoreError> {
        self.writer
            .run(move |recorder| recorder.tell(unix_now(), kind, &words))
            .await
    }

    /// Runs the task on a thread of its own. It holds no end of the writer, which closes when the
    /// last of them is dropped.
    fn begin(&self, order: Order, desks: &Desks, hand: mpsc::Sender<Work>) {
        let frame = Frame {
            now: unix_now(),
            keep: self.loaded.borrow().inventory.settings.keep.clone(),
        };
        let store = self.store.clone();
        let desk = if order.task.is_long() {
            &desks.long
        } else {
            &desks.short
        };
        let desk = Arc::clone(desk);
        tokio::spawn(async move {
            let Order { task, told } = order;
            let desk = if task.is_long() {
                desk.try_acquire_owned().ok()
            } else {
                desk.acquire_owned().await.ok()
            };
            let Some(desk) = desk else {
                let busy = "the daemon is busy with another task of `eider db`: try again later";
                // Whoever asked may have gone.
                let _ = told.send(Step::Failed(busy.into())).await;
                return;
            };
            // The thread tells its result by itself.
            let _ = tokio::task::spawn_blocking(move || {
                let mut hand = Through(hand);
                let progress = told.clone();
                // A reader that is slow misses some steps; one that has gone ends the task.
                let mut tell = |step| {
                    let _ = progress.try_send(Step::Progress(step));
                    !progress.is_closed()
                };
                let last = match task.run(&store, &mut hand, &frame, &mut tell) {
                    Ok(result) => Step::Done(result),
                    Err(error) => Step::Failed(error.to_string()),
                };
                drop(desk);
                let _ = told.blocking_send(last);
            })
            .await;
        });
    }
}

/// Hands work to the writing thread by way of the loop.
struct Through(mpsc::Sender<Work>);

impl Hand for Through {
    fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Recorder) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let stopping = || StoreError::Other("the daemon is stopping".into());
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(move |recorder| {
            let _ = reply.send(work(recorder));
        });
        self.0.blocking_send(work).map_err(|_| stopping())?;
        answer.blocking_recv().unwrap_or_else(|_| Err(stopping()))
    }
}
