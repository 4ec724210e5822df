//! Reads nodes as what they should be: text, words, numbers, durations. What they are not is
//! reported with its place, and the reading goes on.

use std::str::FromStr;
use std::time::Duration;

use super::duration::{parse_duration, print_duration};
use super::nearest::nearest;
use super::problem::Problems;
use super::yaml::{Kind, Map, Mark, Node, Written};

/// The keys that a mapping may have.
pub(super) struct Keys<'k> {
    /// What the mapping is, for a sentence: `a host`.
    of: &'k str,
    known: &'k [&'k str],
    later: &'k [&'k str],
    ignored: &'k [&'k str],
}

/// Keys that people write in the wrong place or under another name: of what, the key, the help.
const MOVED: [(&str, &str, &str); 8] = [
    ("a host", "ip", "the key is `address`"),
    ("a host", "hostname", "the key is `address`"),
    (
        "a host",
        "port",
        "write `snmp: {port: …}` or `ssh: {port: …}`",
    ),
    (
        "a host",
        "user",
        "the credential says the user, or `ssh: {user: …}`",
    ),
    (
        "a host",
        "community",
        "make a credential of type snmp-v2c and name it with `credential:`",
    ),
    ("a host", "methods", "the key is `collect`"),
    ("a host", "group", "the key is `groups`, a list"),
    (
        "snmp",
        "version",
        "the type of the credential says it: snmp-v1, snmp-v2c or snmp-v3",
    ),
];

impl<'k> Keys<'k> {
    pub(super) fn new(of: &'k str, known: &'k [&'k str]) -> Keys<'k> {
        Keys {
            of,
            known,
            later: &[],
            ignored: &[],
        }
    }

    /// Keys that the design knows and this version does not: without them the file would not do
    /// what it says.
    pub(super) fn later(self, later: &'k [&'k str]) -> Keys<'k> {
        Keys { later, ..self }
    }

    /// The same, but the rest of the file does well without them.
    pub(super) fn ignored(self, ignored: &'k [&'k str]) -> Keys<'k> {
        Keys { ignored, ..self }
    }

    /// Reports every key that is not known. `false` when there is one: then what is missing may
    /// well be there under a wrong name.
    pub(super) fn check(&self, map: &Map, problems: &mut Problems<'_>) -> bool {
        let mut clean = true;
        for entry in &map.entries {
            let key = entry.key.value.as_str();
            if self.known.contains(&key) {
                continue;
            }
            if self.ignored.contains(&key) {
                let message = format!("`{key}` is not in this version yet: it has no effect");
                problems.warning("not-yet", entry.key.mark, message);
                continue;
            }
            if self.later.contains(&key) {
                let message = format!("`{key}` is not in this version yet");
                problems
                    .error("not-yet", entry.key.mark, message)
                    .help("remove it");
                continue;
            }
            clean = false;
            let message = format!("unknown key `{key}`");
            let problem = problems.error("unknown-key", entry.key.mark, message);
            let moved = MOVED
                .iter()
                .find(|(of, moved, _)| *of == self.of && *moved == key);
            if let Some((_, _, help)) = moved {
                problem.help(*help);
                continue;
            }
            match nearest(key, self.known.iter().copied()) {
                Some(likely) => problem.did_you_mean(Some(likely)),
                None => problem.help(format!("{} may have: {}", self.of, self.known.join(", "))),
            };
        }
        clean
    }
}

/// A mapping; an absent value (`groups:` with nothing after it) is an empty one.
pub(super) fn map<'n>(node: &'n Node, key: &str, problems: &mut Problems<'_>) -> Option<&'n Map> {
    static EMPTY: Map = Map {
        entries: Vec::new(),
    };
    match &node.kind {
        Kind::Map(map) => Some(map),
        Kind::Null => Some(&EMPTY),
        _ => {
            wrong_type(node, key, "a mapping (`name: value`)", problems);
            None
        }
    }
}

/// Text of one line: quoted or not, numbers included.
pub(super) fn text(node: &Node, key: &str, problems: &mut Problems<'_>) -> Option<Written<String>> {
    match &node.kind {
        Kind::Scalar(text) if text.contains(|c: char| c.is_control()) => {
            let message = format!("`{key}` holds a line break or another control character");
            problems.error("bad-value", node.mark, message);
            None
        }
        Kind::Scalar(text) if text.trim().is_empty() => {
            problems.error("bad-value", node.mark, format!("`{key}` is empty"));
            None
        }
        Kind::Scalar(text) => Some(Written {
            value: text.clone(),
            mark: node.mark,
        }),
        _ => {
            wrong_type(node, key, "text", problems);
            None
        }
    }
}

/// A list of texts; a single text is a list of one.
pub(super) fn texts(
    node: &Node,
    key: &str,
    problems: &mut Problems<'_>,
) -> Option<Written<Vec<Written<String>>>> {
    let value = match &node.kind {
        Kind::List(items) => items
            .iter()
            .filter_map(|item| text(item, key, problems))
            .collect(),
        Kind::Scalar(_) => vec![text(node, key, problems)?],
        _ => {
            wrong_type(node, key, "a list (`[a, b]`)", problems);
            return None;
        }
    };
    Some(Written {
        value,
        mark: node.mark,
    })
}

/// A whole number within the bounds.
pub(super) fn whole<T: FromStr + Copy + PartialOrd + std::fmt::Display>(
    node: &Node,
    key: &str,
    bounds: (T, T),
    problems: &mut Problems<'_>,
) -> Option<Written<T>> {
    let parsed = match &node.kind {
        Kind::Scalar(text) => text.parse::<T>().ok(),
        _ => None,
    };
    match parsed.filter(|n| *n >= bounds.0 && *n <= bounds.1) {
        Some(value) => Some(Written {
            value,
            mark: node.mark,
        }),
        None => {
            let (low, high) = bounds;
            let found = node.describe();
            let message = match low == high {
                true => format!("`{key}` must be {low}, not {found}"),
                false => {
                    format!("`{key}` must be a whole number from {low} to {high}, not {found}")
                }
            };
            problems.error("bad-value", node.mark, message);
            None
        }
    }
}

/// A duration within the bounds.
pub(super) fn duration(
    node: &Node,
    key: &str,
    bounds: (Duration, Duration),
    problems: &mut Problems<'_>,
) -> Option<Written<Duration>> {
    let Kind::Scalar(text) = &node.kind else {
        wrong_type(node, key, "a duration like 90s, 5m or 1h30m", problems);
        return None;
    };
    let why = match parse_duration(text) {
        Ok(value) if value >= bounds.0 && value <= bounds.1 => {
            return Some(Written {
                value,
                mark: node.mark,
            });
        }
        Ok(_) => format!(
            "`{key}` must be from {} to {}, not {text}",
            print_duration(bounds.0),
            print_duration(bounds.1)
        ),
        Err(why) => format!("`{key}`: {why}"),
    };
    problems.error("bad-value", node.mark, why);
    None
}

/// One of a few words.
pub(super) fn word(
    node: &Node,
    key: &str,
    words: &[&str],
    problems: &mut Problems<'_>,
) -> Option<Written<String>> {
    let found = text(node, key, problems)?;
    if words.contains(&found.value.as_str()) {
        return Some(found);
    }
    let message = format!("`{key}` must be {}, not `{}`", either(words), found.value);
    problems
        .error("bad-value", node.mark, message)
        .did_you_mean(nearest(&found.value, words.iter().copied()));
    None
}

/// A list without a word of the language: `a, b or c`.
pub(super) fn either(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

pub(super) fn wrong_type(node: &Node, key: &str, wanted: &str, problems: &mut Problems<'_>) {
    let message = match &node.kind {
        Kind::Null => format!("`{key}` has no value: it must be {wanted}"),
        _ => format!("`{key}` must be {wanted}, not {}", node.describe()),
    };
    problems.error("wrong-type", node.mark, message);
}

/// Reports an entry that is missing from the mapping whose key is at `mark`.
pub(super) fn missing(mark: Mark, of: &str, key: &str, help: &str, problems: &mut Problems<'_>) {
    problems
        .error("missing-key", mark, format!("{of} has no `{key}`"))
        .help(help);
}
