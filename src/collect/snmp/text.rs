//! Text from a device: untrusted, in any encoding, of any length.

use std::fmt::Write;

/// No shown text is longer, in octets.
const LONGEST: usize = 1_024;

/// The text as it may be shown: UTF-8, octets that are not as `\xff`, control characters as `\x1b`,
/// marks that turn the reading direction as `U+202E`, at most 1 kB. Zero octets at the end go, since
/// many devices send their whole buffer. A text that is cut ends with a hash of the whole, so that
/// two that differ only behind the cut stay two.
pub(super) fn shown(octets: &[u8]) -> String {
    let end = octets.iter().rposition(|b| *b != 0).map_or(0, |i| i + 1);
    let octets = &octets[..end];
    let mut text = String::with_capacity(octets.len().min(LONGEST));
    for chunk in octets.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_char(c, &mut text);
        }
        for byte in chunk.invalid() {
            push_octet(*byte, &mut text);
        }
        if text.len() > LONGEST {
            return cut(text, octets);
        }
    }
    text
}

/// A hardware address as `00:1b:2c:…`. Longer ones are tunnels that put an address of another kind
/// there.
pub(super) fn mac(octets: &[u8]) -> String {
    let hex: Vec<String> = octets.iter().take(20).map(|b| format!("{b:02x}")).collect();
    hex.join(":")
}

fn push_char(c: char, text: &mut String) {
    match c {
        '\0'..='\x1f' | '\x7f' => push_octet(c as u8, text),
        '\u{80}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{61c}'
        | '\u{feff}' => push_point(c, text),
        _ => text.push(c),
    }
}

fn push_octet(octet: u8, text: &mut String) {
    write!(text, "\\x{octet:02x}").expect("a String takes any text");
}

fn push_point(c: char, text: &mut String) {
    write!(text, "U+{:04X}", u32::from(c)).expect("a String takes any text");
}

fn cut(mut text: String, octets: &[u8]) -> String {
    let mark = format!("…{:016x}", fnv(octets));
    let mut end = LONGEST - mark.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text + &mark
}

/// FNV-1a of 64 bits: the same on every machine and in every version.
pub(super) fn fnv(octets: &[u8]) -> u64 {
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shows_what_is_there_and_nothing_that_acts() {
        let cases: &[(&[u8], &str)] = &[
            (b"Gi0/1", "Gi0/1"),
            (b"<script>", "<script>"),
            (b"buffer\0\0\0", "buffer"),
            (b"a\0b", "a\\x00b"),
            (b"\x1b[31m\r\n", "\\x1b[31m\\x0d\\x0a"),
            (b"caf\xe9", "caf\\xe9"),
            ("楼层 3".as_bytes(), "楼层 3"),
            ("x\u{202e}y".as_bytes(), "xU+202Ey"),
            (b"", ""),
        ];
        for (octets, expected) in cases {
            assert_eq!(shown(octets), *expected);
        }
    }

    #[test]
    fn long_texts_stay_apart() {
        let (mut a, mut b) = (vec![b'x'; 60_000], vec![b'x'; 60_000]);
        a[59_999] = b'a';
        b[59_999] = b'b';
        assert_ne!(shown(&a), shown(&b));
        assert!(shown(&a).len() <= LONGEST);
        assert!(shown(&[0xff; 60_000]).len() <= LONGEST);
    }

    proptest! {
        #[test]
        fn never_panics_nor_lets_control_characters_pass(
            octets in proptest::collection::vec(any::<u8>(), 0..3000)
        ) {
            let text = shown(&octets);
            prop_assert!(text.len() <= LONGEST);
            prop_assert!(!text.chars().any(char::is_control));
        }
    }
}
