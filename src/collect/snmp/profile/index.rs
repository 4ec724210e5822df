//! The parts of a row's index.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::collect::snmp::text;
use crate::profile::expression::Val;
use crate::profile::{IndexKind, IndexPart, IndexShape, dotted};

/// The arcs of a part; `None` when the index is too short for it.
pub(super) fn arcs<'i>(shape: &IndexShape, index: &'i [u32], part: IndexPart) -> Option<&'i [u32]> {
    let IndexPart::Part(wanted) = part else {
        return Some(index);
    };
    if shape.parts.is_empty() {
        return index.get(wanted..=wanted);
    }
    let mut rest = index;
    for (place, kind) in shape.parts.iter().enumerate() {
        let (skip, length): (usize, usize) = match kind {
            IndexKind::Int => (0, 1),
            IndexKind::Ip => (0, 4),
            IndexKind::Mac => (0, 6),
            IndexKind::Octets(Some(size)) => (0, *size),
            IndexKind::Text | IndexKind::Inet | IndexKind::Octets(None) => {
                (1, usize::try_from(*rest.first()?).ok()?)
            }
            IndexKind::Rest | IndexKind::Oid => (0, rest.len()),
        };
        let end = skip.checked_add(length).filter(|end| *end <= rest.len())?;
        if place == wanted {
            return Some(&rest[skip..end]);
        }
        rest = &rest[end..];
    }
    None
}

/// A part as a value.
pub(super) fn value(shape: &IndexShape, index: &[u32], part: IndexPart) -> Val {
    let Some(arcs) = arcs(shape, index, part) else {
        return Val::Null;
    };
    let kind = match part {
        IndexPart::Whole => return Val::text(dotted(arcs).to_string()),
        IndexPart::Part(place) => shape.parts.get(place).copied().unwrap_or(IndexKind::Int),
    };
    let octets = || {
        arcs.iter()
            .map(|a| u8::try_from(*a).ok())
            .collect::<Option<Vec<u8>>>()
    };
    match kind {
        IndexKind::Int => arcs.first().map_or(Val::Null, |a| Val::Int((*a).into())),
        IndexKind::Oid => Val::text(dotted(arcs).to_string()),
        IndexKind::Ip | IndexKind::Inet => octets().map_or(Val::Null, |o| address(&o)),
        IndexKind::Mac | IndexKind::Octets(_) => octets().map_or(Val::Null, |o| hex(&o, ":")),
        IndexKind::Text | IndexKind::Rest => match octets() {
            Some(octets) => Val::text(text::shown(&octets)),
            None => Val::text(dotted(arcs).to_string()),
        },
    }
}

/// An address of 4 or 16 octets; a zone behind it is left out.
pub(super) fn address(octets: &[u8]) -> Val {
    let four = |o: &[u8]| <[u8; 4]>::try_from(o).ok().map(Ipv4Addr::from);
    let sixteen = |o: &[u8]| <[u8; 16]>::try_from(o).ok().map(Ipv6Addr::from);
    match octets.len() {
        4 | 8 => four(&octets[..4]).map_or(Val::Null, |a| Val::text(a.to_string())),
        16 | 20 => sixteen(&octets[..16]).map_or(Val::Null, |a| Val::text(a.to_string())),
        _ => Val::Null,
    }
}

pub(super) fn hex(octets: &[u8], between: &str) -> Val {
    if octets.is_empty() {
        return Val::Null;
    }
    let octets: Vec<String> = octets
        .iter()
        .take(256)
        .map(|o| format!("{o:02x}"))
        .collect();
    Val::text(octets.join(between))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_by_hand() {
        let shape = |parts: &[IndexKind]| IndexShape {
            parts: parts.to_vec(),
        };
        let part =
            |parts: &[IndexKind], index: &[u32], n| value(&shape(parts), index, IndexPart::Part(n));
        use IndexKind::*;
        assert_eq!(part(&[], &[7, 9], 1), Val::Int(9));
        assert_eq!(part(&[], &[7, 9], 2), Val::Null);
        assert_eq!(
            part(&[Ip, Int], &[10, 0, 0, 1, 5], 0),
            Val::text("10.0.0.1")
        );
        assert_eq!(part(&[Ip, Int], &[10, 0, 0, 1, 5], 1), Val::Int(5));
        assert_eq!(part(&[Text, Int], &[2, 104, 105, 3], 0), Val::text("hi"));
        assert_eq!(part(&[Text, Int], &[2, 104, 105, 3], 1), Val::Int(3));
        assert_eq!(part(&[Text], &[9, 104], 0), Val::Null);
        assert_eq!(part(&[Rest], &[104, 105], 0), Val::text("hi"));
        assert_eq!(
            part(&[Mac], &[0, 1, 2, 10, 255, 3], 0),
            Val::text("00:01:02:0a:ff:03")
        );
        assert_eq!(part(&[Mac], &[0, 1, 2, 10, 256, 3], 0), Val::Null);
        assert_eq!(
            part(&[Int, Inet], &[1, 4, 192, 0, 2, 1], 1),
            Val::text("192.0.2.1")
        );
        assert_eq!(
            part(&[Octets(Some(2)), Oid], &[1, 2, 1, 3, 6], 1),
            Val::text("1.3.6")
        );
        assert_eq!(
            value(&shape(&[]), &[1, 2], IndexPart::Whole),
            Val::text("1.2")
        );
    }
}
