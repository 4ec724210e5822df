//! `eider db snapshot DIR`

use std::path::PathBuf;

use anyhow::Context;

use super::super::{EXIT_OK, output};
use super::{count, perform, size};
use crate::home::Home;
use crate::store::upkeep::Task;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// A directory that is not there yet
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Copy the sealed files even where a hard link would do: the snapshot shares nothing with the history
    #[arg(long)]
    copy: bool,
    /// Also what lies in data/state: users, tokens, host keys, mails that wait (a whole backup)
    #[arg(long)]
    state: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let directory = std::path::absolute(&args.directory)
        .with_context(|| format!("{}", args.directory.display()))?;
    let task = Task::Snapshot {
        directory,
        copy: args.copy,
        state: args.state,
    };
    let made = perform(home, &task)?;
    if args.json {
        output::print(&format!("{}\n", serde_json::to_string_pretty(&made)?))?;
        return Ok(EXIT_OK);
    }
    let number = |name: &str| made[name].as_u64().unwrap_or(0);
    let directory = made["directory"].as_str().unwrap_or_default();
    output::print(&format!(
        "{}: {} ({}), {} of them linked, and {}\nopen it: duckdb -readonly {}/eider.duckdb\n",
        output::visible(directory),
        count(number("files"), "sealed file"),
        size(&made["bytes"]),
        number("linked"),
        count(number("hot_rows"), "hot row"),
        output::visible(directory),
    ))?;
    Ok(EXIT_OK)
}
