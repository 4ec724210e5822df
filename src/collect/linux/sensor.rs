//! /sys/class/hwmon and /sys/class/thermal, as lines `PATH:VALUE`.

use std::collections::{BTreeMap, HashMap};

use super::{Report, lines};
use crate::machine::{clean, text};
use crate::reading::{EntityKey, Row, Value};
use crate::table::SENSOR;

/// A machine has not more sensors than this.
const SENSORS_MAX: usize = 1_000;

/// One row per sensor. `None` where there is none.
pub(in crate::collect) fn rows(report: &Report<'_>) -> Option<Vec<Row>> {
    let chips = chips(report.get("sensor")?);
    let mut taken: HashMap<String, usize> = HashMap::new();
    let mut rows = Vec::new();
    for chip in chips.values() {
        let name = chip.name.unwrap_or("sensor");
        // Two chips of one kind are told apart by their order.
        let nth = taken.entry(name.to_owned()).or_default();
        *nth += 1;
        let place = match *nth {
            1 => name.to_owned(),
            n => format!("{name}#{n}"),
        };
        rows.extend(
            chip.inputs
                .iter()
                .filter_map(|(input, told)| told.row(&place, input)),
        );
    }
    rows.truncate(SENSORS_MAX);
    (!rows.is_empty()).then_some(rows)
}

#[derive(Default)]
struct Chip<'a> {
    name: Option<&'a str>,
    /// By the name of the input (temp1, fan2), what its files say.
    inputs: BTreeMap<&'a str, Told<'a>>,
}

#[derive(Default)]
struct Told<'a>(BTreeMap<&'a str, &'a str>);

/// Chips by their number, thermal zones after them.
fn chips(sys: &str) -> BTreeMap<(u8, u32), Chip<'_>> {
    let mut chips: BTreeMap<(u8, u32), Chip<'_>> = BTreeMap::new();
    for line in lines(sys) {
        let Some((path, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        let zone = path.strip_prefix("/sys/class/thermal/thermal_zone");
        let hwmon = path.strip_prefix("/sys/class/hwmon/hwmon");
        let (class, rest) = match (hwmon, zone) {
            (Some(rest), _) => (0, rest),
            (_, Some(rest)) => (1, rest),
            _ => continue,
        };
        let Some((number, file)) = rest.split_once('/') else {
            continue;
        };
        let Ok(number) = number.parse() else {
            continue;
        };
        let chip = chips.entry((class, number)).or_default();
        // Kernels before 3.15 keep the files one directory deeper.
        let file = file.strip_prefix("device/").unwrap_or(file);
        match (class, file) {
            (0, "name") | (1, "type") => chip.name = chip.name.or(Some(value)),
            (1, "temp") => {
                chip.inputs
                    .entry("temp1")
                    .or_default()
                    .0
                    .insert("input", value);
            }
            (0, file) => {
                if let Some((input, what)) = file.split_once('_') {
                    chip.inputs
                        .entry(input)
                        .or_default()
                        .0
                        .entry(what)
                        .or_insert(value);
                }
            }
            _ => {}
        }
    }
    chips
}

/// Kind, unit and how many of the kernel's steps make one of it.
fn kind_of(input: &str) -> Option<(&'static str, &'static str, f64)> {
    let kind = input.trim_end_matches(|c: char| c.is_ascii_digit());
    Some(match kind {
        "temp" => ("temperature", "°C", 1e3),
        "fan" => ("fan", "rpm", 1.0),
        "in" => ("voltage", "V", 1e3),
        "curr" => ("current", "A", 1e3),
        "power" => ("power", "W", 1e6),
        "humidity" => ("humidity", "%", 1e3),
        _ => return None,
    })
}

impl Told<'_> {
    fn row(&self, place: &str, input: &str) -> Option<Row> {
        let (kind, unit, steps) = kind_of(input)?;
        let number = |what: &str| {
            let number: f64 = self.0.get(what)?.parse().ok()?;
            let value = number / steps;
            value.is_finite().then_some(value).filter(|v| v.abs() < 1e9)
        };
        let raised = |what: &str| self.0.get(what).is_some_and(|v| *v == "1");
        let value = number("input").or_else(|| number("average"))?;
        let is_temperature = kind == "temperature";
        // What drivers print for a diode that is not connected.
        if is_temperature && !(-100.0..250.0).contains(&value) {
            return None;
        }
        // Limits that nobody set are 0, or the register's end.
        let set = |v: &f64| *v != 0.0 && (!is_temperature || (-100.0..250.0).contains(v));
        let (critical, high) = (number("crit").filter(set), number("max").filter(set));
        let low = number("min").filter(set);
        let label = self.0.get("label").map_or(input, |label| label.trim());
        let state = if raised("fault") {
            "unknown"
        } else if raised("crit_alarm") || critical.is_some_and(|c| value >= c) {
            "critical"
        } else if raised("alarm")
            || raised("max_alarm")
            || raised("min_alarm")
            || high.is_some_and(|h| value > h)
            || low.is_some_and(|l| value < l)
        {
            "warning"
        } else if critical.or(high).or(low).is_some() || self.0.keys().any(|k| k.ends_with("alarm"))
        {
            "ok"
        } else {
            "unknown"
        };
        let name = clean(&format!("{place}/{label}"));
        let mut row = Row::new(&SENSOR, Some(EntityKey::named(name)));
        row.set(&SENSOR, "value", Value::Float(value));
        row.set(&SENSOR, "kind", Value::text(kind));
        row.set(&SENSOR, "unit", Value::text(unit));
        row.set(&SENSOR, "state", Value::text(state));
        row.set(&SENSOR, "low", low.into());
        row.set(&SENSOR, "high", critical.or(high).into());
        row.set_fact(&SENSOR, "description", text(Some(label)));
        row.set_fact(&SENSOR, "location", text(Some(place)));
        Some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYS: &str = "/sys/class/hwmon/hwmon0/name:coretemp
/sys/class/hwmon/hwmon1/name:nvme
/sys/class/hwmon/hwmon2/name:nvme
/sys/class/hwmon/hwmon0/temp1_crit:100000
/sys/class/hwmon/hwmon0/temp1_crit_alarm:0
/sys/class/hwmon/hwmon0/temp1_input:45000
/sys/class/hwmon/hwmon0/temp1_label:Package id 0
/sys/class/hwmon/hwmon0/temp1_max:80000
/sys/class/hwmon/hwmon1/temp1_input:84850
/sys/class/hwmon/hwmon1/temp1_max:81850
/sys/class/hwmon/hwmon1/temp1_crit:84850
/sys/class/hwmon/hwmon2/temp1_input:-5150
/sys/class/hwmon/hwmon2/temp1_min:-273150
/sys/class/hwmon/hwmon10/name:nct6775
/sys/class/hwmon/hwmon10/fan1_input:0
/sys/class/hwmon/hwmon10/fan1_alarm:1
/sys/class/hwmon/hwmon10/in0_input:1112
/sys/class/hwmon/hwmon10/in0_max:0
/sys/class/hwmon/hwmon10/temp9_input:-127000
/sys/class/hwmon/hwmon10/power1_average:12500000
/sys/class/hwmon/hwmon10/temp2_input:junk
/sys/class/thermal/thermal_zone0/type:acpitz
/sys/class/thermal/thermal_zone0/temp:27800
";

    #[test]
    fn values_limits_and_states() {
        let rows = rows(&Report::of([("sensor", SYS.to_owned())])).unwrap();
        let told: Vec<(String, Value, Value)> = rows
            .iter()
            .map(|r| {
                let at = |name: &str| r.values[SENSOR.position(name).unwrap()].clone();
                (
                    r.entity.as_ref().unwrap().name.clone(),
                    at("value"),
                    at("state"),
                )
            })
            .collect();
        let want = [
            ("coretemp/Package id 0", 45.0, "ok"),
            ("nvme/temp1", 84.85, "critical"),
            ("nvme#2/temp1", -5.15, "unknown"),
            ("nct6775/fan1", 0.0, "warning"),
            ("nct6775/in0", 1.112, "unknown"),
            ("nct6775/power1", 12.5, "unknown"),
            ("acpitz/temp1", 27.8, "unknown"),
        ];
        let want: Vec<(String, Value, Value)> = want
            .iter()
            .map(|(n, v, s)| ((*n).to_owned(), Value::Float(*v), Value::text(s)))
            .collect();
        assert_eq!(told, want);
        let high = SENSOR.position("high").unwrap();
        assert_eq!(rows[0].values[high], Value::Float(100.0));
    }

    #[test]
    fn a_machine_without_sensors_has_no_rows() {
        assert!(rows(&Report::of([("sensor", "\n".to_owned())])).is_none());
    }
}
