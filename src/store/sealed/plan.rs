//! Which stretches are to be sealed now.

use duckdb::Connection;

use super::super::StoreError;
use super::super::schema::ident;
use super::manifest::{Entry, Tier};
use super::table::Timed;
use crate::reading::UnixSeconds;

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;
/// An hour is sealed so long after its end: late rows of the pollers are in.
const HOUR_WAITS: i64 = 300;
/// A day becomes one file so long after its end.
const DAY_WAITS: i64 = 2 * HOUR;
/// A table with more hot rows is sealed up to the last round 5 minutes.
const HOT_ROWS_MAX: i64 = 5_000_000;
/// The rows of the last minute may still be coming in.
const EARLY_WAITS: i64 = 60;
const EARLY_STEP: i64 = 300;

/// A stretch of a table to be sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub table: String,
    /// From, inclusive, to, exclusive.
    pub from: UnixSeconds,
    pub to: UnixSeconds,
    /// The whole UTC day: its files and the rows that came late become one file.
    pub day: bool,
}

/// When rows are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Pace {
    /// As they are due.
    Due,
    /// Everything that is over, at once.
    Now,
}

/// What is due of one table at `now`, oldest first.
pub(in crate::store) fn due(
    connection: &Connection,
    table: &Timed,
    manifest: &[Entry],
    now: UnixSeconds,
    pace: Pace,
) -> Result<Vec<Stretch>, StoreError> {
    let hot = hot_hours(connection, table, now)?;
    let files: Vec<&Entry> = manifest
        .iter()
        .filter(|entry| entry.table == table.name && entry.tier == Tier::Raw)
        .collect();
    Ok(stretches(&table.name, &hot, &files, now, pace))
}

/// The hours that have hot rows, and how many.
fn hot_hours(
    connection: &Connection,
    table: &Timed,
    now: UnixSeconds,
) -> Result<Vec<(UnixSeconds, i64)>, StoreError> {
    let mut statement = connection.prepare(&format!(
        "SELECT epoch_us(ts) // 3600000000 * 3600 AS hour, count(*) FROM raw.{}
         WHERE isfinite(ts) AND epoch_us(ts) >= 0 AND ts < to_timestamp(?) GROUP BY hour ORDER BY hour",
        ident(&table.name)
    ))?;
    let rows = statement.query_map([now], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect::<Result<_, _>>().map_err(StoreError::from)
}

fn stretches(
    table: &str,
    hot: &[(UnixSeconds, i64)],
    files: &[&Entry],
    now: UnixSeconds,
    pace: Pace,
) -> Vec<Stretch> {
    let (hour_waits, day_waits) = match pace {
        Pace::Due => (HOUR_WAITS, DAY_WAITS),
        Pace::Now => (0, 0),
    };
    let stretch = |from, to, day| Stretch {
        table: table.to_owned(),
        from,
        to,
        day,
    };
    let over = |day: i64| day + DAY + day_waits <= now;
    let mut days: Vec<i64> = hot.iter().map(|(hour, _)| hour / DAY * DAY).collect();
    days.extend(
        files
            .chunk_by(|a, b| a.from / DAY == b.from / DAY)
            .filter(|of_day| of_day.len() > 1)
            .map(|of_day| of_day[0].from / DAY * DAY),
    );
    days.retain(|day| over(*day));
    days.sort_unstable();
    days.dedup();
    let mut found: Vec<Stretch> = days
        .iter()
        .map(|day| stretch(*day, day + DAY, true))
        .collect();
    let mut sealed_to = files.iter().map(|entry| entry.to).max().unwrap_or(0);
    for (hour, _) in hot.iter().filter(|(hour, _)| !over(hour / DAY * DAY)) {
        let end = hour + HOUR;
        if end > sealed_to && end + hour_waits <= now {
            found.push(stretch(sealed_to.max(*hour), end, false));
            sealed_to = end;
        }
    }
    let left: i64 = hot
        .iter()
        .filter(|(hour, _)| hour + HOUR > sealed_to)
        .map(|(_, rows)| rows)
        .sum();
    let cut = (now - EARLY_WAITS) / EARLY_STEP * EARLY_STEP;
    if left > HOT_ROWS_MAX {
        for (hour, _) in hot {
            let (from, to) = (sealed_to.max(*hour), cut.min(hour + HOUR));
            if from < to {
                found.push(stretch(from, to, false));
                sealed_to = to;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T00:00:00Z
    const T0: i64 = 1_795_392_000;

    fn file(from: i64, to: i64) -> Entry {
        Entry {
            table: "cpu".into(),
            tier: Tier::Raw,
            path: format!("cpu/{from}.parquet"),
            from,
            to,
            first: from,
            last: to - 1,
            rows: 1,
            bytes: 1,
            schema: 2,
            sequence: 1,
        }
    }

    fn told(hot: &[(i64, i64)], files: &[Entry], now: i64) -> Vec<(i64, i64, bool)> {
        let files: Vec<&Entry> = files.iter().collect();
        stretches("cpu", hot, &files, now, Pace::Due)
            .into_iter()
            .map(|s| ((s.from - T0) / 60, (s.to - T0) / 60, s.day))
            .collect()
    }

    #[test]
    fn an_hour_is_sealed_five_minutes_after_its_end() {
        let hot = [(T0, 10), (T0 + HOUR, 10)];
        assert_eq!(told(&hot, &[], T0 + HOUR + 299), []);
        assert_eq!(told(&hot, &[], T0 + HOUR + 300), [(0, 60, false)]);
        let both = [(0, 60, false), (60, 120, false)];
        assert_eq!(told(&hot, &[], T0 + 2 * HOUR + 300), both);
    }

    #[test]
    fn late_rows_wait_for_the_night() {
        let files = [file(T0, T0 + HOUR), file(T0 + HOUR, T0 + 2 * HOUR)];
        let late = [(T0, 3)];
        assert_eq!(told(&late, &files, T0 + 5 * HOUR), []);
        let night = T0 + DAY + 2 * HOUR;
        assert_eq!(told(&late, &files, night - 1), []);
        assert_eq!(told(&late, &files, night), [(0, 1440, true)]);
        // Without late rows too: there are two files of the day.
        assert_eq!(told(&[], &files, night), [(0, 1440, true)]);
        assert_eq!(told(&[], &[file(T0, T0 + DAY)], night), []);
        assert_eq!(told(&late, &[file(T0, T0 + DAY)], night), [(0, 1440, true)]);
    }

    #[test]
    fn a_history_from_before_is_sealed_by_days_then_by_hours() {
        let hot = [
            (T0 - 2 * DAY, 5),
            (T0 - DAY, 5),
            (T0, 5),
            (T0 + 3 * HOUR, 5),
        ];
        let want = [
            (-2880, -1440, true),
            (-1440, 0, true),
            (0, 60, false),
            (180, 240, false),
        ];
        assert_eq!(told(&hot, &[], T0 + 5 * HOUR), want);
    }

    #[test]
    fn many_hot_rows_are_sealed_within_the_hour() {
        let hot = [(T0, 4_000_000), (T0 + HOUR, 2_000_000)];
        let now = T0 + HOUR + 200;
        assert_eq!(told(&hot, &[], now), [(0, 60, false)]);
        let now = T0 + HOUR + 299;
        let few = [(T0, 2_000_000), (T0 + HOUR, 2_000_000)];
        assert_eq!(told(&few, &[], now), []);
        let piece = file(T0, T0 + 1500);
        let rest = [(T0, 2_000_000)];
        assert_eq!(told(&rest, &[piece], T0 + HOUR + 300), [(25, 60, false)]);
    }
}
