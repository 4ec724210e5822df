//! The views (schema `main`): what people ask. Every view and column carries a comment.

use crate::table::{Column, Derived, HOST_FACTS, Table, Tables};

use super::rollup;
use super::schema::{fact_table, ident, literal, stored};

/// A view whose SELECT is written down, not derived from [`crate::table`].
#[derive(Debug)]
pub(super) struct FixedView {
    pub(super) name: &'static str,
    /// Everything after `AS`.
    pub(super) select: &'static str,
    pub(super) comment: &'static str,
    /// Name and comment of each column, in the order of the SELECT.
    pub(super) columns: &'static [(&'static str, &'static str)],
}

/// One view to be made.
#[derive(Debug)]
pub(super) struct View {
    pub(super) name: String,
    pub(super) select: String,
    pub(super) comment: String,
    pub(super) columns: Vec<(String, String)>,
}

const TS: &str = "When the poll ended, by the poller's clock, in whole seconds.";
pub(super) const HOST: &str = "The host's name in the inventory, today's one.";

static FIXED: &[FixedView] = &[
    FixedView {
        name: "host_group",
        select: "SELECT h.name AS host, g.group_name FROM raw.host_group g JOIN raw.host h ON h.id = g.host_id",
        comment: "Which host is in which group, parent groups included; one row per pair.",
        columns: &[("host", HOST), ("group_name", "Name of the group.")],
    },
    FixedView {
        name: "host_label",
        select: "SELECT h.name AS host, l.label, l.value FROM raw.host_label l JOIN raw.host h ON h.id = l.host_id",
        comment: "The labels of each host; one row per label.",
        columns: &[
            ("host", HOST),
            ("label", "Name of the label."),
            ("value", "Its value."),
        ],
    },
    FixedView {
        name: "entity",
        select: "SELECT e.id, h.name AS host, e.table_name, e.name, e.alias, e.mac, e.kind, e.first_seen FROM raw.entity e JOIN raw.host h ON h.id = e.host_id",
        comment: "Every thing with a lasting identity (port, mount, device) on every host.",
        columns: &[
            ("id", "Its number, the same for ever."),
            ("host", HOST),
            ("table_name", "The table that holds its rows."),
            ("name", "Its name, today's one."),
            (
                "alias",
                "Interfaces: the description that helps to find it again.",
            ),
            (
                "mac",
                "Interfaces: the hardware address that helps to find it again.",
            ),
            ("kind", "Interfaces: the type that helps to find it again."),
            ("first_seen", "When it was first seen."),
        ],
    },
    FixedView {
        name: "poll",
        select: "SELECT t.ts, h.name AS host, t.method, t.method || coalesce(':' || t.parameter, '') AS target, t.ok, t.took_ms, t.requests, t.retries, t.bytes, t.rows, t.resets, t.cause, t.error, t.problems FROM hist.poll t JOIN raw.host h ON h.id = t.host_id",
        comment: "The flight recorder: one row per attempt on a target, good or bad.",
        columns: &[
            (
                "ts",
                "When the attempt ended, by the poller's clock, in whole seconds.",
            ),
            ("host", HOST),
            ("method", "snmp, ssh, local, push, http, ping or tcp."),
            (
                "target",
                "The method with its parameter, as in `collect:`: snmp, tcp:443, http:NAME.",
            ),
            ("ok", "Whether the attempt was good."),
            ("took_ms", "How long it took [ms]"),
            ("requests", "Requests sent, retries not counted."),
            ("retries", "Requests sent again because no answer came."),
            ("bytes", "Bytes received [B]"),
            ("rows", "Rows stored."),
            (
                "resets",
                "Counters without a valid predecessor (reset, doubtful wrap, disorder): their delta is NULL.",
            ),
            (
                "cause",
                "Why it failed, one word: timeout, auth, host_key_changed, …; NULL when good.",
            ),
            ("error", "Why it failed, in words; NULL when good."),
            (
                "problems",
                "Parts that failed in a good attempt, joined by `; `; NULL when none.",
            ),
        ],
    },
    FixedView {
        name: "sealed_file",
        select: "SELECT t.table_name, t.tier, t.path, t.from_ts, t.to_ts, t.first_ts, t.last_ts, t.rows, t.bytes, t.schema FROM raw.sealed_file t",
        comment: "The sealed files of the history: one row per file below data/sealed.",
        columns: &[
            ("table_name", "The table whose rows it holds."),
            (
                "tier",
                "raw: rows as collected; m5: rollups of 5 minutes; h1: rollups of an hour.",
            ),
            ("path", "Where it lies below data/sealed."),
            ("from_ts", "Begin of the stretch that it covers."),
            ("to_ts", "End of the stretch, exclusive."),
            ("first_ts", "Time of its first row."),
            ("last_ts", "Time of its last row."),
            ("rows", "Rows in it."),
            ("bytes", "Its size. [B]"),
            ("schema", "Version of the tables when it was written."),
        ],
    },
    FixedView {
        name: "event",
        select: "SELECT t.ts, h.name AS host, t.kind, t.subject, t.message FROM hist.event t LEFT JOIN raw.host h ON h.id = t.host_id",
        comment: "What happened at one moment: reboots, renames, link changes.",
        columns: &[
            ("ts", "When it was seen."),
            (
                "host",
                "The host's name in the inventory; NULL when it happened to eider itself.",
            ),
            ("kind", "One word: reboot, rename, link_up, link_down, …"),
            (
                "subject",
                "The port, mount or device it happened to; empty when it is the host.",
            ),
            ("message", "A sentence."),
        ],
    },
];

/// Every view.
pub(super) fn views(tables: &Tables) -> Vec<View> {
    let mut all: Vec<View> = FIXED
        .iter()
        .chain(super::alert::VIEWS)
        .chain(super::said::VIEWS)
        .chain(super::report::VIEWS)
        .map(|v| View {
            name: v.name.into(),
            select: v.select.into(),
            comment: v.comment.into(),
            columns: v
                .columns
                .iter()
                .map(|(name, comment)| ((*name).into(), (*comment).into()))
                .collect(),
        })
        .collect();
    all.push(host_view());
    all.push(super::fact::view(tables));
    all.extend(tables.iter().map(table_view));
    all.extend(rollup::views(tables));
    all
}

impl View {
    /// The statements that make it.
    pub(super) fn create(&self) -> Vec<String> {
        let name = ident(&self.name);
        let mut statements = vec![
            format!("CREATE OR REPLACE VIEW main.{name} AS {}", self.select),
            format!("COMMENT ON VIEW main.{name} IS {}", literal(&self.comment)),
        ];
        statements.extend(self.columns.iter().map(|(column, comment)| {
            format!(
                "COMMENT ON COLUMN main.{name}.{} IS {}",
                ident(column),
                literal(comment)
            )
        }));
        statements
    }
}

/// Selected expressions with their names and comments, in order.
#[derive(Default)]
pub(super) struct Selected {
    sql: Vec<String>,
    pub(super) columns: Vec<(String, String)>,
}

impl Selected {
    pub(super) fn select(&self, from: &str) -> String {
        format!("SELECT {} FROM {from}", self.sql.join(", "))
    }

    pub(super) fn add(&mut self, sql: &str, name: &str, comment: String) {
        self.sql.push(format!("{sql} AS {}", ident(name)));
        self.columns.push((name.into(), comment));
    }

    pub(super) fn column(&mut self, prefix: &str, column: &Column) {
        self.add(
            &format!("{prefix}.{}", ident(column.name)),
            column.name,
            with_unit(column.comment, column.unit),
        );
    }

    fn derived(&mut self, derived: &Derived) {
        self.add(
            &format!("({})", derived.sql),
            derived.name,
            with_unit(derived.comment, derived.unit),
        );
    }
}

/// `Bytes received. [B]`
pub(super) fn with_unit(comment: &str, unit: &str) -> String {
    if unit.is_empty() {
        comment.into()
    } else {
        format!("{comment} [{unit}]")
    }
}

/// A question for one derived column alone, to find out whether it can be asked.
pub(super) fn derived_question(table: &Table, derived: &Derived) -> String {
    let mut from = format!("raw.{} t", ident(table.name));
    if !table.facts.is_empty() {
        from += &format!(" JOIN raw.{} f ON true", ident(&fact_table(table)));
    }
    format!("SELECT ({}) FROM {from}", derived.sql)
}

fn table_view(table: &Table) -> View {
    let mut selected = Selected::default();
    selected.add("t.ts", "ts", TS.into());
    selected.add("h.name", "host", HOST.into());
    let mut from = format!(
        "hist.{} t JOIN raw.host h ON h.id = t.host_id",
        ident(table.name)
    );
    if let Some(entity) = table.entity {
        selected.add(
            "e.name",
            entity,
            format!("Which {entity}: its name, today's one."),
        );
        from.push_str(" JOIN raw.entity e ON e.id = t.entity_id");
    }
    for (_, column) in stored(table) {
        selected.column("t", column);
    }
    if table.has_counters() {
        selected.add(
            "t.elapsed_ms",
            "elapsed_ms",
            "Time since the previous row of the same thing: what the counters of this row cover; NULL on its first. [ms]".into(),
        );
    }
    if !table.facts.is_empty() {
        // Every entity has periods that begin at the beginning of time, end at its end and do not
        // overlap: the join finds exactly one for each row.
        from.push_str(&format!(
            " JOIN raw.{} f ON f.entity_id = t.entity_id AND t.ts >= f.valid_from AND t.ts < f.valid_to",
            ident(&fact_table(table))
        ));
        for fact in table.facts {
            selected.column("f", fact);
        }
    }
    for derived in table.derived {
        selected.derived(derived);
    }
    View {
        name: table.name.into(),
        select: selected.select(&from),
        comment: table.comment.into(),
        columns: selected.columns,
    }
}

fn host_view() -> View {
    let mut selected = Selected::default();
    selected.add("h.name", "name", "The host's name in the inventory.".into());
    selected.add("h.address", "address", "Where it is reached.".into());
    let mut facts = Vec::new();
    for fact in HOST_FACTS {
        facts.push(format!(
            "max(value) FILTER (fact = {}) AS {}",
            literal(fact.name),
            ident(fact.name)
        ));
        selected.column("f", fact);
    }
    selected.add(
        "h.first_seen",
        "first_seen",
        "When it came into the inventory.".into(),
    );
    selected.add(
        "h.removed_at",
        "removed_at",
        "When it left the inventory; NULL while it is in it.".into(),
    );
    View {
        name: "host".into(),
        select: format!(
            "SELECT {} FROM raw.host h LEFT JOIN (SELECT host_id, {} FROM raw.host_fact WHERE valid_to = 'infinity' GROUP BY host_id) f ON f.host_id = h.id",
            selected.sql.join(", "),
            facts.join(", ")
        ),
        comment: "Every host that is or was in the inventory, with what it says about itself."
            .into(),
        columns: selected.columns,
    }
}
