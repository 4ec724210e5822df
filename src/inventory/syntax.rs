//! What people usually got wrong when the YAML itself is not right.

/// The usual reasons, as far as the text shows them.
pub(super) fn syntax_help(text: &str, line: usize) -> String {
    let before: Vec<&str> = text.lines().take(line).collect();
    let here = before.last().copied().unwrap_or_default();
    if here.trim_start_matches(' ').starts_with('\t') {
        return "indent with spaces: YAML does not allow tabs there".into();
    }
    // The lines that left a bracket open, but for those that a later line closed.
    let mut open: Vec<usize> = Vec::new();
    for (position, line) in before.iter().enumerate() {
        let more = opened(line);
        if more > 0 {
            open.push(position + 1);
        } else if more < 0 {
            open.pop();
        }
    }
    match open.last() {
        Some(at) => format!("line {at} opens a `[` or `{{` that nothing closes"),
        None if here.matches(": ").count() > 1 => "put text that holds `: ` in quotes".into(),
        None => String::new(),
    }
}

/// How much more a line opens than it closes.
fn opened(line: &str) -> isize {
    let plain = line.split(" #").next().unwrap_or(line);
    let count = |set: [char; 2]| plain.chars().filter(|c| set.contains(c)).count() as isize;
    count(['[', '{']) - count([']', '}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_reasons_are_named() {
        assert!(syntax_help("a:\n\tb: 1", 2).contains("spaces"));
        assert!(syntax_help("a:\n  b: [1, 2\n  c: 3", 3).contains("line 2 opens"));
        assert!(syntax_help("a: b: c", 1).contains("quotes"));
        assert_eq!(syntax_help("a: [1,\n 2]\nb", 3), "");
        assert_eq!(syntax_help("", 9), "");
    }
}
