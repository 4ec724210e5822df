//! /proc/stat: CPU time.

use super::lines;
use crate::collect::machine::counter;
use crate::reading::{Row, Value};
use crate::table::CPU;

/// The columns of the line `cpu`, in the kernel's order. guest and guest_nice come after them and are
/// left out: the kernel counts them in user and nice already.
const TICKS: [&str; 8] = [
    "user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal",
];

/// Ticks of all CPUs together. `None` without a readable line `cpu`.
pub(in crate::collect) fn row(stat: Option<&str>) -> Option<Row> {
    let stat = stat?;
    let all = lines(stat).find(|l| l.split_ascii_whitespace().next() == Some("cpu"))?;
    let ticks: Vec<u64> = all
        .split_ascii_whitespace()
        .skip(1)
        .map_while(|t| t.parse().ok())
        .collect();
    // Kernels before 2.6 told four; without these there is no formula.
    if ticks.len() < 4 {
        return None;
    }
    let mut row = Row::new(&CPU, None);
    for (column, value) in TICKS.iter().zip(ticks) {
        row.set(&CPU, column, counter(Some(value)));
    }
    let cores = cores(stat);
    row.set(&CPU, "cores", (cores > 0).then_some(cores).into());
    row.set(&CPU, "formula", Value::text("ticks"));
    Some(row)
}

/// Seconds since 1970 at which the host booted.
pub(in crate::collect) fn boot_time(stat: Option<&str>) -> Option<i64> {
    let line = lines(stat?).find_map(|l| l.strip_prefix("btime "))?;
    line.trim().parse().ok().filter(|t| *t > 0)
}

fn cores(stat: &str) -> i64 {
    let is_core = |line: &str| {
        let word = line.split_ascii_whitespace().next();
        let number = word.and_then(|w| w.strip_prefix("cpu"));
        number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    lines(stat).filter(|l| is_core(l)).count() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_cores_and_boot_time() {
        let stat = "cpu  10 20 30 40 50 60 70 80 5 5\ncpu0 5 10 15 20 25 30 35 40 0 0\ncpu1 5 10 15 20 25 30 35 40 0 0\nbtime 1700000000\n";
        let row = row(Some(stat)).unwrap();
        let at = |name: &str| row.values[CPU.position(name).unwrap()].clone();
        assert_eq!(at("user"), Value::Counter64(10));
        assert_eq!(at("steal"), Value::Counter64(80));
        assert_eq!(at("cores"), Value::Int(2));
        assert_eq!(at("used_pct"), Value::Null);
        assert_eq!(boot_time(Some(stat)), Some(1_700_000_000));
    }

    #[test]
    fn an_old_kernel_tells_fewer_and_nonsense_nothing() {
        let row = row(Some("cpu  1 2 3 4\n")).unwrap();
        assert_eq!(row.values[CPU.position("iowait").unwrap()], Value::Null);
        for bad in [
            "",
            "cpu\n",
            "cpu a b c d\n",
            "cpu 1 2 3\n",
            "cpu0 1 2 3 4\n",
        ] {
            assert!(super::row(Some(bad)).is_none(), "{bad:?}");
        }
    }
}
