//! A mounted file system.

use super::{clean, int, pct, text};
use crate::reading::{EntityKey, Row};
use crate::table::FILESYSTEM;

/// One mounted file system; sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Mount {
    pub(crate) mount: String,
    pub(crate) device: String,
    pub(crate) fstype: Option<String>,
    pub(crate) size: Option<u64>,
    pub(crate) used: Option<u64>,
    /// What an unprivileged user can still write.
    pub(crate) free: Option<u64>,
    /// `None` or 0 where the file system makes inodes as it needs them (btrfs).
    pub(crate) inodes: Option<u64>,
    pub(crate) inodes_used: Option<u64>,
}

impl Mount {
    pub(crate) fn row(&self) -> Row {
        let mut row = Row::new(&FILESYSTEM, Some(EntityKey::named(clean(&self.mount))));
        // df's own share: blocks reserved for root count neither as used nor as free.
        let used_pct = match (self.used, self.free) {
            (Some(used), Some(free)) => pct(used, used.saturating_add(free)),
            _ => None,
        };
        let inodes = self.inodes.filter(|n| *n > 0);
        let inodes_used = inodes.and(self.inodes_used);
        let inodes_pct = match (inodes_used, inodes) {
            (Some(used), Some(all)) => pct(used, all),
            _ => None,
        };
        row.set(&FILESYSTEM, "size_bytes", int(self.size));
        row.set(&FILESYSTEM, "used_bytes", int(self.used));
        row.set(&FILESYSTEM, "free_bytes", int(self.free));
        row.set(&FILESYSTEM, "used_pct", used_pct.into());
        row.set(&FILESYSTEM, "inodes", int(inodes));
        row.set(&FILESYSTEM, "inodes_used", int(inodes_used));
        row.set(&FILESYSTEM, "inodes_used_pct", inodes_pct.into());
        row.set_fact(&FILESYSTEM, "device", text(Some(&self.device)));
        row.set_fact(&FILESYSTEM, "fstype", text(self.fstype.as_deref()));
        row
    }
}

/// Whether a mount is left out.
///
/// - Memory and kernel file systems fill no disk (tmpfs, devtmpfs, …).
/// - Read-only images are full by nature (squashfs, iso9660): an alert on them would never end.
/// - An overlay shows the numbers of the file system below it a second time, once per container;
///   as `/` it is all that a container has, and stays.
/// - Network and automatic mounts belong to their server, and asking about a dead one hangs.
/// - What lies below /dev, /proc, /run and /sys is the system's own, apart from media.
pub(crate) fn is_skipped(fstype: Option<&str>, mount: &str) -> bool {
    let below = |dir: &str| {
        mount
            .strip_prefix(dir)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if (below("/dev") || below("/proc") || below("/sys") || below("/run")) && !below("/run/media") {
        return true;
    }
    match fstype {
        None => false,
        Some("overlay" | "overlayfs" | "aufs") => mount != "/",
        Some(kind) if kind.starts_with("fuse.") => {
            !matches!(kind, "fuse.zfs" | "fuse.mergerfs" | "fuse.ntfs-3g")
        }
        Some(kind) => matches!(
            kind,
            "tmpfs"
                | "devtmpfs"
                | "ramfs"
                | "rootfs"
                | "squashfs"
                | "erofs"
                | "cramfs"
                | "iso9660"
                | "udf"
                | "autofs"
                | "nfs"
                | "nfs4"
                | "cifs"
                | "smb3"
                | "smbfs"
                | "9p"
                | "virtiofs"
                | "ceph"
                | "afs"
                | "efivarfs"
                | "nsfs"
                | "proc"
                | "sysfs"
                | "cgroup"
                | "cgroup2"
                | "debugfs"
                | "tracefs"
                | "devpts"
                | "mqueue"
                | "hugetlbfs"
                | "binfmt_misc"
                | "rpc_pipefs"
                | "configfs"
                | "securityfs"
                | "pstore"
                | "bpf"
                | "fusectl"
                | "devfs"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Value;

    #[test]
    fn used_share_is_that_of_df() {
        let mount = Mount {
            mount: "/".into(),
            size: Some(1000),
            used: Some(450),
            free: Some(450),
            ..Mount::default()
        };
        let row = mount.row();
        let at = |name: &str| row.values[FILESYSTEM.position(name).unwrap()].clone();
        assert_eq!(at("used_pct"), Value::Float(50.0));
        assert_eq!(at("inodes"), Value::Null);
    }

    #[test]
    fn kernel_and_image_mounts_are_left_out() {
        assert!(is_skipped(Some("tmpfs"), "/tmp"));
        assert!(is_skipped(Some("squashfs"), "/snap/core/1"));
        assert!(is_skipped(
            Some("overlay"),
            "/var/lib/docker/overlay2/x/merged"
        ));
        assert!(!is_skipped(Some("overlay"), "/"));
        assert!(!is_skipped(Some("ext4"), "/run/media/me/stick"));
        assert!(is_skipped(Some("vfat"), "/run/credentials"));
        assert!(!is_skipped(Some("ext4"), "/runner"));
        assert!(!is_skipped(None, "/data"));
    }
}
