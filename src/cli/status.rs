//! `eider status`

use std::time::Duration;

use super::{client, output};
use crate::home::Home;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Prints how the running daemon is. A rejected inventory is told in full.
pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let Some(client) = client::of_home(home) else {
        eprintln!("{}", client::why_none(home));
        return Ok(super::EXIT_UNREACHABLE);
    };
    let status = client
        .get("/api/v1/status", Duration::from_secs(10))?
        .good()?
        .json()?;
    if args.json {
        output::print(&format!("{}\n", serde_json::to_string_pretty(&status)?))?;
        return Ok(super::EXIT_OK);
    }
    let mut text = String::new();
    for (key, value) in status.as_object().into_iter().flatten() {
        if key != "rejected" {
            lines(key, value, &mut text);
        }
    }
    let rejected = status["rejected"].as_str().unwrap_or_default();
    if !rejected.is_empty() {
        text.push_str("\nThe inventory on disk is not good; the one read before stays in force:\n");
        text.push_str(rejected);
        text.push('\n');
    }
    output::print(&text)?;
    Ok(if rejected.is_empty() {
        super::EXIT_OK
    } else {
        super::EXIT_CONFIG
    })
}

fn lines(key: &str, value: &serde_json::Value, text: &mut String) {
    match value {
        serde_json::Value::Object(inner) => {
            for (name, value) in inner {
                lines(&format!("{key}.{name}"), value, text);
            }
        }
        serde_json::Value::String(s) if s.is_empty() => {}
        serde_json::Value::String(s) => {
            text.push_str(&format!("{key:<28} {}\n", output::visible(s)))
        }
        other => text.push_str(&format!("{key:<28} {other}\n")),
    }
}
