//! An object as a line of a recording: the way back of [`super::Recording::parse`].

use std::fmt::Write;
use std::net::Ipv4Addr;

use super::{ADDRESS, COUNTER32, COUNTER64, GAUGE, INTEGER, NAME, NULL, OCTETS, OPAQUE, TICKS};
use crate::collect::snmp::codec;

/// The line `OID|type|value` for an object, its name by arcs, its value by tag and content octets.
/// `None` when the format cannot say it: a type that it does not have, or a number without sense.
pub fn line(name: &[u32], tag: u8, content: &[u8]) -> Option<String> {
    let name = dotted(name);
    let number = || codec::read_number(tag, content);
    let value = match tag {
        OCTETS if content.iter().all(|b| (0x20..0x7f).contains(b)) => {
            String::from_utf8_lossy(content).into_owned()
        }
        OCTETS | OPAQUE => return Some(format!("{name}|{tag}x|{}", hex(content))),
        NULL => String::new(),
        ADDRESS => Ipv4Addr::from(<[u8; 4]>::try_from(content).ok()?).to_string(),
        NAME => {
            let mut arcs = Vec::new();
            let read = codec::read_name(content, &mut arcs) && arcs.len() >= 2;
            read.then(|| dotted(&arcs))?
        }
        INTEGER => i32::try_from(number()?).ok()?.to_string(),
        COUNTER32 | GAUGE | TICKS => u32::try_from(number()?).ok()?.to_string(),
        COUNTER64 => u64::try_from(number()?).ok()?.to_string(),
        _ => return None,
    };
    Some(format!("{name}|{tag}|{value}"))
}

fn dotted(arcs: &[u32]) -> String {
    let mut text = String::new();
    for arc in arcs {
        let dot = if text.is_empty() { "" } else { "." };
        let _ = write!(text, "{dot}{arc}");
    }
    text
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::object;
    use super::*;
    use crate::simulate::object::Value;

    #[test]
    fn what_is_written_is_read_back() {
        let values: [(u8, &[u8]); 20] = [
            (2, &[0xff, 0x7f]),
            (2, &[0x80, 0, 0, 0]),
            (2, &[0]),
            (4, b""),
            (4, b" a|b "),
            (4, b"x\r\n"),
            (4, "Zürich".as_bytes()),
            (4, &[0, 0xff]),
            (5, b""),
            (6, &[0]),
            (6, &[0x2b, 6, 1, 4, 1, 0xbf, 8]),
            (64, &[10, 1, 2, 3]),
            (65, &[0, 255, 255, 255, 255]),
            (66, &[0]),
            (67, &[1, 0]),
            (68, &[0x9f, 0x78, 4, 0x3f, 0x80, 0, 0]),
            (70, &[0]),
            (70, &[0, 255, 255, 255, 255, 255, 255, 255, 255]),
            (70, &[0x7f, 255]),
            (4, &[b'x'; 2_000]),
        ];
        for (tag, content) in values {
            let line = line(&[1, 3, 6, 1, 99], tag, content).unwrap();
            let Ok(Some((arcs, Value::Recorded(read, back)))) = object(line.as_bytes()) else {
                panic!("{line}");
            };
            assert_eq!((arcs, read), (vec![1, 3, 6, 1, 99], tag), "{line}");
            assert_eq!(*back, *content, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd_to_be_read(text in "[0-9.|x:a#\\r\\n \\PC]{0,60}") {
            let _ = super::super::Recording::parse(text.as_bytes());
        }

        #[test]
        fn what_can_be_written_can_be_read(tag: u8, content: Vec<u8>, name: Vec<u32>) {
            let name = [&[1, 3], &name[..name.len().min(126)]].concat();
            if let Some(line) = line(&name, tag, &content) {
                let read = object(line.as_bytes());
                let same = matches!(&read, Ok(Some((arcs, _))) if *arcs == name);
                proptest::prop_assert!(same, "{line}: {read:?}");
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        let values: [(u8, &[u8]); 8] = [
            (2, &[]),
            (2, &[1; 5]),
            (6, &[0x86]),
            (64, &[1; 16]),
            (70, &[1; 9]),
            (0x47, &[1]),
            (0x81, &[]),
            (0x30, &[]),
        ];
        for (tag, content) in values {
            assert_eq!(line(&[1, 3, 6], tag, content), None, "{tag}");
        }
        // Without the zero that keeps it from being negative, as some devices write it.
        let lenient = line(&[1, 3], 65, &[0xff, 0xff, 0xff, 0xff]).unwrap();
        assert_eq!(lenient, "1.3|65|4294967295");
    }
}
