//! Seals a stretch: copies it to files, then switches over in one transaction.

use std::time::Duration;

use duckdb::Connection;

use super::super::schema::{self, ident, literal};
use super::super::{Recorder, Store, StoreError, remember, rollup};
use super::manifest::{self, Entry, Tier};
use super::plan::{self, Pace, Stretch, Work};
use super::table::{self, Timed};
use super::{Folder, copy, crash, rolled};
use crate::reading::UnixSeconds;
use crate::table::Tables;

/// Measured on 17 M interface rows: numbers pack best as deltas under zstd 3; a dictionary of more
/// than a few values only stands in the way of them. Small row groups let one port's day be read
/// without its neighbours'.
const OPTIONS: &str = "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE 61440";
const FEW_VALUES: &str = ", DICTIONARY_SIZE_LIMIT 16";
const DAY: i64 = 86_400;

/// Files that are on disk and not yet in the manifest.
#[derive(Debug)]
pub struct Prepared {
    stretch: Stretch,
    sequence: i64,
    /// How many hot rows are in them.
    hot_rows: i64,
    added: Vec<Entry>,
    /// What they replace.
    removed: Vec<Entry>,
}

impl Prepared {
    /// Rows as collected, in the new files.
    pub fn rows(&self) -> i64 {
        let raw = self.added.iter().filter(|entry| entry.tier == Tier::Raw);
        raw.map(|entry| entry.rows).sum()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switched {
    Done,
    /// Rows came in, or the manifest changed, while the files were written: they are gone again.
    Again,
}

impl Store {
    /// The stretches to be sealed at `now`, in the order in which they should be. With `at_once`
    /// also those that are over but not yet due.
    pub fn stretches(&self, now: UnixSeconds, at_once: bool) -> Result<Vec<Stretch>, StoreError> {
        if self.shared.sealed.is_none() {
            return Ok(Vec::new());
        }
        let pace = if at_once { Pace::Now } else { Pace::Due };
        let connection = self.shared.pool.connection()?;
        let manifest = manifest::read(&connection)?;
        let rollups = rollup::all(&remember::all(&connection, &Tables::default())?);
        let mut all = Vec::new();
        for table in table::all(&connection)? {
            let rolled_up = rollups.iter().any(|rollup| rollup.table() == table.name);
            let due = plan::due(&connection, &table, rolled_up, &manifest, now, pace)?;
            all.extend(due);
        }
        Ok(all)
    }

    /// Copies a stretch into files of its own. Takes as long as it takes; nobody waits for it.
    pub fn prepare(&self, stretch: &Stretch) -> Result<Prepared, StoreError> {
        let Some(folder) = &self.shared.sealed else {
            return Err(StoreError::Other(
                "a history in memory is not sealed".into(),
            ));
        };
        let connection = self.shared.pool.connection()?;
        connection.execute_batch("SET TimeZone = 'UTC'; BEGIN TRANSACTION READ ONLY")?;
        let prepared = prepare(&connection, folder, stretch);
        // The connection ends here: whether this works does not matter.
        let _ = connection.execute_batch("ROLLBACK");
        prepared
    }

    /// Unlinks the files that were replaced so long ago ([`super::UNLINK_AFTER`] while questions are
    /// asked). Returns how many.
    pub fn unlink_replaced(&self, ago: Duration) -> usize {
        let folder = self.shared.sealed.as_ref();
        folder.map_or(0, |folder| folder.unlink_replaced(ago))
    }
}

impl Recorder {
    /// Puts the files into the manifest and takes the rows that are in them out of the hot table.
    pub fn switch(&mut self, prepared: &Prepared) -> Result<Switched, StoreError> {
        let shared = self.shared.clone();
        let Some(folder) = &shared.sealed else {
            return Ok(Switched::Again);
        };
        let result = self.transaction(|connection| {
            if !switch(connection, prepared)? {
                return Err(StoreError::Other(CHANGED.into()));
            }
            crash::here("switching");
            Ok(())
        });
        let (gone, outcome) = match result {
            Ok(()) => (&prepared.removed, Ok(Switched::Done)),
            Err(StoreError::Other(why)) if why == CHANGED => (&prepared.added, Ok(Switched::Again)),
            // A commit whose outcome is not known: the next start tells the files apart.
            Err(error) => return Err(error),
        };
        crash::here("switched");
        folder.replace(gone.iter().map(|entry| folder.file(&entry.path)));
        outcome
    }
}

const CHANGED: &str = "the stretch changed while it was copied";

fn prepare(
    connection: &Connection,
    folder: &Folder,
    stretch: &Stretch,
) -> Result<Prepared, StoreError> {
    let table = table::all(connection)?
        .into_iter()
        .find(|table| table.name == stretch.table)
        .ok_or_else(|| StoreError::Other(format!("there is no table {}", stretch.table)))?;
    let manifest = manifest::read(connection)?;
    let mut writer = Writer {
        connection,
        folder,
        table: &stretch.table,
        sequence: manifest::sequence(connection)? + 1,
        store: &manifest::store_id(connection)?,
        added: Vec::new(),
    };
    let (hot_rows, mut removed) = if stretch.work.takes_rows() {
        rows(connection, &mut writer, &table, &manifest, stretch)?
    } else {
        (0, Vec::new())
    };
    for rollup in rollup::of_table(connection, &stretch.table)? {
        let replaced = rolled::write(connection, &mut writer, &rollup, &manifest, stretch)?;
        removed.extend(replaced);
    }
    Ok(Prepared {
        stretch: stretch.clone(),
        sequence: writer.sequence,
        hot_rows,
        added: writer.added,
        removed,
    })
}

/// Writes the rows as collected. Returns how many of them are hot, and the files they replace.
fn rows(
    connection: &Connection,
    writer: &mut Writer<'_>,
    table: &Timed,
    manifest: &[Entry],
    stretch: &Stretch,
) -> Result<(i64, Vec<Entry>), StoreError> {
    let within = |entry: &&Entry| {
        stretch.work == Work::Day
            && entry.table == stretch.table
            && entry.tier == Tier::Raw
            && entry.from >= stretch.from
            && entry.to <= stretch.to
    };
    let removed: Vec<Entry> = manifest.iter().filter(within).cloned().collect();
    let hot_rows = connection.query_row(
        &format!("SELECT count(*) FROM {}", hot(stretch)),
        [],
        |row| row.get(0),
    )?;
    if hot_rows == 0 && removed.len() < 2 {
        return Ok((0, Vec::new()));
    }
    let columns: Vec<String> = table.columns.iter().map(|(name, _)| ident(name)).collect();
    let floats = table.columns.iter().any(|(_, kind)| kind == "DOUBLE");
    let source = Source::of(writer.folder, &table.name, Some(stretch), &removed);
    let select = format!("SELECT {} FROM ({})", columns.join(", "), source.select);
    let span = (stretch.from, stretch.to);
    writer.write(Tier::Raw, span, &select, table.order(), floats)?;
    Ok((hot_rows, removed))
}

/// Rows as collected: of files, and the hot ones of a stretch.
pub(super) struct Source {
    pub(super) select: String,
}

impl Source {
    pub(super) fn of(
        folder: &Folder,
        table: &str,
        stretch: Option<&Stretch>,
        files: &[Entry],
    ) -> Source {
        // Without hot rows their columns are there all the same: files may be older than a column.
        let hot = stretch.map_or_else(|| format!("raw.{} WHERE false", ident(table)), hot);
        let mut select = format!("SELECT * FROM {hot}");
        if !files.is_empty() {
            let list = rolled::list(folder, files);
            select = format!(
                "SELECT * FROM read_parquet({list}, union_by_name = true) UNION ALL BY NAME {select}"
            );
        }
        Source { select }
    }
}

/// The hot rows of a stretch, as what follows FROM or DELETE FROM.
pub(super) fn hot(stretch: &Stretch) -> String {
    format!(
        "raw.{} WHERE ts >= to_timestamp({}) AND ts < to_timestamp({})",
        ident(&stretch.table),
        stretch.from,
        stretch.to
    )
}

/// Writes the files of one stretch.
pub(super) struct Writer<'a> {
    connection: &'a Connection,
    pub(super) folder: &'a Folder,
    table: &'a str,
    sequence: i64,
    store: &'a str,
    added: Vec<Entry>,
}

impl Writer<'_> {
    /// Writes one file, unless there are no rows.
    pub(super) fn write(
        &mut self,
        tier: Tier,
        (from, to): (UnixSeconds, UnixSeconds),
        select: &str,
        order: &str,
        floats: bool,
    ) -> Result<(), StoreError> {
        let path = self.path(tier, from, to);
        let mut entry = Entry {
            table: self.table.to_owned(),
            tier,
            path: path.clone(),
            from,
            to,
            first: 0,
            last: 0,
            rows: 0,
            bytes: 0,
            schema: schema::VERSION,
            sequence: self.sequence,
        };
        self.count(select, &mut entry)?;
        if entry.rows == 0 {
            return Ok(());
        }
        let file = self.folder.file(&path);
        let few = if floats { "" } else { FEW_VALUES };
        let described = describe(&entry, self.store);
        let options = format!("{OPTIONS}{few}, KV_METADATA {{{described}}}");
        let query = format!("SELECT * FROM ({select}) ORDER BY {order}");
        copy::write(self.connection, &file, &query, &options)?;
        entry.bytes = self.written(&file, entry.rows)?;
        self.added.push(entry);
        Ok(())
    }

    /// How many rows there are, and the times of the first and the last.
    fn count(&self, select: &str, entry: &mut Entry) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT count(*), coalesce(epoch(min(ts)), 0)::BIGINT, coalesce(epoch(max(ts)), 0)::BIGINT FROM ({select})"
        );
        let mut statement = self.connection.prepare(&sql)?;
        (entry.rows, entry.first, entry.last) =
            statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(())
    }

    /// `interface/2026-11-23T05-17.parquet`: the beginning of the stretch and the sequence.
    fn path(&self, tier: Tier, from: UnixSeconds, to: UnixSeconds) -> String {
        let format = match to - from {
            ..DAY => "%Y-%m-%dT%H%M",
            DAY => "%Y-%m-%d",
            _ => "%Y-%m",
        };
        let begin = jiff::Timestamp::from_second(from).unwrap_or_default();
        format!(
            "{}/{}-{}.parquet",
            tier.set(self.table),
            begin.strftime(format),
            self.sequence
        )
    }

    /// The size of a file that holds all rows by its own account.
    fn written(&self, file: &std::path::Path, rows: i64) -> Result<i64, StoreError> {
        let path = literal(&file.to_string_lossy());
        let sql = format!("SELECT num_rows FROM parquet_file_metadata({path})");
        let held: i64 = self.connection.query_row(&sql, [], |row| row.get(0))?;
        if held != rows {
            return Err(StoreError::Other(format!(
                "{} holds {held} rows instead of {rows}",
                file.display()
            )));
        }
        let size = std::fs::metadata(file)
            .map_err(|e| StoreError::Other(format!("IO Error: {} is gone: {e}", file.display())))?;
        Ok(i64::try_from(size.len()).unwrap_or(i64::MAX))
    }
}

/// What the file says about itself.
fn describe(entry: &Entry, store: &str) -> String {
    let fields = [
        ("eider_table", entry.table.clone()),
        ("eider_tier", entry.tier.as_str().to_owned()),
        ("eider_schema", entry.schema.to_string()),
        ("eider_from", entry.from.to_string()),
        ("eider_to", entry.to.to_string()),
        ("eider_first_ts", entry.first.to_string()),
        ("eider_last_ts", entry.last.to_string()),
        ("eider_rows", entry.rows.to_string()),
        ("eider_sequence", entry.sequence.to_string()),
        ("eider_store", store.to_owned()),
    ];
    let all: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{key}: {}", literal(value)))
        .collect();
    all.join(", ")
}

/// `false`: the stretch is not what was copied any more.
fn switch(connection: &Connection, prepared: &Prepared) -> Result<bool, StoreError> {
    if manifest::sequence(connection)? + 1 != prepared.sequence {
        return Ok(false);
    }
    if prepared.stretch.work.takes_rows() {
        // Rows are only ever appended: as many as were copied are those that were copied.
        let hot = hot(&prepared.stretch);
        let removed = connection.execute(&format!("DELETE FROM {hot}"), [])?;
        if i64::try_from(removed) != Ok(prepared.hot_rows) {
            return Ok(false);
        }
    }
    for entry in &prepared.removed {
        if !manifest::remove(connection, &entry.path)? {
            return Ok(false);
        }
    }
    for entry in &prepared.added {
        manifest::insert(connection, entry)?;
    }
    manifest::set_sequence(connection, prepared.sequence)?;
    Ok(true)
}
