//! SQL of people, answered by a process of its own: whatever it does, the history goes on.
//!
//! Limits inside a process do not hold against SQL: one huge value ignores the memory limit, the
//! interrupt and the deadline. So each question gets a child, the same binary, that sees the sealed
//! files and a [`copy`] of everything else, can write nowhere but into its own directory, and is
//! killed when its time is over. [`Desk`] is the daemon's side: it makes the copy, starts the child
//! ([`run`]) and hands on what comes ([`frame`]). [`child`] is the other side: behind its [`walls`]
//! it opens the copy as a store of its own ([`base`]) and answers by [`answer`].

mod answer;
mod base;
pub mod child;
mod copy;
mod frame;
mod run;
mod walls;

pub use frame::End;
pub use run::{Event, Run};

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::format::Format;
use super::{Question, Room, Store, StoreError};
use crate::inventory::SqlSettings;
use copy::Copy;

/// Children at once.
pub const AT_ONCE: usize = 2;
/// How long a question waits for one of them to end.
const WAIT: Duration = Duration::from_secs(5);
/// Bytes of an answer to a page or a program.
pub const MAX_BYTES: u64 = 16 << 20;
/// Bytes of an answer as a file.
pub const MAX_FILE_BYTES: u64 = 1 << 30;
/// A copy that is quickly made is made for every question; another one serves for this many times
/// as long as it took, so that copying takes a twentieth of one's time at most.
const QUICK: Duration = Duration::from_millis(250);
const SERVES: u32 = 20;
/// No row of an answer is missing that was there so long ago.
const OLDEST: Duration = Duration::from_secs(60);
/// The directory's name in the data directory.
pub(super) const NAME: &str = "adhoc";
/// Address space beside what DuckDB counts: code, stacks, and what one huge value takes.
const ADDRESSES_BESIDE: u64 = 2 << 30;
/// Of what is free on the disk, a child may take one part in so many.
const SHARE_OF_DISK: u64 = 8;

/// What a child may use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Time on the wall.
    pub wall: Duration,
    /// Memory as DuckDB counts it. The address space is 2 GiB more.
    pub memory_bytes: u64,
    /// What it may write on the way.
    pub spill_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            wall: Duration::from_secs(30),
            memory_bytes: 2 << 30,
            spill_bytes: 1 << 30,
        }
    }
}

impl Limits {
    /// The limits in force, lowered as the settings say.
    pub fn of(settings: &SqlSettings) -> Limits {
        let all = Limits::default();
        Limits {
            wall: settings.timeout.unwrap_or(all.wall),
            memory_bytes: settings.memory_bytes.unwrap_or(all.memory_bytes),
            spill_bytes: all.spill_bytes,
        }
    }

    /// Seconds of processor time.
    fn cpu(&self) -> u64 {
        2 * self.wall.as_secs().max(1)
    }

    fn address_space(&self) -> u64 {
        self.memory_bytes + ADDRESSES_BESIDE
    }
}

/// In which shape the answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Output {
    /// Columns and rows.
    Rows,
    /// The bytes of that format as they come, at most [`MAX_BYTES`].
    Stream(Format),
    /// A file of that format with every row, at most [`MAX_FILE_BYTES`].
    File(Format),
}

/// Where questions are taken.
#[derive(Clone)]
pub struct Desk {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    root: PathBuf,
    sealed: PathBuf,
    slots: Arc<Semaphore>,
    copy: tokio::sync::Mutex<Option<Arc<Copy>>>,
    number: AtomicU64,
}

impl Desk {
    /// A desk for the store of this data directory; what an earlier one left there goes.
    pub fn open(store: &Store, data: &Path) -> Result<Desk, StoreError> {
        let root = data.join(NAME);
        clear(&root)?;
        Ok(Desk {
            inner: Arc::new(Inner {
                store: store.clone(),
                root,
                sealed: data.join(super::sealed::NAME),
                slots: Arc::new(Semaphore::new(AT_ONCE)),
                copy: tokio::sync::Mutex::default(),
                number: AtomicU64::new(0),
            }),
        })
    }

    /// Starts a child with the question. Waits a little when two are at work already.
    pub async fn ask(
        &self,
        question: Question,
        output: Output,
        limits: &Limits,
    ) -> Result<Run, StoreError> {
        let inner = &self.inner;
        let turn = Arc::clone(&inner.slots).acquire_owned();
        let Ok(Ok(slot)) = tokio::time::timeout(WAIT, turn).await else {
            return Err(StoreError::Busy(format!(
                "{AT_ONCE} questions are being answered already: try again in some seconds"
            )));
        };
        let copy = self.copy().await?;
        let mut limits = limits.clone();
        let free = Room::of(&inner.root).map_or(u64::MAX, |room| room.free_bytes);
        limits.spill_bytes = limits.spill_bytes.min(free / SHARE_OF_DISK);
        let private = Private::make(inner.root.join(format!("run-{}", self.number())))?;
        let order = frame::Order {
            copy: copy.directory.clone(),
            sealed: inner.sealed.clone(),
            private: private.0.clone(),
            question: Question {
                timeout: limits.wall,
                ..question
            },
            output,
            max_bytes: match output {
                Output::File(_) => MAX_FILE_BYTES.min(free / SHARE_OF_DISK),
                _ => MAX_BYTES,
            },
            limits,
        };
        run::start(order, copy, private, slot).await
    }

    /// A copy that is young enough, made if there is none.
    async fn copy(&self) -> Result<Arc<Copy>, StoreError> {
        let mut last = self.inner.copy.lock().await;
        if let Some(copy) = last.as_ref().filter(|copy| copy.is_fresh()) {
            return Ok(Arc::clone(copy));
        }
        let store = self.inner.store.clone();
        let directory = self.inner.root.join(format!("copy-{}", self.number()));
        let made = tokio::task::spawn_blocking(move || Copy::make(&store, directory)).await;
        let made = made.map_err(|e| StoreError::Other(format!("the copy ended oddly: {e}")))?;
        let copy = Arc::new(made?);
        *last = Some(Arc::clone(&copy));
        Ok(copy)
    }

    fn number(&self) -> u64 {
        self.inner.number.fetch_add(1, Ordering::Relaxed)
    }
}

impl Copy {
    fn is_fresh(&self) -> bool {
        let serves = if self.took < QUICK {
            Duration::ZERO
        } else {
            (self.took * SERVES).min(OLDEST)
        };
        Instant::now().saturating_duration_since(self.begun) < serves
    }
}

/// Everything below the directory goes; it is there afterwards, for its owner alone.
fn clear(root: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::DirBuilderExt;
    if root.exists() {
        std::fs::remove_dir_all(root)
            .map_err(|e| StoreError::Other(format!("{} cannot be cleared: {e}", root.display())))?;
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(root)
        .map_err(|e| StoreError::Other(format!("{} cannot be made: {e}", root.display())))
}

/// A directory that goes with this value.
struct Private(PathBuf);

impl Private {
    fn make(path: PathBuf) -> Result<Private, StoreError> {
        clear(&path)?;
        Ok(Private(path))
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(path = %self.0.display(), "stays until the next start: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desk_clears_what_an_earlier_one_left() {
        let data = tempfile::tempdir().unwrap();
        let old = data.path().join(NAME).join("run-7");
        std::fs::create_dir_all(&old).unwrap();
        std::fs::write(old.join("x"), b"x").unwrap();
        let (store, _recorder) = Store::in_memory().unwrap();
        Desk::open(&store, data.path()).unwrap();
        assert!(!old.exists());
        let left = std::fs::read_dir(data.path().join(NAME)).unwrap().count();
        assert_eq!(left, 0);
    }
}
