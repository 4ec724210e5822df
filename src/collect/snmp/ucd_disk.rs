//! UCD-SNMP-MIB dskTable: what is free of a file system to programs, for table `filesystem`.

use super::filesystem::Gone;
use super::get::Items;
use super::plan::{Values, shown};
use super::text;
use super::walk::{TableSpec, Walked};
use crate::reading::Value;

const UCD_ENTRY: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 9, 1];

/// dskTable: path, device, total, and the low half of its 64-bit twin.
pub(super) const UCD_DISKS: TableSpec = TableSpec {
    name: "dskTable",
    entry: UCD_ENTRY,
    columns: &[2, 3, 6, 11],
};

/// One row of dskTable as last seen.
pub(super) struct UcdDisk {
    index: u32,
    path: Box<[u8]>,
    pub(super) mount: String,
    pub(super) device: Value,
    /// The 64-bit columns are there.
    wide: bool,
}

/// The disks that the walk found.
pub(super) fn learn(disks: &Walked) -> Vec<UcdDisk> {
    let mut found: Vec<UcdDisk> = Vec::new();
    for (index, row) in disks.numbered() {
        let path = row[0].bytes().unwrap_or_default();
        let mount = text::shown(path);
        if mount.is_empty() || found.iter().any(|d| d.mount == mount) {
            continue;
        }
        found.push(UcdDisk {
            index,
            path: path.into(),
            mount,
            device: shown(row[1].bytes().unwrap_or_default()),
            wide: !row[3].is_absent(),
        });
    }
    found
}

/// A disk's numbers at one poll.
pub(super) struct UcdRead<'a> {
    pub(super) disk: &'a UcdDisk,
    pub(super) amounts: Option<Amounts>,
    /// dskPercent: right even where the amounts have overflown.
    pub(super) used_pct: Option<f64>,
    pub(super) inodes_used_pct: Option<f64>,
}

/// In bytes.
#[derive(Clone, Copy)]
pub(super) struct Amounts {
    pub(super) size: i64,
    pub(super) used: i64,
    pub(super) free: Option<i64>,
}

impl Amounts {
    /// Sizes of more than 32 bits may have overflown, each by itself: then more is used than there
    /// is, and none of them means anything.
    pub(super) fn is_sound(&self) -> bool {
        self.used <= self.size
    }
}

impl UcdRead<'_> {
    /// What is mounted without a device has its type in the device's place.
    pub(super) fn pretended_type(&self) -> Option<&str> {
        match &self.disk.device {
            // Old Linux kernels call the root of any type so.
            Value::Text(device) if &**device == "rootfs" => None,
            Value::Text(device) if !device.contains(['/', ':']) => Some(match &**device {
                "udev" | "dev" => "devtmpfs",
                other => other,
            }),
            _ => None,
        }
    }
}

impl UcdDisk {
    pub(super) fn push(&self, items: &mut Items) {
        items.push(UCD_ENTRY, &[2, self.index], self.path.len(), 0);
        items.push(UCD_ENTRY, &[9, self.index], 2, 0);
        items.push(UCD_ENTRY, &[10, self.index], 2, 0);
        let columns: &[u32] = if self.wide {
            &[11, 12, 13, 14, 15, 16]
        } else {
            &[6, 7, 8]
        };
        for column in columns {
            items.push(UCD_ENTRY, &[*column, self.index], 4, 0);
        }
    }

    pub(super) fn read(&self, values: &mut Values) -> Result<UcdRead<'_>, Gone> {
        let path = values.next();
        let mut pct = || {
            let pct = values.next().int().filter(|p| (0..=100).contains(p));
            pct.map(|p| p as f64)
        };
        let (used_pct, inodes_used_pct) = (pct(), pct());
        let mut kilobytes = || {
            let low = values.next().size();
            let high = if self.wide {
                values.next().size()
            } else {
                Some(0)
            };
            // net-snmp reads as 2^31 - 1 kB what is more.
            let low = low.filter(|v| self.wide || *v < i64::from(i32::MAX));
            high.zip(low)
                .and_then(|(h, l)| h.checked_mul(1 << 32)?.checked_add(l)?.checked_mul(1_024))
        };
        let (size, free, used) = (kilobytes(), kilobytes(), kilobytes());
        if path.bytes() != Some(&*self.path) {
            return Err(Gone);
        }
        let amounts = size
            .zip(used)
            .map(|(size, used)| Amounts { size, used, free });
        Ok(UcdRead {
            disk: self,
            amounts: amounts.filter(|a| a.free.is_some()),
            used_pct,
            inodes_used_pct,
        })
    }
}
