//! /proc/stat: CPU time.

use super::lines;
use crate::machine::counter;
use crate::reading::{EntityKey, Row, Value};
use crate::table::{CPU, CPU_CORE, Table};

/// The columns of the line `cpu`, in the kernel's order. guest and guest_nice come after them and are
/// left out: the kernel counts them in user and nice already.
const TICKS: [&str; 8] = [
    "user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal",
];

/// More cores than this have no row of their own.
const CORES_MAX: usize = 1_024;

/// Ticks of all CPUs together. `None` without a readable line `cpu`.
pub(in crate::collect) fn row(stat: Option<&str>) -> Option<Row> {
    let stat = stat?;
    let all = lines(stat).find(|l| l.split_ascii_whitespace().next() == Some("cpu"))?;
    let mut row = Row::new(&CPU, None);
    fill(&mut row, &CPU, all)?;
    let cores = cores(stat);
    row.set(&CPU, "cores", (cores > 0).then_some(cores).into());
    row.set(&CPU, "formula", Value::text("ticks"));
    Some(row)
}

/// Ticks of each core. `None` without a readable line `cpuN`.
pub(in crate::collect) fn core_rows(stat: Option<&str>) -> Option<Vec<Row>> {
    let cores = lines(stat?).filter_map(|line| {
        let name = core(line)?;
        let mut row = Row::new(&CPU_CORE, Some(EntityKey::named(name)));
        fill(&mut row, &CPU_CORE, line)?;
        Some(row)
    });
    let rows: Vec<Row> = cores.take(CORES_MAX).collect();
    (!rows.is_empty()).then_some(rows)
}

fn fill(row: &mut Row, table: &'static Table, line: &str) -> Option<()> {
    let ticks: Vec<u64> = line
        .split_ascii_whitespace()
        .skip(1)
        .map_while(|t| t.parse().ok())
        .collect();
    // Kernels before 2.6 told four; without these there is no formula.
    if ticks.len() < 4 {
        return None;
    }
    for (column, value) in TICKS.iter().zip(ticks) {
        row.set(table, column, counter(Some(value)));
    }
    Some(())
}

/// The number of the core that a line `cpu12 …` is about.
fn core(line: &str) -> Option<&str> {
    let number = line.split_ascii_whitespace().next()?.strip_prefix("cpu")?;
    let good = (1..=5).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    good.then_some(number)
}

/// Seconds since 1970 at which the host booted.
pub(in crate::collect) fn boot_time(stat: Option<&str>) -> Option<i64> {
    let line = lines(stat?).find_map(|l| l.strip_prefix("btime "))?;
    line.trim().parse().ok().filter(|t| *t > 0)
}

fn cores(stat: &str) -> i64 {
    lines(stat).filter(|l| core(l).is_some()).count() as i64
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
        let cores = core_rows(Some(stat)).unwrap();
        let names = cores
            .iter()
            .map(|r| r.entity.as_ref().unwrap().name.as_str());
        assert_eq!(names.collect::<Vec<_>>(), ["0", "1"]);
        let idle = CPU_CORE.position("idle").unwrap();
        assert_eq!(cores[1].values[idle], Value::Counter64(20));
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
