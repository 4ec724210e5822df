//! `df -P` and `df -P -i`, with types from /proc/mounts.

use std::collections::HashMap;

use super::{Report, lines};
use crate::machine::{Mount, is_skipped_mount};
use crate::reading::Row;

/// One row per mount. `None` when df said nothing readable.
pub(in crate::collect) fn rows(report: &Report<'_>) -> Option<Vec<Row>> {
    let types = types(report.get("mounts").unwrap_or_default());
    let inodes: HashMap<&str, Line<'_>> = lines(report.get("dfi").unwrap_or_default())
        .filter_map(line)
        .map(|l| (l.mount, l))
        .collect();
    let sizes: Vec<Line<'_>> = lines(report.get("df")?).filter_map(line).collect();
    if sizes.is_empty() {
        return None;
    }
    let mut seen = std::collections::HashSet::new();
    let rows = sizes
        .iter()
        .filter(|l| seen.insert(l.mount))
        .filter_map(|l| {
            let fstype = types.get(l.mount);
            if is_skipped_mount(fstype.map(String::as_str), l.mount) {
                return None;
            }
            let bytes = |kib: Option<u64>| kib.and_then(|k| k.checked_mul(1024));
            let inodes = inodes.get(l.mount);
            let mount = Mount {
                mount: l.mount.to_owned(),
                device: l.device.to_owned(),
                fstype: fstype.cloned(),
                size: bytes(l.total),
                used: bytes(l.used),
                free: bytes(l.free),
                inodes: inodes.and_then(|i| i.total),
                inodes_used: inodes.and_then(|i| i.used),
            };
            Some(mount.row())
        });
    Some(rows.collect())
}

/// A line of df: kibibytes, or inodes.
struct Line<'a> {
    device: &'a str,
    total: Option<u64>,
    used: Option<u64>,
    free: Option<u64>,
    mount: &'a str,
}

/// Device and mount may both hold blanks, so the three numbers and the percentage between them are
/// what is looked for.
fn line(text: &str) -> Option<Line<'_>> {
    let words: Vec<(usize, &str)> = words(text);
    let is_number = |w: &str| w == "-" || w.bytes().all(|b| b.is_ascii_digit());
    // A negative "available" (root's reserve is in use) is printed by some versions of df.
    let is_free = |w: &str| is_number(w.strip_prefix('-').unwrap_or(w)) || w == "-";
    let is_share = |w: &str| w == "-" || w.strip_suffix('%').is_some_and(is_number);
    let first = (1..words.len().checked_sub(4)?).find(|i| {
        let word = |k: usize| words[i + k].1;
        is_number(word(0)) && is_number(word(1)) && is_free(word(2)) && is_share(word(3))
    })?;
    let free = words[first + 2].1;
    let mount = text[words[first + 4].0..].trim_end();
    mount.starts_with('/').then(|| Line {
        device: text[..words[first].0].trim(),
        total: words[first].1.parse().ok(),
        used: words[first + 1].1.parse().ok(),
        free: match free.starts_with('-') && free != "-" {
            true => Some(0),
            false => free.parse().ok(),
        },
        mount,
    })
}

fn words(text: &str) -> Vec<(usize, &str)> {
    let start = text.as_ptr() as usize;
    text.split_ascii_whitespace()
        .map(|w| (w.as_ptr() as usize - start, w))
        .collect()
}

/// Mount to type; of several mounts over each other the last is the one to be seen.
fn types(mounts: &str) -> HashMap<String, String> {
    lines(mounts)
        .filter_map(|l| {
            let mut words = l.split_ascii_whitespace().skip(1);
            Some((unescape(words.next()?), words.next()?.to_owned()))
        })
        .collect()
}

/// /proc/mounts writes blanks and backslashes as three octal digits.
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let digits = bytes.get(i + 1..i + 4).filter(|_| bytes[i] == b'\\');
        let code = digits
            .and_then(|d| std::str::from_utf8(d).ok())
            .and_then(|d| u8::from_str_radix(d, 8).ok());
        match code {
            Some(byte) => {
                out.push(byte);
                i += 4;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Value;
    use crate::table::FILESYSTEM;

    fn report(df: &str, dfi: &str, mounts: &str) -> Report<'static> {
        Report::of([
            ("df", df.to_owned()),
            ("dfi", dfi.to_owned()),
            ("mounts", mounts.to_owned()),
        ])
    }

    #[test]
    fn blanks_in_device_and_mount_are_kept() {
        let df = "Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                  //nas/my share 1000 400 600 40% /mnt/my share\n\
                  /dev/sda1 1000 450 450 50% /\n";
        let mounts =
            "//nas/my\\040share /mnt/my\\040share fuseblk rw 0 0\n/dev/sda1 / ext4 rw 0 0\n";
        let dfi = "Filesystem Inodes IUsed IFree IUse% Mounted on\n/dev/sda1 100 25 75 25% /\n//nas/my share 0 0 0 - /mnt/my share\n";
        let rows = rows(&report(df, dfi, mounts)).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].entity.as_ref().unwrap().name, "/mnt/my share");
        assert_eq!(rows[0].facts[0], Value::text("//nas/my share"));
        assert_eq!(rows[0].facts[1], Value::text("fuseblk"));
        let at = |row: &Row, name: &str| row.values[FILESYSTEM.position(name).unwrap()].clone();
        assert_eq!(at(&rows[0], "inodes"), Value::Null);
        assert_eq!(at(&rows[1], "size_bytes"), Value::Int(1_024_000));
        assert_eq!(at(&rows[1], "used_pct"), Value::Float(50.0));
        assert_eq!(at(&rows[1], "inodes_used_pct"), Value::Float(25.0));
    }

    #[test]
    fn a_file_system_into_roots_reserve_has_nothing_free() {
        let rows = rows(&report("/dev/sda1 1000 980 -30 104% /\n", "", "")).unwrap();
        let at = |name: &str| rows[0].values[FILESYSTEM.position(name).unwrap()].clone();
        assert_eq!(at("free_bytes"), Value::Int(0));
        assert_eq!(at("used_pct"), Value::Float(100.0));
    }

    #[test]
    fn nothing_readable_is_no_data_and_nothing_worth_is_none() {
        assert!(rows(&report("df: /x: Permission denied\n", "", "")).is_none());
        let rows = rows(&report(
            "tmpfs 10 0 10 0% /tmp\n",
            "",
            "tmpfs /tmp tmpfs rw 0 0\n",
        ));
        assert_eq!(rows, Some(vec![]));
    }

    #[test]
    fn octal_escapes() {
        assert_eq!(unescape("a\\040b\\134c\\"), "a b\\c\\");
        assert_eq!(unescape("\\999\\04"), "\\999\\04");
    }
}
