//! Processes by state, sensors, services.

use std::collections::BTreeMap;

use super::super::{Exposition, Sample};
use crate::machine::{clean, text};
use crate::reading::{EntityKey, Row, Value};
use crate::table::{PROCESS_STATE, SENSOR, SERVICE};

/// More services than this are cut: the failed ones stay, then those that are not at rest.
const SERVICES_MAX: usize = 500;
const SENSORS_MAX: usize = 1_000;

/// How many processes are in which state; only with `--collector.processes`.
pub(super) fn processes(found: &Exposition) -> Option<Row> {
    let samples = found.get("node_processes_state");
    if samples.is_empty() {
        return None;
    }
    let of = |letters: &[&str]| {
        let counted = samples
            .iter()
            .filter(|sample| letters.contains(&sample.label("state")));
        counted.map(|sample| sample.value as i64).sum::<i64>()
    };
    let mut row = Row::new(&PROCESS_STATE, None);
    let all: i64 = samples.iter().map(|sample| sample.value as i64).sum();
    for (column, count) in [
        ("total", all),
        ("running", of(&["R"])),
        ("sleeping", of(&["S"])),
        ("uninterruptible", of(&["D"])),
        ("stopped", of(&["T", "t"])),
        ("zombie", of(&["Z"])),
        ("idle", of(&["I"])),
    ] {
        row.set(&PROCESS_STATE, column, Value::Int(count));
    }
    let threads = found.value("node_processes_threads").map(|n| n as i64);
    row.set(&PROCESS_STATE, "threads", threads.into());
    Some(row)
}

/// The families of one kind of sensor: value, and limits where there are any.
struct Kind {
    kind: &'static str,
    unit: &'static str,
    value: &'static str,
    low: &'static str,
    high: &'static str,
    critical: &'static str,
}

const KINDS: [Kind; 6] = [
    Kind {
        kind: "temperature",
        unit: "°C",
        value: "node_hwmon_temp_celsius",
        low: "node_hwmon_temp_min_celsius",
        high: "node_hwmon_temp_max_celsius",
        critical: "node_hwmon_temp_crit_celsius",
    },
    Kind {
        kind: "fan",
        unit: "rpm",
        value: "node_hwmon_fan_rpm",
        low: "node_hwmon_fan_min_rpm",
        high: "node_hwmon_fan_max_rpm",
        critical: "",
    },
    Kind {
        kind: "voltage",
        unit: "V",
        value: "node_hwmon_in_volts",
        low: "node_hwmon_in_min_volts",
        high: "node_hwmon_in_max_volts",
        critical: "node_hwmon_in_crit_volts",
    },
    Kind {
        kind: "current",
        unit: "A",
        value: "node_hwmon_curr_amps",
        low: "node_hwmon_curr_min_amps",
        high: "node_hwmon_curr_max_amps",
        critical: "node_hwmon_curr_crit_amps",
    },
    Kind {
        kind: "power",
        unit: "W",
        value: "node_hwmon_power_watt",
        low: "",
        high: "node_hwmon_power_max_watt",
        critical: "node_hwmon_power_crit_watt",
    },
    Kind {
        kind: "humidity",
        unit: "%",
        value: "node_hwmon_humidity",
        low: "",
        high: "",
        critical: "",
    },
];

/// One row per input of every chip, and per thermal zone.
pub(super) fn sensors(found: &Exposition) -> Vec<Row> {
    let chips = chips(found);
    let labels: BTreeMap<(&str, &str), &str> = found
        .get("node_hwmon_sensor_label")
        .iter()
        .map(|s| ((s.label("chip"), s.label("sensor")), s.label("label")))
        .collect();
    let mut rows = Vec::new();
    for kind in &KINDS {
        for sample in found.get(kind.value) {
            let (chip, input) = (sample.label("chip"), sample.label("sensor"));
            let place = chips.get(chip).map_or(chip, String::as_str);
            let label = labels.get(&(chip, input)).copied().unwrap_or(input);
            rows.extend(sensor(found, kind, sample, (place, label)));
        }
    }
    for sample in found.get("node_thermal_zone_temp") {
        let zone = format!("{}#{}", sample.label("type"), sample.label("zone"));
        rows.extend(sensor(found, &KINDS[0], sample, (&zone, "temp1")));
    }
    let mut seen = std::collections::HashSet::new();
    rows.retain(|row: &Row| {
        row.entity
            .as_ref()
            .is_some_and(|key| seen.insert(key.name.clone()))
    });
    rows.truncate(SENSORS_MAX);
    rows
}

/// The name of each chip by where it sits; two of one name are told apart by their order.
fn chips(found: &Exposition) -> BTreeMap<&str, String> {
    let mut places: Vec<(&str, &str)> = found
        .get("node_hwmon_chip_names")
        .iter()
        .map(|sample| (sample.label("chip"), sample.label("chip_name")))
        .collect();
    places.sort_unstable();
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    let names = places.into_iter().map(|(chip, name)| {
        let nth = taken.entry(name).or_default();
        *nth += 1;
        match *nth {
            1 => (chip, name.to_owned()),
            n => (chip, format!("{name}#{n}")),
        }
    });
    names.collect()
}

fn sensor(
    found: &Exposition,
    kind: &Kind,
    sample: &Sample,
    (place, label): (&str, &str),
) -> Option<Row> {
    let is_temperature = kind.kind == "temperature";
    let possible = |v: f64| {
        v.is_finite() && v.abs() < 1e9 && (!is_temperature || (-100.0..250.0).contains(&v))
    };
    let value = Some(sample.value).filter(|v| possible(*v))?;
    // Limits that nobody set are 0, or the register's end.
    let limit = |family: &str| {
        let same = |s: &&Sample| {
            let label = |name| s.label(name) == sample.label(name);
            label("chip") && label("sensor") && !sample.label("chip").is_empty()
        };
        let found = found.get(family).iter().find(same).map(|s| s.value);
        found.filter(|v| *v != 0.0 && possible(*v))
    };
    let (low, high, critical) = (limit(kind.low), limit(kind.high), limit(kind.critical));
    let state = if critical.is_some_and(|c| value >= c) {
        "critical"
    } else if high.is_some_and(|h| value > h) || low.is_some_and(|l| value < l) {
        "warning"
    } else if critical.or(high).or(low).is_some() {
        "ok"
    } else {
        "unknown"
    };
    let name = clean(&format!("{place}/{label}"));
    let mut row = Row::new(&SENSOR, Some(EntityKey::named(name)));
    row.set(&SENSOR, "value", Value::Float(value));
    row.set(&SENSOR, "kind", Value::text(kind.kind));
    row.set(&SENSOR, "unit", Value::text(kind.unit));
    row.set(&SENSOR, "state", Value::text(state));
    row.set(&SENSOR, "low", low.into());
    row.set(&SENSOR, "high", critical.or(high).into());
    row.set_fact(&SENSOR, "description", text(Some(label)));
    row.set_fact(&SENSOR, "location", text(Some(place)));
    Some(row)
}

/// One row per service; only with `--collector.systemd`.
pub(super) fn services(found: &Exposition) -> Vec<Row> {
    let mut units: Vec<(&str, &str)> = found
        .get("node_systemd_unit_state")
        .iter()
        .filter(|sample| sample.value == 1.0 && sample.label("name").ends_with(".service"))
        .map(|sample| (sample.label("name"), sample.label("state")))
        .collect();
    units.sort_by_key(|(_, state)| match *state {
        "failed" => 0,
        "inactive" => 2,
        _ => 1,
    });
    units.truncate(SERVICES_MAX);
    let rows = units.iter().map(|(name, state)| {
        let mut row = Row::new(&SERVICE, Some(EntityKey::named(clean(name))));
        row.set(&SERVICE, "state", text(Some(state)));
        row.set(&SERVICE, "failed", Value::Bool(*state == "failed"));
        row
    });
    rows.collect()
}
