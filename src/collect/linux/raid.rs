//! /proc/mdstat: software RAID.

use super::{Report, lines};
use crate::machine::{clean, text};
use crate::reading::{EntityKey, Row, Value};
use crate::table::RAID;

/// One row per array. `None` where there is none.
pub(in crate::collect) fn rows(report: &Report<'_>) -> Option<Vec<Row>> {
    let mut arrays: Vec<Array<'_>> = Vec::new();
    for line in lines(report.get("mdstat")?) {
        match Array::begin(line) {
            Some(array) => arrays.push(array),
            None if line.starts_with(' ') => {
                if let Some(array) = arrays.last_mut() {
                    array.learn(line);
                }
            }
            None => {}
        }
    }
    (!arrays.is_empty()).then(|| arrays.iter().map(Array::row).collect())
}

#[derive(Default)]
struct Array<'a> {
    name: &'a str,
    active: bool,
    level: Option<&'a str>,
    members: Vec<&'a str>,
    failed: i64,
    spares: i64,
    /// Of `[2/1]`: how many belong to it, how many are in use.
    counts: Option<(i64, i64)>,
    sync: Option<(&'a str, Option<f64>)>,
}

impl<'a> Array<'a> {
    /// `md0 : active (auto-read-only) raid1 sdb1[1] sda1[0](F)`
    fn begin(line: &'a str) -> Option<Array<'a>> {
        let (name, rest) = line.split_once(" : ")?;
        let name = name.trim();
        let plain = !name.is_empty() && !name.contains(char::is_whitespace);
        let mut words = rest.split_ascii_whitespace();
        let state = words
            .next()
            .filter(|s| matches!(*s, "active" | "inactive"))?;
        let mut array = Array {
            name,
            active: state == "active",
            ..Array::default()
        };
        for word in words.filter(|w| !w.starts_with('(')) {
            match word.split_once('[') {
                Some((device, mark)) => {
                    array.members.push(device);
                    array.failed += i64::from(mark.ends_with("(F)"));
                    array.spares += i64::from(mark.ends_with("(S)"));
                }
                None => array.level = Some(word),
            }
        }
        array.members.sort_unstable();
        plain.then_some(array)
    }

    fn learn(&mut self, line: &'a str) {
        for word in line.split_ascii_whitespace() {
            let inner = word.strip_prefix('[').and_then(|w| w.strip_suffix(']'));
            let counts = inner.and_then(|w| w.split_once('/'));
            if let Some((all, used)) = counts
                && let (Ok(all), Ok(used)) = (all.parse::<u16>(), used.parse::<u16>())
            {
                self.counts = Some((all.into(), used.into()));
            }
        }
        for action in ["recovery", "resync", "reshape", "check"] {
            if let Some((_, rest)) = line.split_once(action) {
                let share = rest.trim_start_matches([' ', '=']).split('%').next();
                let share = share.and_then(|s| s.trim().parse::<f64>().ok());
                self.sync = Some((action, share.filter(|s| (0.0..=100.0).contains(s))));
                break;
            }
        }
    }

    fn row(&self) -> Row {
        let mut row = Row::new(&RAID, Some(EntityKey::named(clean(self.name))));
        let state = if self.active { "active" } else { "inactive" };
        let missing = self.counts.is_some_and(|(all, used)| used < all);
        row.set(&RAID, "state", Value::text(state));
        row.set(&RAID, "degraded", Value::Bool(!self.active || missing));
        row.set(&RAID, "devices", self.counts.map(|c| c.0).into());
        row.set(&RAID, "devices_active", self.counts.map(|c| c.1).into());
        row.set(&RAID, "failed", Value::Int(self.failed));
        row.set(&RAID, "spares", Value::Int(self.spares));
        row.set(&RAID, "sync_action", text(self.sync.map(|s| s.0)));
        row.set(&RAID, "sync_pct", self.sync.and_then(|s| s.1).into());
        row.set_fact(&RAID, "level", text(self.level));
        row.set_fact(&RAID, "members", text(Some(&self.members.join(" "))));
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the form that md(4) and the kernel's md.c print.
    const MDSTAT: &str = "Personalities : [raid1] [raid6] [raid5] [raid4]
md1 : active raid5 sdd1[3](F) sdc1[2] sdb1[1] sda1[0]
      5860268032 blocks super 1.2 level 5, 512k chunk, algorithm 2 [4/3] [UUU_]
      [==>..................]  recovery = 12.6% (37043392/292945152) finish=127.5min speed=33440K/sec

md0 : active (auto-read-only) raid1 sdf1[1] sde1[0] sdg1[2](S)
      1048512 blocks super 1.2 [2/2] [UU]
      \tresync=PENDING

md127 : inactive sdh[0](S)
      976631512 blocks super 1.2

unused devices: <none>
";

    #[test]
    fn degraded_healthy_and_inactive_arrays() {
        let rows = rows(&Report::of([("mdstat", MDSTAT.to_owned())])).unwrap();
        let at = |row: usize, name: &str| rows[row].values[RAID.position(name).unwrap()].clone();
        assert_eq!(rows.len(), 3);
        assert_eq!(at(0, "degraded"), Value::Bool(true));
        assert_eq!(
            (at(0, "devices"), at(0, "devices_active")),
            (Value::Int(4), Value::Int(3))
        );
        assert_eq!(
            (at(0, "failed"), at(0, "spares")),
            (Value::Int(1), Value::Int(0))
        );
        assert_eq!(at(0, "sync_action"), Value::text("recovery"));
        assert_eq!(at(0, "sync_pct"), Value::Float(12.6));
        assert_eq!(
            *rows[0].facts,
            [Value::text("raid5"), Value::text("sda1 sdb1 sdc1 sdd1")]
        );
        assert_eq!(
            (at(1, "degraded"), at(1, "spares")),
            (Value::Bool(false), Value::Int(1))
        );
        assert_eq!(
            (at(1, "sync_action"), at(1, "sync_pct")),
            (Value::text("resync"), Value::Null)
        );
        assert_eq!(at(2, "state"), Value::text("inactive"));
        assert_eq!(
            (at(2, "degraded"), at(2, "devices")),
            (Value::Bool(true), Value::Null)
        );
    }

    #[test]
    fn no_arrays_are_no_rows() {
        let none = "Personalities : \nunused devices: <none>\n";
        assert!(rows(&Report::of([("mdstat", none.to_owned())])).is_none());
    }
}
