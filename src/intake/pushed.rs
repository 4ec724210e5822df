//! What only collections need that hosts send by themselves, late or with names of their own making.

use super::{Intake, Stored};
use crate::reading::Collection;

impl Intake {
    /// As [`Intake::take`], for a collection that comes after a newer one of its target: its counters
    /// have no predecessor any more, and the newer one stays the baseline.
    pub fn take_late(&mut self, collection: Collection) -> Option<Stored> {
        let baselines = std::mem::take(&mut self.baselines);
        let stored = self.take(collection);
        self.baselines = baselines;
        stored
    }

    /// How many entities the collection would add to its host.
    pub fn unknown_entities(&self, collection: &Collection) -> usize {
        let Some(host) = self.hosts.get(&collection.host) else {
            return 0;
        };
        let tables = collection.outcome.iter().flat_map(|r| &r.tables);
        tables
            .map(|t| {
                let entities = t.rows.iter().filter_map(|row| row.entity.as_ref());
                let names = entities.map(|key| key.name.as_str());
                self.identities.unknown(*host, t.table.name, names)
            })
            .sum()
    }
}
