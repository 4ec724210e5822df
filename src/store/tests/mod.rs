//! The store against a real DuckDB, in memory or in a file of its own.

mod alert;
mod check;
mod faults;
mod forbidden;
mod held;
mod history;
mod questions;
mod reopen;
mod rollup;
mod sealed;
mod shipped;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::intake::{FactChange, NewEntity, PollRow, StoredRow, StoredTable};
use crate::inventory::{Access, Host, Target};
use crate::reading::{Cause, Effort, Failure, Method};
use crate::table::{self, Table};

/// 2026-11-23T00:00:00Z
pub(super) const T0: UnixSeconds = 1_795_392_000;

/// A host polled by SSH every minute.
pub(super) fn host(name: &str, groups: &[&str]) -> Arc<Host> {
    let target = Target {
        host: name.into(),
        way: Method::Ssh.into(),
        address: name.into(),
        interval: Duration::from_secs(60),
        timeout: Duration::from_secs(15),
        access: Access::Local,
    };
    Arc::new(Host {
        name: name.into(),
        address: format!("{name}.example.net"),
        groups: groups.iter().map(|g| (*g).to_owned()).collect(),
        labels: BTreeMap::from([("site".to_owned(), "sh1".to_owned())]),
        depends_on: Vec::new(),
        renamed_from: None,
        targets: vec![Arc::new(target)],
        origins: Vec::new(),
    })
}

pub(super) fn inventory(hosts: impl IntoIterator<Item = Arc<Host>>) -> Inventory {
    Inventory {
        hosts: hosts.into_iter().map(|h| (h.name.clone(), h)).collect(),
        ..Inventory::default()
    }
}

/// A good collection without rows.
pub(super) fn stored(host_id: HostId, ts: UnixSeconds) -> Stored {
    Stored {
        host_id,
        way: Method::Ssh.into(),
        ts,
        push_key: None,
        poll: PollRow {
            took_ms: 12,
            effort: Effort::default(),
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

/// A failed collection.
pub(super) fn failed(host_id: HostId, ts: UnixSeconds) -> Stored {
    let mut stored = stored(host_id, ts);
    stored.poll.failure = Some(Failure::new(Cause::Timeout, "no answer on tcp/22 (15 s)"));
    stored
}

/// A row of a table: named columns, the others NULL.
pub(super) fn row(
    table: &'static Table,
    entity_id: Option<EntityId>,
    elapsed_ms: Option<i64>,
    values: &[(&str, Value)],
) -> StoredRow {
    let mut all = vec![Value::Null; table.columns.len()];
    for (name, value) in values {
        all[table.position(name).expect("a column")] = value.clone();
    }
    StoredRow {
        entity_id,
        elapsed_ms,
        values: all,
    }
}

pub(super) fn with_rows(mut stored: Stored, table: &'static Table, rows: Vec<StoredRow>) -> Stored {
    stored.tables.push(StoredTable { table, rows });
    stored
}

pub(super) fn new_entity(
    id: EntityId,
    host_id: HostId,
    table: &'static Table,
    name: &str,
) -> NewEntity {
    NewEntity {
        id,
        host_id,
        table: table.name,
        key: EntityKey::named(name),
    }
}

pub(super) fn facts(
    entity_id: EntityId,
    table: &'static Table,
    first: bool,
    values: &[(&str, Value)],
) -> FactChange {
    let mut all = vec![Value::Null; table.facts.len()];
    for (name, value) in values {
        all[table.fact_position(name).expect("a fact")] = value.clone();
    }
    FactChange {
        entity_id,
        table,
        facts: all.into(),
        first,
    }
}

pub(super) fn rows_of(store: &Store, sql: &str) -> Vec<Vec<Cell>> {
    let answer = store.ask_blocking(&Question::new(sql));
    answer.unwrap_or_else(|e| panic!("{sql}: {e}")).rows
}

/// The only cell of the only row.
pub(super) fn one(store: &Store, sql: &str) -> Cell {
    let rows = rows_of(store, sql);
    assert_eq!((rows.len(), rows[0].len()), (1, 1), "{sql}: {rows:?}");
    rows[0][0].clone()
}

pub(super) fn text(s: &str) -> Cell {
    Cell::Text(s.into())
}
