//! Mounted file systems: the list from sysinfo, the numbers from statvfs(3), which also tells what
//! sysinfo does not: used blocks as df counts them, and inodes.

use std::collections::HashSet;
use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sysinfo::Disks;

use crate::machine::{Mount, is_skipped_mount};

/// One entry per file system, under its shortest path, as df lists them.
pub(super) fn all(disks: &Disks) -> Vec<Mount> {
    let mut disks: Vec<_> = disks.iter().collect();
    disks.sort_by_key(|d| d.mount_point().as_os_str().len());
    let mut seen = HashSet::new();
    let mounts = disks.into_iter().filter_map(|disk| {
        let path = disk.mount_point();
        let mount = path.to_string_lossy().into_owned();
        let fstype = disk.file_system().to_string_lossy().into_owned();
        if is_skipped_mount(Some(&fstype), &mount) {
            return None;
        }
        let device_number = std::fs::metadata(path).ok()?.dev();
        let numbers = statvfs(path).filter(|_| seen.insert(device_number))?;
        Some(Mount {
            mount,
            device: disk.name().to_string_lossy().into_owned(),
            fstype: Some(fstype),
            ..numbers
        })
    });
    mounts.collect()
}

/// Sizes and inodes of the file system at the path.
#[allow(
    unsafe_code,
    reason = "statvfs(3) has no safe form in the standard library"
)]
#[allow(
    clippy::unnecessary_cast,
    clippy::useless_conversion,
    reason = "the widths of the fields differ between systems"
)]
fn statvfs(path: &Path) -> Option<Mount> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut answer = MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: the path is a valid C string and the answer has room for the whole structure, which is
    // read only after the call has filled it.
    let told = unsafe {
        if libc::statvfs(path.as_ptr(), answer.as_mut_ptr()) != 0 {
            return None;
        }
        answer.assume_init()
    };
    let unit = told.f_frsize as u64;
    let bytes = |blocks: u64| blocks.checked_mul(unit);
    let (blocks, free) = (told.f_blocks as u64, told.f_bfree as u64);
    let (inodes, inodes_free) = (told.f_files as u64, told.f_ffree as u64);
    (blocks > 0).then(|| Mount {
        size: bytes(blocks),
        used: bytes(blocks.saturating_sub(free)),
        free: bytes(told.f_bavail as u64),
        inodes: Some(inodes),
        inodes_used: Some(inodes.saturating_sub(inodes_free)),
        ..Mount::default()
    })
}
