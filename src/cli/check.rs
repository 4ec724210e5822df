//! `eider check`: every file, all problems at once.

use serde_json::json;

use super::output;
use crate::home::{Folder, Home};
use crate::inventory::{self, Counts, Problem, ProblemSeverity, SourceFile};
use crate::store;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the problems as JSON
    #[arg(long)]
    json: bool,
}

/// Exit code 0 when no problem is an error, else 3.
pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let (mut files, examined) = home.load().map_err(anyhow::Error::msg)?;
    let mut problems = examined.problems;
    let query_files = query_files(home);
    let queries = query_files.len();
    let (_, of_queries) = store::check_queries(&query_files)?;
    problems.extend(of_queries);
    files.extend(query_files);
    if args.json {
        let value = as_json(&problems, examined.counts, queries);
        output::print(&format!("{value:#}\n"))?;
    } else {
        let mut text = inventory::render(&problems, &files, output::colour());
        if !problems.is_empty() {
            text.push('\n');
        }
        text += &inventory::summary(&problems, examined.counts, queries);
        text.push('\n');
        output::print(&text)?;
    }
    let wrong = problems
        .iter()
        .any(|p| p.severity == ProblemSeverity::Error);
    Ok(if wrong || examined.inventory.is_none() {
        super::EXIT_CONFIG
    } else {
        super::EXIT_OK
    })
}

/// The query files of the home and the shipped ones.
fn query_files(home: &Home) -> Vec<SourceFile> {
    let names = home.asset_names(Folder::Queries);
    let sql = names.iter().filter(|name| name.ends_with(".sql"));
    sql.filter_map(|name| {
        let text = home.asset(Folder::Queries, name)?;
        Some(SourceFile::new(format!("queries/{name}"), text))
    })
    .collect()
}

fn as_json(problems: &[Problem], counts: Counts, queries: usize) -> serde_json::Value {
    let count = |severity| problems.iter().filter(|p| p.severity == severity).count();
    let problem = |problem: &Problem| {
        let places: Vec<_> = problem
            .places
            .iter()
            .map(|place| {
                json!({
                    "path": place.path,
                    "line": place.line,
                    "column": place.column,
                    "length": place.length,
                })
            })
            .collect();
        json!({
            "severity": problem.severity.as_str(),
            "code": problem.code,
            "message": problem.message,
            "help": problem.help,
            "places": places,
        })
    };
    json!({
        "version": 1,
        "errors": count(ProblemSeverity::Error),
        "warnings": count(ProblemSeverity::Warning),
        "hosts": counts.hosts,
        "groups": counts.groups,
        "rules": counts.rules,
        "queries": queries,
        "problems": problems.iter().map(problem).collect::<Vec<_>>(),
    })
}
