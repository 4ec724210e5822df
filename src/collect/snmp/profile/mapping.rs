//! From what came over the wire to a value, as a profile says.

use super::index::{address, hex};
use crate::collect::snmp::text;
use crate::collect::snmp::value::Datum;
use crate::profile::expression::Val;
use crate::profile::{Form, Mapping, Words, dotted};
use crate::reading::Value;
use crate::table::Kind;

/// The value of a datum.
pub(super) fn apply(mapping: &Mapping, datum: &Datum) -> Val {
    if let (Words::Bits(words), Datum::Bytes(octets)) = (&mapping.words, datum) {
        return bits(words, |bit| {
            let octet = usize::try_from(bit / 8).ok().and_then(|o| octets.get(o));
            octet.is_some_and(|o| o & (0x80 >> (bit % 8)) != 0)
        });
    }
    finish(mapping, formed(mapping.form, datum))
}

/// What follows once the octets are read: words, text, numbers.
pub(super) fn finish(mapping: &Mapping, value: Val) -> Val {
    if value.is_null() || mapping.is_plain() {
        return value;
    }
    if !mapping.null_if.is_empty()
        && let Some(shown) = value.shown()
        && mapping.null_if.iter().any(|n| **n == *shown)
    {
        return Val::Null;
    }
    let mut value = words(&mapping.words, value);
    if let Some(regex) = &mapping.regex {
        let shown = value.shown().unwrap_or_default();
        let found = regex.captures(&shown);
        let group = found.and_then(|f| f.get(1).or_else(|| f.get(0)));
        value = group.map_or(Val::Null, |g| Val::text(g.as_str().trim()));
    }
    if mapping.number {
        value = number(&value);
    }
    let value = calculated(
        value,
        mapping.scale,
        |n, by| n.checked_mul(by),
        |n, by| n * by,
    );
    calculated(
        value,
        mapping.offset,
        |n, by| n.checked_add(by),
        |n, by| n + by,
    )
}

fn formed(form: Form, datum: &Datum) -> Val {
    match (form, datum) {
        (_, Datum::Null | Datum::Absent | Datum::EndOfView | Datum::Unreadable) => Val::Null,
        (Form::Mac, Datum::Bytes(octets)) => hex(octets, ":"),
        (Form::Hex, Datum::Bytes(octets)) => hex(octets, ""),
        (Form::Ip, Datum::Bytes(octets)) => address(octets),
        (Form::Date, Datum::Bytes(octets)) => date(octets).map_or(Val::Null, Val::Int),
        (Form::Bits, Datum::Bytes(octets)) => {
            let set = (0..octets.len() * 8).filter(|b| octets[b / 8] & (0x80 >> (b % 8)) != 0);
            Val::text(set.map(|b| b.to_string()).collect::<Vec<_>>().join(", "))
        }
        (_, Datum::Bytes(octets)) => {
            let text = text::shown(octets);
            let text = text.trim();
            if text.is_empty() {
                Val::Null
            } else {
                Val::text(text)
            }
        }
        (_, Datum::Oid(oid)) => Val::text(dotted(oid.arcs()).to_string()),
        (_, Datum::Ip(octets)) => address(octets),
        (_, Datum::Float(v)) => Val::Float(*v),
        (_, Datum::Counter64(v)) => i64::try_from(*v).map_or(Val::Float(*v as f64), Val::Int),
        (_, datum) => datum.int().map_or(Val::Null, Val::Int),
    }
}

fn words(words: &Words, value: Val) -> Val {
    let number = match &value {
        Val::Int(n) => Some(*n),
        // Some devices write the number as text.
        Val::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    match (words, number) {
        (Words::None, _) | (_, None) => value,
        (Words::Enum(words), Some(n)) => {
            Words::find(words, n).map_or_else(|| Val::text(n.to_string()), Val::Text)
        }
        (Words::Bits(words), Some(n)) => bits(words, |bit| bit < 64 && n >> bit & 1 != 0),
    }
}

/// The words of the bits that are set.
fn bits(words: &[(i64, std::sync::Arc<str>)], is_set: impl Fn(i64) -> bool) -> Val {
    let set = words.iter().filter(|(bit, _)| *bit >= 0 && is_set(*bit));
    Val::text(set.map(|(_, word)| &**word).collect::<Vec<_>>().join(", "))
}

/// The first number in a text.
fn number(value: &Val) -> Val {
    let Val::Text(text) = value else {
        return value.clone();
    };
    let digit = |c: char| c.is_ascii_digit();
    let Some(begin) = text.find(digit) else {
        return Val::Null;
    };
    let negative = text[..begin].ends_with('-');
    let rest = &text[begin..];
    let whole = rest.find(|c| !digit(c)).unwrap_or(rest.len());
    let fraction = rest[whole..]
        .strip_prefix('.')
        .map_or(0, |f| f.find(|c| !digit(c)).unwrap_or(f.len()));
    let end = if fraction > 0 {
        whole + 1 + fraction
    } else {
        whole
    };
    let number = match (fraction, rest[..end].parse::<i64>()) {
        (0, Ok(n)) => return Val::Int(if negative { -n } else { n }),
        _ => rest[..end].parse::<f64>().ok(),
    };
    number.map_or(Val::Null, |n| Val::Float(if negative { -n } else { n }))
}

/// Whole numbers stay whole where that is exact.
fn calculated(
    value: Val,
    by: Option<f64>,
    exact: impl Fn(i64, i64) -> Option<i64>,
    rough: impl Fn(f64, f64) -> f64,
) -> Val {
    let Some(by) = by.filter(|_| !value.is_null()) else {
        return value;
    };
    if let Val::Int(n) = value
        && by.fract() == 0.0
        && by.abs() < 1e15
        && let Some(n) = exact(n, by as i64)
    {
        return Val::Int(n);
    }
    let number = value
        .number()
        .map(|n| rough(n, by))
        .filter(|n| n.is_finite());
    number.map_or(Val::Null, Val::Float)
}

/// DateAndTime (RFC 2579) as seconds since 1970; without a zone it counts as UTC.
fn date(octets: &[u8]) -> Option<i64> {
    let (year, rest) = match octets {
        [a, b, rest @ ..] if rest.len() == 6 || rest.len() == 9 => {
            (i64::from(u16::from_be_bytes([*a, *b])), rest)
        }
        _ => return None,
    };
    let [month, day, hour, minute, second] = [0, 1, 2, 3, 4].map(|i| i64::from(rest[i]));
    if year < 1970
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
    {
        return None;
    }
    // Days since 1970 by the civil calendar, the year beginning in March.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 719_469;
    let mut seconds = days * 86_400 + hour * 3_600 + minute * 60 + second.min(59);
    if let [sign, hours, minutes] = rest[6..] {
        let offset = i64::from(hours) * 3_600 + i64::from(minutes) * 60;
        seconds += if sign == b'-' { offset } else { -offset };
    }
    Some(seconds)
}

/// The value as a column of that kind takes it.
pub(super) fn stored(value: Val, kind: Kind) -> Value {
    match kind {
        Kind::Text => value.shown().map_or(Value::Null, Value::Text),
        Kind::Float | Kind::Pct => value.number().map_or(Value::Null, Value::Float),
        Kind::Bool => match value {
            Val::Bool(b) => Value::Bool(b),
            // TruthValue: true(1), false(2).
            Val::Int(1) => Value::Bool(true),
            Val::Int(0 | 2) => Value::Bool(false),
            _ => Value::Null,
        },
        Kind::Int | Kind::Time | Kind::Counter | Kind::Input => match value {
            Val::Int(n) => Value::Int(n),
            Val::Bool(b) => Value::Int(b.into()),
            value => match value.number() {
                Some(n) if n.abs() < 9e15 => Value::Int(n.round() as i64),
                _ => Value::Null,
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_by_hand() {
        // 1992-5-26,13:30:15.0,-4:0 of RFC 2579 is 1992-05-26T17:30:15Z.
        assert_eq!(
            date(&[0x07, 0xc8, 5, 26, 13, 30, 15, 0, b'-', 4, 0]),
            Some(706_901_415)
        );
        assert_eq!(date(&[0x07, 0xb2, 1, 1, 0, 0, 0, 0]), Some(0));
        assert_eq!(date(&[0x07, 0xd0, 2, 29, 0, 0, 0, 0]), Some(951_782_400));
        assert_eq!(date(&[0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(date(b"2020"), None);
    }

    #[test]
    fn mappings_by_hand() {
        let bytes = |b: &[u8]| Datum::Bytes(b.into());
        let with = |change: fn(&mut Mapping)| {
            let mut mapping = Mapping::default();
            change(&mut mapping);
            mapping
        };
        let number = with(|m| m.number = true);
        assert_eq!(apply(&number, &bytes(b"23.5 C")), Val::Float(23.5));
        assert_eq!(apply(&number, &bytes(b"fan: -12rpm")), Val::Int(-12));
        assert_eq!(apply(&number, &bytes(b"n/a")), Val::Null);
        let scaled = with(|m| m.scale = Some(1024.0));
        assert_eq!(apply(&scaled, &Datum::Gauge(3)), Val::Int(3072));
        let tenth = with(|m| m.scale = Some(0.1));
        assert_eq!(apply(&tenth, &Datum::Integer(235)), Val::Float(23.5));
        let words = with(|m| m.words = Words::Enum(vec![(1, "ok".into())]));
        assert_eq!(apply(&words, &Datum::Integer(1)), Val::text("ok"));
        assert_eq!(apply(&words, &Datum::Integer(7)), Val::text("7"));
        let bits = with(|m| m.words = Words::Bits(vec![(0, "low".into()), (9, "jam".into())]));
        assert_eq!(apply(&bits, &bytes(&[0x80, 0x40])), Val::text("low, jam"));
        assert_eq!(apply(&bits, &Datum::Integer(512)), Val::text("jam"));
        let none = with(|m| m.null_if = vec!["-1".into(), "N/A".into()]);
        assert_eq!(apply(&none, &Datum::Integer(-1)), Val::Null);
        assert_eq!(apply(&none, &bytes(b"N/A")), Val::Null);
        assert_eq!(apply(&none, &Datum::Integer(5)), Val::Int(5));
        let mac = with(|m| m.form = Form::Mac);
        assert_eq!(apply(&mac, &bytes(&[0, 0x1b, 0xff])), Val::text("00:1b:ff"));
        assert_eq!(
            apply(&Mapping::default(), &bytes(b"  x \0")),
            Val::text("x")
        );
        assert_eq!(apply(&Mapping::default(), &bytes(b"")), Val::Null);
    }

    #[test]
    fn kinds() {
        assert_eq!(stored(Val::Int(2), Kind::Bool), Value::Bool(false));
        assert_eq!(stored(Val::text("12"), Kind::Int), Value::Int(12));
        assert_eq!(stored(Val::Float(2.5), Kind::Int), Value::Int(3));
        assert_eq!(stored(Val::Int(5), Kind::Text), Value::text("5"));
        assert_eq!(stored(Val::text("x"), Kind::Float), Value::Null);
    }
}
