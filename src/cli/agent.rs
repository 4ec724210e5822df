//! `eider agent`

use std::path::PathBuf;
use std::time::Duration;

use super::output;
use crate::agent::{self, Limits, Plan, Status, Token};
use crate::home::Home;
use crate::inventory::{Secret, parse_duration};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The server to push to
    #[arg(
        long,
        value_name = "URL",
        env = "EIDER_PUSH_URL",
        required_unless_present = "status"
    )]
    push: Option<String>,
    /// A file with the token that `eider token add HOST` printed on the server; or EIDER_TOKEN
    #[arg(long, value_name = "FILE", env = "EIDER_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Trust the authorities in this file (PEM) instead of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Read this machine this often
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = interval)]
    interval: Duration,
    /// Where documents wait for the server; unless said systemd's StateDirectory, or data/agent
    #[arg(long, value_name = "DIR", env = "EIDER_AGENT_DATA")]
    data: Option<PathBuf>,
    /// At most so many MiB wait; the oldest go first
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=65_536))]
    spool_size: u64,
    /// What waits for longer is dropped
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = age)]
    spool_age: Duration,
    /// Tell how the agent of this directory is, and end
    #[arg(long)]
    status: bool,
    /// With --status: as JSON
    #[arg(long, requires = "status")]
    json: bool,
}

fn interval(text: &str) -> Result<Duration, String> {
    within(text, 1, 3_600)
}

/// The server takes what is at most 30 days old.
fn age(text: &str) -> Result<Duration, String> {
    within(text, 60, 30 * 86_400)
}

fn within(text: &str, least: u64, most: u64) -> Result<Duration, String> {
    let found = parse_duration(text)?;
    match (least..=most).contains(&found.as_secs()) {
        true => Ok(found),
        false => Err(format!("must be from {least} s to {most} s")),
    }
}

/// Runs until stopped, or tells the status.
pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let folder = folder(home, args);
    if args.status {
        return status(&folder, args.json);
    }
    super::serve::start_log(false);
    let known = std::env::var("EIDER_TOKEN")
        .ok()
        .filter(|t| !t.trim().is_empty());
    let token = match (&args.token_file, known) {
        (Some(path), _) => Token::File(path.clone()),
        (None, Some(token)) => Token::Known(Secret::new(token.trim())),
        (None, None) => {
            eprintln!("error: no token: give --token-file FILE, or EIDER_TOKEN in the environment");
            return Ok(super::EXIT_USAGE);
        }
    };
    agent::run(Plan {
        url: args.push.clone().unwrap_or_default(),
        token,
        ca: args.ca.clone(),
        interval: args.interval,
        folder,
        limits: Limits {
            bytes: args.spool_size << 20,
            age: args.spool_age,
        },
    })?;
    Ok(super::EXIT_OK)
}

fn folder(home: &Home, args: &Args) -> PathBuf {
    let systemd = std::env::var_os("STATE_DIRECTORY").filter(|path| !path.is_empty());
    match (&args.data, systemd) {
        (Some(path), _) => path.clone(),
        (None, Some(path)) => path.into(),
        (None, None) => home.resolve("data/agent"),
    }
}

fn status(folder: &std::path::Path, json: bool) -> anyhow::Result<u8> {
    let Some(status) = Status::read(folder) else {
        eprintln!("no agent has run with its data in {}", folder.display());
        return Ok(super::EXIT_UNREACHABLE);
    };
    let runs = status.runs();
    if json {
        let mut shown = serde_json::to_value(&status)?;
        shown["runs"] = runs.into();
        output::print(&format!("{}\n", serde_json::to_string_pretty(&shown)?))?;
    } else {
        output::print(&lines(&status, runs))?;
    }
    Ok(match (runs, status.error.is_empty()) {
        (true, true) => super::EXIT_OK,
        (true, false) => super::EXIT_SOME_FAILED,
        (false, _) => super::EXIT_UNREACHABLE,
    })
}

fn lines(status: &Status, runs: bool) -> String {
    let time = |ts: Option<i64>| {
        let ts = ts.and_then(|ts| jiff::Timestamp::from_second(ts).ok());
        ts.map_or_else(|| "never".to_owned(), |ts| ts.to_string())
    };
    let mut text = String::new();
    let mut line = |key: &str, value: String| {
        text.push_str(&format!("{key:<10} {}\n", output::visible(&value)));
    };
    let state = match runs {
        true => format!(
            "runs (process {}) since {}",
            status.pid,
            time(Some(status.since))
        ),
        false => "does not run".to_owned(),
    };
    line("agent", state);
    line("server", status.url.clone());
    line(
        "read",
        format!("{}, every {} s", time(status.last_read), status.interval_s),
    );
    line(
        "sent",
        format!("{}, {} documents", time(status.last_sent), status.sent),
    );
    line(
        "waiting",
        format!(
            "{} documents, {} KiB",
            status.waiting,
            status.waiting_bytes / 1024
        ),
    );
    if status.refused + status.dropped > 0 {
        let lost = format!(
            "{} refused by the server, {} dropped here",
            status.refused, status.dropped
        );
        line("lost", lost);
    }
    if !status.error.is_empty() {
        line("error", status.error.clone());
    }
    text
}
