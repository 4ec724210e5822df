//! What the loops and the pages tell each other, apart from what stands in the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::inventory::{Inventory, Problem};
use crate::reading::{Collection, Effort, Failure, UnixSeconds, Value, Way};
use crate::table::{Kind, Table};

/// The inventory in force, and what the last attempt to read a newer one found.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub inventory: Arc<Inventory>,
    pub loaded_at: UnixSeconds,
    /// Warnings of the inventory in force.
    pub warnings: Vec<Problem>,
    /// Settings that were changed since the start and wait for the next one, as `server.listen`.
    pub restart_for: Vec<&'static str>,
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

/// A collection that a host sent by itself, on its way from the web to the writer.
#[derive(Debug)]
pub struct Pushed {
    pub collection: Collection,
    /// The sender's name for it as a number: the same one twice is the same collection.
    pub key: Option<i64>,
    /// Answered after the commit.
    pub reply: oneshot::Sender<Result<Taken, Refused>>,
}

/// What became of a pushed collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Its rows are on disk now.
    Stored,
    /// They were already.
    Duplicate,
}

/// Why a pushed collection was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Sending it again changes nothing.
    Forever(String),
    /// The history cannot be written just now.
    ForNow(String),
}

/// What one target of an asked host answered.
#[derive(Clone, Debug)]
pub struct Polled {
    pub way: Way,
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

/// Asks the reporter for a report, past its schedule.
#[derive(Debug)]
pub struct ReportOrder {
    pub name: String,
    /// As of then; `None`: now.
    pub at: Option<UnixSeconds>,
    /// `en` or `zh-CN`.
    pub language: String,
    pub want: ReportWant,
    /// `Err`: why there is none, for whoever asked.
    pub reply: oneshot::Sender<Result<ReportReply, String>>,
}

/// What is to come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportWant {
    /// What a template makes a page of.
    Page,
    /// A document that stands alone.
    Html,
    Text,
    /// A mail to these addresses, or to the report's own recipients when there are none; `by` is
    /// noted in the delivery log.
    Mail {
        to: Vec<String>,
        by: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum ReportReply {
    Page(serde_json::Value),
    /// HTML or plain text, as wanted, and how many of its queries failed.
    Text {
        text: String,
        troubles: u64,
    },
    /// In the outbox, for these addresses.
    Posted {
        to: Vec<String>,
        troubles: u64,
    },
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
    /// Pushed collections stored.
    pub pushes_taken: AtomicU64,
    /// Pushed collections that were there already.
    pub pushes_repeated: AtomicU64,
    /// Pushed collections that nobody may or can store.
    pub pushes_refused: AtomicU64,
    pub rows_stored: AtomicU64,
    /// Rows given up because the store refused them to the end.
    pub rows_lost: AtomicU64,
    pub commits: AtomicU64,
    pub commits_failed: AtomicU64,
    /// Why the newest rows could not be written; empty while they are.
    pub store_trouble: Mutex<String>,
    /// Why the hosts of a source stay as they were, by its name.
    pub source_troubles: Mutex<BTreeMap<String, String>>,
    /// How the disk of the history is; `None` until somebody has looked.
    pub space: Mutex<Option<Space>>,
    pub snmp_stale_replies: AtomicU64,
    /// Datagrams that came where traps are waited for.
    pub traps_received: AtomicU64,
    pub traps_stored: AtomicU64,
    /// Those from addresses that no host has.
    pub traps_unknown: AtomicU64,
    /// Malformed, or not let in: community, user, signature.
    pub traps_refused: AtomicU64,
    /// More than a host may send.
    pub traps_suppressed: AtomicU64,
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

/// Space on the disk of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    pub free_bytes: u64,
    pub total_bytes: u64,
    /// `storage.min_free` in bytes.
    pub wanted_bytes: u64,
    /// Rows as collected from before this time were dropped for want of space since the start.
    pub cut_to: Option<UnixSeconds>,
    pub cut_bytes: i64,
}

impl Space {
    /// Less is free than is wanted.
    pub fn is_short(&self) -> bool {
        self.free_bytes < self.wanted_bytes
    }
}

impl Counters {
    /// Why the newest rows could not be written; empty while they are.
    pub fn store_trouble(&self) -> String {
        let trouble = self.store_trouble.lock();
        trouble.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How the disk of the history is.
    pub fn space(&self) -> Option<Space> {
        *self.space.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_space(&self, space: Space) {
        *self.space.lock().unwrap_or_else(PoisonError::into_inner) = Some(space);
    }

    /// By the name of the source.
    pub fn source_troubles(&self) -> BTreeMap<String, String> {
        self.lock_sources().clone()
    }

    pub fn set_source_trouble(&self, name: &str, why: Option<String>) {
        let mut troubles = self.lock_sources();
        match why {
            Some(why) => troubles.insert(name.to_owned(), why),
            None => troubles.remove(name),
        };
    }

    /// Forgets sources that are none any more.
    pub fn keep_sources(&self, names: &BTreeSet<&str>) {
        self.lock_sources()
            .retain(|name, _| names.contains(name.as_str()));
    }

    fn lock_sources(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.source_troubles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the reason, or clears it with an empty one.
    pub fn set_store_trouble(&self, why: String) {
        let trouble = self.store_trouble.lock();
        *trouble.unwrap_or_else(PoisonError::into_inner) = why;
    }
}

impl Polled {
    /// For the API and `eider poll`: `{method, target, took_ms, requests, retries, bytes, error, cause,
    /// problems, tables: [{table, entity, columns: […], rows: [[…], …]}]}`. Columns that only serve
    /// to derive others are left out.
    pub fn to_json(&self) -> serde_json::Value {
        let (tables, failure) = match &self.outcome {
            Ok(tables) => (tables.iter().map(PolledTable::to_json).collect(), None),
            Err(failure) => (Vec::new(), Some(failure)),
        };
        serde_json::json!({
            "method": self.way.method.as_str(),
            "target": self.way.to_string(),
            "took_ms": self.took_ms,
            "requests": self.effort.requests,
            "retries": self.effort.retries,
            "bytes": self.effort.bytes,
            "error": failure.map(|f| &f.message),
            "cause": failure.map(|f| f.cause.as_str()),
            "problems": self.problems,
            "tables": tables,
        })
    }
}

impl PolledTable {
    fn to_json(&self) -> serde_json::Value {
        let shown: Vec<usize> = (0..self.table.columns.len())
            .filter(|i| self.table.columns[*i].kind != Kind::Input)
            .collect();
        let names = shown.iter().map(|i| self.table.columns[*i].name);
        let columns: Vec<&str> = self
            .table
            .entity
            .into_iter()
            .chain(self.table.has_counters().then_some("elapsed_ms"))
            .chain(names)
            .collect();
        let rows: Vec<serde_json::Value> = self
            .rows
            .iter()
            .map(|(entity, elapsed_ms, values)| {
                let head = self.table.entity.map(|_| serde_json::json!(entity));
                let elapsed = self
                    .table
                    .has_counters()
                    .then(|| serde_json::json!(elapsed_ms));
                let cells = shown.iter().map(|i| json_of(&values[*i]));
                head.into_iter().chain(elapsed).chain(cells).collect()
            })
            .collect();
        serde_json::json!({
            "table": self.table.name,
            "entity": self.table.entity,
            "columns": columns,
            "rows": rows,
        })
    }
}

fn json_of(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Int(n) => (*n).into(),
        Value::Float(f) => (*f).into(),
        Value::Bool(b) => (*b).into(),
        Value::Text(s) => (&**s).into(),
        Value::Counter32(n) => (*n).into(),
        Value::Counter64(n) => (*n).into(),
    }
}
