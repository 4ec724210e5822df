//! Values as they come over the wire.

use std::fmt;

use snmp2::asn1::{TYPE_INTEGER, TYPE_NULL, TYPE_OBJECTIDENTIFIER, TYPE_OCTETSTRING};
use snmp2::snmp::{
    SNMP_ENDOFMIBVIEW, SNMP_NOSUCHINSTANCE, SNMP_NOSUCHOBJECT, TYPE_COUNTER32, TYPE_COUNTER64,
    TYPE_IPADDRESS, TYPE_OPAQUE, TYPE_TIMETICKS, TYPE_UNSIGNED32,
};

use super::oid::Oid;

/// NsapAddress and UInteger32 of RFC 1442: gone from the standard, not from the devices.
const TYPE_NSAP: u8 = 0x45;
const TYPE_UINTEGER32: u8 = 0x47;

/// One decoded value, bounded by the datagram that it came in.
#[derive(Clone, Default, PartialEq)]
pub(super) enum Datum {
    Integer(i64),
    Counter32(u32),
    /// Gauge32 and Unsigned32.
    Gauge(u32),
    /// Hundredths of a second.
    Ticks(u32),
    Counter64(u64),
    Float(f64),
    Bytes(Box<[u8]>),
    Oid(Oid),
    Ip([u8; 4]),
    Null,
    /// The device does not offer it: noSuchObject, noSuchInstance or noSuchName.
    #[default]
    Absent,
    EndOfView,
    /// Well framed, but its content makes no sense for its type, or of a type unknown to SNMP.
    Unreadable,
}

/// Shows what it is and how long, never the octets: they come from outside, and some secrets are
/// among them.
impl fmt::Debug for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Datum::Integer(v) => write!(f, "Integer({v})"),
            Datum::Counter32(v) => write!(f, "Counter32({v})"),
            Datum::Gauge(v) => write!(f, "Gauge({v})"),
            Datum::Ticks(v) => write!(f, "Ticks({v})"),
            Datum::Counter64(v) => write!(f, "Counter64({v})"),
            Datum::Float(v) => write!(f, "Float({v})"),
            Datum::Bytes(v) => write!(f, "Bytes({} octets)", v.len()),
            Datum::Oid(v) => write!(f, "Oid({} arcs)", v.arcs().len()),
            Datum::Ip(_) => f.write_str("Ip"),
            Datum::Null => f.write_str("Null"),
            Datum::Absent => f.write_str("Absent"),
            Datum::EndOfView => f.write_str("EndOfView"),
            Datum::Unreadable => f.write_str("Unreadable"),
        }
    }
}

impl Datum {
    /// Any whole number of any type that fits.
    pub(super) fn int(&self) -> Option<i64> {
        match self {
            Datum::Integer(v) => Some(*v),
            Datum::Counter32(v) | Datum::Gauge(v) | Datum::Ticks(v) => Some(i64::from(*v)),
            Datum::Counter64(v) => i64::try_from(*v).ok(),
            _ => None,
        }
    }

    /// A size in an Integer32 that the device let overflow counts on as if unsigned.
    pub(super) fn size(&self) -> Option<i64> {
        self.int().map(|v| if v < 0 { v + (1 << 32) } else { v })
    }

    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Datum::Bytes(v) => Some(v),
            _ => None,
        }
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Datum::Absent | Datum::EndOfView)
    }
}

/// The value of a tag and its content octets.
///
/// The frame around them is sound already, so a content that makes no sense spoils this one value
/// and no other.
pub(super) fn decode(tag: u8, content: &[u8]) -> Datum {
    let decoded = match tag {
        TYPE_INTEGER => signed(content).map(Datum::Integer),
        TYPE_OCTETSTRING | TYPE_NSAP => Some(Datum::Bytes(content.into())),
        TYPE_OBJECTIDENTIFIER => Oid::from_ber(content).ok().map(Datum::Oid),
        TYPE_IPADDRESS => content.try_into().ok().map(Datum::Ip),
        TYPE_COUNTER32 => unsigned32(content).map(Datum::Counter32),
        TYPE_UNSIGNED32 | TYPE_UINTEGER32 => unsigned32(content).map(Datum::Gauge),
        TYPE_TIMETICKS => unsigned32(content).map(Datum::Ticks),
        TYPE_COUNTER64 => unsigned64(content).map(Datum::Counter64),
        TYPE_OPAQUE => opaque(content),
        TYPE_NULL if content.is_empty() => Some(Datum::Null),
        SNMP_NOSUCHOBJECT | SNMP_NOSUCHINSTANCE if content.is_empty() => Some(Datum::Absent),
        SNMP_ENDOFMIBVIEW if content.is_empty() => Some(Datum::EndOfView),
        _ => None,
    };
    decoded.unwrap_or(Datum::Unreadable)
}

/// Two's complement of 1 to 8 octets.
pub(super) fn signed(content: &[u8]) -> Option<i64> {
    if content.is_empty() || content.len() > 8 {
        return None;
    }
    let start = if content[0] & 0x80 == 0 { 0 } else { -1 };
    Some(content.iter().fold(start, |v, b| v << 8 | i64::from(*b)))
}

/// 32 bits without a sign. Some agents leave out the leading zero and send what reads as a negative
/// number: its low 32 bits are meant.
fn unsigned32(content: &[u8]) -> Option<u32> {
    match content {
        [0, rest @ ..] if rest.len() == 4 => signed(content).map(|v| v as u32),
        [] => None,
        _ if content.len() <= 4 => signed(content).map(|v| v as u32),
        _ => None,
    }
}

fn unsigned64(content: &[u8]) -> Option<u64> {
    let digits = match content {
        [] => return None,
        [0, rest @ ..] if rest.len() == 8 => rest,
        _ if content.len() <= 8 => content,
        _ => return None,
    };
    Some(digits.iter().fold(0, |v, b| v << 8 | u64::from(*b)))
}

/// Floats and 64-bit numbers wrapped in an Opaque, as net-snmp does it; any other Opaque stays
/// octets.
fn opaque(content: &[u8]) -> Option<Datum> {
    let inner = match content {
        [0x9f, kind, length, inner @ ..] if usize::from(*length) == inner.len() => (*kind, inner),
        _ => return Some(Datum::Bytes(content.into())),
    };
    match inner {
        (0x78, bytes) => {
            let v = f32::from_be_bytes(bytes.try_into().ok()?);
            v.is_finite().then(|| Datum::Float(f64::from(v)))
        }
        (0x79, bytes) => {
            let v = f64::from_be_bytes(bytes.try_into().ok()?);
            v.is_finite().then_some(Datum::Float(v))
        }
        (0x76, bytes) => unsigned64(bytes).map(Datum::Counter64),
        (0x7a, bytes) => signed(bytes).map(Datum::Integer),
        (0x7b, bytes) => i64::try_from(unsigned64(bytes)?).ok().map(Datum::Integer),
        _ => Some(Datum::Bytes(content.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_type() {
        let cases: &[(u8, &[u8], Datum)] = &[
            (0x02, &[0xff], Datum::Integer(-1)),
            (0x02, &[0x00, 0x80], Datum::Integer(128)),
            (0x02, &[0x80, 0, 0, 0], Datum::Integer(-2_147_483_648)),
            (0x04, b"", Datum::Bytes([].into())),
            (0x04, b"a\0b", Datum::Bytes((*b"a\0b").into())),
            (0x05, &[], Datum::Null),
            (0x40, &[10, 0, 0, 1], Datum::Ip([10, 0, 0, 1])),
            (
                0x41,
                &[0x00, 0xff, 0xff, 0xff, 0xff],
                Datum::Counter32(u32::MAX),
            ),
            (0x41, &[0xff, 0xff, 0xff, 0xff], Datum::Counter32(u32::MAX)),
            (0x42, &[7], Datum::Gauge(7)),
            (0x43, &[1, 0], Datum::Ticks(256)),
            (
                0x46,
                &[0, 255, 255, 255, 255, 255, 255, 255, 255],
                Datum::Counter64(u64::MAX),
            ),
            (0x46, &[255; 8], Datum::Counter64(u64::MAX)),
            (0x47, &[7], Datum::Gauge(7)),
            (0x44, &[0x9f, 0x78, 4, 0x3f, 0x80, 0, 0], Datum::Float(1.0)),
            (
                0x44,
                &[0x9f, 0x79, 8, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0],
                Datum::Float(1.0),
            ),
            (0x44, &[0x9f, 0x76, 1, 9], Datum::Counter64(9)),
            (0x44, &[1, 2], Datum::Bytes([1, 2].into())),
            (0x80, &[], Datum::Absent),
            (0x81, &[], Datum::Absent),
            (0x82, &[], Datum::EndOfView),
        ];
        for (tag, content, expected) in cases {
            assert!(decode(*tag, content) == *expected, "{tag:#x} {content:?}");
        }
    }

    #[test]
    fn nonsense_is_unreadable_and_never_a_number() {
        let cases: &[(u8, &[u8])] = &[
            (0x02, &[]),
            (0x02, &[1; 9]),
            (0x05, &[0]),
            (0x06, &[0x86]),
            (0x40, &[]),
            (0x40, &[0; 16]),
            (0x41, &[]),
            (0x41, &[1, 0, 0, 0, 0]),
            (0x41, &[0, 0, 0, 0, 0, 1]),
            (0x43, &[0; 9]),
            (0x46, &[1; 9]),
            (0x46, &[]),
            (0x44, &[0x9f, 0x78, 4, 0x7f, 0xc0, 0, 0]),
            (0x44, &[0x9f, 0x78, 3, 0, 0, 0]),
            (0x80, &[0]),
            (0x30, &[0x30, 0]),
            (0x01, &[1]),
            (0x1f, &[]),
        ];
        for (tag, content) in cases {
            assert!(
                decode(*tag, content) == Datum::Unreadable,
                "{tag:#x} {content:?}"
            );
        }
    }

    #[test]
    fn a_negative_size_is_an_overflown_one() {
        assert_eq!(Datum::Integer(-1).size(), Some(4_294_967_295));
        assert_eq!(Datum::Integer(5).size(), Some(5));
    }

    #[test]
    fn debug_shows_no_octets() {
        let shown = format!("{:?}", Datum::Bytes((*b"secret").into()));
        assert_eq!(shown, "Bytes(6 octets)");
    }
}
