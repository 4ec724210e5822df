//! One item of `http:`: which families, labels or JSON paths fill which table.

use super::section::no_column;
use super::{fields, unknown};
use crate::inventory::fields::Keys;
use crate::inventory::problem::Problems;
use crate::inventory::yaml::{Kind as NodeKind, Map, Mark, Node, Written};
use crate::profile::Fills;
use crate::profile::http::{FilledColumn, Filling, Origin, Path, Place};
use crate::table::{Table, Tables};

const KEYS: [&str; 9] = [
    "fills",
    "comment",
    "entity_column",
    "entity",
    "where",
    "rows",
    "columns",
    "facts",
    "derived",
];
const COLUMN_KEYS: [&str; 7] = [
    "family", "label", "path", "scale", "kind", "unit", "comment",
];

/// Reads one item; `None` when it cannot serve, which is reported.
pub(super) fn read(
    mark: Mark,
    item: &Map,
    tables: &Tables,
    problems: &mut Problems<'_>,
) -> Option<Filling> {
    Keys::new("an item of `http`", &KEYS).check(item, problems);
    let Some(entry) = item.get("fills") else {
        let help = "begin it with the table it fills: `- fills: app_queue`";
        fields::missing(mark, "an item of `http`", "fills", help, problems);
        return None;
    };
    let name = fields::text(&entry.value, "fills", problems)?;
    let Some(table) = tables.find(&name.value) else {
        // A name that cannot be was reported where the definitions are read.
        if name.value == "host" {
            let known = tables.iter().map(|t| t.name);
            let message = "an endpoint tells no facts of the host".into();
            let known: Vec<&str> = known.collect();
            unknown(
                "unknown-table",
                &name,
                message,
                known.iter().copied(),
                problems,
            );
        }
        return None;
    };
    let entity = item
        .get("entity")
        .and_then(|e| origin(&e.value, "entity", problems));
    if table.entity.is_some() && entity.is_none() {
        let message = format!(
            "`{}` has a row per thing: which one is not said",
            table.name
        );
        problems
            .error("missing-key", name.mark, message)
            .help("add `entity: {label: NAME}`, or `entity: {path: name}` for JSON");
    }
    let rows = item
        .get("rows")
        .and_then(|e| fields::text(&e.value, "rows", problems));
    let mut columns = Vec::new();
    for (key, is_fact) in [("columns", false), ("facts", true)] {
        if let Some(map) = item
            .get(key)
            .and_then(|e| fields::map(&e.value, key, problems))
        {
            for entry in &map.entries {
                columns.extend(column(table, &entry.key, &entry.value, is_fact, problems));
            }
        }
    }
    if item.get("columns").is_none() && item.get("facts").is_none() {
        fields::missing(
            mark,
            "the item",
            "columns",
            "add the columns to be filled",
            problems,
        );
        return None;
    }
    Some(Filling {
        table,
        entity,
        keep: keep(item, problems),
        rows: rows.map_or_else(Path::new, |text| path(&text.value)),
        columns,
    })
}

fn keep(item: &Map, problems: &mut Problems<'_>) -> Vec<(String, String)> {
    let map = item
        .get("where")
        .and_then(|e| fields::map(&e.value, "where", problems));
    let entries = map.map_or(&[][..], |map| &map.entries);
    let mut kept = Vec::new();
    for entry in entries {
        let text = fields::text(&entry.value, &entry.key.value, problems);
        kept.extend(text.map(|text| (entry.key.value.clone(), text.value)));
    }
    kept
}

fn column(
    table: &'static Table,
    name: &Written<String>,
    node: &Node,
    is_fact: bool,
    problems: &mut Problems<'_>,
) -> Option<FilledColumn> {
    let found = origin(node, &name.value, problems);
    let place = match is_fact {
        false => table.position(&name.value).map(Place::Column),
        true => table.fact_position(&name.value).map(Place::Fact),
    };
    let Some(place) = place else {
        let (what, known) = match is_fact {
            false => ("column", table.columns),
            true => ("fact", table.facts),
        };
        no_column(what, name, known, Fills::Table(table), problems);
        return None;
    };
    let scale = match &node.kind {
        NodeKind::Map(map) => {
            Keys::new("a column", &COLUMN_KEYS).check(map, problems);
            map.get("scale")
                .and_then(|e| fields::text(&e.value, "scale", problems))
        }
        _ => None,
    };
    let scale = match scale {
        None => 1.0,
        Some(text) => match text.value.parse::<f64>() {
            Ok(n) if n.is_finite() && n != 0.0 => n,
            _ => {
                let message = format!("`scale` must be a number, not `{}`", text.value);
                problems.error("bad-value", text.mark, message);
                return None;
            }
        },
    };
    Some(FilledColumn {
        place,
        origin: found?,
        scale,
    })
}

/// `{family: NAME}`, `{label: NAME}` or `{path: a.b}`: exactly one of them.
fn origin(node: &Node, of: &str, problems: &mut Problems<'_>) -> Option<Origin> {
    let help = "write it like `{family: NAME}`, `{label: NAME}` or `{path: a.b}`";
    let NodeKind::Map(map) = &node.kind else {
        let message = format!("`{of}` does not say where it comes from");
        problems.error("wrong-type", node.mark, message).help(help);
        return None;
    };
    let all = ["family", "label", "path"];
    let mut given = all.into_iter().filter_map(|key| Some((key, map.get(key)?)));
    let (Some((key, entry)), None) = (given.next(), given.next()) else {
        let message = format!("`{of}` needs one of family, label and path");
        problems.error("bad-value", node.mark, message).help(help);
        return None;
    };
    Some(match key {
        "family" => Origin::Family(fields::text(&entry.value, key, problems)?.value),
        "label" => {
            let labels = fields::texts(&entry.value, key, problems)?.value;
            Origin::Labels(labels.into_iter().map(|label| label.value).collect())
        }
        _ => Origin::Path(path(&fields::text(&entry.value, key, problems)?.value)),
    })
}

fn path(text: &str) -> Path {
    text.split('.').map(str::to_owned).collect()
}
