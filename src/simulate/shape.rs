//! What an invented fleet is made up of: which objects each device offers.

use super::invented::{Moment, PortValue, Source};
use super::object::{GAUGE, INTEGER, Objects, TICKS, Value};

const SYSTEM: &[u32] = &[1, 3, 6, 1, 2, 1, 1];
const IF: &[u32] = &[1, 3, 6, 1, 2, 1, 2, 2, 1];
const IFX: &[u32] = &[1, 3, 6, 1, 2, 1, 31, 1, 1, 1];
const HR: &[u32] = &[1, 3, 6, 1, 2, 1, 25];
const UCD: &[u32] = &[1, 3, 6, 1, 4, 1, 2021];
const ENGINE: &[u32] = &[1, 3, 6, 1, 6, 3, 10, 2, 1];

/// How a fleet is made up.
#[derive(Clone, Debug)]
pub struct Shape {
    pub seed: u64,
    pub ports: u32,
    /// No 64-bit counters.
    pub counters32: bool,
    /// Each device starts anew once in this many milliseconds; 0: never.
    pub reboot_every_ms: u64,
    /// The ports of each device change places once in this many milliseconds; 0: never.
    pub renumber_every_ms: u64,
}

/// A counter of a port, by the name of its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    InOctets,
    InUnicast,
    InMulticast,
    InBroadcast,
    InDiscards,
    InErrors,
    OutOctets,
    OutUnicast,
    OutMulticast,
    OutBroadcast,
    OutDiscards,
    OutErrors,
}

use Counter::*;

/// ifTable's column of each counter (0: none), and the 32-bit and 64-bit ones of ifXTable.
pub(super) const COUNTERS: [(Counter, u32, u32, u32); 12] = [
    (InOctets, 10, 0, 6),
    (InUnicast, 11, 0, 7),
    (InMulticast, 0, 2, 8),
    (InBroadcast, 0, 3, 9),
    (InDiscards, 13, 0, 0),
    (InErrors, 14, 0, 0),
    (OutOctets, 16, 0, 10),
    (OutUnicast, 17, 0, 11),
    (OutMulticast, 0, 4, 12),
    (OutBroadcast, 0, 5, 13),
    (OutDiscards, 19, 0, 0),
    (OutErrors, 20, 0, 0),
];

impl Shape {
    /// What the device offers; every device of the fleet the same objects.
    pub(super) fn objects(&self) -> Objects {
        let mut found = Vec::new();
        host_objects(&mut found);
        let ports = Source::Number(INTEGER, self.ports);
        push(&mut found, &[1, 3, 6, 1, 2, 1, 2, 1], &[0], ports);
        for index in 1..=self.ports {
            self.port_objects(index, &mut found);
        }
        Objects::new(found)
    }

    fn port_objects(&self, index: u32, found: &mut Vec<(Vec<u32>, Value)>) {
        let port = |value| Source::Port(value, index);
        let mut add = |entry: &[u32], column: u32, source: Source| {
            push(found, entry, &[column, index], source);
        };
        add(IF, 1, port(PortValue::Index));
        add(IF, 2, port(PortValue::Descr));
        add(IF, 3, Source::Number(INTEGER, 6));
        add(IF, 4, Source::Number(INTEGER, 1_500));
        add(IF, 5, Source::Number(GAUGE, 1_000_000_000));
        add(IF, 6, port(PortValue::Mac));
        add(IF, 7, Source::Number(INTEGER, 1));
        add(IF, 8, port(PortValue::State));
        add(IFX, 1, port(PortValue::Name));
        add(IFX, 15, Source::Number(GAUGE, 1_000));
        add(IFX, 18, port(PortValue::Alias));
        add(IFX, 19, Source::Number(TICKS, 0));
        for (counter, basic, extended, wide) in COUNTERS {
            let of = |wide| port(PortValue::Counter(counter, wide));
            if basic > 0 {
                add(IF, basic, of(false));
            }
            if extended > 0 {
                add(IFX, extended, of(false));
            }
            if wide > 0 && !self.counters32 {
                add(IFX, wide, of(true));
            }
        }
    }

    /// The name (ifName) of a port, counted from 0.
    pub fn port_name(port: u32) -> String {
        format!("Gi0/{}", port + 1)
    }

    /// The counter of a port (counted from 0) of a device (counted from 0), so many milliseconds
    /// after the simulation began. Counters of 32 bits show the lower half.
    pub fn counter(&self, device: u32, port: u32, counter: Counter, elapsed_ms: u64) -> u64 {
        let moment = Moment {
            shape: self,
            device,
            elapsed_ms,
        };
        moment.counter(port, counter)
    }
}

fn push(found: &mut Vec<(Vec<u32>, Value)>, root: &[u32], index: &[u32], source: Source) {
    let arcs = root.iter().chain(index).copied().collect();
    found.push((arcs, Value::Invented(source)));
}

/// Index, hrStorageType, description, and in kilobytes the size and the least and most used.
type Storage = (u32, &'static [u32], &'static str, u32, u32, u32);

fn host_objects(found: &mut Vec<(Vec<u32>, Value)>) {
    let mut add = |root: &[u32], index: &[u32], source| push(found, root, index, source);
    add(SYSTEM, &[1, 0], Source::Text("Simulated switch"));
    add(
        SYSTEM,
        &[2, 0],
        Source::Name(&[1, 3, 6, 1, 4, 1, 8072, 3, 2, 255]),
    );
    add(SYSTEM, &[3, 0], Source::UpTicks);
    add(SYSTEM, &[4, 0], Source::Text("nobody"));
    add(SYSTEM, &[5, 0], Source::SysName);
    add(SYSTEM, &[6, 0], Source::Text("loopback"));
    add(&[1, 3, 6, 1, 2, 1, 31, 1, 5], &[0], Source::LastChange);
    add(ENGINE, &[2, 0], Source::Boots);
    add(ENGINE, &[3, 0], Source::UpSeconds);
    add(HR, &[1, 1, 0], Source::UpTicks);
    add(HR, &[1, 5, 0], Source::Swing(GAUGE, 0, 4));
    add(HR, &[1, 6, 0], Source::Swing(GAUGE, 90, 140));
    add(HR, &[2, 2, 0], Source::Number(INTEGER, 4_000_000));
    let storages: [Storage; 3] = [
        (
            1,
            &[1, 3, 6, 1, 2, 1, 25, 2, 1, 2],
            "Physical memory",
            4_000_000,
            1_200_000,
            3_000_000,
        ),
        (
            31,
            &[1, 3, 6, 1, 2, 1, 25, 2, 1, 4],
            "/",
            20_000_000,
            9_000_000,
            11_000_000,
        ),
        (
            32,
            &[1, 3, 6, 1, 2, 1, 25, 2, 1, 4],
            "/var",
            40_000_000,
            20_000_000,
            36_000_000,
        ),
    ];
    for (index, kind, description, size, least, most) in storages {
        add(HR, &[2, 3, 1, 1, index], Source::Number(INTEGER, index));
        add(HR, &[2, 3, 1, 2, index], Source::Name(kind));
        add(HR, &[2, 3, 1, 3, index], Source::Text(description));
        add(HR, &[2, 3, 1, 4, index], Source::Number(INTEGER, 1_024));
        add(HR, &[2, 3, 1, 5, index], Source::Number(INTEGER, size));
        add(
            HR,
            &[2, 3, 1, 6, index],
            Source::Swing(INTEGER, least, most),
        );
    }
    for (column, value) in [(3, 1_000_000), (4, 900_000), (5, 4_000_000)] {
        add(UCD, &[4, column, 0], Source::Number(INTEGER, value));
    }
    add(UCD, &[4, 6, 0], Source::Swing(INTEGER, 500_000, 1_200_000));
    for (column, value) in [(13, 50_000), (14, 200_000), (15, 900_000)] {
        add(UCD, &[4, column, 0], Source::Number(INTEGER, value));
    }
    for average in 1..=3 {
        add(UCD, &[10, 1, 3, average], Source::Load(true));
        add(UCD, &[10, 1, 5, average], Source::Load(false));
    }
    // Hundredths of a second on two CPUs: together 200 in a second.
    let ticks = [
        (50, 30),
        (51, 1),
        (52, 15),
        (53, 145),
        (54, 5),
        (56, 1),
        (61, 2),
        (64, 1),
    ];
    for (column, per_second) in ticks {
        add(
            UCD,
            &[11, column, 0],
            Source::HostCounter(per_second * 1_000),
        );
    }
    add(UCD, &[11, 67, 0], Source::Number(INTEGER, 2));
}
