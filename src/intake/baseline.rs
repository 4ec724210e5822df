//! What the next delta counts from: the last raw reading of every counter of every row.

mod codec;
mod rows;
mod shape;

use std::collections::HashMap;
use std::sync::Arc;

use crate::counter::{self, Moment, NoDelta, Span};
use crate::intake::{EntityId, HostId};
use crate::reading::{Event, Row, UnixSeconds, Value, Way};
use crate::table::{Table, Tables};
use rows::{Packed, Raw, Rows, pack};
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
    /// Of the tables seen so far, by where their definition lies.
    shapes: HashMap<usize, Arc<Shape>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct TargetBase {
    /// When the newest collection was stored.
    ts: UnixSeconds,
    uptime_s: Option<i64>,
    boot: u64,
    wraps: bool,
    /// A target fills few tables: looking through them is faster than hashing.
    tables: Vec<(&'static str, Rows)>,
}

impl TargetBase {
    fn rows(&mut self, table: &'static str) -> &mut Rows {
        let place = self.tables.iter().position(|(name, _)| *name == table);
        let place = place.unwrap_or_else(|| {
            self.tables.push((table, Rows::default()));
            self.tables.len() - 1
        });
        &mut self.tables[place].1
    }
}

/// Which row of a table: its entity, or the process that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    key: RowKey,
    moment: Moment,
    discontinuity: Option<u64>,
    /// Of the table's counter and input columns, in their order.
    counters: Packed,
    /// Read before a restart of this process: our own clock proves nothing about it.
    restored: bool,
    /// The row before was already refused as a zero that cannot be.
    zero_refused: bool,
    /// Operational state of an interface, to notice a change.
    up: Option<bool>,
}

/// What a row's step from its baseline gave, beside its deltas.
#[derive(Default)]
pub(super) struct Step {
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

/// The baselines of one table of one target, while a collection is taken in.
pub(super) struct TableBase<'a> {
    rows: &'a mut Rows,
    shape: Arc<Shape>,
    table: &'static Table,
    moment: Moment,
    scratch: Vec<u64>,
}

impl TableBase<'_> {
    /// Compares a row with its baseline and makes it the next one. The row's counters and inputs
    /// become `Int` deltas or `Null`.
    pub(super) fn advance(
        &mut self,
        entity: Option<EntityId>,
        row: &mut Row,
        speed_bps: Option<i64>,
    ) -> Step {
        if self.shape.counted.is_empty() {
            return Step::default();
        }
        let key = RowKey::of(self.table, entity, row);
        let up = self.shape.link_state(row);
        pack(self.shape.raw(row), &mut self.scratch);
        if let Some(before) = self.rows.get_mut(key) {
            return before.advance(
                &self.shape,
                self.moment,
                (row, up),
                speed_bps,
                &self.scratch,
            );
        }
        self.rows.add(BaseRow {
            key,
            moment: self.moment,
            discontinuity: row.discontinuity,
            counters: Packed::of(&self.scratch),
            restored: false,
            zero_refused: false,
            up,
        });
        self.shape.forget_counters(&mut row.values);
        Step::default()
    }

    /// Drops rows that were not in this collection: processes at once, for their pids come again;
    /// entities after a day.
    pub(super) fn forget_unseen(self) {
        let limit = if self.table.entity.is_some() {
            FORGET_MS
        } else {
            0
        };
        let now = self.moment.read_at_ms;
        self.rows
            .settle(|row| row.zero_refused || now.saturating_sub(row.moment.read_at_ms) <= limit);
    }
}

impl BaseRow {
    /// `packed` are the row's counters as read.
    fn advance(
        &mut self,
        shape: &Shape,
        moment: Moment,
        (row, up): (&mut Row, Option<bool>),
        speed_bps: Option<i64>,
        packed: &[u64],
    ) -> Step {
        let mut step = Step::default();
        if let (Some(was), Some(is)) = (self.up, up)
            && was != is
        {
            step.event = Some(LinkChange { up: is });
        }
        let span = span_of(self, &moment, row.discontinuity);
        let filling = self.moment.uptime.is_some_and(|u| u.ms < FILLING_MS);
        let mut zero = false;
        let mut before = self.counters.iter();
        for (i, bits) in &shape.counted {
            let from = match before.next() {
                Raw::Bits32(0) | Raw::Bits64(0) if filling => Value::Null,
                raw => raw.value(),
            };
            let now = &mut row.values[*i];
            *now = match counter::delta(&from, now, span, *bits, speed_bps) {
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
            shape.forget_counters(&mut row.values);
            self.zero_refused = true;
            self.up = up;
            return step;
        }
        if span != Span::Disorder {
            step.elapsed_ms = span.elapsed_ms().and_then(|ms| i64::try_from(ms).ok());
            self.moment = moment;
            self.restored = false;
            self.discontinuity = row.discontinuity;
            self.zero_refused = false;
            self.up = up;
            self.counters.replace(packed);
        }
        step
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
    /// The baselines of a table's rows, to be compared with those of a collection of `moment`.
    pub(super) fn table(
        &mut self,
        target: &TargetKey,
        table: &'static Table,
        moment: Moment,
    ) -> TableBase<'_> {
        let shape = self.shapes.entry(std::ptr::from_ref(table) as usize);
        let shape = shape.or_insert_with(|| Arc::new(Shape::of(table))).clone();
        TableBase {
            rows: self.base(target).rows(table.name),
            shape,
            table,
            moment,
            scratch: Vec::new(),
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
            ..Baselines::default()
        }
    }

    /// Forgets targets that are gone.
    pub(super) fn keep(&mut self, wanted: impl Fn(&TargetKey) -> bool) {
        self.targets.retain(|key, _| wanted(key));
    }

    /// Forgets the rows of other tables than these.
    pub(super) fn keep_tables(&mut self, wanted: impl Fn(&str) -> bool) {
        for base in self.targets.values_mut() {
            base.tables.retain(|(name, _)| wanted(name));
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

    /// All of it as bytes, piece by piece; see [`super::Intake::save_baselines`].
    pub(super) fn save<E>(
        &self,
        tables: &Tables,
        write: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        codec::encode(&self.targets, tables, write)
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
