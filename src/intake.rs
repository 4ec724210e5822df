//! From a collection as read to rows as stored: identity, then deltas, then derived columns.
//!
//! Pure: the writer holds one [`Intake`], hands it every collection and stores what comes out.

mod baseline;
mod derive;
mod lookup;
mod owner;
mod pushed;
mod shape;
mod stored;
mod told;

use std::collections::HashMap;
use std::sync::Arc;

use crate::counter::Moment;
use crate::identity::Identities;
use crate::inventory::Inventory;
use crate::reading::{
    Collection, EntityKey, Event, Facts, Readings, Row, TableReadings, UnixSeconds, Value,
};
use crate::table::{self, Table, Tables};

pub use baseline::LastStored;
use baseline::{Baselines, TargetKey};
use owner::Place;
pub use stored::{
    EntityId, FactChange, HostId, NewEntity, PollRow, PushKey, RenamedEntity, Stored, StoredRow,
    StoredTable, Told,
};

/// What the writer remembers between collections.
#[derive(Debug, Default)]
pub struct Intake {
    hosts: HashMap<Arc<str>, HostId>,
    targets: HashMap<TargetKey, Place>,
    /// By the inventory in force.
    tables: Tables,
    identities: Identities,
    baselines: Baselines,
    facts: HashMap<EntityId, Facts>,
    /// A host has few of them.
    host_facts: HashMap<HostId, Vec<(Box<str>, String)>>,
    /// Which method fills a table or fact of a host, and when it last did.
    owners: HashMap<(HostId, &'static str), (usize, UnixSeconds)>,
}

impl Intake {
    /// Takes over what the store knows of an entity.
    pub fn know_entity(
        &mut self,
        host: HostId,
        table: &str,
        id: EntityId,
        key: EntityKey,
        facts: Vec<Value>,
    ) {
        // A table that no profile makes today may come back: its entities keep their ids.
        let Some(name) = table::intern_name(table) else {
            return;
        };
        self.identities.know(host, name, id, key);
        if self
            .tables
            .find(table)
            .is_some_and(|t| facts.len() == t.facts.len())
        {
            self.facts.insert(id, facts.into());
        }
    }

    /// An intake that knows nothing but which tables there are.
    pub fn of_tables(tables: &Tables) -> Intake {
        Intake {
            tables: tables.clone(),
            ..Intake::default()
        }
    }

    /// The same with other tables: it knows nothing but the baselines of those that are as they were.
    pub fn renewed(mut self, tables: &Tables) -> Intake {
        let same = |name: &str| match (self.tables.find(name), tables.find(name)) {
            (Some(before), Some(now)) => std::ptr::eq(before, now),
            _ => false,
        };
        self.baselines.keep_tables(same);
        Intake {
            baselines: self.baselines,
            ..Intake::of_tables(tables)
        }
    }

    /// Whether the tables are the ones that it works with.
    pub fn has_tables(&self, tables: &Tables) -> bool {
        self.tables == *tables
    }

    /// Takes over the newest fact of a host.
    pub fn know_host_fact(&mut self, host: HostId, name: String, value: String) {
        let known = self.host_facts.entry(host).or_default();
        known.push((name.into(), value));
    }

    /// Follows the inventory: which hosts exist under which ids, which method comes first.
    pub fn sync(&mut self, inventory: &Inventory, ids: Vec<(Arc<str>, HostId)>) {
        self.hosts = ids.into_iter().collect();
        self.targets.clear();
        for host in inventory.hosts.values() {
            let Some(id) = self.hosts.get(&host.name) else {
                continue;
            };
            for (target, place) in owner::places(host) {
                self.targets.insert((*id, target.way.clone()), place);
            }
        }
        let targets = &self.targets;
        self.baselines.keep(|key| targets.contains_key(key));
    }

    /// A copy that knows this one host, to try a collection on without remembering it.
    pub fn fork(&self, host: Option<&str>) -> Intake {
        let Some((name, id)) = host.and_then(|h| self.hosts.get_key_value(h)) else {
            return Intake::default();
        };
        let identities = self.identities.of_host(*id);
        let facts = identities
            .ids()
            .filter_map(|e| Some((e, self.facts.get(&e)?.clone())))
            .collect();
        Intake {
            hosts: HashMap::from([(Arc::clone(name), *id)]),
            targets: self
                .targets
                .iter()
                .filter(|((h, _), _)| h == id)
                .map(|(k, v)| (k.clone(), *v))
                .collect(),
            tables: self.tables.clone(),
            baselines: self.baselines.of_host(*id),
            identities,
            facts,
            ..Intake::default()
        }
    }

    /// The baselines as bytes, for `data/state/`, handed to `write` piece by piece.
    ///
    /// # Errors
    /// The first that `write` gives.
    pub fn save_baselines<E>(&self, write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.baselines.save(&self.tables, write)
    }

    /// Takes over saved baselines. Only those count whose time is that of the newest row stored:
    /// an older one would count the time since then twice. Returns how many targets go on.
    pub fn restore_baselines(
        &mut self,
        bytes: &[u8],
        newest: &LastStored,
    ) -> Result<usize, String> {
        self.baselines.restore(bytes, newest, &self.tables)
    }

    /// Turns one collection into what is to be stored and remembers it as the new baseline.
    ///
    /// `None` when the host is not in the inventory any more.
    pub fn take(&mut self, collection: Collection) -> Option<Stored> {
        let host = *self.hosts.get(&collection.host)?;
        let mut stored = empty(host, &collection);
        let of = Origin {
            target: (host, collection.way),
            ts: collection.ts,
        };
        let readings = match collection.outcome {
            Ok(readings) => readings,
            Err(failure) => {
                stored.poll.failure = Some(failure);
                return Some(stored);
            }
        };
        stored.poll.problems = readings.problems.join("; ");
        let moment = Moment {
            read_at_ms: collection.read_at_ms,
            uptime: readings.uptime,
        };
        let reboot = self.reboot(&of, &readings);
        let events = readings.events.into_iter().chain(reboot);
        stored.events.extend(events.map(|event| (None, event)));
        for table in readings.tables {
            let Some(table) = shape::current(table, &self.tables) else {
                continue;
            };
            let shared = table::is_shared(table.table);
            if self.owns(&of, table.table.name, shared) {
                self.take_table(&of.target, moment, table, &mut stored);
            }
        }
        self.baselines.stamp(&of.target, of.ts);
        self.take_host_facts(&of, readings.host_facts, &mut stored);
        stored.poll.rows = stored.tables.iter().map(|t| t.rows.len() as i64).sum();
        Some(stored)
    }

    fn take_table(
        &mut self,
        target: &TargetKey,
        moment: Moment,
        readings: TableReadings,
        stored: &mut Stored,
    ) {
        let (host, table) = (target.0, readings.table);
        let ids = self.identify(host, &readings, stored);
        for (row, id) in readings.rows.iter().zip(&ids) {
            if let Some(id) = id {
                self.take_facts(*id, table, row, stored);
            }
        }
        let mut bases = self.baselines.table(target, table, moment);
        let counts = table.has_counters();
        let speed_place = table.fact_position("speed_bps");
        let mut rows = Vec::with_capacity(readings.rows.len());
        for (mut row, id) in readings.rows.into_iter().zip(ids) {
            if table.entity.is_some() && id.is_none() {
                continue;
            }
            let facts = id
                .zip(speed_place)
                .and_then(|(id, place)| self.facts.get(&id)?.get(place));
            let speed = match facts {
                Some(Value::Int(speed)) => Some(*speed),
                _ => None,
            };
            let step = bases.advance(id, &mut row, speed);
            stored.poll.resets += step.resets;
            if let (Some(id), Some(event)) = (id, step.event) {
                let name = self.identities.name(host, table.name, id);
                let event = event.about(name.unwrap_or_default());
                stored.events.push((Some(id), event));
            }
            derive::finish(table, &mut row.values, step.elapsed_ms);
            rows.push(StoredRow {
                entity_id: id,
                elapsed_ms: step.elapsed_ms.filter(|_| counts),
                values: row.values,
            });
        }
        bases.forget_unseen();
        derive::select(table, &mut rows);
        stored.tables.push(StoredTable { table, rows });
    }

    /// The entity of each row; in a table without entities `None` for all.
    fn identify(
        &mut self,
        host: HostId,
        readings: &TableReadings,
        stored: &mut Stored,
    ) -> Vec<Option<EntityId>> {
        let (table, rows) = (readings.table, &readings.rows);
        if table.entity.is_none() {
            return vec![None; rows.len()];
        }
        let keys = rows.iter().map(|row| row.entity.as_ref());
        if let Some(ids) = self.identities.same_again(host, table.name, keys) {
            return ids;
        }
        let keys: Vec<Arc<EntityKey>> = rows
            .iter()
            .map(|row| row.entity.clone().unwrap_or_default())
            .collect();
        let resolved = self.identities.resolve(host, table.name, &keys);
        stored.new_entities.extend(resolved.new);
        stored.renamed_entities.extend(resolved.renamed);
        stored.events.extend(resolved.events);
        resolved.ids
    }

    fn take_facts(&mut self, id: EntityId, table: &'static Table, row: &Row, stored: &mut Stored) {
        if table.facts.is_empty() {
            return;
        }
        let known = self.facts.get(&id);
        if known.is_some_and(|known| known.is_shared_with(&row.facts)) {
            return;
        }
        // A fact that was not read this time keeps its last value.
        let known_at = |i: usize| known.and_then(|k| k.get(i)).cloned();
        let mut now = row.facts.clone();
        if now.len() != table.facts.len() {
            let read = |i| now.get(i).cloned().unwrap_or(Value::Null);
            now = (0..table.facts.len()).map(read).collect::<Vec<_>>().into();
        }
        for i in 0..now.len() {
            if now[i].is_null()
                && let Some(known) = known_at(i).filter(|v| !v.is_null())
            {
                now[i] = known;
            }
        }
        if known != Some(&now) {
            stored.fact_changes.push(FactChange {
                entity_id: id,
                table,
                facts: now.clone(),
                first: known.is_none(),
            });
        }
        // Also when nothing changed: the memory is the collector's then.
        self.facts.insert(id, now);
    }

    fn take_host_facts(
        &mut self,
        of: &Origin,
        facts: Vec<(&'static str, String)>,
        stored: &mut Stored,
    ) {
        for (name, value) in facts {
            if !self.owns(of, name, false) {
                continue;
            }
            let known = self.host_facts.entry(of.target.0).or_default();
            match known.iter_mut().find(|(fact, _)| **fact == *name) {
                Some((_, known)) if *known == value => continue,
                Some((_, known)) => known.clone_from(&value),
                None => known.push((name.into(), value.clone())),
            }
            stored.host_facts.push((name, value));
        }
    }

    fn reboot(&mut self, of: &Origin, readings: &Readings) -> Option<Event> {
        let uptime_s = readings
            .tables
            .iter()
            .filter(|t| t.table.name == table::SYSTEM.name)
            .flat_map(|t| &t.rows)
            .find_map(
                |row| match table::SYSTEM.position("uptime_s").map(|p| &row.values[p]) {
                    Some(Value::Int(s)) => Some(*s),
                    _ => None,
                },
            );
        let (boot, wraps) = readings.uptime.map_or((0, false), |u| (u.boot, u.wraps));
        let message = self
            .baselines
            .reboot(&of.target, uptime_s, boot, wraps, of.ts)?;
        Some(Event {
            kind: "reboot",
            subject: String::new(),
            message,
        })
    }
}

/// Which collection is being taken in.
struct Origin {
    target: TargetKey,
    ts: UnixSeconds,
}

fn empty(host: HostId, collection: &Collection) -> Stored {
    Stored {
        host_id: host,
        way: collection.way.clone(),
        ts: collection.ts,
        push_key: None,
        poll: PollRow {
            took_ms: collection.took.as_millis() as i64,
            effort: collection.effort,
            rows: 0,
            resets: 0,
            failure: None,
            problems: String::new(),
        },
        tables: Vec::new(),
        new_entities: Vec::new(),
        renamed_entities: Vec::new(),
        fact_changes: Vec::new(),
        host_facts: Vec::new(),
        events: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
