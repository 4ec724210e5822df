//! What Linux tells in /proc, /sys and by df, as rows of the core tables. The text may come over SSH
//! or from this machine's own /proc: the same parser, the same meaning.
//!
//! The text is untrusted: lines are bounded, numbers are range-checked, nothing panics, and a part
//! that is missing or unreadable is no data and a problem, never a zero.

pub(super) mod cpu;
pub(super) mod disk;
pub(super) mod filesystem;
pub(super) mod host;
pub(super) mod interface;
pub(super) mod memory;
pub(super) mod process;
pub(super) mod raid;
mod report;
pub(super) mod sensor;
pub(super) mod service;
pub(super) mod tcp;

pub(super) use report::{Flaw, Report};

use crate::machine::{System, states_row, table};
use crate::reading::{Readings, Row, TableReadings};
use crate::table::{
    CPU, CPU_CORE, DISK, FILESYSTEM, INTERFACE, MEMORY, PROCESS, PROCESS_STATE, RAID, SENSOR,
    SERVICE, SYSTEM, TCP_STATE, Table,
};

/// A line longer than this is not what /proc prints, and is passed over.
const LINE_MAX: usize = 4096;

/// More rows of a kind than this are cut: a host has not that many.
const ROWS_MAX: usize = 100_000;

/// Everything that the report of one host tells.
pub(super) fn readings(report: &Report<'_>) -> Readings {
    let mut readings = Readings {
        uptime: host::uptime(report),
        host_facts: host::facts(report),
        problems: host::notes(report),
        ..Readings::default()
    };
    let memory = memory::figures(report);
    let total = memory.as_ref().map(|m| m.total);
    let seen = process::all(report, total);
    let hidden = seen.as_ref().is_some_and(|p| !p.complete);
    let processes = seen.filter(|p| p.complete);
    let system = System {
        processes: processes.as_ref().map(|p| p.rows.len() as i64),
        ..host::system(report)
    };
    let threads = host::threads(report);
    let mut add = |table_of: &'static Table, rows: Option<Vec<Row>>, missing: &str| match rows {
        Some(rows) => readings.tables.push(table(table_of, rows)),
        None => readings.problems.push(format!("{missing}: no data")),
    };
    let has_system = system != System::default();
    add(
        &SYSTEM,
        has_system.then(|| vec![system.row()]),
        "/proc/uptime and /proc/loadavg",
    );
    add(
        &CPU,
        cpu::row(report.get("stat")).map(|r| vec![r]),
        "/proc/stat",
    );
    add(&MEMORY, memory.map(|m| vec![m.row()]), "/proc/meminfo");
    if report.asked("df") {
        add(&FILESYSTEM, filesystem::rows(report), "df");
    }
    add(&DISK, disk::rows(report), "/proc/diskstats");
    add(&INTERFACE, interface::rows(report), "/proc/net/dev");
    let states = processes
        .as_ref()
        .map(|p| vec![states_row(p.states.iter().copied(), threads)]);
    if hidden {
        readings.problems.push(process::HIDDEN.to_owned());
    } else if report.asked("ps") {
        add(&PROCESS_STATE, states, "/proc/PID/stat");
    }
    if let Some(processes) = processes {
        readings.tables.push(table(&PROCESS, processes.rows));
    }
    readings.tables.extend(extras(report));
    readings
}

/// What only some machines have, or older ones do not tell: its absence is no problem.
pub(super) fn extras(report: &Report<'_>) -> Vec<TableReadings> {
    let found = [
        (&CPU_CORE, cpu::core_rows(report.get("stat"))),
        (&SERVICE, service::rows(report)),
        (&SENSOR, sensor::rows(report)),
        (&RAID, raid::rows(report)),
        (&TCP_STATE, tcp::row(report).map(|row| vec![row])),
    ];
    let told = found.into_iter();
    told.filter_map(|(of, rows)| Some(table(of, rows?)))
        .collect()
}

/// The lines worth reading.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|l| l.len() <= LINE_MAX).take(ROWS_MAX)
}

#[cfg(test)]
mod tests;
