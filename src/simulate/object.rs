//! What a device offers: objects sorted by name, found by binary search.

use std::cmp::Ordering;

use super::invented::Source;
use crate::collect::snmp::codec;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const NAME: u8 = 0x06;
pub(super) const ADDRESS: u8 = 0x40;
pub(super) const COUNTER32: u8 = 0x41;
pub(super) const GAUGE: u8 = 0x42;
pub(super) const TICKS: u8 = 0x43;
pub(super) const OPAQUE: u8 = 0x44;
pub(super) const COUNTER64: u8 = 0x46;

/// Where the value of an object comes from.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// As recorded: tag and content octets.
    Recorded(u8, Box<[u8]>),
    /// Hundredths of a second at the time of the recording; they go on.
    RecordedClock(u32),
    Invented(Source),
}

#[derive(Debug)]
pub(super) struct Object {
    arcs: Box<[u32]>,
    /// The BER content octets of the name.
    pub(super) name: Box<[u8]>,
    pub(super) value: Value,
}

/// The objects of one kind of device; a fleet shares them.
#[derive(Debug)]
pub(super) struct Objects(Vec<Object>);

impl Objects {
    /// Sorts them. Of two with one name the first stays.
    pub(super) fn new(found: Vec<(Vec<u32>, Value)>) -> Objects {
        let mut objects: Vec<Object> = found
            .into_iter()
            .map(|(arcs, value)| {
                let mut name = Vec::new();
                codec::push_name(&arcs, &mut name);
                Object {
                    arcs: arcs.into(),
                    name: name.into(),
                    value,
                }
            })
            .collect();
        objects.sort_by(|a, b| a.arcs.cmp(&b.arcs));
        objects.dedup_by(|later, first| later.arcs == first.arcs);
        Objects(objects)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The object at that place of the order.
    pub(super) fn at(&self, place: usize) -> Option<&Object> {
        self.0.get(place)
    }

    /// The place of the object of exactly that name.
    pub(super) fn find(&self, arcs: &[u32]) -> Option<usize> {
        self.0.binary_search_by(|o| (*o.arcs).cmp(arcs)).ok()
    }

    /// The place of the first object behind that name; past the end when there is none.
    pub(super) fn behind(&self, arcs: &[u32]) -> usize {
        self.0
            .partition_point(|o| (*o.arcs).cmp(arcs) != Ordering::Greater)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects() -> Objects {
        let named = |arcs: &[u32]| (arcs.to_vec(), Value::Recorded(INTEGER, [1].into()));
        Objects::new(vec![
            named(&[1, 3, 16_384]),
            named(&[1, 3, 6, 1]),
            named(&[1, 3, 6]),
            named(&[1, 3, 16_383]),
            named(&[1, 3, 6]),
        ])
    }

    #[test]
    fn walks_in_the_order_of_arcs_not_of_octets() {
        let objects = objects();
        assert_eq!(objects.len(), 4);
        let mut name = vec![1, 3];
        let mut seen = Vec::new();
        while let Some(object) = objects.at(objects.behind(&name)) {
            name = object.arcs.to_vec();
            seen.push(name.clone());
        }
        let expected: [&[u32]; 4] = [&[1, 3, 6], &[1, 3, 6, 1], &[1, 3, 16_383], &[1, 3, 16_384]];
        assert_eq!(seen, expected);
    }

    #[test]
    fn finds_only_the_exact_name() {
        let objects = objects();
        assert_eq!(objects.find(&[1, 3, 6, 1]), Some(1));
        assert_eq!(objects.find(&[1, 3, 6, 2]), None);
        assert_eq!(objects.find(&[1, 3]), None);
        assert_eq!(objects.behind(&[2]), 4);
    }
}
