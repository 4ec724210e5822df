//! HOST-RESOURCES-MIB and UCD-SNMP-MIB → table `filesystem`.

use super::get::Items;
use super::plan::{Values, shown};
use super::text;
use super::value::Datum;
use super::walk::{TableSpec, Walked};
use crate::collect::machine::is_skipped_mount;
use crate::reading::{EntityKey, Row, TableReadings, Value};
use crate::table::FILESYSTEM;

const STORAGE_ENTRY: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 2, 3, 1];
const UCD_ENTRY: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 9, 1];

/// hrStorageTable: type, description, units, size, used.
pub(super) const STORAGE: TableSpec = TableSpec {
    name: "hrStorageTable",
    entry: STORAGE_ENTRY,
    columns: &[2, 3, 4, 5, 6],
};

/// hrFSTable: mount point, type, access, index in hrStorageTable.
pub(super) const FS: TableSpec = TableSpec {
    name: "hrFSTable",
    entry: &[1, 3, 6, 1, 2, 1, 25, 3, 8, 1],
    columns: &[2, 4, 5, 7],
};

/// dskTable: path, device, total, and the low half of its 64-bit twin.
pub(super) const UCD_DISKS: TableSpec = TableSpec {
    name: "dskTable",
    entry: UCD_ENTRY,
    columns: &[2, 3, 6, 11],
};

/// What a storage is, by the last arc of its hrStorageType.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StorageKind {
    Other,
    Ram,
    Virtual,
    FileSystem,
}

/// The row is not there any more, or its index means another one now.
#[derive(Debug)]
pub(super) struct Gone;

/// One row of hrStorageTable as last seen.
pub(super) struct Storage {
    index: u32,
    kind: StorageKind,
    description: Box<[u8]>,
    /// The mount point, or the description of memory.
    name: String,
    fstype: Option<&'static str>,
    read_only: bool,
}

/// The storages that the walks found; what is neither memory nor a file system is left out.
pub(super) fn learn(storage: &Walked, mounts: &Walked) -> Vec<Storage> {
    let mut storages: Vec<Storage> = Vec::new();
    for (index, row) in storage.numbered() {
        let Some(kind) = kind(&row[0]) else { continue };
        let description = row[1].bytes().unwrap_or_default();
        let mount = mounts
            .rows
            .values()
            .find(|m| m[3].int() == Some(i64::from(index)));
        let name = mount_point(&text::shown(description));
        let twice = |s: &Storage| s.kind == kind && s.name == name;
        if name.is_empty() || storages.iter().any(twice) {
            continue;
        }
        storages.push(Storage {
            index,
            kind,
            description: description.into(),
            name,
            fstype: mount.and_then(|m| fstype(&m[1])),
            read_only: mount.is_some_and(|m| m[2].int() == Some(2)),
        });
    }
    storages
}

/// Network disks are watched on the host that has them; a CD is always full.
fn kind(datum: &Datum) -> Option<StorageKind> {
    let Datum::Oid(oid) = datum else { return None };
    match oid.arcs().strip_prefix(&[1, 3, 6, 1, 2, 1, 25, 2, 1])? {
        [1] => Some(StorageKind::Other),
        [2] => Some(StorageKind::Ram),
        [3] => Some(StorageKind::Virtual),
        [4 | 5 | 8 | 9] => Some(StorageKind::FileSystem),
        _ => None,
    }
}

/// Windows writes `C:\ Label:Data  Serial Number 1234`, Junos `/dev/md0: …, mounted on: /var`.
fn mount_point(description: &str) -> String {
    if let Some((_, mount)) = description.split_once("mounted on: ") {
        return mount.trim().to_string();
    }
    let end = description.find(" Label:").unwrap_or(description.len());
    description[..end].trim().to_string()
}

/// The words for hrFSTypes that say something (RFC 2790).
fn fstype(datum: &Datum) -> Option<&'static str> {
    let Datum::Oid(oid) = datum else { return None };
    match oid.arcs().strip_prefix(&[1, 3, 6, 1, 2, 1, 25, 3, 9])? {
        [3] => Some("ufs"),
        [5] => Some("fat"),
        [6] => Some("hpfs"),
        [7] => Some("hfs"),
        [9] => Some("ntfs"),
        [12] => Some("iso9660"),
        [14] => Some("nfs"),
        [19 | 21] => Some("afs"),
        [22] => Some("fat32"),
        // Called ext2, and meant for ext3 and ext4 as well.
        [23] => Some("ext"),
        _ => None,
    }
}

/// A storage's numbers at one poll, in bytes.
pub(super) struct StorageRead<'a> {
    storage: &'a Storage,
    pub(super) size: i64,
    pub(super) used: i64,
}

impl StorageRead<'_> {
    pub(super) fn kind(&self) -> StorageKind {
        self.storage.kind
    }

    pub(super) fn name(&self) -> &str {
        &self.storage.name
    }
}

impl Storage {
    pub(super) fn push(&self, items: &mut Items) {
        for (column, octets) in [(3, self.description.len()), (4, 4), (5, 4), (6, 4)] {
            items.push(STORAGE_ENTRY, &[column, self.index], octets, 0);
        }
    }

    /// `None` inside when the device does not tell its size, as of an empty drive.
    pub(super) fn read(&self, values: &mut Values) -> Result<Option<StorageRead<'_>>, Gone> {
        let [description, units, size, used] = std::array::from_fn(|_| values.next());
        if description.bytes() != Some(&*self.description) {
            return Err(Gone);
        }
        let bytes = |amount: &Datum| {
            let units = units.int().filter(|u| *u > 0)?;
            amount.size()?.checked_mul(units)
        };
        let amounts = bytes(&size).zip(bytes(&used));
        Ok(amounts.map(|(size, used)| StorageRead {
            storage: self,
            size,
            used,
        }))
    }
}

/// One row of dskTable as last seen.
pub(super) struct UcdDisk {
    index: u32,
    path: Box<[u8]>,
    mount: String,
    device: Value,
    /// The 64-bit columns are there.
    wide: bool,
}

/// The disks that the walk found.
pub(super) fn learn_ucd(disks: &Walked) -> Vec<UcdDisk> {
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

/// A disk's numbers at one poll, in bytes.
pub(super) struct UcdRead<'a> {
    disk: &'a UcdDisk,
    size: i64,
    free: i64,
    used: i64,
    inodes_used_pct: Option<f64>,
}

impl UcdRead<'_> {
    /// What is mounted without a device has its type in the device's place.
    fn pretended_type(&self) -> Option<&str> {
        match &self.disk.device {
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

    /// `None` inside when the device cannot tell its size.
    pub(super) fn read(&self, values: &mut Values) -> Result<Option<UcdRead<'_>>, Gone> {
        let path = values.next();
        let inodes = values.next();
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
        let amounts = size.zip(free).zip(used);
        let inodes_used_pct = inodes.int().filter(|p| (0..=100).contains(p));
        Ok(amounts.map(|((size, free), used)| UcdRead {
            disk: self,
            size,
            free,
            used,
            inodes_used_pct: inodes_used_pct.map(|p| p as f64),
        }))
    }
}

/// One row per mount: hrStorageTable's, completed by dskTable, which alone knows what root keeps for
/// itself.
pub(super) fn rows(storages: Vec<StorageRead<'_>>, mut ucd: Vec<UcdRead<'_>>) -> TableReadings {
    let mut rows = Vec::new();
    for read in storages {
        let storage = read.storage;
        // An image mounted read-only is full by nature.
        let image = storage.read_only && read.used >= read.size;
        // The device says "tmpfs" and the like where hrFSType says "other".
        let place = ucd.iter().position(|d| d.disk.mount == storage.name);
        let twin = place.map(|p| ucd.swap_remove(p));
        let told = twin
            .as_ref()
            .and_then(UcdRead::pretended_type)
            .or(storage.fstype);
        if storage.kind != StorageKind::FileSystem
            || read.size == 0
            || image
            || is_skipped_mount(told, &storage.name)
        {
            continue;
        }
        let (size, used) = match &twin {
            Some(twin) => (twin.size, twin.used),
            None => (read.size, read.used),
        };
        rows.push(row(
            &storage.name,
            size,
            used,
            twin.as_ref(),
            storage.fstype,
        ));
    }
    let wanted =
        |d: &&UcdRead<'_>| d.size > 0 && !is_skipped_mount(d.pretended_type(), &d.disk.mount);
    for read in ucd.iter().filter(wanted) {
        rows.push(row(
            &read.disk.mount,
            read.size,
            read.used,
            Some(read),
            None,
        ));
    }
    TableReadings {
        table: &FILESYSTEM,
        rows,
    }
}

fn row(
    mount: &str,
    size: i64,
    used: i64,
    ucd: Option<&UcdRead<'_>>,
    fstype: Option<&'static str>,
) -> Row {
    let mut row = Row::new(&FILESYSTEM, Some(EntityKey::named(mount)));
    row.set(&FILESYSTEM, "size_bytes", Value::Int(size));
    row.set(&FILESYSTEM, "used_bytes", Value::Int(used));
    let free = ucd.map(|u| u.free);
    row.set(&FILESYSTEM, "free_bytes", free.into());
    let whole = free.map_or(size, |free| used + free);
    let used_pct = (whole > 0).then(|| 100.0 * used as f64 / whole as f64);
    row.set(&FILESYSTEM, "used_pct", used_pct.into());
    if let Some(ucd) = ucd {
        row.set(&FILESYSTEM, "inodes_used_pct", ucd.inodes_used_pct.into());
        row.set_fact(&FILESYSTEM, "device", ucd.disk.device.clone());
    }
    row.set_fact(
        &FILESYSTEM,
        "fstype",
        fstype.map_or(Value::Null, Value::text),
    );
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_mount_in_what_devices_write() {
        let cases = [
            ("/", "/"),
            ("/mnt/my data", "/mnt/my data"),
            ("C:\\ Label:System  Serial Number 1a2b", "C:\\"),
            ("/dev/md0: /dev/md0, mounted on: /var", "/var"),
        ];
        for (description, mount) in cases {
            assert_eq!(mount_point(description), mount);
        }
    }
}
