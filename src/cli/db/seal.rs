//! `eider db seal`

use super::super::{EXIT_OK, output};
use super::{count, perform};
use crate::home::Home;
use crate::store::upkeep::Task;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let sealed = perform(home, &Task::Seal)?;
    if args.json {
        output::print(&format!("{}\n", serde_json::to_string_pretty(&sealed)?))?;
        return Ok(EXIT_OK);
    }
    let number = |name: &str| sealed[name].as_u64().unwrap_or(0);
    let text = match number("stretches") {
        0 => "nothing is over that is not sealed already\n".to_owned(),
        n => format!(
            "sealed {} in {}\n",
            count(number("rows"), "row"),
            count(n, "file")
        ),
    };
    output::print(&text)?;
    Ok(EXIT_OK)
}
