//! Where things stand in a query file.

/// Line and column, from 1, of a byte.
pub fn of_byte(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |n| n + 1);
    (line, before[start..].chars().count() + 1)
}

/// Where the front matter names `key` below the section `section` (`params`, `columns`, `chart`), or
/// the section itself; the beginning of the file when neither is found.
pub fn of_key(text: &str, section: &str, key: &str) -> (usize, usize) {
    let front = text.split("---*/").next().unwrap_or_default();
    let mut at = 0;
    let mut begin = None;
    for line in front.split_inclusive('\n') {
        let is_key = |word: &str| {
            let rest = line.trim_start().strip_prefix(word);
            rest.is_some_and(|rest| rest.starts_with(':'))
        };
        let top = !line.starts_with([' ', '\t']);
        let indent = line.len() - line.trim_start().len();
        if begin.is_some() && top && !line.trim().is_empty() {
            break;
        }
        if begin.is_some() && is_key(key) {
            return of_byte(text, at + indent);
        }
        if top && is_key(section) {
            begin = Some(at);
            // All on one line: `chart: {type: bar, x: a}`.
            if let Some(found) = line.find(&format!("{key}:")).filter(|found| *found > 0) {
                return of_byte(text, at + found);
            }
        }
        at += line.len();
    }
    of_byte(text, begin.unwrap_or(0))
}

/// Where DuckDB's error message points: its `LINE 7: …` with the mark below. DuckDB shows a piece of
/// a long line only.
pub fn of_error(text: &str, error: &str) -> Option<(usize, usize)> {
    let at = error.find("LINE ")?;
    let mut lines = error[at..].lines();
    let (head, excerpt) = lines.next()?.split_once(": ")?;
    let line: usize = head.strip_prefix("LINE ")?.parse().ok()?;
    let mark = lines.next().and_then(|mark| mark.find('^'));
    let place = mark.and_then(|mark| mark.checked_sub(head.len() + 2));
    let shown = excerpt.trim_start_matches("...").trim_end_matches("...");
    let whole = text.lines().nth(line.checked_sub(1)?)?;
    let before = whole.find(shown.trim_end())?;
    let cut = excerpt.len() - excerpt.trim_start_matches("...").len();
    let byte = before + place?.saturating_sub(cut);
    let column = whole
        .get(..byte)
        .map_or(1, |before| before.chars().count() + 1);
    Some((line, column))
}

/// The line alone, where the mark says nothing.
pub fn line_of_error(error: &str) -> Option<usize> {
    error.split("LINE ").nth(1)?.split(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "/*---
title: A
params:
  host: {type: host}
columns:
  host: {link: x}
chart: {type: bar, x: host, y: n}
---*/
SELECT 1 AS host, nn
";

    #[test]
    fn keys_are_found_in_their_own_section() {
        assert_eq!(of_key(TEXT, "params", "host"), (4, 3));
        assert_eq!(of_key(TEXT, "columns", "host"), (6, 3));
        assert_eq!(of_key(TEXT, "columns", "other"), (5, 1));
        assert_eq!(of_key(TEXT, "chart", "y"), (7, 29));
        assert_eq!(of_key(TEXT, "tags", "x"), (1, 1));
    }

    #[test]
    fn the_mark_of_an_error_is_followed() {
        let error =
            "Binder Error: no nn\n\nLINE 9: SELECT 1 AS host, nn\n                          ^";
        assert_eq!(of_error(TEXT, error), Some((9, 19)));
        let error = "Binder Error: no nn\n\nLINE 9: ... AS host, nn\n                     ^";
        assert_eq!(of_error(TEXT, error), Some((9, 19)));
        assert_eq!(of_error(TEXT, "Binder Error: no nn"), None);
    }
}
