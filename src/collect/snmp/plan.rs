//! What to ask a device in every poll, learned by walking its tables, and what the answers mean.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::clock::Clock;
use super::device::Device;
use super::disk::{self, Disk};
use super::exchange::{Line, Trouble};
use super::filesystem::{self, Storage};
use super::get::{self, Items};
use super::host;
use super::interface::{self, Port, PortSeen};
use super::profile::{Given, Profiles};
use super::scalar::{self, Scalar, Scalars};
use super::text;
use super::ucd_disk::{self, UcdDisk};
use super::value::Datum;
use super::walk::{TableSpec, Walked, walk};
use crate::inventory::SnmpVersion;
use crate::reading::{TableReadings, Uptime, Value};
use crate::table::INTERFACE;

/// Tables are walked again after this long even when nothing seems to have changed.
const LASTS: Duration = Duration::from_secs(1_800);
/// The same of a device that has just started; and the most after a look that something was wrong
/// with, of which the first is followed by another at once.
const CUT_LASTS: Duration = Duration::from_secs(300);
/// For this long after its start, in ticks, a device may not offer yet all that it will.
const YOUNG_TICKS: i64 = 60_000;
/// With more interfaces than this, rows that come and go are no reason to walk again at once.
const BIG_TABLE: usize = 200;
const BIG_TABLE_LASTS: Duration = Duration::from_secs(300);

/// hrProcessorTable: which CPUs there are, and how busy.
const PROCESSORS: TableSpec = TableSpec {
    name: "hrProcessorTable",
    entry: &[1, 3, 6, 1, 2, 1, 25, 3, 3, 1],
    columns: &[1, 2],
};

/// The learned plan.
pub(super) struct Plan {
    made: Instant,
    scalars: Vec<Scalar>,
    host_facts: Vec<(&'static str, String)>,
    ports: Vec<Port>,
    storages: Vec<Storage>,
    ucd_disks: Vec<UcdDisk>,
    disks: Vec<Disk>,
    /// Indexes of hrProcessorTable.
    cpus: Vec<u32>,
    /// How many objects the newest poll asked for.
    asked: usize,
    /// ifNumber and ifTableLastChange when the ports were learned.
    ports_stamp: (Datum, Datum),
    clock: Clock,
    /// Something was wrong when it was learned: a walk without an end, an object refused, no uptime,
    /// ports that count nothing. It may have been a passing mood of the device.
    doubtful: bool,
    /// When to look again.
    lasts: Duration,
}

/// The answers of one poll, in the order of the items.
pub(super) struct Values {
    answers: Vec<Datum>,
    taken: usize,
}

impl Values {
    pub(super) fn of(answers: Vec<Datum>) -> Values {
        Values { answers, taken: 0 }
    }

    pub(super) fn next(&mut self) -> Datum {
        let next = self.answers.get_mut(self.taken);
        self.taken += 1;
        next.map(std::mem::take).unwrap_or_default()
    }

    /// The next answers, `count` of them.
    pub(super) fn some(&mut self, count: usize) -> &[Datum] {
        let rest = self.answers.get(self.taken..).unwrap_or_default();
        self.taken += count;
        &rest[..count.min(rest.len())]
    }
}

/// What one reading of a plan gave.
#[derive(Default)]
pub(super) struct Read {
    pub(super) tables: Vec<TableReadings>,
    pub(super) uptime: Option<Uptime>,
    pub(super) host_facts: Vec<(&'static str, String)>,
    /// The device is not any more what the plan says.
    pub(super) outdated: bool,
    pub(super) restarted: bool,
    /// What the profiles say.
    pub(super) given: Vec<Given>,
    pub(super) memory_bytes: Option<i64>,
}

/// Looks at a device anew. Parts of the former plan stay where a walk did not get to its end.
pub(super) async fn learn(line: &mut Line<'_>, known: &mut Option<Plan>) -> Result<(), Trouble> {
    line.device.packing.recover();
    let found = ask_all(line).await?;
    let clock = Clock::of(&found);
    line.device.young = clock.ticks.is_some_and(|t| t < YOUNG_TICKS);
    if known
        .as_ref()
        .is_some_and(|b| b.doubtful || clock.restarted_since(b.clock))
    {
        line.device.absent.clear();
    }
    let basic = walk(line, &interface::IF_TABLE).await?;
    let extended = walk(line, &interface::IFX_TABLE).await?;
    let storage = walk(line, &filesystem::STORAGE).await?;
    let mounts = walk(line, &filesystem::FS).await?;
    let ucd_disks = walk(line, &ucd_disk::UCD_DISKS).await?;
    let disks = walk(line, &disk::DISKS).await?;
    let cpus = walk(line, &PROCESSORS).await?;
    let mut plan = Plan {
        made: Instant::now(),
        scalars: scalar::worth_asking(&found),
        host_facts: host::facts(&found),
        ports: interface::learn(
            &basic,
            &extended,
            &line.device.interfaces,
            known.as_ref().map_or(&[], |k| &k.ports),
        ),
        storages: filesystem::learn(&storage, &mounts),
        ucd_disks: ucd_disk::learn(&ucd_disks),
        disks: disk::learn(&disks, line.version == SnmpVersion::V1),
        cpus: cpus.numbered().map(|(index, _)| index).collect(),
        asked: 0,
        ports_stamp: stamp(&found),
        clock,
        doubtful: false,
        lasts: LASTS,
    };
    let cut = |walked: &Walked| walked.incomplete.is_some();
    let walks = [
        &basic, &extended, &storage, &mounts, &ucd_disks, &disks, &cpus,
    ];
    let silent_ports = !plan.ports.is_empty() && !plan.ports.iter().any(Port::counts);
    let odd = clock.ticks.is_none() || silent_ports || !line.problems.is_empty();
    plan.doubtful = odd || walks.into_iter().any(cut);
    plan.lasts = lasts(line.device, plan.doubtful);
    if let Some(before) = known.take() {
        if cut(&basic) || cut(&extended) {
            plan.ports = before.ports;
        }
        if cut(&storage) || cut(&mounts) {
            plan.storages = before.storages;
        }
        if cut(&ucd_disks) {
            plan.ucd_disks = before.ucd_disks;
        }
        if cut(&disks) {
            plan.disks = before.disks;
        }
        if cut(&cpus) {
            plan.cpus = before.cpus;
        }
    }
    *known = Some(plan);
    Ok(())
}

/// How long a new plan serves: shorter when there is something to come, and when it is doubtful, at
/// first until the next poll only, then ever longer.
fn lasts(device: &mut Device, doubtful: bool) -> Duration {
    if !doubtful {
        device.doubts = 0;
        return if device.young { CUT_LASTS } else { LASTS };
    }
    device.doubts = (device.doubts + 1).min(10);
    Duration::from_secs((1 << device.doubts) - 2).min(CUT_LASTS)
}

/// Asks for everything in the plan; nothing when there is none.
pub(super) async fn read(
    line: &mut Line<'_>,
    known: &mut Option<Plan>,
    profiles: &mut Profiles,
) -> Result<Read, Trouble> {
    match known {
        Some(plan) => plan.read(line, profiles).await,
        None => Ok(Read::default()),
    }
}

async fn ask_all(line: &mut Line<'_>) -> Result<Scalars, Trouble> {
    let all = scalar::all(line.version);
    let mut items = Items::default();
    let order = scalar::push(&all, &mut items);
    let answers = get::get(line, &items).await?;
    let mut found = Scalars::none();
    for (scalar, answer) in order.into_iter().zip(answers) {
        found.set(scalar, answer);
    }
    Ok(found)
}

fn stamp(found: &Scalars) -> (Datum, Datum) {
    (
        found.get(Scalar::IfNumber).clone(),
        found.get(Scalar::IfTableLastChange).clone(),
    )
}

impl Plan {
    /// Everything to be asked for, the profiles' share last; and how many the others are. It is made
    /// anew for every poll: of ten thousand devices it would take more memory than all the rest.
    fn items(&mut self, profiles: &Profiles) -> (Items, usize) {
        let mut items = Items::with_capacity(self.asked);
        self.scalars = scalar::push(&self.scalars, &mut items);
        for cpu in &self.cpus {
            items.push(PROCESSORS.entry, &[2, *cpu], 2, 0);
        }
        self.storages.iter().for_each(|s| s.push(&mut items));
        self.ucd_disks.iter().for_each(|d| d.push(&mut items));
        self.disks.iter().for_each(|d| d.push(&mut items));
        self.ports.iter().for_each(|p| p.push(&mut items));
        let own = items.len();
        profiles.push(&mut items);
        self.asked = items.len();
        (items, own)
    }

    /// Whether it is time to look at the device anew.
    pub(super) fn is_old(&self) -> bool {
        self.made.elapsed() > self.lasts
    }

    /// Asks for all items. When the profiles' share is too much for the device, it is left out.
    async fn ask(
        &mut self,
        line: &mut Line<'_>,
        profiles: &mut Profiles,
    ) -> Result<Values, Trouble> {
        let (items, own) = self.items(profiles);
        let answers = match get::get(line, &items).await {
            Err(Trouble::Silence { .. } | Trouble::Malformed(_))
                if items.len() > own && line.answered > 0 =>
            {
                line.note("the device ends its answers at what the profiles ask: without them for 5 minutes".into());
                profiles.give_up();
                get::get(line, &self.items(profiles).0).await?
            }
            answers => answers?,
        };
        Ok(Values::of(answers))
    }

    async fn read(
        &mut self,
        line: &mut Line<'_>,
        profiles: &mut Profiles,
    ) -> Result<Read, Trouble> {
        let mut values = self.ask(line, profiles).await?;
        let mut found = Scalars::none();
        for scalar in &self.scalars {
            found.set(*scalar, values.next());
        }
        let clock = Clock::of(&found);
        let restarted = clock.restarted_since(self.clock);
        self.clock = clock;
        let mut change = if stamp(&found) == self.ports_stamp {
            Change::None
        } else {
            Change::Gone
        };
        let (mut tables, others) = self.read_host(&found, &mut values);
        let (ports, of_ports) = self.read_ports(&mut values);
        change = change.max(others).max(of_ports);
        tables.push(ports);
        let given = profiles.take(&mut values);
        tables.retain(|t| !t.rows.is_empty());
        let patient = self.ports.len() > BIG_TABLE && self.made.elapsed() < BIG_TABLE_LASTS;
        Ok(Read {
            tables,
            uptime: clock.uptime(),
            host_facts: self.host_facts.clone(),
            given,
            restarted,
            outdated: restarted
                || change == Change::Renamed
                || (change == Change::Gone && !patient),
            memory_bytes: host::memory_bytes(&found),
        })
    }

    /// Everything but the interfaces, in the order of [`Plan::items`].
    fn read_host(&self, found: &Scalars, values: &mut Values) -> (Vec<TableReadings>, Change) {
        let loads: Vec<Datum> = self.cpus.iter().map(|_| values.next()).collect();
        let loads: Vec<i64> = loads.iter().filter_map(Datum::int).collect();
        let storages: Vec<_> = self.storages.iter().map(|s| s.read(values)).collect();
        let ucd: Vec<_> = self.ucd_disks.iter().map(|d| d.read(values)).collect();
        let disks = disk::rows(&self.disks, values);
        let gone = storages.iter().any(Result::is_err)
            || ucd.iter().any(Result::is_err)
            || disks.rows.len() < self.disks.len();
        let storages: Vec<_> = storages.into_iter().flatten().flatten().collect();
        let ucd: Vec<_> = ucd.into_iter().flatten().collect();
        let mut tables = host::tables(found, &loads, self.cpus.len(), &storages);
        tables.push(filesystem::rows(storages, ucd));
        tables.push(disks);
        let change = if gone { Change::Gone } else { Change::None };
        (tables, change)
    }

    fn read_ports(&self, values: &mut Values) -> (TableReadings, Change) {
        let mut rows = Vec::with_capacity(self.ports.len());
        let mut change = Change::None;
        for port in &self.ports {
            match port.read(values) {
                PortSeen::Row(row) => rows.push(row),
                PortSeen::Gone => change = change.max(Change::Gone),
                PortSeen::Asleep => {}
                PortSeen::Renamed | PortSeen::Awoken => change = Change::Renamed,
            }
        }
        let table = &INTERFACE;
        (TableReadings { table, rows }, change)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    None,
    Gone,
    Renamed,
}

/// A counter as the device gave it; some devices give one the type of a gauge.
pub(super) fn counter(datum: &Datum) -> Value {
    match datum {
        Datum::Counter32(v) | Datum::Gauge(v) => Value::Counter32(*v),
        Datum::Counter64(v) => Value::Counter64(*v),
        Datum::Integer(v) => u32::try_from(*v).map_or(Value::Null, Value::Counter32),
        _ => Value::Null,
    }
}

/// Text as a cell; `Null` when there is none.
pub(super) fn shown(octets: &[u8]) -> Value {
    let text = text::shown(octets);
    if text.is_empty() {
        Value::Null
    } else {
        Value::Text(Arc::from(text))
    }
}
