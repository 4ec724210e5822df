//! /proc/diskstats: block devices.

use std::collections::HashSet;

use super::{Report, lines};
use crate::machine::{clean, counter, is_skipped_disk, numbered};
use crate::reading::{EntityKey, Row};
use crate::table::DISK;

/// /proc/diskstats counts sectors of 512 bytes, whatever the device's own sector size is.
const SECTOR_BYTES: u64 = 512;

/// One row per whole device. `None` without a readable line.
pub(in crate::collect) fn rows(report: &Report<'_>) -> Option<Vec<Row>> {
    let whole: Option<HashSet<&str>> = report
        .get("block")
        .map(|names| names.split_ascii_whitespace().collect());
    let mut any = false;
    let mut seen = HashSet::new();
    let rows: Vec<Row> = lines(report.get("diskstats")?)
        .filter_map(|l| {
            let device = Device::read(l)?;
            any = true;
            let is_whole = match &whole {
                Some(names) => names.contains(device.name.replace('/', "!").as_str()),
                None => looks_whole(device.name),
            };
            let wanted = is_whole && !is_skipped_disk(device.name) && seen.insert(device.name);
            wanted.then(|| device.row())
        })
        .collect();
    any.then_some(rows)
}

struct Device<'a> {
    name: &'a str,
    /// From field 4 on: reads, reads merged, sectors read, ms reading, writes, writes merged, sectors
    /// written, ms writing, in flight, ms busy, …
    fields: [u64; 10],
}

impl<'a> Device<'a> {
    fn read(line: &'a str) -> Option<Device<'a>> {
        let mut words = line.split_ascii_whitespace();
        let _: u64 = words.next()?.parse().ok()?;
        let _: u64 = words.next()?.parse().ok()?;
        let name = words.next()?;
        let mut fields = [0; 10];
        for field in &mut fields {
            *field = words.next()?.parse().ok()?;
        }
        Some(Device { name, fields })
    }

    fn row(&self) -> Row {
        let [
            reads,
            _,
            read,
            read_ms,
            writes,
            _,
            written,
            write_ms,
            _,
            busy_ms,
        ] = self.fields;
        let mut row = Row::new(&DISK, Some(EntityKey::named(clean(self.name))));
        for (column, value) in [
            ("read_bytes", read.checked_mul(SECTOR_BYTES)),
            ("write_bytes", written.checked_mul(SECTOR_BYTES)),
            ("reads", Some(reads)),
            ("writes", Some(writes)),
            // The kernel prints milliseconds in 32 bits. They wrap after 49 days of constant work; the
            // fall is then a reset and one NULL, which is better than guessing.
            ("busy_ms", Some(busy_ms)),
            ("wait_ms", read_ms.checked_add(write_ms)),
        ] {
            row.set(&DISK, column, counter(value));
        }
        row
    }
}

/// Tells a whole device from a partition by its name, where /sys/block is not to be read.
fn looks_whole(name: &str) -> bool {
    let lettered = ["sd", "vd", "hd", "xvd"].iter().any(|kind| {
        let rest = name.strip_prefix(kind);
        rest.is_some_and(|r| !r.is_empty() && r.bytes().all(|b| b.is_ascii_lowercase()))
    });
    // nvme0n1 is whole, nvme0n1p1 is not.
    let nvme = name.strip_prefix("nvme").and_then(|r| r.split_once('n'));
    let nvme = nvme.is_some_and(|(a, b)| digits(a) && digits(b));
    lettered
        || nvme
        || ["dm-", "md", "mmcblk"]
            .iter()
            .any(|kind| numbered(name, kind))
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Value;

    const STATS: &str = "   8  0 sda 10 1 20 30 40 2 50 60 0 70 90\n   8  1 sda1 9 1 2 3 4 5 6 7 0 8 9\n 259 0 nvme0n1 1 1 1 1 1 1 1 1 0 1 1 0 0 0 0\n 7 0 loop0 1 1 1 1 1 1 1 1 0 1 1\n";

    #[test]
    fn whole_disks_only_in_bytes_and_milliseconds() {
        for block in ["sda\nnvme0n1\nloop0\n", ""] {
            let report = Report::of([("diskstats", STATS.to_owned()), ("block", block.to_owned())]);
            let rows = rows(&report).unwrap();
            let names: Vec<_> = rows
                .iter()
                .map(|r| &r.entity.as_ref().unwrap().name)
                .collect();
            assert_eq!(names, ["sda", "nvme0n1"]);
            let at = |name: &str| rows[0].values[DISK.position(name).unwrap()].clone();
            assert_eq!(at("read_bytes"), Value::Counter64(20 * 512));
            assert_eq!(at("write_bytes"), Value::Counter64(50 * 512));
            assert_eq!(at("busy_ms"), Value::Counter64(70));
            assert_eq!(at("wait_ms"), Value::Counter64(90));
        }
    }

    #[test]
    fn names_of_whole_devices() {
        for name in [
            "sda", "sdaa", "xvdf", "nvme10n2", "dm-3", "md127", "mmcblk0",
        ] {
            assert!(looks_whole(name), "{name}");
        }
        for name in ["sda1", "nvme0n1p2", "mmcblk0p1", "nvme0", "sd", "n1"] {
            assert!(!looks_whole(name), "{name}");
        }
    }
}
