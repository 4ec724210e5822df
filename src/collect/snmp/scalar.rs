//! Objects that a device has once.

use super::get::Items;
use super::value::Datum;
use crate::inventory::SnmpVersion;

/// Every single object that we know to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    UpTime,
    ObjectId,
    Descr,
    Contact,
    Name,
    Location,
    IfNumber,
    IfTableLastChange,
    EngineBoots,
    EngineTime,
    HrUptime,
    HrUsers,
    HrProcesses,
    HrMemory,
    Load1,
    Load5,
    Load15,
    LoadText1,
    LoadText5,
    LoadText15,
    IdlePct,
    TicksUser,
    TicksNice,
    TicksSystem,
    TicksIdle,
    TicksWait,
    TicksInterrupt,
    TicksSoftInterrupt,
    TicksSteal,
    Cpus,
    SwapTotal,
    SwapFree,
    MemTotal,
    MemFree,
    MemShared,
    MemBuffer,
    MemCached,
    SwapTotal64,
    SwapFree64,
    MemTotal64,
    MemFree64,
    MemShared64,
    MemBuffer64,
    MemCached64,
    MemAvailable64,
}

struct Spec {
    scalar: Scalar,
    /// The name without the last 0.
    root: &'static [u32],
    /// Usual length of the value.
    octets: usize,
    group: u8,
    when: When,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// Seldom changes: asked when we look at the device anew.
    Rarely,
    Always,
    /// The same, of a type that version 1 does not have.
    Always64,
}

const fn spec(scalar: Scalar, root: &'static [u32], octets: usize, group: u8, when: When) -> Spec {
    Spec {
        scalar,
        root,
        octets,
        group,
        when,
    }
}

use Scalar::*;
use When::{Always, Always64, Rarely};

/// In the order in which they are asked; sysUpTime first, so that it travels with the counters of
/// the first datagram.
const SPECS: [Spec; 45] = [
    spec(UpTime, &[1, 3, 6, 1, 2, 1, 1, 3], 5, 0, Always),
    spec(IfNumber, &[1, 3, 6, 1, 2, 1, 2, 1], 4, 0, Always),
    spec(
        IfTableLastChange,
        &[1, 3, 6, 1, 2, 1, 31, 1, 5],
        5,
        0,
        Always,
    ),
    spec(EngineBoots, &[1, 3, 6, 1, 6, 3, 10, 2, 1, 2], 4, 1, Always),
    spec(EngineTime, &[1, 3, 6, 1, 6, 3, 10, 2, 1, 3], 4, 1, Always),
    spec(HrUptime, &[1, 3, 6, 1, 2, 1, 25, 1, 1], 5, 2, Always),
    spec(HrUsers, &[1, 3, 6, 1, 2, 1, 25, 1, 5], 4, 2, Always),
    spec(HrProcesses, &[1, 3, 6, 1, 2, 1, 25, 1, 6], 4, 2, Always),
    spec(HrMemory, &[1, 3, 6, 1, 2, 1, 25, 2, 2], 5, 2, Always),
    spec(Load1, &[1, 3, 6, 1, 4, 1, 2021, 10, 1, 5, 1], 4, 3, Always),
    spec(Load5, &[1, 3, 6, 1, 4, 1, 2021, 10, 1, 5, 2], 4, 3, Always),
    spec(Load15, &[1, 3, 6, 1, 4, 1, 2021, 10, 1, 5, 3], 4, 3, Always),
    spec(
        LoadText1,
        &[1, 3, 6, 1, 4, 1, 2021, 10, 1, 3, 1],
        6,
        4,
        Always,
    ),
    spec(
        LoadText5,
        &[1, 3, 6, 1, 4, 1, 2021, 10, 1, 3, 2],
        6,
        4,
        Always,
    ),
    spec(
        LoadText15,
        &[1, 3, 6, 1, 4, 1, 2021, 10, 1, 3, 3],
        6,
        4,
        Always,
    ),
    spec(TicksUser, &[1, 3, 6, 1, 4, 1, 2021, 11, 50], 5, 5, Always),
    spec(TicksNice, &[1, 3, 6, 1, 4, 1, 2021, 11, 51], 5, 5, Always),
    spec(TicksSystem, &[1, 3, 6, 1, 4, 1, 2021, 11, 52], 5, 5, Always),
    spec(TicksIdle, &[1, 3, 6, 1, 4, 1, 2021, 11, 53], 5, 5, Always),
    spec(TicksWait, &[1, 3, 6, 1, 4, 1, 2021, 11, 54], 5, 5, Always),
    spec(
        TicksInterrupt,
        &[1, 3, 6, 1, 4, 1, 2021, 11, 56],
        5,
        5,
        Always,
    ),
    spec(
        TicksSoftInterrupt,
        &[1, 3, 6, 1, 4, 1, 2021, 11, 61],
        5,
        5,
        Always,
    ),
    spec(TicksSteal, &[1, 3, 6, 1, 4, 1, 2021, 11, 64], 5, 5, Always),
    spec(IdlePct, &[1, 3, 6, 1, 4, 1, 2021, 11, 11], 2, 6, Always),
    spec(Cpus, &[1, 3, 6, 1, 4, 1, 2021, 11, 67], 2, 6, Always),
    spec(MemTotal, &[1, 3, 6, 1, 4, 1, 2021, 4, 5], 4, 7, Always),
    spec(MemFree, &[1, 3, 6, 1, 4, 1, 2021, 4, 6], 4, 7, Always),
    spec(SwapTotal, &[1, 3, 6, 1, 4, 1, 2021, 4, 3], 4, 7, Always),
    spec(SwapFree, &[1, 3, 6, 1, 4, 1, 2021, 4, 4], 4, 7, Always),
    spec(MemShared, &[1, 3, 6, 1, 4, 1, 2021, 4, 13], 4, 7, Always),
    spec(MemBuffer, &[1, 3, 6, 1, 4, 1, 2021, 4, 14], 4, 7, Always),
    spec(MemCached, &[1, 3, 6, 1, 4, 1, 2021, 4, 15], 4, 7, Always),
    spec(MemTotal64, &[1, 3, 6, 1, 4, 1, 2021, 4, 20], 6, 8, Always64),
    spec(MemFree64, &[1, 3, 6, 1, 4, 1, 2021, 4, 21], 6, 8, Always64),
    spec(
        SwapTotal64,
        &[1, 3, 6, 1, 4, 1, 2021, 4, 18],
        6,
        8,
        Always64,
    ),
    spec(SwapFree64, &[1, 3, 6, 1, 4, 1, 2021, 4, 19], 6, 8, Always64),
    spec(
        MemShared64,
        &[1, 3, 6, 1, 4, 1, 2021, 4, 24],
        6,
        8,
        Always64,
    ),
    spec(
        MemBuffer64,
        &[1, 3, 6, 1, 4, 1, 2021, 4, 25],
        6,
        8,
        Always64,
    ),
    spec(
        MemCached64,
        &[1, 3, 6, 1, 4, 1, 2021, 4, 26],
        6,
        8,
        Always64,
    ),
    spec(
        MemAvailable64,
        &[1, 3, 6, 1, 4, 1, 2021, 4, 27],
        6,
        8,
        Always64,
    ),
    spec(ObjectId, &[1, 3, 6, 1, 2, 1, 1, 2], 12, 0, Rarely),
    spec(Contact, &[1, 3, 6, 1, 2, 1, 1, 4], 40, 0, Rarely),
    spec(Name, &[1, 3, 6, 1, 2, 1, 1, 5], 30, 0, Rarely),
    spec(Location, &[1, 3, 6, 1, 2, 1, 1, 6], 40, 0, Rarely),
    spec(Descr, &[1, 3, 6, 1, 2, 1, 1, 1], 200, 0, Rarely),
];

/// The objects whose last arc is an index of its own and not the 0 of a scalar.
fn index_of(scalar: Scalar) -> &'static [u32] {
    match scalar {
        Load1 | Load5 | Load15 | LoadText1 | LoadText5 | LoadText15 => &[],
        _ => &[0],
    }
}

/// What the device said about the objects it has once.
#[derive(Debug)]
pub(super) struct Scalars(Vec<Datum>);

impl Scalars {
    /// Nothing asked yet.
    pub(super) fn none() -> Scalars {
        Scalars(vec![Datum::Absent; SPECS.len()])
    }

    pub(super) fn get(&self, scalar: Scalar) -> &Datum {
        &self.0[scalar as usize]
    }

    pub(super) fn int(&self, scalar: Scalar) -> Option<i64> {
        self.get(scalar).int()
    }

    pub(super) fn set(&mut self, scalar: Scalar, value: Datum) {
        self.0[scalar as usize] = value;
    }
}

/// Every object there may be, for a first look at a device.
pub(super) fn all(version: SnmpVersion) -> Vec<Scalar> {
    SPECS
        .iter()
        .filter(|s| s.when != Always64 || version != SnmpVersion::V1)
        .map(|s| s.scalar)
        .collect()
}

/// What to ask in every poll of a device that answered `found` to [`all`]: only what it has, and of
/// two objects that say the same only the better one.
pub(super) fn worth_asking(found: &Scalars) -> Vec<Scalar> {
    SPECS
        .iter()
        .filter(|s| s.when != Rarely)
        .map(|s| s.scalar)
        .filter(|s| !found.get(*s).is_absent())
        .filter(|s| better(*s).is_none_or(|b| found.get(b).is_absent()))
        .collect()
}

/// The object that makes this one superfluous.
fn better(scalar: Scalar) -> Option<Scalar> {
    match scalar {
        LoadText1 => Some(Load1),
        LoadText5 => Some(Load5),
        LoadText15 => Some(Load15),
        SwapTotal => Some(SwapTotal64),
        SwapFree => Some(SwapFree64),
        MemTotal => Some(MemTotal64),
        MemFree => Some(MemFree64),
        MemShared => Some(MemShared64),
        MemBuffer => Some(MemBuffer64),
        MemCached => Some(MemCached64),
        _ => None,
    }
}

/// Adds the objects to what is asked and returns them in the order of the answers.
pub(super) fn push(scalars: &[Scalar], items: &mut Items) -> Vec<Scalar> {
    let asked = SPECS.iter().filter(|s| scalars.contains(&s.scalar));
    asked
        .map(|spec| {
            items.push(spec.root, index_of(spec.scalar), spec.octets, spec.group);
            spec.scalar
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_there_once() {
        for (i, spec) in SPECS.iter().enumerate() {
            assert!((spec.scalar as usize) < SPECS.len());
            for other in &SPECS[i + 1..] {
                assert_ne!(spec.scalar, other.scalar);
                assert_ne!(spec.root, other.root);
            }
        }
    }

    #[test]
    fn version_1_is_not_asked_for_64_bits() {
        assert!(!all(SnmpVersion::V1).contains(&MemTotal64));
        assert!(all(SnmpVersion::V2c).contains(&MemTotal64));
    }

    #[test]
    fn the_better_of_two_is_asked() {
        let mut found = Scalars::none();
        found.set(MemTotal, Datum::Integer(1));
        assert_eq!(worth_asking(&found), [MemTotal]);
        found.set(MemTotal64, Datum::Counter64(1));
        assert_eq!(worth_asking(&found), [MemTotal64]);
    }
}
