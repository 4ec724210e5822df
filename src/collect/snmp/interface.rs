//! IF-MIB → table `interface`.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::get::Items;
use super::plan::Values;
use super::text;
use super::value::Datum;
use super::walk::{TableSpec, Walked};
use crate::inventory::PortFilter;
use crate::reading::{EntityKey, Facts, Row, Value};
use crate::table::INTERFACE;

const IF: &[u32] = &[1, 3, 6, 1, 2, 1, 2, 2, 1];
const IFX: &[u32] = &[1, 3, 6, 1, 2, 1, 31, 1, 1, 1];

/// What is walked of ifTable: what tells ports apart, and which counters there are.
pub(super) const IF_TABLE: TableSpec = TableSpec {
    name: "ifTable",
    entry: IF,
    columns: &[2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 16, 17, 19, 20],
};

pub(super) const IFX_TABLE: TableSpec = TableSpec {
    name: "ifXTable",
    entry: IFX,
    columns: &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 18, 19],
};

/// Speed that means "see ifHighSpeed".
const SPEED_OVERFLOW: i64 = 4_294_967_295;

/// One cell of a row: the column it fills and the objects that can, best first.
struct Cell {
    column: &'static str,
    sources: &'static [(&'static [u32], u32)],
}

const fn cell(column: &'static str, sources: &'static [(&'static [u32], u32)]) -> Cell {
    Cell { column, sources }
}

/// Not a column but the row's discontinuity time.
const DISCONTINUITY: &str = "";

const CELLS: [Cell; 15] = [
    cell("in_octets", &[(IFX, 6), (IF, 10)]),
    cell("out_octets", &[(IFX, 10), (IF, 16)]),
    cell("in_unicast", &[(IFX, 7), (IF, 11)]),
    cell("out_unicast", &[(IFX, 11), (IF, 17)]),
    // ifInNUcastPkts counts multicast and broadcast together.
    cell("in_multicast", &[(IFX, 8), (IFX, 2), (IF, 12)]),
    cell("out_multicast", &[(IFX, 12), (IFX, 4)]),
    cell("in_broadcast", &[(IFX, 9), (IFX, 3)]),
    cell("out_broadcast", &[(IFX, 13), (IFX, 5)]),
    cell("in_errors", &[(IF, 14)]),
    cell("out_errors", &[(IF, 20)]),
    cell("in_discards", &[(IF, 13)]),
    cell("out_discards", &[(IF, 19)]),
    cell("state", &[(IF, 8)]),
    cell("admin_state", &[(IF, 7)]),
    cell(DISCONTINUITY, &[(IFX, 19)]),
];

/// The place of ifOperStatus among [`CELLS`], behind all counters, and its value for up.
const STATE: u8 = 12;
const UP: i64 = 1;
/// What can name an interface, best first.
const NAMES: [(&[u32], u32); 2] = [(IFX, 1), (IF, 2)];

/// One interface as last seen, and what to ask about it. There may be a quarter of a million of
/// them: what can be shared is.
pub(super) struct Port {
    index: u32,
    /// Which of [`NAMES`] proves at every poll that the index still means the same interface.
    named_by: u8,
    /// Its octets, where they are not those of the key's name.
    name_octets: Option<Box<[u8]>>,
    key: Arc<EntityKey>,
    facts: Facts,
    /// Cell and which of its sources.
    asks: Arc<[(u8, u8)]>,
    /// It was never up and only those that were are watched: nothing but its state is asked.
    asleep: bool,
}

impl Port {
    /// Whether it has any counter at all, as far as it is asked for them.
    pub(super) fn counts(&self) -> bool {
        self.asleep || self.asks.iter().any(|(cell, _)| *cell < STATE)
    }
}

/// Columns of the two walked tables, found by object.
struct Seen<'a> {
    basic: Option<&'a [Datum]>,
    extended: Option<&'a [Datum]>,
}

impl Seen<'_> {
    fn get(&self, (entry, column): (&[u32], u32)) -> &Datum {
        let (row, spec) = if entry == IF {
            (self.basic, &IF_TABLE)
        } else {
            (self.extended, &IFX_TABLE)
        };
        let place = spec.columns.iter().position(|c| *c == column);
        row.zip(place).map_or(&Datum::Absent, |(r, p)| &r[p])
    }

    fn text(&self, object: (&[u32], u32)) -> Option<&[u8]> {
        let octets = self.get(object).bytes()?;
        octets.iter().any(|b| *b != 0).then_some(octets)
    }
}

/// The interfaces that the walks found and that are to be watched. What is as it was `before` takes
/// no memory anew, and what was watched stays so while it is down.
pub(super) fn learn(
    basic: &Walked,
    extended: &Walked,
    filter: &PortFilter,
    before: &[Port],
) -> Vec<Port> {
    let extended: HashMap<u32, &[Datum]> = extended.numbered().collect();
    let mut ports: Vec<Port> = Vec::new();
    for (index, row) in basic.numbered() {
        let seen = Seen {
            basic: Some(row),
            extended: extended.get(&index).copied(),
        };
        let kin = ports.last().or(before.first());
        let mut port = port(index, &seen, kin);
        port.asleep = filter.only_up && seen.get((IF, 8)).int() != Some(UP);
        ports.push(port);
    }
    // Before some of them go: a name does not hang on which ones are watched.
    tell_apart(&mut ports);
    ports.retain(|port| port.is_kept(filter));
    for port in &mut ports {
        if let Some(bps) = filter.speed(&port.key.name) {
            port.set_speed(bps);
        }
        let same = before.binary_search_by_key(&port.index, |b| b.index);
        if let Ok(place) = same {
            port.asleep &= before[place].asleep || before[place].key.name != port.key.name;
            port.share_text(&before[place]);
        }
        if port.asleep {
            let state = port.asks.iter().filter(|(cell, _)| *cell == STATE);
            port.asks = state.copied().collect();
        }
    }
    ports.shrink_to_fit();
    ports
}

/// Of one device most ports are of one kind and asked for alike: `kin` is one of them.
fn port(index: u32, seen: &Seen<'_>, kin: Option<&Port>) -> Port {
    let named = NAMES.iter().position(|s| seen.text(*s).is_some());
    let named_by = named.unwrap_or(NAMES.len() - 1);
    let octets = seen.get(NAMES[named_by]).bytes().unwrap_or_default();
    let name = match named {
        Some(_) => text::shown(octets),
        None => format!("if{index}"),
    };
    let alias = text::shown(seen.text((IFX, 18)).unwrap_or_default());
    let mac = text::mac(seen.text((IF, 6)).unwrap_or_default());
    let kind = seen.get((IF, 3)).int().map(|t| Arc::from(t.to_string()));
    let kind: Option<Arc<str>> = kind.map(|kind| shared_kind(kind, kin));
    let facts = facts(seen, index, &alias, &mac, kind.clone());
    let asks = asks(seen);
    Port {
        index,
        named_by: named_by as u8,
        name_octets: (octets != name.as_bytes()).then(|| octets.into()),
        key: Arc::new(EntityKey {
            name,
            alias,
            mac,
            kind: kind.as_deref().unwrap_or_default().into(),
        }),
        facts,
        asks: match kin {
            Some(kin) if *kin.asks == *asks => Arc::clone(&kin.asks),
            _ => asks.into(),
        },
        asleep: false,
    }
}

/// The word for the type, the one of `kin` if it is the same.
fn shared_kind(kind: Arc<str>, kin: Option<&Port>) -> Arc<str> {
    let place = INTERFACE.fact_position("type");
    let theirs = kin.zip(place).and_then(|(kin, place)| kin.facts.get(place));
    match theirs {
        Some(Value::Text(theirs)) if *theirs == kind => Arc::clone(theirs),
        _ => kind,
    }
}

fn facts(seen: &Seen<'_>, index: u32, alias: &str, mac: &str, kind: Option<Arc<str>>) -> Facts {
    let mut row = Row::new(&INTERFACE, None);
    if !seen.get((IFX, 18)).is_absent() {
        row.set_fact(&INTERFACE, "alias", Value::text(alias));
    }
    row.set_fact(&INTERFACE, "speed_bps", speed(seen).into());
    if !mac.is_empty() {
        row.set_fact(&INTERFACE, "mac", Value::text(mac));
    }
    row.set_fact(&INTERFACE, "type", kind.map_or(Value::Null, Value::Text));
    let mtu = seen.get((IF, 4)).int().filter(|mtu| *mtu > 0);
    row.set_fact(&INTERFACE, "mtu", mtu.into());
    row.set_fact(&INTERFACE, "if_index", Value::Int(i64::from(index)));
    row.facts
}

/// ifSpeed is exact but ends at 4.3 Gbit/s, ifHighSpeed is in Mbit/s; some devices give the same number
/// of bits for both.
fn speed(seen: &Seen<'_>) -> Option<i64> {
    let basic = seen.get((IF, 5)).size().filter(|s| *s > 0);
    let high = seen.get((IFX, 15)).size().filter(|s| *s > 0);
    match (basic, high) {
        (Some(basic), None) if basic < SPEED_OVERFLOW => Some(basic),
        (Some(basic), Some(high)) if high == basic => Some(basic),
        (Some(basic), Some(high)) if basic < SPEED_OVERFLOW && high <= 4_294 => Some(basic),
        (_, Some(high)) => Some(high * 1_000_000),
        _ => None,
    }
}

/// For each cell the best source that the device has.
fn asks(seen: &Seen<'_>) -> Vec<(u8, u8)> {
    let mut asks = Vec::with_capacity(CELLS.len());
    for (c, cell) in CELLS.iter().enumerate() {
        let mut sources =
            (0..cell.sources.len()).filter(|s| seen.get(cell.sources[*s]).int().is_some());
        let Some(mut source) = sources.next() else {
            continue;
        };
        // Some devices offer the 64-bit counter and never count it.
        if seen.get(cell.sources[source]).int() == Some(0) {
            source = sources
                .find(|s| seen.get(cell.sources[*s]).int() > Some(0))
                .unwrap_or(source);
        }
        asks.push((c as u8, source as u8));
    }
    asks
}

/// Interfaces of one name keep it, each with its index behind.
fn tell_apart(ports: &mut [Port]) {
    let mut count: HashMap<String, u32> = HashMap::new();
    for port in &*ports {
        *count.entry(port.key.name.clone()).or_default() += 1;
    }
    for port in ports {
        if count[&port.key.name] > 1 {
            let name = format!("{} (#{})", port.key.name, port.index);
            let before = std::mem::replace(&mut Arc::make_mut(&mut port.key).name, name);
            port.name_octets.get_or_insert(before.into_bytes().into());
        }
    }
}

/// What a poll says about a port.
pub(super) enum PortSeen {
    Row(Row),
    /// The index is gone.
    Gone,
    /// The index means another interface now.
    Renamed,
    /// It is still down and not watched.
    Asleep,
    /// It came up: it is to be watched from now on.
    Awoken,
}

impl Port {
    fn is_kept(&self, filter: &PortFilter) -> bool {
        let kind = self.key.kind.parse().ok();
        filter.keeps(&self.key.name, &self.key.alias, kind)
    }

    fn set_speed(&mut self, bps: i64) {
        if let Some(position) = INTERFACE.fact_position("speed_bps") {
            self.facts[position] = Value::Int(bps);
        }
    }

    fn share_text(&mut self, before: &Port) {
        if self.key == before.key {
            self.key = Arc::clone(&before.key);
        }
        if self.facts == before.facts {
            self.facts = before.facts.clone();
        }
    }

    fn name_octets(&self) -> &[u8] {
        let octets = self.name_octets.as_deref();
        octets.unwrap_or(self.key.name.as_bytes())
    }

    /// Adds what to ask at every poll.
    pub(super) fn push(&self, items: &mut Items) {
        let (entry, column) = NAMES[usize::from(self.named_by)];
        push(entry, column, self.index, self.name_octets().len(), items);
        for (cell, source) in &*self.asks {
            let (entry, column) = CELLS[usize::from(*cell)].sources[usize::from(*source)];
            let octets = if entry.len() == IFX.len() { 8 } else { 5 };
            push(entry, column, self.index, octets, items);
        }
    }

    /// Takes the answers to what [`Port::push`] asked.
    pub(super) fn read(&self, values: &mut Values) -> PortSeen {
        let name = values.next();
        let answers = values.some(self.asks.len());
        let octets = self.name_octets();
        // An interface without any name is told by its index alone.
        let nameless = octets.is_empty() && !answers.iter().all(Datum::is_absent);
        if name.is_absent() && !nameless {
            return PortSeen::Gone;
        }
        if name.bytes().unwrap_or_default() != octets {
            return PortSeen::Renamed;
        }
        if self.asleep {
            let up = answers.iter().any(|answer| answer.int() == Some(UP));
            return if up {
                PortSeen::Awoken
            } else {
                PortSeen::Asleep
            };
        }
        let mut row = Row {
            entity: Some(self.key.clone()),
            values: vec![Value::Null; INTERFACE.columns.len()],
            facts: self.facts.clone(),
            discontinuity: None,
        };
        for ((cell, _), answer) in self.asks.iter().zip(answers) {
            match PLACES[usize::from(*cell)] {
                Place::Discontinuity => {
                    row.discontinuity = answer.int().and_then(|t| u64::try_from(t).ok());
                }
                Place::State(place) => row.values[place] = state(answer),
                Place::Counter(place) => row.values[place] = super::plan::counter(answer),
            }
        }
        PortSeen::Row(row)
    }
}

fn push(entry: &[u32], column: u32, index: u32, octets: usize, items: &mut Items) {
    items.push(entry, &[column, index], octets, 0);
}

/// Where a cell lies in a row.
#[derive(Clone, Copy)]
enum Place {
    Discontinuity,
    State(usize),
    Counter(usize),
}

static PLACES: LazyLock<[Place; CELLS.len()]> = LazyLock::new(|| {
    std::array::from_fn(|i| {
        let column = CELLS[i].column;
        match (column, INTERFACE.position(column)) {
            ("state" | "admin_state", Some(place)) => Place::State(place),
            (_, Some(place)) => Place::Counter(place),
            (_, None) => Place::Discontinuity,
        }
    })
});

const STATES: [&str; 7] = [
    "up",
    "down",
    "testing",
    "unknown",
    "dormant",
    "not_present",
    "lower_layer_down",
];

/// The words, shared by all rows.
static WORDS: LazyLock<[Arc<str>; STATES.len()]> = LazyLock::new(|| STATES.map(Arc::from));

fn state(answer: &Datum) -> Value {
    let place = answer.int().and_then(|s| usize::try_from(s - 1).ok());
    place
        .and_then(|p| WORDS.get(p))
        .map_or(Value::Null, |word| Value::Text(word.clone()))
}
