//! `inventory/rules/*.yaml`: from nodes to rules.

use std::collections::HashMap;
use std::time::Duration;

use super::condition;
use super::draft::Draft;
use super::fields::{self, Keys};
use super::host::Origin;
use super::layer::is_word;
use super::names;
use super::problem::Problems;
use super::rule::{
    AlertSeverity, Comparison, Condition, HostSelector, Literal, Localized, Rule, Selected,
};
use super::yaml::{Kind, Map, Mark, Node, Written};
use crate::table::Tables;

const HOLD_MAX: Duration = Duration::from_secs(7 * 86_400);

const KEYS: [&str; 7] = [
    "alert",
    "when",
    "for",
    "clear_when",
    "severity",
    "summary",
    "hosts",
];

/// Keys that the design knows and this version does not.
const LATER_KEYS: [&str; 9] = [
    "query",
    "params",
    "fires_if",
    "key",
    "every",
    "no_data",
    "keep_firing_for",
    "labels",
    "notify",
];

/// Ignored with a warning: the alert fires all the same.
const IGNORED_KEYS: [&str; 2] = ["chart", "runbook"];

/// Rules of all files so far.
#[derive(Default)]
pub(super) struct Rules {
    pub(super) list: Vec<Rule>,
    /// Where each name was first written.
    seen: HashMap<String, Mark>,
}

impl Rules {
    /// Adds the rules of one file.
    pub(super) fn read(
        &mut self,
        root: &Node,
        draft: &Draft,
        tables: &Tables,
        problems: &mut Problems<'_>,
    ) {
        let Some(map) = fields::map(root, "the file", problems) else {
            return;
        };
        Keys::new("a rules file", &["version", "rules"])
            .later(&["tests"])
            .check(map, problems);
        let Some(entry) = map.get("rules") else {
            return;
        };
        let items = match &entry.value.kind {
            Kind::List(items) => items,
            Kind::Null => return,
            _ => {
                fields::wrong_type(&entry.value, "rules", "a list (`- alert: …`)", problems);
                return;
            }
        };
        for item in items {
            match &item.kind {
                Kind::Map(map) => {
                    let rule = self.read_rule(item.mark, map, (draft, tables), problems);
                    self.list.extend(rule);
                }
                _ => {
                    let message = format!("a rule must be a mapping, not {}", item.describe());
                    problems
                        .error("wrong-type", item.mark, message)
                        .help("begin it with its name: `- alert: disk-full`");
                }
            }
        }
    }

    fn read_rule(
        &mut self,
        mark: Mark,
        map: &Map,
        (draft, tables): (&Draft, &Tables),
        problems: &mut Problems<'_>,
    ) -> Option<Rule> {
        Keys::new("a rule", &KEYS)
            .later(&LATER_KEYS)
            .ignored(&IGNORED_KEYS)
            .check(map, problems);
        let name = self.name(mark, map, problems);
        let shown = name.as_ref().map_or("?", |name| name.value.as_str());
        let at = name.as_ref().map_or(mark, |name| name.mark);
        let when = when(map, (shown, at), tables, problems);
        let clear_when = clear_when(map, when.as_ref(), tables, problems);
        let hold = map.get("for").and_then(|entry| {
            fields::duration(&entry.value, "for", (Duration::ZERO, HOLD_MAX), problems)
        });
        let severity = severity(map, shown, at, when.as_ref(), problems);
        let summary = match map.get("summary") {
            Some(entry) => localized(&entry.value, "summary", problems),
            None => Some(Localized {
                en: format!("{{{{ host }}}}: {shown}"),
                zh_cn: None,
            }),
        };
        let hosts = match map.get("hosts") {
            Some(entry) => fields::text(&entry.value, "hosts", problems)
                .and_then(|text| selector(&text, draft, problems)),
            None => Some(HostSelector::default()),
        };
        Some(Rule {
            origin: Origin::File {
                path: problems.path(at.file).to_owned(),
                line: at.line,
                column: at.column,
                part: format!("rule {shown}"),
            },
            name: name?.value,
            when: when?,
            hold: hold.map_or(Duration::ZERO, |hold| hold.value),
            clear_when,
            severity: severity?,
            summary: summary?,
            hosts: hosts?,
        })
    }

    fn name(
        &mut self,
        mark: Mark,
        map: &Map,
        problems: &mut Problems<'_>,
    ) -> Option<Written<String>> {
        let Some(entry) = map.get("alert") else {
            let help = "begin it with its name: `- alert: disk-full`";
            fields::missing(mark, "a rule", "alert", help, problems);
            return None;
        };
        let name = fields::text(&entry.value, "alert", problems)?;
        if !is_word(&name.value) {
            let message = format!("`{}` cannot be the name of a rule", name.value);
            problems
                .error("bad-name", name.mark, message)
                .help("use letters, digits, `_`, `-` and `.`");
        }
        if let Some(first) = self.seen.insert(name.value.clone(), name.mark) {
            let message = format!("the rule `{}` is defined twice", name.value);
            problems
                .error_at("duplicate-rule", &[name.mark, first], message)
                .help("to change a shipped rule, put a file of the same name in its place");
        }
        Some(name)
    }
}

fn when(
    map: &Map,
    (rule, at): (&str, Mark),
    tables: &Tables,
    problems: &mut Problems<'_>,
) -> Option<Condition> {
    let Some(entry) = map.get("when") else {
        // A rule by `query:` is reported by its key.
        if map.get("query").is_none() {
            let help = "add a condition, for example `when: cpu.used_pct > 90`";
            fields::missing(at, &format!("the rule `{rule}`"), "when", help, problems);
        }
        return None;
    };
    let text = fields::text(&entry.value, "when", problems)?;
    condition::condition(&text, tables, problems)
}

fn clear_when(
    map: &Map,
    when: Option<&Condition>,
    tables: &Tables,
    problems: &mut Problems<'_>,
) -> Option<Condition> {
    let entry = map.get("clear_when")?;
    let text = fields::text(&entry.value, "clear_when", problems)?;
    let clear = condition::condition(&text, tables, problems)?;
    let when = when?;
    if clear.table != when.table {
        let message = format!(
            "`clear_when` is about `{}`, `when` about `{}`",
            clear.table, when.table
        );
        problems
            .error("bad-condition", text.mark, message)
            .help("both must be about the same table: an alert is one of its rows");
        return None;
    }
    Some(clear)
}

/// `warning`, or `{warning: 90, critical: 95}`.
fn severity(
    map: &Map,
    rule: &str,
    at: Mark,
    when: Option<&Condition>,
    problems: &mut Problems<'_>,
) -> Option<Vec<(AlertSeverity, Option<f64>)>> {
    let Some(entry) = map.get("severity") else {
        let help = "add `severity: warning`, or steps: `severity: {warning: 90, critical: 95}`";
        fields::missing(
            at,
            &format!("the rule `{rule}`"),
            "severity",
            help,
            problems,
        );
        return None;
    };
    let node = &entry.value;
    let words = [
        AlertSeverity::Info,
        AlertSeverity::Warning,
        AlertSeverity::Critical,
    ]
    .map(AlertSeverity::as_str);
    let Kind::Map(map) = &node.kind else {
        let word = fields::word(node, "severity", &words, problems)?;
        return AlertSeverity::from_word(&word.value).map(|severity| vec![(severity, None)]);
    };
    Keys::new("severity", &words).check(map, problems);
    let mut steps = Vec::new();
    for entry in &map.entries {
        let Some(severity) = AlertSeverity::from_word(&entry.key.value) else {
            continue;
        };
        let text = fields::text(&entry.value, &entry.key.value, problems)?;
        match text.value.parse::<f64>().ok().filter(|n| n.is_finite()) {
            Some(limit) => steps.push((severity, Some(limit))),
            None => {
                let message = format!(
                    "`{}` must be a number, not `{}`",
                    entry.key.value, text.value
                );
                problems.error("bad-value", text.mark, message);
                return None;
            }
        }
    }
    steps.sort_by_key(|(severity, _)| *severity);
    check_steps(node.mark, &steps, when?, problems).then_some(steps)
}

/// Whether the limits grow stricter with the severity.
fn check_steps(
    mark: Mark,
    steps: &[(AlertSeverity, Option<f64>)],
    when: &Condition,
    problems: &mut Problems<'_>,
) -> bool {
    let rising = match (when.op, &when.literal) {
        (Comparison::Greater | Comparison::GreaterOrEqual, Literal::Number(_)) => true,
        (Comparison::Less | Comparison::LessOrEqual, Literal::Number(_)) => false,
        _ => {
            problems
                .error(
                    "bad-value",
                    mark,
                    "steps of `severity` need a `when` with < or >",
                )
                .help("write one word: `severity: warning`");
            return false;
        }
    };
    let ordered = steps.windows(2).all(|pair| match rising {
        true => pair[0].1 < pair[1].1,
        false => pair[0].1 > pair[1].1,
    });
    if !ordered || steps.is_empty() {
        let word = if rising { "rise" } else { "fall" };
        let message = format!("the limits of `severity` must {word} from info to critical");
        problems.error("bad-value", mark, message);
    }
    ordered && !steps.is_empty()
}

/// A text, or one per language.
pub(super) fn localized(node: &Node, key: &str, problems: &mut Problems<'_>) -> Option<Localized> {
    let Kind::Map(map) = &node.kind else {
        return fields::text(node, key, problems).map(|text| Localized {
            en: text.value,
            zh_cn: None,
        });
    };
    Keys::new(key, &["en", "zh-CN"]).check(map, problems);
    let mut text = |language: &str| {
        let entry = map.get(language)?;
        fields::text(&entry.value, language, problems).map(|text| text.value)
    };
    let (en, zh_cn) = (text("en"), text("zh-CN"));
    match (en, zh_cn) {
        (Some(en), zh_cn) => Some(Localized { en, zh_cn }),
        // One language serves both.
        (None, Some(only)) => Some(Localized {
            en: only,
            zh_cn: None,
        }),
        (None, None) => {
            if map.entries.is_empty() {
                problems.error("bad-value", node.mark, format!("`{key}` is empty"));
            }
            None
        }
    }
}

fn selector(
    written: &Written<String>,
    draft: &Draft,
    problems: &mut Problems<'_>,
) -> Option<HostSelector> {
    let selector = condition::selector(written, problems)?;
    for term in &selector.terms {
        let (what, name, known) = match &term.what {
            Selected::Group(name) => ("group", name, draft.group(name).is_some()),
            Selected::Host(name) => ("host", name, draft.host_index.contains_key(name)),
            Selected::Label { .. } => continue,
        };
        if known {
            continue;
        }
        let begin = written.value.find(&format!("{what}:{name}")).unwrap_or(0);
        let written = Written {
            value: name.clone(),
            mark: condition::within(written, begin + what.len() + 1, name),
        };
        match what {
            "group" => {
                let groups = draft.groups.iter().map(|group| &*group.name.value);
                names::unknown(what, &written, groups, draft, problems);
            }
            _ => {
                let hosts = draft.hosts.iter().map(|host| &*host.name);
                names::unknown(what, &written, hosts, draft, problems);
            }
        }
    }
    Some(selector)
}
