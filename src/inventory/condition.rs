//! `filesystem.used_pct > 90` and `group:edge and not label:site=lab`: the two small languages of
//! a rule.

use super::fields::either;
use super::nearest::nearest;
use super::problem::Problems;
use super::rule::{Comparison, Condition, HostSelector, Literal, Selected, SelectorTerm};
use super::yaml::{Mark, Written};
use crate::table::{Kind, Table, Tables};

/// What can be compared with what.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Number,
    Text,
    Bool,
}

/// A piece of the condition with its place.
type Piece<'t> = (&'t str, Mark);

/// Reads `table.column op literal`. Every mistake is reported with its place.
pub(super) fn condition(
    written: &Written<String>,
    tables: &Tables,
    problems: &mut Problems<'_>,
) -> Option<Condition> {
    let Some(((path, path_mark), (op, op_mark), (literal, literal_mark))) = split(written) else {
        problems
            .error("bad-condition", written.mark, format!("`{}` is not a condition", written.value))
            .help("write it like `filesystem.used_pct > 90`: table, column, one of < <= = != >= >, and a value");
        return None;
    };
    let column = column((path, path_mark), tables, problems);
    let Some(op) = comparison(op) else {
        problems
            .error(
                "bad-condition",
                op_mark,
                format!("unknown comparison `{op}`"),
            )
            .help("use one of < <= = != >= >");
        return None;
    };
    let (table, column, class) = column?;
    let Some(literal) = read_literal(literal, class) else {
        let wanted = match class {
            Class::Number => "a number",
            Class::Text => "text like 'up'",
            Class::Bool => "true or false",
        };
        let message = format!("`{path}` is compared with {wanted}, not `{literal}`");
        problems.error("bad-condition", literal_mark, message);
        return None;
    };
    if class != Class::Number && !matches!(op, Comparison::Equal | Comparison::NotEqual) {
        problems
            .error("bad-condition", op_mark, format!("`{path}` has no order"))
            .help("compare it with = or !=");
        return None;
    }
    if let ("host", "state", Literal::Text(state)) = (table, column, &literal) {
        let states = ["up", "down", "silent"];
        if !states.contains(&state.as_str()) {
            let message = format!("a host is {}, never `{state}`", either(&states));
            problems
                .error("bad-condition", literal_mark, message)
                .did_you_mean(nearest(state, states));
            return None;
        }
    }
    Some(Condition {
        table: table.to_owned(),
        column: column.to_owned(),
        op,
        literal,
    })
}

/// The three pieces, each with its place in the file when the text stands on one line there.
fn split(written: &Written<String>) -> Option<(Piece<'_>, Piece<'_>, Piece<'_>)> {
    let text = written.value.as_str();
    let is_op = |c: char| "<>=!".contains(c);
    let op_begin = text.find(is_op)?;
    let op_end = op_begin + text[op_begin..].find(|c| !is_op(c))?;
    let piece = |begin: usize, end: usize| {
        let raw = &text[begin..end];
        let trimmed = raw.trim();
        let before = begin + (raw.len() - raw.trim_start().len());
        (trimmed, within(written, before, trimmed))
    };
    let pieces = (
        piece(0, op_begin),
        piece(op_begin, op_end),
        piece(op_end, text.len()),
    );
    let whole = !pieces.0.0.is_empty() && !pieces.2.0.is_empty();
    whole.then_some(pieces)
}

/// The place of a part of a text. Quotes and escapes make the written text longer than the value:
/// then the whole is marked.
pub(super) fn within(written: &Written<String>, begin: usize, part: &str) -> Mark {
    let total = written.value.chars().count();
    let quote = match written.mark.length.checked_sub(total) {
        Some(0) => 0,
        Some(2) => 1,
        _ => return written.mark,
    };
    Mark {
        column: written.mark.column + quote + written.value[..begin].chars().count(),
        length: part.chars().count().max(1),
        ..written.mark
    }
}

/// Looks the column up in the tables, in the columns of the views, and in `host`.
fn column(
    (path, mark): Piece<'_>,
    tables: &Tables,
    problems: &mut Problems<'_>,
) -> Option<(&'static str, &'static str, Class)> {
    if path.contains(|c: char| !c.is_alphanumeric() && !"_.".contains(c)) {
        problems
            .error("bad-condition", mark, format!("`{path}` is not a column"))
            .help("write table.column: functions and arithmetic are not in this version yet");
        return None;
    }
    let Some((table, column)) = path.split_once('.') else {
        problems
            .error("bad-condition", mark, format!("`{path}` names no column"))
            .help("write table.column: `cpu.used_pct`");
        return None;
    };
    let columns: Vec<(&'static str, Class)> = match tables.find(table) {
        Some(table) => columns(table),
        None if table == "host" => vec![("up", Class::Bool), ("state", Class::Text)],
        None => {
            let names: Vec<&str> = tables.iter().map(|t| t.name).chain(["host"]).collect();
            let problem = problems.error(
                "unknown-table",
                mark,
                format!("there is no table `{table}`"),
            );
            match nearest(table, names.iter().copied()) {
                Some(likely) => problem.did_you_mean(Some(likely)),
                None => problem.help(format!("the tables are {}", names.join(", "))),
            };
            return None;
        }
    };
    let name = tables.find(table).map_or("host", |table| table.name);
    if let Some(&(found, class)) = columns.iter().find(|(known, _)| *known == column) {
        return Some((name, found, class));
    }
    let message = format!("the table `{table}` has no column `{column}`");
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let problem = problems.error("unknown-column", mark, message);
    match nearest(column, names.iter().copied()) {
        Some(likely) => problem.did_you_mean(Some(&format!("{name}.{likely}"))),
        None => problem.help(format!("its columns are {}", names.join(", "))),
    };
    None
}

/// The columns that can be compared.
fn columns(table: &'static Table) -> Vec<(&'static str, Class)> {
    let stored = table.columns.iter().filter_map(|column| {
        let class = match column.kind {
            Kind::Int | Kind::Float | Kind::Pct | Kind::Counter => Class::Number,
            Kind::Text => Class::Text,
            Kind::Bool => Class::Bool,
            Kind::Time | Kind::Input => return None,
        };
        Some((column.name, class))
    });
    let derived = table.derived.iter().map(|d| (d.name, Class::Number));
    stored.chain(derived).collect()
}

fn comparison(op: &str) -> Option<Comparison> {
    Some(match op {
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        "=" | "==" => Comparison::Equal,
        "!=" | "<>" => Comparison::NotEqual,
        ">=" => Comparison::GreaterOrEqual,
        ">" => Comparison::Greater,
        _ => return None,
    })
}

fn read_literal(text: &str, class: Class) -> Option<Literal> {
    match class {
        Class::Number => {
            let number: f64 = text.parse().ok()?;
            number.is_finite().then_some(Literal::Number(number))
        }
        Class::Bool => match text {
            "true" => Some(Literal::Bool(true)),
            "false" => Some(Literal::Bool(false)),
            _ => None,
        },
        Class::Text => {
            let bare = text
                .strip_prefix('\'')
                .and_then(|t| t.strip_suffix('\''))
                .or_else(|| text.strip_prefix('"').and_then(|t| t.strip_suffix('"')));
            match bare {
                Some(inner) if !inner.contains(['\'', '"']) => Some(Literal::Text(inner.into())),
                None if text
                    .chars()
                    .all(|c| c.is_alphanumeric() || "_-.".contains(c)) =>
                {
                    Some(Literal::Text(text.to_owned()))
                }
                _ => None,
            }
        }
    }
}

/// Reads `all`, or terms joined by `and`: `group:edge and not label:site=lab`. Names of groups and
/// hosts are checked by the caller's function, which reports them.
pub(super) fn selector(
    written: &Written<String>,
    problems: &mut Problems<'_>,
) -> Option<HostSelector> {
    if written.value.trim() == "all" {
        return Some(HostSelector::default());
    }
    let mut terms = Vec::new();
    let mut words = written.value.split_whitespace().peekable();
    loop {
        let mut negated = false;
        while words.next_if_eq(&"not").is_some() {
            negated = !negated;
        }
        let Some(what) = words.next().and_then(selected) else {
            break;
        };
        terms.push(SelectorTerm { negated, what });
        match words.next() {
            None => return Some(HostSelector { terms }),
            Some("and") => {}
            Some(_) => break,
        }
    }
    problems
        .error(
            "bad-selector",
            written.mark,
            format!("`{}` does not select hosts", written.value),
        )
        .help("write `all`, or terms joined by `and`: `group:web and not label:site=lab`, `host:web01`");
    None
}

fn selected(word: &str) -> Option<Selected> {
    let (kind, rest) = word.split_once(':').filter(|(_, rest)| !rest.is_empty())?;
    Some(match kind {
        "host" => Selected::Host(rest.to_owned()),
        "group" => Selected::Group(rest.to_owned()),
        "label" => {
            let (name, value) = rest.split_once('=')?;
            Selected::Label {
                name: name.to_owned(),
                value: value.to_owned(),
            }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::inventory::SourceFile;

    fn written(text: &str) -> Written<String> {
        Written {
            value: text.to_owned(),
            mark: Mark {
                file: 0,
                line: 1,
                column: 7,
                length: text.chars().count(),
            },
        }
    }

    fn read(text: &str) -> Result<Condition, (String, usize, usize)> {
        let files = [SourceFile::new("a.yaml", text)];
        let mut problems = Problems::new(&files);
        let found = condition(&written(text), &Tables::default(), &mut problems);
        let list = problems.finish();
        match found {
            Some(condition) => {
                assert!(list.is_empty());
                Ok(condition)
            }
            None => {
                assert_eq!(list.len(), 1, "{list:?}");
                let place = &list[0].places[0];
                let help = list[0].help.clone().unwrap_or_default();
                let said = format!("{}: {help}", list[0].message);
                Err((said, place.column, place.length))
            }
        }
    }

    #[test]
    fn conditions_are_read() {
        let found = read("filesystem.used_pct >= 90.5").unwrap();
        assert_eq!((&*found.table, &*found.column), ("filesystem", "used_pct"));
        assert_eq!(found.op, Comparison::GreaterOrEqual);
        assert_eq!(found.literal, Literal::Number(90.5));
        assert_eq!(read("host.up=false").unwrap().literal, Literal::Bool(false));
        let text = Literal::Text("down".into());
        assert_eq!(read("interface.state == 'down'").unwrap().literal, text);
        assert_eq!(read("interface.state = down").unwrap().literal, text);
        assert!(read("interface.in_bps > 1e9").is_ok());
        assert!(read("disk.busy_pct < -1").is_ok());
    }

    #[test]
    fn mistakes_are_marked_where_they_are() {
        for (text, said, column, length) in [
            (
                "filesystem.used_pc > 90",
                "did you mean `filesystem.used_pct`?",
                7,
                18,
            ),
            (
                "filesystm.used_pct > 90",
                "did you mean `filesystem`?",
                7,
                18,
            ),
            ("cpu.used_pct > high", "a number, not `high`", 22, 4),
            ("cpu.used_pct => 1", "unknown comparison `=>`", 20, 2),
            ("host.up > true", "has no order", 15, 1),
            ("host.state = donw", "did you mean `down`?", 20, 4),
            ("cpu > 1", "names no column", 7, 3),
            ("cpu.used_pct", "is not a condition", 7, 12),
            ("> 5", "is not a condition", 7, 3),
            ("cpu.used_pct >", "is not a condition", 7, 14),
            ("process.started > 5", "no column `started`", 7, 15),
            ("cpu.user > 5", "no column `user`", 7, 8),
            ("host.up = yes", "true or false, not `yes`", 17, 3),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.0.contains(said), "{text}: {error:?}");
            assert_eq!((error.1, error.2), (column, length), "{text}");
        }
    }

    #[test]
    fn selectors_are_read() {
        let files = [SourceFile::new("a.yaml", "")];
        let mut problems = Problems::new(&files);
        let text = "group:edge and not label:site=lab and host:a";
        let found = selector(&written(text), &mut problems).unwrap();
        assert_eq!(found.terms.len(), 3);
        assert!(found.terms[1].negated && !found.terms[0].negated);
        assert!(
            selector(&written("all"), &mut problems)
                .unwrap()
                .terms
                .is_empty()
        );
        for bad in [
            "",
            "edge",
            "group:",
            "group:a or group:b",
            "group:a and",
            "label:x",
            "and",
        ] {
            assert!(selector(&written(bad), &mut problems).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "\\PC{0,40}") {
            let files = [SourceFile::new("a.yaml", "")];
            let mut problems = Problems::new(&files);
            let _ = condition(&written(&text), &Tables::default(), &mut problems);
            let _ = selector(&written(&text), &mut problems);
        }
    }
}
