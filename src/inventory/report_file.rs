//! `reports:` of the settings: what is sent on schedule, when and to whom.

mod recipients;

use std::time::Duration;

use super::fields::{self, Keys};
use super::layer::is_word;
use super::problem::{Place, Problems};
use super::rule::Localized;
use super::settings::Settings;
use super::settings_file::{LANGUAGES, is_timezone};
use super::yaml::{Entry, Kind, Map, Node, Written};
use crate::report::{Asking, Attach, Cron, Period, Report, Section};
use recipients::recipients;

/// How late a report is sent at most, unless it says so itself.
const LATE: Duration = Duration::from_secs(86_400);
const LATE_BOUNDS: (Duration, Duration) =
    (Duration::from_secs(60), Duration::from_secs(7 * 86_400));
/// Rows of a table, unless the report says otherwise.
const ROWS: usize = 50;
const ROWS_MAX: usize = 1_000;
/// A page that is longer is no page.
const SECTIONS_MAX: usize = 50;
const TEXT_CHARS_MAX: usize = 10_000;

/// Reads every report into the settings.
pub(super) fn reports(node: &Node, settings: &mut Settings, problems: &mut Problems<'_>) {
    let Some(map) = fields::map(node, "reports", problems) else {
        return;
    };
    for entry in &map.entries {
        if !is_word(&entry.key.value) {
            let message = format!("`{}` cannot be the name of a report", entry.key.value);
            problems
                .error("bad-name", entry.key.mark, message)
                .help("use letters, digits, `_`, `-` and `.`");
        }
        if let Some(report) = report(entry, settings, problems) {
            settings.reports.push(report);
        }
    }
}

const KEYS: [&str; 11] = [
    "title",
    "cron",
    "zone",
    "range",
    "text",
    "queries",
    "to",
    "attach",
    "skip_when",
    "late",
    "rows",
];

fn report(entry: &Entry, settings: &Settings, problems: &mut Problems<'_>) -> Option<Report> {
    let name = &entry.key;
    let map = fields::map(&entry.value, &name.value, problems)?;
    let complete = Keys::new("a report", &KEYS).check(map, problems);
    let mut report = empty(name, settings, problems);
    let mut text = None;
    for entry in &map.entries {
        let (key, node) = (entry.key.value.as_str(), &entry.value);
        match key {
            "title" => set(&mut report.title, title(node, key, problems)),
            "cron" => report.cron = cron(node, problems),
            "zone" => {
                if let Some(zone) = fields::text(node, key, problems)
                    && is_timezone(&zone, problems)
                {
                    report.zone = zone.value;
                }
            }
            "range" => report.period = period(node, problems),
            "text" => text = paragraphs(node, key, problems),
            "queries" => report.sections = sections(node, problems),
            "to" => report.to = recipients(node, settings, problems),
            "attach" => report.attach = attach(node, problems),
            "skip_when" => {
                let word = fields::word(node, key, &["empty", "never"], problems);
                report.skip_empty = word.is_some_and(|word| word.value == "empty");
            }
            "late" => {
                let late = fields::duration(node, key, LATE_BOUNDS, problems);
                set(&mut report.late, late.map(|late| late.value));
            }
            "rows" => set(&mut report.rows, rows(node, problems)),
            _ => {}
        }
    }
    if complete {
        whole(name, map, &report, settings, problems);
    }
    report.sections.splice(0..0, text.map(Section::Text));
    Some(report)
}

fn empty(name: &Written<String>, settings: &Settings, problems: &Problems<'_>) -> Report {
    Report {
        name: name.value.clone(),
        title: Localized {
            en: name.value.clone(),
            zh_cn: None,
        },
        cron: None,
        zone: settings.timezone.clone(),
        period: None,
        sections: Vec::new(),
        to: Vec::new(),
        skip_empty: false,
        attach: None,
        late: LATE,
        rows: ROWS,
        place: problems.place(name.mark),
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// What must be there beside what was read.
fn whole(
    name: &Written<String>,
    map: &Map,
    report: &Report,
    settings: &Settings,
    problems: &mut Problems<'_>,
) {
    let of = format!("the report `{}`", name.value);
    if map.get("queries").is_none() {
        let help = "add `queries: [availability]`; `eider queries` lists them";
        fields::missing(name.mark, &of, "queries", help, problems);
    }
    match (map.get("cron"), map.get("to")) {
        (Some(cron), None) => {
            let message = format!("{of} has a schedule but nobody to send it to");
            problems
                .error("missing-key", cron.key.mark, message)
                .help("add `to: [ops@example.net]`, or the name of a receiver of `notify:`");
        }
        (_, Some(to)) if settings.mail.is_none() && !report.to.is_empty() => {
            let message = format!("{of} is sent by mail but there is no `mail`");
            problems.error("missing-key", to.key.mark, message).help(
                "add `mail: {smtp: \"smtps://user@mail.example.net:465\", password: \"env:NAME\", from: \"Eider <eider@example.net>\"}`",
            );
        }
        _ => {}
    }
}

fn cron(node: &Node, problems: &mut Problems<'_>) -> Option<Cron> {
    let text = fields::text(node, "cron", problems)?;
    match Cron::read(&text.value) {
        Ok(cron) => Some(cron),
        Err(why) => {
            problems
                .error("bad-cron", text.mark, format!("`cron`: {why}"))
                .help("five fields: minute, hour, day, month, day of the week, for example \"0 8 * * MON\"; or @daily, @weekly, @monthly");
            None
        }
    }
}

fn period(node: &Node, problems: &mut Problems<'_>) -> Option<Period> {
    let text = fields::text(node, "range", problems)?;
    match Period::read(&text.value) {
        Ok(period) => Some(period),
        Err(why) => {
            let words = crate::report::PERIOD_WORDS;
            problems
                .error("bad-range", text.mark, format!("`range`: {why}"))
                .did_you_mean(super::nearest(&text.value, words));
            None
        }
    }
}

fn rows(node: &Node, problems: &mut Problems<'_>) -> Option<usize> {
    fields::whole(node, "rows", (1, ROWS_MAX), problems).map(|rows| rows.value)
}

fn attach(node: &Node, problems: &mut Problems<'_>) -> Option<Attach> {
    if let Kind::Scalar(text) = &node.kind
        && ["xlsx", "xls", "excel"].contains(&text.as_str())
    {
        problems
            .error(
                "bad-value",
                node.mark,
                format!("`attach` is csv or parquet, not `{text}`"),
            )
            .help("write csv: Excel opens it, Chinese text included");
        return None;
    }
    let word = fields::word(node, "attach", &["csv", "parquet", "none"], problems)?;
    match word.value.as_str() {
        "csv" => Some(Attach::Csv),
        "parquet" => Some(Attach::Parquet),
        _ => None,
    }
}

fn sections(node: &Node, problems: &mut Problems<'_>) -> Vec<Section> {
    let Kind::List(items) = &node.kind else {
        fields::wrong_type(
            node,
            "queries",
            "a list (`[availability, top_cpu]`)",
            problems,
        );
        return Vec::new();
    };
    if items.is_empty() || items.len() > SECTIONS_MAX {
        let message = format!("`queries` names {} queries", items.len());
        problems
            .error("bad-value", node.mark, message)
            .help(format!("name 1 to {SECTIONS_MAX}"));
        return Vec::new();
    }
    let read = items.iter().filter_map(|item| section(item, problems));
    read.collect()
}

const QUERY_KEYS: [&str; 6] = ["query", "params", "range", "title", "text", "rows"];

fn section(node: &Node, problems: &mut Problems<'_>) -> Option<Section> {
    let Kind::Map(map) = &node.kind else {
        let name = fields::text(node, "queries", problems)?;
        return Some(Section::Query(Box::new(asking(&name, problems))));
    };
    let Some(query) = map.get("query") else {
        // A paragraph between the queries.
        Keys::new("a part of a report", &["query", "text"]).check(map, problems);
        let Some(text) = map.get("text") else {
            let message = "this part of the report names no `query` and has no `text`";
            problems.error("missing-key", node.mark, message);
            return None;
        };
        return paragraphs(&text.value, "text", problems).map(Section::Text);
    };
    Keys::new("a query of a report", &QUERY_KEYS).check(map, problems);
    let name = fields::text(&query.value, "query", problems)?;
    let mut asking = asking(&name, problems);
    for entry in &map.entries {
        let (key, node) = (entry.key.value.as_str(), &entry.value);
        match key {
            "params" => asking.params = params(node, problems),
            "range" => asking.period = period(node, problems),
            "title" => asking.title = title(node, key, problems),
            "text" => asking.text = paragraphs(node, key, problems),
            "rows" => asking.rows = rows(node, problems),
            _ => {}
        }
    }
    Some(Section::Query(Box::new(asking)))
}

fn asking(name: &Written<String>, problems: &Problems<'_>) -> Asking {
    Asking {
        query: name.value.clone(),
        params: Vec::new(),
        period: None,
        title: None,
        text: None,
        rows: None,
        place: problems.place(name.mark),
    }
}

/// Values as texts: the query knows their types.
fn params(node: &Node, problems: &mut Problems<'_>) -> Vec<(String, String, Place)> {
    let Some(map) = fields::map(node, "params", problems) else {
        return Vec::new();
    };
    let read = map.entries.iter().filter_map(|entry| {
        let name = &entry.key.value;
        // An empty text is a value too: every group, every host.
        let value = match &entry.value.kind {
            Kind::Scalar(text) if text.is_empty() => String::new(),
            _ => fields::text(&entry.value, name, problems)?.value,
        };
        Some((name.clone(), value, problems.place(entry.key.mark)))
    });
    read.collect()
}

fn title(node: &Node, key: &str, problems: &mut Problems<'_>) -> Option<Localized> {
    super::rule_file::localized(node, key, problems)
}

/// Texts of several lines.
fn paragraphs(node: &Node, key: &str, problems: &mut Problems<'_>) -> Option<Localized> {
    let Kind::Map(map) = &node.kind else {
        return paragraph(node, key, problems).map(|en| Localized { en, zh_cn: None });
    };
    Keys::new(key, &LANGUAGES).check(map, problems);
    let mut of = |language: &str| paragraph(&map.get(language)?.value, key, problems);
    match (of("en"), of("zh-CN")) {
        (Some(en), zh_cn) => Some(Localized { en, zh_cn }),
        // One language serves both.
        (None, Some(only)) => Some(Localized {
            en: only,
            zh_cn: None,
        }),
        (None, None) => None,
    }
}

fn paragraph(node: &Node, key: &str, problems: &mut Problems<'_>) -> Option<String> {
    let Kind::Scalar(text) = &node.kind else {
        fields::wrong_type(node, key, "text", problems);
        return None;
    };
    let strange = |c: char| c.is_control() && c != '\n';
    if text.trim().is_empty() || text.chars().count() > TEXT_CHARS_MAX || text.contains(strange) {
        let message = format!(
            "`{key}` must be text of 1 to {TEXT_CHARS_MAX} characters without control characters"
        );
        problems.error("bad-value", node.mark, message);
        return None;
    }
    Some(text.trim().to_owned())
}
