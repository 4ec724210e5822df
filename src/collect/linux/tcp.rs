//! How many TCP sockets are in which state: lines `0A 12`, counted on the host, for a busy one has
//! hundreds of thousands.

use super::{Report, lines};
use crate::reading::{Row, Value};
use crate::table::TCP_STATE;

/// The numbers of the kernel's net/tcp_states.h, from 1 on.
const STATES: [&str; 11] = [
    "established",
    "syn_sent",
    "syn_recv",
    "fin_wait1",
    "fin_wait2",
    "time_wait",
    "close",
    "close_wait",
    "last_ack",
    "listen",
    "closing",
];

/// The one row. `None` when nothing was counted.
pub(in crate::collect) fn row(report: &Report<'_>) -> Option<Row> {
    if report.get("tcp").is_none() && report.exit("tcp") != Some(0) {
        return None;
    }
    let mut counts = [0u32; STATES.len()];
    for line in lines(report.get("tcp").unwrap_or_default()) {
        let (state, count) = line.trim().split_once(' ')?;
        let state = usize::from_str_radix(state, 16).ok()?;
        // Later kernels have states of their own (NEW_SYN_RECV), which are no connections yet.
        if let Some(slot) = counts.get_mut(state.checked_sub(1)?) {
            *slot = slot.saturating_add(count.parse().ok()?);
        }
    }
    let mut row = Row::new(&TCP_STATE, None);
    for (name, count) in STATES.iter().zip(counts) {
        row.set(&TCP_STATE, name, Value::Int(count.into()));
    }
    Some(row)
}

/// The same lines from the text of /proc/net/tcp and tcp6.
pub(in crate::collect) fn count(files: &[String]) -> String {
    let mut counts = std::collections::BTreeMap::<&str, u32>::new();
    for line in files.iter().flat_map(|text| text.lines().skip(1)) {
        if let Some(state) = line.split_ascii_whitespace().nth(3) {
            *counts.entry(state).or_default() += 1;
        }
    }
    counts
        .iter()
        .map(|(state, n)| format!("{state} {n}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_counted_by_the_kernels_numbers() {
        let file = "  sl  local_address rem_address   st tx_queue\n   0: 00000000:0016 00000000:0000 0A 0\n   1: 0100007F:0016 0100007F:9C40 01 0\n   2: 0100007F:0017 0100007F:9C41 01 0\n";
        let lines = count(&[file.to_owned(), String::new()]);
        assert_eq!(lines, "01 2\n0A 1\n");
        let row = row(&Report::of([("tcp", lines)])).unwrap();
        let at = |name: &str| row.values[TCP_STATE.position(name).unwrap()].clone();
        assert_eq!(at("established"), Value::Int(2));
        assert_eq!(at("listen"), Value::Int(1));
        assert_eq!(at("close_wait"), Value::Int(0));
    }

    #[test]
    fn a_host_without_awk_tells_nothing_and_one_without_sockets_zeros() {
        let told =
            |code: &str| Report::of([("tcp", String::new()), ("notes", format!("tcp {code}\n"))]);
        assert!(row(&told("127")).is_none());
        assert!(row(&told("0")).is_some());
        assert!(row(&Report::of([("tcp", "01 99999999999\n".to_owned())])).is_none());
    }
}
