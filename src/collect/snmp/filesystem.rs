//! HOST-RESOURCES-MIB and UCD-SNMP-MIB → table `filesystem`.

use super::get::Items;
use super::plan::Values;
use super::text;
use super::ucd_disk::{Amounts, UcdRead};
use super::value::Datum;
use super::walk::{TableSpec, Walked};
use crate::machine::is_skipped_mount;
use crate::reading::{EntityKey, Row, TableReadings, Value};
use crate::table::FILESYSTEM;

const STORAGE_ENTRY: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 2, 3, 1];

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
    /// Where the description is not the mount point but the device.
    device: Option<String>,
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
        let (name, device) = name(&text::shown(description), mount.map(|m| &m[0]));
        let twice = |s: &Storage| s.kind == kind && s.name == name;
        if name.is_empty() || storages.iter().any(twice) {
            continue;
        }
        storages.push(Storage {
            index,
            kind,
            description: description.into(),
            name,
            device,
            fstype: mount.and_then(|m| fstype(&m[1])),
            read_only: mount.is_some_and(|m| m[2].int() == Some(2)) || is_memory_disk(description),
        });
    }
    storages
}

/// Junos mounts its packages from memory disks and does not say that they cannot be written.
fn is_memory_disk(description: &[u8]) -> bool {
    let text = String::from_utf8_lossy(description);
    text.starts_with("/dev/md") && text.contains(", mounted on: ")
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

/// The mount point and, where the description is it, the device. AIX describes `/dev/hd4` and tells
/// the mount point in hrFSTable alone; others' hrFSTable points at wrong rows, so that it counts
/// only for such descriptions.
fn name(description: &str, mount: Option<&Datum>) -> (String, Option<String>) {
    let named = mount_point(description);
    if !named.starts_with("/dev/") {
        return (named, None);
    }
    let mount = text::shown(mount.and_then(Datum::bytes).unwrap_or_default());
    if mount.is_empty() || mount == named {
        (named, None)
    } else {
        (mount, Some(named))
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
        // Only AIX says "journaled".
        [11] => Some("jfs"),
        [12] => Some("iso9660"),
        [14] => Some("nfs"),
        [16] => Some("afs"),
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
        let of_twin = twin.as_ref().and_then(|t| t.amounts);
        let amounts = of_twin.unwrap_or(Amounts {
            size: read.size,
            used: read.used,
            free: None,
        });
        let mut row = row(&storage.name, amounts, twin.as_ref(), storage.fstype);
        if let Some(device) = &storage.device {
            row.set_fact(&FILESYSTEM, "device", Value::text(device));
        }
        rows.push(row);
    }
    for read in &ucd {
        let Some(amounts) = read.amounts.filter(|a| a.size > 0) else {
            continue;
        };
        if !is_skipped_mount(read.pretended_type(), &read.disk.mount) {
            rows.push(row(&read.disk.mount, amounts, Some(read), None));
        }
    }
    TableReadings {
        table: &FILESYSTEM,
        rows,
    }
}

fn row(
    mount: &str,
    amounts: Amounts,
    ucd: Option<&UcdRead<'_>>,
    fstype: Option<&'static str>,
) -> Row {
    let mut row = Row::new(&FILESYSTEM, Some(EntityKey::named(mount)));
    let mut used_pct = ucd.and_then(|u| u.used_pct);
    if amounts.is_sound() {
        let Amounts { size, used, free } = amounts;
        row.set(&FILESYSTEM, "size_bytes", Value::Int(size));
        row.set(&FILESYSTEM, "used_bytes", Value::Int(used));
        row.set(&FILESYSTEM, "free_bytes", free.into());
        let whole = free.map_or(size, |free| used.saturating_add(free));
        used_pct = (whole > 0).then(|| 100.0 * used as f64 / whole as f64);
    }
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
    fn a_device_is_named_by_its_mount_point() {
        let root = Datum::Bytes((*b"/").into());
        let cases = [
            ("/dev/hd4", Some(&root), "/", Some("/dev/hd4")),
            ("/dev/hd4", None, "/dev/hd4", None),
            ("/var", Some(&root), "/var", None),
        ];
        for (description, mount, expected, device) in cases {
            let device = device.map(str::to_string);
            assert_eq!(name(description, mount), (expected.to_string(), device));
        }
    }

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
