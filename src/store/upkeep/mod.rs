//! Upkeep of the history: how large it is, whether it is whole, out and back.
//!
//! A [`Task`] is the same work whether the daemon does it, asked over its socket, or a verb that has
//! opened the file itself. It runs on a thread of its own and hands to the writer only what must be
//! written.

mod compact;
mod export;
mod forecast;
mod place;
mod restore;
mod retain;
mod seal;
mod snapshot;
mod usage;
mod verify;

pub use export::{Export, ExportFormat, Exported};
pub use forecast::Forecast;
pub use restore::{Restore, Restored};
pub use usage::{TableUse, Usage};
pub use verify::{Problem, Verified};

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{Recorder, Store, StoreError};
use crate::inventory::Retention;
use crate::reading::UnixSeconds;

/// What is asked for; the body of `POST /api/v1/db`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case", deny_unknown_fields)]
pub enum Task {
    /// How large every table is and how it grows: a [`Usage`].
    Stats,
    /// Whether every file holds what the manifest says: a [`Verified`].
    Verify {
        /// Only what the files say about themselves; their rows are not read.
        quick: bool,
    },
    /// Seals every hour that is over, at once.
    Seal,
    /// Drops what has been kept long enough.
    Retain {
        /// Only tells what would go.
        dry_run: bool,
    },
    /// Tables as files: a list of [`Exported`].
    Export(Export),
    /// Makes the database file as small as its rows.
    Compact,
    /// A copy of the history that any DuckDB opens.
    Snapshot {
        /// An absolute path that is not there yet.
        directory: PathBuf,
        /// Copies sealed files even where a second name would do.
        copy: bool,
        /// With users, tokens, host keys and what waits to be mailed.
        state: bool,
    },
}

/// What is told while a task runs; a line of the answer each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// So much is done.
    Progress(Progress),
    /// The result, in the task's own form.
    Done(Value),
    /// Why there is none.
    Failed(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub done: u64,
    pub of: u64,
    /// The table or file at hand.
    pub what: String,
}

/// A task on its way to whoever carries it out. `told` is dropped after the last step.
#[derive(Debug)]
pub struct Order {
    pub task: Task,
    pub told: mpsc::Sender<Step>,
}

/// Where a task finds the writer: here, or on a thread of its own.
pub trait Hand {
    /// Runs the work on the writing thread and waits for it.
    fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Recorder) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError>;
}

impl Hand for Recorder {
    fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Recorder) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        work(self)
    }
}

/// What a task has to know beside the history.
#[derive(Clone, Debug)]
pub struct Frame {
    pub now: UnixSeconds,
    /// How long rows are kept.
    pub keep: Retention,
}

/// Hears of the progress; `false`: nobody waits for the result any more.
pub type Tell<'a> = &'a mut dyn FnMut(Progress) -> bool;

impl Task {
    /// Whether others of its kind have to wait for it.
    pub fn is_long(&self) -> bool {
        !matches!(self, Task::Stats)
    }

    /// As the command line calls it.
    pub fn word(&self) -> &'static str {
        match self {
            Task::Stats => "stats",
            Task::Verify { .. } => "verify",
            Task::Seal => "seal",
            Task::Retain { .. } => "retain",
            Task::Export(_) => "export",
            Task::Compact => "compact",
            Task::Snapshot { .. } => "snapshot",
        }
    }

    /// Does it, on this thread. The result is of the task's own form.
    pub fn run(
        &self,
        store: &Store,
        hand: &mut impl Hand,
        frame: &Frame,
        tell: Tell<'_>,
    ) -> Result<Value, StoreError> {
        match self {
            Task::Stats => told(&usage::of(store, frame)?),
            Task::Verify { quick } => told(&verify::all(store, *quick, tell)?),
            Task::Seal => told(&seal::all(store, hand, frame, tell)?),
            Task::Compact => {
                step(tell, 0, 1, "database")?;
                told(&hand.run(compact::run)?)
            }
            Task::Retain { dry_run } => told(&retain::all(store, hand, frame, *dry_run)?),
            Task::Export(wanted) => told(&export::run(store, wanted, tell)?),
            Task::Snapshot {
                directory,
                copy,
                state,
            } => {
                let wanted = snapshot::Wanted {
                    directory,
                    copy: *copy,
                    state: *state,
                };
                told(&snapshot::make(store, &wanted, tell)?)
            }
        }
    }
}

impl Store {
    /// How large every table is and how it grows; this blocks for as long as counting takes.
    pub fn usage(&self, frame: &Frame) -> Result<Usage, StoreError> {
        usage::of(self, frame)
    }
}

fn told(result: &impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(result).map_err(|e| StoreError::Other(e.to_string()))
}

/// Goes on, unless nobody waits any more.
fn step(tell: Tell<'_>, done: usize, of: usize, what: &str) -> Result<(), StoreError> {
    let progress = Progress {
        done: done as u64,
        of: of as u64,
        what: what.to_owned(),
    };
    if tell(progress) {
        return Ok(());
    }
    Err(StoreError::Other(
        "given up: nobody waits for the result any more".into(),
    ))
}
