//! The view `fact`: every text that seldom changes, of hosts and of their things, with the time in
//! which it held.

use super::schema::{fact_table, ident, literal};
use super::view::{HOST, View};
use crate::table::{Table, Tables};

/// One row per fact and period.
pub(super) fn view(tables: &Tables) -> View {
    let hosts = "SELECT h.name AS host, 'host' AS table_name, '' AS entity, t.fact, t.value, t.valid_from, t.valid_to \
                 FROM raw.host_fact t JOIN raw.host h ON h.id = t.host_id";
    let things = tables.iter().filter(|t| !t.facts.is_empty()).map(of_table);
    let all: Vec<String> = std::iter::once(hosts.to_owned()).chain(things).collect();
    let columns = [
        ("host", HOST),
        (
            "table_name",
            "The table of the thing it is about; `host` when it is the host itself.",
        ),
        (
            "entity",
            "The port, mount or device, by its name of today; empty when it is the host.",
        ),
        ("fact", "What is told: alias, speed_bps, model, serial, …"),
        ("value", "What it was, as text; NULL when it was not told."),
        (
            "valid_from",
            "Since when; -infinity for what was so when the thing was first seen.",
        ),
        (
            "valid_to",
            "Until when, exclusive; infinity for what is so today. A period ends when any fact of the thing changes.",
        ),
    ];
    View {
        name: "fact".into(),
        select: all.join(" UNION ALL "),
        comment: "What seldom changes, with the time in which it was so: whose port was it in March, when came the new firmware.".into(),
        columns: columns.map(|(name, comment)| (name.into(), comment.into())).into(),
    }
}

fn of_table(table: &'static Table) -> String {
    let told: Vec<String> = table
        .facts
        .iter()
        .map(|fact| {
            format!(
                "{{'fact': {}, 'value': CAST(t.{} AS VARCHAR)}}",
                literal(fact.name),
                ident(fact.name)
            )
        })
        .collect();
    format!(
        "SELECT host, table_name, entity, told.fact, told.value, valid_from, valid_to FROM \
         (SELECT h.name AS host, {} AS table_name, e.name AS entity, unnest([{}]) AS told, t.valid_from, t.valid_to \
         FROM raw.{} t JOIN raw.entity e ON e.id = t.entity_id JOIN raw.host h ON h.id = e.host_id)",
        literal(table.name),
        told.join(", "),
        ident(&fact_table(table))
    )
}
