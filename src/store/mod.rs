//! The history: one DuckDB file that this process owns, one writing thread ([`Recorder`]), many
//! readers ([`Store::ask`]).
//!
//! Physical tables lie in schema `raw` and are private; the views of schema `main`, each column with
//! its comment, are what people ask. Nothing outside this module knows DuckDB.

pub mod adhoc;
mod alert;
mod append;
mod arrow;
mod ask;
mod ballast;
mod catalog;
mod cell;
mod check;
mod columns;
mod export;
mod fact;
pub mod format;
mod gate;
mod health;
mod held;
mod host;
mod json;
mod known;
mod lex;
mod lock;
mod migrate;
mod mistake;
mod open;
mod period;
mod pool;
mod push;
mod question;
mod remember;
mod reopen;
mod repair;
mod report;
mod request;
mod rollup;
mod room;
mod said;
mod schema;
pub mod sealed;
#[cfg(test)]
mod tests;
mod text;
pub mod upkeep;
mod view;

pub use crate::query::{Answer, AnswerColumn, Cell};
pub use ballast::Ballast;
pub use catalog::{ColumnDoc, TableDoc, catalog_of};
pub use check::{check_queries, check_tables};
pub use held::Held;
pub use push::KEYS_PER_HOST;
pub use question::{MAX_ROWS, TIMEOUT};
pub use request::{FAILED, Reply, Request, TRUNCATED};
pub use room::Room;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::health::HostHealth;
use crate::intake::{EntityId, HostId, Stored, Told};
use crate::inventory::Inventory;
use crate::reading::{EntityKey, UnixSeconds, Value, Way};
use crate::table::{Derived, Table, Tables};

/// The readers' end. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

/// The writer's end: exactly one, on its own thread.
pub struct Recorder {
    connection: duckdb::Connection,
    shared: Arc<Shared>,
    /// What collections fill, by the inventory in force.
    tables: Tables,
    /// The instance is unusable: it is opened again before anything else.
    lost: bool,
    /// The last append failed; whether its rows are on disk is not known.
    doubtful: bool,
}

/// What both ends know.
struct Shared {
    pool: pool::Pool,
    health: health::Watch,
    options: Options,
    slots: tokio::sync::Semaphore,
    /// The data directory; `None` in memory.
    data: Option<PathBuf>,
    /// Where Parquet exports are written; `None` in memory.
    export: Option<PathBuf>,
    /// Where sealed files lie; `None` in memory.
    sealed: Option<sealed::Folder>,
    /// Released last, when every connection has gone.
    #[allow(dead_code)]
    lock: Option<lock::Lock>,
}

#[derive(Clone, Debug, Default)]
pub struct Options {
    /// DuckDB's memory limit in bytes; `None`: min(25 % of RAM, 2 GB).
    pub memory_bytes: Option<u64>,
}

#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process holds the file.
    #[error("{path} is in use by process {pid}")]
    InUse { path: PathBuf, pid: u32 },
    #[error(
        "{path} was written by a newer eider (schema {found}, this one knows {known}): use that version, or another data directory"
    )]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    /// The write-ahead log cannot be replayed, and DuckDB does not say where the damage begins.
    #[error(
        "{wal} is damaged: {message}. Nothing was changed. The rows up to the last checkpoint are safe in {path}; to start without the newer ones, move {wal} to another name (keep it) and start again"
    )]
    DamagedWal {
        path: PathBuf,
        wal: PathBuf,
        message: String,
    },
    /// The question ran longer than its time.
    #[error("stopped after {0:?}: ask for a shorter range or fewer rows")]
    Timeout(Duration),
    /// What DuckDB says about the question, made to stand alone.
    #[error("{0}")]
    Query(String),
    /// As [`StoreError::Query`], not yet put into words.
    #[error("{message}")]
    Mistake {
        message: String,
        /// Where in the statement.
        byte: Option<usize>,
        /// The table that is not there.
        table: Option<String>,
    },
    /// The question needs more than it may have.
    #[error("{0}")]
    Limit(String),
    /// Others are asking: later, please.
    #[error("{0}")]
    Busy(String),
    /// The instance is unusable until it is closed and opened again (disk full, I/O error).
    #[error("the database needs to be reopened: {0}")]
    Invalidated(String),
    #[error("{0}")]
    Other(String),
}

/// A question to the history, asked on a READ ONLY transaction: one SELECT, DESCRIBE, SHOW,
/// SUMMARIZE or EXPLAIN.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Question {
    pub sql: String,
    /// Bound by name (`$name`). A [`Cell::Time`] arrives as TIMESTAMPTZ, a [`Cell::Other`] as
    /// INTERVAL (`5 minutes`). Names that the SQL does not use are left out.
    pub params: Vec<(String, Cell)>,
    /// IANA name; `now()`, `today()` and the text of times follow it.
    pub timezone: String,
    pub timeout: Duration,
    pub max_rows: usize,
}

impl Question {
    /// A question of our own: UTC, 10 s, 100,000 rows.
    pub fn new(sql: impl Into<String>) -> Question {
        Question {
            sql: sql.into(),
            params: Vec::new(),
            timezone: "UTC".into(),
            timeout: Duration::from_secs(10),
            max_rows: 100_000,
        }
    }

    pub fn bind(mut self, name: &str, value: Cell) -> Question {
        self.params.push((name.into(), value));
        self
    }
}

/// What the writer needs to know after a start.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Every entity: id, host, table, key, newest facts (empty when it has none).
    pub entities: Vec<KnownEntity>,
    /// Newest host facts.
    pub host_facts: Vec<(HostId, String, String)>,
    /// The time of the newest good poll of each target.
    pub newest: Vec<(HostId, Way, UnixSeconds)>,
}

#[derive(Clone, Debug)]
pub struct KnownEntity {
    pub id: EntityId,
    pub host_id: HostId,
    pub table: String,
    pub key: EntityKey,
    pub facts: Vec<Value>,
}

impl Store {
    /// Opens or makes `eider.duckdb` in the data directory, as its only process.
    pub fn open(data: &Path, options: &Options) -> Result<(Store, Recorder), StoreError> {
        open::file(data, options)
    }

    /// Whether there is a history in the data directory.
    pub fn exists(data: &Path) -> bool {
        data.join(open::FILE).exists()
    }

    /// An empty history in memory, for `eider check` and tests.
    pub fn in_memory() -> Result<(Store, Recorder), StoreError> {
        open::memory()
    }

    /// Asks on a blocking thread; at most 4 at once, the others wait.
    pub async fn ask(&self, question: Question) -> Result<Answer, StoreError> {
        let limit = question.timeout;
        self.in_background(limit, move |store| store.ask_blocking(&question))
            .await
    }

    /// Runs work that asks on a blocking thread, once one of the readers' slots is free.
    async fn in_background<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let wait = tokio::time::timeout(limit, self.shared.slots.acquire());
        let Ok(Ok(_slot)) = wait.await else {
            return Err(StoreError::Timeout(limit));
        };
        let store = self.clone();
        tokio::task::spawn_blocking(move || work(&store))
            .await
            .unwrap_or_else(|e| Err(StoreError::Other(format!("the question ended oddly: {e}"))))
    }

    /// Asks on this thread.
    pub fn ask_blocking(&self, question: &Question) -> Result<Answer, StoreError> {
        ask::ask(&self.shared, question)
    }

    /// How every host of the inventory is at `now`, in the inventory's order.
    pub fn host_states(
        &self,
        inventory: &Inventory,
        now: UnixSeconds,
    ) -> Result<Vec<HostHealth>, StoreError> {
        self.shared.health.states(&self.shared, inventory, now)
    }
}

impl Recorder {
    /// Brings hosts, groups and labels in line with the inventory. Returns each host's id. A host
    /// that is gone gets `removed_at`; one that comes back under its name gets its id back; an
    /// interrupted rename (`renamed_from`) keeps the id.
    pub fn sync_hosts(
        &mut self,
        inventory: &Inventory,
        now: UnixSeconds,
    ) -> Result<Vec<(Arc<str>, HostId)>, StoreError> {
        self.follow_tables(&inventory.tables)?;
        self.transaction(|connection| host::sync(connection, inventory, now))
    }

    /// Makes the tables and columns that the profiles define and the file does not have yet. Tables
    /// and columns that no profile defines any more stay, with their rows.
    fn follow_tables(&mut self, tables: &Tables) -> Result<(), StoreError> {
        self.ready()?;
        if self.tables != *tables {
            let sealed = self.shared.sealed.as_ref();
            migrate::follow(&self.connection, tables, sealed)?;
            if let Some(folder) = sealed {
                open::renew(&self.connection, &self.shared.pool, folder)?;
            }
            self.tables = tables.clone();
        }
        Ok(())
    }

    /// Whether the SQL of a derived column can be asked. The error is DuckDB's first line.
    fn try_derived(&self, table: &Table, derived: &Derived) -> Result<(), String> {
        let sql = view::derived_question(table, derived);
        let prepared = self.connection.prepare(&sql).map(|_| ());
        prepared.map_err(|e| open::first_line(&e.to_string()))
    }

    /// What an [`crate::intake::Intake`] starts from.
    pub fn known(&mut self) -> Result<Known, StoreError> {
        self.ready()?;
        known::read(&self.connection, &self.tables, self.shared.sealed.as_ref())
    }

    /// The keys of the newest pushed collections of each host, oldest first. Keys that nobody will
    /// send again are forgotten.
    pub fn push_keys(&mut self) -> Result<Vec<(HostId, i64)>, StoreError> {
        self.transaction(push::known)
    }

    /// Appends all in one transaction. When it returns, the rows are on disk; when it fails, none is.
    pub fn append(&mut self, batch: &[Stored]) -> Result<(), StoreError> {
        self.append_with(batch, &[])
    }

    /// [`Recorder::append`], together with what hosts told by themselves.
    pub fn append_with(&mut self, batch: &[Stored], told: &[Told]) -> Result<(), StoreError> {
        let tables = self.tables.clone();
        if !(self.doubtful && self.is_stored(batch, told)?) {
            // A commit that failed may be on disk all the same: the next try looks first.
            self.doubtful = true;
            self.transaction(|connection| append::append(connection, &tables, batch, told))?;
        }
        self.doubtful = false;
        self.shared.health.note(batch);
        Ok(())
    }

    fn is_stored(&mut self, batch: &[Stored], told: &[Told]) -> Result<bool, StoreError> {
        self.ready()?;
        append::is_stored(&self.connection, batch, told).map_err(|error| self.noted(error))
    }

    /// Writes down what happened to eider itself.
    pub fn tell(&mut self, now: UnixSeconds, kind: &str, message: &str) -> Result<(), StoreError> {
        self.transaction(|connection| {
            connection.execute(
                "INSERT INTO raw.event (ts, kind, subject, message) VALUES (to_timestamp(?), ?, '', ?)",
                duckdb::params![now, kind, message],
            )?;
            Ok(())
        })
    }

    /// Stops the readers, CHECKPOINT and close.
    pub fn close(self) -> Result<(), StoreError> {
        self.shared.pool.close();
        let done = self
            .connection
            .execute_batch("CHECKPOINT")
            .map_err(StoreError::from);
        drop(self.connection);
        done
    }

    /// Runs `work` in one transaction: all of it is on disk when this returns, or none.
    fn transaction<T>(
        &mut self,
        work: impl FnOnce(&duckdb::Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.ready()?;
        if let Err(error) = self.connection.execute_batch("BEGIN TRANSACTION") {
            return Err(self.noted(error.into()));
        }
        let result = work(&self.connection).and_then(|value| {
            self.connection.execute_batch("COMMIT")?;
            Ok(value)
        });
        if result.is_err() {
            // A failed COMMIT has ended the transaction already; then there is nothing to roll back.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        result.map_err(|error| self.noted(error))
    }

    /// Remembers that the instance is unusable.
    fn noted(&mut self, error: StoreError) -> StoreError {
        self.lost |= matches!(error, StoreError::Invalidated(_));
        error
    }
}
