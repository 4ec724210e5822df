//! Object identifiers: as arcs for people and for tables, as BER for the wire.

use std::fmt;

use super::message::Malformed;

/// The most arcs an object identifier may have (RFC 2578, 3.5).
const MOST_ARCS: usize = 128;

/// An object identifier of any length, two words big.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Oid(Box<[u32]>);

impl Oid {
    pub(super) fn arcs(&self) -> &[u32] {
        &self.0
    }

    /// The identifier that BER content octets stand for.
    pub(super) fn from_ber(content: &[u8]) -> Result<Oid, Malformed> {
        let mut arcs = Vec::with_capacity(content.len() + 1);
        decode(content, &mut arcs)?;
        Ok(Oid(arcs.into()))
    }

    /// Reads `1.3.6.1` or `.1.3.6.1`; `None` when it is anything else.
    #[cfg(test)]
    pub(super) fn parse(text: &str) -> Option<Oid> {
        let text = text.strip_prefix('.').unwrap_or(text);
        let arcs: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
        let arcs = arcs.ok().filter(|a| a.len() <= MOST_ARCS)?;
        Some(Oid(arcs.into()))
    }

    /// Whether it lies in the subtree, or is its root.
    #[cfg(test)]
    pub(super) fn starts_with(&self, root: &[u32]) -> bool {
        self.0.starts_with(root)
    }
}

impl From<&[u32]> for Oid {
    fn from(arcs: &[u32]) -> Oid {
        Oid(arcs.into())
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, arc) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            write!(f, "{arc}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Appends the BER content octets of `root` followed by `index`.
///
/// The first two arcs share one sub-identifier; an identifier of fewer arcs gets zeros.
pub(super) fn encode(root: &[u32], index: &[u32], out: &mut Vec<u8>) {
    let mut arcs = root.iter().chain(index).copied();
    let first = u64::from(arcs.next().unwrap_or(0));
    let second = u64::from(arcs.next().unwrap_or(0));
    push_sub_identifier(first * 40 + second, out);
    for arc in arcs {
        push_sub_identifier(u64::from(arc), out);
    }
}

fn push_sub_identifier(value: u64, out: &mut Vec<u8>) {
    // Nearly all of them.
    if value < 0x80 {
        return out.push(value as u8);
    }
    let groups = (64 - value.leading_zeros()).div_ceil(7);
    for group in (0..groups).rev() {
        let bits = (value >> (7 * group)) as u8 & 0x7f;
        out.push(if group > 0 { bits | 0x80 } else { bits });
    }
}

/// Replaces `arcs` by the arcs of BER content octets. Only the shortest encoding counts: two
/// spellings of one name would defeat the comparison of names by octets.
pub(super) fn decode(content: &[u8], arcs: &mut Vec<u32>) -> Result<(), Malformed> {
    arcs.clear();
    let mut value: u64 = 0;
    let mut started = false;
    for &octet in content {
        if !started && octet == 0x80 {
            return Err(Malformed("an object identifier with a padded arc"));
        }
        started = true;
        value = value << 7 | u64::from(octet & 0x7f);
        // The first sub-identifier holds 80 + arc when the first arc is 2.
        if value > u64::from(u32::MAX) + if arcs.is_empty() { 80 } else { 0 } {
            return Err(Malformed("an object identifier with an arc over 32 bits"));
        }
        if octet & 0x80 == 0 {
            push_arc(value, arcs);
            if arcs.len() > MOST_ARCS {
                return Err(Malformed("an object identifier of more than 128 arcs"));
            }
            value = 0;
            started = false;
        }
    }
    if started {
        return Err(Malformed("an object identifier that ends within an arc"));
    }
    Ok(())
}

fn push_arc(value: u64, arcs: &mut Vec<u32>) {
    if arcs.is_empty() {
        let first = (value / 40).min(2);
        arcs.push(first as u32);
        arcs.push((value - first * 40) as u32);
    } else {
        arcs.push(value as u32);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_and_prints_the_dotted_form() {
        for text in ["1.3.6.1.2.1.1.3.0", "0.0", "2.999.4294967295"] {
            let oid = Oid::parse(text).unwrap();
            assert_eq!(oid.to_string(), text);
            let mut ber = Vec::new();
            encode(oid.arcs(), &[], &mut ber);
            assert_eq!(Oid::from_ber(&ber), Ok(oid));
        }
        assert_eq!(Oid::parse(".1.3"), Oid::parse("1.3"));
        for text in ["", "1..3", "1.x", "1.4294967296", "1.-3"] {
            assert_eq!(Oid::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_subtree_holds_whole_arcs_only() {
        let oid = Oid::parse("1.3.6.1.2.1.2.2.1.10").unwrap();
        assert!(oid.starts_with(&[1, 3, 6]));
        assert!(!Oid::parse("1.3.61").unwrap().starts_with(&[1, 3, 6]));
        assert!(!oid.starts_with(&[1, 3, 6, 1, 2, 1, 2, 2, 1, 1]));
    }

    #[test]
    fn refuses_what_is_not_an_identifier() {
        let nasty: [&[u8]; 5] = [
            &[0x2b, 0x86],
            &[0x2b, 0x80, 0x01],
            &[0x2b, 0x90, 0x80, 0x80, 0x80, 0x00],
            &[0x2b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
            &[1; 200],
        ];
        for content in nasty {
            assert!(Oid::from_ber(content).is_err(), "{content:02x?}");
        }
    }

    proptest! {
        #[test]
        fn survives_the_wire(
            first in 0u32..=2,
            second in 0u32..40,
            rest in proptest::collection::vec(any::<u32>(), 0..40),
        ) {
            let arcs: Vec<u32> = [first, second].into_iter().chain(rest).collect();
            let mut ber = Vec::new();
            encode(&arcs, &[], &mut ber);
            prop_assert_eq!(Oid::from_ber(&ber), Ok(Oid::from(arcs.as_slice())));
        }

        #[test]
        fn never_panics(content in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(oid) = Oid::from_ber(&content) && !content.is_empty() {
                let mut again = Vec::new();
                encode(oid.arcs(), &[], &mut again);
                prop_assert_eq!(again, content);
            }
        }
    }
}
