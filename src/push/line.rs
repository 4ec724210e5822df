//! Influx line protocol: `measurement,tag=value field=1,other=2i 1790000000000000000`.

use std::collections::BTreeMap;

use serde_json::{Number, Value as Json};

use super::rows::Rows;
use super::{Body, Circumstances, Delivery, plausible, telegraf};
use crate::reading::UnixSeconds;

/// One line taken apart.
#[derive(Debug, PartialEq)]
pub(super) struct Point {
    pub(super) measurement: String,
    pub(super) tags: Vec<(String, String)>,
    pub(super) fields: Vec<(String, Json)>,
    /// In the units of the request.
    time: Option<i64>,
}

impl Point {
    pub(super) fn tag(&self, name: &str) -> Option<&str> {
        let found = self.tags.iter().find(|(tag, _)| tag == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Lines of one host and second are one collection.
pub(super) fn read(text: &str, about: &Circumstances<'_>, body: &mut Body) {
    let mut collections: BTreeMap<(UnixSeconds, Option<String>), Rows> = BTreeMap::new();
    for (position, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = position + 1;
        let point = match parse(line) {
            Ok(point) => point,
            Err(why) => {
                body.wrong(number, "", why);
                continue;
            }
        };
        let seconds = point.time.map(|t| t.div_euclid(about.per_second));
        let ts = match plausible(seconds.unwrap_or(about.now), about.now) {
            Ok(ts) => ts,
            Err(why) => {
                body.wrong(number, "time", why);
                continue;
            }
        };
        let host = point.tag("host").map(str::to_owned);
        let rows = collections.entry((ts, host)).or_default();
        for why in telegraf::take(&point, about, rows) {
            body.wrong(number, format!("measurement {}", point.measurement), why);
        }
    }
    for ((ts, host), rows) in collections {
        body.deliveries.push(Delivery {
            host,
            ts,
            readings: rows.into_readings(),
            ..Delivery::default()
        });
    }
}

/// Takes a line apart.
fn parse(line: &str) -> Result<Point, String> {
    let (head, rest) = split(line, ' ').ok_or("no fields: a line is `measurement field=value`")?;
    let (fields, time) = match split(rest, ' ') {
        Some((fields, time)) => (fields, Some(time.trim())),
        None => (rest, None),
    };
    let mut parts = pieces(head, ',').into_iter();
    let measurement = unescape(parts.next().unwrap_or_default());
    if measurement.is_empty() {
        return Err("no measurement before the first comma".into());
    }
    let tags = parts
        .map(|part| match split(part, '=') {
            Some((name, value)) => Ok((unescape(name), unescape(value))),
            None => Err(format!("the tag `{}` has no value", shown(part))),
        })
        .collect::<Result<_, _>>()?;
    let fields = pieces(fields, ',')
        .into_iter()
        .map(|part| match split(part, '=') {
            Some((name, value)) => Ok((unescape(name), field(value)?)),
            None => Err(format!("the field `{}` has no value", shown(part))),
        })
        .collect::<Result<_, _>>()?;
    let time = match time {
        None | Some("") => None,
        Some(text) => Some(
            text.parse()
                .map_err(|_| format!("`{}` is not a time", shown(text)))?,
        ),
    };
    Ok(Point {
        measurement,
        tags,
        fields,
        time,
    })
}

/// `3i`, `3u`, `2.5`, `true`, `"text"`.
fn field(text: &str) -> Result<Json, String> {
    let wrong = || format!("`{}` is no value of a field", shown(text));
    if let Some(inner) = text.strip_prefix('"') {
        let inner = inner.strip_suffix('"').ok_or_else(wrong)?;
        return Ok(Json::String(
            inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        ));
    }
    match text {
        "t" | "T" | "true" | "True" | "TRUE" => return Ok(Json::Bool(true)),
        "f" | "F" | "false" | "False" | "FALSE" => return Ok(Json::Bool(false)),
        _ => {}
    }
    if let Some(whole) = text.strip_suffix('i') {
        return whole.parse::<i64>().map(Json::from).map_err(|_| wrong());
    }
    if let Some(whole) = text.strip_suffix('u') {
        return whole.parse::<u64>().map(Json::from).map_err(|_| wrong());
    }
    let number = text.parse::<f64>().ok().and_then(Number::from_f64);
    number.map(Json::Number).ok_or_else(wrong)
}

/// The text before and after the first separator that is neither escaped nor inside quotes.
fn split(text: &str, separator: char) -> Option<(&str, &str)> {
    let at = find(text, separator)?;
    Some((&text[..at], &text[at + separator.len_utf8()..]))
}

fn pieces(text: &str, separator: char) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((piece, after)) = split(rest, separator) {
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

fn find(text: &str, separator: char) -> Option<usize> {
    let mut escaped = false;
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            c if c == separator && !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(',' | '=' | ' ')) => {}
            _ => plain.push(c),
        }
    }
    plain
}

fn shown(text: &str) -> String {
    super::rows::clean(text).chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_are_taken_apart_as_the_protocol_says() {
        let point =
            parse(r#"disk\ use,path=/a\,b,host=w\=1 used=3i,note="a, \"b\" c=d",x=1.5,up=t 17"#);
        let point = point.expect("a good line");
        assert_eq!(point.measurement, "disk use");
        assert_eq!(point.tag("path"), Some("/a,b"));
        assert_eq!(point.tag("host"), Some("w=1"));
        let fields: Vec<Json> = point
            .fields
            .iter()
            .map(|(_, value)| value.clone())
            .collect();
        assert_eq!(
            fields,
            [json!(3), json!("a, \"b\" c=d"), json!(1.5), json!(true)]
        );
        assert_eq!(point.time, Some(17));
    }

    #[test]
    fn broken_lines_say_what_is_wrong() {
        for (line, why) in [
            ("cpu", "no fields"),
            ("cpu used", "the field `used` has no value"),
            ("cpu,a used=1", "the tag `a` has no value"),
            (",a=b used=1", "no measurement"),
            ("cpu used=abc", "`abc` is no value"),
            ("cpu used=\"abc", "no value of a field"),
            ("cpu used=NaN", "`NaN` is no value"),
            ("cpu used=1 soon", "`soon` is not a time"),
        ] {
            let found = parse(line).expect_err(line);
            assert!(found.contains(why), "{line}: {found}");
        }
    }
}
