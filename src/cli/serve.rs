//! `eider serve`

use std::io::IsTerminal;
use std::net::SocketAddr;

use anyhow::Context;

use super::client::Client;
use crate::app;
use crate::home::Home;
use crate::inventory;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Serve the pages here instead of at server.listen (port 0: any free one)
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Vec<SocketAddr>,
    /// Log as JSON lines (the default where the output is no terminal: plain text)
    #[arg(long)]
    log_json: bool,
    /// Evaluate the alert rules this often
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    rules_every: u64,
}

/// Runs the daemon. Files with errors are told and nothing starts.
pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    start_log(args.log_json);
    let (files, examined) = home.load().map_err(|e| anyhow::anyhow!(e))?;
    let colour = std::io::stderr().is_terminal();
    if !examined.problems.is_empty() {
        eprint!("{}", inventory::render(&examined.problems, &files, colour));
    }
    let Some(inventory) = examined.inventory else {
        eprintln!("nothing was started; `eider check` shows these problems again");
        return Ok(super::EXIT_CONFIG);
    };
    let data = home.resolve(&inventory.settings.data);
    if let Some(client) = Client::connect(&data) {
        anyhow::bail!(
            "eider already runs on {}{}",
            data.display(),
            pid_of(&client)
        );
    }
    let options = app::Serve {
        listen: args.listen.clone(),
        rules_every: std::time::Duration::from_secs(args.rules_every),
    };
    app::serve(home.clone(), inventory, examined.problems, &options).context("eider stopped")?;
    Ok(super::EXIT_OK)
}

fn pid_of(client: &Client) -> String {
    let limit = std::time::Duration::from_secs(2);
    let status = client.get("/api/v1/status", limit).and_then(|r| r.json());
    match status.as_ref().ok().and_then(|s| s["pid"].as_u64()) {
        Some(pid) => format!(" (process {pid})"),
        None => String::new(),
    }
}

/// Log lines to stderr, as `EIDER_LOG` says.
pub(super) fn start_log(json: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("EIDER_LOG")
        // What the fonts of this machine lack is told beside the picture.
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,usvg=error,fontdb=error"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if json {
        builder.json().init();
    } else {
        builder.init();
    }
}
