//! A history in the making: rows are put in any order and stored through the recorder.

use std::collections::HashMap;

use super::*;
use crate::inventory::{NoSecrets, SourceFile, load};
use crate::reading::Event;
use crate::table::Tables;

pub(super) struct World {
    pub(super) store: Store,
    pub(super) recorder: Recorder,
    pub(super) tables: Tables,
    hosts: HashMap<String, HostId>,
    entities: HashMap<(HostId, &'static str, String), EntityId>,
    collections: BTreeMap<(UnixSeconds, HostId, &'static str), Stored>,
}

impl World {
    /// Hosts, each with its groups, known since 2026-09-01.
    pub(super) fn new(hosts: &[(&str, &[&str])]) -> World {
        let (store, mut recorder) = Store::in_memory().unwrap();
        let mut inventory = inventory(hosts.iter().map(|(name, groups)| host(name, groups)));
        inventory.tables = shipped_tables();
        let ids = recorder
            .sync_hosts(&inventory, at("2026-09-01T00:00:00Z"))
            .unwrap();
        World {
            store,
            recorder,
            tables: inventory.tables,
            hosts: ids
                .iter()
                .map(|(name, id)| (name.to_string(), *id))
                .collect(),
            entities: HashMap::new(),
            collections: BTreeMap::new(),
        }
    }

    /// The good collection of a host by SSH at that moment.
    pub(super) fn poll(&mut self, host: &str, ts: UnixSeconds) -> &mut Stored {
        self.poll_by(host, ts, Method::Ssh)
    }

    pub(super) fn poll_by(&mut self, host: &str, ts: UnixSeconds, method: Method) -> &mut Stored {
        let id = self.hosts[host];
        self.collections
            .entry((ts, id, method.as_str()))
            .or_insert_with(|| Stored {
                way: method.into(),
                ..stored(id, ts)
            })
    }

    /// The number of a port, mount or device, which appears with this if it has not yet.
    fn entity(
        &mut self,
        host: &str,
        ts: UnixSeconds,
        table: &'static Table,
        name: &str,
    ) -> Option<EntityId> {
        table.entity?;
        let key = (self.hosts[host], table.name, name.to_owned());
        if let Some(id) = self.entities.get(&key) {
            return Some(*id);
        }
        let id = EntityId::try_from(self.entities.len() + 1).unwrap();
        let made = new_entity(id, key.0, table, name);
        self.entities.insert(key, id);
        self.poll(host, ts).new_entities.push(made);
        Some(id)
    }

    /// A row of a table. `thing`: the port, mount or device; empty where the table has none.
    pub(super) fn row(
        &mut self,
        (host, ts): (&str, UnixSeconds),
        table: &str,
        thing: &str,
        elapsed_ms: Option<i64>,
        values: &[(&str, Value)],
    ) {
        let table = self.tables.find(table).expect("a table");
        let entity = self.entity(host, ts, table, thing);
        let row = row(table, entity, elapsed_ms, values);
        let poll = self.poll(host, ts);
        poll.poll.rows += 1;
        match poll.tables.iter_mut().find(|t| t.table.name == table.name) {
            Some(rows) => rows.rows.push(row),
            None => poll.tables.push(StoredTable {
                table,
                rows: vec![row],
            }),
        }
    }

    /// Facts of a thing from a moment on; the first ones hold from the beginning.
    pub(super) fn facts(
        &mut self,
        (host, ts): (&str, UnixSeconds),
        table: &str,
        thing: &str,
        values: &[(&str, Value)],
    ) {
        let table = self.tables.find(table).expect("a table");
        let known = self.entities.len();
        let entity = self.entity(host, ts, table, thing).expect("a thing");
        let first = self.entities.len() > known;
        let change = facts(entity, table, first, values);
        self.poll(host, ts).fact_changes.push(change);
    }

    pub(super) fn event(
        &mut self,
        (host, ts): (&str, UnixSeconds),
        kind: &'static str,
        subject: &str,
        message: &str,
    ) {
        let event = Event {
            kind,
            subject: subject.into(),
            message: message.into(),
        };
        self.poll(host, ts).events.push((None, event));
    }

    /// Stores what was put so far.
    pub(super) fn save(mut self) -> World {
        let batch: Vec<Stored> = std::mem::take(&mut self.collections)
            .into_values()
            .collect();
        for part in batch.chunks(2000) {
            self.recorder.append(part).unwrap();
        }
        self
    }
}

/// The core tables and those of the shipped profiles.
pub(super) fn shipped_tables() -> Tables {
    let directory = format!("{}/inventory/profiles", env!("CARGO_MANIFEST_DIR"));
    let text = "hosts: {here: {collect: [local]}}\n";
    let mut files = vec![SourceFile::new("inventory/hosts.yaml", text)];
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.path().extension().is_none_or(|e| e != "yaml") {
            continue;
        }
        let path = format!("inventory/profiles/{}", entry.file_name().to_string_lossy());
        let text = std::fs::read_to_string(entry.path()).unwrap();
        files.push(SourceFile::new(path, text));
    }
    let (inventory, problems) = load(&files, &NoSecrets);
    inventory.unwrap_or_else(|| panic!("{problems:?}")).tables
}
