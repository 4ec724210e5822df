//! Parameters: what a query declares, what a call gives, and the typed value between them.

use std::fmt;

use crate::inventory::Localized;
use crate::reading::UnixSeconds;

use super::{IMPLICIT, Query, Range, split_range};

/// Longest text that a parameter takes, in bytes.
const MAX_TEXT: usize = 1000;

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Int,
    Float,
    Bool,
    Enum,
    Host,
    Group,
    Column,
    Interface,
    Duration,
}

impl Kind {
    pub const ALL: [Kind; 10] = [
        Kind::Text,
        Kind::Int,
        Kind::Float,
        Kind::Bool,
        Kind::Enum,
        Kind::Host,
        Kind::Group,
        Kind::Column,
        Kind::Interface,
        Kind::Duration,
    ];

    /// The word of the front matter.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Int => "int",
            Kind::Float => "float",
            Kind::Bool => "bool",
            Kind::Enum => "enum",
            Kind::Host => "host",
            Kind::Group => "group",
            Kind::Column => "column",
            Kind::Interface => "interface",
            Kind::Duration => "duration",
        }
    }

    /// The kind of a word.
    pub fn from_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|k| k.as_str() == word)
    }
}

/// One declared parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    pub name: String,
    pub kind: Kind,
    /// As text, valid for the kind; `None`: the call must give a value.
    pub default: Option<String>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// What an enum takes.
    pub values: Vec<String>,
    pub unit: Option<String>,
    pub title: Option<Localized>,
}

/// A value ready to be bound.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// Microseconds since 1970 UTC.
    Time(i64),
    /// Seconds.
    Interval(i64),
}

/// What a call asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    pub params: Vec<(String, String)>,
    /// `now-6h`, `2026-11-23`, `2026-11-23T10:00`, …; `None`: the query's own range.
    pub from: Option<String>,
    /// `None`: now.
    pub to: Option<String>,
    /// IANA name.
    pub timezone: String,
}

/// A call whose parameters fit the query.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// By name, the implicit ones included.
    pub params: Vec<(String, Bound)>,
    pub range: Range,
}

/// A YAML scalar as its own text.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Bool(v) => v.fmt(f),
            Scalar::Int(v) => v.fmt(f),
            Scalar::Float(v) => v.fmt(f),
            Scalar::Text(v) => v.fmt(f),
        }
    }
}

impl Param {
    /// The text as a value of the parameter's kind. `Err`: a sentence that names the parameter.
    pub fn value(&self, text: &str) -> Result<Bound, String> {
        let name = &self.name;
        let wrong = |what: &str| format!("`{name}` is {what}, not `{text}`");
        let bound = match self.kind {
            Kind::Int => Bound::Int(text.trim().parse().map_err(|_| wrong("a whole number"))?),
            Kind::Float => {
                let number: f64 = text.trim().parse().map_err(|_| wrong("a number"))?;
                if !number.is_finite() {
                    return Err(wrong("a number"));
                }
                Bound::Float(number)
            }
            Kind::Bool => match text {
                "true" | "yes" | "1" => Bound::Bool(true),
                "false" | "no" | "0" => Bound::Bool(false),
                _ => return Err(wrong("true or false")),
            },
            Kind::Duration => {
                let seconds = super::range::duration_s(text);
                Bound::Interval(seconds.ok_or_else(|| wrong("a duration such as 5m or 1h30m"))?)
            }
            Kind::Enum if !self.values.iter().any(|v| v == text) => {
                return Err(wrong(&format!("one of {}", self.values.join(", "))));
            }
            _ if text.len() > MAX_TEXT => {
                return Err(format!("`{name}` is longer than {MAX_TEXT} bytes"));
            }
            _ => Bound::Text(text.to_owned()),
        };
        self.within(&bound)?;
        Ok(bound)
    }

    fn within(&self, bound: &Bound) -> Result<(), String> {
        let number = match bound {
            Bound::Int(v) => *v as f64,
            Bound::Float(v) => *v,
            _ => return Ok(()),
        };
        match (self.min, self.max) {
            (Some(min), _) if number < min => Err(format!("`{}` is at least {min}", self.name)),
            (_, Some(max)) if number > max => Err(format!("`{}` is at most {max}", self.name)),
            _ => Ok(()),
        }
    }
}

impl Query {
    /// Both ends of the time that a call asks about, as written. Who gives a start alone means: up to
    /// now.
    pub fn written_range<'a>(&'a self, asked: &'a Asked) -> (&'a str, &'a str) {
        let (from, to) = split_range(&self.range);
        let to = if asked.from.is_some() { "now" } else { to };
        let from = asked.from.as_deref().unwrap_or(from);
        (from, asked.to.as_deref().unwrap_or(to))
    }

    /// The values of all parameters, the implicit ones included, and the range they speak of.
    /// `Err`: every mistake of the call, one sentence each.
    pub fn bind(&self, asked: &Asked, now: UnixSeconds) -> Result<Call, Vec<String>> {
        let mut mistakes = Vec::new();
        let (from, to) = self.written_range(asked);
        let range = Range::of(from, to, now, &asked.timezone);
        let range = range.unwrap_or_else(|mistake| {
            mistakes.push(mistake);
            Range { from: 0, to: 1 }
        });
        let mut bound = vec![
            ("from".to_owned(), Bound::Time(range.from * 1_000_000)),
            ("to".to_owned(), Bound::Time(range.to * 1_000_000)),
            ("step".to_owned(), Bound::Interval(range.step_s())),
            ("tz".to_owned(), Bound::Text(asked.timezone.clone())),
        ];
        let ad_hoc = self.name.is_empty() && self.params.is_empty();
        for (name, text) in &asked.params {
            if IMPLICIT.contains(&name.as_str()) {
                mistakes.push(format!("`{name}` is not given as a parameter"));
            } else if ad_hoc {
                bound.push((name.clone(), guess(text)));
            } else if self.param(name).is_none() {
                let known: Vec<&str> = self.params.iter().map(|p| p.name.as_str()).collect();
                let known = known.join(", ");
                mistakes.push(format!(
                    "there is no parameter `{name}`; there are: {known}"
                ));
            }
        }
        for param in &self.params {
            let given = asked.params.iter().rev().find(|(n, _)| *n == param.name);
            match given.map(|(_, text)| text).or(param.default.as_ref()) {
                None => mistakes.push(format!("`{}` must be given", param.name)),
                Some(text) => match param.value(text) {
                    Ok(value) => bound.push((param.name.clone(), value)),
                    Err(mistake) => mistakes.push(mistake),
                },
            }
        }
        if mistakes.is_empty() {
            Ok(Call {
                params: bound,
                range,
            })
        } else {
            Err(mistakes)
        }
    }
}

/// A number when it looks like one.
fn guess(text: &str) -> Bound {
    if let Ok(number) = text.parse() {
        return Bound::Int(number);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Bound::Float(number),
        _ => Bound::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(kind: Kind) -> Param {
        Param {
            name: "p".into(),
            kind,
            default: None,
            min: Some(1.0),
            max: Some(10.0),
            values: vec!["in".into(), "out".into()],
            unit: None,
            title: None,
        }
    }

    #[test]
    fn each_kind_takes_its_own() {
        let good = [
            (Kind::Text, "x'; --", Bound::Text("x'; --".into())),
            (Kind::Int, "7", Bound::Int(7)),
            (Kind::Float, "2.5", Bound::Float(2.5)),
            (Kind::Bool, "yes", Bound::Bool(true)),
            (Kind::Enum, "out", Bound::Text("out".into())),
            (Kind::Duration, "1h30m", Bound::Interval(5400)),
            (Kind::Host, "", Bound::Text(String::new())),
        ];
        for (kind, text, want) in good {
            assert_eq!(param(kind).value(text), Ok(want));
        }
        let bad = [
            (Kind::Int, "7.5", "`p` is a whole number, not `7.5`"),
            (Kind::Int, "11", "`p` is at most 10"),
            (Kind::Float, "0.5", "`p` is at least 1"),
            (Kind::Float, "NaN", "`p` is a number, not `NaN`"),
            (Kind::Bool, "maybe", "`p` is true or false, not `maybe`"),
            (Kind::Enum, "up", "`p` is one of in, out, not `up`"),
            (
                Kind::Duration,
                "soon",
                "`p` is a duration such as 5m or 1h30m, not `soon`",
            ),
        ];
        for (kind, text, want) in bad {
            assert_eq!(param(kind).value(text), Err(want.into()));
        }
        assert!(param(Kind::Text).value(&"x".repeat(1001)).is_err());
    }

    #[test]
    fn a_call_hears_of_every_mistake_at_once() {
        let mut query = Query::ad_hoc("SELECT 1");
        query.name = "a".into();
        query.params = vec![param(Kind::Int)];
        let asked = Asked {
            params: vec![("q".into(), "1".into()), ("from".into(), "1".into())],
            from: Some("now".into()),
            to: Some("now-1d".into()),
            timezone: "UTC".into(),
        };
        assert_eq!(
            query.bind(&asked, 1_000_000).unwrap_err(),
            [
                "the range is empty: `from` (now) is not before `to` (now-1d)",
                "there is no parameter `q`; there are: p",
                "`from` is not given as a parameter",
                "`p` must be given",
            ]
        );
    }

    #[test]
    fn a_query_of_last_month_is_asked_about_other_times_as_well() {
        let mut query = Query::ad_hoc("SELECT 1");
        query.range = "now-1M/M to now/M".into();
        let asked = |from: Option<&str>, to: Option<&str>| {
            let asked = Asked {
                from: from.map(str::to_owned),
                to: to.map(str::to_owned),
                ..Asked::default()
            };
            let (from, to) = query.written_range(&asked);
            format!("{from} {to}")
        };
        assert_eq!(asked(None, None), "now-1M/M now/M");
        assert_eq!(asked(Some("now-1d"), None), "now-1d now");
        assert_eq!(asked(None, Some("now")), "now-1M/M now");
        assert_eq!(asked(Some("now-2d"), Some("now-1d")), "now-2d now-1d");
    }

    #[test]
    fn the_implicit_parameters_come_first_and_ad_hoc_ones_are_guessed() {
        let asked = Asked {
            params: [("a", "7"), ("b", "x"), ("c", "0.5")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
            from: None,
            to: None,
            timezone: "Asia/Shanghai".into(),
        };
        let call = Query::ad_hoc("SELECT 1").bind(&asked, 86_400).unwrap();
        let want = [
            ("from", Bound::Time(0)),
            ("to", Bound::Time(86_400_000_000)),
            ("step", Bound::Interval(300)),
            ("tz", Bound::Text("Asia/Shanghai".into())),
            ("a", Bound::Int(7)),
            ("b", Bound::Text("x".into())),
            ("c", Bound::Float(0.5)),
        ];
        assert_eq!(call.params, want.map(|(k, v)| (k.to_owned(), v)));
    }
}
