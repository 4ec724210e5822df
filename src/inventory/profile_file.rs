//! `inventory/profiles/*.yaml`: from nodes to profiles, and the tables that they make.
//!
//! Two passes: first every file says which new tables it defines, and the definitions of all are
//! put together ([`define`]); then each item of `tables:` is resolved against them ([`section`]).

mod columns;
mod define;
mod definition;
mod http;
mod mapping;
mod rows;
mod section;
mod source;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use super::fields::{self, Keys};
use super::nearest::nearest;
use super::problem::Problems;
use super::rule::AlertSeverity;
use super::rule_file::localized;
use super::yaml::{Kind, Map, Mark, Node, Written};
use crate::profile::{Arcs, Matching, ObjectName, Profile, TrapName, arcs};
use crate::table::Tables;

const SECTIONS_MAX: usize = 64;
/// A compiled regular expression of a profile takes at most this many octets.
const REGEX_BYTES: usize = 1 << 20;
const DEFAULT_RANK: u8 = 50;

const KEYS: [&str; 10] = [
    "profile", "version", "comment", "match", "rank", "facts", "tables", "http", "traps", "objects",
];

/// One file whose YAML could be read.
pub(super) struct File<'n> {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) root: &'n Node,
}

/// What the files of the profiles give.
pub(super) struct Profiles {
    pub(super) list: Vec<Arc<Profile>>,
    pub(super) tables: Tables,
}

/// Reads all files; what is wrong with them is reported.
pub(super) fn read(files: &[File<'_>], problems: &mut Problems<'_>) -> Profiles {
    let mut heads: Vec<(&File<'_>, &Map, String)> = Vec::new();
    let mut seen: HashMap<String, Mark> = HashMap::new();
    for file in files {
        let Some(map) = fields::map(file.root, "the file", problems) else {
            continue;
        };
        Keys::new("a profile", &KEYS).check(map, problems);
        let name = name(file, map, problems);
        let mark = map.get("profile").map_or(file.root.mark, |e| e.value.mark);
        if let Some(first) = seen.insert(name.clone(), mark) {
            let message = format!("the profile `{name}` is defined twice");
            problems.error_at("duplicate-profile", &[mark, first], message);
        }
        heads.push((file, map, name));
    }
    let mut definitions = define::Definitions::default();
    for (_, map, _) in &heads {
        for key in ["tables", "http"] {
            for (_, item) in items(map, key, problems) {
                definitions.read(item, problems);
            }
        }
    }
    let tables = definitions.finish(problems);
    let list: Vec<Arc<Profile>> = heads
        .into_iter()
        .map(|(file, map, name)| Arc::new(profile(file, map, name, &tables, problems)))
        .collect();
    let tables = tables.paced(paces(&list));
    Profiles { list, tables }
}

/// For each table the slowest `every:` of what fills it, in seconds.
fn paces(profiles: &[Arc<Profile>]) -> HashMap<&'static str, i64> {
    let mut paces: HashMap<&'static str, i64> = HashMap::new();
    for section in profiles.iter().flat_map(|p| &p.sections) {
        if let Some(every) = section.every {
            let pace = paces.entry(section.name()).or_default();
            *pace = (*pace).max(i64::try_from(every.as_secs()).unwrap_or(i64::MAX / 8));
        }
    }
    paces
}

/// The name must be the file's: it is what overrides a shipped profile, and what `collect:` names.
fn name(file: &File<'_>, map: &Map, problems: &mut Problems<'_>) -> String {
    let base = file.path.rsplit('/').next().unwrap_or(&file.path);
    let stem = base.trim_end_matches(".yaml").trim_end_matches(".yml");
    let good = |name: &str| {
        !name.is_empty()
            && name.len() <= 60
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if !good(stem) {
        let message = format!("`{stem}` cannot be the name of a profile");
        problems
            .error("bad-name", file.root.mark, message)
            .help("name the file with lower case letters, digits and `-`");
    }
    match map.get("profile") {
        None => {
            let help = format!("add `profile: {stem}` as its first line");
            fields::missing(file.root.mark, "the profile", "profile", &help, problems);
        }
        Some(entry) => {
            let written = fields::text(&entry.value, "profile", problems);
            if let Some(written) = written.filter(|w| w.value != stem) {
                let message = format!(
                    "the profile is called `{}`, its file `{stem}`",
                    written.value
                );
                problems
                    .error("bad-name", written.mark, message)
                    .help(format!("write `profile: {stem}`, or rename the file"));
            }
        }
    }
    stem.to_owned()
}

/// The items of `tables:` or `http:` that are mappings, with their places. Told once, in the first pass.
fn items<'n>(map: &'n Map, key: &str, problems: &mut Problems<'_>) -> Vec<(Mark, &'n Map)> {
    let Some(entry) = map.get(key) else {
        return Vec::new();
    };
    let Kind::List(list) = &entry.value.kind else {
        if !matches!(entry.value.kind, Kind::Null) {
            fields::wrong_type(&entry.value, key, "a list (`- fills: …`)", problems);
        }
        return Vec::new();
    };
    if list.len() > SECTIONS_MAX {
        let message = format!("more than {SECTIONS_MAX} items in `{key}`");
        problems.error("too-many", entry.key.mark, message);
    }
    let mut items = Vec::new();
    for item in list.iter().take(SECTIONS_MAX) {
        match &item.kind {
            Kind::Map(map) => items.push((item.mark, map)),
            _ => fields::wrong_type(item, key, "a list of mappings (`- fills: …`)", problems),
        }
    }
    items
}

fn profile(
    file: &File<'_>,
    map: &Map,
    name: String,
    tables: &Tables,
    problems: &mut Problems<'_>,
) -> Profile {
    let mut sections = Vec::new();
    if let Some(entry) = map.get("facts") {
        sections.extend(section::host_facts(&entry.value, problems));
    }
    // Problems of the list itself were told when the definitions were read.
    let silent = &mut Problems::new(&[]);
    let mut http = Vec::new();
    for (mark, item) in items(map, "http", silent) {
        http.extend(http::read(mark, item, tables, problems));
    }
    for (mark, item) in items(map, "tables", silent) {
        sections.extend(section::read(mark, item, tables, problems));
    }
    let comment = map
        .get("comment")
        .and_then(|e| fields::text(&e.value, "comment", problems));
    let rank = map
        .get("rank")
        .and_then(|e| fields::whole(&e.value, "rank", (0, 100), problems));
    Profile {
        name: name.into(),
        comment: comment.map_or_else(String::new, |c| c.value),
        path: file.path.clone(),
        matching: map.get("match").and_then(|e| matching(&e.value, problems)),
        rank: rank.map_or(DEFAULT_RANK, |r| r.value),
        sections,
        http,
        traps: map
            .get("traps")
            .map_or_else(Vec::new, |e| traps(&e.value, problems)),
        objects: map
            .get("objects")
            .map_or_else(Vec::new, |e| objects(&e.value, problems)),
        source: file.text.as_str().into(),
    }
}

fn matching(node: &Node, problems: &mut Problems<'_>) -> Option<Matching> {
    let map = fields::map(node, "match", problems)?;
    let keys = ["sys_object_id", "sys_descr", "has", "has_not"];
    Keys::new("match", &keys).check(map, problems);
    let mut matching = Matching::default();
    for entry in &map.entries {
        let key = entry.key.value.as_str();
        // `has_not: []` says nothing.
        if !keys.contains(&key) || matches!(&entry.value.kind, Kind::List(l) if l.is_empty()) {
            continue;
        }
        let Some(texts) = fields::texts(&entry.value, key, problems) else {
            continue;
        };
        for text in texts.value {
            match key {
                "sys_descr" => matching.sys_descr.extend(regex(&text, problems)),
                "sys_object_id" => matching.sys_object_id.extend(oid(&text, problems)),
                "has" => matching.has.extend(oid(&text, problems)),
                _ => matching.has_not.extend(oid(&text, problems)),
            }
        }
    }
    Some(matching)
}

/// A whole object identifier.
fn oid(written: &Written<String>, problems: &mut Problems<'_>) -> Option<Arcs> {
    let found = arcs(&written.value).filter(|arcs| arcs.len() >= 2);
    if found.is_none() {
        let message = format!("`{}` is not an object identifier", written.value);
        problems
            .error("bad-oid", written.mark, message)
            .help("write it in numbers: 1.3.6.1.2.1.1.1.0");
    }
    found
}

fn regex(written: &Written<String>, problems: &mut Problems<'_>) -> Option<Regex> {
    match RegexBuilder::new(&written.value)
        .size_limit(REGEX_BYTES)
        .build()
    {
        Ok(regex) => Some(regex),
        Err(error) => {
            let why = error.to_string();
            let last = why
                .lines()
                .last()
                .unwrap_or_default()
                .trim()
                .trim_start_matches("error: ");
            let message = format!("`{}` is not a regular expression: {last}", written.value);
            problems.error("bad-regex", written.mark, message);
            None
        }
    }
}

fn traps(node: &Node, problems: &mut Problems<'_>) -> Vec<TrapName> {
    let Some(map) = fields::map(node, "traps", problems) else {
        return Vec::new();
    };
    let mut traps = Vec::new();
    for entry in &map.entries {
        let Some(oid) = oid(&entry.key, problems) else {
            continue;
        };
        if let Kind::Scalar(name) = &entry.value.kind {
            let name = name.clone();
            traps.push(TrapName {
                oid,
                name,
                message: None,
                severity: None,
            });
            continue;
        }
        let Some(map) = fields::map(&entry.value, "a trap", problems) else {
            continue;
        };
        Keys::new("a trap", &["name", "message", "severity"]).check(map, problems);
        let Some(name) = map
            .get("name")
            .and_then(|e| fields::text(&e.value, "name", problems))
        else {
            fields::missing(
                entry.key.mark,
                "the trap",
                "name",
                "add its name in the MIB",
                problems,
            );
            continue;
        };
        let words = ["info", "warning", "critical"];
        traps.push(TrapName {
            oid,
            name: name.value,
            message: map
                .get("message")
                .and_then(|e| localized(&e.value, "message", problems)),
            severity: map
                .get("severity")
                .and_then(|e| fields::word(&e.value, "severity", &words, problems))
                .and_then(|word| AlertSeverity::from_word(&word.value)),
        });
    }
    traps
}

fn objects(node: &Node, problems: &mut Problems<'_>) -> Vec<ObjectName> {
    let Some(map) = fields::map(node, "objects", problems) else {
        return Vec::new();
    };
    let mut objects = Vec::new();
    for entry in &map.entries {
        let oid = oid(&entry.key, problems);
        let name = fields::text(&entry.value, &entry.key.value, problems);
        if let (Some(oid), Some(name)) = (oid, name) {
            objects.push(ObjectName {
                oid,
                name: name.value,
            });
        }
    }
    objects
}

/// Reports a name that is not known, with the likely one.
fn unknown<'k>(
    code: &'static str,
    written: &Written<String>,
    message: String,
    known: impl IntoIterator<Item = &'k str> + Clone,
    problems: &mut Problems<'_>,
) {
    let problem = problems.error(code, written.mark, message);
    match nearest(&written.value, known.clone()) {
        Some(likely) => problem.did_you_mean(Some(likely)),
        None => {
            let all: Vec<&str> = known.into_iter().collect();
            problem.help(format!("there are {}", all.join(", ")))
        }
    };
}
