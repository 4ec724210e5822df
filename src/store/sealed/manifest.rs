//! `raw.sealed_file`: which files hold which stretch of which table.

use duckdb::{Connection, params};

use super::super::StoreError;
use crate::reading::UnixSeconds;

/// The columns, as [`super::super::schema`] makes the table.
pub(in crate::store) const COLUMNS: &[(&str, &str)] = &[
    ("table_name", "VARCHAR"),
    ("tier", "VARCHAR"),
    ("path", "VARCHAR"),
    ("from_ts", "TIMESTAMPTZ"),
    ("to_ts", "TIMESTAMPTZ"),
    ("first_ts", "TIMESTAMPTZ"),
    ("last_ts", "TIMESTAMPTZ"),
    ("rows", "BIGINT"),
    ("bytes", "BIGINT"),
    ("schema", "BIGINT"),
    ("sequence", "BIGINT"),
];

/// How fine the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// As collected.
    Raw,
    /// Rollups of 5 minutes.
    Minutes5,
    /// Rollups of an hour.
    Hourly,
}

impl Tier {
    pub const ALL: [Tier; 3] = [Tier::Raw, Tier::Minutes5, Tier::Hourly];

    /// As the manifest and the settings write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Raw => "raw",
            Tier::Minutes5 => "m5",
            Tier::Hourly => "h1",
        }
    }

    pub(in crate::store) fn from_word(word: &str) -> Option<Tier> {
        Tier::ALL.into_iter().find(|tier| tier.as_str() == word)
    }

    /// How long one row of a rollup is; 0 for rows as collected.
    pub(in crate::store) fn seconds(self) -> i64 {
        match self {
            Tier::Raw => 0,
            Tier::Minutes5 => 300,
            Tier::Hourly => 3600,
        }
    }

    /// The table and the tier of a set, as [`Tier::set`] makes it.
    pub(in crate::store) fn of_set(set: &str) -> (&str, Tier) {
        for tier in [Tier::Minutes5, Tier::Hourly] {
            let table = set.strip_suffix(&tier.set(""));
            if let Some(table) = table.filter(|table| !table.is_empty()) {
                return (table, tier);
            }
        }
        (set, Tier::Raw)
    }

    /// The name of the table's files of this tier, which is that of the view, too.
    pub(in crate::store) fn set(self, table: &str) -> String {
        match self {
            Tier::Raw => table.to_owned(),
            Tier::Minutes5 => format!("{table}_5min"),
            Tier::Hourly => format!("{table}_hourly"),
        }
    }
}

/// One file.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct Entry {
    pub(in crate::store) table: String,
    pub(in crate::store) tier: Tier,
    /// Below the folder: `interface/2026-11-23T05-17.parquet`.
    pub(in crate::store) path: String,
    /// The stretch that it covers: from, inclusive, to, exclusive.
    pub(in crate::store) from: UnixSeconds,
    pub(in crate::store) to: UnixSeconds,
    /// The time of its first and of its last row.
    pub(in crate::store) first: UnixSeconds,
    pub(in crate::store) last: UnixSeconds,
    pub(in crate::store) rows: i64,
    pub(in crate::store) bytes: i64,
    pub(in crate::store) schema: i64,
    pub(in crate::store) sequence: i64,
}

/// Every file, oldest first.
pub(in crate::store) fn read(connection: &Connection) -> Result<Vec<Entry>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT table_name, tier, path, epoch(from_ts)::BIGINT, epoch(to_ts)::BIGINT,
                epoch(first_ts)::BIGINT, epoch(last_ts)::BIGINT, rows, bytes, schema, sequence
         FROM raw.sealed_file ORDER BY table_name, tier, from_ts, path",
    )?;
    let rows = statement.query_map([], |row| {
        let tier: String = row.get(1)?;
        Ok(Entry {
            table: row.get(0)?,
            // A tier of a later version serves nobody here.
            tier: Tier::from_word(&tier).unwrap_or(Tier::Raw),
            path: row.get(2)?,
            from: row.get(3)?,
            to: row.get(4)?,
            first: row.get(5)?,
            last: row.get(6)?,
            rows: row.get(7)?,
            bytes: row.get(8)?,
            schema: row.get(9)?,
            sequence: row.get(10)?,
        })
    })?;
    rows.collect::<Result<_, _>>().map_err(StoreError::from)
}

pub(in crate::store) fn insert(connection: &Connection, entry: &Entry) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO raw.sealed_file VALUES (?, ?, ?, to_timestamp(?), to_timestamp(?),
         to_timestamp(?), to_timestamp(?), ?, ?, ?, ?)",
        params![
            entry.table,
            entry.tier.as_str(),
            entry.path,
            entry.from,
            entry.to,
            entry.first,
            entry.last,
            entry.rows,
            entry.bytes,
            entry.schema,
            entry.sequence
        ],
    )?;
    Ok(())
}

/// Takes a file out; whether it was in.
pub(in crate::store) fn remove(connection: &Connection, path: &str) -> Result<bool, StoreError> {
    let removed = connection.execute("DELETE FROM raw.sealed_file WHERE path = ?", [path])?;
    Ok(removed == 1)
}

/// Counts what was ever sealed: the number of the last switch that is in the database.
pub(in crate::store) fn sequence(connection: &Connection) -> Result<i64, StoreError> {
    Ok(meta(connection, "sequence")?
        .and_then(|text| text.parse().ok())
        .unwrap_or(0))
}

pub(in crate::store) fn set_sequence(
    connection: &Connection,
    sequence: i64,
) -> Result<(), StoreError> {
    put_meta(connection, "sequence", &sequence.to_string())
}

/// What tells this history's files from those of another: made once.
pub(in crate::store) fn store_id(connection: &Connection) -> Result<String, StoreError> {
    if let Some(id) = meta(connection, "store")? {
        return Ok(id);
    }
    let id = format!("{:032x}", rand::random::<u128>());
    put_meta(connection, "store", &id)?;
    Ok(id)
}

fn meta(connection: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    let mut statement = connection.prepare("SELECT value FROM raw.meta WHERE key = ?")?;
    let mut rows = statement.query([key])?;
    match rows.next()? {
        Some(row) => row.get(0).map_err(StoreError::from),
        None => Ok(None),
    }
}

fn put_meta(connection: &Connection, key: &str, value: &str) -> Result<(), StoreError> {
    connection.execute("DELETE FROM raw.meta WHERE key = ?", [key])?;
    connection.execute("INSERT INTO raw.meta VALUES (?, ?)", [key, value])?;
    Ok(())
}
