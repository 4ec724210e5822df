//! One row of a section: what expressions read of it, and the row that comes out.

use std::sync::Arc;

use super::{System, blank, index, mapping, table_of};
use crate::collect::snmp::plan::counter;
use crate::collect::snmp::value::Datum;
use crate::profile::expression::{Rows, Val, evaluate};
use crate::profile::{Fill, Section, Source, SystemWord, dotted};
use crate::reading::{EntityKey, Facts, Row, Value};
use crate::table::Kind;

/// What the device said of one row, by the section's objects.
pub(super) struct RowData {
    pub(super) index: Box<[u32]>,
    pub(super) values: Vec<Datum>,
}

/// A row as expressions see it.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) section: &'a Section,
    pub(super) system: &'a System,
    pub(super) index: &'a [u32],
    pub(super) values: &'a [Datum],
    /// All rows, for folds.
    pub(super) all: &'a [RowData],
}

impl View<'_> {
    /// The value of a read, and the source that gave it.
    fn first(&self, read: usize) -> Option<(Val, &Source)> {
        let read = self.section.reads.get(read)?;
        let of_source = |source| {
            let value = self.of_source(source, &read.mapping);
            (!value.is_null()).then_some((value, source))
        };
        let sound = |source: &&Source| !self.is_swapped(source);
        let mut sources = read.sources.iter();
        let found = sources.clone().filter(sound).find_map(of_source);
        found.or_else(|| sources.find_map(of_source))
    }

    /// Some devices send the halves of a 64-bit counter the wrong way round (NX-OS, ipSystemStatsTable).
    fn is_swapped(&self, source: &Source) -> bool {
        let Source::Object(object) = source else {
            return false;
        };
        matches!(self.values.get(*object), Some(Datum::Counter64(v)) if *v != 0 && *v << 32 == 0)
    }

    fn of_source(&self, source: &Source, as_read: &crate::profile::Mapping) -> Val {
        let value = match source {
            Source::Object(object) => {
                return self
                    .values
                    .get(*object)
                    .map_or(Val::Null, |d| mapping::apply(as_read, d));
            }
            Source::Index(part) => index::value(&self.section.index, self.index, *part),
            Source::Read(read) => self.read(*read),
            Source::Text(text) => Val::Text(text.clone()),
            Source::System(SystemWord::Descr) => Val::Text(self.system.descr.clone()),
            Source::System(SystemWord::Name) => Val::Text(self.system.name.clone()),
            Source::System(SystemWord::ObjectId) => {
                Val::text(dotted(&self.system.object_id).to_string())
            }
        };
        mapping::finish(as_read, value)
    }

    /// The objects to be asked so that the read gives what it gives now: of several that could serve
    /// only the first that does.
    pub(super) fn sources(&self, read: usize, into: &mut Vec<u16>) {
        let source = self.first(read).map(|(_, source)| source).or_else(|| {
            // None says anything now: the first that exists may later.
            let sources = &self.section.reads.get(read)?.sources;
            sources.iter().find(|source| match source {
                Source::Object(object) => self.values.get(*object).is_some_and(|d| !d.is_absent()),
                _ => true,
            })
        });
        match source {
            Some(Source::Object(object)) => {
                let object = *object as u16;
                if !into.contains(&object) {
                    into.push(object);
                }
            }
            Some(Source::Read(read)) => self.sources(*read, into),
            _ => {}
        }
    }

    /// Whether the row is to be kept.
    pub(super) fn is_kept(&self) -> bool {
        match &self.section.keep {
            None => true,
            Some(keep) => matches!(evaluate(keep, self), Val::Bool(true)),
        }
    }

    /// What the row is about, before names that stand twice are told apart.
    pub(super) fn entity(&self) -> String {
        let named = self
            .section
            .entity
            .as_ref()
            .and_then(|e| evaluate(e, self).shown());
        match named.as_deref().map(str::trim) {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ if self.index.is_empty() => self.section.name().to_owned(),
            _ => dotted(self.index).to_string(),
        }
    }

    pub(super) fn facts(&self) -> Facts {
        let Some(table) = table_of(self.section.fills) else {
            return Facts::default();
        };
        let mut facts = vec![Value::Null; table.facts.len()];
        for (position, fact) in &self.section.facts {
            facts[*position] = mapping::stored(evaluate(fact, self), table.facts[*position].kind);
        }
        facts.into()
    }

    /// The row; `None` when nothing is known of it.
    pub(super) fn row(&self, entity: Option<Arc<EntityKey>>, facts: Facts) -> Option<Row> {
        let table = table_of(self.section.fills);
        let mut row = blank(self.section.fills, entity);
        for fill in &self.section.columns {
            let position = fill.position();
            let value = match fill {
                Fill::Counter { read, .. } => self.counter(*read),
                Fill::Value { value, .. } => {
                    let kind = table.map_or(Kind::Text, |t| t.columns[position].kind);
                    mapping::stored(evaluate(value, self), kind)
                }
            };
            row.values[position] = value;
        }
        if row.values.iter().all(Value::is_null) {
            return None;
        }
        if let (Some(formula), Some(table)) = (&self.section.formula, table)
            && let Some(position) = table.position("formula")
        {
            row.values[position] = Value::Text(formula.clone());
        }
        row.facts = facts;
        Some(row)
    }

    /// A raw counter; of fallbacks the first that counts.
    fn counter(&self, read: usize) -> Value {
        match self.first(read) {
            Some((_, Source::Object(object))) => {
                self.values.get(*object).map_or(Value::Null, counter)
            }
            _ => Value::Null,
        }
    }
}

impl Rows for View<'_> {
    fn read(&self, number: usize) -> Val {
        self.first(number).map_or(Val::Null, |(value, _)| value)
    }

    fn each(&self, each: &mut dyn FnMut(&dyn Rows)) {
        for row in self.all {
            let view = View {
                index: &row.index,
                values: &row.values,
                all: &[],
                ..*self
            };
            if view.is_kept() {
                each(&view);
            }
        }
    }
}
