//! What verbs print: data to stdout, text from devices made harmless, a closed pipe a quiet end.

use std::io::{IsTerminal, Write};

use serde_json::Value;

pub(super) use crate::store::format::visible;

/// Writes to stdout. When the reader has gone (`| head`), the process ends quietly.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    print_bytes(text.as_bytes())
}

/// As [`print()`], for data that is no text.
pub(super) fn print_bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        result => Ok(result?),
    }
}

/// Whether stdout wants colours: a terminal, unless `NO_COLOR` is set; anything when
/// `CLICOLOR_FORCE` is.
pub(super) fn colour() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && (set("CLICOLOR_FORCE") || std::io::stdout().is_terminal())
}

/// As [`visible`], line by line.
pub(super) fn visible_lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(visible).collect();
    lines.join("\n")
}

/// Whether somebody looks at stdout.
pub(super) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// A table of JSON columns and rows: numbers right, NULL empty.
pub(super) fn table_of(columns: &Value, rows: &Value) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let names = columns.as_array().into_iter().flatten();
    table.set_header(names.map(|name| visible(name.as_str().unwrap_or_default())));
    for row in rows.as_array().into_iter().flatten() {
        let cells = row
            .as_array()
            .into_iter()
            .flatten()
            .map(|value| match value {
                Value::Null => comfy_table::Cell::new(""),
                Value::String(s) => comfy_table::Cell::new(visible(s)),
                other => comfy_table::Cell::new(other.to_string())
                    .set_alignment(comfy_table::CellAlignment::Right),
            });
        table.add_row(cells);
    }
    format!("{table}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_steers_a_terminal_is_shown_instead() {
        assert_eq!(visible("eth0"), "eth0");
        assert_eq!(
            visible("a\u{1b}[31mb\n\u{202e}c"),
            "a\\u{1b}[31mb\\n\\u{202e}c"
        );
        assert_eq!(visible("客户甲"), "客户甲");
    }
}
