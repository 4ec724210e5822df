//! What a machine tells about itself, in the terms of the core tables: one shape for every way of
//! asking, so that a number means the same whether /proc came over SSH or sysinfo told it here.
//!
//! Every field that a way of asking cannot tell is `None` and becomes NULL.

mod disk;
mod interface;
mod mount;
mod process;

pub(crate) use disk::{is_skipped as is_skipped_disk, numbered};
pub(crate) use interface::{
    Interface, iana_type, is_noise as is_noise_interface, state as interface_state,
};
pub(crate) use mount::{Mount, is_skipped as is_skipped_mount};
pub(crate) use process::{Process, states_row};

use crate::reading::{Row, TableReadings, Value};
use crate::table::{MEMORY, SYSTEM, Table};

/// Text from a machine is cut at this many characters.
const TEXT_MAX: usize = 255;

/// The host as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct System {
    pub(crate) uptime_s: Option<i64>,
    pub(crate) load: Option<[f64; 3]>,
    pub(crate) processes: Option<i64>,
    pub(crate) users: Option<i64>,
    pub(crate) reboot_required: Option<bool>,
}

impl System {
    pub(crate) fn row(&self) -> Row {
        let mut row = Row::new(&SYSTEM, None);
        row.set(&SYSTEM, "uptime_s", self.uptime_s.into());
        let load = |i: usize| Value::from(self.load.map(|l| l[i]));
        row.set(&SYSTEM, "load1", load(0));
        row.set(&SYSTEM, "load5", load(1));
        row.set(&SYSTEM, "load15", load(2));
        row.set(&SYSTEM, "processes", self.processes.into());
        row.set(&SYSTEM, "users", self.users.into());
        let reboot = self.reboot_required.map_or(Value::Null, Value::Bool);
        row.set(&SYSTEM, "reboot_required", reboot);
        row
    }
}

/// Main memory and swap, in bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Memory {
    pub(crate) total: u64,
    pub(crate) available: u64,
    pub(crate) buffers: Option<u64>,
    pub(crate) cached: Option<u64>,
    pub(crate) arc: Option<u64>,
    pub(crate) swap_total: Option<u64>,
    pub(crate) swap_free: Option<u64>,
    /// Where `available` comes from.
    pub(crate) formula: &'static str,
}

impl Memory {
    pub(crate) fn row(&self) -> Row {
        // A kernel can report more available than there is (containers): used is then 0, not negative.
        let available = self.available.min(self.total);
        let used = self.total - available;
        let swap_used = match (self.swap_total, self.swap_free) {
            (Some(total), Some(free)) => Some(total.saturating_sub(free)),
            _ => None,
        };
        let swap_pct = match (swap_used, self.swap_total) {
            (Some(used), Some(total)) => pct(used, total),
            _ => None,
        };
        let mut row = Row::new(&MEMORY, None);
        row.set(&MEMORY, "total_bytes", int(Some(self.total)));
        row.set(&MEMORY, "used_bytes", int(Some(used)));
        row.set(&MEMORY, "available_bytes", int(Some(available)));
        row.set(&MEMORY, "used_pct", pct(used, self.total).into());
        row.set(&MEMORY, "buffers_bytes", int(self.buffers));
        row.set(&MEMORY, "cached_bytes", int(self.cached));
        row.set(&MEMORY, "arc_bytes", int(self.arc));
        row.set(&MEMORY, "swap_total_bytes", int(self.swap_total));
        row.set(&MEMORY, "swap_used_bytes", int(swap_used));
        row.set(&MEMORY, "swap_used_pct", swap_pct.into());
        row.set(&MEMORY, "formula", Value::text(self.formula));
        row
    }
}

/// The rows of one table, as a collection holds them.
pub(crate) fn table(table: &'static Table, rows: Vec<Row>) -> TableReadings {
    TableReadings { table, rows }
}

/// A number that fits a BIGINT, else NULL.
pub(crate) fn int(value: Option<u64>) -> Value {
    value.and_then(|v| i64::try_from(v).ok()).into()
}

/// A raw 64-bit counter, NULL when not told.
pub(crate) fn counter(value: Option<u64>) -> Value {
    value.map_or(Value::Null, Value::Counter64)
}

/// Cleaned text, NULL when not told or empty.
pub(crate) fn text(value: Option<&str>) -> Value {
    match value.map(clean) {
        Some(t) if !t.is_empty() => Value::text(t),
        _ => Value::Null,
    }
}

/// `100 * part / whole` with two decimals, `None` when there is no whole.
pub(crate) fn pct(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 10_000.0).round() / 100.0)
}

/// Text from a machine made harmless to look at: trimmed, bounded, without control characters and
/// marks that turn the reading direction.
pub(crate) fn clean(raw: &str) -> String {
    raw.trim()
        .chars()
        .take(TEXT_MAX)
        .map(|c| if is_unprintable(c) { '\u{fffd}' } else { c })
        .collect()
}

fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_available_than_total_is_nothing_used() {
        let memory = Memory {
            total: 100,
            available: 200,
            formula: "MemAvailable",
            ..Memory::default()
        };
        let row = memory.row();
        let used = MEMORY.position("used_bytes").unwrap();
        assert_eq!(row.values[used], Value::Int(0));
        let swap = MEMORY.position("swap_used_pct").unwrap();
        assert_eq!(row.values[swap], Value::Null);
    }

    #[test]
    fn text_from_outside_is_bounded_and_printable() {
        assert_eq!(clean(" a\u{1b}[31mb\u{202e} "), "a\u{fffd}[31mb\u{fffd}");
        assert_eq!(clean(&"x".repeat(1000)).len(), TEXT_MAX);
        assert_eq!(text(Some("  ")), Value::Null);
    }

    #[test]
    fn a_number_beyond_bigint_is_null() {
        assert_eq!(int(Some(u64::MAX)), Value::Null);
        assert_eq!(pct(1, 3), Some(33.33));
        assert_eq!(pct(1, 0), None);
    }
}
