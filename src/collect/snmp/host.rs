//! Objects that a host has once → tables `system`, `cpu`, `memory`, and facts about the host.

use super::filesystem::{StorageKind, StorageRead};
use super::plan::counter;
use super::scalar::Scalar::{self, *};
use super::scalar::Scalars;
use super::text;
use super::value::Datum;
use crate::reading::{Row, TableReadings, Value};
use crate::table::{CPU, MEMORY, SYSTEM, Table};

/// The facts by the names in [`crate::table::HOST_FACTS`].
pub(super) fn facts(found: &Scalars) -> Vec<(&'static str, String)> {
    let names = [
        ("sys_name", Name),
        ("sys_descr", Descr),
        ("sys_object_id", ObjectId),
        ("location", Location),
        ("contact", Contact),
    ];
    names
        .into_iter()
        .filter_map(|(fact, scalar)| match found.get(scalar) {
            Datum::Bytes(octets) => Some((fact, text::shown(octets))),
            Datum::Oid(oid) => Some((fact, oid.to_string())),
            _ => None,
        })
        .collect()
}

/// The rows of the three tables; a table of which the device says nothing has none.
pub(super) fn tables(
    found: &Scalars,
    loads: &[i64],
    cpus: usize,
    storages: &[StorageRead<'_>],
) -> Vec<TableReadings> {
    vec![
        filled(&SYSTEM, system(found)),
        filled(&CPU, cpu(found, loads, cpus)),
        filled(&MEMORY, memory(found, storages)),
    ]
}

fn filled(table: &'static Table, row: Row) -> TableReadings {
    let empty = row.values.iter().all(Value::is_null);
    let rows = if empty { Vec::new() } else { vec![row] };
    TableReadings { table, rows }
}

fn system(found: &Scalars) -> Row {
    let mut row = Row::new(&SYSTEM, None);
    row.set(&SYSTEM, "uptime_s", uptime_s(found).into());
    let loads = [
        ("load1", Load1, LoadText1),
        ("load5", Load5, LoadText5),
        ("load15", Load15, LoadText15),
    ];
    for (column, hundredths, written) in loads {
        let load = found.int(hundredths).filter(|l| *l >= 0);
        let load = load
            .map(|l| l as f64 / 100.0)
            .or_else(|| number(found.get(written)));
        row.set(&SYSTEM, column, load.into());
    }
    row.set(&SYSTEM, "processes", found.int(HrProcesses).into());
    row.set(&SYSTEM, "users", found.int(HrUsers).into());
    row
}

/// A non-negative number that the device wrote as text.
fn number(datum: &Datum) -> Option<f64> {
    let text = std::str::from_utf8(datum.bytes()?).ok()?;
    let number: f64 = text.trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

/// hrSystemUptime is the host's, sysUpTime and snmpEngineTime are the SNMP agent's. The first two
/// are full after 497 days; snmpEngineTime goes on.
fn uptime_s(found: &Scalars) -> Option<i64> {
    const FULL_S: i64 = (1 << 32) / 100;
    let engine = found.int(EngineTime).filter(|s| *s > 0);
    let host = found.int(HrUptime).map(|ticks| ticks / 100);
    match (host, found.int(UpTime).map(|ticks| ticks / 100)) {
        (Some(host), _) => Some(engine.filter(|e| *e > FULL_S).map_or(host, |e| e.max(host))),
        (None, Some(agent)) => Some(engine.map_or(agent, |e| e.max(agent))),
        (None, None) => engine,
    }
}

fn cpu(found: &Scalars, loads: &[i64], cpus: usize) -> Row {
    let mut row = Row::new(&CPU, None);
    let cores = match cpus {
        0 => found.int(Cpus).filter(|n| *n > 0),
        n => Some(n as i64),
    };
    row.set(&CPU, "cores", cores.into());
    let ticks = [
        ("user", TicksUser),
        ("nice", TicksNice),
        ("system", TicksSystem),
        ("idle", TicksIdle),
        ("iowait", TicksWait),
        ("irq", TicksInterrupt),
        ("softirq", TicksSoftInterrupt),
        ("steal", TicksSteal),
    ];
    // net-snmp answers 0 to all of them until it has read them for the first time.
    let counted =
        found.int(TicksIdle).is_some() && ticks.iter().any(|(_, t)| found.int(*t) > Some(0));
    if counted {
        for (column, scalar) in ticks {
            row.set(&CPU, column, counter(found.get(scalar)));
        }
        row.set(&CPU, "formula", Value::text("ticks"));
    } else if !loads.is_empty() {
        let mean = loads.iter().sum::<i64>() as f64 / loads.len() as f64;
        row.set(&CPU, "used_pct", Value::Float(mean.clamp(0.0, 100.0)));
        row.set(&CPU, "formula", Value::text("hrProcessorLoad"));
    } else if let Some(idle) = found.int(IdlePct).filter(|p| (0..=100).contains(p)) {
        row.set(&CPU, "used_pct", Value::Float((100 - idle) as f64));
        row.set(&CPU, "formula", Value::text("ssCpuIdle"));
    }
    row
}

/// An amount that UCD gives in kB, from its 64-bit object when there is one.
fn bytes(found: &Scalars, wide: Scalar, narrow: Scalar) -> Option<i64> {
    let kilobytes = found.int(wide).or_else(|| found.get(narrow).size())?;
    kilobytes.checked_mul(1_024).filter(|b| *b >= 0)
}

/// Main memory, where the device tells it.
pub(super) fn memory_bytes(found: &Scalars) -> Option<i64> {
    let hr = || found.get(HrMemory).size()?.checked_mul(1_024);
    bytes(found, MemTotal64, MemTotal)
        .or_else(hr)
        .filter(|b| *b > 0)
}

fn memory(found: &Scalars, storages: &[StorageRead<'_>]) -> Row {
    let mut row = Row::new(&MEMORY, None);
    let total = bytes(found, MemTotal64, MemTotal).filter(|b| *b > 0);
    let amount = match total {
        Some(total) => ucd_available(found, total).map(|(a, formula)| (total, a, formula)),
        None => hr_available(storages),
    };
    if let Some((total, available, formula)) = amount {
        let available = available.clamp(0, total);
        row.set(&MEMORY, "total_bytes", Value::Int(total));
        row.set(&MEMORY, "available_bytes", Value::Int(available));
        row.set(&MEMORY, "used_bytes", Value::Int(total - available));
        let used_pct = 100.0 * (total - available) as f64 / total as f64;
        row.set(&MEMORY, "used_pct", Value::Float(used_pct));
        row.set(&MEMORY, "formula", Value::text(formula));
    }
    let buffers = bytes(found, MemBuffer64, MemBuffer).or_else(|| used_of(storages, &BUFFERS));
    let cached = bytes(found, MemCached64, MemCached).or_else(|| used_of(storages, &CACHES));
    let whole = amount.map_or(i64::MAX, |(total, _, _)| total);
    let possible = |part: Option<i64>| Value::from(part.filter(|p| *p <= whole));
    row.set(&MEMORY, "buffers_bytes", possible(buffers));
    row.set(&MEMORY, "cached_bytes", possible(cached));
    swap(found, storages, &mut row);
    row
}

/// memSysAvail is the kernel's own MemAvailable; older agents offer its parts. A part that is larger
/// than the whole cannot be true and does not count.
fn ucd_available(found: &Scalars, total: i64) -> Option<(i64, &'static str)> {
    if let Some(available) = bytes(found, MemAvailable64, MemAvailable64).filter(|a| *a > 0) {
        return Some((available, "memSysAvail"));
    }
    let free = bytes(found, MemFree64, MemFree)?;
    let part = |wide, narrow| bytes(found, wide, narrow).filter(|b| *b <= total);
    let shared = part(MemShared64, MemShared).unwrap_or(0);
    let free = free + part(MemBuffer64, MemBuffer).unwrap_or(0);
    // The page cache holds shared memory too, which the kernel cannot give back.
    Some(match part(MemCached64, MemCached) {
        Some(cached) => (free + (cached - shared).max(0), "free+buffers+cached"),
        None => (free, "free+buffers"),
    })
}

/// Total and available by hrStorageTable. net-snmp counts caches as used and lists them apart.
fn hr_available(storages: &[StorageRead<'_>]) -> Option<(i64, i64, &'static str)> {
    let ram = storages
        .iter()
        .find(|s| s.kind() == StorageKind::Ram && s.size > 0)?;
    let part = |names| used_of(storages, names).unwrap_or(0);
    let used = ram.used - part(&BUFFERS) - part(&CACHES);
    Some((ram.size, ram.size - used.max(0), "hrStorage"))
}

/// What net-snmp, old net-snmp and Arista call the memory that the kernel gives back.
const BUFFERS: [&str; 2] = ["memory buffers", "ram (buffers)"];
const CACHES: [&str; 2] = ["cached memory", "ram (cache)"];

fn used_of(storages: &[StorageRead<'_>], names: &[&str]) -> Option<i64> {
    let is_one = |s: &&StorageRead<'_>| names.contains(&&*s.name().to_ascii_lowercase());
    storages.iter().find(is_one).map(|s| s.used)
}

fn swap(found: &Scalars, storages: &[StorageRead<'_>], row: &mut Row) {
    let is_swap = |s: &&StorageRead<'_>| {
        s.kind() == StorageKind::Virtual && s.name().to_ascii_lowercase().contains("swap")
    };
    let total = bytes(found, SwapTotal64, SwapTotal);
    let free = bytes(found, SwapFree64, SwapFree);
    let (total, used) = match (total, free) {
        (Some(total), Some(free)) => (total, (total - free).max(0)),
        _ => match storages.iter().find(is_swap) {
            Some(storage) => (storage.size, storage.used),
            None => return,
        },
    };
    row.set(&MEMORY, "swap_total_bytes", Value::Int(total));
    row.set(&MEMORY, "swap_used_bytes", Value::Int(used));
    let used_pct = (total > 0).then(|| 100.0 * used as f64 / total as f64);
    row.set(&MEMORY, "swap_used_pct", used_pct.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(values: &[(Scalar, i64)]) -> Scalars {
        let mut found = Scalars::none();
        for (scalar, value) in values {
            found.set(*scalar, Datum::Integer(*value));
        }
        found
    }

    #[test]
    fn the_hosts_uptime_wins_until_it_is_full() {
        type Case = (&'static [(Scalar, i64)], Option<i64>);
        let cases: &[Case] = &[
            (&[], None),
            (&[(UpTime, 500)], Some(5)),
            (
                &[(UpTime, 500), (HrUptime, 90_000), (EngineTime, 5)],
                Some(900),
            ),
            (&[(UpTime, 500), (EngineTime, 50_000_000)], Some(50_000_000)),
            (
                &[(HrUptime, 500), (EngineTime, 50_000_000)],
                Some(50_000_000),
            ),
        ];
        for (values, expected) in cases {
            assert_eq!(uptime_s(&found(values)), *expected);
        }
    }

    #[test]
    fn memory_takes_the_best_formula_there_is() {
        let old = [
            (MemTotal, 1000),
            (MemFree, 100),
            (MemBuffer, 50),
            (MemCached, 300),
            (MemShared, 40),
        ];
        let row = memory(&found(&old), &[]);
        let at = |row: &Row, column| row.values[MEMORY.position(column).unwrap()].clone();
        assert_eq!(at(&row, "available_bytes"), Value::Int(410 * 1024));
        assert_eq!(at(&row, "used_pct"), Value::Float(59.0));
        assert_eq!(at(&row, "formula"), Value::text("free+buffers+cached"));
        let mut new = found(&old);
        new.set(MemAvailable64, Datum::Counter64(500));
        let row = memory(&new, &[]);
        assert_eq!(at(&row, "available_bytes"), Value::Int(500 * 1024));
        assert_eq!(at(&row, "formula"), Value::text("memSysAvail"));
    }

    #[test]
    fn ticks_that_are_all_zero_are_not_read_yet() {
        let zeros = found(&[(TicksUser, 0), (TicksIdle, 0), (IdlePct, 90)]);
        let row = cpu(&zeros, &[], 0);
        assert_eq!(
            row.values[CPU.position("used_pct").unwrap()],
            Value::Float(10.0)
        );
        let row = cpu(&found(&[(TicksUser, 1), (TicksIdle, 5)]), &[50], 1);
        assert_eq!(
            row.values[CPU.position("formula").unwrap()],
            Value::text("ticks")
        );
        assert_eq!(
            row.values[CPU.position("idle").unwrap()],
            Value::Counter32(5)
        );
        let row = cpu(&found(&[]), &[50, 100], 2);
        assert_eq!(
            row.values[CPU.position("used_pct").unwrap()],
            Value::Float(75.0)
        );
    }
}
