//! What the next delta counts from: the last raw reading of every counter of every row.

mod codec;
mod shape;

use std::collections::HashMap;

use crate::counter::{self, Moment, NoDelta, Span};
use crate::intake::{EntityId, HostId};
use crate::reading::{Event, Row, UnixSeconds, Value, Way};
use crate::table::{Table, Tables};
use shape::Shape;

/// A row that has not been seen for this long starts anew when it comes back.
const FORGET_MS: u64 = 86_400_000;

/// A 0 read this soon after the counters' owner started may be a place not filled yet: net-snmp 5.9
/// answers 0 to its first ifHCInUcastPkts and the lifetime's total to the second (measured). The
/// step from such a 0 is no delta.
const FILLING_MS: u64 = 30_000;

/// The newest stored collection of every target, by which saved baselines are judged.
pub type LastStored = HashMap<TargetKey, UnixSeconds>;

/// A target, by the number of its host.
pub(super) type TargetKey = (HostId, Way);

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
    /// In the order of the table's counter and input columns.
    counters: Box<[Raw]>,
}

/// A raw counter; of a quarter of a million ports each octet counts.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Raw {
    None,
    Bits32(u32),
    Bits64(u64),
}

impl Raw {
    fn of(value: &Value) -> Raw {
        match value {
            Value::Counter32(n) => Raw::Bits32(*n),
            Value::Counter64(n) => Raw::Bits64(*n),
            _ => Raw::None,
        }
    }

    fn value(self) -> Value {
        match self {
            Raw::None => Value::Null,
            Raw::Bits32(n) => Value::Counter32(n),
            Raw::Bits64(n) => Value::Counter64(n),
        }
    }
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

/// The baselines of one table of one target.
pub(super) struct TableBase<'a> {
    rows: &'a mut HashMap<RowKey, BaseRow>,
    shape: Shape,
}

impl TableBase<'_> {
    /// Compares a row with its baseline and makes it the next one.
    pub(super) fn advance(
        &mut self,
        key: RowKey,
        moment: Moment,
        row: &Row,
        speed_bps: Option<i64>,
    ) -> Step {
        let up = self.shape.link_state(row);
        if let Some(before) = self.rows.get_mut(&key) {
            return before.advance(&self.shape, moment, (row, up), speed_bps);
        }
        let next = BaseRow {
            moment,
            restored: false,
            discontinuity: row.discontinuity,
            zero_refused: false,
            up,
            counters: self.shape.raw(row).collect(),
        };
        self.rows.insert(key, next);
        let mut step = Step::of(row);
        self.shape.forget_counters(&mut step.values);
        step
    }
}

impl Step {
    fn of(row: &Row) -> Step {
        Step {
            values: row.values.clone(),
            elapsed_ms: None,
            resets: 0,
            event: None,
        }
    }
}

impl BaseRow {
    fn advance(
        &mut self,
        shape: &Shape,
        moment: Moment,
        (row, up): (&Row, Option<bool>),
        speed_bps: Option<i64>,
    ) -> Step {
        let mut step = Step::of(row);
        if let (Some(was), Some(is)) = (self.up, up)
            && was != is
        {
            step.event = Some(LinkChange { up: is });
        }
        let span = span_of(self, &moment, row.discontinuity);
        let filling = self.moment.uptime.is_some_and(|u| u.ms < FILLING_MS);
        let mut zero = false;
        for (n, (i, bits)) in shape.counted.iter().enumerate() {
            let from = match self.counters.get(n) {
                Some(Raw::Bits32(0) | Raw::Bits64(0)) if filling => Value::Null,
                Some(raw) => raw.value(),
                None => Value::Null,
            };
            let now = &row.values[*i];
            step.values[*i] = match counter::delta(&from, now, span, *bits, speed_bps) {
                Ok(delta) => Value::Int(delta),
                Err(why) => {
                    step.resets += i64::from(why != NoDelta::First);
                    zero |= why == NoDelta::BrokenZero;
                    Value::Null
                }
            };
        }
        if zero && !self.zero_refused {
            // An agent that answers 0 once is broken; its next good row counts from the row before.
            // One that stays at 0 was cleared, and the second 0 is the new beginning.
            shape.forget_counters(&mut step.values);
            self.zero_refused = true;
            self.up = up;
            return step;
        }
        if span != Span::Disorder {
            step.elapsed_ms = span.elapsed_ms().and_then(|ms| i64::try_from(ms).ok());
            self.replace(shape, moment, row, up);
        }
        step
    }

    fn replace(&mut self, shape: &Shape, moment: Moment, row: &Row, up: Option<bool>) {
        self.moment = moment;
        self.restored = false;
        self.discontinuity = row.discontinuity;
        self.zero_refused = false;
        self.up = up;
        if self.counters.len() == shape.counted.len() {
            for (slot, raw) in self.counters.iter_mut().zip(shape.raw(row)) {
                *slot = raw;
            }
        } else {
            self.counters = shape.raw(row).collect();
        }
    }
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

impl Baselines {
    /// The baselines of a table's rows.
    pub(super) fn table(&mut self, target: &TargetKey, table: &'static Table) -> TableBase<'_> {
        let tables = &mut self.base(target).tables;
        TableBase {
            rows: tables.entry(table.name).or_default(),
            shape: Shape::of(table),
        }
    }

    /// Drops rows that were not in the collection of `moment`: processes at once, for their pids
    /// come again; entities after a day.
    pub(super) fn forget_unseen(
        &mut self,
        target: &TargetKey,
        table: &'static Table,
        moment: Moment,
    ) {
        let limit = if table.entity.is_some() { FORGET_MS } else { 0 };
        if let Some(rows) = self
            .targets
            .get_mut(target)
            .and_then(|t| t.tables.get_mut(table.name))
        {
            rows.retain(|_, row| {
                row.zero_refused || moment.read_at_ms.saturating_sub(row.moment.read_at_ms) <= limit
            });
        }
    }

    /// Notes when the target's newest collection was stored.
    pub(super) fn stamp(&mut self, target: &TargetKey, ts: UnixSeconds) {
        self.base(target).ts = ts;
    }

    fn base(&mut self, target: &TargetKey) -> &mut TargetBase {
        self.targets.entry(target.clone()).or_default()
    }

    /// A copy that knows only the targets of one host.
    pub(super) fn of_host(&self, host: HostId) -> Baselines {
        Baselines {
            targets: self
                .targets
                .iter()
                .filter(|((h, _), _)| *h == host)
                .map(|(key, base)| (key.clone(), base.clone()))
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
        target: &TargetKey,
        uptime_s: Option<i64>,
        boot: u64,
        wraps: bool,
        ts: UnixSeconds,
    ) -> Option<String> {
        const WRAP_S: i64 = (1 << 32) / 100;
        let base = self.base(target);
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

fn minutes_words(seconds: i64) -> String {
    match seconds {
        s if s < 120 => format!("{s} s"),
        s if s < 7_200 => format!("{} min", s / 60),
        s => format!("{} h", s / 3_600),
    }
}
