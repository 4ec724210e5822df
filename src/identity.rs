//! Which entity a row is about: identities outlive renumbering and renaming.
//!
//! An entity is found by its name; when the name is new, by alias + MAC + type among the entities
//! that this collection does not show under their old names. Where more than one would fit, nothing
//! is guessed: the row becomes a new entity, and an event says so.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::intake::{EntityId, HostId, NewEntity, RenamedEntity};
use crate::reading::{EntityKey, Event};

/// More entities of one table on one host are refused: a device that invents names must not fill
/// the memory.
pub const MAX_ENTITIES: usize = 50_000;

/// Every known entity.
#[derive(Debug, Default)]
pub struct Identities {
    tables: HashMap<(HostId, &'static str), Members>,
    next: EntityId,
}

#[derive(Clone, Debug, Default)]
struct Members {
    keys: BTreeMap<EntityId, Arc<EntityKey>>,
    /// What the newest collection showed, in its order, when every row found its entity: nearly
    /// always the next one shows the same.
    newest: Vec<(Arc<EntityKey>, EntityId)>,
}

/// Whose rows these are.
#[derive(Debug, Default)]
pub struct Resolved {
    /// For each key in order; `None` for a row beyond [`MAX_ENTITIES`].
    pub ids: Vec<Option<EntityId>>,
    pub new: Vec<NewEntity>,
    pub renamed: Vec<RenamedEntity>,
    pub events: Vec<(Option<EntityId>, Event)>,
}

impl Identities {
    /// Adds an entity that the store knows.
    pub fn know(&mut self, host: HostId, table: &'static str, id: EntityId, key: EntityKey) {
        let members = self.tables.entry((host, table)).or_default();
        members.keys.insert(id, Arc::new(key));
        members.newest.clear();
        self.next = self.next.max(id + 1);
    }

    /// A copy that knows only the entities of one host.
    pub fn of_host(&self, host: HostId) -> Identities {
        Identities {
            tables: self
                .tables
                .iter()
                .filter(|((h, _), _)| *h == host)
                .map(|(key, members)| (*key, members.clone()))
                .collect(),
            next: self.next,
        }
    }

    /// The ids of all entities.
    pub fn ids(&self) -> impl Iterator<Item = EntityId> + '_ {
        self.tables.values().flat_map(|m| m.keys.keys().copied())
    }

    /// How many of the names no entity of that table has.
    pub fn unknown<'n>(
        &self,
        host: HostId,
        table: &'static str,
        names: impl Iterator<Item = &'n str>,
    ) -> usize {
        let members = self.tables.get(&(host, table));
        let keys = members
            .into_iter()
            .flat_map(|members| members.keys.values());
        let known: HashSet<&str> = keys.map(|key| key.name.as_str()).collect();
        names.filter(|name| !known.contains(name)).count()
    }

    /// The name of an entity today.
    pub fn name(&self, host: HostId, table: &'static str, id: EntityId) -> Option<&str> {
        let members = self.tables.get(&(host, table))?;
        members.keys.get(&id).map(|key| key.name.as_str())
    }

    /// The entity of this name.
    pub fn find(&self, host: HostId, table: &'static str, name: &str) -> Option<EntityId> {
        let members = self.tables.get(&(host, table))?;
        let mut newest_first = members.keys.iter().rev();
        newest_first.find_map(|(id, key)| (key.name == name).then_some(*id))
    }

    /// The entities of one table on one host.
    pub fn members(
        &self,
        host: HostId,
        table: &'static str,
    ) -> impl Iterator<Item = EntityId> + '_ {
        let members = self.tables.get(&(host, table));
        members.into_iter().flat_map(|m| m.keys.keys().copied())
    }

    /// The entities of the keys when they are those of the newest collection again, in the same
    /// order.
    pub fn same_again<'k>(
        &self,
        host: HostId,
        table: &'static str,
        keys: impl ExactSizeIterator<Item = Option<&'k Arc<EntityKey>>>,
    ) -> Option<Vec<Option<EntityId>>> {
        let newest = &self.tables.get(&(host, table))?.newest;
        // A collector that keeps its keys hands over the very same ones.
        let same = |(key, (known, _)): (Option<&Arc<EntityKey>>, &(Arc<EntityKey>, _))| {
            key.is_some_and(|key| Arc::ptr_eq(key, known))
        };
        (keys.len() == newest.len() && keys.zip(newest).all(same))
            .then(|| newest.iter().map(|(_, id)| Some(*id)).collect())
    }

    /// Finds or makes the entity of every key of one table of one collection.
    pub fn resolve(
        &mut self,
        host: HostId,
        table: &'static str,
        keys: &[Arc<EntityKey>],
    ) -> Resolved {
        let members = self.tables.entry((host, table)).or_default();
        if members.shows_the_same(keys) {
            members.share(keys);
            return Resolved {
                ids: members.newest.iter().map(|(_, id)| Some(*id)).collect(),
                ..Resolved::default()
            };
        }
        let shown = keys;
        let first_time = members.keys.is_empty();
        let keys = distinct(keys);
        let mut out = Resolved {
            ids: members.find(&keys),
            ..Resolved::default()
        };
        let found: HashSet<EntityId> = out.ids.iter().flatten().copied().collect();
        let candidates = members.lost(&found);
        let wanted = count_marks(
            keys.iter()
                .zip(&out.ids)
                .filter_map(|(k, id)| id.is_none().then(|| mark(k)).flatten()),
        );
        for (position, key) in keys.iter().enumerate() {
            if let Some(id) = out.ids[position] {
                members.refresh(id, key, &mut out.renamed);
                continue;
            }
            let fits = mark(key).and_then(|m| candidates.get(&m).map(|ids| (m, ids)));
            match fits {
                Some((m, ids)) if ids.len() == 1 && wanted.get(&m) == Some(&1) => {
                    members.rename(ids[0], key, &mut out);
                    out.ids[position] = Some(ids[0]);
                }
                _ if members.keys.len() >= MAX_ENTITIES => {}
                fit => {
                    let id = self.next;
                    self.next += 1;
                    members.keys.insert(id, Arc::clone(key));
                    out.ids[position] = Some(id);
                    out.new.push(NewEntity {
                        id,
                        host_id: host,
                        table,
                        key: EntityKey::clone(key),
                    });
                    if !first_time {
                        out.events
                            .push((Some(id), appeared(table, key, fit.is_some())));
                    }
                }
            }
        }
        members.remember(shown, &out.ids);
        out
    }
}

impl Members {
    /// Keeps keys that say the same as the ones that are kept so far: the memory is the collector's
    /// then.
    fn share(&mut self, keys: &[Arc<EntityKey>]) {
        for (key, (kept, id)) in keys.iter().zip(&mut self.newest) {
            *kept = Arc::clone(key);
            self.keys.insert(*id, Arc::clone(key));
        }
    }

    /// Whether these are the keys of the newest collection again, in the same order.
    fn shows_the_same(&self, keys: &[Arc<EntityKey>]) -> bool {
        let mut both = keys.iter().zip(&self.newest);
        keys.len() == self.newest.len() && both.all(|(a, (b, _))| Arc::ptr_eq(a, b) || a == b)
    }

    fn remember(&mut self, keys: &[Arc<EntityKey>], ids: &[Option<EntityId>]) {
        let found = keys
            .iter()
            .zip(ids)
            .map(|(key, id)| Some((key.clone(), (*id)?)));
        self.newest = found.collect::<Option<Vec<_>>>().unwrap_or_default();
        self.newest.shrink_to_fit();
    }

    /// The entity of each key by its name.
    fn find(&self, keys: &[Arc<EntityKey>]) -> Vec<Option<EntityId>> {
        let known = self.keys.iter().map(|(id, key)| (key.name.as_str(), *id));
        let by_name: HashMap<&str, EntityId> = known.collect();
        let found = keys
            .iter()
            .map(|key| by_name.get(key.name.as_str()).copied());
        found.collect()
    }

    /// Entities that the collection does not show, by what marks them beside their name.
    fn lost(&self, shown: &HashSet<EntityId>) -> HashMap<Mark, Vec<EntityId>> {
        let mut lost: HashMap<Mark, Vec<EntityId>> = HashMap::new();
        for (id, key) in &self.keys {
            if !shown.contains(id)
                && let Some(m) = mark(key)
            {
                lost.entry(m).or_default().push(*id);
            }
        }
        lost
    }

    fn refresh(&mut self, id: EntityId, key: &Arc<EntityKey>, renamed: &mut Vec<RenamedEntity>) {
        let known = self.keys.insert(id, Arc::clone(key));
        if known.is_some_and(|known| known != *key) {
            renamed.push(RenamedEntity {
                id,
                key: EntityKey::clone(key),
            });
        }
    }

    fn rename(&mut self, id: EntityId, key: &Arc<EntityKey>, out: &mut Resolved) {
        let old = self.keys.insert(id, Arc::clone(key)).unwrap_or_default();
        out.renamed.push(RenamedEntity {
            id,
            key: EntityKey::clone(key),
        });
        out.events.push((
            Some(id),
            Event {
                kind: "rename",
                subject: key.name.clone(),
                message: format!("{} is now called {}", old.name, key.name),
            },
        ));
    }
}

/// What marks an entity beside its name: alias, MAC and type.
type Mark = (String, String, String);

/// `None` when neither alias nor MAC says anything: a type alone marks nobody.
fn mark(key: &EntityKey) -> Option<Mark> {
    let telling = !key.alias.is_empty() || !key.mac.is_empty();
    telling.then(|| (key.alias.clone(), key.mac.clone(), key.kind.clone()))
}

fn count_marks(marks: impl Iterator<Item = Mark>) -> HashMap<Mark, usize> {
    let mut counts = HashMap::new();
    for m in marks {
        *counts.entry(m).or_default() += 1;
    }
    counts
}

/// The keys with every name made unique: the second `eth0` of one collection is `eth0 (2)`.
fn distinct(keys: &[Arc<EntityKey>]) -> Vec<Arc<EntityKey>> {
    let mut used: HashSet<String> = HashSet::new();
    keys.iter()
        .map(|key| {
            let mut key = key.clone();
            let base = key.name.clone();
            let mut n = 2;
            while !used.insert(key.name.clone()) {
                Arc::make_mut(&mut key).name = format!("{base} ({n})");
                n += 1;
            }
            key
        })
        .collect()
}

fn appeared(table: &str, key: &EntityKey, ambiguous: bool) -> Event {
    let message = if ambiguous {
        format!(
            "{table} {} appeared; more than one former {table} could be it, so it starts a history of its own",
            key.name
        )
    } else {
        format!("{table} {} appeared", key.name)
    };
    Event {
        kind: "entity_new",
        subject: key.name.clone(),
        message,
    }
}

#[cfg(test)]
mod tests;
