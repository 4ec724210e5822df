//! One child from the daemon's side: started, listened to, killed when its time is over or nobody
//! wants its answer any more.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::super::{AnswerColumn, Cell, StoreError};
use super::copy::Copy;
use super::frame::{End, Frame, Order};
use super::{Limits, Private};
use crate::reading::UnixSeconds;

/// The hidden verb that makes a process a child.
pub(crate) const VERB: &str = "sql-child";
/// The child stops by itself when its time is over; if it cannot, it is killed so much later.
const GRACE: Duration = Duration::from_millis(500);
/// How the file of an answer is called.
pub(super) const FILE: &str = "answer";
/// What is kept of a child's last words.
const LAST_WORDS: u64 = 4096;

/// What a child says.
#[derive(Debug)]
pub enum Event {
    /// Comes first, unless the answer is a file.
    Columns(Vec<AnswerColumn>),
    /// Of [`super::Output::Rows`].
    Rows(Vec<Vec<Cell>>),
    /// Of [`super::Output::Stream`].
    Data(Vec<u8>),
    /// Rows so far.
    Progress(u64),
    /// The answer is whole, or cut as it says.
    End(End),
}

/// A question that is being answered. Dropping it kills the child.
pub struct Run {
    /// The moment whose rows the answer shows.
    pub as_of: UnixSeconds,
    stdout: BufReader<ChildStdout>,
    deadline: Instant,
    limits: Limits,
    file: PathBuf,
    ended: bool,
    held: Option<Held>,
}

/// What goes when the child has gone.
struct Held {
    child: Child,
    /// Its end would tell the child that we have gone.
    _stdin: ChildStdin,
    _copy: Arc<Copy>,
    _private: Private,
    _slot: OwnedSemaphorePermit,
}

pub(super) async fn start(
    order: Order,
    copy: Arc<Copy>,
    private: Private,
    slot: OwnedSemaphorePermit,
) -> Result<Run, StoreError> {
    let failed = |e: &dyn std::fmt::Display| {
        StoreError::Other(format!(
            "the process for the question cannot be started: {e}"
        ))
    };
    let mut child = Command::new(program().map_err(|e| failed(&e))?)
        .arg(VERB)
        .env_clear()
        // Each arena of the allocator takes address space.
        .env("MALLOC_ARENA_MAX", "2")
        .current_dir(&order.private)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| failed(&e))?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(failed(&"it has no standard input or output"));
    };
    let mut line = serde_json::to_vec(&order).map_err(|e| failed(&e))?;
    line.push(b'\n');
    let deadline = Instant::now() + order.limits.wall + GRACE;
    let sent = tokio::time::timeout_at(deadline, stdin.write_all(&line)).await;
    // A child that does not take its order says why by how it ends.
    let _ = sent;
    Ok(Run {
        as_of: copy.as_of,
        stdout: BufReader::with_capacity(64 << 10, stdout),
        deadline,
        file: order.private.join(FILE),
        limits: order.limits,
        ended: false,
        held: Some(Held {
            child,
            _stdin: stdin,
            _copy: copy,
            _private: private,
            _slot: slot,
        }),
    })
}

/// This very program, also when its file was replaced since it started.
fn program() -> std::io::Result<PathBuf> {
    let own = PathBuf::from("/proc/self/exe");
    if own.exists() {
        return Ok(own);
    }
    std::env::current_exe()
}

impl Run {
    /// What the child says next; `None` after the end. After an error nothing comes any more.
    pub async fn next(&mut self) -> Result<Option<Event>, StoreError> {
        if self.ended {
            return Ok(None);
        }
        let read = tokio::time::timeout_at(self.deadline, Frame::read(&mut self.stdout)).await;
        let event = match read {
            Ok(Ok(Some(frame))) => match frame {
                Frame::Columns(columns) => Event::Columns(columns),
                Frame::Rows(rows) => Event::Rows(rows),
                Frame::Data(bytes) => Event::Data(bytes),
                Frame::Progress(rows) => Event::Progress(rows),
                Frame::End(end) => {
                    self.ended = true;
                    Event::End(end)
                }
                Frame::Fault(fault) => {
                    self.ended = true;
                    return Err(fault.into_error(&self.limits));
                }
            },
            Ok(_) => {
                self.ended = true;
                return Err(self.death().await);
            }
            Err(_) => {
                self.ended = true;
                self.kill();
                return Err(StoreError::Timeout(self.limits.wall));
            }
        };
        Ok(Some(event))
    }

    /// The whole answer of [`super::Output::File`], once the end has come. The file has no name any
    /// more when this run is dropped.
    pub fn file(&self) -> Result<std::fs::File, StoreError> {
        std::fs::File::open(&self.file)
            .map_err(|e| StoreError::Other(format!("the answer cannot be read: {e}")))
    }

    fn kill(&mut self) {
        if let Some(held) = &mut self.held {
            // It may have ended by itself.
            let _ = held.child.start_kill();
        }
    }

    /// Why a child ended without a word, for whoever asked.
    async fn death(&mut self) -> StoreError {
        let Some(held) = &mut self.held else {
            return StoreError::Other("the process has gone".into());
        };
        let _ = held.child.start_kill();
        let mut words = Vec::new();
        if let Some(stderr) = held.child.stderr.take() {
            let mut last = stderr.take(LAST_WORDS);
            let read = last.read_to_end(&mut words);
            let _ = tokio::time::timeout(Duration::from_secs(1), read).await;
        }
        let status = held.child.wait().await;
        let words = String::from_utf8_lossy(&words);
        tracing::debug!(
            ?status,
            words = words.trim(),
            "a question's process ended early"
        );
        status.map_or_else(
            |e| StoreError::Other(format!("the process cannot be waited for: {e}")),
            |status| self.cause(status, words.trim()),
        )
    }

    fn cause(&self, status: ExitStatus, words: &str) -> StoreError {
        use std::os::unix::process::ExitStatusExt as _;
        match status.signal() {
            Some(libc::SIGXCPU) => StoreError::Limit(format!(
                "stopped: the question needs more than its {} s of processor time",
                self.limits.cpu()
            )),
            Some(signal) => StoreError::Limit(format!(
                "stopped: the question needs more memory than it may have, or brought its process \
                 down otherwise (signal {signal}): ask for less at once"
            )),
            None if words.contains("memory") || words.contains("bad_alloc") => StoreError::Limit(
                "stopped: the question needs more memory than it may have: ask for less at once"
                    .into(),
            ),
            None => StoreError::Other(format!(
                "the process of the question ended by itself ({status})"
            )),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let Some(mut held) = self.held.take() else {
            return;
        };
        // It may have ended by itself.
        let _ = held.child.start_kill();
        // Its directory and its turn go when it has really gone.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = held.child.wait().await;
            });
        }
    }
}
