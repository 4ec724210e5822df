//! How large the history is, table by table, and how it grows.

use std::collections::BTreeMap;
use std::path::Path;

use duckdb::Connection;
use serde::Serialize;

use super::super::open::{FILE, wal_of};
use super::super::room::Room;
use super::super::schema::ident;
use super::super::sealed::Tier;
use super::super::sealed::manifest::{self, Entry};
use super::super::sealed::retain::kept;
use super::super::sealed::table;
use super::super::{Store, StoreError};
use super::Frame;
use super::forecast::{self, Forecast, Growth};
use crate::reading::UnixSeconds;

const DAY: i64 = 86_400;
/// Growth is that of the newest files, this far back.
const WINDOW: i64 = 7 * DAY;
/// Files of less time say little about a day.
const LEAST: i64 = 3600;

/// How large the history is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Usage {
    pub version: u32,
    pub at: UnixSeconds,
    /// The DuckDB file, with its write-ahead log: the hot rows and all that is small.
    pub database_bytes: u64,
    /// The sealed files.
    pub sealed_bytes: i64,
    pub hot_rows: i64,
    pub sealed_rows: i64,
    /// What the sealed files gain in a day before any go; `None` when the history is too young.
    pub day_bytes: Option<i64>,
    pub disk_bytes: Option<u64>,
    pub free_bytes: Option<u64>,
    pub forecast: Forecast,
    /// When the disk is full, if it will be.
    pub full_at: Option<UnixSeconds>,
    pub tables: Vec<TableUse>,
}

/// One table at one resolution.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableUse {
    pub table: String,
    /// `raw`, `m5` or `h1`.
    pub tier: &'static str,
    /// Rows that are not sealed yet.
    pub hot_rows: i64,
    pub sealed_rows: i64,
    pub files: i64,
    pub sealed_bytes: i64,
    /// Of its first and last row, hot or sealed.
    pub first_ts: Option<UnixSeconds>,
    pub last_ts: Option<UnixSeconds>,
    /// What its files gain in a day; `None` while nothing tells.
    pub day_bytes: Option<i64>,
    /// How long its rows are kept; `None` when nothing takes them away.
    pub keep_s: Option<i64>,
}

pub(super) fn of(store: &Store, frame: &Frame) -> Result<Usage, StoreError> {
    let connection = store.shared.pool.connection()?;
    // One moment for hot rows and manifest: a stretch that is sealed meanwhile counts once.
    connection.execute_batch("BEGIN TRANSACTION READ ONLY")?;
    let manifest = manifest::read(&connection)?;
    let mut tables = sealed(&manifest, frame);
    add_hot(&connection, &mut tables, frame)?;
    let data = store.shared.data.as_deref();
    let room = data.and_then(|data| Room::of(data).ok());
    let tables: Vec<TableUse> = tables.into_values().collect();
    let growth: Vec<Growth> = tables.iter().filter_map(growth).collect();
    let sum = |part: fn(&TableUse) -> i64| tables.iter().map(part).sum::<i64>();
    let sealed_bytes = sum(|one| one.sealed_bytes);
    let forecast = room.map_or(Forecast::TooYoung, |room| {
        forecast::of(room.free_bytes, sealed_bytes, &growth)
    });
    Ok(Usage {
        version: 1,
        at: frame.now,
        database_bytes: data.map_or(0, database_bytes),
        sealed_bytes,
        hot_rows: sum(|one| one.hot_rows),
        sealed_rows: sum(|one| one.sealed_rows),
        day_bytes: (!growth.is_empty()).then(|| sum(|one| one.day_bytes.unwrap_or(0))),
        disk_bytes: room.map(|room| room.total_bytes),
        free_bytes: room.map(|room| room.free_bytes),
        forecast,
        full_at: match forecast {
            Forecast::FullIn { seconds } => Some(frame.now.saturating_add(seconds)),
            _ => None,
        },
        tables,
    })
}

type Tables = BTreeMap<(String, Tier), TableUse>;

/// What the manifest says of every table and tier.
fn sealed(manifest: &[Entry], frame: &Frame) -> Tables {
    let mut tables = Tables::new();
    for entry in manifest {
        let one = entry_of(&mut tables, &entry.table, entry.tier, frame);
        one.files += 1;
        one.sealed_rows += entry.rows;
        one.sealed_bytes += entry.bytes;
        one.cover(entry.first, entry.last);
    }
    for ((table, tier), one) in &mut tables {
        let files = manifest
            .iter()
            .filter(|entry| entry.table == *table && entry.tier == *tier);
        one.day_bytes = day_bytes(files, frame.now);
    }
    tables
}

fn entry_of<'t>(
    tables: &'t mut Tables,
    table: &str,
    tier: Tier,
    frame: &Frame,
) -> &'t mut TableUse {
    tables
        .entry((table.to_owned(), tier))
        .or_insert_with(|| TableUse {
            table: table.to_owned(),
            tier: tier.as_str(),
            hot_rows: 0,
            sealed_rows: 0,
            files: 0,
            sealed_bytes: 0,
            first_ts: None,
            last_ts: None,
            day_bytes: None,
            keep_s: i64::try_from(kept(&frame.keep, tier, table).0.as_secs()).ok(),
        })
}

impl TableUse {
    fn cover(&mut self, first: UnixSeconds, last: UnixSeconds) {
        self.first_ts = Some(self.first_ts.map_or(first, |known| known.min(first)));
        self.last_ts = Some(self.last_ts.map_or(last, |known| known.max(last)));
    }
}

/// What the files of one table of the last week take per day that they cover.
fn day_bytes<'e>(files: impl Iterator<Item = &'e Entry>, now: UnixSeconds) -> Option<i64> {
    let newest: Vec<&Entry> = files.filter(|entry| entry.to > now - WINDOW).collect();
    let from = newest.iter().map(|entry| entry.from).min();
    let to = newest.iter().map(|entry| entry.to).max();
    let Some((from, to)) = from.zip(to) else {
        // It has files, but no new ones: nothing fills it any more.
        return Some(0);
    };
    let covered = to - from;
    let bytes: i64 = newest.iter().map(|entry| entry.bytes).sum();
    (covered >= LEAST).then(|| (bytes as f64 * DAY as f64 / covered as f64) as i64)
}

fn growth(table: &TableUse) -> Option<Growth> {
    let day_bytes = table.day_bytes? as f64;
    Some(Growth {
        day_bytes,
        rest_bytes: table.keep_s.map(|keep| {
            (day_bytes * keep as f64 / DAY as f64 - table.sealed_bytes as f64).max(0.0)
        }),
    })
}

/// Counts the rows that are not sealed yet.
fn add_hot(connection: &Connection, tables: &mut Tables, frame: &Frame) -> Result<(), StoreError> {
    for timed in table::all(connection)? {
        // A push with a wrong clock may hold anything; infinite times have no seconds.
        let sql = format!(
            "SELECT count(*), epoch(min(ts))::BIGINT, epoch(max(ts))::BIGINT FROM raw.{} WHERE isfinite(ts)",
            ident(&timed.name)
        );
        type Counted = (i64, Option<i64>, Option<i64>);
        let (rows, first, last): Counted =
            connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        if let (1.., Some(first), Some(last)) = (rows, first, last) {
            let one = entry_of(tables, &timed.name, Tier::Raw, frame);
            one.hot_rows = rows;
            one.cover(first, last);
        }
    }
    Ok(())
}

fn database_bytes(data: &Path) -> u64 {
    let file = data.join(FILE);
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    size(&file) + size(&wal_of(&file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(from: i64, to: i64, bytes: i64) -> Entry {
        Entry {
            table: "cpu".into(),
            tier: Tier::Raw,
            path: String::new(),
            from,
            to,
            first: from,
            last: to - 1,
            rows: 1,
            bytes,
            schema: 2,
            sequence: 1,
        }
    }

    #[test]
    fn growth_is_that_of_the_newest_files_per_day_covered() {
        let now = 100 * DAY;
        let of = |files: &[Entry]| day_bytes(files.iter(), now);
        assert_eq!(of(&[]), Some(0));
        // Nothing came for a month.
        assert_eq!(of(&[file(60 * DAY, 61 * DAY, 500)]), Some(0));
        let hour = file(now - 3600, now, 10);
        assert_eq!(of(&[hour]), Some(240));
        let early = file(now - 300, now, 10);
        assert_eq!(of(&[early]), None);
        // Two days of three have rows.
        let days = [
            file(now - 3 * DAY, now - 2 * DAY, 300),
            file(now - DAY, now, 300),
            file(10 * DAY, 11 * DAY, 9_999),
        ];
        assert_eq!(of(&days), Some(200));
    }
}
