//! What the loops and the pages tell each other, apart from what stands in the store.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::oneshot;

use crate::inventory::{Inventory, Problem};
use crate::reading::{Effort, Failure, Method, UnixSeconds, Value};
use crate::table::Table;

/// The inventory in force, and what the last attempt to read a newer one found.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub inventory: Arc<Inventory>,
    pub loaded_at: UnixSeconds,
    /// Warnings of the inventory in force.
    pub warnings: Vec<Problem>,
    /// Not empty: the files on disk are broken since then, the inventory in force is older.
    pub rejected: Vec<Problem>,
    /// `rejected` as `eider check` prints it, without colour.
    pub rejected_text: String,
}

/// Asks the poller to poll a host now, storing nothing.
#[derive(Debug)]
pub struct PollNow {
    pub host: String,
    pub reply: oneshot::Sender<Result<Vec<Polled>, String>>,
}

/// What one target of an asked host answered.
#[derive(Clone, Debug)]
pub struct Polled {
    pub method: Method,
    pub took_ms: i64,
    pub effort: Effort,
    pub outcome: Result<Vec<PolledTable>, Failure>,
    pub problems: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct PolledTable {
    pub table: &'static Table,
    /// Entity name, `elapsed_ms`, values by column.
    pub rows: Vec<(Option<String>, Option<i64>, Vec<Value>)>,
}

/// Sent after a commit: new rows of this host can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    pub host: Arc<str>,
}

/// What the daemon counts about itself, for `/metrics` and `eider status`.
#[derive(Debug, Default)]
pub struct Counters {
    pub polls_good: AtomicU64,
    pub polls_failed: AtomicU64,
    /// Turns skipped because the former poll of the target was still running.
    pub turns_missed: AtomicU64,
    /// Collections dropped because their host is gone.
    pub collections_dropped: AtomicU64,
    pub rows_stored: AtomicU64,
    pub commits: AtomicU64,
    pub commits_failed: AtomicU64,
    pub snmp_stale_replies: AtomicU64,
    pub mails_sent: AtomicU64,
    pub mails_failed: AtomicU64,
    /// Mails waiting in the outbox now.
    pub mails_waiting: AtomicU64,
    /// Start of the newest rule evaluation, Unix seconds.
    pub evaluated_at: AtomicU64,
    /// Greatest lateness of a poll's start in the last minute, milliseconds.
    pub lateness_ms: AtomicU64,
    pub reloads_good: AtomicU64,
    pub reloads_rejected: AtomicU64,
}
