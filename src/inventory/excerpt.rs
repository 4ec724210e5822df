//! Problems as people read them: the line of the file with carets under the stretch in question.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

use super::Counts;
use super::credential::CREDENTIAL_IS_TEXT;
use super::mask;
use super::problem::{Place, Problem, Severity, SourceFile};

/// Longer lines are cut for the eye.
const LINE_CHARS_MAX: usize = 160;
/// More places of one problem are counted, not shown.
const PLACES_MAX: usize = 4;

/// Every problem with its places in the files, as a compiler would print it. `colour` adds ANSI
/// colours. Control characters of the files come out escaped and secrets as asterisks.
pub fn render(problems: &[Problem], files: &[SourceFile], colour: bool) -> String {
    let paint = Paint(colour);
    let mut text = String::new();
    for (position, problem) in problems.iter().enumerate() {
        if position > 0 {
            text.push('\n');
        }
        one(&mut text, problem, files, paint);
    }
    text
}

/// `2 errors, 1 warning (47 hosts, 5 groups, 12 rules, 18 queries)`.
pub fn summary(problems: &[Problem], counts: Counts, queries: usize) -> String {
    let count = |severity| problems.iter().filter(|p| p.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let mut text = match (errors, warnings) {
        (0, 0) => "no problems".to_owned(),
        (errors, 0) => number(errors, "error"),
        (0, warnings) => number(warnings, "warning"),
        (errors, warnings) => {
            format!(
                "{}, {}",
                number(errors, "error"),
                number(warnings, "warning")
            )
        }
    };
    let queries = match queries {
        1 => "1 query".to_owned(),
        many => format!("{many} queries"),
    };
    let _ = write!(
        text,
        " ({}, {}, {}, {queries})",
        number(counts.hosts, "host"),
        number(counts.groups, "group"),
        number(counts.rules, "rule")
    );
    text
}

fn number(count: usize, of: &str) -> String {
    match count {
        1 => format!("1 {of}"),
        _ => format!("{count} {of}s"),
    }
}

#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        match self.0 {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }
}

fn one(text: &mut String, problem: &Problem, files: &[SourceFile], paint: Paint) {
    let colour = match problem.severity {
        Severity::Error => "1;31",
        Severity::Warning => "1;33",
    };
    let head = format!("{}[{}]", problem.severity.as_str(), problem.code);
    let message = escape(&problem.message);
    let _ = writeln!(
        text,
        "{}: {}",
        paint.with(colour, &head),
        paint.with("1", &message)
    );
    let hides = problem.code == CREDENTIAL_IS_TEXT;
    let shown = &problem.places[..problem.places.len().min(PLACES_MAX)];
    let widest = shown.iter().map(|place| place.line).max().unwrap_or(1);
    let gutter = widest.to_string().len();
    let mut help = problem.help.as_deref().map(escape);
    for place in shown {
        excerpt(
            text,
            (place, hides),
            files,
            gutter,
            (colour, paint),
            &mut help,
        );
    }
    let hidden = problem.places.len() - shown.len();
    if hidden > 0 {
        let _ = writeln!(text, "{:gutter$} … and {hidden} more places", "");
    }
    if let Some(help) = help {
        let _ = writeln!(text, "{:gutter$} = {help}", "");
    }
}

/// One place: its address, its line and the carets, with the help after the first carets.
fn excerpt(
    text: &mut String,
    (place, hides): (&Place, bool),
    files: &[SourceFile],
    gutter: usize,
    (colour, paint): (&str, Paint),
    help: &mut Option<String>,
) {
    let blue = |part: &str| paint.with("1;34", part);
    let path = escape(&place.path);
    let _ = writeln!(
        text,
        "{:gutter$}{} {path}:{}:{}",
        "",
        blue("-->"),
        place.line,
        place.column
    );
    let file = files.iter().find(|file| file.path == place.path);
    let Some(masked) = file.and_then(|file| mask::line(&file.text, place.line)) else {
        return;
    };
    let masked = match hides {
        true => mask::behind(&masked, place.column + place.length),
        false => masked,
    };
    let (shown, indent, carets) = layout(&masked, place);
    let bar = blue("|");
    let _ = writeln!(text, "{:gutter$} {bar}", "");
    let number = blue(&format!("{:>gutter$}", place.line));
    let _ = writeln!(text, "{number} {bar} {}", shown.trim_end());
    let mut under = paint.with(colour, &"^".repeat(carets));
    if let Some(help) = help.take() {
        under = format!("{under} {}", paint.with(colour, &help));
    }
    let _ = writeln!(text, "{:gutter$} {bar} {:indent$}{under}", "", "");
}

/// The line as shown, and the columns on the screen before and under the stretch.
fn layout(line: &str, place: &Place) -> (String, usize, usize) {
    let begin = place.column.saturating_sub(1);
    let end = begin + place.length;
    // A stretch far to the right is shown with what stands around it.
    let first = match end > LINE_CHARS_MAX {
        true => begin.saturating_sub(20),
        false => 0,
    };
    let mut shown = String::new();
    let (mut indent, mut carets) = (0, 0);
    if first > 0 {
        shown.push('…');
        indent += 1;
    }
    for (position, c) in line.chars().enumerate().skip(first) {
        if position >= first + LINE_CHARS_MAX {
            shown.push('…');
            break;
        }
        let printed = escape_char(c);
        let width: usize = printed.chars().map(|c| c.width().unwrap_or(0)).sum();
        if position < begin {
            indent += width;
        } else if position < end {
            carets += width;
        }
        shown.push_str(&printed);
    }
    (shown, indent, carets.max(1))
}

fn escape(text: &str) -> String {
    text.chars().map(escape_char).collect()
}

/// Characters that would move the cursor, colour the terminal or turn the direction of writing
/// come out as their number.
fn escape_char(c: char) -> String {
    let hidden = c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    match c {
        '\t' => " ".into(),
        _ if hidden => format!("\\u{{{:x}}}", u32::from(c)),
        _ => c.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: usize, column: usize, length: usize) -> Problem {
        Problem {
            severity: Severity::Error,
            code: "unknown-key",
            message: "unknown key `credentail`".into(),
            places: vec![Place {
                path: "inventory/hosts.yaml".into(),
                line,
                column,
                length,
            }],
            help: Some("did you mean `credential`?".into()),
        }
    }

    #[test]
    fn carets_stand_under_the_stretch() {
        let files = [SourceFile::new(
            "inventory/hosts.yaml",
            "a:\n  网络: {credentail: x}\n",
        )];
        let text = render(&[problem(2, 8, 10)], &files, false);
        assert_eq!(
            text,
            "error[unknown-key]: unknown key `credentail`\n \
             --> inventory/hosts.yaml:2:8\n  \
             |\n\
             2 |   网络: {credentail: x}\n  \
             |          ^^^^^^^^^^ did you mean `credential`?\n"
        );
        assert!(render(&[problem(2, 8, 10)], &files, true).contains("\u{1b}[1;31m^^^"));
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let files = [SourceFile::new(
            "inventory/hosts.yaml",
            "a: \u{1b}[2J\u{202e}\n",
        )];
        let mut wrong = problem(1, 4, 3);
        wrong.message = "\u{1b}]0;title\u{7}".into();
        let text = render(&[wrong], &files, false);
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{text}");
        assert!(text.contains("\\u{1b}[2J"));
    }

    #[test]
    fn a_long_line_is_cut() {
        let files = [SourceFile::new("inventory/hosts.yaml", "x".repeat(100_000))];
        let text = render(
            &[problem(1, 90_000, 5), problem(1, 1, 100_000)],
            &files,
            false,
        );
        assert!(text.len() < 2000);
        assert!(
            render(&[problem(7, 1, 1)], &files, false)
                .ends_with("7:1\n  = did you mean `credential`?\n")
        );
    }

    #[test]
    fn the_summary_counts() {
        let counts = Counts {
            hosts: 47,
            groups: 1,
            rules: 12,
        };
        assert_eq!(
            summary(&[], counts, 18),
            "no problems (47 hosts, 1 group, 12 rules, 18 queries)"
        );
        let one = [problem(1, 1, 1)];
        assert_eq!(
            summary(&one, counts, 1),
            "1 error (47 hosts, 1 group, 12 rules, 1 query)"
        );
    }
}
