//! An answer as text, row by row: whoever reads it need not wait for the last one.

use jiff::tz::TimeZone;

use super::format::{Format, csv_field, guarded, plain, short, visible, zone};
use super::{AnswerColumn, Cell, json};

/// One answer in CSV, JSON, NDJSON or Markdown; a table needs all rows to line up and is none of
/// these.
pub(super) struct Text {
    format: Format,
    zone: TimeZone,
    /// For JSON: no two alike.
    names: Vec<String>,
    rows: u64,
}

impl Text {
    pub(super) fn new(format: Format, columns: &[AnswerColumn], timezone: &str) -> Text {
        Text {
            format,
            zone: zone(timezone),
            names: json::unique_names(columns),
            rows: 0,
        }
    }

    /// What stands before the first row.
    pub(super) fn begin(&self, columns: &[AnswerColumn], out: &mut String) {
        match self.format {
            Format::Json => out.push_str(&json::begin(columns, &self.names)),
            Format::Ndjson => {}
            Format::Markdown => {
                markdown_line(out, columns.iter().map(|column| escaped(&column.name)));
                markdown_line(out, columns.iter().map(|_| "---".to_owned()));
            }
            _ => csv_line(out, columns.iter().map(|column| csv_field(&column.name))),
        }
    }

    pub(super) fn row(&mut self, row: &[Cell], out: &mut String) {
        match self.format {
            Format::Json => {
                out.push_str(if self.rows == 0 { "\n" } else { ",\n" });
                json::json_row(out, &self.names, row, &self.zone);
            }
            Format::Ndjson => {
                json::json_row(out, &self.names, row, &self.zone);
                out.push('\n');
            }
            Format::Markdown => {
                markdown_line(out, row.iter().map(|c| escaped(&short(c, &self.zone))));
            }
            _ => csv_line(
                out,
                row.iter().map(|cell| match cell {
                    Cell::Text(text) => csv_field(&guarded(text)),
                    other => csv_field(&plain(other, &self.zone)),
                }),
            ),
        }
        self.rows += 1;
    }

    /// What stands after the last row.
    pub(super) fn end(&self, truncated: bool, out: &mut String) {
        if self.format == Format::Json {
            out.push_str(&json::end(truncated));
        }
    }
}

fn csv_line(out: &mut String, fields: impl Iterator<Item = String>) {
    for (i, field) in fields.enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&field);
    }
    out.push('\n');
}

fn markdown_line(out: &mut String, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.collect();
    out.push_str(&format!("| {} |\n", cells.join(" | ")));
}

fn escaped(text: &str) -> String {
    visible(&text.replace(['\n', '\r'], " ")).replace('|', "\\|")
}
