//! What a rollup has to know of a table.

use crate::table::{Column, Derived, Kind, PROCESS, Table};

/// How many rows of a column become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Count, least, mean, greatest, last.
    Gauge,
    /// What happened in the row's time: summed.
    Sum,
    /// How often it was true, and the last.
    Truth,
    /// The last.
    Last,
}

#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) entity: Option<&'static str>,
    /// What tells things apart that have no entity.
    pub(super) keys: Vec<Column>,
    pub(super) columns: Vec<(Column, Role)>,
    /// Rows carry the time that their counters cover.
    pub(super) elapsed: bool,
    pub(super) facts: &'static [Column],
    pub(super) derived: &'static [Derived],
    pub(super) comment: String,
}

impl Shape {
    pub(super) fn of(table: &'static Table) -> Shape {
        let (keys, skipped) = without_entity(table);
        let key = |column: &Column| keys.contains(&column.name);
        let columns = table.columns.iter().filter(|column| {
            column.kind != Kind::Input && !key(column) && !skipped.contains(&column.name)
        });
        Shape {
            name: table.name.into(),
            entity: table.entity,
            keys: table.columns.iter().filter(|c| key(c)).copied().collect(),
            columns: columns.map(|c| (*c, role(c.kind))).collect(),
            elapsed: table.has_counters(),
            facts: table.facts,
            derived: table.derived,
            comment: table.comment.into(),
        }
    }

    /// The flight recorder, whose table is not one that collections fill.
    pub(super) fn poll() -> Shape {
        let column = |name, kind, unit, comment| Column {
            name,
            kind,
            unit,
            comment,
        };
        let columns = [
            (
                "ok",
                Kind::Bool,
                Role::Truth,
                "",
                "Whether the attempt was good.",
            ),
            ("took_ms", Kind::Int, Role::Gauge, "ms", "How long it took."),
            ("requests", Kind::Int, Role::Sum, "", "Requests sent."),
            ("retries", Kind::Int, Role::Sum, "", "Requests sent again."),
            ("bytes", Kind::Int, Role::Sum, "B", "Bytes received."),
            ("rows", Kind::Int, Role::Sum, "", "Rows stored."),
            (
                "resets",
                Kind::Int,
                Role::Sum,
                "",
                "Counters without a valid predecessor.",
            ),
            ("cause", Kind::Text, Role::Last, "", "Why one failed."),
            (
                "error",
                Kind::Text,
                Role::Last,
                "",
                "Why one failed, in words.",
            ),
        ];
        let columns = columns
            .map(|(name, kind, role, unit, comment)| (column(name, kind, unit, comment), role));
        Shape {
            name: "poll".into(),
            entity: None,
            keys: vec![
                column(
                    "method",
                    Kind::Text,
                    "",
                    "snmp, ssh, local, push, http, ping or tcp.",
                ),
                column(
                    "parameter",
                    Kind::Text,
                    "",
                    "What tells two targets of one method apart; NULL mostly.",
                ),
            ],
            columns: columns.into(),
            elapsed: false,
            facts: &[],
            derived: &[],
            comment: "Attempts on targets, good or bad.".into(),
        }
    }

    pub(super) fn kind_of(&self, word: &str) -> Option<Role> {
        let found = self.columns.iter().find(|(column, _)| column.name == word);
        found.map(|(_, role)| *role)
    }
}

/// The columns that tell the rows of one moment apart, and those of which nothing stays. Of a
/// process the program and its user matter in a year, not its number.
fn without_entity(table: &Table) -> (&'static [&'static str], &'static [&'static str]) {
    if *table == PROCESS {
        (&["name", "user_name"], &["pid", "started", "state"])
    } else {
        (&[], &[])
    }
}

fn role(kind: Kind) -> Role {
    match kind {
        Kind::Int | Kind::Float | Kind::Pct => Role::Gauge,
        Kind::Counter | Kind::Input => Role::Sum,
        Kind::Bool => Role::Truth,
        Kind::Text | Kind::Time => Role::Last,
    }
}
