//! Columns that come from others: percentages of ticks, sums of packets, the CPU share of a process;
//! and which processes are worth keeping.

use std::sync::LazyLock;

use crate::intake::StoredRow;
use crate::reading::Value;
use crate::table::{self, Kind, Table};

/// How many processes are kept by CPU, and how many by memory.
const TOP_PROCESSES: usize = 10;

/// Completes a row whose counters are deltas already, and rounds its percentages to two decimals:
/// they pack to a quarter of the size.
pub(super) fn finish(table: &'static Table, values: &mut [Value], elapsed_ms: Option<i64>) {
    match table.name {
        name if name == table::CPU.name || name == table::CPU_CORE.name => {
            cpu(table, values);
        }
        name if name == table::INTERFACE.name => packets(values),
        name if name == table::PROCESS.name => process(table, values, elapsed_ms),
        _ => {}
    }
    for (column, value) in table.columns.iter().zip(values) {
        if let Value::Float(f) = value {
            if !f.is_finite() {
                *value = Value::Null;
            } else if column.kind == Kind::Pct {
                *f = (*f * 100.0).round() / 100.0;
            }
        }
    }
}

/// Keeps the processes that matter: the union of the top 10 by CPU and the top 10 by memory.
pub(super) fn select(table: &'static Table, rows: &mut Vec<StoredRow>) {
    if table.name != table::PROCESS.name || rows.len() <= TOP_PROCESSES {
        return;
    }
    let mut keep = vec![false; rows.len()];
    // Whoever pushes may know the share of the memory and not the bytes.
    let memory = match table.position("rss_bytes") {
        Some(p) if rows.iter().any(|row| !row.values[p].is_null()) => "rss_bytes",
        _ => "mem_pct",
    };
    for column in ["cpu_pct", memory] {
        let Some(position) = table.position(column) else {
            continue;
        };
        let mut order: Vec<usize> = (0..rows.len())
            .filter(|i| number(&rows[*i].values[position]).is_some_and(|n| n > 0.0))
            .collect();
        order.sort_by(|a, b| {
            let of = |i: &usize| number(&rows[*i].values[position]).unwrap_or(0.0);
            of(b).total_cmp(&of(a))
        });
        for i in order.into_iter().take(TOP_PROCESSES) {
            keep[i] = true;
        }
    }
    let mut keep = keep.into_iter();
    rows.retain(|_| keep.next().unwrap_or(false));
}

/// used = 100 · (1 − (idle + iowait) / Σ) over the ticks of the interval; guest time is inside user
/// already. A device that gives percentages itself keeps its own.
fn cpu(table: &Table, values: &mut [Value]) {
    let get = |values: &[Value], name: &str| table.position(name).and_then(|p| number(&values[p]));
    let names = [
        "user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal",
    ];
    let total: f64 = names.iter().filter_map(|n| get(values, n)).sum();
    let (Some(idle), true) = (get(values, "idle"), total > 0.0) else {
        return;
    };
    let or_zero = |name: &str| get(values, name).unwrap_or(0.0);
    let share = |ticks: f64| Value::Float((100.0 * ticks / total).clamp(0.0, 100.0));
    let told = |name: &str| get(values, name).is_some();
    let columns = [
        ("used_pct", share(total - idle - or_zero("iowait"))),
        ("user_pct", share(or_zero("user") + or_zero("nice"))),
        (
            "system_pct",
            share(or_zero("system") + or_zero("irq") + or_zero("softirq")),
        ),
        (
            "iowait_pct",
            if told("iowait") {
                share(or_zero("iowait"))
            } else {
                Value::Null
            },
        ),
        (
            "steal_pct",
            if told("steal") {
                share(or_zero("steal"))
            } else {
                Value::Null
            },
        ),
    ];
    for (name, value) in columns {
        if let Some(p) = table.position(name)
            && values[p].is_null()
        {
            values[p] = value;
        }
    }
}

/// Where a direction's packets lie in a row of `interface`: the sum and its three parts.
struct Packets {
    all: usize,
    unicast: usize,
    multicast: usize,
    broadcast: usize,
}

static PACKETS: LazyLock<Vec<Packets>> = LazyLock::new(|| {
    let place =
        |direction: &str, what: &str| table::INTERFACE.position(&format!("{direction}_{what}"));
    let both = ["in", "out"].into_iter().filter_map(|direction| {
        Some(Packets {
            all: place(direction, "packets")?,
            unicast: place(direction, "unicast")?,
            multicast: place(direction, "multicast")?,
            broadcast: place(direction, "broadcast")?,
        })
    });
    both.collect()
});

/// All packets = unicast + multicast + broadcast, where a method gives them apart.
fn packets(values: &mut [Value]) {
    for of in &*PACKETS {
        let get = |place: usize| match values.get(place) {
            Some(Value::Int(n)) => Some(*n),
            _ => None,
        };
        let Some(unicast) = get(of.unicast) else {
            continue;
        };
        let sum = unicast
            .saturating_add(get(of.multicast).unwrap_or(0))
            .saturating_add(get(of.broadcast).unwrap_or(0));
        if let Some(all) = values.get_mut(of.all)
            && all.is_null()
        {
            *all = Value::Int(sum);
        }
    }
}

/// CPU share since the previous collection; a process's first collection has none.
fn process(table: &Table, values: &mut [Value], elapsed_ms: Option<i64>) {
    let spent = table.position("cpu_ms").and_then(|p| number(&values[p]));
    if let (Some(spent), Some(elapsed), Some(p)) = (
        spent,
        elapsed_ms.filter(|ms| *ms > 0),
        table.position("cpu_pct"),
    ) && values[p].is_null()
    {
        values[p] = Value::Float(100.0 * spent / elapsed as f64);
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Float(f) => Some(*f),
        _ => None,
    }
}
