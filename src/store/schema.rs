//! The physical tables (schema `raw`): made from [`crate::table::Tables`], and the few of a shape
//! of their own. No keys and no indexes: they cost memory and make the write-ahead log fragile.

use crate::table::{Column, Kind, Table, Tables};

/// The version of what this module and the views make of the tables. A file of a newer one is
/// refused.
pub(super) const VERSION: i64 = 3;

/// A table whose columns are written down here, not derived from [`crate::table`].
#[derive(Debug)]
pub(super) struct FixedTable {
    pub(super) name: &'static str,
    /// Name and SQL type.
    pub(super) columns: &'static [(&'static str, &'static str)],
}

/// One physical table to be made.
#[derive(Debug)]
pub(super) struct RawTable {
    pub(super) name: String,
    pub(super) columns: Vec<(&'static str, &'static str)>,
}

/// The columns of `raw.poll`.
pub(super) const POLL: &[(&str, &str)] = &[
    ("ts", "TIMESTAMPTZ"),
    ("host_id", "INTEGER"),
    ("method", "VARCHAR"),
    ("ok", "BOOLEAN"),
    ("took_ms", "BIGINT"),
    ("requests", "BIGINT"),
    ("retries", "BIGINT"),
    ("bytes", "BIGINT"),
    ("rows", "BIGINT"),
    ("resets", "BIGINT"),
    ("cause", "VARCHAR"),
    ("error", "VARCHAR"),
    ("problems", "VARCHAR"),
    ("parameter", "VARCHAR"),
];

static FIXED: &[FixedTable] = &[
    FixedTable {
        name: "meta",
        columns: &[("key", "VARCHAR"), ("value", "VARCHAR")],
    },
    FixedTable {
        name: "profile_table",
        columns: &[("name", "VARCHAR"), ("definition", "VARCHAR")],
    },
    FixedTable {
        name: "host",
        columns: &[
            ("id", "INTEGER"),
            ("name", "VARCHAR"),
            ("address", "VARCHAR"),
            ("first_seen", "TIMESTAMPTZ"),
            ("removed_at", "TIMESTAMPTZ"),
        ],
    },
    FixedTable {
        name: "host_group",
        columns: &[("host_id", "INTEGER"), ("group_name", "VARCHAR")],
    },
    FixedTable {
        name: "host_label",
        columns: &[
            ("host_id", "INTEGER"),
            ("label", "VARCHAR"),
            ("value", "VARCHAR"),
        ],
    },
    FixedTable {
        name: "host_fact",
        columns: &[
            ("host_id", "INTEGER"),
            ("fact", "VARCHAR"),
            ("value", "VARCHAR"),
            ("valid_from", "TIMESTAMPTZ"),
            ("valid_to", "TIMESTAMPTZ"),
        ],
    },
    FixedTable {
        name: "entity",
        columns: &[
            ("id", "INTEGER"),
            ("host_id", "INTEGER"),
            ("table_name", "VARCHAR"),
            ("name", "VARCHAR"),
            ("alias", "VARCHAR"),
            ("mac", "VARCHAR"),
            ("kind", "VARCHAR"),
            ("first_seen", "TIMESTAMPTZ"),
        ],
    },
    FixedTable {
        name: "poll",
        columns: POLL,
    },
    FixedTable {
        name: "sealed_file",
        columns: super::sealed::manifest::COLUMNS,
    },
    FixedTable {
        name: "push_key",
        columns: &[
            ("host_id", "INTEGER"),
            ("key", "BIGINT"),
            ("taken_at", "TIMESTAMPTZ"),
        ],
    },
    FixedTable {
        name: "event",
        columns: &[
            ("ts", "TIMESTAMPTZ"),
            ("host_id", "INTEGER"),
            ("entity_id", "INTEGER"),
            ("kind", "VARCHAR"),
            ("subject", "VARCHAR"),
            ("message", "VARCHAR"),
        ],
    },
];

/// Every physical table.
pub(super) fn tables(tables: &Tables) -> Vec<RawTable> {
    let fixed = FIXED
        .iter()
        .chain(super::alert::TABLES)
        .chain(super::said::TABLES)
        .chain(super::report::TABLES);
    let mut all: Vec<RawTable> = fixed
        .map(|t| RawTable {
            name: t.name.into(),
            columns: t.columns.to_vec(),
        })
        .collect();
    for table in tables.iter() {
        all.push(RawTable {
            name: table.name.into(),
            columns: columns(table),
        });
        if !table.facts.is_empty() {
            all.push(RawTable {
                name: fact_table(table),
                columns: fact_columns(table),
            });
        }
    }
    all
}

/// The columns of the physical table in the order in which rows are appended.
pub(super) fn columns(table: &Table) -> Vec<(&'static str, &'static str)> {
    let mut columns = vec![("ts", "TIMESTAMPTZ"), ("host_id", "INTEGER")];
    if table.entity.is_some() {
        columns.push(("entity_id", "INTEGER"));
    }
    if table.has_counters() {
        columns.push(("elapsed_ms", "BIGINT"));
    }
    columns.extend(stored(table).map(|(_, c)| (c.name, sql_type(c.kind))));
    columns
}

/// The columns that are stored, with their position in [`Table::columns`].
pub(super) fn stored(table: &Table) -> impl Iterator<Item = (usize, &'static Column)> {
    let columns: &'static [Column] = table.columns;
    columns
        .iter()
        .enumerate()
        .filter(|(_, c)| c.kind != Kind::Input)
}

/// The name of the table of the entities' facts.
pub(super) fn fact_table(table: &Table) -> String {
    format!("{}_fact", table.name)
}

pub(super) fn fact_columns(table: &Table) -> Vec<(&'static str, &'static str)> {
    let mut columns = vec![
        ("entity_id", "INTEGER"),
        ("valid_from", "TIMESTAMPTZ"),
        ("valid_to", "TIMESTAMPTZ"),
    ];
    columns.extend(table.facts.iter().map(|c| (c.name, sql_type(c.kind))));
    columns
}

/// How a kind of column is stored.
pub(super) fn sql_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Int | Kind::Counter | Kind::Input => "BIGINT",
        Kind::Float | Kind::Pct => "DOUBLE",
        Kind::Text => "VARCHAR",
        Kind::Bool => "BOOLEAN",
        Kind::Time => "TIMESTAMPTZ",
    }
}

/// An SQL identifier.
pub(super) fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// An SQL text literal.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl RawTable {
    pub(super) fn create(&self) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|(name, kind)| format!("{} {kind}", ident(name)))
            .collect();
        format!(
            "CREATE TABLE IF NOT EXISTS raw.{} ({})",
            ident(&self.name),
            columns.join(", ")
        )
    }
}
