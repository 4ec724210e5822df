//! `eider reload`

use std::time::Duration;

use serde_json::json;

use super::client;
use crate::home::Home;

#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Makes the running daemon read its files and tells what came of it.
pub(super) fn run(home: &Home, _args: &Args) -> anyhow::Result<u8> {
    let Some(client) = client::of_home(home) else {
        eprintln!("{}", client::why_none(home));
        return Ok(super::EXIT_UNREACHABLE);
    };
    let reply = client
        .post("/api/v1/reload", &json!({}), Duration::from_secs(30))?
        .good()?
        .json()?;
    match reply["rejected"].as_str().filter(|text| !text.is_empty()) {
        Some(text) => {
            eprintln!("{text}\nthe inventory read before stays in force");
            Ok(super::EXIT_CONFIG)
        }
        None => {
            println!("inventory in force: {} hosts", reply["hosts"]);
            let waiting = reply["restart_for"].as_str().unwrap_or_default();
            if !waiting.is_empty() {
                println!("changed, in force after a restart: {waiting}");
            }
            Ok(super::EXIT_OK)
        }
    }
}
