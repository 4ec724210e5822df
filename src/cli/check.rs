//! `eider check`: every file, all problems at once.

mod assets;
mod reports;

use serde_json::json;

use super::output;
use crate::home::{Folder, Home};
use crate::inventory::{self, Counts, Problem, ProblemSeverity};
use crate::render::Renderer;

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
    let source = home.clone();
    let renderer = Renderer::new(move |name| source.asset(Folder::Templates, name));
    if let Some(inventory) = &examined.inventory {
        problems.extend(assets::summaries(inventory, &renderer));
        problems.extend(reports::reports(home, &inventory.settings));
        problems.extend(crate::store::check_tables(inventory)?);
    }
    let (query_files, found) = assets::queries(home, &examined.tables)?;
    let queries = query_files.len();
    files.extend(query_files);
    problems.extend(found);
    let (template_files, found) = assets::templates(home, &renderer);
    files.extend(template_files);
    problems.extend(found);
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
    let bad = problems
        .iter()
        .any(|problem| problem.severity == ProblemSeverity::Error);
    Ok(if bad {
        super::EXIT_CONFIG
    } else {
        super::EXIT_OK
    })
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
