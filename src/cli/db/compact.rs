//! `eider db compact`

use super::super::{EXIT_OK, output};
use super::{perform, size};
use crate::home::Home;
use crate::store::upkeep::Task;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let done = perform(home, &Task::Compact)?;
    let text = if args.json {
        serde_json::to_string_pretty(&done)? + "\n"
    } else {
        format!(
            "the database had {}, now {}\n",
            size(&done["before_bytes"]),
            size(&done["after_bytes"])
        )
    };
    output::print(&text)?;
    Ok(EXIT_OK)
}
