//! /proc/meminfo.

use super::{Report, lines};
use crate::machine::Memory;

/// Main memory and swap. `None` without the total, or without anything to tell what is available.
///
/// ZFS keeps its cache beside the page cache, where MemAvailable does not look: what it would give
/// back (all above its minimum) is added.
pub(in crate::collect) fn figures(report: &Report<'_>) -> Option<Memory> {
    let mut memory = of_kernel(report.get("meminfo"))?;
    let arc = |name: &str| -> Option<u64> {
        let line =
            lines(report.get("arc")?).find_map(|l| l.strip_prefix(name)?.strip_prefix(' '))?;
        line.split_ascii_whitespace().last()?.parse().ok()
    };
    memory.arc = arc("size");
    if let (Some(size), Some(least)) = (arc("size"), arc("c_min")) {
        memory.available = memory.available.saturating_add(size.saturating_sub(least));
        memory.formula = match memory.formula {
            "MemAvailable" => "MemAvailable+ARC",
            _ => "free+buffers+cached+ARC",
        };
    }
    if let Some((limit, used)) = limit(report).filter(|(limit, _)| *limit < memory.total) {
        memory.total = limit;
        memory.available = limit.saturating_sub(used);
        memory.formula = "cgroup";
    }
    Some(memory)
}

/// What a container may use and does use, in bytes, without the files that the kernel would drop:
/// /proc/meminfo tells it the machine's memory. `None` where no limit is set.
fn limit(report: &Report<'_>) -> Option<(u64, u64)> {
    let told = report.get("cgroup")?;
    let number = |path: &str| -> Option<u64> {
        let line =
            lines(told).find_map(|l| l.strip_prefix("/sys/fs/cgroup/")?.strip_prefix(path))?;
        line.trim().parse().ok()
    };
    let either = |new: &str, old: &str| number(new).or_else(|| number(old));
    let limit = either("memory.max:", "memory/memory.limit_in_bytes:")?;
    let used = either("memory.current:", "memory/memory.usage_in_bytes:")?;
    let files = number("memory.stat:inactive_file ")
        .or_else(|| number("memory/memory.stat:total_inactive_file "));
    (limit > 0).then_some((limit, used.saturating_sub(files.unwrap_or(0))))
}

fn of_kernel(meminfo: Option<&str>) -> Option<Memory> {
    let meminfo = meminfo?;
    let bytes = |name: &str| -> Option<u64> {
        let line = lines(meminfo).find_map(|l| l.strip_prefix(name)?.strip_prefix(':'))?;
        let number = line.split_ascii_whitespace().next()?;
        number.parse::<u64>().ok()?.checked_mul(1024)
    };
    let total = bytes("MemTotal").filter(|t| *t > 0)?;
    let (buffers, cached) = (bytes("Buffers"), bytes("Cached"));
    let (available, formula) = match bytes("MemAvailable") {
        Some(available) => (available, "MemAvailable"),
        // Kernels before 3.14. Shared memory lies in the page cache and cannot be given back.
        None => {
            let caches = [bytes("MemFree")?, buffers?, cached?];
            let all = caches.iter().fold(0u64, |sum, c| sum.saturating_add(*c));
            let all = all.saturating_add(bytes("SReclaimable").unwrap_or(0));
            let available = all.saturating_sub(bytes("Shmem").unwrap_or(0));
            (available, "free+buffers+cached")
        }
    };
    Some(Memory {
        total,
        available,
        buffers,
        cached,
        arc: None,
        swap_total: bytes("SwapTotal"),
        swap_free: bytes("SwapFree"),
        formula,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_is_what_the_kernel_says() {
        let text = "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\nBuffers: 10 kB\nCached: 400 kB\nSwapCached: 7 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\n";
        let memory = of_kernel(Some(text)).unwrap();
        assert_eq!(memory.available, 600 * 1024);
        assert_eq!(memory.cached, Some(400 * 1024));
        assert_eq!(memory.formula, "MemAvailable");
    }

    #[test]
    fn an_old_kernel_gets_the_substitute() {
        let text = "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 10 kB\nCached: 400 kB\nSReclaimable: 30 kB\nShmem: 40 kB\n";
        let memory = of_kernel(Some(text)).unwrap();
        assert_eq!(memory.available, 500 * 1024);
        assert_eq!(memory.formula, "free+buffers+cached");
        assert_eq!(memory.swap_total, None);
    }

    #[test]
    fn nonsense_is_no_data() {
        for bad in [
            "",
            "MemTotal: x kB",
            "MemTotal: 0 kB",
            "MemTotal: 99999999999999999999 kB",
        ] {
            assert_eq!(of_kernel(Some(bad)), None, "{bad:?}");
        }
        assert_eq!(of_kernel(Some("MemTotal: 5 kB\nMemFree: 1 kB\n")), None);
    }

    #[test]
    fn a_container_has_what_its_limit_leaves() {
        let meminfo = "MemTotal: 1000 kB\nMemAvailable: 600 kB\n";
        let figures = |cgroup: &str| {
            let report = Report::of([
                ("meminfo", meminfo.to_owned()),
                ("cgroup", cgroup.to_owned()),
            ]);
            figures(&report).unwrap()
        };
        let root = "/sys/fs/cgroup/";
        let new = figures(&format!(
            "{root}memory.max:512000\n{root}memory.current:300000\n{root}memory.stat:inactive_file 100000\n"
        ));
        assert_eq!(
            (new.total, new.available, new.formula),
            (512_000, 312_000, "cgroup")
        );
        let old = figures(&format!(
            "{root}memory/memory.limit_in_bytes:9223372036854771712\n{root}memory/memory.usage_in_bytes:5\n"
        ));
        assert_eq!((old.total, old.formula), (1_024_000, "MemAvailable"));
    }

    #[test]
    fn what_zfs_would_give_back_is_available() {
        let report = Report::of([
            ("meminfo", "MemTotal: 1000 kB\nMemAvailable: 100 kB\n".to_owned()),
            ("arc", "c_min                           4    102400\nsize                            4    512000\n".to_owned()),
        ]);
        let memory = figures(&report).unwrap();
        assert_eq!(memory.available, 100 * 1024 + 409_600);
        assert_eq!(memory.formula, "MemAvailable+ARC");
    }
}
