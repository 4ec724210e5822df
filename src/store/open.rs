//! Opens the file with its settings, and says in clear words why it cannot.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use duckdb::{Config, Connection};

use super::repair::{self, Repair};
use super::schema::literal;
use super::sealed::{Folder, files, manifest, scope, table};
use super::{Options, Recorder, Shared, Store, StoreError, adhoc, health, lock, migrate, pool};
use crate::table::Tables;

/// The file's name in the data directory.
pub(super) const FILE: &str = "eider.duckdb";
/// The directory for exports in the data directory.
const EXPORT: &str = "export";
/// A log that is still damaged after so many cuts is left alone.
const REPAIRS_MAX: usize = 3;
/// So much log is written before the rows move to the file itself. Until then they also stay in
/// memory: a fleet of ten thousand devices writes 40 MB of it a minute.
const CHECKPOINT_AFTER: &str = "64MB";

/// Opens or makes the file in the data directory.
pub(super) fn file(data: &Path, options: &Options) -> Result<(Store, Recorder), StoreError> {
    let export = data.join(EXPORT);
    let sealed = Folder::new(data);
    for directory in [data, &export, sealed.root()] {
        make_directory(directory)?;
    }
    let path = data.join(FILE);
    let lock = lock::take(data, &path)?;
    clear(&export);
    let opened = database(data, options, &sealed)?;
    let (twin, first) = prepare(&opened, &sealed)?;
    sealed.tidy(&opened)?;
    finish(opened, Some(twin), first, |shared| {
        shared.options = options.clone();
        shared.data = Some(data.into());
        shared.export = Some(export);
        shared.sealed = Some(sealed);
        shared.lock = Some(lock);
    })
}

/// Opens the database file, whole and up to date.
pub(super) fn database(
    data: &Path,
    options: &Options,
    sealed: &Folder,
) -> Result<Connection, StoreError> {
    let path = data.join(FILE);
    let (connection, repairs) = connect(&path, options)?;
    let adhoc = data.join(adhoc::NAME);
    set_up(
        &connection,
        data,
        &[&data.join(EXPORT), sealed.root(), &adhoc],
    )?;
    migrate::bring_up(&connection, &path, Some(sealed))?;
    for repair in &repairs {
        report(&connection, repair)?;
    }
    manifest::store_id(&connection)?;
    Ok(connection)
}

/// What readers need: the twin that plans, and what each runs first.
pub(super) fn prepare(
    connection: &Connection,
    sealed: &Folder,
) -> Result<(Connection, String), StoreError> {
    files::complete(connection, sealed)?;
    files::clear(connection, sealed)?;
    Ok((twin(connection)?, files::all_empty(connection, sealed)?))
}

/// Removes what an interrupted export left.
fn clear(directory: &Path) {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        let gone = if path.is_dir() {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
        if let Err(error) = gone {
            tracing::warn!(path = %path.display(), "cannot be removed: {error}");
        }
    }
}

/// Opens the file. A damaged write-ahead log is cut and opened again, each time a copy is kept.
fn connect(path: &Path, options: &Options) -> Result<(Connection, Vec<Repair>), StoreError> {
    let mut repairs = Vec::new();
    loop {
        let opened = Connection::open_with_flags(path, config(options.memory_bytes)?);
        let error = match opened {
            Ok(connection) => return Ok((connection, repairs)),
            Err(error) => why_not_opened(path, &error),
        };
        let repair = match &error {
            StoreError::DamagedWal { wal, message, .. } if repairs.len() < REPAIRS_MAX => {
                repair::cut(wal, message)
            }
            _ => None,
        };
        repairs.push(repair.ok_or(error)?);
    }
}

/// A repair is told in the log and stands in the history as an event without a host.
fn report(connection: &Connection, repair: &Repair) -> Result<(), StoreError> {
    let message = format!(
        "the write-ahead log was damaged: {} bytes were dropped, a copy is kept as {}",
        repair.dropped_bytes,
        repair.copy.display()
    );
    tracing::error!("{message}");
    connection.execute(
        "INSERT INTO raw.event (ts, kind, subject, message)
         VALUES (date_trunc('second', now()), 'wal_repaired', '', ?)",
        [message],
    )?;
    Ok(())
}

/// Opens a file beside the history, a snapshot, with no bounds on what it may read.
pub(super) fn plain(path: &Path) -> Result<Connection, StoreError> {
    Connection::open_with_flags(path, config(None)?).map_err(|error| why_not_opened(path, &error))
}

/// An empty history in memory.
pub(super) fn memory() -> Result<(Store, Recorder), StoreError> {
    let connection = Connection::open_in_memory_with_flags(config(Some(256 << 20))?)?;
    let nowhere = Path::new("/nonexistent");
    lock_down(&connection, &[nowhere])?;
    migrate::bring_up(&connection, Path::new("memory"), None)?;
    finish(connection, None, String::new(), |_| {})
}

/// An empty database in memory with the same tables and views, that plans questions: see
/// [`super::sealed::scope`].
pub(super) fn twin(original: &Connection) -> Result<Connection, StoreError> {
    let twin = Connection::open_in_memory_with_flags(config(Some(128 << 20))?.threads(1)?)?;
    twin.execute_batch(&format!(
        "SET disabled_optimizers = {}; CREATE SCHEMA raw; CREATE SCHEMA hist",
        literal(scope::DISABLED)
    ))?;
    lock_down(&twin, &[Path::new("/nonexistent")])?;
    for statement in table::copies(original)? {
        twin.execute_batch(&statement)?;
    }
    Ok(twin)
}

/// After the tables changed: readers and their twin know the new ones.
pub(super) fn renew(
    connection: &Connection,
    pool: &pool::Pool,
    folder: &Folder,
) -> Result<(), StoreError> {
    files::clear(connection, folder)?;
    pool.renew(twin(connection)?, files::all_empty(connection, folder)?);
    Ok(())
}

pub(super) fn finish(
    connection: Connection,
    twin: Option<Connection>,
    first: String,
    with: impl FnOnce(&mut Shared),
) -> Result<(Store, Recorder), StoreError> {
    let root = connection.try_clone()?;
    let mut shared = Shared {
        pool: pool::Pool::new(root, twin, first),
        health: health::Watch::default(),
        slots: tokio::sync::Semaphore::new(pool::READERS),
        options: Options::default(),
        data: None,
        export: None,
        sealed: None,
        lock: None,
    };
    with(&mut shared);
    let shared = Arc::new(shared);
    let store = Store {
        shared: shared.clone(),
    };
    let recorder = Recorder {
        connection,
        shared,
        tables: Tables::default(),
        lost: false,
        doubtful: false,
    };
    Ok((store, recorder))
}

fn make_directory(directory: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::DirBuilderExt;
    if directory.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|e| {
            StoreError::Other(format!(
                "the data directory {} cannot be made: {e}",
                directory.display()
            ))
        })
}

fn config(memory: Option<u64>) -> Result<Config, StoreError> {
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get());
    let memory = memory.unwrap_or_else(default_memory);
    Config::default()
        .threads(i64::try_from(threads).unwrap_or(2))
        .and_then(|c| c.max_memory(&format!("{}MB", (memory / 1_000_000).max(64))))
        .and_then(|c| c.with("checkpoint_threshold", CHECKPOINT_AFTER))
        .and_then(|c| c.with("autoinstall_known_extensions", "false"))
        .and_then(|c| c.with("autoload_known_extensions", "false"))
        .and_then(|c| c.with("allow_community_extensions", "false"))
        .map_err(StoreError::from)
}

/// min(25 % of RAM, 2 GB).
fn default_memory() -> u64 {
    const CEILING: u64 = 2_000_000_000;
    let total = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|l| l.starts_with("MemTotal:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        });
    total.map_or(CEILING / 4, |kib| (kib * 1024 / 4).min(CEILING))
}

fn set_up(connection: &Connection, data: &Path, allowed: &[&Path]) -> Result<(), StoreError> {
    let spill = literal(&data.join("tmp").to_string_lossy());
    connection.execute_batch(&format!(
        "SET temp_directory = {spill}; SET max_temp_directory_size = '4GB';
         SET parquet_metadata_cache = true"
    ))?;
    lock_down(connection, allowed)
}

/// No file outside these directories, no extension, no setting but the session's time zone.
pub(super) fn lock_down(connection: &Connection, allowed: &[&Path]) -> Result<(), StoreError> {
    let allowed: Vec<String> = allowed
        .iter()
        .map(|path| literal(&path.to_string_lossy()))
        .collect();
    let allowed = allowed.join(", ");
    connection
        .execute_batch(&format!(
            "SET TimeZone = 'UTC';
             SET allowed_directories = [{allowed}];
             SET enable_external_access = false;
             SET allowed_configs = ['TimeZone'];
             SET lock_configuration = true"
        ))
        .map_err(StoreError::from)
}

/// DuckDB's words about a failed open, as an error that a person or the caller can act on.
fn why_not_opened(path: &Path, error: &duckdb::Error) -> StoreError {
    let text = error.to_string();
    if let Some(pid) = lock_holder(&text) {
        return StoreError::InUse {
            path: path.into(),
            pid,
        };
    }
    let lower = text.to_lowercase();
    let wal = wal_of(path);
    if wal.exists() && (lower.contains("wal") || lower.contains("replay")) {
        return StoreError::DamagedWal {
            path: path.into(),
            wal,
            message: first_line(&text),
        };
    }
    StoreError::Other(format!(
        "{} cannot be opened: {}",
        path.display(),
        first_line(&text)
    ))
}

pub(super) fn wal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".wal");
    name.into()
}

/// `Could not set lock on file … (PID 123) …` → 123
fn lock_holder(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("Could not set lock on file")?;
    let (_, rest) = rest.split_once("(PID ")?;
    rest.split(')').next()?.trim().parse().ok()
}

pub(super) fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// DuckDB's error as ours, outside of questions.
impl From<duckdb::Error> for StoreError {
    fn from(error: duckdb::Error) -> StoreError {
        let text = error.to_string();
        if text.contains("database has been invalidated") || text.starts_with("FATAL") {
            return StoreError::Invalidated(first_line(&text));
        }
        StoreError::Other(text.trim().to_owned())
    }
}
