//! `eider db retain`

use serde_json::{Value, json};

use super::super::{EXIT_OK, client, output};
use super::{count, moment, perform, size};
use crate::home::Home;
use crate::store::upkeep::Task;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Only tell what would go
    #[arg(long)]
    dry_run: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let dry_run = args.dry_run;
    let retained = perform(home, &Task::Retain { dry_run })?;
    if args.json {
        output::print(&format!("{}\n", serde_json::to_string_pretty(&retained)?))?;
        return Ok(EXIT_OK);
    }
    let expired = retained["expired"].as_array();
    let number = |name: &str| retained[name].as_u64().unwrap_or(0);
    if expired.is_none_or(Vec::is_empty) {
        output::print("nothing has been kept long enough to go\n")?;
        return Ok(EXIT_OK);
    }
    if dry_run {
        output::print(&table(expired, &client::settings_of(home).timezone))?;
    }
    output::print(&format!(
        "{}{}, {} in sealed files; how long what is kept: storage in settings.yaml\n",
        if dry_run { "\nwould go: " } else { "gone: " },
        count(number("rows"), "row"),
        size(&retained["bytes"]),
    ))?;
    Ok(EXIT_OK)
}

fn table(expired: Option<&Vec<Value>>, zone: &str) -> String {
    let columns = json!(["what", "rows", "size", "newest", "why"]);
    let rows = expired.into_iter().flatten().map(|one| {
        let place = match one["path"].as_str() {
            Some(path) => path.to_owned(),
            None => format!("rows of {}", one["table"].as_str().unwrap_or_default()),
        };
        json!([
            place,
            one["rows"],
            size(&one["bytes"]),
            moment(&one["last_ts"], zone),
            one["reason"],
        ])
    });
    output::table_of(&columns, &rows.collect())
}
