//! The columns of a section: each a value that its kind can hold.

use super::section::{expression, no_column, read_of};
use super::source::Sources;
use super::{fields, mapping};
use crate::inventory::fields::Keys;
use crate::inventory::problem::Problems;
use crate::inventory::yaml::{Kind as NodeKind, Map, Mark, Node, Written};
use crate::profile::expression::{Expression, Type, Val};
use crate::profile::{Fill, Fills, Source};
use crate::table::{Column, Kind};

pub(super) fn columns(
    mark: Mark,
    item: &Map,
    known: &[Column],
    fills: Fills,
    sources: &mut Sources,
    problems: &mut Problems<'_>,
) -> Vec<Fill> {
    let Some(map) = item
        .get("columns")
        .and_then(|e| fields::map(&e.value, "columns", problems))
    else {
        if item.get("columns").is_none() {
            let help = "add the columns to be filled";
            fields::missing(mark, "the item", "columns", help, problems);
        }
        return Vec::new();
    };
    let mut columns = Vec::new();
    for entry in &map.entries {
        let name = &entry.key;
        let Some(position) = known.iter().position(|c| c.name == name.value) else {
            no_column("column", name, known, fills, problems);
            continue;
        };
        let Some((value, kind, mark)) = value(name, &entry.value, sources, problems) else {
            continue;
        };
        columns.extend(fill(
            &known[position],
            position,
            (value, kind, mark),
            sources,
            problems,
        ));
    }
    columns
}

/// A column's value: an expression, or a mapping with `value` or `from`.
fn value(
    name: &Written<String>,
    node: &Node,
    sources: &mut Sources,
    problems: &mut Problems<'_>,
) -> Option<(Expression, Type, Mark)> {
    let NodeKind::Map(map) = &node.kind else {
        let text = fields::text(node, &name.value, problems)?;
        let (value, kind) = expression(&text, sources, problems)?;
        return Some((value, kind, text.mark));
    };
    let Some(entry) = map.get("value") else {
        // Its own name, so that a read of the same name stays what it is.
        let column = format!("column {}", name.value);
        let read = read_of(&column, node, &mapping::COLUMN_KEYS, sources, problems)?;
        return Some((Expression::Read(read), sources.type_of(read), node.mark));
    };
    Keys::new("a column", &["value", "kind", "unit", "comment"]).check(map, problems);
    let text = fields::text(&entry.value, "value", problems)?;
    let (value, kind) = expression(&text, sources, problems)?;
    Some((value, kind, text.mark))
}

/// The value in its column, when the two go together.
fn fill(
    column: &Column,
    position: usize,
    (value, found, mark): (Expression, Type, Mark),
    sources: &Sources,
    problems: &mut Problems<'_>,
) -> Option<Fill> {
    if matches!(column.kind, Kind::Counter | Kind::Input) {
        if let Expression::Read(read) = value
            && sources.reads[read].mapping.is_plain()
            && sources.reads[read]
                .sources
                .iter()
                .all(|s| matches!(s, Source::Object(_)))
        {
            return Some(Fill::Counter { position, read });
        }
        let message = format!(
            "`{}` is a counter: it comes straight from an object",
            column.name
        );
        problems.error("bad-counter", mark, message).help(
            "write `{from: .10}` without scale, enum or arithmetic: the difference is made exactly",
        );
        return None;
    }
    let fits = match (column.kind, found) {
        (_, Type::Any) | (Kind::Text, _) => true,
        (Kind::Bool, kind) => kind != Type::Text,
        (_, kind) => kind == Type::Number || matches!(value, Expression::Literal(Val::Null)),
    };
    if !fits {
        let wanted = if column.kind == Kind::Bool {
            "true or false"
        } else {
            "a number"
        };
        let message = format!("`{}` is {wanted}, this is {}", column.name, found.as_str());
        problems.error("bad-type", mark, message);
        return None;
    }
    Some(Fill::Value { position, value })
}
