//! One line: `name{label="value"} 12.5 1700000000000`.

use std::borrow::Cow;

use super::MAX_LABELS;

/// A line taken apart; its time is left out, since what is scraped is true now.
#[derive(Debug, PartialEq)]
pub(super) struct Line<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub(super) value: f64,
}

/// Takes a sample's line apart. The mistake is a sentence without the line's own text.
pub(super) fn read(line: &str) -> Result<Line<'_>, &'static str> {
    let end = line
        .find(['{', ' ', '\t'])
        .ok_or("a name without a value")?;
    let mut name = Cow::Borrowed(&line[..end]);
    let mut labels = Vec::new();
    let mut rest = line[end..].trim_start();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = read_labels(inside, &mut name, &mut labels)?;
    }
    if name.is_empty() {
        return Err("no name");
    }
    // An exemplar (OpenMetrics) stands behind ` # `.
    let rest = rest.split(" # ").next().unwrap_or(rest);
    let mut words = rest.split_ascii_whitespace();
    let value = words.next().ok_or("a name without a value")?;
    let value: f64 = value.parse().map_err(|_| "the value is not a number")?;
    if let Some(time) = words.next()
        && time.parse::<f64>().is_err()
    {
        return Err("the time is not a number");
    }
    match words.next() {
        None => Ok(Line {
            name,
            labels,
            value,
        }),
        Some(_) => Err("something stands behind the time"),
    }
}

/// What stands between the braces; a quoted text without `=` is the sample's name. Returns what comes
/// behind them.
fn read_labels<'a>(
    mut rest: &'a str,
    name: &mut Cow<'a, str>,
    labels: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>,
) -> Result<&'a str, &'static str> {
    loop {
        rest = rest.trim_start();
        if let Some(behind) = rest.strip_prefix('}') {
            return Ok(behind);
        }
        let label = match rest.strip_prefix('"') {
            Some(inside) => {
                let (text, behind) = quoted(inside)?;
                rest = behind.trim_start();
                text
            }
            None => {
                let end = rest.find('=').ok_or("a label without `=`")?;
                let text = rest[..end].trim_end();
                rest = &rest[end..];
                if text.is_empty() || text.contains(['{', '}', ',', ' ', '"']) {
                    return Err("not the name of a label");
                }
                Cow::Borrowed(text)
            }
        };
        if let Some(behind) = rest.strip_prefix('=') {
            let inside = behind
                .trim_start()
                .strip_prefix('"')
                .ok_or("the value of a label is not quoted")?;
            let (text, behind) = quoted(inside)?;
            if labels.len() == MAX_LABELS {
                return Err("too many labels");
            }
            labels.push((label, text));
            rest = behind.trim_start();
        } else if name.is_empty() {
            *name = label;
        } else {
            return Err("a label without a value");
        }
        match rest.strip_prefix(',') {
            Some(behind) => rest = behind,
            None if rest.starts_with('}') => {}
            None => return Err("labels are not divided by `,`"),
        }
    }
}

/// The text up to the closing quote, and what comes behind it.
fn quoted(inside: &str) -> Result<(Cow<'_, str>, &str), &'static str> {
    let mut text = String::new();
    let mut from = 0;
    let mut escaped = false;
    for (at, octet) in inside.bytes().enumerate() {
        if escaped {
            text.push_str(&inside[from..at - 1]);
            from = at + 1;
            match octet {
                b'n' => text.push('\n'),
                b'\\' => text.push('\\'),
                b'"' => text.push('"'),
                // Not an escape: both stay, as others read it.
                _ => from = at - 1,
            }
            escaped = false;
        } else if octet == b'\\' {
            escaped = true;
        } else if octet == b'"' {
            let last = &inside[from..at];
            let behind = &inside[at + 1..];
            if text.is_empty() {
                return Ok((Cow::Borrowed(last), behind));
            }
            text.push_str(last);
            return Ok((Cow::Owned(text), behind));
        }
    }
    Err("a quote is not closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(line: &str) -> Vec<(String, String)> {
        let read = read(line).expect("a good line");
        let owned = read.labels.into_iter();
        owned
            .map(|(k, v)| (k.into_owned(), v.into_owned()))
            .collect()
    }

    #[test]
    fn good_lines() {
        for (text, name, value) in [
            ("up 1", "up", 1.0),
            ("up\t1 1700000000000", "up", 1.0),
            ("up{} 1.5e3", "up", 1500.0),
            ("up {a=\"b\",} -2", "up", -2.0),
            ("{\"my.metric\",a=\"b\"} 3", "my.metric", 3.0),
            ("x_total{a=\"b\"} 4 # {trace=\"1\"} 0.5 1.6", "x_total", 4.0),
            ("x +Inf", "x", f64::INFINITY),
        ] {
            let line = read(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!((&*line.name, line.value), (name, value), "{text}");
        }
        assert!(read("x NaN").expect("good").value.is_nan());
    }

    #[test]
    fn labels_are_unescaped() {
        let line = r#"x{path="C:\\DIR",msg="a \"b\"\nc",odd="\d",zh="中"} 1"#;
        let wanted = [
            ("path", "C:\\DIR"),
            ("msg", "a \"b\"\nc"),
            ("odd", "\\d"),
            ("zh", "中"),
        ];
        let wanted: Vec<_> = wanted.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        assert_eq!(labels(line), wanted);
    }

    #[test]
    fn bad_lines_say_what_is_wrong() {
        for text in [
            "up",
            "up x",
            "up 1 x",
            "up 1 2 3",
            "up{a} 1",
            "up{a=b} 1",
            "up{a=\"b\" 1",
            "up{a=\"b} 1",
            "up{a=\"b\"c=\"d\"} 1",
            "{} 1",
            "{a=\"b\"} 1",
            "up{\"x\"} 1",
            "up{a=\"\\",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
