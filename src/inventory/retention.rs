//! How long the history stays: `storage.raw` and its kin.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fields::{self, Keys};
use super::problem::Problems;
use super::yaml::{Kind, Map, Node};

const DAY: Duration = Duration::from_secs(86_400);
/// A day is the least that can be dropped: it is one file.
const BOUNDS: (Duration, Duration) = (DAY.saturating_mul(2), DAY.saturating_mul(36_500));
/// Rows that are few and tell what happened: they stay as long as hours do.
const CHRONICLE: [&str; 3] = ["event", "alert", "notification"];
/// Tables that belong to no profile and not to the core ones either.
const OTHERS: [&str; 4] = ["poll", "event", "alert", "notification"];

/// How long rows and rollups are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Retention {
    /// `raw`: rows as collected; default 400 days.
    pub raw: Duration,
    /// `process`: those of the table process; default 30 days.
    pub process: Duration,
    /// `five_minute`: rollups of 5 minutes; default 730 days.
    pub five_minute: Duration,
    /// `hourly`: rollups of an hour, events, alerts that ended, notifications; default 1825 days.
    pub hourly: Duration,
    /// `tables`: what differs for one table.
    pub tables: BTreeMap<String, TableRetention>,
}

/// What differs for one table.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TableRetention {
    pub raw: Option<Duration>,
    pub five_minute: Option<Duration>,
    pub hourly: Option<Duration>,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention {
            raw: 400 * DAY,
            process: 30 * DAY,
            five_minute: 730 * DAY,
            hourly: 1825 * DAY,
            tables: BTreeMap::new(),
        }
    }
}

impl Retention {
    /// How long a table's rows are kept as they were collected.
    pub fn raw_of(&self, table: &str) -> Duration {
        let default = match table {
            "process" => self.process,
            table if CHRONICLE.contains(&table) => self.hourly,
            _ => self.raw,
        };
        self.own(table, |own| own.raw).unwrap_or(default)
    }

    /// How long a table's rollups of 5 minutes are kept.
    pub fn five_minute_of(&self, table: &str) -> Duration {
        let own = self.own(table, |own| own.five_minute);
        own.unwrap_or(self.five_minute)
    }

    /// How long a table's rollups of an hour are kept.
    pub fn hourly_of(&self, table: &str) -> Duration {
        self.own(table, |own| own.hourly).unwrap_or(self.hourly)
    }

    fn own(
        &self,
        table: &str,
        part: impl Fn(&TableRetention) -> Option<Duration>,
    ) -> Option<Duration> {
        self.tables.get(table).and_then(part)
    }

    /// The names below `tables` that are no table.
    pub(super) fn unknown(&self, is_table: impl Fn(&str) -> bool) -> Vec<&str> {
        let names = self.tables.keys().map(String::as_str);
        names
            .filter(|name| !is_table(name) && !OTHERS.contains(name))
            .collect()
    }
}

/// The keys of `storage:` that are read here.
pub(super) const KEYS: [&str; 5] = ["raw", "process", "five_minute", "hourly", "tables"];

/// Reads them over the defaults.
pub(super) fn read(map: &Map, keep: &mut Retention, problems: &mut Problems<'_>) {
    let mut time = |key: &str| {
        let entry = map.get(key)?;
        Some(fields::duration(&entry.value, key, BOUNDS, problems)?.value)
    };
    if let Some(raw) = time("raw") {
        keep.raw = raw;
        keep.process = keep.process.min(raw);
    }
    keep.process = time("process").unwrap_or(keep.process);
    keep.five_minute = time("five_minute").unwrap_or(keep.five_minute);
    keep.hourly = time("hourly").unwrap_or(keep.hourly);
    let Some(entry) = map.get("tables") else {
        return;
    };
    let Some(tables) = fields::map(&entry.value, "tables", problems) else {
        return;
    };
    for entry in &tables.entries {
        let name = &entry.key.value;
        let own = table(&entry.value, name, problems);
        keep.tables.insert(name.clone(), own);
    }
}

/// `90d`, or each kind by itself: `{raw: 90d, hourly: 10y}`.
fn table(node: &Node, name: &str, problems: &mut Problems<'_>) -> TableRetention {
    let mut own = TableRetention::default();
    if matches!(node.kind, Kind::Scalar(_)) {
        let raw = fields::duration(node, name, BOUNDS, problems);
        own.raw = raw.map(|raw| raw.value);
        return own;
    }
    let Some(map) = fields::map(node, name, problems) else {
        return own;
    };
    Keys::new(name, &["raw", "five_minute", "hourly"]).check(map, problems);
    let mut time = |key: &str| {
        let entry = map.get(key)?;
        Some(fields::duration(&entry.value, key, BOUNDS, problems)?.value)
    };
    own.raw = time("raw");
    own.five_minute = time("five_minute");
    own.hourly = time("hourly");
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_is_kept_as_is_said_of_it() {
        let mut keep = Retention::default();
        assert_eq!(keep.raw_of("interface"), 400 * DAY);
        assert_eq!(keep.raw_of("process"), 30 * DAY);
        assert_eq!(keep.raw_of("event"), 1825 * DAY);
        assert_eq!(keep.raw_of("poll"), 400 * DAY);
        let own = TableRetention {
            raw: Some(7 * DAY),
            hourly: Some(3650 * DAY),
            ..TableRetention::default()
        };
        keep.tables.insert("interface".into(), own);
        assert_eq!(keep.raw_of("interface"), 7 * DAY);
        assert_eq!(keep.five_minute_of("interface"), 730 * DAY);
        assert_eq!(keep.hourly_of("interface"), 3650 * DAY);
        assert_eq!(keep.hourly_of("cpu"), 1825 * DAY);
        assert_eq!(keep.unknown(|name| name == "cpu"), ["interface"]);
    }
}
