//! What holds data: file systems and block devices.

use super::{Kind, Table, column, derived};

pub static FILESYSTEM: Table = Table {
    name: "filesystem",
    entity: Some("mount"),
    comment: "Mounted file systems, one row per mount and collection.",
    columns: &[
        column("size_bytes", Kind::Int, "B", "Size."),
        column("used_bytes", Kind::Int, "B", "In use."),
        column(
            "free_bytes",
            Kind::Int,
            "B",
            "What an unprivileged user can still write.",
        ),
        column(
            "used_pct",
            Kind::Pct,
            "%",
            "100 * used / (used + free), as df counts; used / size where free is not told (hrStorage).",
        ),
        column(
            "inodes",
            Kind::Int,
            "",
            "Number of inodes, NULL where the file system has no fixed number.",
        ),
        column("inodes_used", Kind::Int, "", "Inodes in use."),
        column(
            "inodes_used_pct",
            Kind::Pct,
            "%",
            "100 * inodes_used / inodes.",
        ),
    ],
    facts: &[
        column("device", Kind::Text, "", "What is mounted."),
        column("fstype", Kind::Text, "", "File system type."),
    ],
    derived: &[],
};

pub static DISK: Table = Table {
    name: "disk",
    entity: Some("device"),
    comment: "Block devices, one row per device and collection. Counters are what happened since the previous row.",
    columns: &[
        column("read_bytes", Kind::Counter, "B", "Bytes read."),
        column("write_bytes", Kind::Counter, "B", "Bytes written."),
        column("reads", Kind::Counter, "", "Read requests completed."),
        column("writes", Kind::Counter, "", "Write requests completed."),
        column(
            "busy_ms",
            Kind::Counter,
            "ms",
            "Time with at least one request under way.",
        ),
        column(
            "wait_ms",
            Kind::Counter,
            "ms",
            "Sum over requests of their time from issue to completion.",
        ),
    ],
    facts: &[],
    derived: &[
        derived(
            "read_bytes_per_s",
            "t.read_bytes * 1000.0 / nullif(t.elapsed_ms, 0)",
            "B/s",
            "Bytes read per second.",
        ),
        derived(
            "write_bytes_per_s",
            "t.write_bytes * 1000.0 / nullif(t.elapsed_ms, 0)",
            "B/s",
            "Bytes written per second.",
        ),
        derived(
            "reads_per_s",
            "t.reads * 1000.0 / nullif(t.elapsed_ms, 0)",
            "1/s",
            "Read requests per second.",
        ),
        derived(
            "writes_per_s",
            "t.writes * 1000.0 / nullif(t.elapsed_ms, 0)",
            "1/s",
            "Write requests per second.",
        ),
        derived(
            "busy_pct",
            "round(least(100.0, t.busy_ms * 100.0 / nullif(t.elapsed_ms, 0)), 2)",
            "%",
            "Share of time with at least one request under way.",
        ),
        derived(
            "await_ms",
            "t.wait_ms * 1.0 / nullif(t.reads + t.writes, 0)",
            "ms",
            "Mean time of a request.",
        ),
    ],
};
