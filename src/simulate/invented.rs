//! An invented switch that is a small server too: the system group, ports, storage, CPU and memory.
//!
//! Every number follows from the seed, the device, the port and the time, so that a test can say
//! what must have been read, and a value under the wrong name shows.

use std::f64::consts::TAU;

use super::object::{COUNTER32, COUNTER64, INTEGER, NAME, OCTETS, TICKS};
use super::recording::{push_unsigned, signed};
use super::shape::Counter::{self, *};
use super::shape::Shape;
use crate::collect::snmp::codec;

/// Where an invented value comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Text(&'static str),
    Number(u8, u32),
    /// The arcs of a name.
    Name(&'static [u32]),
    SysName,
    UpTicks,
    UpSeconds,
    Boots,
    LastChange,
    /// A gauge that swings between the two.
    Swing(u8, u32, u32),
    /// A load average: hundredths, or as text.
    Load(bool),
    /// A counter of the host itself: this many per 1,000 seconds.
    HostCounter(u32),
    /// The port at an index.
    Port(PortValue, u32),
}

impl Source {
    /// A counter of 64 bits.
    pub(super) fn is_wide(self) -> bool {
        matches!(self, Source::Port(PortValue::Counter(_, true), _))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PortValue {
    Descr,
    Name,
    Alias,
    Mac,
    State,
    Index,
    Counter(Counter, bool),
}

/// One device of the fleet at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    pub(super) shape: &'a Shape,
    pub(super) device: u32,
    /// Since the simulation began.
    pub(super) elapsed_ms: u64,
}

impl Moment<'_> {
    /// Appends the content octets of the value and returns its tag.
    pub(super) fn push(&self, source: Source, out: &mut Vec<u8>) -> u8 {
        match source {
            Source::Text(text) => octets(text.as_bytes(), out),
            Source::Number(tag, value) => number(tag, u64::from(value), out),
            Source::Name(arcs) => {
                codec::push_name(arcs, out);
                NAME
            }
            Source::SysName => octets(format!("sim-{:05}", self.device + 1).as_bytes(), out),
            Source::UpTicks => number(TICKS, self.life().1 / 10 % (1 << 32), out),
            Source::UpSeconds => number(INTEGER, self.life().1 / 1_000 % (1 << 31), out),
            Source::Boots => number(INTEGER, 1 + self.life().0, out),
            Source::LastChange => number(TICKS, self.renumbered() % (1 << 32), out),
            Source::Swing(tag, least, most) => {
                let part = 0.5 + 0.5 * self.wave(u64::from(least ^ most.rotate_left(16)));
                let value = f64::from(least) + f64::from(most - least) * part;
                number(tag, value as u64, out)
            }
            Source::Load(text) => {
                let load = 60.0 + 50.0 * self.wave(77);
                match text {
                    true => octets(format!("{:.2}", load / 100.0).as_bytes(), out),
                    false => number(INTEGER, load as u64, out),
                }
            }
            Source::HostCounter(rate) => {
                let counted = u128::from(self.life().1) * u128::from(rate) / 1_000_000;
                number(COUNTER32, counted as u64 % (1 << 32), out)
            }
            Source::Port(value, index) => self.push_port(value, index, out),
        }
    }

    fn push_port(&self, value: PortValue, index: u32, out: &mut Vec<u8>) -> u8 {
        // Renumbered ports move on by one place, the last to the front.
        let moved = self.renumbered() % u64::from(self.shape.ports);
        let port = ((u64::from(index - 1) + moved) % u64::from(self.shape.ports)) as u32;
        match value {
            PortValue::Index => number(INTEGER, u64::from(index), out),
            PortValue::Descr => octets(format!("GigabitEthernet0/{}", port + 1).as_bytes(), out),
            PortValue::Name => octets(Shape::port_name(port).as_bytes(), out),
            PortValue::Alias => {
                let other = self.hash(u64::from(port), 1_000) % 900;
                octets(format!("to room {other:03}").as_bytes(), out)
            }
            PortValue::Mac => {
                let [_, a, b, c] = self.device.to_be_bytes();
                let [.., d, e] = port.to_be_bytes();
                octets(&[0x02, a, b, c, d, e], out)
            }
            PortValue::State => number(INTEGER, if self.is_up(port) { 1 } else { 2 }, out),
            PortValue::Counter(counter, true) => {
                number(COUNTER64, self.counter(port, counter), out)
            }
            PortValue::Counter(counter, false) => {
                number(COUNTER32, self.counter(port, counter) & 0xffff_ffff, out)
            }
        }
    }

    fn hash(&self, a: u64, b: u64) -> u64 {
        let device = u64::from(self.device);
        mix(self.shape.seed ^ mix(device << 40 ^ a << 16 ^ b))
    }

    fn is_up(&self, port: u32) -> bool {
        port == 0 || !self.hash(u64::from(port), 1_001).is_multiple_of(12)
    }

    /// From -1 to 1 and back, in some minutes.
    fn wave(&self, which: u64) -> f64 {
        let hash = self.hash(which, 1_002);
        let period_ms = 300_000 + hash % 3_000_000;
        ((self.elapsed_ms + (hash >> 32)) as f64 / period_ms as f64 * TAU).sin()
    }

    /// How often it has started anew, and for how many milliseconds it is up.
    fn life(&self) -> (u64, u64) {
        let every = self.shape.reboot_every_ms;
        let before = 86_400_000 + self.hash(1, 1_003) % 8_000_000_000;
        let (boots, since) = self.turns(every, 1_004);
        match boots {
            0 => (0, before + self.elapsed_ms),
            boots => (boots, since),
        }
    }

    /// snmpEngineBoots and snmpEngineTime.
    pub(super) fn engine_clock(&self) -> (u32, u32) {
        let (boots, up_ms) = self.life();
        let whole = |number: u64| (number % (1 << 31)) as u32;
        (whole(1 + boots), whole(up_ms / 1_000))
    }

    fn renumbered(&self) -> u64 {
        self.turns(self.shape.renumber_every_ms, 1_005).0
    }

    /// How often something that happens once in `every` ms has happened, and how long ago.
    fn turns(&self, every: u64, what: u64) -> (u64, u64) {
        if every == 0 {
            return (0, 0);
        }
        let shifted = self.elapsed_ms + self.hash(2, what) % every;
        (shifted / every, shifted % every)
    }

    pub(super) fn counter(&self, port: u32, counter: Counter) -> u64 {
        let hash = self.hash(u64::from(port), counter as u64);
        let (boots, up_ms) = self.life();
        let (base, ms) = match boots {
            0 => (hash >> 24, self.elapsed_ms),
            _ => (0, up_ms),
        };
        if !self.is_up(port) {
            return base;
        }
        let (least, times) = match counter {
            InOctets | OutOctets => (20_000.0, 2_500.0_f64),
            InUnicast | OutUnicast => (200.0, 300.0),
            InMulticast | OutMulticast | InBroadcast | OutBroadcast => (0.5, 40.0),
            InErrors | OutErrors | InDiscards | OutDiscards => (0.000_5, 100.0),
        };
        let rate = least * times.powf((hash & 0xffff) as f64 / 65_535.0);
        // The rate swings by half of itself; the integral of that never falls.
        let turn = TAU / (600.0 + (hash >> 16 & 0xfff) as f64);
        let phase = (hash & 0xff) as f64;
        let seconds = ms as f64 / 1_000.0;
        let swing = (phase.cos() - (turn * seconds + phase).cos()) * 0.5 / turn;
        base + (rate * (seconds + swing)).max(0.0) as u64
    }
}

fn octets(text: &[u8], out: &mut Vec<u8>) -> u8 {
    out.extend_from_slice(text);
    OCTETS
}

fn number(tag: u8, value: u64, out: &mut Vec<u8>) -> u8 {
    if tag == INTEGER {
        out.extend(signed(value as i64));
    } else {
        push_unsigned(value, out);
    }
    tag
}

/// Spreads a number over all 64 bits (the finalizer of SplitMix64).
pub(super) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

#[cfg(test)]
mod tests {
    use super::super::shape::COUNTERS;
    use super::*;

    fn shape() -> Shape {
        Shape {
            seed: 1,
            ports: 24,
            counters32: false,
            reboot_every_ms: 0,
            renumber_every_ms: 0,
        }
    }

    #[test]
    fn counters_rise_and_differ() {
        let shape = shape();
        let mut bases = std::collections::HashSet::new();
        for device in 0..20 {
            for (counter, ..) in COUNTERS {
                let mut last = shape.counter(device, 3, counter, 0);
                assert!(bases.insert(last));
                for ms in (0..2_000_000).step_by(10_000) {
                    let now = shape.counter(device, 3, counter, ms);
                    assert!(now >= last);
                    last = now;
                }
            }
        }
    }

    #[test]
    fn a_restart_takes_counters_back_to_nothing() {
        let shape = Shape {
            reboot_every_ms: 100_000,
            ..shape()
        };
        let at = |elapsed_ms| Moment {
            shape: &shape,
            device: 4,
            elapsed_ms,
        };
        let start = (0..100_000).find(|ms| at(*ms).life().0 == 1).unwrap();
        assert!(at(start - 1).life().1 > 86_400_000);
        assert_eq!(at(start).life(), (1, 0));
        assert_eq!(at(start).counter(0, InOctets), 0);
        assert_eq!(at(start + 100_000).life(), (2, 0));
    }
}
