//! Processes: how many are in which state, and the greatest ones.

use super::{Kind, Table, column};

pub static PROCESS_STATE: Table = Table {
    name: "process_state",
    entity: None,
    comment: "How many processes are in which state, one row per collection; NULL where the method cannot tell (SNMP cannot tell stopped from uninterruptible).",
    columns: &[
        column("total", Kind::Int, "", "All processes."),
        column("running", Kind::Int, "", "Running or ready to run (R)."),
        column("sleeping", Kind::Int, "", "Sleeping until woken (S)."),
        column(
            "uninterruptible",
            Kind::Int,
            "",
            "Waiting without a way to be interrupted, usually for a disk (D).",
        ),
        column(
            "stopped",
            Kind::Int,
            "",
            "Stopped by a signal or a debugger (T, t).",
        ),
        column(
            "zombie",
            Kind::Int,
            "",
            "Ended, not yet collected by the parent (Z).",
        ),
        column("idle", Kind::Int, "", "Idle kernel threads (I)."),
        column(
            "threads",
            Kind::Int,
            "",
            "All threads, NULL where not told.",
        ),
    ],
    facts: &[],
    derived: &[],
};

pub static PROCESS: Table = Table {
    name: "process",
    entity: None,
    comment: "The top 10 processes by CPU and the top 10 by memory of each collection.",
    columns: &[
        column("pid", Kind::Int, "", "Process id."),
        column("started", Kind::Time, "", "When the process started."),
        column(
            "name",
            Kind::Text,
            "",
            "The program's name (comm), never its arguments: they hold secrets.",
        ),
        column("user_name", Kind::Text, "", "The user it runs as."),
        column("state", Kind::Text, "", "State letter as ps prints it."),
        column(
            "cpu_pct",
            Kind::Pct,
            "%",
            "CPU time used since the previous collection, 100 = one core; NULL on its first.",
        ),
        column("rss_bytes", Kind::Int, "B", "Resident memory."),
        column("mem_pct", Kind::Pct, "%", "rss_bytes of main memory."),
        column(
            "cpu_ms",
            Kind::Input,
            "ms",
            "Raw CPU time used since it started.",
        ),
    ],
    facts: &[],
    derived: &[],
};
