//! The core tables: one kind of thing, one table. Every method fills the same ones with the same
//! meanings; the store makes the physical tables and the views from these definitions.

/// What a column holds and how it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// BIGINT as read.
    Int,
    /// DOUBLE as read.
    Float,
    /// DOUBLE, a percentage rounded to two decimals.
    Pct,
    /// VARCHAR.
    Text,
    /// BOOLEAN.
    Bool,
    /// Whole seconds since 1970 as read, stored as TIMESTAMPTZ.
    Time,
    /// Read as a raw counter, stored as the exact BIGINT delta since the previous stored row.
    Counter,
    /// A raw counter that only serves to derive other columns; its delta is not stored.
    Input,
}

/// One column: its name (unit last), kind, unit and the sentence that `COMMENT ON` shows.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
    /// `%`, `B`, `bit/s`, `s`, `ms`, or empty.
    pub unit: &'static str,
    pub comment: &'static str,
}

/// A column that exists only in the view, as SQL over the table's columns `t` and facts `f`.
#[derive(Clone, Copy, Debug)]
pub struct Derived {
    pub name: &'static str,
    pub sql: &'static str,
    pub unit: &'static str,
    pub comment: &'static str,
}

/// One table.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    /// The view's column that names the entity (`interface`, `mount`, `device`), if rows have one.
    pub entity: Option<&'static str>,
    pub columns: &'static [Column],
    /// What seldom changes, kept on the entity with its period of validity.
    pub facts: &'static [Column],
    pub derived: &'static [Derived],
    pub comment: &'static str,
}

/// Tables are statics: the name tells them apart.
impl PartialEq for Table {
    fn eq(&self, other: &Table) -> bool {
        self.name == other.name
    }
}

impl Table {
    /// The position of a column in [`Table::columns`].
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == column)
    }

    /// The position of a fact in [`Table::facts`].
    pub fn fact_position(&self, fact: &str) -> Option<usize> {
        self.facts.iter().position(|c| c.name == fact)
    }

    /// Whether any column is a counter, so that rows carry `elapsed_ms`.
    pub fn has_counters(&self) -> bool {
        self.columns.iter().any(|c| c.kind == Kind::Counter)
    }
}

/// The table of that name.
pub fn find(name: &str) -> Option<&'static Table> {
    ALL.iter().copied().find(|t| t.name == name)
}

/// Every core table that collections fill. `poll`, `event`, `alert` and `notification` have shapes of
/// their own and belong to the store.
pub static ALL: &[&Table] = &[
    &SYSTEM,
    &CPU,
    &MEMORY,
    &FILESYSTEM,
    &DISK,
    &INTERFACE,
    &PROCESS_STATE,
    &PROCESS,
];

const fn column(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    comment: &'static str,
) -> Column {
    Column {
        name,
        kind,
        unit,
        comment,
    }
}

const fn derived(
    name: &'static str,
    sql: &'static str,
    unit: &'static str,
    comment: &'static str,
) -> Derived {
    Derived {
        name,
        sql,
        unit,
        comment,
    }
}

/// Facts about a host itself, in `main.host`.
pub static HOST_FACTS: &[Column] = &[
    column(
        "sys_name",
        Kind::Text,
        "",
        "The name the host gives itself (sysName.0, uname -n).",
    ),
    column(
        "sys_descr",
        Kind::Text,
        "",
        "The host's description of itself (sysDescr.0, uname -a).",
    ),
    column(
        "sys_object_id",
        Kind::Text,
        "",
        "sysObjectID.0: the kind of SNMP agent.",
    ),
    column("location", Kind::Text, "", "sysLocation.0."),
    column("contact", Kind::Text, "", "sysContact.0."),
    column(
        "os",
        Kind::Text,
        "",
        "Operating system and version (PRETTY_NAME of os-release).",
    ),
    column("kernel", Kind::Text, "", "Kernel release (uname -r)."),
    column("arch", Kind::Text, "", "Machine architecture (uname -m)."),
    column("cpu_model", Kind::Text, "", "Model name of the first CPU."),
    column("model", Kind::Text, "", "Hardware model."),
    column("serial", Kind::Text, "", "Hardware serial number."),
];

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
            "Where available_bytes comes from: MemAvailable, memSysAvail, free+buffers+cached, hrStorage, sysinfo.",
        ),
    ],
    facts: &[],
    derived: &[],
};

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

pub static INTERFACE: Table = Table {
    name: "interface",
    entity: Some("interface"),
    comment: "Network interfaces, one row per interface and collection. Counters are what happened since the previous row; in and out as the host sees them.",
    columns: &[
        column("in_octets", Kind::Counter, "B", "Bytes received."),
        column("out_octets", Kind::Counter, "B", "Bytes sent."),
        column(
            "in_packets",
            Kind::Counter,
            "",
            "Packets received: unicast, multicast and broadcast.",
        ),
        column(
            "out_packets",
            Kind::Counter,
            "",
            "Packets sent: unicast, multicast and broadcast.",
        ),
        column(
            "in_errors",
            Kind::Counter,
            "",
            "Received packets with errors.",
        ),
        column(
            "out_errors",
            Kind::Counter,
            "",
            "Packets not sent because of errors.",
        ),
        column(
            "in_discards",
            Kind::Counter,
            "",
            "Received packets dropped without an error.",
        ),
        column(
            "out_discards",
            Kind::Counter,
            "",
            "Packets to be sent dropped without an error.",
        ),
        column(
            "state",
            Kind::Text,
            "",
            "Operational state: up, down, testing, unknown, dormant, not_present, lower_layer_down.",
        ),
        column(
            "admin_state",
            Kind::Text,
            "",
            "Configured state: up, down, testing; NULL where not told.",
        ),
        column(
            "in_unicast",
            Kind::Input,
            "",
            "Raw unicast packets received.",
        ),
        column(
            "in_multicast",
            Kind::Input,
            "",
            "Raw multicast packets received.",
        ),
        column(
            "in_broadcast",
            Kind::Input,
            "",
            "Raw broadcast packets received.",
        ),
        column("out_unicast", Kind::Input, "", "Raw unicast packets sent."),
        column(
            "out_multicast",
            Kind::Input,
            "",
            "Raw multicast packets sent.",
        ),
        column(
            "out_broadcast",
            Kind::Input,
            "",
            "Raw broadcast packets sent.",
        ),
    ],
    facts: &[
        column(
            "alias",
            Kind::Text,
            "",
            "The description an operator gave it (ifAlias).",
        ),
        column(
            "speed_bps",
            Kind::Int,
            "bit/s",
            "Nominal speed, NULL when unknown or zero.",
        ),
        column("mac", Kind::Text, "", "Hardware address."),
        column(
            "type",
            Kind::Text,
            "",
            "IANA ifType number, or the kernel's word.",
        ),
        column("mtu", Kind::Int, "B", "Largest packet."),
        column(
            "if_index",
            Kind::Int,
            "",
            "Today's ifIndex; it may change, the entity does not.",
        ),
    ],
    derived: &[
        derived(
            "in_bps",
            "t.in_octets * 8000.0 / nullif(t.elapsed_ms, 0)",
            "bit/s",
            "Bits received per second.",
        ),
        derived(
            "out_bps",
            "t.out_octets * 8000.0 / nullif(t.elapsed_ms, 0)",
            "bit/s",
            "Bits sent per second.",
        ),
        derived(
            "in_util_pct",
            "round(t.in_octets * 800000.0 / nullif(t.elapsed_ms, 0) / nullif(f.speed_bps, 0), 2)",
            "%",
            "in_bps of the nominal speed.",
        ),
        derived(
            "out_util_pct",
            "round(t.out_octets * 800000.0 / nullif(t.elapsed_ms, 0) / nullif(f.speed_bps, 0), 2)",
            "%",
            "out_bps of the nominal speed.",
        ),
        derived(
            "in_packets_per_s",
            "t.in_packets * 1000.0 / nullif(t.elapsed_ms, 0)",
            "1/s",
            "Packets received per second.",
        ),
        derived(
            "out_packets_per_s",
            "t.out_packets * 1000.0 / nullif(t.elapsed_ms, 0)",
            "1/s",
            "Packets sent per second.",
        ),
    ],
};

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
