//! File systems, block devices, network interfaces.

use std::collections::{BTreeMap, HashSet};

use super::super::{Exposition, Sample};
use super::whole;
use crate::machine::{
    Interface, Mount, clean, counter, iana_type, interface_state, is_noise_interface,
    is_skipped_disk, is_skipped_mount,
};
use crate::reading::{EntityKey, Row};
use crate::table::DISK;

/// A machine has not more mounts, disks or interfaces than this.
const ROWS_MAX: usize = 5_000;

/// One row per mount, as df counts: blocks reserved for root are neither used nor free.
pub(super) fn filesystems(found: &Exposition) -> Vec<Row> {
    let mut mounts: BTreeMap<&str, Mount> = BTreeMap::new();
    let mut free_of_all: BTreeMap<&str, u64> = BTreeMap::new();
    let failed: HashSet<&str> = found
        .get("node_filesystem_device_error")
        .iter()
        .filter(|sample| sample.value != 0.0)
        .map(|sample| sample.label("mountpoint"))
        .collect();
    for sample in found.get("node_filesystem_size_bytes") {
        let (path, fstype) = (sample.label("mountpoint"), sample.label("fstype"));
        let skipped = is_skipped_mount(Some(fstype), path) || failed.contains(path);
        if skipped || path.is_empty() || mounts.len() == ROWS_MAX {
            continue;
        }
        // Of several mounts over each other the last is the one to be seen.
        mounts.insert(
            path,
            Mount {
                mount: path.to_owned(),
                device: sample.label("device").to_owned(),
                fstype: Some(fstype.to_owned()),
                size: whole(sample.value),
                ..Mount::default()
            },
        );
    }
    for sample in found.get("node_filesystem_free_bytes") {
        if let Some(free) = whole(sample.value) {
            free_of_all.insert(sample.label("mountpoint"), free);
        }
    }
    let mut learn = |family: &str, set: &dyn Fn(&mut Mount, u64)| {
        for sample in found.get(family) {
            let mount = mounts.get_mut(sample.label("mountpoint"));
            if let (Some(mount), Some(value)) = (mount, whole(sample.value)) {
                set(mount, value);
            }
        }
    };
    learn("node_filesystem_avail_bytes", &|m, v| m.free = Some(v));
    learn("node_filesystem_files", &|m, v| m.inodes = Some(v));
    learn("node_filesystem_files_free", &|m, v| {
        m.inodes_used = m.inodes.map(|all| all.saturating_sub(v));
    });
    for (path, mount) in &mut mounts {
        let free = free_of_all.get(path);
        mount.used = mount
            .size
            .zip(free)
            .map(|(size, free)| size.saturating_sub(*free));
    }
    mounts.values().map(Mount::row).collect()
}

/// One row per block device.
pub(super) fn disks(found: &Exposition) -> Vec<Row> {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let mut take = |family: &str, column: &str, times: f64| {
        for sample in found.get(family) {
            let device = sample.label("device");
            if device.is_empty() || is_skipped_disk(device) || rows.len() == ROWS_MAX {
                continue;
            }
            let key = || EntityKey::named(clean(device));
            let row = rows
                .entry(device)
                .or_insert_with(|| Row::new(&DISK, Some(key())));
            row.set(&DISK, column, counter(whole(sample.value * times)));
        }
    };
    take("node_disk_read_bytes_total", "read_bytes", 1.0);
    take("node_disk_written_bytes_total", "write_bytes", 1.0);
    take("node_disk_reads_completed_total", "reads", 1.0);
    take("node_disk_writes_completed_total", "writes", 1.0);
    take("node_disk_io_time_seconds_total", "busy_ms", 1e3);
    let seconds = |family: &str, device: &str| {
        let mut samples = found.get(family).iter();
        let found = samples.find(|sample| sample.label("device") == device);
        found.map(|sample| sample.value * 1e3)
    };
    for (device, row) in &mut rows {
        let read = seconds("node_disk_read_time_seconds_total", device);
        let write = seconds("node_disk_write_time_seconds_total", device);
        if let (Some(read), Some(write)) = (read, write) {
            row.set(&DISK, "wait_ms", counter(whole(read + write)));
        }
    }
    rows.into_values().collect()
}

/// One row per interface.
pub(super) fn interfaces(found: &Exposition) -> Vec<Row> {
    let mut all: BTreeMap<&str, Interface> = BTreeMap::new();
    type Set = fn(&mut Interface, u64);
    let counters: [(&str, Set); 8] = [
        ("receive_bytes", |i, n| i.in_octets = Some(n)),
        ("transmit_bytes", |i, n| i.out_octets = Some(n)),
        ("receive_packets", |i, n| i.in_packets = Some(n)),
        ("transmit_packets", |i, n| i.out_packets = Some(n)),
        ("receive_errs", |i, n| i.in_errors = Some(n)),
        ("transmit_errs", |i, n| i.out_errors = Some(n)),
        ("receive_drop", |i, n| i.in_discards = Some(n)),
        ("transmit_drop", |i, n| i.out_discards = Some(n)),
    ];
    for (word, set) in counters {
        for sample in found.get(&format!("node_network_{word}_total")) {
            let device = sample.label("device");
            if device.is_empty() || is_noise_interface(device) || all.len() == ROWS_MAX {
                continue;
            }
            let interface = all.entry(device).or_insert_with(|| Interface {
                name: device.to_owned(),
                ..Interface::default()
            });
            if let Some(n) = whole(sample.value) {
                set(interface, n);
            }
        }
    }
    let numbers: [(&str, Set); 5] = [
        ("speed_bytes", |i, n| i.speed_bps = n.checked_mul(8)),
        ("mtu_bytes", |i, n| i.mtu = Some(n)),
        ("iface_id", |i, n| i.if_index = Some(n)),
        ("protocol_type", |i, n| {
            let arphrd = u32::try_from(n).ok();
            i.kind = arphrd.and_then(iana_type).map(str::to_owned);
        }),
        // IFF_UP is bit 0.
        ("flags", |i, n| i.admin_up = Some(n & 1 == 1)),
    ];
    for (word, set) in numbers {
        for sample in found.get(&format!("node_network_{word}")) {
            if let (Some(interface), Some(n)) =
                (all.get_mut(sample.label("device")), whole(sample.value))
            {
                set(interface, n);
            }
        }
    }
    for sample in found.get("node_network_info") {
        if let Some(interface) = all.get_mut(sample.label("device")) {
            learn(interface, sample);
        }
    }
    all.values().map(Interface::row).collect()
}

fn learn(interface: &mut Interface, info: &Sample) {
    let text = |label: &str| {
        let text = info.label(label);
        (!text.is_empty()).then(|| text.to_owned())
    };
    interface.state = interface_state(info.label("operstate"));
    if interface.admin_up.is_none() {
        interface.admin_up = match info.label("adminstate") {
            "up" => Some(true),
            "down" => Some(false),
            _ => None,
        };
    }
    interface.alias = text("ifalias");
    interface.mac = text("address").filter(|mac| mac != "00:00:00:00:00:00");
}
