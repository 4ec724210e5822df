//! What `eider check` says of reports: whether their queries are there and take what they are given.

use crate::home::{Folder, Home};
use crate::inventory::{Place, Problem, ProblemSeverity, Settings, nearest};
use crate::query::{IMPLICIT, Query, name_of};
use crate::report::Asking;

/// Every query of every report, with its parameters.
pub(super) fn reports(home: &Home, settings: &Settings) -> Vec<Problem> {
    let names = home.asset_names(Folder::Queries);
    let names: Vec<&str> = names.iter().filter_map(|file| name_of(file)).collect();
    let mut problems = Vec::new();
    for asking in settings.reports.iter().flat_map(|report| report.askings()) {
        if !names.contains(&asking.query.as_str()) {
            problems.push(unknown(asking, &names));
        } else if let Ok(query) = home.query(&asking.query) {
            // What is wrong with the file itself is told of the file.
            params(asking, &query, &mut problems);
        }
    }
    problems
}

fn unknown(asking: &Asking, names: &[&str]) -> Problem {
    let likely = nearest(&asking.query, names.iter().copied());
    let help = likely.map_or_else(
        || "`eider queries` lists them; a new one is a file in queries/".into(),
        |likely| format!("did you mean `{likely}`?"),
    );
    problem(
        "unknown-query",
        &asking.place,
        format!("there is no query `{}`", asking.query),
        help,
    )
}

fn params(asking: &Asking, query: &Query, problems: &mut Vec<Problem>) {
    for (name, value, place) in &asking.params {
        let known = query.params.iter().map(|param| param.name.as_str());
        let known: Vec<&str> = known.collect();
        match query.param(name) {
            Some(param) => {
                if let Err(words) = param.value(value) {
                    let help = format!("a parameter of queries/{}.sql", query.name);
                    problems.push(problem("bad-parameter", place, words, help));
                }
            }
            None if IMPLICIT.contains(&name.as_str()) => {
                let words = format!("`{name}` is not given as a parameter");
                let help = "say which time with `range:`, the time zone with `zone:`".into();
                problems.push(problem("unknown-parameter", place, words, help));
            }
            None => {
                let words = format!("the query `{}` has no parameter `{name}`", query.name);
                let likely = nearest(name, known.iter().copied());
                let help = match (likely, known.is_empty()) {
                    (Some(likely), _) => format!("did you mean `{likely}`?"),
                    (None, true) => "it takes none".into(),
                    (None, false) => format!("it takes {}", known.join(", ")),
                };
                problems.push(problem("unknown-parameter", place, words, help));
            }
        }
    }
    for param in &query.params {
        let given = asking.params.iter().any(|(name, ..)| *name == param.name);
        if !given && param.default.is_none() {
            let words = format!("the query `{}` needs `{}`", query.name, param.name);
            let help = format!("add `params: {{{}: …}}`", param.name);
            problems.push(problem("missing-parameter", &asking.place, words, help));
        }
    }
}

fn problem(code: &'static str, place: &Place, message: String, help: String) -> Problem {
    Problem {
        severity: ProblemSeverity::Error,
        code,
        message,
        places: vec![place.clone()],
        help: Some(help),
    }
}
