//! node_exporter's families as rows of the core tables, in the same terms as every other way of asking
//! a machine.

mod device;
mod state;

use std::collections::BTreeMap;

use super::Exposition;
use crate::machine::{Memory, System, clean, counter, table};
use crate::reading::{EntityKey, Readings, Row, Uptime, Value};
use crate::table::{CPU, CPU_CORE, DISK, FILESYSTEM, INTERFACE, MEMORY, SYSTEM, Table};
use crate::table::{PROCESS_STATE, SENSOR, SERVICE};

/// More cores than this have no row of their own.
const CORES_MAX: usize = 1_024;
/// The kernel counts CPU time in hundredths of a second; node_exporter divides by it.
const TICKS_PER_S: f64 = 100.0;
/// The exporter's words for the columns of cpu; guest time is in user and nice already.
const MODES: [(&str, &str); 8] = [
    ("user", "user"),
    ("nice", "nice"),
    ("system", "system"),
    ("idle", "idle"),
    ("iowait", "iowait"),
    ("irq", "irq"),
    ("softirq", "softirq"),
    ("steal", "steal"),
];

/// Whether it is the exposition of a node_exporter.
pub fn is_node(found: &Exposition) -> bool {
    [
        "node_cpu_seconds_total",
        "node_memory_MemTotal_bytes",
        "node_load1",
        "node_uname_info",
    ]
    .iter()
    .any(|name| !found.get(name).is_empty())
}

/// What it says of the machine; tables whose collector is switched off are not there.
pub fn readings(found: &Exposition) -> Readings {
    let mut tables = Vec::new();
    let mut add = |of: &'static Table, rows: Vec<Row>| {
        if !rows.is_empty() {
            tables.push(table(of, rows));
        }
    };
    add(&SYSTEM, system(found).into_iter().collect());
    let cores = cores(found);
    add(&CPU, cpu(&cores).into_iter().collect());
    add(&CPU_CORE, core_rows(&cores));
    add(
        &MEMORY,
        memory(found).map(|m| m.row()).into_iter().collect(),
    );
    add(&FILESYSTEM, device::filesystems(found));
    add(&DISK, device::disks(found));
    add(&INTERFACE, device::interfaces(found));
    add(
        &PROCESS_STATE,
        state::processes(found).into_iter().collect(),
    );
    add(&SENSOR, state::sensors(found));
    add(&SERVICE, state::services(found));
    Readings {
        uptime: uptime_s(found).map(|s| Uptime {
            ms: (s * 1_000.0) as u64,
            wraps: false,
            // The time of the boot moves a little when the clock is set: it proves no restart.
            boot: 0,
        }),
        tables,
        host_facts: facts(found),
        problems: failed_collectors(found),
        ..Readings::default()
    }
}

fn uptime_s(found: &Exposition) -> Option<f64> {
    let (now, boot) = (
        found.value("node_time_seconds")?,
        found.value("node_boot_time_seconds")?,
    );
    (now >= boot && now - boot < 1e10).then_some(now - boot)
}

fn system(found: &Exposition) -> Option<Row> {
    let load = ["node_load1", "node_load5", "node_load15"].map(|name| found.value(name));
    let system = System {
        uptime_s: uptime_s(found).map(|s| s as i64),
        load: match load {
            [Some(one), Some(five), Some(fifteen)] => Some([one, five, fifteen]),
            _ => None,
        },
        processes: found.value("node_processes_pids").map(|n| n as i64),
        users: None,
        // Of the text files that Debian's package makes of apt.
        reboot_required: found.value("node_reboot_required").map(|v| v > 0.0),
    };
    (system != System::default()).then(|| system.row())
}

type Core = BTreeMap<&'static str, u64>;

/// Ticks of each core by column, cores in the order of their numbers.
fn cores(found: &Exposition) -> BTreeMap<u32, Core> {
    let mut cores: BTreeMap<u32, Core> = BTreeMap::new();
    for sample in found.get("node_cpu_seconds_total") {
        let column = MODES.iter().find(|(mode, _)| *mode == sample.label("mode"));
        let (Some((_, column)), Ok(core)) = (column, sample.label("cpu").parse()) else {
            continue;
        };
        if let Some(ticks) = whole(sample.value * TICKS_PER_S) {
            cores.entry(core).or_default().insert(column, ticks);
        }
    }
    cores
}

fn cpu(cores: &BTreeMap<u32, Core>) -> Option<Row> {
    let mut sums = Core::new();
    for (column, ticks) in cores.values().flatten() {
        let sum = sums.entry(column).or_default();
        *sum = sum.saturating_add(*ticks);
    }
    if sums.is_empty() {
        return None;
    }
    let mut row = Row::new(&CPU, None);
    fill(&mut row, &CPU, &sums);
    row.set(&CPU, "cores", Value::Int(cores.len() as i64));
    row.set(&CPU, "formula", Value::text("ticks"));
    Some(row)
}

fn core_rows(cores: &BTreeMap<u32, Core>) -> Vec<Row> {
    let rows = cores.iter().map(|(number, core)| {
        let mut row = Row::new(&CPU_CORE, Some(EntityKey::named(number.to_string())));
        fill(&mut row, &CPU_CORE, core);
        row
    });
    rows.take(CORES_MAX).collect()
}

fn fill(row: &mut Row, table: &'static Table, core: &Core) {
    for (column, ticks) in core {
        row.set(table, column, counter(Some(*ticks)));
    }
}

/// MemAvailable, as the kernel says it, and what ZFS would give back beside it.
fn memory(found: &Exposition) -> Option<Memory> {
    let bytes = |name: &str| {
        let value = found.value(&format!("node_memory_{name}_bytes"))?;
        whole(value)
    };
    let total = bytes("MemTotal").filter(|total| *total > 0)?;
    let (buffers, cached) = (bytes("Buffers"), bytes("Cached"));
    let (mut available, mut formula) = match bytes("MemAvailable") {
        Some(available) => (available, "MemAvailable"),
        // Kernels before 3.14. Shared memory lies in the page cache and cannot be given back.
        None => {
            let free = bytes("MemFree")?
                .saturating_add(buffers?)
                .saturating_add(cached?);
            let free = free.saturating_add(bytes("SReclaimable").unwrap_or(0));
            (
                free.saturating_sub(bytes("Shmem").unwrap_or(0)),
                "free+buffers+cached",
            )
        }
    };
    let arc = found.value("node_zfs_arc_size").and_then(whole);
    if let (Some(size), Some(least)) = (arc, found.value("node_zfs_arc_c_min").and_then(whole)) {
        available = available.saturating_add(size.saturating_sub(least));
        formula = match formula {
            "MemAvailable" => "MemAvailable+ARC",
            _ => "free+buffers+cached+ARC",
        };
    }
    Some(Memory {
        total,
        available,
        buffers,
        cached,
        arc,
        swap_total: bytes("SwapTotal"),
        swap_free: bytes("SwapFree"),
        formula,
    })
}

fn facts(found: &Exposition) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut add = |fact: &'static str, family: &str, label: &str| {
        let text = found
            .get(family)
            .first()
            .map(|sample| clean(sample.label(label)));
        facts.extend(
            text.filter(|text| !text.is_empty())
                .map(|text| (fact, text)),
        );
    };
    add("sys_name", "node_uname_info", "nodename");
    add("kernel", "node_uname_info", "release");
    add("arch", "node_uname_info", "machine");
    add("os", "node_os_info", "pretty_name");
    add("cpu_model", "node_cpu_info", "model_name");
    add("vendor", "node_dmi_info", "system_vendor");
    add("model", "node_dmi_info", "product_name");
    add("serial", "node_dmi_info", "product_serial");
    facts
}

/// The collectors of what every machine has that failed. Others call it a failure, too, when there is
/// nothing for them on this machine.
fn failed_collectors(found: &Exposition) -> Vec<String> {
    const OF_ALL: [&str; 6] = [
        "cpu",
        "diskstats",
        "filesystem",
        "loadavg",
        "meminfo",
        "netdev",
    ];
    let failed: Vec<&str> = found
        .get("node_scrape_collector_success")
        .iter()
        .filter(|sample| sample.value == 0.0)
        .filter_map(|sample| {
            OF_ALL
                .into_iter()
                .find(|name| *name == sample.label("collector"))
        })
        .collect();
    match failed.is_empty() {
        true => Vec::new(),
        false => vec![format!(
            "node_exporter: collectors that failed: {}",
            failed.join(", ")
        )],
    }
}

/// A number that a BIGINT holds, rounded; `None` for others.
fn whole(value: f64) -> Option<u64> {
    (value.is_finite() && (0.0..9.2e18).contains(&value)).then_some(value.round() as u64)
}
