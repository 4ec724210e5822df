//! The tables that profiles make: what every file says of one, put together.

use std::collections::HashMap;

use super::fields::{self, Keys};
use super::mapping;
use crate::inventory::problem::Problems;
use crate::inventory::yaml::{Kind as NodeKind, Map, Mark, Node, Written};
use crate::profile::expression::{Names, parse};
use crate::table::{self, Kind, Tables};

const COLUMNS_MAX: usize = 100;

/// What the store calls what it makes of a table.
const TAKEN_ENDINGS: [&str; 3] = ["_fact", "_hourly", "_5min"];
/// Names of views and tables that exist already, or will.
const TAKEN: [&str; 15] = [
    "host",
    "host_group",
    "host_label",
    "entity",
    "poll",
    "event",
    "alert",
    "notification",
    "silence",
    "downtime",
    "acknowledgement",
    "fact",
    "meta",
    "sealed_file",
    "profile_table",
];
/// Columns that every view has.
const OWN_COLUMNS: [&str; 6] = [
    "ts",
    "host",
    "host_id",
    "entity_id",
    "elapsed_ms",
    "samples",
];

/// What is said of one column, and where.
pub(super) struct ColumnDraft {
    pub(super) name: Written<String>,
    pub(super) kind: Option<Written<Kind>>,
    /// What its mapping makes likely.
    pub(super) implied: Option<Kind>,
    pub(super) unit: Option<Written<String>>,
    pub(super) comment: Option<Written<String>>,
}

pub(super) struct TableDraft {
    pub(super) name: Written<String>,
    pub(super) comment: Option<Written<String>>,
    /// Whether rows are about entities, and who says so first.
    pub(super) has_entity: (bool, Mark),
    pub(super) entity: Option<Written<String>>,
    pub(super) columns: Vec<ColumnDraft>,
    pub(super) facts: Vec<ColumnDraft>,
    pub(super) derived: Vec<(Mark, [String; 4])>,
}

/// All definitions so far, in the order of their first mention.
#[derive(Default)]
pub(super) struct Definitions {
    drafts: Vec<TableDraft>,
    by_name: HashMap<String, usize>,
}

impl Definitions {
    /// Takes over what one item of `tables:` says of a new table.
    pub(super) fn read(&mut self, item: &Map, problems: &mut Problems<'_>) {
        let Some(entry) = item.get("fills") else {
            return;
        };
        let Some(name) = fields::text(&entry.value, "fills", problems) else {
            return;
        };
        if name.value == "host" || table::find(&name.value).is_some() {
            return;
        }
        let ending = TAKEN_ENDINGS.iter().any(|end| name.value.ends_with(end));
        if !is_good(&name.value) || ending || TAKEN.contains(&&*name.value) {
            let message = format!("`{}` cannot be the name of a table", name.value);
            problems.error("bad-name", name.mark, message).help(
                "use lower case letters, digits and `_`, begin with a letter; some names are taken",
            );
            return;
        }
        let has_entity = (has_entity(item), entry.value.mark);
        let place = *self.by_name.entry(name.value.clone()).or_insert_with(|| {
            self.drafts.push(TableDraft {
                name: name.clone(),
                comment: None,
                has_entity,
                entity: None,
                columns: Vec::new(),
                facts: Vec::new(),
                derived: Vec::new(),
            });
            self.drafts.len() - 1
        });
        let draft = &mut self.drafts[place];
        if draft.has_entity.0 != has_entity.0 {
            let message = format!(
                "`{}` has one row per thing in one place and one row per host in the other",
                name.value
            );
            problems.error_at(
                "profile-conflict",
                &[has_entity.1, draft.has_entity.1],
                message,
            );
        }
        let text = |key: &str, problems: &mut Problems<'_>| {
            item.get(key)
                .and_then(|e| fields::text(&e.value, key, problems))
        };
        let comment = text("comment", problems);
        draft.comment = draft.comment.take().or(comment);
        if let Some(entity) = text("entity_column", problems) {
            check_name(&entity, "an entity column", problems);
            agree(
                &mut draft.entity,
                entity,
                "entity column",
                &name.value,
                problems,
            );
        }
        if let Some(entry) = item.get("columns") {
            columns(
                &entry.value,
                "columns",
                &mut draft.columns,
                &name.value,
                problems,
            );
        }
        if let Some(entry) = item.get("facts") {
            columns(
                &entry.value,
                "facts",
                &mut draft.facts,
                &name.value,
                problems,
            );
        }
        if let Some(entry) = item.get("derived") {
            derived(&entry.value, &mut draft.derived, problems);
        }
    }

    /// The core tables and all that were defined.
    pub(super) fn finish(self, problems: &mut Problems<'_>) -> Tables {
        let mut made = Vec::new();
        for draft in self.drafts {
            let mark = draft.name.mark;
            match table::intern(&draft.finish(problems)) {
                Some(table) => made.push(table),
                None => {
                    let message = "too many different tables since this process began";
                    problems
                        .error("too-many", mark, message)
                        .help("restart eider");
                }
            }
        }
        Tables::with(made)
    }
}

/// Whether an item's rows are about entities: it names them, or it has an entry whose rows are not
/// folded into one.
fn has_entity(item: &Map) -> bool {
    if item.get("entity").is_some() || item.get("entity_column").is_some() {
        return true;
    }
    item.get("entry").is_some() && !folds(item)
}

/// Whether any column is a fold over the rows.
fn folds(item: &Map) -> bool {
    struct Anything;
    impl Names for Anything {
        fn resolve(&mut self, _: &str) -> Result<usize, (String, Option<String>)> {
            Ok(0)
        }
    }
    let Some(NodeKind::Map(columns)) = item.get("columns").map(|e| &e.value.kind) else {
        return false;
    };
    columns.entries.iter().any(|entry| {
        let text = match &entry.value.kind {
            NodeKind::Scalar(text) => Some(text),
            NodeKind::Map(map) => map.get("value").and_then(|e| match &e.value.kind {
                NodeKind::Scalar(text) => Some(text),
                _ => None,
            }),
            _ => None,
        };
        text.is_some_and(|text| parse(text, &mut Anything).is_ok_and(|e| e.folds()))
    })
}

fn is_good(name: &str) -> bool {
    name.len() <= 60
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn check_name(name: &Written<String>, what: &str, problems: &mut Problems<'_>) -> bool {
    let good = is_good(&name.value) && !OWN_COLUMNS.contains(&&*name.value);
    if !good {
        let message = format!("`{}` cannot be the name of {what}", name.value);
        problems
            .error("bad-name", name.mark, message)
            .help("use lower case letters, digits and `_`, begin with a letter; ts, host, host_id, entity_id, elapsed_ms and samples are taken");
    }
    good
}

fn columns(
    node: &Node,
    key: &str,
    drafts: &mut Vec<ColumnDraft>,
    table: &str,
    problems: &mut Problems<'_>,
) {
    // What is wrong with the mapping itself is told when the section is read.
    let NodeKind::Map(map) = &node.kind else {
        return;
    };
    for entry in &map.entries {
        let what = if key == "facts" { "a fact" } else { "a column" };
        if !check_name(&entry.key, what, problems) {
            continue;
        }
        let place = match drafts.iter().position(|d| d.name.value == entry.key.value) {
            Some(place) => place,
            None if drafts.len() >= COLUMNS_MAX => {
                let message = format!("`{table}` has more than {COLUMNS_MAX} {key}");
                problems.error("too-many", entry.key.mark, message);
                return;
            }
            None => {
                drafts.push(ColumnDraft {
                    name: entry.key.clone(),
                    kind: None,
                    implied: None,
                    unit: None,
                    comment: None,
                });
                drafts.len() - 1
            }
        };
        let draft = &mut drafts[place];
        let default = if key == "facts" {
            Kind::Text
        } else {
            Kind::Float
        };
        let NodeKind::Map(about) = &entry.value.kind else {
            draft.implied = draft.implied.or(Some(default));
            continue;
        };
        let column = format!("{table}.{}", entry.key.value);
        if let Some(kind) = about.get("kind").and_then(|e| kind(&e.value, problems)) {
            agree(&mut draft.kind, kind, "kind", &column, problems);
        }
        // A mapping in the place of a unit is a source of a core column of that name.
        if let Some(unit) = about
            .get("unit")
            .and_then(|e| fields::text(&e.value, "unit", problems))
        {
            agree(&mut draft.unit, unit, "unit", &column, problems);
        }
        let comment = about
            .get("comment")
            .and_then(|e| fields::text(&e.value, "comment", problems));
        draft.comment = draft.comment.take().or(comment);
        draft.implied = draft
            .implied
            .or(mapping::implied_kind(about))
            .or(Some(default));
    }
}

fn kind(node: &Node, problems: &mut Problems<'_>) -> Option<Written<Kind>> {
    let words = [
        "int", "float", "pct", "text", "bool", "time", "counter", "input",
    ];
    let word = fields::word(node, "kind", &words, problems)?;
    Kind::from_word(&word.value).map(|value| Written {
        value,
        mark: word.mark,
    })
}

/// Takes over what is said, unless it was said otherwise before.
fn agree<T: PartialEq>(
    known: &mut Option<Written<T>>,
    now: Written<T>,
    what: &str,
    of: &str,
    problems: &mut Problems<'_>,
) {
    match known {
        Some(before) if before.value != now.value => {
            let message = format!("two profiles disagree about the {what} of `{of}`");
            problems
                .error_at("profile-conflict", &[now.mark, before.mark], message)
                .help("give both the same, or one of the two another name");
        }
        _ => *known = Some(now),
    }
}

fn derived(node: &Node, into: &mut Vec<(Mark, [String; 4])>, problems: &mut Problems<'_>) {
    let Some(map) = fields::map(node, "derived", problems) else {
        return;
    };
    for entry in &map.entries {
        let name = &entry.key;
        check_name(name, "a column", problems);
        let Some(about) = fields::map(&entry.value, &name.value, problems) else {
            continue;
        };
        Keys::new("a derived column", &["sql", "unit", "comment"]).check(about, problems);
        let mut text = |key: &str| {
            let entry = about.get(key)?;
            fields::text(&entry.value, key, problems).map(|t| t.value)
        };
        let (sql, unit, comment) = (text("sql"), text("unit"), text("comment"));
        let Some(sql) = sql else {
            let help = "add `sql:`, over the columns `t` and facts `f`";
            fields::missing(
                name.mark,
                &format!("`{}`", name.value),
                "sql",
                help,
                problems,
            );
            continue;
        };
        let made = [
            name.value.clone(),
            sql,
            unit.unwrap_or_default(),
            comment.unwrap_or_default(),
        ];
        match into.iter().find(|(_, known)| known[0] == name.value) {
            Some((mark, known)) if known[1] != made[1] => {
                let message = format!(
                    "two profiles disagree about the derived column `{}`",
                    name.value
                );
                problems.error_at("profile-conflict", &[name.mark, *mark], message);
            }
            Some(_) => {}
            None => into.push((name.mark, made)),
        }
    }
}
