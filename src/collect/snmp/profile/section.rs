//! A section as learned of one device: its rows, and what to ask about each.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::row::{RowData, View};
use super::trial::TrialObject;
use super::{LASTS, SOON, System};
use crate::collect::snmp::get::Items;
use crate::collect::snmp::plan::Values;
use crate::collect::snmp::value::Datum;
use crate::profile::{Fills, Object, Section};
use crate::reading::{EntityKey, Facts, Row};

/// With more rows than this, those that come and go are no reason to walk again at once.
const BIG_TABLE: usize = 200;
/// Rows that went are looked for again no sooner.
const AT_ONCE: Duration = Duration::from_secs(20);

pub(super) struct Learned {
    pub(super) at: Instant,
    /// When its rows were last read.
    pub(super) read_at: Instant,
    pub(super) complete: bool,
    pub(super) outdated: bool,
    /// Asked in every poll with everything else.
    pub(super) always: bool,
    /// Facts of the host: read when learned, told at every poll.
    pub(super) facts: bool,
    pub(super) kept: Vec<Row>,
    pub(super) rows: Vec<LearnedRow>,
    pub(super) trial: Vec<TrialObject>,
}

pub(super) struct LearnedRow {
    pub(super) index: Box<[u32]>,
    /// Encoded names are made from these: where each join's row lies.
    pub(super) joined: Box<[Option<Box<[u32]>>]>,
    pub(super) entity: Option<Arc<EntityKey>>,
    pub(super) facts: Facts,
    /// Object and the usual length of its value.
    pub(super) asks: Box<[(u16, u16)]>,
    /// What proves at every poll that the index still means the same thing.
    pub(super) proof: Box<[(u16, Datum)]>,
    /// It was among those to keep: otherwise only what decides that is asked.
    pub(super) kept: bool,
}

impl Learned {
    pub(super) fn in_every_poll(&self) -> bool {
        self.always
    }

    pub(super) fn is_fact(&self) -> bool {
        self.facts
    }

    pub(super) fn is_old(&self) -> bool {
        let age = self.at.elapsed();
        let soon = if self.rows.len() > BIG_TABLE {
            SOON
        } else {
            AT_ONCE
        };
        age > LASTS || (!self.complete && age > SOON) || (self.outdated && age > soon)
    }

    /// Whether its turn has come; a little early is in time.
    pub(super) fn is_due(&self, section: &Section) -> bool {
        section
            .every
            .is_none_or(|every| self.read_at.elapsed() + every / 10 >= every)
    }

    /// Adds what is to be asked.
    pub(super) fn push(&self, section: &Section, items: &mut Items) {
        let mut name = Vec::with_capacity(16);
        for row in &self.rows {
            for (object, octets) in &row.asks {
                let Some(object) = section.objects.get(usize::from(*object)) else {
                    continue;
                };
                name.clear();
                let root = match object {
                    Object::Whole(oid) => &oid[..],
                    Object::Column(column) => {
                        name.extend(column.iter().chain(&row.index));
                        section.entry.as_deref().unwrap_or_default()
                    }
                    Object::Joined { join, column } => {
                        let index = row.joined.get(*join).and_then(Option::as_deref);
                        name.extend(column.iter().chain(index.unwrap_or_default()));
                        section.joins.get(*join).map_or(&[][..], |j| &j.entry)
                    }
                };
                items.push(root, &name, usize::from(*octets), 0);
            }
        }
    }

    /// The rows by the answers to what [`Learned::push`] asked.
    pub(super) fn take(
        &mut self,
        section: &Section,
        system: &System,
        values: &mut Values,
    ) -> Vec<Row> {
        self.read_at = Instant::now();
        if section.folds() {
            return self.take_folded(section, system, values);
        }
        let mut rows = Vec::with_capacity(self.rows.len());
        let mut scratch = vec![Datum::Absent; section.objects.len()];
        for row in &self.rows {
            scratch.fill(Datum::Absent);
            let mut any = row.asks.is_empty();
            for (object, _) in &row.asks {
                let value = values.next();
                any |= !value.is_absent();
                scratch[usize::from(*object)] = value;
            }
            let view = View {
                section,
                system,
                index: &row.index,
                values: &scratch,
                all: &[],
            };
            let same = row
                .proof
                .iter()
                .all(|(object, datum)| scratch[usize::from(*object)] == *datum);
            if !any || !same {
                self.outdated = true;
                continue;
            }
            match (view.is_kept(), row.kept) {
                (true, true) => rows.extend(view.row(row.entity.clone(), row.facts.clone())),
                // Now it counts: what else there is to ask is learned.
                (true, false) => self.outdated = true,
                (false, _) => {}
            }
        }
        rows
    }

    fn take_folded(&mut self, section: &Section, system: &System, values: &mut Values) -> Vec<Row> {
        let mut all = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let mut data = RowData {
                index: row.index.clone(),
                values: vec![Datum::Absent; section.objects.len()],
            };
            let mut any = row.asks.is_empty();
            for (object, _) in &row.asks {
                let value = values.next();
                any |= !value.is_absent();
                data.values[usize::from(*object)] = value;
            }
            if any {
                all.push(data);
            } else {
                self.outdated = true;
            }
        }
        folded(section, system, &all).into_iter().collect()
    }
}

/// All rows of the device as one row of the table.
pub(super) fn folded(section: &Section, system: &System, all: &[RowData]) -> Option<Row> {
    let first = all.first()?;
    let view = View {
        section,
        system,
        index: &[],
        // Single objects are the same in every row.
        values: &first.values,
        all,
    };
    let facts = view.facts();
    let facts = if section.fills == Fills::Host {
        Facts::default()
    } else {
        facts
    };
    view.row(None, facts)
}
