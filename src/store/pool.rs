//! The readers' connections, at most [`READERS`] at once, and the watchdog that interrupts the one
//! whose time is up.

mod watchdog;

use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use duckdb::Connection;

use super::StoreError;
use watchdog::{Watchdog, Watched};

/// Questions that run at once.
pub(super) const READERS: usize = 4;
/// Work beside the readers waits so long for a file that is being opened again.
const REOPEN_TIME: Duration = Duration::from_secs(30);
/// At the end, readers may take so long to go.
const CLOSE_TIME: Duration = Duration::from_secs(5);
/// Work beside the readers has no deadline of its own; what takes longer than this hangs.
const BESIDE_TIME: Duration = Duration::from_secs(7 * 86_400);

pub(super) struct Pool {
    state: Mutex<State>,
    freed: Condvar,
    watchdog: Arc<Watchdog>,
}

struct State {
    /// Every reader is cloned from it; `None` once closed, and while suspended.
    root: Option<Connection>,
    /// The file is being opened again: whoever wants to read waits.
    suspended: bool,
    /// The empty twin that plans questions; see [`super::sealed::scope`].
    twin: Option<Connection>,
    /// What a new reader runs first.
    first: String,
    /// Counts the changes of `twin` and `first`; a reader from before is not used again.
    generation: u64,
    idle: Vec<Reader>,
    busy: usize,
    /// Connections beside the readers that are in use.
    beside: usize,
}

/// One connection and the time zone it is set to.
pub(super) struct Reader {
    connection: Connection,
    twin: Option<Connection>,
    generation: u64,
    timezone: String,
}

/// A connection beside the readers; counted, and interrupted when the history closes.
pub(super) struct Beside<'p> {
    pool: &'p Pool,
    connection: Option<Connection>,
    _watched: Watched,
}

/// A reader in use; goes back when dropped.
pub(super) struct Lease<'p> {
    pool: &'p Pool,
    reader: Option<Reader>,
}

impl Pool {
    /// Readers are clones of `root` that have run `first`.
    pub(super) fn new(root: Connection, twin: Option<Connection>, first: String) -> Pool {
        Pool {
            state: Mutex::new(State {
                root: Some(root),
                suspended: false,
                twin,
                first,
                generation: 0,
                idle: Vec::new(),
                busy: 0,
                beside: 0,
            }),
            freed: Condvar::new(),
            watchdog: Watchdog::start(),
        }
    }

    /// A reader, or `None` when none was free until the deadline.
    pub(super) fn lease(&self, deadline: Instant) -> Result<Option<Lease<'_>>, StoreError> {
        let mut state = self.state();
        loop {
            if state.busy < READERS && !state.suspended {
                let reader = state.reader()?;
                state.busy += 1;
                return Ok(Some(Lease {
                    pool: self,
                    reader: Some(reader),
                }));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            state = self
                .freed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// From now on readers have this twin and run this first.
    pub(super) fn renew(&self, twin: Connection, first: String) {
        let mut state = self.state();
        state.twin = Some(twin);
        state.first = first;
        state.generation += 1;
        state.idle.clear();
    }

    /// Lets what runs end, for half of that time, then interrupts it, and closes every connection;
    /// `false`: some are still in use. Until [`Pool::resume`], whoever wants to read waits.
    pub(super) fn suspend(&self, patience: Duration) -> bool {
        let mut state = self.state();
        state.suspended = true;
        state.root = None;
        state.twin = None;
        state.idle.clear();
        // Readers in use are not taken back.
        state.generation += 1;
        self.drained(state, patience, patience / 2)
    }

    /// Waits until no connection is in use, interrupting after a while those that are.
    fn drained(
        &self,
        mut state: MutexGuard<'_, State>,
        patience: Duration,
        gentle: Duration,
    ) -> bool {
        let begun = Instant::now();
        while state.busy + state.beside > 0 {
            if begun.elapsed() >= patience {
                return false;
            }
            if begun.elapsed() >= gentle {
                self.watchdog.interrupt_all();
            }
            state = self
                .freed
                .wait_timeout(state, Duration::from_millis(50))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    /// Readers are clones of this root from now on.
    pub(super) fn resume(&self, root: Connection, twin: Connection, first: String) {
        let mut state = self.state();
        state.root = Some(root);
        state.twin = Some(twin);
        state.first = first;
        state.suspended = false;
        drop(state);
        self.freed.notify_all();
    }

    /// A connection beside the readers, for work that is not a question.
    pub(super) fn connection(&self) -> Result<Beside<'_>, StoreError> {
        let mut state = self.state();
        let begun = Instant::now();
        while state.suspended {
            if begun.elapsed() >= REOPEN_TIME {
                return Err(StoreError::Invalidated("it is being opened again".into()));
            }
            state = self
                .freed
                .wait_timeout(state, REOPEN_TIME)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        let Some(root) = &state.root else {
            return Err(StoreError::Other("the history is closed".into()));
        };
        let connection = root.try_clone()?;
        state.beside += 1;
        drop(state);
        let far = Instant::now() + BESIDE_TIME;
        Ok(Beside {
            pool: self,
            _watched: self
                .watchdog
                .clone()
                .add(far, connection.interrupt_handle()),
            connection: Some(connection),
        })
    }

    /// Interrupts what runs, waits for it (5 s at most) and closes every reader.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.root = None;
        state.suspended = false;
        state.twin = None;
        state.idle.clear();
        self.freed.notify_all();
        // Whoever does not heed the interrupt is left behind.
        let _ = self.drained(state, CLOSE_TIME, Duration::ZERO);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn reader(&mut self) -> Result<Reader, StoreError> {
        let Some(root) = &self.root else {
            return Err(StoreError::Other("the history is closed".into()));
        };
        if let Some(reader) = self.idle.pop() {
            return Ok(reader);
        }
        let connection = root.try_clone()?;
        connection.execute_batch(&self.first)?;
        let twin = self.twin.as_ref().map(Connection::try_clone).transpose()?;
        Ok(Reader {
            connection,
            twin,
            generation: self.generation,
            timezone: String::new(),
        })
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.watchdog.stop();
    }
}

impl Lease<'_> {
    /// Sets the session's time zone; the name has been checked.
    pub(super) fn set_timezone(&mut self, name: &str) -> Result<(), duckdb::Error> {
        let Some(reader) = &mut self.reader else {
            return Ok(());
        };
        if reader.timezone != name {
            let set = format!("SET TimeZone = {}", super::schema::literal(name));
            reader.connection.execute_batch(&set)?;
            if let Some(twin) = &reader.twin {
                twin.execute_batch(&set)?;
            }
            reader.timezone = name.to_owned();
        }
        Ok(())
    }

    /// The connection, unless it was discarded.
    pub(super) fn kept(&self) -> Option<&Connection> {
        self.reader.as_ref().map(|reader| &reader.connection)
    }

    pub(super) fn twin(&self) -> Option<&Connection> {
        self.reader.as_ref()?.twin.as_ref()
    }

    /// Interrupts the connection at the deadline, until the guard is dropped.
    pub(super) fn watch(&self, deadline: Instant) -> Vec<Watched> {
        let watchdog = &self.pool.watchdog;
        let watched = |c: &Connection| watchdog.clone().add(deadline, c.interrupt_handle());
        let mut both = vec![watched(self)];
        both.extend(self.twin().map(watched));
        both
    }

    /// Does not give the connection back: its state is unknown.
    pub(super) fn discard(&mut self) {
        self.reader = None;
    }
}

impl Deref for Lease<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        let reader = self.reader.as_ref();
        &reader
            .expect("a discarded lease is not used again")
            .connection
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        state.busy -= 1;
        if let (Some(reader), true) = (self.reader.take(), state.root.is_some())
            && reader.generation == state.generation
        {
            state.idle.push(reader);
        }
        drop(state);
        self.pool.freed.notify_one();
    }
}

impl Deref for Beside<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
            .as_ref()
            .expect("it is there until it is dropped")
    }
}

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        // Closed before it is counted as gone.
        self.connection = None;
        self.pool.state().beside -= 1;
        self.pool.freed.notify_all();
    }
}
