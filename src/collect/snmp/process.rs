//! HOST-RESOURCES-MIB hrSWRunTable → tables `process` and `process_state`.

use std::collections::HashMap;
use std::sync::Arc;

use super::exchange::{Line, Trouble};
use super::get::{self, Items};
use super::text;
use super::value::Datum;
use super::walk::{TableSpec, Walked, walk};
use crate::reading::{Row, TableReadings, Value};
use crate::table::{PROCESS, PROCESS_STATE};

const RUN: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 4, 2, 1];

/// Only what changes; names are asked once per process.
const STATES: TableSpec = TableSpec {
    name: "hrSWRunTable",
    entry: RUN,
    columns: &[7],
};

/// CPU time in hundredths of a second, memory in kB.
const USE: TableSpec = TableSpec {
    name: "hrSWRunPerfTable",
    entry: &[1, 3, 6, 1, 2, 1, 25, 5, 1, 1],
    columns: &[1, 2],
};

const RUNNING: i64 = 1;
const SLEEPING: i64 = 2;
const INVALID: i64 = 4;

/// The rows of both tables. Nothing at all when the walk did not reach its end: half a table would
/// count too few.
pub(super) async fn tables(
    line: &mut Line<'_>,
    memory_bytes: Option<i64>,
) -> Result<Vec<TableReadings>, Trouble> {
    let states = walk(line, &STATES).await?;
    if states.incomplete.is_some() || states.rows.is_empty() {
        return Ok(Vec::new());
    }
    let used = walk(line, &USE).await?;
    let used: HashMap<u32, &[Datum]> = if used.incomplete.is_none() {
        used.numbered().collect()
    } else {
        HashMap::new()
    };
    let names = names(line, &states, &used).await?;
    let mut rows = Vec::with_capacity(states.rows.len());
    for (pid, state) in states.numbered() {
        let Some(name) = names.get(&pid) else {
            continue;
        };
        let used = used.get(&pid).copied();
        rows.push(process(pid, name, &state[0], used, memory_bytes));
    }
    let counted = count(&states, &names);
    Ok(vec![
        TableReadings {
            table: &PROCESS_STATE,
            rows: vec![counted],
        },
        TableReadings {
            table: &PROCESS,
            rows,
        },
    ])
}

/// Names of all processes: known ones from memory, the others asked. A process whose CPU time fell
/// is another one of the same number.
async fn names(
    line: &mut Line<'_>,
    states: &Walked,
    used: &HashMap<u32, &[Datum]>,
) -> Result<HashMap<u32, Arc<str>>, Trouble> {
    let before = std::mem::take(&mut line.device.processes);
    let mut items = Items::default();
    let mut asked = Vec::new();
    let mut names = HashMap::with_capacity(states.rows.len());
    for (pid, _) in states.numbered() {
        let cpu = used.get(&pid).and_then(|u| u[0].size()).unwrap_or(0);
        match before.get(&pid) {
            Some((name, seen)) if cpu >= *seen => {
                names.insert(pid, name.clone());
                line.device.processes.insert(pid, (name.clone(), cpu));
            }
            _ => {
                items.push(RUN, &[2, pid], 16, 0);
                asked.push((pid, cpu));
            }
        }
    }
    let answers = get::get(line, &items).await?;
    for ((pid, cpu), answer) in asked.into_iter().zip(answers) {
        // It ended in the meantime when there is no name.
        if let Some(octets) = answer.bytes() {
            let name: Arc<str> = Arc::from(text::shown(octets));
            names.insert(pid, name.clone());
            line.device.processes.insert(pid, (name, cpu));
        }
    }
    Ok(names)
}

fn process(
    pid: u32,
    name: &Arc<str>,
    state: &Datum,
    used: Option<&[Datum]>,
    memory_bytes: Option<i64>,
) -> Row {
    let mut row = Row::new(&PROCESS, None);
    row.set(&PROCESS, "pid", Value::Int(i64::from(pid)));
    row.set(&PROCESS, "name", Value::Text(name.clone()));
    // The others stand for several states each.
    let letter = match state.int() {
        Some(RUNNING) => Value::text("R"),
        Some(SLEEPING) => Value::text("S"),
        _ => Value::Null,
    };
    row.set(&PROCESS, "state", letter);
    if let Some([cpu, memory]) = used {
        if let Some(ms) = cpu.size().and_then(|c| u64::try_from(c * 10).ok()) {
            row.set(&PROCESS, "cpu_ms", Value::Counter64(ms));
        }
        let rss = memory.size().and_then(|kb| kb.checked_mul(1_024));
        row.set(&PROCESS, "rss_bytes", rss.into());
        let share = rss
            .zip(memory_bytes)
            .map(|(r, m)| 100.0 * r as f64 / m as f64);
        row.set(&PROCESS, "mem_pct", share.into());
    }
    row
}

/// How many are in which state. `notRunnable` stands for stopped and uninterruptible, so neither is
/// told. `invalid` stands for zombies, and with net-snmp on Linux for idle kernel threads too.
fn count(states: &Walked, names: &HashMap<u32, Arc<str>>) -> Row {
    let of = |wanted: i64| {
        let rows = states.rows.values();
        Value::Int(rows.filter(|r| r[0].int() == Some(wanted)).count() as i64)
    };
    let mut row = Row::new(&PROCESS_STATE, None);
    row.set(
        &PROCESS_STATE,
        "total",
        Value::Int(states.rows.len() as i64),
    );
    row.set(&PROCESS_STATE, "running", of(RUNNING));
    row.set(&PROCESS_STATE, "sleeping", of(SLEEPING));
    let invalid: Vec<&str> = states
        .numbered()
        .filter(|(_, row)| row[0].int() == Some(INVALID))
        .filter_map(|(pid, _)| names.get(&pid).map(|name| &**name))
        .collect();
    row.set(&PROCESS_STATE, "zombie", zombies(&invalid).into());
    row
}

/// How the kernel threads begin that Linux shows as idle: work queues, RCU, memory, the NFS server,
/// ZFS.
const IDLE: [&str; 14] = [
    "kworker/", "rcu_", "kdamond", "nfsd", "lockd", "NFSv4 ", "arc_", "dbu_", "dp_", "l2arc_",
    "spl_", "txg_", "z_", "zthr",
];

/// How many of the invalid processes are zombies. Idle kernel threads go by their names; before
/// Linux called the helpers of its work queues `kworker/R-…`, they had names like any program, and
/// zombies cannot be told from them.
fn zombies(invalid: &[&str]) -> Option<i64> {
    let is_idle = |name: &&&str| IDLE.iter().any(|prefix| name.starts_with(prefix));
    let idle = invalid.iter().filter(is_idle).count();
    if idle > 0 && !invalid.iter().any(|name| name.starts_with("kworker/R-")) {
        return None;
    }
    Some((invalid.len() - idle) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zombies_are_told_only_where_they_can_be() {
        let cases: &[(&[&str], Option<i64>)] = &[
            (&[], Some(0)),
            (&["bash", "cron"], Some(2)),
            (&["kworker/0:1", "netns", "bash"], None),
            (
                &["kworker/0:1", "kworker/R-netns", "rcu_preempt", "bash"],
                Some(1),
            ),
        ];
        for (names, expected) in cases {
            assert_eq!(zombies(names), *expected);
        }
    }
}
