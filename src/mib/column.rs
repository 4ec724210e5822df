//! From an object's SYNTAX to a column: its kind, and how what is read becomes its value.

use mib_rs::types::{BaseType, IndexEncoding};
use mib_rs::{Index, Object, Type};

use super::wording::{comment, quoted, unit};

/// More words of an enumeration are left out.
const WORDS_MAX: usize = 64;

/// `{from: .2, kind: int, unit: 's', comment: '…'}`; `None` for what no column can hold. `source` is
/// where it comes from.
pub(super) fn column(object: Object<'_>, source: &str) -> Option<String> {
    let ty = object.ty()?;
    let hint = object.effective_display_hint();
    let mut parts = vec![format!("from: {source}")];
    let mut given_unit = unit(object.units());
    let convention = convention(ty);
    let kind = match ty.effective_base() {
        BaseType::Counter32 | BaseType::Counter64 => "counter",
        BaseType::TimeTicks => {
            parts.push("scale: 0.01".into());
            given_unit = "s".into();
            "float"
        }
        BaseType::Integer32
        | BaseType::Unsigned32
        | BaseType::Gauge32
        | BaseType::Integer64
        | BaseType::Unsigned64 => number(object, hint, &mut parts),
        BaseType::IpAddress => form("ip", "text", &mut parts),
        BaseType::ObjectIdentifier => form("oid", "text", &mut parts),
        BaseType::Bits => {
            parts.push(words("bits", object.effective_bits()));
            "text"
        }
        BaseType::OctetString => match (convention, hint) {
            ("DateAndTime", _) => form("date", "time", &mut parts),
            ("MacAddress" | "PhysAddress", _) | (_, "1x:") => form("mac", "text", &mut parts),
            (_, hint) if hint.contains('x') => form("hex", "text", &mut parts),
            _ => "text",
        },
        // net-snmp wraps floats so.
        BaseType::Opaque if convention == "Float" => "float",
        _ => return None,
    };
    parts.push(format!("kind: {kind}"));
    if !given_unit.is_empty() && kind != "text" {
        parts.push(format!("unit: {}", quoted(&given_unit)));
    }
    let said = comment(object.name(), object.description());
    parts.push(format!("comment: {}", quoted(&said)));
    Some(format!("{{{}}}", parts.join(", ")))
}

fn form(form: &str, kind: &'static str, parts: &mut Vec<String>) -> &'static str {
    parts.push(format!("as: {form}"));
    kind
}

/// An enumeration is text, a display hint `d-2` says where the decimal point is.
fn number(object: Object<'_>, hint: &str, parts: &mut Vec<String>) -> &'static str {
    if !object.effective_enums().is_empty() {
        parts.push(words("enum", object.effective_enums()));
        return "text";
    }
    let places = hint.strip_prefix("d-").and_then(|p| p.parse().ok());
    match places {
        Some(places @ 1..=9_usize) => {
            parts.push(format!("scale: 0.{}1", "0".repeat(places - 1)));
            "float"
        }
        _ => "int",
    }
}

fn words(key: &str, named: &[mib_rs::mib::NamedValue]) -> String {
    let words: Vec<String> = named
        .iter()
        .take(WORDS_MAX)
        .map(|n| format!("{}: {}", n.value, quoted(&n.label)))
        .collect();
    format!("{key}: {{{}}}", words.join(", "))
}

/// The name of the textual convention, or of the one that it refines.
fn convention(ty: Type<'_>) -> &str {
    ty.effective_tc().map_or("", |tc| tc.name())
}

/// `{name: if_index, as: int}` of one part of an index.
pub(super) fn index_part(index: Index<'_>, name: &str) -> String {
    let ty = index.ty().or_else(|| index.object()?.ty());
    let hint = ty.map_or("", |ty| ty.effective_display_hint());
    let is_text = hint.ends_with('a') || hint.ends_with('t');
    let base = ty.map_or(BaseType::Unknown, |ty| ty.effective_base());
    let is_mac = ty.is_some_and(|ty| convention(ty) == "MacAddress");
    let (size, _) = index.fixed_size();
    let shape = match index.encoding() {
        IndexEncoding::IpAddress => "ip".to_owned(),
        IndexEncoding::FixedString if is_mac => "mac".to_owned(),
        IndexEncoding::FixedString if (1..=128).contains(&size) => {
            return format!("{{name: {name}, as: octets, size: {size}}}");
        }
        IndexEncoding::LengthPrefixed if base == BaseType::ObjectIdentifier => "oid".to_owned(),
        IndexEncoding::LengthPrefixed if is_text => "string".to_owned(),
        IndexEncoding::LengthPrefixed => "octets".to_owned(),
        IndexEncoding::Implied => "rest".to_owned(),
        _ => "int".to_owned(),
    };
    format!("{{name: {name}, as: {shape}}}")
}
