//! The words of a report: times, paragraphs, links.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::inventory::Localized;
use crate::loops::reporter::findings::Found;
use crate::query::{Answer, Range};
use crate::reading::UnixSeconds;

/// The first rows.
pub(super) fn head(answer: &Answer, rows: usize) -> Answer {
    Answer {
        columns: answer.columns.clone(),
        rows: answer.rows.iter().take(rows).cloned().collect(),
        truncated: answer.truncated || answer.rows.len() > rows,
    }
}

pub(super) fn paragraphs(text: &Localized, language: &str) -> Vec<String> {
    let parts = text.get(language).split("\n\n").map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// DuckDB's words without its drawing of the place.
pub(super) fn first_lines(words: &str) -> String {
    let lines = words.lines().map(str::trim);
    let lines: Vec<&str> = lines
        .take_while(|line| !line.starts_with("LINE "))
        .filter(|line| !line.is_empty())
        .collect();
    lines.join(" ")
}

/// The page of the query, or its file, asked as it was here.
pub(super) fn link(found: &Found, url: &str, ending: &str) -> String {
    let mut pairs = vec![("tz".to_owned(), found.asked.timezone.clone())];
    if let Some(range) = found.range {
        let zone = &found.asked.timezone;
        pairs.push((
            "from".into(),
            written(range.from, zone, "%Y-%m-%dT%H:%M:%S%:z"),
        ));
        pairs.push(("to".into(), written(range.to, zone, "%Y-%m-%dT%H:%M:%S%:z")));
    }
    pairs.extend(found.asked.params.iter().cloned());
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    format!(
        "{url}q/{}{ending}?{}",
        encode(&found.asking.query),
        pairs.join("&")
    )
}

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// `2026-11-16 – 2026-11-22` of whole days (the last one is within), else with hours and minutes.
pub(super) fn period_text(range: Range, timezone: &str) -> String {
    let midnight = |time| written(time, timezone, "%H:%M:%S") == "00:00:00";
    if !midnight(range.from) || !midnight(range.to) {
        let minute = |time| written(time, timezone, "%Y-%m-%d %H:%M");
        return format!("{} – {}", minute(range.from), minute(range.to));
    }
    let day = |time| written(time, timezone, "%Y-%m-%d");
    let (first, last) = (day(range.from), day(range.to - 1));
    if first == last {
        first
    } else {
        format!("{first} – {last}")
    }
}

pub(in crate::loops::reporter) fn written(
    time: UnixSeconds,
    timezone: &str,
    pattern: &str,
) -> String {
    let zone = TimeZone::get(timezone).unwrap_or(TimeZone::UTC);
    Timestamp::from_second(time).map_or_else(
        |_| String::new(),
        |at| at.to_zoned(zone).strftime(pattern).to_string(),
    )
}
