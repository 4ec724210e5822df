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
/// The version of the tables since which whatever is sealed is rolled up.
const ROLLUPS_SINCE: i64 = 3;

/// A stretch of a table to be sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub table: String,
    /// From, inclusive, to, exclusive.
    pub from: UnixSeconds,
    pub to: UnixSeconds,
    pub work: Work,
}

/// What is done with a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Hot rows of an hour or a part of it become a file.
    Piece,
    /// The whole UTC day: its files and the rows that came late become one file, its rollups too.
    Day,
    /// Rows that were sealed before there were rollups are rolled up.
    Rollups,
    /// The whole UTC month: its hourly rollups become one file.
    Month,
}

impl Work {
    /// Whether hot rows are taken; otherwise files are only made of files.
    pub(in crate::store) fn takes_rows(self) -> bool {
        matches!(self, Work::Piece | Work::Day)
    }
}

/// When rows are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Pace {
    /// As they are due.
    Due,
    /// Everything that is over, at once.
    Now,
}

/// What is due of one table at `now`, oldest first; `rolled_up`: the table has rollups.
pub(in crate::store) fn due(
    connection: &Connection,
    table: &Timed,
    rolled_up: bool,
    manifest: &[Entry],
    now: UnixSeconds,
    pace: Pace,
) -> Result<Vec<Stretch>, StoreError> {
    let hot = hot_hours(connection, table, now)?;
    let of_tier = |tier| {
        let files = manifest.iter();
        files
            .filter(|entry| entry.table == table.name && entry.tier == tier)
            .collect::<Vec<&Entry>>()
    };
    let (raw, hourly) = (of_tier(Tier::Raw), of_tier(Tier::Hourly));
    let mut all = Vec::new();
    if rolled_up {
        all.extend(without_rollups(&raw, &hourly));
    }
    all.extend(stretches(&table.name, &hot, &raw, now, pace));
    all.extend(months(&hourly, now));
    Ok(all)
}

/// Files of before there were rollups, oldest first.
fn without_rollups(raw: &[&Entry], hourly: &[&Entry]) -> Vec<Stretch> {
    let rolled = |of: &Entry| hourly.iter().any(|h| h.from < of.to && h.to > of.from);
    let old = raw
        .iter()
        .filter(|entry| entry.schema < ROLLUPS_SINCE && !rolled(entry));
    let mut found: Vec<Stretch> = old
        .map(|entry| Stretch {
            table: entry.table.clone(),
            from: entry.from / HOUR * HOUR,
            to: (entry.to + HOUR - 1) / HOUR * HOUR,
            work: Work::Rollups,
        })
        .collect();
    found.sort_by_key(|stretch| stretch.from);
    found.dedup();
    found
}

/// The months that are over and have more than one file of hourly rollups.
fn months(hourly: &[&Entry], now: UnixSeconds) -> Vec<Stretch> {
    let mut found: Vec<(Stretch, usize)> = Vec::new();
    for entry in hourly {
        let Some((from, to)) = month(entry.from) else {
            continue;
        };
        if to + DAY + 2 * DAY_WAITS > now {
            continue;
        }
        match found.iter_mut().find(|(stretch, _)| stretch.from == from) {
            Some((_, files)) => *files += 1,
            None => {
                let stretch = Stretch {
                    table: entry.table.clone(),
                    from,
                    to,
                    work: Work::Month,
                };
                found.push((stretch, 1));
            }
        }
    }
    found.retain(|(_, files)| *files > 1);
    found.into_iter().map(|(stretch, _)| stretch).collect()
}

/// Begin and end of the UTC month of a moment.
fn month(at: UnixSeconds) -> Option<(UnixSeconds, UnixSeconds)> {
    let utc = jiff::tz::TimeZone::UTC;
    let day = jiff::Timestamp::from_second(at).ok()?.to_zoned(utc.clone());
    let second = |date: jiff::civil::Date| {
        let zoned = date.to_zoned(utc.clone()).ok()?;
        Some(zoned.timestamp().as_second())
    };
    let first = day.date().first_of_month();
    let next = day.date().last_of_month().tomorrow().ok()?;
    Some((second(first)?, second(next)?))
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
    let stretch = |from, to, work| Stretch {
        table: table.to_owned(),
        from,
        to,
        work,
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
        .map(|day| stretch(*day, day + DAY, Work::Day))
        .collect();
    let mut sealed_to = files.iter().map(|entry| entry.to).max().unwrap_or(0);
    for (hour, _) in hot.iter().filter(|(hour, _)| !over(hour / DAY * DAY)) {
        let end = hour + HOUR;
        if end > sealed_to && end + hour_waits <= now {
            found.push(stretch(sealed_to.max(*hour), end, Work::Piece));
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
                found.push(stretch(from, to, Work::Piece));
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
            schema: ROLLUPS_SINCE,
            sequence: 1,
        }
    }

    fn told(hot: &[(i64, i64)], files: &[Entry], now: i64) -> Vec<(i64, i64, bool)> {
        let files: Vec<&Entry> = files.iter().collect();
        stretches("cpu", hot, &files, now, Pace::Due)
            .into_iter()
            .map(|s| ((s.from - T0) / 60, (s.to - T0) / 60, s.work == Work::Day))
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
    fn months_that_are_over_become_one_file_of_hourly_rollups() {
        let hourly = |from: i64| Entry {
            tier: Tier::Hourly,
            ..file(from, from + DAY)
        };
        // The month of T0 ends eight days later.
        let (files, end) = ([hourly(T0), hourly(T0 + DAY)], T0 + 8 * DAY);
        let refs: Vec<&Entry> = files.iter().collect();
        assert_eq!(months(&refs, end + DAY), []);
        let found = months(&refs, end + DAY + 4 * HOUR);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].from, found[0].to), (T0 - 22 * DAY, end));
        assert_eq!(months(&refs[..1], end + 2 * DAY), []);
    }

    #[test]
    fn what_was_sealed_before_there_were_rollups_is_rolled_up_once() {
        let old = Entry {
            schema: 2,
            ..file(T0, T0 + DAY)
        };
        let new = file(T0 + DAY, T0 + 2 * DAY);
        let found = without_rollups(&[&old, &new], &[]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].from, found[0].work), (T0, Work::Rollups));
        let rolled = Entry {
            tier: Tier::Hourly,
            ..file(T0, T0 + DAY)
        };
        assert_eq!(without_rollups(&[&old, &new], &[&rolled]), []);
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
