//! What one attempt on one target yields: a [`Collection`], good or bad.
//!
//! Collectors fill [`Readings`] with what they saw, raw: counters as the device gave them. The
//! writer turns them into stored rows (identity, then deltas, then derived columns).

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use crate::table::Table;

/// Whole seconds since 1970-01-01T00:00:00Z.
pub type UnixSeconds = i64;

/// How a host is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    Snmp,
    Ssh,
    Local,
    Push,
    Http,
    Ping,
    Tcp,
}

impl Method {
    pub const ALL: [Method; 7] = [
        Method::Snmp,
        Method::Ssh,
        Method::Local,
        Method::Push,
        Method::Http,
        Method::Ping,
        Method::Tcp,
    ];

    /// The word used in `collect:`, in tables and on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Snmp => "snmp",
            Method::Ssh => "ssh",
            Method::Local => "local",
            Method::Push => "push",
            Method::Http => "http",
            Method::Ping => "ping",
            Method::Tcp => "tcp",
        }
    }

    /// The method of a word, `None` for any other word.
    pub fn from_word(word: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|m| m.as_str() == word)
    }
}

/// A method with its parameter: `snmp`, `tcp:443`, `http:node`. It tells the targets of one host
/// from each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Way {
    pub method: Method,
    /// The port of `tcp`, the endpoint's name of `http`; `None` with all others.
    pub parameter: Option<Arc<str>>,
}

impl Way {
    /// The way as it is stored: the method's word, and the parameter. `None` for an unknown method.
    pub fn from_words(method: &str, parameter: Option<&str>) -> Option<Way> {
        Some(Way {
            method: Method::from_word(method)?,
            parameter: parameter.map(Arc::from),
        })
    }

    /// The way of what [`Way`] prints. `None` for an unknown method.
    pub fn parse(text: &str) -> Option<Way> {
        match text.split_once(':') {
            Some((method, parameter)) => Way::from_words(method, Some(parameter)),
            None => Way::from_words(text, None),
        }
    }
}

impl From<Method> for Way {
    fn from(method: Method) -> Way {
        Way {
            method,
            parameter: None,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.method.as_str())?;
        match &self.parameter {
            Some(parameter) => write!(f, ":{parameter}"),
            None => Ok(()),
        }
    }
}

/// One cell of a row as a collector saw it.
///
/// Debug output of text is safe here: decoders bound its length before they build one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// The method cannot tell, or the device does not say.
    Null,
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(Arc<str>),
    /// A raw counter of 32 bits (wraps at 2^32).
    Counter32(u32),
    /// A raw counter of 64 bits (never wraps in practice; falling means a reset).
    Counter64(u64),
}

impl Value {
    pub fn text(s: impl AsRef<str>) -> Value {
        Value::Text(Arc::from(s.as_ref()))
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

impl From<Option<i64>> for Value {
    fn from(v: Option<i64>) -> Value {
        v.map_or(Value::Null, Value::Int)
    }
}

impl From<Option<f64>> for Value {
    fn from(v: Option<f64>) -> Value {
        v.map_or(Value::Null, Value::Float)
    }
}

/// What tells one entity (a port, a mount, a device) from another on its host.
///
/// For an interface the name is the ifName; when the name is not known yet, alias + MAC + type find
/// the entity again. Other tables use the name alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EntityKey {
    pub name: String,
    pub alias: String,
    pub mac: String,
    pub kind: String,
}

impl EntityKey {
    /// The key of an entity that its name alone identifies.
    pub fn named(name: impl Into<String>) -> EntityKey {
        EntityKey {
            name: name.into(),
            ..EntityKey::default()
        }
    }
}

/// What seldom changes about an entity, by the position of `table.facts`. Shared like its key: a copy
/// costs nothing until it is changed, and who remembers it shares the memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts(Arc<[Value]>);

impl Facts {
    /// Whether both are the very same, so that nothing can have changed. `false` says nothing.
    pub fn is_shared_with(&self, other: &Facts) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Deref for Facts {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0
    }
}

impl DerefMut for Facts {
    fn deref_mut(&mut self) -> &mut [Value] {
        Arc::make_mut(&mut self.0)
    }
}

impl From<Vec<Value>> for Facts {
    fn from(values: Vec<Value>) -> Facts {
        Facts(values.into())
    }
}

/// One entity's row: `values` by the position of `table.columns`, `facts` by that of `table.facts`.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// `None` in tables without an entity (system, cpu, memory, process, …). Shared between the
    /// polls of a collector that remembers its entities: most polls show the same ones.
    pub entity: Option<Arc<EntityKey>>,
    pub values: Vec<Value>,
    /// Text or numbers that seldom change (alias, speed, device). Empty when the table has none or
    /// the method did not ask this time.
    pub facts: Facts,
    /// A change of this number means that this row's counters started anew
    /// (ifCounterDiscontinuityTime, in ticks). `None`: not known.
    pub discontinuity: Option<u64>,
}

impl Row {
    /// An empty row of the table: every column NULL.
    pub fn new(table: &'static Table, entity: Option<EntityKey>) -> Row {
        Row::shared(table, entity.map(Arc::new))
    }

    /// An empty row about an entity whose key the collector keeps from poll to poll.
    pub fn shared(table: &'static Table, entity: Option<Arc<EntityKey>>) -> Row {
        Row {
            entity,
            values: vec![Value::Null; table.columns.len()],
            facts: Facts::from(vec![Value::Null; table.facts.len()]),
            discontinuity: None,
        }
    }

    /// Sets the column of that name.
    ///
    /// # Panics
    /// When the table has no such column: a programming error that the first test run shows.
    pub fn set(&mut self, table: &'static Table, column: &str, value: Value) {
        let position = table.position(column).expect("a column of the table");
        self.values[position] = value;
    }

    /// Sets the fact of that name. Panics as [`Row::set`] does.
    pub fn set_fact(&mut self, table: &'static Table, fact: &str, value: Value) {
        let position = table.fact_position(fact).expect("a fact of the table");
        self.facts[position] = value;
    }
}

/// All rows of one table in one collection.
#[derive(Clone, Debug)]
pub struct TableReadings {
    pub table: &'static Table,
    pub rows: Vec<Row>,
}

/// The clock that the counters of a collection run by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uptime {
    /// Milliseconds since the counters' owner started.
    pub ms: u64,
    /// The clock is a 32-bit count of hundredths (sysUpTime) and wraps after 497.1 days.
    pub wraps: bool,
    /// Hash of a boot id or the SNMP engine boots, 0 when unknown: a change proves a restart.
    pub boot: u64,
}

/// The number of a boot id for [`Uptime::boot`] (FNV-1a), never 0.
pub fn boot_hash(id: &[u8]) -> u64 {
    let hash = id.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3)
    });
    hash.max(1)
}

/// Everything that a good attempt saw.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    pub uptime: Option<Uptime>,
    pub tables: Vec<TableReadings>,
    /// Facts about the host itself, by the names in [`crate::table::HOST_FACTS`].
    pub host_facts: Vec<(&'static str, String)>,
    pub events: Vec<Event>,
    /// Parts that failed although the whole is good ("df: no answer within 5 s"), for people.
    pub problems: Vec<String>,
}

/// Something that happened on a host at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// One word: reboot, rename, link_up, link_down, entity_new, host_key_changed, trap, …
    pub kind: &'static str,
    /// The entity's name, empty when it is the host.
    pub subject: String,
    /// A sentence for people.
    pub message: String,
}

/// What a host told by itself, outside of any collection.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    pub host: Arc<str>,
    pub ts: UnixSeconds,
    pub event: Event,
    /// The event is about an interface: its name becomes the subject.
    pub interface: Option<InterfaceHint>,
}

/// How a device names one of its interfaces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InterfaceHint {
    /// Its ifIndex.
    pub index: Option<i64>,
    /// ifName or ifDescr, as shown.
    pub names: Vec<String>,
}

/// Why an attempt failed, as one of a few causes, and in words that a person can act on.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub cause: Cause,
    /// For example `no answer on udp/161 (2 retries, 5 s)`. Never holds a secret.
    pub message: String,
}

impl Failure {
    pub fn new(cause: Cause, message: impl Into<String>) -> Failure {
        Failure {
            cause,
            message: message.into(),
        }
    }
}

/// The kinds of failure; the word is stored in `poll.cause`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    Resolve,
    Unreachable,
    Timeout,
    Refused,
    HostKeyUnknown,
    HostKeyChanged,
    Auth,
    Protocol,
    Limit,
    Internal,
}

impl Cause {
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Resolve => "resolve",
            Cause::Unreachable => "unreachable",
            Cause::Timeout => "timeout",
            Cause::Refused => "refused",
            Cause::HostKeyUnknown => "host_key_unknown",
            Cause::HostKeyChanged => "host_key_changed",
            Cause::Auth => "auth",
            Cause::Protocol => "protocol",
            Cause::Limit => "limit",
            Cause::Internal => "internal",
        }
    }
}

/// What an attempt cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Effort {
    pub requests: u32,
    pub retries: u32,
    /// Bytes received.
    pub bytes: u64,
}

/// One attempt on one target and its outcome.
#[derive(Clone, Debug)]
pub struct Collection {
    pub host: Arc<str>,
    pub way: Way,
    /// The end of the attempt by the poller's clock.
    pub ts: UnixSeconds,
    pub took: Duration,
    /// Milliseconds at which the counters were read, by a clock that begins at the wall clock's time
    /// of the process's start and never goes back: for Δt where the device's own uptime is of no use.
    pub read_at_ms: u64,
    pub effort: Effort,
    pub outcome: Result<Readings, Failure>,
}
