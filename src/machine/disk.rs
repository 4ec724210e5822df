//! A block device.

/// Memory that pretends to be a disk, images, and drives for media: nobody waits for these.
pub(crate) fn is_skipped(name: &str) -> bool {
    ["loop", "ram", "zram", "sr", "fd", "nbd", "mtdblock"]
        .iter()
        .any(|kind| numbered(name, kind))
}

/// Whether the name is that of a kind with its number: `md127`, `sr0`.
pub(crate) fn numbered(name: &str, kind: &str) -> bool {
    name.strip_prefix(kind)
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}
