//! The core tables: one kind of thing, one table. Every method fills the same ones with the same
//! meanings; the store makes the physical tables and the views from these definitions.

mod interface;
mod machine;
mod process;
mod raid;
mod reach;
mod sensor;
mod service;
mod storage;
mod tables;

pub use interface::INTERFACE;
pub use machine::{CPU, CPU_CORE, MEMORY, SYSTEM};
pub use process::{PROCESS, PROCESS_STATE};
pub use raid::RAID;
pub use reach::{HTTP, PING, TCP, TCP_STATE};
pub use sensor::SENSOR;
pub use service::SERVICE;
pub use storage::{DISK, FILESYSTEM};
pub use tables::{Definition, DefinitionColumn, Tables, intern, intern_name};

use serde::{Deserialize, Serialize};

/// What a column holds and how it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

impl Kind {
    /// The word of a profile.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Int => "int",
            Kind::Float => "float",
            Kind::Pct => "pct",
            Kind::Text => "text",
            Kind::Bool => "bool",
            Kind::Time => "time",
            Kind::Counter => "counter",
            Kind::Input => "input",
        }
    }

    /// The kind of a word, `None` for any other word.
    pub fn from_word(word: &str) -> Option<Kind> {
        let all = [
            Kind::Int,
            Kind::Float,
            Kind::Pct,
            Kind::Text,
            Kind::Bool,
            Kind::Time,
            Kind::Counter,
            Kind::Input,
        ];
        all.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The core table of that name; those that profiles make are in [`Tables`].
pub fn find(name: &str) -> Option<&'static Table> {
    ALL.iter().copied().find(|t| t.name == name)
}

/// Whether the targets of one method on a host fill the table together: each port of `tcp`, each
/// endpoint of `http` has its row, and what a profile makes of one endpoint it may make of another. All other tables tell about
/// the host as a whole, and one target fills them.
pub fn is_shared(table: &Table) -> bool {
    *table == TCP || *table == HTTP || find(table.name).is_none()
}

/// How many seconds may lie between two rows of a table, or two tellings of a host fact, although
/// the host is polled more often: what costs a host more than reading a counter is asked for less
/// often. 0: it comes with every poll.
pub fn slowest_s(name: &str) -> i64 {
    match name {
        "process" | "process_state" | "sensor" | "raid" | "tcp_state" => 60,
        "filesystem" | "service" => 300,
        name if HOST_FACTS.iter().any(|fact| fact.name == name) => 3_600,
        _ => 0,
    }
}

/// Every core table that collections fill; profiles may make more ([`Tables`]). `poll`, `event`,
/// `alert` and `notification` have shapes of
/// their own and belong to the store.
pub static ALL: &[&Table] = &[
    &SYSTEM,
    &CPU,
    &CPU_CORE,
    &MEMORY,
    &FILESYSTEM,
    &DISK,
    &INTERFACE,
    &PROCESS_STATE,
    &PROCESS,
    &SERVICE,
    &SENSOR,
    &RAID,
    &TCP_STATE,
    &PING,
    &TCP,
    &HTTP,
];

/// The tables that every machine fills by telling about itself (snmp, ssh, local); the others are
/// what is seen of it from outside, and what only some machines have.
pub fn of_machine() -> impl Iterator<Item = &'static Table> {
    let not_all =
        |table: &&Table| [&PING, &TCP, &HTTP, &SERVICE, &SENSOR, &RAID, &TCP_STATE].contains(table);
    ALL.iter().copied().filter(move |table| !not_all(table))
}

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
    column("vendor", Kind::Text, "", "Who made it."),
    column(
        "version",
        Kind::Text,
        "",
        "Version of its software or firmware.",
    ),
];
