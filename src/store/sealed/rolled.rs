//! Rolls a stretch up: which of its hours are computed of rows and which are taken over from the
//! files that there are.

use std::collections::BTreeSet;

use duckdb::Connection;

use super::super::StoreError;
use super::super::rollup::Rollup;
use super::super::schema::literal;
use super::manifest::{Entry, Tier};
use super::plan::{Stretch, Work};
use super::seal::{Source, Writer};
use crate::reading::UnixSeconds;

const HOUR: i64 = 3600;

/// Writes the rollup's rows of a stretch. Returns the files that these rows replace.
pub(super) fn write(
    connection: &Connection,
    writer: &mut Writer<'_>,
    rollup: &Rollup,
    manifest: &[Entry],
    stretch: &Stretch,
) -> Result<Vec<Entry>, StoreError> {
    let Some(Plan {
        from,
        to,
        removed,
        computed,
    }) = plan(connection, rollup, manifest, stretch)?
    else {
        return Ok(Vec::new());
    };
    let mut parts = Vec::new();
    if !removed.is_empty() {
        let kept = format!(
            "SELECT * FROM ({}) WHERE NOT ({})",
            rollup.read(&writer.list(&removed)),
            any(&computed, "ts")
        );
        parts.push(kept);
    }
    if !computed.is_empty() {
        let raw = raw_within(manifest, &stretch.table, from, to);
        // Rows that come while this is written make the switch fail, as for the rows themselves.
        let hot = (stretch.work != Work::Rollups).then_some(stretch);
        let source = Source::of(writer.folder, &stretch.table, hot, &raw);
        let rows = format!("({}) t WHERE {}", source.select, any(&computed, "t.ts"));
        parts.push(rollup.select(&rows));
    }
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let select = parts.join(" UNION ALL BY NAME ");
    let span = (from, to);
    writer.write(
        rollup.tier,
        span,
        &select,
        &rollup.order(),
        rollup.has_floats(),
    )?;
    Ok(removed)
}

/// What becomes one file of a rollup.
struct Plan {
    from: UnixSeconds,
    to: UnixSeconds,
    /// The files that it replaces; their rows are taken over where they are not computed.
    removed: Vec<Entry>,
    /// The stretches that are computed of rows.
    computed: Vec<(UnixSeconds, UnixSeconds)>,
}

/// `None`: the files are good as they are, or the time of this rollup's row is not over.
fn plan(
    connection: &Connection,
    rollup: &Rollup,
    manifest: &[Entry],
    stretch: &Stretch,
) -> Result<Option<Plan>, StoreError> {
    let seconds = rollup.tier.seconds();
    let there = |from, to| -> Vec<Entry> {
        let of_set = |e: &&Entry| e.table == stretch.table && e.tier == rollup.tier;
        let mine = manifest.iter().filter(of_set);
        mine.filter(|e| e.from < to && e.to > from)
            .cloned()
            .collect()
    };
    let (from, to) = (stretch.from, stretch.to);
    match stretch.work {
        Work::Piece => {
            let from = from / seconds * seconds;
            let over = to % seconds == 0 && there(from, to).is_empty();
            Ok(over.then(|| Plan {
                from,
                to,
                removed: Vec::new(),
                computed: vec![(from, to)],
            }))
        }
        Work::Month => {
            let removed = there(from, to);
            let merged = rollup.tier == Tier::Hourly && removed.len() > 1;
            Ok(merged.then(|| Plan {
                from: removed.iter().map(|e| e.from).min().unwrap_or(from),
                to: removed.iter().map(|e| e.to).max().unwrap_or(to),
                removed,
                computed: Vec::new(),
            }))
        }
        Work::Day | Work::Rollups => {
            let removed = there(from, to);
            let computed = anew(connection, manifest, &removed, stretch)?;
            if computed.is_empty() && removed.len() < 2 {
                return Ok(None);
            }
            let begin = removed.iter().map(|e| e.from).min().unwrap_or(from);
            let end = removed.iter().map(|e| e.to).max().unwrap_or(to);
            Ok(Some(Plan {
                from: begin.min(from),
                to: end.max(to),
                removed,
                computed,
            }))
        }
    }
}

/// The hours of a day that are computed of rows: those of late rows, and those that no file of the
/// rollup holds. An hour whose rows as collected have been dropped already stays as it is.
fn anew(
    connection: &Connection,
    manifest: &[Entry],
    rollups: &[Entry],
    stretch: &Stretch,
) -> Result<Vec<(UnixSeconds, UnixSeconds)>, StoreError> {
    let raw = raw_within(manifest, &stretch.table, stretch.from, stretch.to);
    let late = match stretch.work {
        Work::Rollups => BTreeSet::new(),
        _ => hot_hours(connection, stretch)?,
    };
    let holds = |entries: &[Entry], hour: i64| {
        let mut own = entries.iter();
        own.any(|e| e.from < hour + HOUR && e.to > hour)
    };
    let mut found: Vec<(i64, i64)> = Vec::new();
    for hour in (stretch.from..stretch.to).step_by(HOUR as usize) {
        let rows = holds(&raw, hour);
        let rolled = holds(rollups, hour);
        let needed = if rolled {
            late.contains(&hour) && rows
        } else {
            late.contains(&hour) || rows
        };
        if needed {
            match found.last_mut() {
                Some(last) if last.1 == hour => last.1 = hour + HOUR,
                _ => found.push((hour, hour + HOUR)),
            }
        }
    }
    Ok(found)
}

fn hot_hours(connection: &Connection, stretch: &Stretch) -> Result<BTreeSet<i64>, StoreError> {
    let sql = format!(
        "SELECT DISTINCT epoch_us(ts) // 3600000000 * 3600 FROM {}",
        super::seal::hot(stretch)
    );
    let mut statement = connection.prepare(&sql)?;
    let hours = statement.query_map([], |row| row.get(0))?;
    hours.collect::<Result<_, _>>().map_err(StoreError::from)
}

fn raw_within(manifest: &[Entry], table: &str, from: i64, to: i64) -> Vec<Entry> {
    let raw = |e: &&Entry| e.table == table && e.tier == Tier::Raw && e.from < to && e.to > from;
    manifest.iter().filter(raw).cloned().collect()
}

/// The condition that a time is within any of the stretches.
fn any(stretches: &[(UnixSeconds, UnixSeconds)], column: &str) -> String {
    if stretches.is_empty() {
        return "false".into();
    }
    let all: Vec<String> = stretches
        .iter()
        .map(|(from, to)| {
            format!("({column} >= to_timestamp({from}) AND {column} < to_timestamp({to}))")
        })
        .collect();
    all.join(" OR ")
}

impl Writer<'_> {
    /// Files as the list that `read_parquet` takes.
    pub(super) fn list(&self, entries: &[Entry]) -> String {
        list(self.folder, entries)
    }
}

/// The same without a writer.
pub(super) fn list(folder: &super::Folder, entries: &[Entry]) -> String {
    let paths: Vec<String> = entries
        .iter()
        .map(|entry| literal(&folder.file(&entry.path).to_string_lossy()))
        .collect();
    format!("[{}]", paths.join(", "))
}
