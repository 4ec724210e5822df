//! `eider agent`: reads this machine as `local` does and pushes it, with a spool on disk for when the
//! server is away.
//!
//! Two loops share the spool: one reads the machine and writes a document, the other sends the oldest
//! documents and deletes those that the server has. What the server acknowledged it has on disk; what
//! it did not is still here, and a document sent twice carries the same id and is taken once.

mod sender;
mod spool;
mod status;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};

use crate::collect::local::Sampler;
use crate::inventory::Secret;
use crate::push;
use crate::reading::{Collection, Method, UnixSeconds};

pub use spool::Limits;
pub use status::Status;

/// A last attempt to send before the end.
const FAREWELL: Duration = Duration::from_secs(5);
const READ_MAX: Duration = Duration::from_secs(15);

/// What the command line says.
pub struct Plan {
    /// Where to push to; `/api/v1/push` is added when it has no path.
    pub url: String,
    pub token: Token,
    /// A file of certificates to trust instead of the system's.
    pub ca: Option<PathBuf>,
    pub interval: Duration,
    /// The spool and the status file.
    pub folder: PathBuf,
    pub limits: Limits,
}

/// Where the token is.
pub enum Token {
    Known(Secret),
    /// Read anew before each sending, so that a new one is taken without a restart.
    File(PathBuf),
}

/// What both loops see.
struct Shared {
    spool: Mutex<spool::Spool>,
    status: Mutex<Status>,
    folder: PathBuf,
    /// A document was written.
    fresh: Notify,
}

/// Runs until SIGTERM or SIGINT.
pub fn run(plan: Plan) -> anyhow::Result<()> {
    let spool = spool::Spool::open(&plan.folder, plan.limits)?;
    // A restart within a second must not read that second again.
    let written = Status::read(&plan.folder).and_then(|status| status.last_read);
    let last = written.max(spool.newest()).unwrap_or(0).min(unix_now());
    let sender = sender::Sender::new(&plan)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async move {
        let status = Status::begin(&plan, unix_now());
        let shared = Arc::new(Shared {
            spool: Mutex::new(spool),
            status: Mutex::new(status),
            folder: plan.folder.clone(),
            fresh: Notify::new(),
        });
        shared.note(|_| ());
        tracing::info!(url = %sender.url(), every = ?plan.interval, "eider agent sends this machine");
        let (stop, stopped) = watch::channel(false);
        let sending = tokio::spawn(sender.run(Arc::clone(&shared), stopped));
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            () = read(&shared, plan.interval, last) => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        let _ = stop.send(true);
        let _ = tokio::time::timeout(FAREWELL, sending).await;
        shared.note(|status| status.stopped = true);
        Ok(())
    })
}

/// Reads the machine in its slots, for ever; `last` is when it was read last. A slot that passed while
/// it read is left out.
async fn read(shared: &Shared, interval: Duration, mut last: UnixSeconds) {
    let sampler = Arc::new(Sampler::new());
    let mut slots = tokio::time::interval(interval);
    slots.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        slots.tick().await;
        let begun = Instant::now();
        let deadline = begun + READ_MAX.min(interval.max(Duration::from_secs(2)));
        let (effort, outcome) = Arc::clone(&sampler).collect(deadline).await;
        let ts = unix_now();
        if let Err(failure) = &outcome {
            tracing::warn!("this machine could not be read: {}", failure.message);
            shared.note(|status| status.trouble(&failure.message));
            continue;
        }
        if ts <= last {
            // Two rows in one second, or a clock that was set back: the later one would be lost.
            continue;
        }
        last = ts;
        let collection = Collection {
            host: "".into(),
            way: Method::Local.into(),
            ts,
            took: begun.elapsed(),
            read_at_ms: 0,
            effort,
            outcome,
        };
        let id = format!("{:016x}", rand::random::<u64>());
        if let Some(document) = push::write(&collection, &id) {
            shared.keep(&document.to_string(), ts);
        }
    }
}

impl Shared {
    fn spool(&self) -> MutexGuard<'_, spool::Spool> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a document into the spool; what had to go for it is counted and told.
    fn keep(&self, document: &str, ts: UnixSeconds) {
        let kept = self.spool().add(document, ts);
        let why = match kept {
            Ok(0) => None,
            Ok(dropped) => Some((dropped, "the spool is full or too old".to_owned())),
            Err(error) => Some((1, format!("the spool cannot be written: {error}"))),
        };
        if let Some((dropped, why)) = &why {
            tracing::warn!(dropped, "{why}: documents are lost");
        }
        self.note(|status| {
            status.last_read = Some(ts);
            if let Some((dropped, why)) = why {
                status.dropped += dropped;
                status.trouble(&why);
            }
        });
        self.fresh.notify_one();
    }

    /// Changes the status and writes it down.
    fn note(&self, change: impl FnOnce(&mut Status)) {
        let (waiting, bytes) = self.spool().size();
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut status);
        status.waiting = waiting;
        status.waiting_bytes = bytes;
        if let Err(error) = status.write(&self.folder) {
            tracing::debug!("the status cannot be written: {error}");
        }
    }
}

fn unix_now() -> UnixSeconds {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs() as UnixSeconds)
}
