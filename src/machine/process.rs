//! Processes and how many of them are in which state.

use super::{int, pct, text};
use crate::reading::{Row, Value};
use crate::table::{PROCESS, PROCESS_STATE};

/// One process.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Process {
    pub(crate) pid: i64,
    /// Unix seconds.
    pub(crate) started: Option<i64>,
    /// comm, never the arguments.
    pub(crate) name: String,
    pub(crate) user: Option<String>,
    /// The letter that ps prints.
    pub(crate) state: char,
    pub(crate) rss_bytes: Option<u64>,
    /// CPU time since it started, milliseconds.
    pub(crate) cpu_ms: Option<u64>,
}

impl Process {
    /// `memory_total`: main memory in bytes.
    pub(crate) fn row(&self, memory_total: Option<u64>) -> Row {
        let mem_pct = match (self.rss_bytes, memory_total) {
            (Some(rss), Some(total)) => pct(rss, total),
            _ => None,
        };
        let mut row = Row::new(&PROCESS, None);
        row.set(&PROCESS, "pid", Value::Int(self.pid));
        row.set(&PROCESS, "started", self.started.into());
        row.set(&PROCESS, "name", text(Some(&self.name)));
        row.set(&PROCESS, "user_name", text(self.user.as_deref()));
        row.set(&PROCESS, "state", Value::text(self.state.to_string()));
        row.set(&PROCESS, "rss_bytes", int(self.rss_bytes));
        row.set(&PROCESS, "mem_pct", mem_pct.into());
        let cpu = self.cpu_ms.map_or(Value::Null, Value::Counter64);
        row.set(&PROCESS, "cpu_ms", cpu);
        row
    }
}

/// The row of `process_state`. Letters beyond the six columns (dead, parked, waking: a moment each)
/// count in `total` alone.
pub(crate) fn states_row(states: impl Iterator<Item = char>, threads: Option<i64>) -> Row {
    let [mut total, mut running, mut sleeping] = [0i64; 3];
    let [mut uninterruptible, mut stopped, mut zombie, mut idle] = [0i64; 4];
    for state in states {
        total += 1;
        match state {
            'R' => running += 1,
            'S' => sleeping += 1,
            'D' => uninterruptible += 1,
            'T' | 't' => stopped += 1,
            'Z' => zombie += 1,
            'I' => idle += 1,
            _ => {}
        }
    }
    let mut row = Row::new(&PROCESS_STATE, None);
    for (column, count) in [
        ("total", total),
        ("running", running),
        ("sleeping", sleeping),
        ("uninterruptible", uninterruptible),
        ("stopped", stopped),
        ("zombie", zombie),
        ("idle", idle),
    ] {
        row.set(&PROCESS_STATE, column, Value::Int(count));
    }
    row.set(&PROCESS_STATE, "threads", threads.into());
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_counts_once_and_unknown_ones_in_total() {
        let row = states_row("RSSDTtZIIX".chars(), Some(40));
        let at = |name: &str| row.values[PROCESS_STATE.position(name).unwrap()].clone();
        for (column, count) in [
            ("total", 10),
            ("running", 1),
            ("sleeping", 2),
            ("uninterruptible", 1),
            ("stopped", 2),
            ("zombie", 1),
            ("idle", 2),
            ("threads", 40),
        ] {
            assert_eq!(at(column), Value::Int(count), "{column}");
        }
    }
}
