//! Whether what the front matter says of columns, links and the chart fits the answer.

use super::{AnswerColumn, Param, Query, hole, holes, place, problem};
use crate::inventory::{Problem, nearest};

/// A query that links may lead to: its name and what it takes.
pub type Known<'a> = (&'a str, &'a [Param]);

impl Query {
    /// What is wrong with how columns are shown: columns that the answer does not have, and links that
    /// lead nowhere.
    pub fn check_shown(&self, columns: &[AnswerColumn], others: &[Known<'_>]) -> Vec<Problem> {
        let has = |name: &str| columns.iter().any(|column| column.name == name);
        let names = || columns.iter().map(|column| column.name.as_str());
        let mut problems = Vec::new();
        let mut wrong = |section: &str, key: &str, words: String, near: Option<&str>| {
            let at = place::of_key(&self.sql, section, key);
            let mut problem = problem(&self.path, at, "bad-column", words);
            problem.help = near.map(|near| format!("did you mean `{near}`?"));
            problems.push(problem);
        };
        for (name, show) in &self.columns {
            if !has(name) {
                let words = format!("the answer has no column `{name}`");
                wrong("columns", name, words, nearest(name, names()));
            }
            if let Some(column) = show.unit.as_deref().and_then(hole).filter(|c| !has(c)) {
                let words = format!(
                    "the unit of `{name}` is said to stand in `{column}`, a column that the answer does not have"
                );
                wrong("columns", name, words, nearest(column, names()));
            }
            if let Some(words) = show
                .link
                .as_ref()
                .and_then(|link| self.lost(link, &has, others))
            {
                wrong(
                    "columns",
                    name,
                    format!("the link of `{name}` {words}"),
                    None,
                );
            }
        }
        if let Some(chart) = &self.chart {
            let y = chart.y.iter().map(|column| ("y", column));
            let series = chart.series.iter().map(|column| ("series", column));
            let x = (!chart.x.is_empty()).then_some(("x", &chart.x));
            for (key, column) in x.into_iter().chain(y).chain(series) {
                if !has(column) {
                    let words = format!(
                        "the chart draws `{column}`, a column that the answer does not have"
                    );
                    wrong("chart", key, words, nearest(column, names()));
                }
            }
        }
        problems
    }

    /// Why a link leads nowhere.
    fn lost(&self, link: &str, has: &dyn Fn(&str) -> bool, others: &[Known<'_>]) -> Option<String> {
        for name in holes(link) {
            let known = match name.strip_prefix('$') {
                Some(param) => param == "from" || param == "to" || self.param(param).is_some(),
                None => has(name),
            };
            if !known {
                let what = if name.starts_with('$') {
                    "parameter"
                } else {
                    "column"
                };
                return Some(format!("uses `{{{name}}}`, but there is no such {what}"));
            }
        }
        let (name, values) = link
            .strip_prefix("/q/")?
            .split_once('?')
            .unwrap_or((&link[3..], ""));
        if name.contains('{') {
            return None;
        }
        let Some((_, params)) = others.iter().find(|(other, _)| *other == name) else {
            return Some(format!("leads to the query `{name}`, which is not there"));
        };
        let given = values
            .split('&')
            .filter_map(|pair| Some(pair.split_once('=')?.0));
        for given in given.filter(|given| *given != "from" && *given != "to") {
            if !params.iter().any(|param| param.name == given) {
                return Some(format!(
                    "gives `{name}` a parameter `{given}`, which it does not take"
                ));
            }
        }
        None
    }
}
