//! From rows to the lines of a chart.

use super::super::super::records::{Record, number};
use crate::reading::UnixSeconds;
use crate::render::chart::{Line, Name};

/// Entities in one chart: the fullest mounts, the slowest ports.
const MAX_LINES: usize = 5;

/// The lines of each chart: a column and the key of its name.
pub(super) const CPU_WORDS: [(&str, &str); 4] = [
    ("used_pct", "chart.used"),
    ("peak", "chart.peak"),
    ("iowait_pct", "chart.iowait"),
    ("steal_pct", "chart.steal"),
];
pub(super) const MEMORY_WORDS: [(&str, &str); 3] = [
    ("used_pct", "chart.used"),
    ("peak", "chart.peak"),
    ("swap_used_pct", "chart.swap"),
];
pub(super) const LOAD_WORDS: [(&str, &str); 4] = [
    ("load1", "chart.load1"),
    ("peak", "chart.peak"),
    ("load5", "chart.load5"),
    ("load15", "chart.load15"),
];
pub(super) const TRAFFIC_WORDS: [(&str, &str); 2] =
    [("in_bps", "chart.in"), ("out_bps", "chart.out")];
pub(super) const DISK_WORDS: [(&str, &str); 2] = [
    ("read_bytes_per_s", "chart.read"),
    ("write_bytes_per_s", "chart.write"),
];

pub(super) const ROUND_TRIP_WORDS: [(&str, &str); 2] = [
    ("rtt_avg_ms", "chart.rtt_avg"),
    ("rtt_max_ms", "chart.rtt_max"),
];
pub(super) const LOSS_WORDS: [(&str, &str); 1] = [("loss_pct", "chart.lost")];

/// One line per column that has any value.
pub(super) fn lines(rows: &[Record], words: &[(&'static str, &'static str)]) -> Vec<Line> {
    words
        .iter()
        .map(|(column, word)| Line {
            name: Name::Word(word),
            points: points(rows, column),
        })
        .filter(|line| line.points.iter().any(|(_, value)| value.is_some()))
        .collect()
}

fn points(rows: &[Record], column: &str) -> Vec<(UnixSeconds, Option<f64>)> {
    rows.iter()
        .filter_map(|row| Some((row.get("t")?.as_i64()?, number(row, column))))
        .collect()
}

/// One line per entity, those that end highest: the fullest mounts, the slowest ports.
pub(super) fn by_entity(
    rows: &[Record],
    entity: &str,
    column: &str,
    name: impl Fn(&str) -> String,
) -> Vec<Line> {
    let mut lines: Vec<Line> = rows
        .chunk_by(|a, b| a.get(entity) == b.get(entity))
        .filter_map(|rows| {
            Some(Line {
                name: Name::Text(name(rows.first()?.get(entity)?.as_str()?)),
                points: points(rows, column),
            })
        })
        .collect();
    let last = |line: &Line| {
        line.points
            .iter()
            .rev()
            .find_map(|(_, value)| *value)
            .unwrap_or(0.0)
    };
    lines.sort_by(|a, b| last(b).total_cmp(&last(a)));
    lines.truncate(MAX_LINES);
    lines
}
