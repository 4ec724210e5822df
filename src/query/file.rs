//! The front matter: YAML between `/*---` and `---*/` at the head of the file.

use crate::inventory::{Localized, Problem};

use super::front::{ChartFile, Front, OneOrMore, Ordered, ParamFile, ShowFile};
use super::param::{Kind, Param};
use super::{Chart, ChartKind, IMPLICIT, Query, Show, TAKEN, name_of, place, problem, range};

const OPEN: &str = "/*---";
const CLOSE: &str = "---*/";
/// When a query's own range is tried: 2026-11-23T10:20:30Z.
const A_DAY_TO_TRY: i64 = 1_795_429_230;

pub(super) fn has_front_matter(text: &str) -> bool {
    text.trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with(OPEN)
}

pub(super) fn parse(path: &str, text: &str) -> Result<Query, Problem> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let Some(name) = name_of(file) else {
        let words = format!("`{file}` is no name for a query: letters, digits, - and _, then .sql");
        return Err(problem(path, (1, 1), "query-name", words));
    };
    let Some(opened) = text.find(OPEN).filter(|_| has_front_matter(text)) else {
        let mut missing = problem(
            path,
            (1, 1),
            "no-front-matter",
            "the file has no front matter",
        );
        missing.help = Some(format!(
            "begin it with `{OPEN}`, a line `title: …` and `{CLOSE}`"
        ));
        return Err(missing);
    };
    let start = opened + OPEN.len();
    let Some(length) = text[start..].find(CLOSE) else {
        let words = format!("the front matter does not end: `{CLOSE}` is missing");
        let line = line_of(text, opened);
        return Err(problem(path, (line, 1), "no-front-matter", words));
    };
    let yaml = &text[start..start + length];
    let first_line = line_of(text, start);
    let front: Front =
        serde_saphyr::from_str(yaml).map_err(|e| yaml_problem(path, first_line, &e))?;
    let here = |section: &str, key: &str| place::of_key(text, section, key);
    let query = Query {
        name: name.into(),
        path: path.into(),
        title: front.title.into(),
        description: front.description.map(Localized::from).unwrap_or_default(),
        tags: front.tags,
        range: front.range.unwrap_or_else(|| "now-24h".into()),
        params: params(front.params)
            .map_err(|(key, e)| problem(path, here("params", &key), "bad-parameter", e))?,
        columns: front.columns.0.into_iter().map(show).collect(),
        chart: chart(front.chart)
            .map_err(|e| problem(path, here("chart", "type"), "bad-chart", e))?,
        sql: text.into(),
    };
    let (from, to) = range::split_range(&query.range);
    if let Err(e) = range::Range::of(from, to, A_DAY_TO_TRY, "UTC") {
        return Err(problem(path, here("range", ""), "bad-range", e));
    }
    if query.sql[start + length + CLOSE.len()..].trim().is_empty() {
        return Err(problem(
            path,
            (1, 1),
            "no-sql",
            "there is no SQL after the front matter",
        ));
    }
    Ok(query)
}

fn params(all: Ordered<ParamFile>) -> Result<Vec<Param>, (String, String)> {
    let made = all.0.into_iter().map(|(name, file)| {
        let at = name.clone();
        param(name, file).map_err(|words| (at, words))
    });
    made.collect()
}

fn param(name: String, file: ParamFile) -> Result<Param, String> {
    if IMPLICIT.contains(&name.as_str()) {
        return Err(format!(
            "the parameter `{name}` is given to every query: do not declare it"
        ));
    }
    if TAKEN.contains(&name.as_str()) {
        return Err(format!(
            "`{name}` cannot be the name of a parameter: links of pages use it"
        ));
    }
    let Some(kind) = Kind::from_word(&file.kind) else {
        let words: Vec<&str> = Kind::ALL.iter().map(|k| k.as_str()).collect();
        return Err(format!(
            "the parameter `{name}` has the unknown type `{}`: it is one of {}",
            file.kind,
            words.join(", ")
        ));
    };
    if kind == Kind::Enum && file.values.is_empty() {
        return Err(format!(
            "the parameter `{name}` is an enum without `values`"
        ));
    }
    let param = Param {
        name,
        kind,
        default: file.default.map(|d| d.to_string()),
        min: file.min,
        max: file.max,
        values: file.values,
        unit: file.unit,
        title: file.title.map(Localized::from),
    };
    if let Some(default) = &param.default {
        param
            .value(default)
            .map_err(|e| format!("the default of a parameter is wrong: {e}"))?;
    }
    Ok(param)
}

fn show((name, file): (String, ShowFile)) -> (String, Show) {
    let show = Show {
        title: file.title.map(Localized::from),
        unit: file.unit,
        link: file.link,
        bar: file.bar,
        warn: file.warn,
        crit: file.crit,
        digits: file.digits,
    };
    (name, show)
}

fn chart(file: Option<ChartFile>) -> Result<Option<Chart>, String> {
    let Some(file) = file.filter(|f| f.kind != "none") else {
        return Ok(None);
    };
    let kind = match file.kind.as_str() {
        "line" => ChartKind::Line,
        "area" => ChartKind::Area,
        "bar" => ChartKind::Bar,
        "stacked" => ChartKind::Stacked,
        "heatmap" => ChartKind::Heatmap,
        "stat" => ChartKind::Stat,
        other => {
            return Err(format!(
                "unknown chart type `{other}`: it is line, area, bar, stacked, heatmap, stat or none"
            ));
        }
    };
    let y = match file.y {
        Some(OneOrMore::One(column)) => vec![column],
        Some(OneOrMore::More(columns)) => columns,
        None => Vec::new(),
    };
    let x = file.x.unwrap_or_default();
    if y.is_empty() || (x.is_empty() && kind != ChartKind::Stat) {
        return Err("a chart needs the columns `x` and `y`".into());
    }
    Ok(Some(Chart {
        kind,
        x,
        y,
        series: file.series,
    }))
}

fn yaml_problem(path: &str, first_line: usize, error: &serde_saphyr::Error) -> Problem {
    let error = error.without_snippet();
    let (line, column) = error.location().map_or((1, 1), |l| {
        let place = |n: u64| usize::try_from(n).unwrap_or(1);
        (place(l.line()), place(l.column()))
    });
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default();
    // The place is told apart from the words.
    let message = message.split(" at line ").next().unwrap_or(message);
    let message = message.trim_start_matches("error: ");
    problem(
        path,
        (first_line - 1 + line, column),
        "front-matter",
        message,
    )
}

/// The line, from 1, of a byte.
fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "/*---
title: {en: Disks that will fill, zh-CN: 磁盘写满预测}
description: Linear trend.
tags: [capacity]
range: now-30d
params:
  group:    {type: group, default: \"\"}
  min_used: {type: float, default: 50, min: 0, max: 100, unit: \"%\"}
  by:       {type: enum, values: [in, out], default: in}
columns:
  host: {link: \"/hosts/{host}\"}
  used_pct: {unit: \"%\", bar: true, warn: 80, crit: 90}
chart: {type: bar, x: host, y: days_left, series: mount}
---*/
SELECT 1
";

    #[test]
    fn a_good_file_is_read() {
        let query = Query::parse("queries/disk_forecast.sql", GOOD).unwrap();
        assert_eq!(query.name, "disk_forecast");
        assert_eq!(query.title.get("zh-CN"), "磁盘写满预测");
        assert_eq!(query.description.get("zh-CN"), "Linear trend.");
        let names: Vec<_> = query.params.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["group", "min_used", "by"]);
        assert_eq!(query.params[1].default.as_deref(), Some("50"));
        assert_eq!(query.show("used_pct").unwrap().crit, Some(90.0));
        let chart = query.chart.unwrap();
        assert_eq!(
            (chart.kind, chart.y),
            (ChartKind::Bar, vec!["days_left".to_owned()])
        );
        assert_eq!(query.sql, GOOD);
    }

    /// File, line of the problem, what the message says.
    #[test]
    fn each_mistake_has_its_line_and_its_words() {
        let front = |body: &str| format!("/*---\ntitle: A\n{body}\n---*/\nSELECT 1\n");
        let cases = [
            ("SELECT 1".to_owned(), 1, "no front matter"),
            ("\n/*---\ntitle: A\nSELECT 1".to_owned(), 2, "does not end"),
            ("/*---\ntitle: A\n---*/\n  ".to_owned(), 1, "no SQL"),
            ("/*---\ntags: [a]\n---*/\nSELECT 1".to_owned(), 1, "title"),
            (front("colour: red"), 3, "colour"),
            (
                front("params:\n  n: {type: number}"),
                4,
                "unknown type `number`",
            ),
            (front("params:\n  n: {type: int, default: x}"), 4, "`x`"),
            (
                front("params:\n  n: {type: int, default: 7, max: 5}"),
                4,
                "at most 5",
            ),
            (front("params:\n  n: {type: enum}"), 4, "without `values`"),
            (
                front("params:\n  from: {type: text}"),
                4,
                "given to every query",
            ),
            (
                front("chart: {type: pie, x: a, y: b}"),
                3,
                "unknown chart type `pie`",
            ),
            (front("chart: {type: bar, x: a}"), 3, "`x` and `y`"),
            (front("range: yesterday"), 3, "yesterday"),
            (front("columns:\n  a: {digits: 300}"), 4, ""),
            (front("tags: [a"), 3, ""),
        ];
        for (text, line, words) in cases {
            let problem = Query::parse("queries/a.sql", &text).unwrap_err();
            let place = &problem.places[0];
            assert!(problem.message.contains(words), "{text}\n{problem:?}");
            assert!(place.line.abs_diff(line) <= 1, "{text}\n{problem:?}");
            assert!(!problem.message.contains('\n'), "{problem:?}");
        }
        assert!(Query::parse("queries/a b.sql", GOOD).is_err());
    }

    #[test]
    fn sql_without_front_matter_is_ad_hoc() {
        let query = Query::read("", "SELECT 1").unwrap();
        assert_eq!(query.sql, "SELECT 1");
        assert!(
            Query::read("queries/a.sql", GOOD)
                .unwrap()
                .param("by")
                .is_some()
        );
    }
}
