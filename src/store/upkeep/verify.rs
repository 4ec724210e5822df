//! Whether every sealed file holds what the manifest says, and whether the database can be read.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use duckdb::Connection;
use serde::Serialize;

use super::super::ask::clean;
use super::super::schema::{self, ident, literal};
use super::super::sealed::manifest::{self, Entry};
use super::super::sealed::{Folder, copy};
use super::super::{Store, StoreError};
use super::{Tell, step};

/// A file that the manifest does not know may be on its way into it for so long.
const ON_ITS_WAY: Duration = Duration::from_secs(600);

/// What was looked at and what was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Verified {
    pub version: u32,
    /// Sealed files that were looked at.
    pub files: usize,
    pub bytes: i64,
    pub rows: i64,
    /// Tables of the database that were read.
    pub tables: usize,
    pub hot_rows: i64,
    pub problems: Vec<Problem>,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    /// `missing`, `unreadable`, `size`, `rows`, `times`, `unsorted`, `schema`, `label`, `overlap`,
    /// `orphan` or `database`.
    pub kind: &'static str,
    /// Below `data/sealed`, or a table of the database.
    pub place: String,
    pub message: String,
}

pub(super) fn all(store: &Store, quick: bool, tell: Tell<'_>) -> Result<Verified, StoreError> {
    let connection = store.shared.pool.connection()?;
    let Some(folder) = &store.shared.sealed else {
        return Err(StoreError::Other("a history in memory has no files".into()));
    };
    let entries = manifest::read(&connection)?;
    let id = manifest::store_id(&connection)?;
    let mut found = Verified {
        version: 1,
        ..Verified::default()
    };
    for (done, entry) in entries.iter().enumerate() {
        step(tell, done, entries.len(), &entry.path)?;
        let problems = examine(&connection, folder, entry, &id, quick);
        // What was replaced meanwhile may be gone, and rightly so.
        if !problems.is_empty() && known(&connection, entry)? {
            found.problems.extend(problems);
        }
        found.files += 1;
        found.bytes += entry.bytes;
        found.rows += entry.rows;
    }
    overlaps(&entries, &mut found.problems);
    orphans(&connection, folder, &mut found.problems)?;
    step(tell, entries.len(), entries.len(), "database")?;
    database(&connection, quick, &mut found)?;
    Ok(found)
}

fn known(connection: &Connection, entry: &Entry) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM raw.sealed_file WHERE path = ?";
    let rows: i64 = connection.query_row(sql, [&entry.path], |row| row.get(0))?;
    Ok(rows > 0)
}

/// Collects what is wrong with one file.
struct Examination<'a> {
    entry: &'a Entry,
    problems: Vec<Problem>,
}

impl Examination<'_> {
    fn wrong(&mut self, kind: &'static str, message: String) {
        self.problems.push(Problem {
            kind,
            place: self.entry.path.clone(),
            message,
        });
    }

    /// Says so when a file's number is not the manifest's.
    fn compare(&mut self, kind: &'static str, what: &str, found: i64, expected: i64) {
        if found != expected {
            let message = format!("{what} {found}, the manifest says {expected}");
            self.wrong(kind, message);
        }
    }
}

fn examine(
    connection: &Connection,
    folder: &Folder,
    entry: &Entry,
    store: &str,
    quick: bool,
) -> Vec<Problem> {
    let mut examination = Examination {
        entry,
        problems: Vec::new(),
    };
    let path = folder.file(&entry.path);
    match std::fs::metadata(&path) {
        Ok(found) => {
            let size = i64::try_from(found.len()).unwrap_or(i64::MAX);
            examination.compare("size", "the bytes on disk are", size, entry.bytes);
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let words = "the file is gone; its rows are lost unless a backup has it".to_owned();
            examination.wrong("missing", words);
            return examination.problems;
        }
        Err(error) => {
            examination.wrong("unreadable", error.to_string());
            return examination.problems;
        }
    }
    let read = labels(connection, &path, store, &mut examination).and_then(|()| {
        if quick {
            return Ok(());
        }
        contents(connection, &path, &mut examination)
    });
    if let Err(error) = read {
        examination.wrong("unreadable", first_line(&error.to_string()));
    }
    examination.problems
}

/// What the file says about itself in its footer.
fn labels(
    connection: &Connection,
    path: &Path,
    store: &str,
    examination: &mut Examination<'_>,
) -> duckdb::Result<()> {
    let entry = examination.entry;
    let file = literal(&path.to_string_lossy());
    let sql = format!("SELECT num_rows FROM parquet_file_metadata({file})");
    let rows: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
    examination.compare("rows", "the rows by its footer are", rows, entry.rows);
    let sql = format!("SELECT decode(key), decode(value) FROM parquet_kv_metadata({file})");
    let mut statement = connection.prepare(&sql)?;
    let pairs = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let pairs: HashMap<String, String> = pairs.collect::<Result<_, _>>()?;
    let label = |name: &str| pairs.get(name).map_or("", String::as_str);
    let schema = label("eider_schema").parse::<i64>();
    if schema.as_ref().is_ok_and(|found| *found > schema::VERSION) {
        let words = format!(
            "it was written by a newer eider (schema {}, this one knows {})",
            label("eider_schema"),
            schema::VERSION
        );
        examination.wrong("schema", words);
    }
    let expected = [
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
    for (name, expected) in expected {
        let found = label(name);
        if found != expected {
            let words = format!("its label {name} is `{found}`, the manifest says `{expected}`");
            examination.wrong("label", words);
        }
    }
    Ok(())
}

/// Reads every value of the file.
fn contents(
    connection: &Connection,
    path: &Path,
    examination: &mut Examination<'_>,
) -> duckdb::Result<()> {
    let entry = examination.entry;
    let file = format!("read_parquet({})", literal(&path.to_string_lossy()));
    let mut statement = connection.prepare(&format!("DESCRIBE FROM {file}"))?;
    let columns = statement.query_map([], |row| row.get::<_, String>(0))?;
    let columns: Vec<String> = columns.collect::<Result<_, _>>()?;
    let sorted: Vec<String> = ["host_id", "entity_id", "ts"]
        .into_iter()
        .filter(|name| columns.iter().any(|column| column == name))
        .map(ident)
        .collect();
    if !columns.iter().any(|column| column == "ts") {
        examination.wrong("times", "there is no column ts".into());
        return Ok(());
    }
    // The hash makes DuckDB unpack every column; the sum keeps it from leaving the hash out.
    let sql = format!(
        "SELECT count(*), epoch(min(ts))::BIGINT, epoch(max(ts))::BIGINT,
                count(*) FILTER (WHERE this < before), bit_xor(every)
         FROM (SELECT ts, this, every, lag(this) OVER () AS before
               FROM (SELECT ts, row({}) AS this, hash(t) AS every FROM {file} t))",
        sorted.join(", ")
    );
    type Read = (i64, Option<i64>, Option<i64>, i64);
    let (rows, first, last, unsorted): Read = connection.query_row(&sql, [], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    examination.compare("rows", "the rows that can be read are", rows, entry.rows);
    let first = first.unwrap_or(0);
    let last = last.unwrap_or(0);
    examination.compare("times", "the first row is of", first, entry.first);
    examination.compare("times", "the last row is of", last, entry.last);
    if first < entry.from || last >= entry.to {
        let words = format!(
            "its rows reach from {first} to {last}, beyond its stretch {} to {}",
            entry.from, entry.to
        );
        examination.wrong("times", words);
    }
    if unsorted > 0 {
        let words = format!("{unsorted} rows are smaller than the row before them");
        examination.wrong("unsorted", words);
    }
    Ok(())
}

/// Two files of one table for the same time would show its rows twice.
fn overlaps(entries: &[Entry], problems: &mut Vec<Problem>) {
    // The manifest is read by table, tier and begin.
    for pair in entries.windows(2) {
        let (one, next) = (&pair[0], &pair[1]);
        if one.table == next.table && one.tier == next.tier && next.from < one.to {
            problems.push(Problem {
                kind: "overlap",
                place: next.path.clone(),
                message: format!("{} covers the same time", one.path),
            });
        }
    }
}

/// Files below the folder that neither the manifest knows nor anything under way.
fn orphans(
    connection: &Connection,
    folder: &Folder,
    problems: &mut Vec<Problem>,
) -> Result<(), StoreError> {
    let files = copy::list(folder.root());
    // Read after the directory: a file that is sealed meanwhile is known by now.
    let known: Vec<_> = manifest::read(connection)?
        .iter()
        .map(|entry| folder.file(&entry.path))
        .collect();
    for path in files {
        let name = path.strip_prefix(folder.root()).unwrap_or(&path);
        let expected =
            name.starts_with("empty") || known.contains(&path) || folder.is_replaced(&path);
        if expected || is_young(&path) {
            continue;
        }
        problems.push(Problem {
            kind: "orphan",
            place: name.to_string_lossy().into_owned(),
            message: "the manifest does not know this file: it is not read".into(),
        });
    }
    Ok(())
}

fn is_young(path: &Path) -> bool {
    let changed = std::fs::metadata(path).and_then(|found| found.modified());
    // Gone meanwhile, or of the future: not for us to judge.
    changed.map_or(true, |changed| {
        SystemTime::now()
            .duration_since(changed)
            .map_or(true, |age| age < ON_ITS_WAY)
    })
}

/// Reads every table of the database.
fn database(connection: &Connection, quick: bool, found: &mut Verified) -> Result<(), StoreError> {
    let mut statement = connection.prepare(
        "SELECT table_name, bool_or(column_name = 'ts') AND bool_or(column_name = 'host_id')
         FROM duckdb_columns() WHERE schema_name = 'raw' AND database_name = current_database()
         GROUP BY table_name ORDER BY table_name",
    )?;
    let tables = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let tables: Vec<(String, bool)> = tables.collect::<Result<_, _>>()?;
    for (table, timed) in tables {
        let every = if quick { "0" } else { "bit_xor(hash(t))" };
        let sql = format!("SELECT count(*), {every} FROM raw.{} t", ident(&table));
        found.tables += 1;
        match connection.query_row(&sql, [], |row| row.get::<_, i64>(0)) {
            Ok(rows) if timed => found.hot_rows += rows,
            Ok(_) => {}
            Err(error) => found.problems.push(Problem {
                kind: "database",
                place: table,
                message: first_line(&error.to_string()),
            }),
        }
    }
    Ok(())
}

fn first_line(text: &str) -> String {
    clean(text).lines().next().unwrap_or_default().to_owned()
}
