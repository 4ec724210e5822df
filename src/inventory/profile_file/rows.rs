//! Which rows: how the index is taken apart, and the tables that are looked up per row.

use super::source::{Sources, column_arcs};
use super::{fields, oid};
use crate::inventory::fields::Keys;
use crate::inventory::problem::Problems;
use crate::inventory::yaml::{Kind as NodeKind, Node};
use crate::profile::{IndexKind, IndexPart, Join, On};

/// `[{name: peer, as: ip}, {name: vlan}]`
pub(super) fn index(node: &Node, sources: &mut Sources, problems: &mut Problems<'_>) {
    let NodeKind::List(items) = &node.kind else {
        fields::wrong_type(
            node,
            "index",
            "a list (`[{name: address, as: ip}]`)",
            problems,
        );
        return;
    };
    for item in items.iter().take(32) {
        let Some(map) = fields::map(item, "index", problems) else {
            continue;
        };
        Keys::new("a part of the index", &["name", "as", "size"]).check(map, problems);
        let name = map
            .get("name")
            .and_then(|e| fields::text(&e.value, "name", problems));
        let size = map
            .get("size")
            .and_then(|e| fields::whole(&e.value, "size", (1usize, 128), problems));
        let words = [
            "int", "ip", "inet", "mac", "string", "rest", "octets", "oid",
        ];
        let word = map
            .get("as")
            .and_then(|e| fields::word(&e.value, "as", &words, problems));
        let kind = match word.as_ref().map_or("int", |word| word.value.as_str()) {
            "ip" => IndexKind::Ip,
            "inet" => IndexKind::Inet,
            "mac" => IndexKind::Mac,
            "string" => IndexKind::Text,
            "rest" => IndexKind::Rest,
            "octets" => IndexKind::Octets(size.map(|s| s.value)),
            "oid" => IndexKind::Oid,
            _ => IndexKind::Int,
        };
        sources.index.parts.push(kind);
        sources
            .index_names
            .push(name.map_or_else(String::new, |n| n.value));
    }
}

pub(super) fn joins(node: &Node, sources: &mut Sources, problems: &mut Problems<'_>) {
    let Some(map) = fields::map(node, "joins", problems) else {
        return;
    };
    for entry in &map.entries {
        let name = &entry.key;
        let taken = ["index", "sys_descr", "sys_object_id", "sys_name"];
        let good = name.value.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .value
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !good || taken.contains(&&*name.value) {
            let message = format!("`{}` cannot be the name of a join", name.value);
            problems.error("bad-name", name.mark, message);
            continue;
        }
        let Some(about) = fields::map(&entry.value, &name.value, problems) else {
            continue;
        };
        Keys::new("a join", &["entry", "on"]).check(about, problems);
        let Some(at) = about.get("entry") else {
            let help = "add the entry of the table that is looked up";
            fields::missing(
                name.mark,
                &format!("the join `{}`", name.value),
                "entry",
                help,
                problems,
            );
            continue;
        };
        let join_entry = fields::text(&at.value, "entry", problems).and_then(|t| oid(&t, problems));
        let on = about
            .get("on")
            .map_or_else(Vec::new, |e| on(&e.value, sources, problems));
        sources.joins.extend(join_entry.map(|entry| Join {
            name: name.value.clone(),
            entry,
            on,
        }));
    }
}

fn on(node: &Node, sources: &Sources, problems: &mut Problems<'_>) -> Vec<On> {
    let texts = fields::texts(node, "on", problems).map_or_else(Vec::new, |t| t.value);
    let mut parts = Vec::new();
    for text in texts {
        let value = text.value.as_str();
        let part = match (value.strip_prefix("index."), value.strip_prefix('.')) {
            (Some(part), _) => sources.index_part(part).ok().map(On::Index),
            (None, Some(column)) => column_arcs(column).map(On::Column),
            (None, None) if value == "index" => Some(On::Index(IndexPart::Whole)),
            (None, None) => value.parse().ok().map(On::Number),
        };
        if part.is_none() {
            let message = format!("`{value}` is no part of an index");
            problems
                .error("bad-source", text.mark, message)
                .help("write `index.1`, the value of a column `.5`, or a number");
        }
        parts.extend(part);
    }
    parts
}
