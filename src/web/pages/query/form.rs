//! The form above an answer: a field for each parameter, and the usual ranges.

use serde::Serialize;

use super::super::super::percent;
use super::super::super::visit::Visit;
use crate::inventory::Inventory;
use crate::query::{Asked, Kind, Param, Query};

/// One parameter in the form.
#[derive(Serialize)]
pub(super) struct Field {
    name: String,
    title: String,
    value: String,
    unit: Option<String>,
    /// `number`, `text` or `select`.
    kind: &'static str,
    choices: Vec<String>,
    min: Option<f64>,
    max: Option<f64>,
    required: bool,
}

/// A range that is one click away.
#[derive(Serialize)]
pub(super) struct Preset {
    /// `24h`, `month`, …: a number with its unit, or a key of the catalogue.
    label: String,
    link: String,
    current: bool,
}

/// Label, from, to.
const PRESETS: [(&str, &str, &str); 8] = [
    ("1h", "now-1h", "now"),
    ("6h", "now-6h", "now"),
    ("24h", "now-24h", "now"),
    ("7d", "now-7d", "now"),
    ("30d", "now-30d", "now"),
    ("90d", "now-90d", "now"),
    ("range.last_week", "now-1w/w", "now/w"),
    ("range.last_month", "now-1M/M", "now/M"),
];

/// The usual ranges, and the query's own first when it is none of them.
pub(super) fn presets(query: &Query, asked: &Asked, visit: &Visit) -> Vec<Preset> {
    let now = query.written_range(asked);
    let nothing = Asked::default();
    let own = query.written_range(&nothing);
    let known = PRESETS.iter().any(|(_, from, to)| (*from, *to) == own);
    let own = (!known).then(|| {
        let (from, to) = own;
        let label = match from.strip_prefix("now-") {
            Some(length) if to == "now" => length.to_owned(),
            _ => format!("{from} – {to}"),
        };
        (label, from, to)
    });
    let usual = PRESETS.map(|(label, from, to)| (label.to_owned(), from, to));
    let all = own.into_iter().chain(usual);
    all.map(|(label, from, to)| Preset {
        label,
        link: with(visit, &[("from", from), ("to", to)]),
        current: (from, to) == now,
    })
    .collect()
}

/// The query string of this page with other values.
pub(super) fn with(visit: &Visit, other: &[(&str, &str)]) -> String {
    let kept = visit
        .query
        .iter()
        .filter(|(name, _)| name != "lang" && !other.iter().any(|(other, _)| other == name));
    let mut pairs: Vec<(String, String)> = kept.cloned().collect();
    let other = other.iter().filter(|(_, value)| !value.is_empty());
    pairs.extend(other.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    percent::query(pairs.iter())
}

/// Titles of the parameters that must be given and are not.
pub(super) fn missing(query: &Query, asked: &Asked, language: &str) -> Vec<String> {
    let given = |param: &Param| {
        let mut params = asked.params.iter().rev();
        let value = params.find(|(name, _)| *name == param.name);
        value.is_some_and(|(_, value)| !value.is_empty())
    };
    let params = query.params.iter();
    params
        .filter(|param| param.default.is_none() && !given(param))
        .map(|param| title(param, language))
        .collect()
}

fn title(param: &Param, language: &str) -> String {
    let title = param.title.as_ref();
    title
        .map_or(param.name.as_str(), |title| title.get(language))
        .to_owned()
}

pub(super) fn fields(
    query: &Query,
    asked: &Asked,
    inventory: &Inventory,
    language: &str,
) -> Vec<Field> {
    let field = |param: &Param| {
        let mut given = asked.params.iter().rev();
        let given = given.find(|(name, _)| *name == param.name);
        let value = given
            .map(|(_, value)| value.clone())
            .or_else(|| param.default.clone())
            .unwrap_or_default();
        let (kind, mut choices) = choices(param, inventory);
        // What the inventory does not have any more may still be in the history.
        if kind == "select" && !choices.contains(&value) {
            choices.push(value.clone());
        }
        Field {
            title: title(param, language),
            name: param.name.clone(),
            value,
            unit: param.unit.clone(),
            kind,
            choices,
            min: param.min,
            max: param.max,
            required: param.default.is_none(),
        }
    };
    query.params.iter().map(field).collect()
}

fn choices(param: &Param, inventory: &Inventory) -> (&'static str, Vec<String>) {
    // Who may leave it open can choose so.
    let open = param.default.as_deref() == Some("");
    let open = open.then(String::new).into_iter();
    match param.kind {
        Kind::Int | Kind::Float => ("number", Vec::new()),
        Kind::Bool => ("select", vec!["true".into(), "false".into()]),
        Kind::Enum => ("select", param.values.clone()),
        Kind::Host => {
            let hosts = inventory.hosts.keys().map(ToString::to_string);
            ("select", open.chain(hosts).collect())
        }
        Kind::Group => {
            let groups = inventory.groups.iter().map(|group| group.name.clone());
            ("select", open.chain(groups).collect())
        }
        _ => ("text", Vec::new()),
    }
}
