//! An answer as text: table, CSV, JSON, NDJSON, Markdown. Times are ISO 8601 with the offset of the
//! asked zone; integers are exact; text from devices is made harmless for where it goes.

use std::fmt::Write;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthStr;

use super::text::Text;
use super::{Answer, Cell};

/// What `-o` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    Table,
    Csv,
    Json,
    Ndjson,
    Markdown,
    Parquet,
    /// An Arrow stream.
    Arrow,
}

impl Format {
    pub const WORDS: [&str; 7] = ["table", "csv", "json", "ndjson", "md", "parquet", "arrow"];

    /// The format of a word or of a file's ending.
    pub fn from_word(word: &str) -> Option<Format> {
        Some(match word {
            "table" | "txt" => Format::Table,
            "csv" => Format::Csv,
            "json" => Format::Json,
            "ndjson" | "jsonl" => Format::Ndjson,
            "md" | "markdown" => Format::Markdown,
            "parquet" => Format::Parquet,
            "arrow" | "arrows" => Format::Arrow,
            _ => return None,
        })
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Markdown => "md",
            Format::Parquet => "parquet",
            Format::Arrow => "arrow",
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Format::Table => "text/plain; charset=utf-8",
            Format::Csv => "text/csv; charset=utf-8",
            Format::Json => "application/json",
            Format::Ndjson => "application/x-ndjson",
            Format::Markdown => "text/markdown; charset=utf-8",
            Format::Parquet => "application/vnd.apache.parquet",
            Format::Arrow => "application/vnd.apache.arrow.stream",
        }
    }
}

/// The answer in a text format ([`Format::Parquet`] and [`Format::Arrow`] are none: they give the
/// CSV).
pub fn text(answer: &Answer, format: Format, timezone: &str) -> String {
    if format == Format::Table {
        return table(answer, &zone(timezone));
    }
    let mut text = Text::new(format, &answer.columns, timezone);
    let mut out = String::new();
    text.begin(&answer.columns, &mut out);
    for row in &answer.rows {
        text.row(row, &mut out);
    }
    text.end(answer.truncated, &mut out);
    out
}

/// The zone of that IANA name; UTC when there is none.
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// One cell as plain text; NULL is empty. Not escaped for anything.
pub fn plain(cell: &Cell, zone: &TimeZone) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Bool(v) => v.to_string(),
        Cell::Int(v) => v.to_string(),
        Cell::Float(v) => v.to_string(),
        Cell::Text(text) | Cell::Other(text) => text.clone(),
        Cell::Time(micros) => time(*micros, zone),
        Cell::Date(days) => date(*days),
    }
}

/// As [`plain`], for the eye: a float with 6 significant digits, or none after the point when it is
/// large.
pub(super) fn short(cell: &Cell, zone: &TimeZone) -> String {
    let Cell::Float(v) = cell else {
        return plain(cell, zone);
    };
    let size = v.abs();
    if !v.is_finite() || *v == 0.0 || !(1e-4..1e15).contains(&size) {
        return plain(cell, zone);
    }
    // The magnitude is between -4 and 14.
    let magnitude = size.log10().floor() as i32;
    let digits = usize::try_from(5 - magnitude).unwrap_or(0);
    let text = format!("{v:.digits$}");
    if text.contains('.') {
        let text = text.trim_end_matches('0');
        return text.trim_end_matches('.').to_owned();
    }
    text
}

/// The text with control characters and marks of writing direction escaped: a device must not be
/// able to steer the terminal.
pub fn visible(text: &str) -> String {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(harmful) {
        return text.to_owned();
    }
    let escaped = text.chars().map(|c| {
        if harmful(c) {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    });
    escaped.collect()
}

/// `2026-11-23T18:00:00+08:00`, with microseconds only when there are some.
fn time(micros: i64, zone: &TimeZone) -> String {
    let Ok(instant) = jiff::Timestamp::from_microsecond(micros) else {
        return format!("{micros} µs");
    };
    let zoned = instant.to_zoned(zone.clone());
    let pattern = if micros.rem_euclid(1_000_000) == 0 {
        "%Y-%m-%dT%H:%M:%S%:z"
    } else {
        "%Y-%m-%dT%H:%M:%S.%6f%:z"
    };
    zoned.strftime(pattern).to_string()
}

fn date(days: i32) -> String {
    let epoch = jiff::civil::date(1970, 1, 1);
    let date =
        epoch.checked_add(jiff::Span::new().days(i64::from(days).clamp(-4_000_000, 2_900_000)));
    date.map_or_else(|_| format!("day {days}"), |d| d.to_string())
}

fn is_number(cell: &Cell) -> bool {
    matches!(cell, Cell::Int(_) | Cell::Float(_))
}

fn table(answer: &Answer, zone: &TimeZone) -> String {
    let rows: Vec<Vec<String>> = answer
        .rows
        .iter()
        .map(|row| row.iter().map(|c| visible(&short(c, zone))).collect())
        .collect();
    let names: Vec<String> = answer.columns.iter().map(|c| visible(&c.name)).collect();
    let mut widths: Vec<usize> = names.iter().map(|n| n.width()).collect();
    for row in &rows {
        for (width, text) in widths.iter_mut().zip(row) {
            *width = (*width).max(text.width());
        }
    }
    // A column of numbers is set right, and so is its name.
    let right: Vec<bool> = (0..names.len())
        .map(|i| {
            let mut cells = answer.rows.iter().filter_map(|row| row.get(i));
            answer
                .rows
                .iter()
                .any(|row| row.get(i).is_some_and(is_number))
                && cells.all(|c| is_number(c) || *c == Cell::Null)
        })
        .collect();
    let mut out = String::new();
    for line in std::iter::once(&names).chain(&rows) {
        let mut text = String::new();
        for (i, cell) in line.iter().enumerate() {
            let pad = " ".repeat(widths[i].saturating_sub(cell.width()));
            let gap = if i == 0 { "" } else { "  " };
            if right[i] {
                let _ = write!(text, "{gap}{pad}{cell}");
            } else {
                let _ = write!(text, "{gap}{cell}{pad}");
            }
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    if answer.truncated {
        let _ = writeln!(out, "… there are more rows than these {}", rows.len());
    }
    out
}

/// Spreadsheets run text that begins like a formula.
pub(super) fn guarded(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

pub(super) fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) || text.starts_with(' ') || text.ends_with(' ') {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::AnswerColumn;

    fn answer() -> Answer {
        let column = |name: &str| AnswerColumn {
            name: name.into(),
            sql_type: "VARCHAR".into(),
        };
        Answer {
            columns: ["ts", "host", "n", "n"].map(column).into(),
            rows: vec![
                vec![
                    Cell::Time(1_795_429_230_000_000),
                    Cell::Text("=cmd|' /C calc'!A0".into()),
                    Cell::Int(i128::MAX),
                    Cell::Float(-0.5),
                ],
                vec![
                    Cell::Time(1_795_429_230_500_000),
                    Cell::Text("客户\u{1b}[31m, \"x\"\n".into()),
                    Cell::Null,
                    Cell::Float(1e15),
                ],
            ],
            truncated: false,
        }
    }

    #[test]
    fn csv_is_guarded_and_quoted() {
        assert_eq!(
            text(&answer(), Format::Csv, "Asia/Shanghai"),
            "ts,host,n,n\n\
             2026-11-23T18:20:30+08:00,'=cmd|' /C calc'!A0,170141183460469231731687303715884105727,-0.5\n\
             2026-11-23T18:20:30.500000+08:00,\"客户\u{1b}[31m, \"\"x\"\"\n\",,1000000000000000\n"
        );
    }

    #[test]
    fn json_is_exact_and_its_names_differ() {
        let text = text(&answer(), Format::Json, "UTC");
        assert!(text.contains("\"n\":170141183460469231731687303715884105727,\"n_1\":-0.5}"));
        assert!(text.contains(
            "\"host\":\"客户\\u001b[31m, \\\"x\\\"\\n\",\"n\":null,\"n_1\":1000000000000000.0}"
        ));
        assert!(text.contains("\"ts\":\"2026-11-23T10:20:30+00:00\""));
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed["version"], 1);
        assert_eq!(parsed["rows"][1]["n_1"], 1e15);
        let lines = super::text(&answer(), Format::Ndjson, "UTC");
        assert_eq!(lines.lines().count(), 2);
    }

    #[test]
    fn tables_do_not_steer_the_terminal_and_line_up() {
        let text = text(&answer(), Format::Table, "America/New_York");
        assert!(!text.contains('\u{1b}'));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].starts_with("2026-11-23T05:20:30-05:00 "));
        assert!(lines[2].contains("客户\\u{1b}[31m, \"x\"\\n"));
        let widths: Vec<usize> = lines.iter().map(|l| l.width()).collect();
        assert!(widths.iter().all(|w| *w == widths[0]), "{text}");
        let markdown = super::text(&answer(), Format::Markdown, "UTC");
        assert!(markdown.contains("=cmd\\|'"));
        assert_eq!(markdown.lines().count(), 4);
    }

    #[test]
    fn floats_are_short_for_the_eye_only() {
        let cases = [
            (1_013.026_535, "1013.03"),
            (0.119_589_329, "0.119589"),
            (84.5, "84.5"),
            (100.0, "100"),
            (123_456_789.987, "123456790"),
            (-0.000_123_456_789, "-0.000123457"),
            (0.0, "0"),
            (999_999.96, "1000000"),
        ];
        for (v, want) in cases {
            assert_eq!(short(&Cell::Float(v), &TimeZone::UTC), want);
        }
    }

    #[test]
    fn dates_and_times_at_the_ends_of_the_calendar() {
        let utc = TimeZone::UTC;
        assert_eq!(plain(&Cell::Date(20_780), &utc), "2026-11-23");
        for cell in [
            Cell::Date(i32::MAX - 1),
            Cell::Date(i32::MIN + 2),
            Cell::Time(i64::MAX - 1),
        ] {
            assert!(!plain(&cell, &utc).is_empty());
        }
    }
}
