//! `eider db stats`

use serde_json::{Value, json};

use super::super::{EXIT_OK, client, output};
use super::{moment, perform, size};
use crate::home::Home;
use crate::store::upkeep::Task;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Print as JSON: bytes, rows, seconds, and times as Unix seconds
    #[arg(long)]
    json: bool,
}

pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let usage = perform(home, &Task::Stats)?;
    if args.json {
        output::print(&format!("{}\n", serde_json::to_string_pretty(&usage)?))?;
        return Ok(EXIT_OK);
    }
    let zone = client::settings_of(home).timezone;
    output::print(&table(&usage, &zone))?;
    output::print(&format!("\n{}", summary(&usage, &zone)))?;
    Ok(EXIT_OK)
}

fn table(usage: &Value, zone: &str) -> String {
    let columns = json!([
        "table",
        "tier",
        "hot rows",
        "sealed rows",
        "files",
        "size",
        "per day",
        "from",
        "to",
        "kept",
    ]);
    let rows = usage["tables"].as_array().into_iter().flatten().map(|one| {
        json!([
            one["table"],
            one["tier"],
            one["hot_rows"],
            one["sealed_rows"],
            one["files"],
            size(&one["sealed_bytes"]),
            size(&one["day_bytes"]),
            moment(&one["first_ts"], zone),
            moment(&one["last_ts"], zone),
            kept(&one["keep_s"]),
        ])
    });
    output::table_of(&columns, &rows.collect())
}

fn kept(seconds: &Value) -> String {
    seconds.as_i64().map_or_else(
        || "for ever".to_owned(),
        |seconds| format!("{} d", seconds / 86_400),
    )
}

fn summary(usage: &Value, zone: &str) -> String {
    let mut lines = vec![format!(
        "database {} (hot rows and all that is small), sealed files {}",
        size(&usage["database_bytes"]),
        size(&usage["sealed_bytes"])
    )];
    if !usage["free_bytes"].is_null() {
        lines.push(format!(
            "disk     {} free of {}",
            size(&usage["free_bytes"]),
            size(&usage["disk_bytes"])
        ));
    }
    if !usage["day_bytes"].is_null() {
        lines.push(format!("growth   {} a day", size(&usage["day_bytes"])));
    }
    let forecast = &usage["forecast"];
    lines.push(match () {
        () if !usage["full_at"].is_null() => format!(
            "forecast the disk is full on {}, if nothing changes",
            moment(&usage["full_at"], zone)
        ),
        () if forecast["levels_off"].is_object() => format!(
            "forecast it fits: the sealed files stop growing at {}",
            size(&forecast["levels_off"]["bytes"])
        ),
        () => "forecast none yet: it needs an hour of sealed history".to_owned(),
    });
    lines.join("\n") + "\n"
}
