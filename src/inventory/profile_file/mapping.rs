//! How what is read becomes a value: `{from: .5, enum: {1: ok}, scale: 0.1}`.

use super::{fields, regex};
use crate::inventory::fields::Keys;
use crate::inventory::problem::Problems;
use crate::inventory::yaml::{Kind as NodeKind, Map, Node};
use crate::profile::expression::Type;
use crate::profile::{Form, Mapping, Words};
use crate::table::Kind;

/// The keys of a mapping, where it is a read or a fact.
pub(super) const KEYS: [&str; 11] = [
    "from", "text", "as", "enum", "bits", "scale", "offset", "null_if", "regex", "number",
    "comment",
];
/// Where it is a column of a table.
pub(super) const COLUMN_KEYS: [&str; 14] = [
    "from", "text", "as", "enum", "bits", "scale", "offset", "null_if", "regex", "number",
    "comment", "value", "kind", "unit",
];

const FORMS: [(&str, Form); 7] = [
    ("text", Form::Text),
    ("mac", Form::Mac),
    ("ip", Form::Ip),
    ("hex", Form::Hex),
    ("date", Form::Date),
    ("oid", Form::Oid),
    ("bits", Form::Bits),
];

/// Reads everything but where it comes from.
pub(super) fn read(map: &Map, keys: &[&str], problems: &mut Problems<'_>) -> Mapping {
    Keys::new("a mapping", keys).check(map, problems);
    let mut mapping = Mapping::default();
    for entry in &map.entries {
        let (key, node) = (entry.key.value.as_str(), &entry.value);
        match key {
            "as" => {
                let words: Vec<&str> = FORMS.iter().map(|(word, _)| *word).collect();
                if let Some(word) = fields::word(node, key, &words, problems) {
                    let form = FORMS.iter().find(|(known, _)| *known == word.value);
                    mapping.form = form.map_or(Form::Text, |(_, form)| *form);
                }
            }
            "enum" => mapping.words = Words::Enum(words(node, key, problems)),
            "bits" => mapping.words = Words::Bits(words(node, key, problems)),
            "scale" => mapping.scale = number(node, key, problems),
            "offset" => mapping.offset = number(node, key, problems),
            "null_if" => {
                let texts = match &node.kind {
                    // An empty text may be what stands for nothing.
                    NodeKind::Scalar(text) => vec![text.clone()],
                    _ => fields::texts(node, key, problems)
                        .map_or_else(Vec::new, |t| t.value.into_iter().map(|w| w.value).collect()),
                };
                mapping.null_if = texts;
            }
            "regex" => {
                let text = fields::text(node, key, problems);
                mapping.regex = text.and_then(|text| regex(&text, problems));
            }
            "number" => {
                let word = fields::word(node, key, &["true", "false"], problems);
                mapping.number = word.is_some_and(|w| w.value == "true");
            }
            _ => {}
        }
    }
    if let (Some(a), Some(b)) = (map.get("enum"), map.get("bits")) {
        let message = "`enum` and `bits` both stand here";
        problems.error_at("two-keys", &[b.key.mark, a.key.mark], message);
    }
    mapping
}

/// `{1: ok, 2: failed}`
fn words(node: &Node, key: &str, problems: &mut Problems<'_>) -> Vec<(i64, std::sync::Arc<str>)> {
    let Some(map) = fields::map(node, key, problems) else {
        return Vec::new();
    };
    let mut words = Vec::new();
    for entry in &map.entries {
        let word = fields::text(&entry.value, &entry.key.value, problems);
        match (entry.key.value.parse(), word) {
            (Ok(number), Some(word)) => words.push((number, word.value.into())),
            (Err(_), _) => {
                let message = format!("`{}` is not a whole number", entry.key.value);
                problems
                    .error("bad-value", entry.key.mark, message)
                    .help(format!(
                        "write numbers and words: `{key}: {{1: ok, 2: failed}}`"
                    ));
            }
            (Ok(_), None) => {}
        }
    }
    words
}

fn number(node: &Node, key: &str, problems: &mut Problems<'_>) -> Option<f64> {
    let text = fields::text(node, key, problems)?;
    let number = text.value.parse::<f64>().ok().filter(|n| n.is_finite());
    if number.is_none() {
        let message = format!("`{key}` must be a number, not `{}`", text.value);
        problems.error("bad-value", text.mark, message);
    }
    number
}

/// What the mapping gives, when the device's own value is of type `own`.
pub(super) fn type_of(mapping: &Mapping, own: Type) -> Type {
    if mapping.scale.is_some() || mapping.offset.is_some() || mapping.number {
        return Type::Number;
    }
    if mapping.words != Words::None || mapping.regex.is_some() {
        return Type::Text;
    }
    match mapping.form {
        Form::Text => own,
        Form::Date => Type::Number,
        Form::Mac | Form::Ip | Form::Hex | Form::Oid | Form::Bits => Type::Text,
    }
}

/// The kind of a column of a new table that does not say its own.
pub(super) fn implied_kind(map: &Map) -> Option<Kind> {
    let has = |key| map.get(key).is_some();
    if has("scale") || has("offset") || has("number") || has("value") {
        return Some(Kind::Float);
    }
    let form = map.get("as").and_then(|e| match &e.value.kind {
        NodeKind::Scalar(text) => Some(text.as_str()),
        _ => None,
    });
    match form {
        Some("date") => Some(Kind::Time),
        Some(_) => Some(Kind::Text),
        None if has("enum") || has("bits") || has("regex") || has("text") => Some(Kind::Text),
        None => None,
    }
}
