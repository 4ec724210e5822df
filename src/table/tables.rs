//! All tables there are: the core ones and those that profiles make.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::{ALL, Column, Derived, Kind, Table};

/// Distinct definitions that are kept; beyond that the process would have to be started anew.
const DEFINITIONS_MAX: usize = 4_096;

/// Every table that collections fill, handed around as a value: an inventory brings its own.
#[derive(Clone, Debug)]
pub struct Tables {
    all: Arc<[&'static Table]>,
    /// How seldom profiles ask for rows, in seconds, where they say so.
    paces: Arc<HashMap<&'static str, i64>>,
}

/// The very same definitions, not only the same names.
impl PartialEq for Tables {
    fn eq(&self, other: &Tables) -> bool {
        self.paces == other.paces
            && self.all.len() == other.all.len()
            && self
                .iter()
                .zip(other.iter())
                .all(|(a, b)| std::ptr::eq(a, b))
    }
}

impl Default for Tables {
    fn default() -> Tables {
        Tables {
            all: ALL.into(),
            paces: Arc::default(),
        }
    }
}

impl Tables {
    /// The core tables and these.
    pub fn with(more: impl IntoIterator<Item = &'static Table>) -> Tables {
        Tables {
            all: ALL.iter().copied().chain(more).collect(),
            paces: Arc::default(),
        }
    }

    /// The same ones, of which profiles ask for these only every so many seconds.
    pub fn paced(self, paces: HashMap<&'static str, i64>) -> Tables {
        Tables {
            paces: Arc::new(paces),
            ..self
        }
    }

    /// How many seconds the rows of a table, or the fact of a host of that name, may be apart although
    /// the host is polled more often, whatever method fills it. 0: they come with every poll.
    pub fn slowest_s(&self, name: &str) -> i64 {
        let paced = self.paces.get(name).copied().unwrap_or(0);
        paced.max(super::slowest_s(name))
    }

    /// The table of that name.
    pub fn find(&self, name: &str) -> Option<&'static Table> {
        self.iter().find(|table| table.name == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &'static Table> {
        self.all.iter().copied()
    }

    /// Those that profiles made.
    pub fn made(&self) -> impl Iterator<Item = &'static Table> {
        self.iter()
            .filter(|table| super::find(table.name).is_none())
    }
}

/// A table as a profile defines it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Definition {
    pub name: String,
    pub comment: String,
    pub entity: Option<String>,
    pub columns: Vec<DefinitionColumn>,
    pub facts: Vec<DefinitionColumn>,
    /// Name, SQL, unit, comment.
    pub derived: Vec<[String; 4]>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DefinitionColumn {
    pub name: String,
    pub kind: Kind,
    pub unit: String,
    pub comment: String,
}

impl Definition {
    /// What a table is defined by.
    pub fn of(table: &Table) -> Definition {
        let columns = |columns: &[Column]| {
            let columns = columns.iter().map(|column| DefinitionColumn {
                name: column.name.into(),
                kind: column.kind,
                unit: column.unit.into(),
                comment: column.comment.into(),
            });
            columns.collect()
        };
        let derived = table.derived.iter();
        Definition {
            name: table.name.into(),
            comment: table.comment.into(),
            entity: table.entity.map(str::to_owned),
            columns: columns(table.columns),
            facts: columns(table.facts),
            derived: derived
                .map(|d| [d.name, d.sql, d.unit, d.comment].map(str::to_owned))
                .collect(),
        }
    }

    /// Adds what an earlier definition had and this one has not: rows of it may still be asked for.
    pub fn keep(&mut self, earlier: &Definition) {
        let taken = |d: &Definition, name: &str| {
            d.entity.as_deref() == Some(name)
                || d.columns.iter().chain(&d.facts).any(|c| c.name == name)
                || d.derived.iter().any(|derived| derived[0] == name)
        };
        for column in &earlier.columns {
            if !taken(self, &column.name) {
                self.columns.push(column.clone());
            }
        }
        // Facts need an entity to be about.
        let facts = earlier.facts.iter().filter(|_| self.entity.is_some());
        for fact in facts.collect::<Vec<_>>() {
            if !taken(self, &fact.name) {
                self.facts.push(fact.clone());
            }
        }
        for derived in &earlier.derived {
            if !taken(self, &derived[0]) {
                self.derived.push(derived.clone());
            }
        }
    }
}

static MADE: LazyLock<Mutex<HashMap<Definition, &'static Table>>> = LazyLock::new(Mutex::default);
static NAMES: LazyLock<Mutex<HashMap<String, &'static str>>> = LazyLock::new(Mutex::default);

/// The table of a definition: always the same one for the same definition.
///
/// Rows, batches and rules refer to a table for as long as they live, on many threads, without
/// asking who owns it; so a table is never freed. Each distinct definition is leaked once, a few
/// kB, and a reload that changes none leaks nothing. `None` after 4,096 distinct definitions: only
/// a process that met thousands of edits of profiles can come to that.
pub fn intern(definition: &Definition) -> Option<&'static Table> {
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(table) = made.get(definition) {
        return Some(table);
    }
    if made.len() >= DEFINITIONS_MAX {
        return None;
    }
    let leaked = |text: &str| -> &'static str { Box::leak(text.into()) };
    let columns = |columns: &[DefinitionColumn]| -> &'static [Column] {
        let columns = columns.iter().map(|column| Column {
            name: leaked(&column.name),
            kind: column.kind,
            unit: leaked(&column.unit),
            comment: leaked(&column.comment),
        });
        Vec::leak(columns.collect())
    };
    let derived = definition
        .derived
        .iter()
        .map(|[name, sql, unit, comment]| Derived {
            name: leaked(name),
            sql: leaked(sql),
            unit: leaked(unit),
            comment: leaked(comment),
        });
    let table: &'static Table = Box::leak(Box::new(Table {
        name: leaked(&definition.name),
        entity: definition.entity.as_deref().map(leaked),
        columns: columns(&definition.columns),
        facts: columns(&definition.facts),
        derived: Vec::leak(derived.collect()),
        comment: leaked(&definition.comment),
    }));
    made.insert(definition.clone(), table);
    Some(table)
}

/// The name of a table for ever, also of one that no profile makes any more: each is leaked once.
/// `None` after 4,096 names that are no core table's.
pub fn intern_name(name: &str) -> Option<&'static str> {
    if let Some(table) = super::find(name) {
        return Some(table.name);
    }
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(name) = names.get(name) {
        return Some(name);
    }
    if names.len() >= DEFINITIONS_MAX {
        return None;
    }
    let leaked: &'static str = Box::leak(name.into());
    names.insert(name.to_owned(), leaked);
    Some(leaked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_definition_is_one_table() {
        let mut definition = Definition {
            name: "tables_test".into(),
            entity: Some("thing".into()),
            columns: vec![DefinitionColumn {
                name: "value".into(),
                kind: Kind::Float,
                unit: "V".into(),
                comment: "The value.".into(),
            }],
            ..Definition::default()
        };
        let first = intern(&definition).unwrap();
        assert!(std::ptr::eq(first, intern(&definition).unwrap()));
        assert_eq!(first.columns[0].kind, Kind::Float);
        definition.columns[0].kind = Kind::Int;
        let second = intern(&definition).unwrap();
        assert!(!std::ptr::eq(first, second));
        assert_eq!(first.columns[0].kind, Kind::Float, "the old one stays");
        let tables = Tables::with([second]);
        assert_eq!(
            tables.find("tables_test").unwrap().columns[0].kind,
            Kind::Int
        );
        assert!(tables.find("cpu").is_some());
        assert_eq!(tables.made().count(), 1);
        let paced = tables.paced(HashMap::from([("tables_test", 900), ("filesystem", 60)]));
        let slowest = ["tables_test", "filesystem", "cpu"].map(|t| paced.slowest_s(t));
        assert_eq!(slowest, [900, 300, 0], "the slower of profile and method");
    }

    #[test]
    fn names_are_kept_once() {
        let name = intern_name("gone_table").unwrap();
        assert!(std::ptr::eq(name, intern_name("gone_table").unwrap()));
        assert!(std::ptr::eq(
            intern_name("cpu").unwrap(),
            super::super::CPU.name
        ));
    }
}
