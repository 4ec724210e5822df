//! The machine as a whole: system, cpu and its cores, memory.

use super::{Kind, Table, column};

pub static SYSTEM: Table = Table {
    name: "system",
    entity: None,
    comment: "The host as a whole, one row per collection.",
    columns: &[
        column(
            "uptime_s",
            Kind::Int,
            "s",
            "Seconds since the host booted (hrSystemUptime, /proc/uptime; sysUpTime, the SNMP agent's own, where nothing better is offered).",
        ),
        column("load1", Kind::Float, "", "Load average of the last minute."),
        column(
            "load5",
            Kind::Float,
            "",
            "Load average of the last 5 minutes.",
        ),
        column(
            "load15",
            Kind::Float,
            "",
            "Load average of the last 15 minutes.",
        ),
        column(
            "processes",
            Kind::Int,
            "",
            "Number of processes (hrSystemProcesses, /proc).",
        ),
        column(
            "users",
            Kind::Int,
            "",
            "Number of logged-in sessions (hrSystemNumUsers), NULL where not told.",
        ),
        column(
            "clock_offset_s",
            Kind::Float,
            "s",
            "The host's clock minus the poller's, as near as half of took_ms; NULL where not told.",
        ),
        column(
            "reboot_required",
            Kind::Bool,
            "",
            "Whether an update waits for a reboot (Debian's reboot-required), NULL where not told.",
        ),
    ],
    facts: &[],
    derived: &[],
};

pub static CPU: Table = Table {
    name: "cpu",
    entity: None,
    comment: "Use of all CPUs together, one row per collection. used_pct = 100 * (1 - (idle + iowait) / (user + nice + system + idle + iowait + irq + softirq + steal)) over the time since the previous collection.",
    columns: &[
        column(
            "used_pct",
            Kind::Pct,
            "%",
            "Share of time not idle; waiting for disks counts as idle.",
        ),
        column(
            "user_pct",
            Kind::Pct,
            "%",
            "Share of time in user code, nice included.",
        ),
        column(
            "system_pct",
            Kind::Pct,
            "%",
            "Share of time in the kernel, interrupts included.",
        ),
        column(
            "iowait_pct",
            Kind::Pct,
            "%",
            "Share of time idle while a disk request was outstanding.",
        ),
        column(
            "steal_pct",
            Kind::Pct,
            "%",
            "Share of time taken by the hypervisor.",
        ),
        column("cores", Kind::Int, "", "Number of logical CPUs."),
        column(
            "formula",
            Kind::Text,
            "",
            "Where used_pct comes from: ticks, hrProcessorLoad, ssCpuIdle, sysinfo.",
        ),
        column("user", Kind::Input, "ticks", "Raw ticks in user code."),
        column(
            "nice",
            Kind::Input,
            "ticks",
            "Raw ticks in niced user code.",
        ),
        column("system", Kind::Input, "ticks", "Raw ticks in the kernel."),
        column("idle", Kind::Input, "ticks", "Raw idle ticks."),
        column(
            "iowait",
            Kind::Input,
            "ticks",
            "Raw ticks idle with disk requests outstanding.",
        ),
        column("irq", Kind::Input, "ticks", "Raw ticks in interrupts."),
        column(
            "softirq",
            Kind::Input,
            "ticks",
            "Raw ticks in soft interrupts.",
        ),
        column(
            "steal",
            Kind::Input,
            "ticks",
            "Raw ticks taken by the hypervisor.",
        ),
    ],
    facts: &[],
    derived: &[],
};

pub static CPU_CORE: Table = Table {
    name: "cpu_core",
    entity: Some("core"),
    comment: "Use of each logical CPU, one row per core and collection, reckoned as in cpu.",
    columns: &[
        column(
            "used_pct",
            Kind::Pct,
            "%",
            "Share of time not idle; waiting for disks counts as idle.",
        ),
        column(
            "user_pct",
            Kind::Pct,
            "%",
            "Share of time in user code, nice included.",
        ),
        column(
            "system_pct",
            Kind::Pct,
            "%",
            "Share of time in the kernel, interrupts included.",
        ),
        column(
            "iowait_pct",
            Kind::Pct,
            "%",
            "Share of time idle while a disk request was outstanding.",
        ),
        column(
            "steal_pct",
            Kind::Pct,
            "%",
            "Share of time taken by the hypervisor.",
        ),
        column("user", Kind::Input, "ticks", "Raw ticks in user code."),
        column(
            "nice",
            Kind::Input,
            "ticks",
            "Raw ticks in niced user code.",
        ),
        column("system", Kind::Input, "ticks", "Raw ticks in the kernel."),
        column("idle", Kind::Input, "ticks", "Raw idle ticks."),
        column(
            "iowait",
            Kind::Input,
            "ticks",
            "Raw ticks idle with disk requests outstanding.",
        ),
        column("irq", Kind::Input, "ticks", "Raw ticks in interrupts."),
        column(
            "softirq",
            Kind::Input,
            "ticks",
            "Raw ticks in soft interrupts.",
        ),
        column(
            "steal",
            Kind::Input,
            "ticks",
            "Raw ticks taken by the hypervisor.",
        ),
    ],
    facts: &[],
    derived: &[],
};

pub static MEMORY: Table = Table {
    name: "memory",
    entity: None,
    comment: "Main memory and swap, one row per collection. used = total - available: caches that the kernel gives back on demand do not count as used.",
    columns: &[
        column("total_bytes", Kind::Int, "B", "Main memory."),
        column(
            "used_bytes",
            Kind::Int,
            "B",
            "total_bytes - available_bytes.",
        ),
        column(
            "available_bytes",
            Kind::Int,
            "B",
            "What programs can still get without swapping (MemAvailable, memSysAvail, or the best substitute: see formula).",
        ),
        column(
            "used_pct",
            Kind::Pct,
            "%",
            "100 * used_bytes / total_bytes.",
        ),
        column("buffers_bytes", Kind::Int, "B", "Kernel buffers."),
        column("cached_bytes", Kind::Int, "B", "Page cache."),
        column(
            "arc_bytes",
            Kind::Int,
            "B",
            "ZFS' own cache (ARC), NULL without ZFS.",
        ),
        column("swap_total_bytes", Kind::Int, "B", "Swap space."),
        column("swap_used_bytes", Kind::Int, "B", "Swap space in use."),
        column(
            "swap_used_pct",
            Kind::Pct,
            "%",
            "100 * swap_used_bytes / swap_total_bytes, NULL without swap.",
        ),
        column(
            "formula",
            Kind::Text,
            "",
            "Where available_bytes comes from: MemAvailable, memSysAvail, free+buffers+cached, free+buffers, hrStorage, sysinfo; +ARC where ZFS would give its cache back, cgroup where a container's limit is lower.",
        ),
    ],
    facts: &[],
    derived: &[],
};
