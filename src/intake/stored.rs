//! What one collection becomes: rows of every table, and what they say about entities.

use crate::reading::{Effort, EntityKey, Event, Facts, Failure, UnixSeconds, Value, Way};
use crate::table::Table;

/// A host's number in the physical tables.
pub type HostId = i32;
/// An entity's number in the physical tables, unique over all hosts and tables.
pub type EntityId = i32;

/// One collection, ready to be appended.
#[derive(Clone, Debug)]
pub struct Stored {
    pub host_id: HostId,
    pub way: Way,
    pub ts: UnixSeconds,
    /// Stored with a pushed collection, so that it is never taken twice.
    pub push_key: Option<PushKey>,
    pub poll: PollRow,
    pub tables: Vec<StoredTable>,
    pub new_entities: Vec<NewEntity>,
    pub renamed_entities: Vec<RenamedEntity>,
    pub fact_changes: Vec<FactChange>,
    /// Host facts that differ from the last known ones.
    pub host_facts: Vec<(&'static str, String)>,
    pub events: Vec<(Option<EntityId>, Event)>,
}

/// The sender's name for a pushed collection as a number, and when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushKey {
    pub key: i64,
    pub taken_at: UnixSeconds,
}

/// The row of `poll` that every attempt leaves.
#[derive(Clone, Debug)]
pub struct PollRow {
    pub took_ms: i64,
    pub effort: Effort,
    /// Rows stored.
    pub rows: i64,
    /// Counters whose delta is NULL because of a reset, a wrap that cannot be told or disorder.
    pub resets: i64,
    pub failure: Option<Failure>,
    /// Parts that failed in a good collection, joined by `; `.
    pub problems: String,
}

#[derive(Clone, Debug)]
pub struct StoredTable {
    pub table: &'static Table,
    pub rows: Vec<StoredRow>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StoredRow {
    pub entity_id: Option<EntityId>,
    /// Milliseconds since the previous row of the entity; `None` on its first and in tables without
    /// counters.
    pub elapsed_ms: Option<i64>,
    /// By the position of `table.columns`: counters are `Int` deltas or `Null`, inputs are to be
    /// skipped.
    pub values: Vec<Value>,
}

/// What a host told by itself, ready to be appended.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub host_id: HostId,
    pub ts: UnixSeconds,
    pub entity_id: Option<EntityId>,
    pub event: Event,
}

/// An entity seen for the first time.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEntity {
    pub id: EntityId,
    pub host_id: HostId,
    pub table: &'static str,
    pub key: EntityKey,
}

/// An entity whose key changed while it stayed itself.
#[derive(Clone, Debug, PartialEq)]
pub struct RenamedEntity {
    pub id: EntityId,
    pub key: EntityKey,
}

/// New facts of an entity, valid from `ts` on; the former period ends there. The first facts of an
/// entity are valid from the beginning of time.
#[derive(Clone, Debug, PartialEq)]
pub struct FactChange {
    pub entity_id: EntityId,
    pub table: &'static Table,
    /// By the position of `table.facts`.
    pub facts: Facts,
    pub first: bool,
}
