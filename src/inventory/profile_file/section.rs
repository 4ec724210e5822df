//! One item of `tables:`, resolved: sources to numbers, columns to positions.

use std::time::Duration;

use super::columns::columns;
use super::rows::{index, joins};
use super::source::Sources;
use super::{fields, mapping, oid, unknown};
use crate::inventory::condition::within;
use crate::inventory::fields::Keys;
use crate::inventory::problem::Problems;
use crate::inventory::rule_file::localized;
use crate::inventory::yaml::{Kind as NodeKind, Map, Mark, Node, Written};
use crate::profile::expression::{Expression, Type, parse, type_of};
use crate::profile::{Fill, Fills, Mapping, Object, Section, Source};
use crate::table::{self, Column, HOST_FACTS, Tables};

const KEYS: [&str; 16] = [
    "fills",
    "title",
    "comment",
    "entity_column",
    "formula",
    "every",
    "walk",
    "entry",
    "joins",
    "index",
    "read",
    "where",
    "entity",
    "facts",
    "columns",
    "derived",
];

const EVERY_MIN: Duration = Duration::from_secs(10);
const EVERY_MAX: Duration = Duration::from_secs(7 * 86_400);

/// The `facts:` of a profile: a section that fills facts of the host from single objects.
pub(super) fn host_facts(node: &Node, problems: &mut Problems<'_>) -> Option<Section> {
    let map = fields::map(node, "facts", problems)?;
    let mut sources = Sources::default();
    let mut columns = Vec::new();
    for entry in &map.entries {
        let read = read_of(
            &entry.key.value,
            &entry.value,
            &mapping::KEYS,
            &mut sources,
            problems,
        );
        let position = HOST_FACTS
            .iter()
            .position(|fact| fact.name == entry.key.value);
        match (position, read) {
            (None, _) => no_fact(&entry.key, problems),
            (Some(position), Some(read)) => columns.push(Fill::Value {
                position,
                value: Expression::Read(read),
            }),
            (Some(_), None) => {}
        }
    }
    Some(finish(Fills::Host, sources, columns))
}

fn no_fact(key: &Written<String>, problems: &mut Problems<'_>) {
    let message = format!("a host has no fact `{}`", key.value);
    let known = HOST_FACTS.iter().map(|fact| fact.name);
    unknown("unknown-fact", key, message, known, problems);
}

fn finish(fills: Fills, sources: Sources, columns: Vec<Fill>) -> Section {
    Section {
        fills,
        title: None,
        formula: None,
        entry: sources.entry,
        joins: sources.joins,
        index: sources.index,
        objects: sources.objects,
        reads: sources.reads,
        keep: None,
        entity: None,
        facts: Vec::new(),
        columns,
        every: None,
        walk: false,
    }
}

/// Reads one item; `None` when it cannot serve, which is reported.
pub(super) fn read(
    mark: Mark,
    item: &Map,
    tables: &Tables,
    problems: &mut Problems<'_>,
) -> Option<Section> {
    Keys::new("an item of `tables`", &KEYS).check(item, problems);
    let fills = fills(mark, item, tables, problems)?;
    let mut sources = Sources::default();
    sources.entry = item
        .get("entry")
        .and_then(|e| fields::text(&e.value, "entry", problems))
        .and_then(|text| oid(&text, problems));
    if let Some(entry) = item.get("index") {
        index(&entry.value, &mut sources, problems);
    }
    if let Some(entry) = item.get("joins") {
        joins(&entry.value, &mut sources, problems);
    }
    if let Some(map) = item
        .get("read")
        .and_then(|e| fields::map(&e.value, "read", problems))
    {
        for entry in &map.entries {
            read_of(
                &entry.key.value,
                &entry.value,
                &mapping::KEYS,
                &mut sources,
                problems,
            );
        }
    }
    let keep = expression_of(item, "where", &mut sources, problems);
    let entity = expression_of(item, "entity", &mut sources, problems);
    let (known, known_facts): (&[Column], &[Column]) = match fills {
        Fills::Table(table) => (table.columns, table.facts),
        Fills::Host => (HOST_FACTS, &[]),
    };
    let facts = facts(item, known_facts, fills, &mut sources, problems);
    let columns = columns(mark, item, known, fills, &mut sources, problems);
    let formula = item
        .get("formula")
        .and_then(|e| fields::text(&e.value, "formula", problems));
    let every = item
        .get("every")
        .and_then(|e| fields::duration(&e.value, "every", (EVERY_MIN, EVERY_MAX), problems));
    let walk = item
        .get("walk")
        .and_then(|e| fields::word(&e.value, "walk", &["true", "false"], problems));
    let title = item
        .get("title")
        .and_then(|e| localized(&e.value, "title", problems));
    let section = Section {
        title,
        formula: formula.map(|f| f.value.into()),
        keep,
        entity,
        facts,
        every: every.map(|every| every.value),
        walk: walk.is_some_and(|walk| walk.value == "true"),
        ..finish(fills, sources, columns)
    };
    check_shape(mark, item, &section, problems);
    Some(section)
}

fn fills(mark: Mark, item: &Map, tables: &Tables, problems: &mut Problems<'_>) -> Option<Fills> {
    let Some(entry) = item.get("fills") else {
        let help = "begin it with the table it fills: `- fills: sensor`";
        fields::missing(mark, "an item of `tables`", "fills", help, problems);
        return None;
    };
    let name = match &entry.value.kind {
        NodeKind::Scalar(name) => name.as_str(),
        _ => return None,
    };
    if name == "host" {
        return Some(Fills::Host);
    }
    // A name that cannot be was reported where the definitions are read.
    tables.find(name).map(Fills::Table)
}

/// What fits together only as a whole.
fn check_shape(mark: Mark, item: &Map, section: &Section, problems: &mut Problems<'_>) {
    let at = item.get("fills").map_or(mark, |e| e.value.mark);
    let has_entity = matches!(section.fills, Fills::Table(table) if table.entity.is_some());
    if has_entity && section.entry.is_none() && section.entity.is_none() {
        let message = format!(
            "`{}` has a row per thing: which one is not said",
            section.name()
        );
        problems
            .error("missing-key", at, message)
            .help("add `entry:` for a table of the device, or `entity:` for a single thing");
    }
    if !has_entity && let Some(entity) = item.get("entity") {
        let message = format!("`{}` has one row per host and no entities", section.name());
        problems.error("bad-value", entity.key.mark, message);
    }
    if section.walk && section.entry.is_none() {
        problems.error(
            "bad-value",
            at,
            "there is nothing to walk without an `entry`",
        );
    }
    let asks = |o: &Object| matches!(o, Object::Column(_));
    if section.entry.is_some() && !section.objects.iter().any(asks) {
        let help = "rows are found by their columns: read at least one, for example `.2`";
        problems
            .error("bad-value", at, "no column of the entry is read")
            .help(help);
    }
}

/// The number of a source, a list of them or a mapping.
pub(super) fn read_of(
    name: &str,
    node: &Node,
    keys: &[&str],
    sources: &mut Sources,
    problems: &mut Problems<'_>,
) -> Option<usize> {
    let (from, mapping) = match &node.kind {
        NodeKind::Map(map) => {
            let mapping = mapping::read(map, keys, problems);
            if let Some(text) = map.get("text") {
                let text = fields::text(&text.value, "text", problems)?;
                return Some(sources.add(name, vec![Source::Text(text.value.into())], mapping));
            }
            let Some(from) = map.get("from") else {
                let help = "say where it comes from: `from: .4`";
                fields::missing(node.mark, &format!("`{name}`"), "from", help, problems);
                return None;
            };
            (fields::texts(&from.value, "from", problems)?, mapping)
        }
        _ => (fields::texts(node, name, problems)?, Mapping::default()),
    };
    let found = sources.sources(&from.value, problems);
    (!found.is_empty()).then(|| sources.add(name, found, mapping))
}

fn expression_of(
    item: &Map,
    key: &str,
    sources: &mut Sources,
    problems: &mut Problems<'_>,
) -> Option<Expression> {
    let entry = item.get(key)?;
    let text = fields::text(&entry.value, key, problems)?;
    expression(&text, sources, problems).map(|(expression, _)| expression)
}

/// An expression and its type; mistakes are reported at their place.
pub(super) fn expression(
    text: &Written<String>,
    sources: &mut Sources,
    problems: &mut Problems<'_>,
) -> Option<(Expression, Type)> {
    let parsed = match parse(&text.value, sources) {
        Ok(parsed) => parsed,
        Err(mistake) => {
            let part = text
                .value
                .get(mistake.begin..mistake.begin + mistake.length);
            let mark = within(
                text,
                mistake.begin.min(text.value.len()),
                part.unwrap_or(""),
            );
            let problem = problems.error("bad-expression", mark, mistake.message);
            problem.help = mistake.help;
            return None;
        }
    };
    match type_of(&parsed, &|read| sources.type_of(read)) {
        Ok(kind) => Some((parsed, kind)),
        Err(why) => {
            problems.error("bad-type", text.mark, why);
            None
        }
    }
}

fn facts(
    item: &Map,
    known: &[Column],
    fills: Fills,
    sources: &mut Sources,
    problems: &mut Problems<'_>,
) -> Vec<(usize, Expression)> {
    let Some(map) = item
        .get("facts")
        .and_then(|e| fields::map(&e.value, "facts", problems))
    else {
        return Vec::new();
    };
    let mut facts = Vec::new();
    for entry in &map.entries {
        let name = &entry.key;
        let read = read_of(
            &name.value,
            &entry.value,
            &mapping::COLUMN_KEYS,
            sources,
            problems,
        );
        match known.iter().position(|fact| fact.name == name.value) {
            Some(position) => facts.extend(read.map(|read| (position, Expression::Read(read)))),
            None => no_column("fact", name, known, fills, problems),
        }
    }
    facts
}

pub(super) fn no_column(
    what: &str,
    name: &Written<String>,
    known: &[Column],
    fills: Fills,
    problems: &mut Problems<'_>,
) {
    // A column of a table that profiles make is missing only when its name cannot be.
    let table = match fills {
        Fills::Table(table) if table::find(table.name).is_none() => return,
        Fills::Table(table) => table.name,
        Fills::Host => return no_fact(name, problems),
    };
    let message = format!("the table `{table}` has no {what} `{}`", name.value);
    let known: Vec<&str> = known.iter().map(|c| c.name).collect();
    unknown(
        "unknown-column",
        name,
        message,
        known.iter().copied(),
        problems,
    );
}
