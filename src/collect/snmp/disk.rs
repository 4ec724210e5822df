//! UCD-DISKIO-MIB → table `disk`.

use super::get::Items;
use super::plan::{Values, counter};
use super::text;
use super::value::Datum;
use super::walk::{TableSpec, Walked};
use crate::reading::{EntityKey, Row, TableReadings, Value};
use crate::table::DISK;

const ENTRY: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 13, 15, 1, 1];

/// diskIOTable: device, bytes read and written (32 bits), reads, writes, bytes (64 bits), busy µs.
pub(super) const DISKS: TableSpec = TableSpec {
    name: "diskIOTable",
    entry: ENTRY,
    columns: &[2, 3, 4, 5, 6, 12, 13, 14],
};

/// Columns of [`DISK`] and where each comes from, best first, by the position in [`DISKS`].
const CELLS: [(&str, &[usize]); 5] = [
    ("read_bytes", &[5, 1]),
    ("write_bytes", &[6, 2]),
    ("reads", &[3]),
    ("writes", &[4]),
    ("busy_ms", &[7]),
];

/// One device as last seen.
pub(super) struct Disk {
    index: u32,
    octets: Box<[u8]>,
    name: String,
    /// Cell and position of its source.
    asks: Vec<(usize, usize)>,
}

/// The devices that the walk found, without those that hold nothing of their own.
pub(super) fn learn(walked: &Walked, version_1: bool) -> Vec<Disk> {
    let mut found: Vec<Disk> = Vec::new();
    for (index, row) in walked.numbered() {
        let octets = row[0].bytes().unwrap_or_default();
        let name = text::shown(octets);
        let twice = found.iter().any(|d| d.name == name);
        if name.is_empty() || twice || is_hollow(&name) {
            continue;
        }
        let offered = |source: &usize| row[*source].int().is_some() && !(version_1 && *source >= 5);
        let source = |sources: &[usize]| sources.iter().copied().find(offered);
        let asks: Vec<_> = (0..CELLS.len())
            .filter_map(|cell| source(CELLS[cell].1).map(|s| (cell, s)))
            .collect();
        if !asks.is_empty() {
            found.push(Disk {
                index,
                octets: octets.into(),
                name,
                asks,
            });
        }
    }
    let names: Vec<String> = found.iter().map(|d| d.name.clone()).collect();
    found.retain(|d| !names.iter().any(|whole| is_part(&d.name, whole)));
    found
}

/// Memory that pretends to be a disk, images, drives for media, and the ways past its driver to a
/// disk: nobody waits for these.
fn is_hollow(name: &str) -> bool {
    [
        "loop", "ram", "zram", "sr", "cd", "fd", "nbd", "mtdblock", "pass",
    ]
    .iter()
    .any(|kind| name.strip_prefix(kind).is_some_and(is_digits))
}

/// Whether `name` is a part of the disk `whole`: sda1 of sda, nvme0n1p1 of nvme0n1. What a part does
/// its disk has counted already.
fn is_part(name: &str, whole: &str) -> bool {
    let Some(rest) = name.strip_prefix(whole) else {
        return false;
    };
    let numbered = whole.ends_with(|c: char| c.is_ascii_digit());
    match rest.strip_prefix('p') {
        Some(rest) if numbered => is_digits(rest),
        _ => !numbered && is_digits(rest),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

impl Disk {
    pub(super) fn push(&self, items: &mut Items) {
        items.push(ENTRY, &[2, self.index], self.octets.len(), 0);
        for (_, source) in &self.asks {
            items.push(ENTRY, &[DISKS.columns[*source], self.index], 8, 0);
        }
    }

    fn read(&self, values: &mut Values) -> Option<Row> {
        let name = values.next();
        let answers: Vec<Datum> = self.asks.iter().map(|_| values.next()).collect();
        if name.bytes()? != &*self.octets {
            return None;
        }
        let mut row = Row::new(&DISK, Some(EntityKey::named(&*self.name)));
        for ((cell, _), answer) in self.asks.iter().zip(answers) {
            let column = CELLS[*cell].0;
            let value = match (column, &answer) {
                ("busy_ms", Datum::Counter64(micros)) => Value::Counter64(micros / 1_000),
                ("busy_ms", _) => Value::Null,
                _ => counter(&answer),
            };
            row.set(&DISK, column, value);
        }
        Some(row)
    }
}

/// The rows of all devices that are still what they were.
pub(super) fn rows(disks: &[Disk], values: &mut Values) -> TableReadings {
    let rows = disks.iter().map(|d| d.read(values)).collect::<Vec<_>>();
    TableReadings {
        table: &DISK,
        rows: rows.into_iter().flatten().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_disks_that_hold_something() {
        assert!(
            is_hollow("loop0") && is_hollow("ram15") && is_hollow("zram0") && is_hollow("pass12")
        );
        assert!(!is_hollow("sda") && !is_hollow("loopback-disk") && !is_hollow("ramdisk"));
        assert!(is_part("sda1", "sda") && is_part("nvme0n1p2", "nvme0n1"));
        assert!(is_part("mmcblk0p1", "mmcblk0") && is_part("md0p1", "md0"));
        assert!(!is_part("sda", "sda") && !is_part("sdaa", "sda") && !is_part("md10", "md1"));
        assert!(!is_part("dm-10", "dm-1") && !is_part("nvme0n11", "nvme0n1"));
    }
}
