//! The draft of a profile, as YAML.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use mib_rs::types::{Access, Status};
use mib_rs::{Mib, Object};

use super::column::{column, index_part};
use super::wording::{comment, quoted, shared_words, sql_name, words};
use crate::table;

/// The loader takes no more (docs/profiles.md).
const TABLES_MAX: usize = 63;
const COLUMNS_MAX: usize = 100;
const TRAPS_MAX: usize = 2_000;
/// Names that the history has taken.
const TAKEN: [&str; 9] = [
    "host",
    "host_group",
    "host_label",
    "entity",
    "poll",
    "event",
    "alert",
    "notification",
    "meta",
];
/// Names of columns that every table has.
const OWN_COLUMNS: [&str; 5] = ["ts", "host", "host_id", "entity_id", "elapsed_ms"];

/// What was made of the modules.
#[derive(Clone, Debug)]
pub struct Draft {
    pub name: String,
    /// The file.
    pub yaml: String,
    pub tables: usize,
    pub columns: usize,
    pub traps: usize,
    /// What was left out and why, for people.
    pub left_out: Vec<String>,
    /// What the modules' own mistakes make uncertain.
    pub doubts: Vec<String>,
}

struct Writer {
    yaml: String,
    tables: usize,
    columns: usize,
    left_out: Vec<String>,
    taken: HashSet<String>,
    /// Of the new tables' names, where a name is taken.
    prefix: String,
}

impl Draft {
    pub(super) fn of(mib: &Mib, modules: &[String], name: &str) -> Result<Draft, String> {
        let mut writer = Writer {
            yaml: String::new(),
            tables: 0,
            columns: 0,
            left_out: Vec::new(),
            taken: HashSet::new(),
            prefix: sql_name(&words(name)),
        };
        let of_module = |object: Object<'_>| {
            let module = object.module().map(|m| m.name().to_owned());
            module.is_some_and(|m| modules.contains(&m)) && is_current(object)
        };
        let scalars: Vec<Object<'_>> = mib
            .scalars()
            .filter(|o| of_module(*o) && is_readable(*o))
            .collect();
        let tables: Vec<Object<'_>> = mib.tables().filter(|o| of_module(*o)).collect();
        let root = shared_root(&scalars, &tables);
        writer.scalars(&scalars);
        for table in tables {
            writer.table(table);
        }
        let (traps, objects) = notifications(mib, modules);
        if writer.tables == 0 && traps.is_empty() {
            return Err(format!(
                "{} defines no object that can be read and no trap: {}",
                modules.join(", "),
                "is it a module of types only?"
            ));
        }
        let mut yaml = format!(
            "# Draft made of {}: delete what nobody needs, name things as people call them.\nprofile: {name}\ncomment: {}\n",
            modules.join(", "),
            quoted(&format!("What {} offers", modules.join(", "))),
        );
        if let Some(root) = root {
            let _ = writeln!(yaml, "match: {{has: [{root}]}}");
        }
        if writer.tables > 0 {
            yaml += "tables:\n";
            yaml += &writer.yaml;
        }
        push_names(&traps, &objects, &mut yaml);
        Ok(Draft {
            name: name.to_owned(),
            yaml,
            tables: writer.tables,
            columns: writer.columns,
            traps: traps.len(),
            left_out: writer.left_out,
            doubts: Vec::new(),
        })
    }
}

fn push_names(
    traps: &BTreeMap<String, String>,
    objects: &BTreeMap<String, String>,
    yaml: &mut String,
) {
    if !traps.is_empty() {
        *yaml += "traps:\n";
        for (oid, name) in traps {
            let _ = writeln!(yaml, "  {oid}: {{name: {name}}}");
        }
    }
    if !objects.is_empty() {
        *yaml += "objects:\n";
        for (oid, name) in objects {
            let _ = writeln!(yaml, "  {oid}: {name}");
        }
    }
}

impl Writer {
    /// A table of one row per host.
    fn scalars(&mut self, scalars: &[Object<'_>]) {
        if scalars.is_empty() {
            return;
        }
        let prefix = vec![self.prefix.clone()];
        let name = self.table_name(&prefix);
        let columns = self.column_lines(scalars, &name, &[], |object| {
            Some(format!("{}.0", object.node()?.oid()))
        });
        if columns.is_empty() {
            return;
        }
        let said = quoted("What there is once, one row per poll");
        let _ = write!(
            self.yaml,
            "  - fills: {name}\n    comment: {said}\n    columns:\n"
        );
        self.yaml += &columns;
        self.tables += 1;
    }

    fn table(&mut self, table: Object<'_>) {
        let Some((row, entry)) = table.row().and_then(|row| Some((row, row.node()?.oid()))) else {
            return;
        };
        if self.tables >= TABLES_MAX {
            self.left_out
                .push(format!("{}: too many tables", table.name()));
            return;
        }
        let objects: Vec<Object<'_>> = table
            .columns()
            .filter(|o| is_current(*o) && is_readable(*o))
            .collect();
        let mut name_words = words(table.name());
        if name_words.last().is_some_and(|last| last == "table") {
            name_words.pop();
        }
        let name = self.table_name(&name_words);
        let entity = format!("{name}_name");
        let last = |object: Object<'_>| object.node().map(|node| format!(".{}", node.arc()));
        let columns = self.column_lines(&objects, &name, &[&entity], last);
        if columns.is_empty() {
            self.left_out.push(format!(
                "{}: it has no column that can be read",
                table.name()
            ));
            return;
        }
        let said = quoted(&comment(table.name(), table.description()));
        let _ = write!(
            self.yaml,
            "  - fills: {name}\n    comment: {said}\n    entity_column: {entity}\n    entry: {entry}\n"
        );
        let parts: Vec<String> = row
            .effective_indexes()
            .enumerate()
            .map(|(i, index)| {
                let own = sql_name(&words(index.name()));
                let name = if index.name().is_empty() {
                    format!("part{i}")
                } else {
                    own
                };
                index_part(index, &name)
            })
            .collect();
        if !parts.is_empty() {
            let _ = writeln!(self.yaml, "    index: [{}]", parts.join(", "));
        }
        if let Some(source) = objects
            .iter()
            .find(|o| names_the_row(**o))
            .and_then(|o| last(*o))
        {
            let _ = writeln!(self.yaml, "    entity: {source}");
        }
        self.yaml += "    columns:\n";
        self.yaml += &columns;
        self.tables += 1;
    }

    /// One line per object that a column can hold.
    fn column_lines(
        &mut self,
        objects: &[Object<'_>],
        table: &str,
        taken: &[&str],
        source: impl Fn(Object<'_>) -> Option<String>,
    ) -> String {
        let names: Vec<Vec<String>> = objects.iter().map(|o| words(o.name())).collect();
        let shared = match names.len() {
            // Of a single one nothing is known.
            1 => 0,
            _ => shared_words(&names),
        };
        let mut used: HashSet<String> = OWN_COLUMNS
            .iter()
            .chain(taken)
            .map(|n| (*n).to_owned())
            .collect();
        let (mut lines, mut count) = (String::new(), 0);
        for (object, words) in objects.iter().zip(&names) {
            let made = source(*object).and_then(|source| column(*object, &source));
            let Some(made) = made else {
                self.left_out
                    .push(format!("{}: no column can hold its type", object.name()));
                continue;
            };
            if count == COLUMNS_MAX {
                self.left_out
                    .push(format!("{table}: columns from {} on", object.name()));
                break;
            }
            let name = sql_name(words.get(shared..).unwrap_or(words));
            let name = free(&name, &mut used);
            let _ = writeln!(lines, "      {name}: {made}");
            count += 1;
        }
        self.columns += count;
        lines
    }

    /// A name for a new table that nobody else has.
    fn table_name(&mut self, words: &[String]) -> String {
        let mut name = sql_name(words);
        let known = TAKEN.contains(&&*name) || table::find(&name).is_some();
        if known || name.ends_with("_fact") {
            name = format!("{}_{name}_table", self.prefix);
        }
        free(&name, &mut self.taken)
    }
}

/// The name, or the first of `name_2`, `name_3`, … that is free.
fn free(name: &str, used: &mut HashSet<String>) -> String {
    let mut candidate = name.to_owned();
    let mut n = 2;
    while !used.insert(candidate.clone()) {
        candidate = format!("{name}_{n}");
        n += 1;
    }
    candidate
}

fn is_current(object: Object<'_>) -> bool {
    !matches!(object.status(), Status::Deprecated | Status::Obsolete)
}

fn is_readable(object: Object<'_>) -> bool {
    matches!(
        object.access(),
        Access::ReadOnly | Access::ReadWrite | Access::ReadCreate
    )
}

/// Whether people know the row by this column: `…Name` or `…Descr` of text.
fn names_the_row(object: Object<'_>) -> bool {
    let last = words(object.name()).pop().unwrap_or_default();
    let is_text = object.ty().is_some_and(|ty| ty.is_string())
        && !object.effective_display_hint().contains('x');
    is_text && ["name", "descr", "device", "label"].contains(&last.as_str())
}

/// The object identifier that all of them lie below.
fn shared_root(scalars: &[Object<'_>], tables: &[Object<'_>]) -> Option<String> {
    let mut oids = scalars
        .iter()
        .chain(tables)
        .filter_map(|o| o.node())
        .map(|n| n.oid());
    let first: &[u32] = oids.next()?;
    let length = oids.fold(first.len(), |length, oid| {
        let same = oid.iter().zip(first).take_while(|(a, b)| a == b).count();
        length.min(same)
    });
    // A root that half of all devices have tells nothing.
    let arcs: Vec<String> = first[..length].iter().map(u32::to_string).collect();
    (length > 6).then(|| arcs.join("."))
}

type ByOid = BTreeMap<String, String>;

/// Names of the traps, and of the objects that they carry.
fn notifications(mib: &Mib, modules: &[String]) -> (ByOid, ByOid) {
    let (mut traps, mut objects) = (BTreeMap::new(), BTreeMap::new());
    for notification in mib.notifications() {
        let module = notification.module().map(|m| m.name().to_owned());
        let wanted = module.is_some_and(|m| modules.contains(&m));
        let old = matches!(notification.status(), Status::Deprecated | Status::Obsolete);
        let Some(oid) = notification.node().map(|node| node.oid().to_string()) else {
            continue;
        };
        if !wanted || old || traps.len() >= TRAPS_MAX {
            continue;
        }
        traps.insert(oid, notification.name().to_owned());
        for object in notification.objects() {
            if let Some(node) = object.node() {
                objects.insert(node.oid().to_string(), object.name().to_owned());
            }
        }
    }
    (traps, objects)
}
