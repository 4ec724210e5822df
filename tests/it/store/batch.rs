//! Batches as the writer hands them to the store.

use std::path::Path;
use std::sync::Arc;

use eider::intake::{FactChange, NewEntity, PollRow, Stored, StoredRow, StoredTable};
use eider::inventory::{Host, Inventory};
use eider::reading::{Effort, EntityKey, Event, Method, UnixSeconds, Value};
use eider::store::{Cell, Options, Question, Recorder, Store, StoreError};
use eider::table::{self, Table};

/// 2026-11-23T00:00:00Z
pub(super) const T0: UnixSeconds = 1_795_392_000;

pub(super) fn open(data: &Path) -> Result<(Store, Recorder), StoreError> {
    let options = Options {
        memory_bytes: Some(128 << 20),
    };
    Store::open(data, &options)
}

/// One host, `a`, which gets id 1.
pub(crate) fn inventory() -> Inventory {
    let host = Host {
        name: "a".into(),
        address: "a.example.net".into(),
        groups: vec!["all".into()],
        labels: Default::default(),
        depends_on: Vec::new(),
        renamed_from: None,
        targets: Vec::new(),
        origins: Vec::new(),
    };
    Inventory {
        hosts: [(Arc::clone(&host.name), Arc::new(host))].into(),
        ..Inventory::default()
    }
}

/// The batch of that number: a port with new facts, rows in two tables, a poll and an event.
pub(crate) fn numbered(number: i64) -> Stored {
    let interface = table::find("interface").expect("a core table");
    let memory = table::find("memory").expect("a core table");
    let id = i32::try_from(number).expect("few batches");
    let name = format!("port{number}");
    Stored {
        host_id: 1,
        way: Method::Local.into(),
        ts: T0 + number,
        push_key: None,
        poll: PollRow {
            took_ms: number,
            effort: Effort::default(),
            rows: 2,
            resets: 0,
            failure: None,
            problems: String::new(),
        },
        tables: vec![
            rows(interface, Some(id), &[("in_octets", Value::Int(number))]),
            rows(memory, None, &[("used_bytes", Value::Int(number))]),
        ],
        new_entities: vec![NewEntity {
            id,
            host_id: 1,
            table: interface.name,
            key: EntityKey::named(&name),
        }],
        renamed_entities: Vec::new(),
        fact_changes: vec![FactChange {
            entity_id: id,
            table: interface,
            facts: vec![Value::text(&name); interface.facts.len()].into(),
            first: true,
        }],
        host_facts: vec![("kernel", name)],
        events: vec![(
            Some(id),
            Event {
                kind: "entity_new",
                subject: String::new(),
                message: String::new(),
            },
        )],
    }
}

fn rows(table: &'static Table, entity_id: Option<i32>, set: &[(&str, Value)]) -> StoredTable {
    let mut values = vec![Value::Null; table.columns.len()];
    for (name, value) in set {
        values[table.position(name).expect("a column")] = value.clone();
    }
    let row = StoredRow {
        entity_id,
        elapsed_ms: Some(1000),
        values,
    };
    StoredTable {
        table,
        rows: vec![row],
    }
}

/// The only cell of the answer, a number.
pub(super) fn number(store: &Store, sql: &str) -> i64 {
    let answer = store.ask_blocking(&Question::new(sql));
    let rows = answer.unwrap_or_else(|e| panic!("{sql}: {e}")).rows;
    match rows[..] {
        [ref row] => match row[..] {
            [Cell::Int(number)] => i64::try_from(number).expect("a small number"),
            _ => panic!("{sql}: {row:?}"),
        },
        _ => panic!("{sql}: {rows:?}"),
    }
}
