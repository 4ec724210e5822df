//! Seals a stretch: copies it to files, then switches over in one transaction.

use std::time::Duration;

use duckdb::Connection;

use super::super::schema::{self, ident, literal};
use super::super::{Recorder, Store, StoreError};
use super::manifest::{self, Entry, Tier};
use super::plan::{self, Pace, Stretch};
use super::table::{self, Timed};
use super::{Folder, copy, crash};
use crate::reading::UnixSeconds;

/// Measured on 17 M interface rows: numbers pack best as deltas under zstd 3; a dictionary of more
/// than a few values only stands in the way of them. Small row groups let one port's day be read
/// without its neighbours'.
const OPTIONS: &str = "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE 61440";
const FEW_VALUES: &str = ", DICTIONARY_SIZE_LIMIT 16";

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
        let mut all = Vec::new();
        for table in table::all(&connection)? {
            all.extend(plan::due(&connection, &table, &manifest, now, pace)?);
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
    let sequence = manifest::sequence(connection)? + 1;
    let store = manifest::store_id(connection)?;
    let removed = if stretch.day {
        replaced(manifest::read(connection)?, stretch)
    } else {
        Vec::new()
    };
    let raw = removed.iter().filter(|entry| entry.tier == Tier::Raw);
    let paths: Vec<&str> = raw.map(|entry| entry.path.as_str()).collect();
    let source = Source::of(folder, &table, stretch, &paths);
    let hot_rows = source.hot_rows(connection)?;
    let mut writer = Writer {
        connection,
        folder,
        stretch,
        sequence,
        store: &store,
        added: Vec::new(),
    };
    let columns: Vec<String> = table.columns.iter().map(|(name, _)| ident(name)).collect();
    let options = if table.columns.iter().any(|(_, kind)| kind == "DOUBLE") {
        OPTIONS.to_owned()
    } else {
        format!("{OPTIONS}{FEW_VALUES}")
    };
    let select = format!("SELECT {} FROM ({})", columns.join(", "), source.select);
    writer.write(Tier::Raw, &select, table.order(), &options)?;
    Ok(Prepared {
        stretch: stretch.clone(),
        sequence,
        hot_rows,
        added: writer.added,
        removed,
    })
}

/// The files of a day.
fn replaced(manifest: Vec<Entry>, stretch: &Stretch) -> Vec<Entry> {
    manifest
        .into_iter()
        .filter(|entry| {
            entry.table == stretch.table && entry.from >= stretch.from && entry.to <= stretch.to
        })
        .collect()
}

/// The rows of a stretch.
struct Source {
    select: String,
    hot: String,
}

impl Source {
    fn of(folder: &Folder, table: &Timed, stretch: &Stretch, paths: &[&str]) -> Source {
        let hot = hot(&table.name, stretch);
        let mut select = format!("SELECT * FROM {hot}");
        if !paths.is_empty() {
            let list: Vec<String> = paths
                .iter()
                .map(|path| literal(&folder.file(path).to_string_lossy()))
                .collect();
            select = format!(
                "SELECT * FROM read_parquet([{}], union_by_name = true) UNION ALL BY NAME {select}",
                list.join(", ")
            );
        }
        Source { select, hot }
    }

    fn hot_rows(&self, connection: &Connection) -> Result<i64, StoreError> {
        let sql = format!("SELECT count(*) FROM {}", self.hot);
        connection
            .query_row(&sql, [], |row| row.get(0))
            .map_err(StoreError::from)
    }
}

/// The hot rows of a stretch, as what follows FROM or DELETE FROM.
fn hot(table: &str, stretch: &Stretch) -> String {
    format!(
        "raw.{} WHERE ts >= to_timestamp({}) AND ts < to_timestamp({})",
        ident(table),
        stretch.from,
        stretch.to
    )
}

/// Writes the files of one stretch.
struct Writer<'a> {
    connection: &'a Connection,
    folder: &'a Folder,
    stretch: &'a Stretch,
    sequence: i64,
    store: &'a str,
    added: Vec<Entry>,
}

impl Writer<'_> {
    /// Writes one file, unless there are no rows.
    fn write(
        &mut self,
        tier: Tier,
        select: &str,
        order: &str,
        options: &str,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT count(*), coalesce(epoch(min(ts)), 0)::BIGINT, coalesce(epoch(max(ts)), 0)::BIGINT FROM ({select})"
        );
        let (rows, first, last): (i64, i64, i64) = self
            .connection
            .query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        if rows == 0 {
            return Ok(());
        }
        let path = self.path(tier);
        let mut entry = Entry {
            table: self.stretch.table.clone(),
            tier,
            path: path.clone(),
            from: self.stretch.from,
            to: self.stretch.to,
            first,
            last,
            rows,
            bytes: 0,
            schema: schema::VERSION,
            sequence: self.sequence,
        };
        let file = self.folder.file(&path);
        let options = format!(
            "{options}, KV_METADATA {{{}}}",
            describe(&entry, self.store)
        );
        let query = format!("{select} ORDER BY {order}");
        copy::write(self.connection, &file, &query, &options)?;
        entry.bytes = self.written(&file, rows)?;
        self.added.push(entry);
        Ok(())
    }

    /// `interface/2026-11-23T05-17.parquet`: the beginning of the stretch and the sequence.
    fn path(&self, tier: Tier) -> String {
        let format = if self.stretch.day {
            "%Y-%m-%d"
        } else {
            "%Y-%m-%dT%H%M"
        };
        let begin = jiff::Timestamp::from_second(self.stretch.from).unwrap_or_default();
        format!(
            "{}/{}-{}.parquet",
            tier.set(&self.stretch.table),
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
    // Rows are only ever appended: as many as were copied are those that were copied.
    let hot = hot(&prepared.stretch.table, &prepared.stretch);
    let removed = connection.execute(&format!("DELETE FROM {hot}"), [])?;
    if i64::try_from(removed) != Ok(prepared.hot_rows) {
        return Ok(false);
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
