//! What the next delta counts from: the last raw reading of every counter of every row.

mod codec;

use std::collections::HashMap;

use crate::counter::{self, Moment, NoDelta, Span};
use crate::intake::{EntityId, HostId};
use crate::reading::{Event, Method, Row, UnixSeconds, Value};
use crate::table::{Kind, Table, Tables};

/// A row that has not been seen for this long starts anew when it comes back.
const FORGET_MS: u64 = 86_400_000;

/// A 0 read this soon after the counters' owner started may be a place not filled yet: net-snmp 5.9
/// answers 0 to its first ifHCInUcastPkts and the lifetime's total to the second (measured). The
/// step from such a 0 is no delta.
const FILLING_MS: u64 = 30_000;

/// The newest stored collection of every target, by which saved baselines are judged.
pub type LastStored = HashMap<(HostId, Method), UnixSeconds>;

pub(super) type TargetKey = (HostId, Method);

/// The last readings of every target.
#[derive(Debug, Default)]
pub(super) struct Baselines {
    targets: HashMap<TargetKey, TargetBase>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct TargetBase {
    /// When the newest collection was stored.
    ts: UnixSeconds,
    uptime_s: Option<i64>,
    boot: u64,
    wraps: bool,
    tables: HashMap<&'static str, HashMap<RowKey, BaseRow>>,
}

/// Which row of a table: its entity, or the process that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RowKey(i64, i64);

impl RowKey {
    /// The key of a row: its entity, (pid, start) for a process, nothing for the one row of a table
    /// without entities.
    pub(super) fn of(table: &Table, entity: Option<EntityId>, row: &Row) -> RowKey {
        let number = |column: &str| match table.position(column).map(|p| &row.values[p]) {
            Some(Value::Int(n)) => *n,
            _ => 0,
        };
        match entity {
            Some(id) => RowKey(i64::from(id), 0),
            None => RowKey(number("pid"), number("started")),
        }
    }
}

/// The last reading of one row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BaseRow {
    moment: Moment,
    /// Read before a restart of this process: our own clock proves nothing about it.
    restored: bool,
    discontinuity: Option<u64>,
    /// The row before was already refused as a zero that cannot be.
    zero_refused: bool,
    /// Operational state of an interface, to notice a change.
    up: Option<bool>,
    /// Raw counters, in the order of the table's counter and input columns.
    counters: Vec<Value>,
}

/// One row, a step further.
pub(super) struct Step {
    /// As read, with counters and inputs as `Int` deltas or `Null`.
    pub(super) values: Vec<Value>,
    pub(super) elapsed_ms: Option<i64>,
    pub(super) resets: i64,
    pub(super) event: Option<LinkChange>,
}

/// An interface went up or down.
pub(super) struct LinkChange {
    up: bool,
}

impl LinkChange {
    pub(super) fn about(&self, name: &str) -> Event {
        let (kind, word) = if self.up {
            ("link_up", "up")
        } else {
            ("link_down", "down")
        };
        Event {
            kind,
            subject: name.to_string(),
            message: format!("{name} went {word}"),
        }
    }
}

/// Compares a row with its baseline and makes it the next one.
pub(super) fn advance(
    slot: &mut Option<BaseRow>,
    moment: Moment,
    table: &Table,
    row: &Row,
    speed_bps: Option<i64>,
) -> Step {
    let mut step = Step {
        values: row.values.clone(),
        elapsed_ms: None,
        resets: 0,
        event: None,
    };
    let up = link_state(table, row);
    let next = BaseRow {
        moment,
        restored: false,
        discontinuity: row.discontinuity,
        zero_refused: false,
        up,
        counters: counted(table).map(|(i, _)| row.values[i].clone()).collect(),
    };
    let Some(before) = slot.as_mut() else {
        for (i, _) in counted(table) {
            step.values[i] = Value::Null;
        }
        *slot = Some(next);
        return step;
    };
    if let (Some(was), Some(is)) = (before.up, up)
        && was != is
    {
        step.event = Some(LinkChange { up: is });
    }
    let span = span_of(before, &moment, row.discontinuity);
    let filling = before.moment.uptime.is_some_and(|u| u.ms < FILLING_MS);
    let mut zero = false;
    for (n, (i, column)) in counted(table).enumerate() {
        let bits = if column.unit == "B" { 8.0 } else { 0.0 };
        let from = match before.counters.get(n) {
            Some(Value::Counter32(0) | Value::Counter64(0)) if filling => &Value::Null,
            Some(value) => value,
            None => &Value::Null,
        };
        step.values[i] = match counter::delta(from, &row.values[i], span, bits, speed_bps) {
            Ok(delta) => Value::Int(delta),
            Err(why) => {
                step.resets += i64::from(why != NoDelta::First);
                zero |= why == NoDelta::BrokenZero;
                Value::Null
            }
        };
    }
    if zero && !before.zero_refused {
        // An agent that answers 0 once is broken; its next good row counts from the row before. One
        // that stays at 0 was cleared, and the second 0 is the new beginning.
        for (i, _) in counted(table) {
            step.values[i] = Value::Null;
        }
        before.zero_refused = true;
        before.up = up;
        return step;
    }
    if span != Span::Disorder {
        step.elapsed_ms = span.elapsed_ms().and_then(|ms| i64::try_from(ms).ok());
        *slot = Some(next);
    }
    step
}

/// Position and definition of every column that is read as a counter.
fn counted(table: &Table) -> impl Iterator<Item = (usize, &'static crate::table::Column)> {
    let columns: &'static [crate::table::Column] = table.columns;
    columns
        .iter()
        .enumerate()
        .filter(|(_, c)| matches!(c.kind, Kind::Counter | Kind::Input))
}

fn span_of(before: &BaseRow, moment: &Moment, discontinuity: Option<u64>) -> Span {
    let span = counter::span(&before.moment, moment);
    let restarted = |span: Span| match span.elapsed_ms() {
        Some(elapsed_ms) => Span::Restarted { elapsed_ms },
        None => span,
    };
    let discontinued =
        matches!((before.discontinuity, discontinuity), (Some(a), Some(b)) if a != b);
    // After a restart of our own only the device's clock can prove that nothing was missed.
    let unproven = before.restored && !counter::proven(&before.moment, moment);
    if discontinued || unproven {
        restarted(span)
    } else {
        span
    }
}

fn link_state(table: &Table, row: &Row) -> Option<bool> {
    if table.name != crate::table::INTERFACE.name {
        return None;
    }
    match &row.values[table.position("state")?] {
        Value::Text(state) if &**state == "up" => Some(true),
        Value::Text(state) if matches!(&**state, "down" | "lower_layer_down" | "not_present") => {
            Some(false)
        }
        _ => None,
    }
}

impl Baselines {
    /// The place of a row's baseline.
    pub(super) fn row(
        &mut self,
        target: TargetKey,
        table: &'static Table,
        key: RowKey,
    ) -> RowSlot<'_> {
        let rows = self
            .targets
            .entry(target)
            .or_default()
            .tables
            .entry(table.name)
            .or_default();
        RowSlot { rows, key }
    }

    /// Drops rows that were not in the collection of `moment`: processes at once, for their pids
    /// come again; entities after a day.
    pub(super) fn forget_unseen(
        &mut self,
        target: TargetKey,
        table: &'static Table,
        moment: Moment,
    ) {
        let limit = if table.entity.is_some() { FORGET_MS } else { 0 };
        if let Some(rows) = self
            .targets
            .get_mut(&target)
            .and_then(|t| t.tables.get_mut(table.name))
        {
            rows.retain(|_, row| {
                row.zero_refused || moment.read_at_ms.saturating_sub(row.moment.read_at_ms) <= limit
            });
        }
    }

    /// Notes when the target's newest collection was stored.
    pub(super) fn stamp(&mut self, target: TargetKey, ts: UnixSeconds) {
        self.targets.entry(target).or_default().ts = ts;
    }

    /// A copy that knows only the targets of one host.
    pub(super) fn of_host(&self, host: HostId) -> Baselines {
        Baselines {
            targets: self
                .targets
                .iter()
                .filter(|((h, _), _)| *h == host)
                .map(|(key, base)| (*key, base.clone()))
                .collect(),
        }
    }

    /// Forgets targets that are gone.
    pub(super) fn keep(&mut self, wanted: impl Fn(&TargetKey) -> bool) {
        self.targets.retain(|key, _| wanted(key));
    }

    /// Forgets the rows of other tables than these.
    pub(super) fn keep_tables(&mut self, wanted: impl Fn(&str) -> bool) {
        for base in self.targets.values_mut() {
            base.tables.retain(|name, _| wanted(name));
        }
    }

    /// Compares the host's uptime with the last one: a sentence when the host rebooted in between.
    ///
    /// A 32-bit clock of hundredths that wrapped after 497.1 days is no reboot.
    pub(super) fn reboot(
        &mut self,
        target: TargetKey,
        uptime_s: Option<i64>,
        boot: u64,
        wraps: bool,
        ts: UnixSeconds,
    ) -> Option<String> {
        const WRAP_S: i64 = (1 << 32) / 100;
        let base = self.targets.entry(target).or_default();
        let before = base.uptime_s;
        let other_boot = !wraps && base.boot != 0 && boot != 0 && base.boot != boot;
        let away = (ts - base.ts).max(0);
        if boot != 0 {
            base.boot = boot;
        }
        base.wraps = wraps;
        // An uptime that was not told, or 0 from an agent in trouble, says nothing.
        let now = uptime_s.filter(|s| *s > 0)?;
        base.uptime_s = Some(now);
        let before = before?;
        let fell = now + 5 < before;
        let wrapped = wraps && before + away + 120 >= WRAP_S;
        (other_boot || (fell && !wrapped))
            .then(|| format!("rebooted; up for {}", minutes_words(now)))
    }

    /// All of it as bytes.
    pub(super) fn to_bytes(&self, tables: &Tables) -> Vec<u8> {
        codec::encode(&self.targets, tables)
    }

    /// Takes over what was saved; see [`super::Intake::restore_baselines`].
    pub(super) fn restore(
        &mut self,
        bytes: &[u8],
        newest: &LastStored,
        tables: &Tables,
    ) -> Result<usize, String> {
        let mut restored = 0;
        for (key, mut base) in codec::decode(bytes, tables)? {
            if newest.get(&key) != Some(&base.ts) {
                base.tables.clear();
            } else {
                restored += 1;
            }
            self.targets.insert(key, base);
        }
        Ok(restored)
    }
}

/// Where the baseline of one row lies.
pub(super) struct RowSlot<'a> {
    rows: &'a mut HashMap<RowKey, BaseRow>,
    key: RowKey,
}

impl RowSlot<'_> {
    /// Runs [`advance`] on the row.
    pub(super) fn advance(
        self,
        moment: Moment,
        table: &Table,
        row: &Row,
        speed_bps: Option<i64>,
    ) -> Step {
        let mut slot = self.rows.remove(&self.key);
        let step = advance(&mut slot, moment, table, row, speed_bps);
        if let Some(base) = slot {
            self.rows.insert(self.key, base);
        }
        step
    }
}

fn minutes_words(seconds: i64) -> String {
    match seconds {
        s if s < 120 => format!("{s} s"),
        s if s < 7_200 => format!("{} min", s / 60),
        s => format!("{} h", s / 3_600),
    }
}
