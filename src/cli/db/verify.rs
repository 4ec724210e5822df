//! `eider db verify`

use serde_json::Value;

use super::super::{EXIT_OK, EXIT_SOME_FAILED, output};
use super::{count, perform, size};
use crate::home::Home;
use crate::store::upkeep::Task;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Look at sizes and footers only, without reading the rows
    #[arg(long)]
    quick: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Exit code 1 when there is a problem.
pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let found = perform(home, &Task::Verify { quick: args.quick })?;
    let problems = found["problems"].as_array();
    let bad = problems.is_some_and(|all| !all.is_empty());
    let text = if args.json {
        serde_json::to_string_pretty(&found)? + "\n"
    } else {
        told(&found)
    };
    output::print(&text)?;
    Ok(if bad { EXIT_SOME_FAILED } else { EXIT_OK })
}

fn told(found: &Value) -> String {
    let mut text = String::new();
    let word = |value: &Value| output::visible(value.as_str().unwrap_or_default());
    let problems = found["problems"].as_array().map_or(&[][..], Vec::as_slice);
    for problem in problems {
        text += &format!(
            "{:<10} {}: {}\n",
            word(&problem["kind"]),
            word(&problem["place"]),
            word(&problem["message"])
        );
    }
    let number = |name: &str| found[name].as_u64().unwrap_or(0);
    text += &format!(
        "{} ({}, {}) and {} of the database ({}) were looked at: {}\n",
        count(number("files"), "sealed file"),
        size(&found["bytes"]),
        count(number("rows"), "row"),
        count(number("tables"), "table"),
        count(number("hot_rows"), "hot row"),
        match problems.len() {
            0 => "all is well".to_owned(),
            n => count(n as u64, "problem"),
        }
    );
    text
}
