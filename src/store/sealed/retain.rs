//! Takes out of the history what has been kept long enough: files whose last moment is over, and the
//! ended alerts and notifications, which are rows of the database.

use std::time::Duration;

use duckdb::Connection;
use serde::Serialize;

use super::super::{Recorder, Store, StoreError};
use super::manifest::{self, Entry, Tier};
use crate::inventory::{Retention, print_duration};
use crate::reading::UnixSeconds;

/// What may stay of alerts and notifications is a matter of rows. The newest alert stays for ever:
/// the next one counts on from it.
const ROWS: [(&str, &str, &str); 2] = [
    (
        "alert",
        "resolved_at",
        "state = 'resolved' AND id < (SELECT max(id) FROM raw.alert)",
    ),
    ("notification", "ts", "true"),
];

/// What has been kept long enough: a file, or rows of the database.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expired {
    pub table: String,
    /// `raw`, `m5` or `h1`.
    pub tier: &'static str,
    /// The file below `data/sealed`; `None`: rows of the database.
    pub path: Option<String>,
    pub rows: i64,
    /// 0 for rows of the database, whose room is used again.
    pub bytes: i64,
    /// The time of the newest row in it, Unix seconds.
    pub last_ts: UnixSeconds,
    /// Why it goes, in words.
    pub reason: String,
    /// Everything in it is older, Unix seconds.
    #[serde(skip)]
    pub before: UnixSeconds,
}

impl Store {
    /// What goes at `now`: files that hold nothing younger than is to be kept, and rows of alerts
    /// that ended and of notifications. Changes nothing; [`Recorder::forget`] does.
    pub fn expired(&self, keep: &Retention, now: UnixSeconds) -> Result<Vec<Expired>, StoreError> {
        let connection = self.shared.pool.connection()?;
        let mut over = plan(manifest::read(&connection)?, keep, now);
        for place in ROWS {
            over.extend(rows(&connection, place, keep, now)?);
        }
        Ok(over)
    }

    /// The oldest files with rows as collected, as many as take so many bytes; none with rows after
    /// `before`.
    pub fn oldest_raw(&self, bytes: u64, before: UnixSeconds) -> Result<Vec<Expired>, StoreError> {
        if self.shared.sealed.is_none() {
            return Ok(Vec::new());
        }
        let connection = self.shared.pool.connection()?;
        let mut files = manifest::read(&connection)?;
        files.retain(|entry| entry.tier == Tier::Raw && entry.to <= before);
        files.sort_by_key(|entry| entry.to);
        let mut missing = i64::try_from(bytes).unwrap_or(i64::MAX);
        let enough = files.into_iter().take_while(|entry| {
            let wanted = missing > 0;
            missing -= entry.bytes;
            wanted
        });
        let freed = enough.map(|entry| Expired {
            reason: format!(
                "the disk is nearly full, and no rows of {} are older",
                entry.table
            ),
            tier: entry.tier.as_str(),
            path: Some(entry.path),
            rows: entry.rows,
            bytes: entry.bytes,
            last_ts: entry.last,
            before: entry.to,
            table: entry.table,
        });
        Ok(freed.collect())
    }
}

/// The files that go at `now`, in the manifest's order.
fn plan(manifest: Vec<Entry>, keep: &Retention, now: UnixSeconds) -> Vec<Expired> {
    let over = manifest.into_iter().filter_map(|entry| {
        let (kept, what) = kept(keep, entry.tier, &entry.table);
        let before = now.saturating_sub(seconds(kept));
        // All of its stretch must be over, not only the rows that happen to be in it.
        (entry.to <= before).then(|| Expired {
            reason: reason(what, &entry.table, kept),
            tier: entry.tier.as_str(),
            path: Some(entry.path),
            rows: entry.rows,
            bytes: entry.bytes,
            last_ts: entry.last,
            table: entry.table,
            before,
        })
    });
    over.collect()
}

/// How long what a table has of a tier is kept.
pub(in crate::store) fn kept(
    keep: &Retention,
    tier: Tier,
    table: &str,
) -> (Duration, &'static str) {
    match tier {
        Tier::Raw => (keep.raw_of(table), "rows"),
        Tier::Minutes5 => (keep.five_minute_of(table), "rollups of 5 minutes"),
        Tier::Hourly => (keep.hourly_of(table), "rollups of an hour"),
    }
}

fn reason(what: &str, table: &str, kept: Duration) -> String {
    format!("{what} of {table} are kept for {}", print_duration(kept))
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

fn rows(
    connection: &Connection,
    (table, column, which): (&str, &str, &str),
    keep: &Retention,
    now: UnixSeconds,
) -> Result<Option<Expired>, StoreError> {
    let kept = keep.raw_of(table);
    let before = now.saturating_sub(seconds(kept)).max(0);
    let sql = format!(
        "SELECT count(*), coalesce(epoch(max({column}))::BIGINT, 0) FROM raw.{table}
         WHERE {column} < to_timestamp(?) AND {which}"
    );
    let (rows, last): (i64, i64) =
        connection.query_row(&sql, [before], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((rows > 0).then(|| Expired {
        table: table.into(),
        tier: Tier::Raw.as_str(),
        path: None,
        rows,
        bytes: 0,
        last_ts: last,
        reason: reason("rows", table, kept),
        before,
    }))
}

impl Recorder {
    /// Takes these out of the history, in one transaction. Files are unlinked when nobody can be
    /// reading them any more.
    pub fn forget(&mut self, expired: &[Expired]) -> Result<(), StoreError> {
        let shared = self.shared.clone();
        self.transaction(|connection| {
            for one in expired {
                match &one.path {
                    Some(path) => _ = manifest::remove(connection, path)?,
                    None => delete(connection, one)?,
                }
            }
            Ok(())
        })?;
        if let Some(folder) = &shared.sealed {
            let paths = expired.iter().filter_map(|one| one.path.as_deref());
            folder.replace(paths.map(|path| folder.file(path)));
        }
        Ok(())
    }
}

fn delete(connection: &Connection, expired: &Expired) -> Result<(), StoreError> {
    let place = ROWS.into_iter().find(|(table, ..)| *table == expired.table);
    let Some((table, column, which)) = place else {
        return Ok(());
    };
    let sql = format!("DELETE FROM raw.{table} WHERE {column} < to_timestamp(?) AND {which}");
    connection.execute(&sql, [expired.before])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::TableRetention;

    const DAY: i64 = 86_400;

    fn file(table: &str, tier: Tier, day: i64) -> Entry {
        Entry {
            table: table.into(),
            tier,
            path: format!("{}/{day}", tier.set(table)),
            from: day * DAY,
            to: (day + 1) * DAY,
            first: day * DAY,
            last: day * DAY + 60,
            rows: 2,
            bytes: 10,
            schema: 3,
            sequence: 1,
        }
    }

    #[test]
    fn each_tier_goes_in_its_own_time() {
        let days = |days: u32| days * Duration::from_secs(86_400);
        let mut keep = Retention::default();
        let own = TableRetention {
            raw: Some(days(10)),
            ..TableRetention::default()
        };
        keep.tables.insert("ups".into(), own);
        let now = 2_000 * DAY;
        let manifest = vec![
            file("cpu", Tier::Raw, 1_599),
            file("cpu", Tier::Raw, 1_600),
            file("cpu", Tier::Hourly, 174),
            file("cpu", Tier::Hourly, 175),
            file("event", Tier::Raw, 1_000),
            file("interface", Tier::Minutes5, 1_269),
            file("interface", Tier::Minutes5, 1_270),
            file("process", Tier::Raw, 1_969),
            file("ups", Tier::Raw, 1_989),
        ];
        let over = plan(manifest, &keep, now);
        let paths: Vec<&str> = over.iter().filter_map(|one| one.path.as_deref()).collect();
        assert_eq!(
            paths,
            [
                "cpu/1599",
                "cpu_hourly/174",
                "interface_5min/1269",
                "process/1969",
                "ups/1989"
            ]
        );
        assert_eq!(over[0].reason, "rows of cpu are kept for 400d");
        assert_eq!((over[0].rows, over[0].bytes), (2, 10));
    }
}
