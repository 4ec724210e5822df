//! `sources:` of the settings: where hosts come from by themselves.

use std::time::Duration;

use super::fields::{self, Keys};
use super::layer::is_word;
use super::problem::Problems;
use super::settings::Settings;
use super::yaml::{Entry, Kind as NodeKind, Map, Node};
use crate::import::{From, Kind, Source, Wishes};

const EVERY: Duration = Duration::from_secs(60);
const EVERY_BOUNDS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(86_400));
const SOURCES_MAX: usize = 100;
const KEYS: [&str; 8] = [
    "file_sd",
    "file",
    "cmd",
    "format",
    "every",
    "collect",
    "credential",
    "group",
];
const FORMATS: [(&str, Kind); 3] = [
    ("file-sd", Kind::FileSd),
    ("csv", Kind::Csv),
    ("ansible", Kind::Ansible),
];

pub(super) fn sources(node: &Node, settings: &mut Settings, problems: &mut Problems<'_>) {
    let Some(map) = fields::map(node, "sources", problems) else {
        return;
    };
    if map.entries.len() > SOURCES_MAX {
        let message = format!("more than {SOURCES_MAX} sources");
        problems.error("too-many", node.mark, message);
        return;
    }
    for entry in &map.entries {
        if let Some(source) = source(entry, problems) {
            settings.sources.push(source);
        }
    }
}

fn source(entry: &Entry, problems: &mut Problems<'_>) -> Option<Source> {
    let name = &entry.key;
    if !is_word(&name.value) || name.value.starts_with('.') {
        let message = format!("`{}` cannot be the name of a source", name.value);
        let help = "use letters, digits, `_`, `-` and `.`";
        problems.error("bad-name", name.mark, message).help(help);
        return None;
    }
    let map = fields::map(&entry.value, &name.value, problems)?;
    Keys::new("a source", &KEYS)
        .later(&["http_sd"])
        .check(map, problems);
    let (from, kind) = origin(entry, map, problems)?;
    let get = |key: &str| map.get(key).map(|entry| &entry.value);
    let every = get("every").map(|node| fields::duration(node, "every", EVERY_BOUNDS, problems));
    let collect = get("collect").map(|node| fields::texts(node, "collect", problems));
    let mut word = |key: &str| {
        let text = fields::text(get(key)?, key, problems)?;
        Some(text.value)
    };
    let wishes = Wishes {
        credential: word("credential"),
        group: word("group"),
        collect: match collect {
            Some(words) => words?.value.into_iter().map(|word| word.value).collect(),
            None => Vec::new(),
        },
        user: "root".into(),
        labels: Vec::new(),
    };
    Some(Source {
        name: name.value.clone(),
        from,
        kind,
        every: match every {
            Some(every) => every?.value,
            None => EVERY,
        },
        wishes,
    })
}

/// What is asked, and what it speaks.
fn origin(entry: &Entry, map: &Map, problems: &mut Problems<'_>) -> Option<(From, Kind)> {
    let named: Vec<&Entry> = map
        .entries
        .iter()
        .filter(|entry| ["file_sd", "file", "cmd"].contains(&entry.key.value.as_str()))
        .collect();
    let [one] = named[..] else {
        let message = format!("the source `{}` must name one origin", entry.key.value);
        problems.error("missing-key", entry.key.mark, message).help(
            "`file_sd: PATH`, `file: PATH` or `cmd: [program, argument]`; over HTTP: `cmd: [curl, -fsS, URL]`",
        );
        return None;
    };
    let from = match one.key.value.as_str() {
        "cmd" => From::Command(command(&one.value, problems)?),
        key => From::File(fields::text(&one.value, key, problems)?.value),
    };
    let words = FORMATS.map(|(word, _)| word);
    let kind = match map.get("format") {
        None => Kind::FileSd,
        Some(format) => {
            let word = fields::word(&format.value, "format", &words, problems)?;
            FORMATS.iter().find(|(known, _)| *known == word.value)?.1
        }
    };
    Some((from, kind))
}

fn command(node: &Node, problems: &mut Problems<'_>) -> Option<Vec<String>> {
    if let NodeKind::Scalar(_) = node.kind {
        let message = "`cmd` must be a list of words";
        problems
            .error("wrong-type", node.mark, message)
            .help("there is no shell: write `[program, argument]`");
        return None;
    }
    let words = fields::texts(node, "cmd", problems)?.value;
    let words: Vec<String> = words.into_iter().map(|word| word.value).collect();
    if words.is_empty() {
        problems.error("bad-value", node.mark, "`cmd` is empty");
        return None;
    }
    Some(words)
}
