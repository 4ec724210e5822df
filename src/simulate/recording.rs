//! Recordings of devices: lines `OID|type|value`, the format `.snmprec`.

mod written;

use std::net::Ipv4Addr;

use super::object::{
    ADDRESS, COUNTER32, COUNTER64, GAUGE, INTEGER, NAME, NULL, OCTETS, OPAQUE, Objects, TICKS,
    Value,
};
use crate::collect::snmp::codec;

pub use written::line;

/// sysUpTime and hrSystemUptime: clocks, which go on while the recording is played.
const CLOCKS: [&[u32]; 2] = [
    &[1, 3, 6, 1, 2, 1, 1, 3, 0],
    &[1, 3, 6, 1, 2, 1, 25, 1, 1, 0],
];
/// The longest value; a reply must hold it.
const LONGEST: usize = 60_000;

/// A device as recorded.
#[derive(Debug)]
pub struct Recording {
    pub(super) objects: Objects,
    /// Lines left out because their value is computed by a program of the recorder (`4:numeric|…`).
    pub skipped: usize,
    /// Lines that cannot be read, and the first of them.
    pub damaged: usize,
    pub first_damage: Option<RecordingError>,
}

/// A line that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {why}")]
pub struct RecordingError {
    pub line: usize,
    pub why: &'static str,
}

impl Recording {
    /// Reads the lines. Empty lines and lines that begin with `#` are left out, and so are damaged
    /// ones, which are counted.
    ///
    /// # Errors
    /// When there is no line at all, or when more of them are damaged than sound: that is no recording.
    pub fn parse(text: &[u8]) -> Result<Recording, RecordingError> {
        let (mut found, mut skipped, mut damaged) = (Vec::new(), 0, 0);
        let mut first_damage = None;
        for (number, line) in (1..).zip(text.split(|b| *b == b'\n')) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() || line[0] == b'#' {
                continue;
            }
            match object(line) {
                Ok(Some(object)) => found.push(object),
                Ok(None) => skipped += 1,
                Err(why) => {
                    damaged += 1;
                    first_damage.get_or_insert(RecordingError { line: number, why });
                }
            }
        }
        if let Some(error) = first_damage.take_if(|_| damaged > found.len()) {
            return Err(error);
        }
        if found.is_empty() {
            let why = "the recording has no objects";
            return Err(RecordingError { line: 1, why });
        }
        let objects = Objects::new(found);
        Ok(Recording {
            objects,
            skipped,
            damaged,
            first_damage,
        })
    }

    /// How many objects it has.
    pub fn objects(&self) -> usize {
        self.objects.len()
    }
}

type Named = (Vec<u32>, Value);

fn object(line: &[u8]) -> Result<Option<Named>, &'static str> {
    let mut parts = line.splitn(3, |b| *b == b'|');
    let (Some(name), Some(kind), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("this is not OID|type|value");
    };
    let arcs = arcs(name).ok_or("this is no object identifier of two to 128 numbers")?;
    if kind.contains(&b':') {
        return Ok(None);
    }
    let (kind, hex) = match kind.strip_suffix(b"x") {
        Some(kind) => (kind, true),
        None => (kind, false),
    };
    let tag: u8 = number(kind).ok_or("the type is no number below 256")?;
    let decoded = if hex {
        from_hex(value).ok_or("the value is not hexadecimal")?
    } else {
        value.to_vec()
    };
    let content = content(tag, hex, decoded)?;
    if content.len() > LONGEST {
        return Err("the value is longer than 60,000 octets");
    }
    if tag == TICKS && CLOCKS.contains(&arcs.as_slice()) {
        let ticks = number(value).ok_or("the value is no number of 32 bits")?;
        return Ok(Some((arcs, Value::RecordedClock(ticks))));
    }
    Ok(Some((arcs, Value::Recorded(tag, content.into()))))
}

fn content(tag: u8, hex: bool, value: Vec<u8>) -> Result<Vec<u8>, &'static str> {
    match tag {
        OCTETS | OPAQUE => Ok(value),
        NULL => Ok(Vec::new()),
        ADDRESS if hex && value.len() == 4 => Ok(value),
        ADDRESS => {
            let text = std::str::from_utf8(&value).unwrap_or_default();
            let address: Ipv4Addr = text.parse().map_err(|_| "the value is no IPv4 address")?;
            Ok(address.octets().to_vec())
        }
        NAME => {
            let arcs = arcs(&value).ok_or("the value is no object identifier")?;
            let mut content = Vec::new();
            codec::push_name(&arcs, &mut content);
            Ok(content)
        }
        INTEGER => {
            let value: i32 = number(&value).ok_or("the value is no integer of 32 bits")?;
            Ok(signed(i64::from(value)))
        }
        COUNTER32 | GAUGE | TICKS => {
            let value: u32 = number(&value).ok_or("the value is no number of 32 bits")?;
            Ok(unsigned(u64::from(value)))
        }
        COUNTER64 => {
            let value = number(&value).ok_or("the value is no number of 64 bits")?;
            Ok(unsigned(value))
        }
        _ => Err("the type is none of 2, 4, 5, 6, 64 to 68 and 70"),
    }
}

/// The content octets of an INTEGER.
pub(super) fn signed(value: i64) -> Vec<u8> {
    let octets = value.to_be_bytes();
    let spare = |i: usize| {
        let sign = if octets[i + 1] & 0x80 == 0 { 0 } else { 0xff };
        octets[i] == sign
    };
    let first = (0..7).find(|i| !spare(*i)).unwrap_or(7);
    octets[first..].to_vec()
}

/// The content octets of a counter, a gauge or ticks.
fn unsigned(value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    push_unsigned(value, &mut out);
    out
}

/// Appends the content octets of a number that has no sign.
pub(super) fn push_unsigned(value: u64, out: &mut Vec<u8>) {
    let octets = value.to_be_bytes();
    let first = (value.leading_zeros() as usize / 8).min(7);
    if octets[first] & 0x80 != 0 {
        out.push(0);
    }
    out.extend_from_slice(&octets[first..]);
}

fn arcs(text: &[u8]) -> Option<Vec<u32>> {
    let text = text.strip_prefix(b".").unwrap_or(text);
    let arcs: Option<Vec<u32>> = text.split(|b| *b == b'.').map(number).collect();
    arcs.filter(|a| (2..=128).contains(&a.len()) && a[0] <= 2 && (a[0] == 2 || a[1] < 40))
}

fn number<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.strip_prefix(b"0x").unwrap_or(text);
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16);
    text.chunks(2)
        .map(|pair| Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(line: &str) -> Result<(u8, Vec<u8>), &'static str> {
        match object(line.as_bytes())? {
            Some((_, Value::Recorded(tag, content))) => Ok((tag, content.into())),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_every_type() {
        let cases: [(&str, u8, &[u8]); 13] = [
            ("1.3.6|2|-129", 2, &[0xff, 0x7f]),
            ("1.3.6|2|128", 2, &[0, 128]),
            ("1.3.6|2|-1", 2, &[0xff]),
            ("1.3.6|4|a|b", 4, b"a|b"),
            ("1.3.6|4|", 4, b""),
            ("1.3.6|4x|00fF", 4, &[0, 0xff]),
            ("1.3.6|5|", 5, b""),
            (".1.3.6|6|1.3.6.1.4.1.8072", 6, &[0x2b, 6, 1, 4, 1, 0xbf, 8]),
            ("1.3.6|64|10.1.2.3", 64, &[10, 1, 2, 3]),
            ("1.3.6|64x|0a010203", 64, &[10, 1, 2, 3]),
            ("1.3.6|65|4294967295", 65, &[0, 255, 255, 255, 255]),
            ("1.3.6|67|0", 67, &[0]),
            (
                "1.3.6|70|18446744073709551615",
                70,
                &[0, 255, 255, 255, 255, 255, 255, 255, 255],
            ),
        ];
        for (line, tag, content) in cases {
            assert_eq!(value(line), Ok((tag, content.to_vec())), "{line}");
        }
    }

    #[test]
    fn damaged_lines_are_left_out_and_counted() {
        for line in [
            "x",
            "1.3|2",
            "1.x|2|1",
            "1|2|1",
            "1.3|300|1",
            "1.3|2|x",
            "1.3|4x|0",
            "1.3|4x|zz",
            "1.3|65|-1",
            "1.3|64|10.1",
            "1.3|9|1",
            "3.3|2|1",
            "1.3|2|3000000000",
        ] {
            let text = format!("# made up\n1.3.6|2|1\n\n{line}\n");
            let recording = Recording::parse(text.as_bytes()).expect(line);
            assert_eq!((recording.objects(), recording.damaged), (1, 1), "{line}");
            assert_eq!(recording.first_damage.map(|e| e.line), Some(4), "{line}");
        }
        let other = Recording::parse(b"PNG\nwhatever\n1.3.6|2|1\n");
        assert_eq!(other.expect_err("no recording").line, 1);
        assert!(Recording::parse(b"# nothing\n").is_err());
    }

    #[test]
    fn clocks_go_on_and_programs_are_left_out() {
        let text = b"1.3.6.1.2.1.1.3.0|67|500\r\n1.3.6.1.2.1.1.5.0|4:writecache|x\r\n";
        let recording = Recording::parse(text).unwrap();
        assert_eq!((recording.objects(), recording.skipped), (1, 1));
        let clock = &recording.objects.at(0).unwrap().value;
        assert!(matches!(clock, Value::RecordedClock(500)));
    }
}
