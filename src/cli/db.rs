//! `eider db`: the history as a whole. The running daemon does the work; without one, the verb opens
//! the file itself.

mod compact;
mod export;
mod progress;
mod restore;
mod retain;
mod seal;
mod snapshot;
mod stats;
mod verify;

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::client;
use crate::home::Home;
use crate::loops::poller::unix_now;
use crate::store::upkeep::{Frame, Step, Task};
use crate::store::{Options, Store};

/// The daemon says something every 5 s.
const SILENCE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// How large every table is, how it grows, and when the disk will be full
    Stats(stats::Args),
    /// Read every sealed file and compare it with the manifest; exit code 1 when something is wrong
    Verify(verify::Args),
    /// Seal every hour that is over now instead of five minutes later, and days at once
    Seal(seal::Args),
    /// Drop what has been kept long enough (`storage` in settings.yaml), as the daemon does by itself
    Retain(retain::Args),
    /// Write tables as Parquet or CSV, each into a file of its own
    Export(export::Args),
    /// Copy the whole history as it is now into a new directory that any DuckDB opens
    Snapshot(snapshot::Args),
    /// Make the database file as small as its rows; the daemon stores and answers after it
    Compact(compact::Args),
    /// Put a snapshot into a home that has no history; no daemon may run on it
    Restore(restore::Args),
}

pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    match &args.verb {
        Verb::Stats(args) => stats::run(home, args),
        Verb::Verify(args) => verify::run(home, args),
        Verb::Seal(args) => seal::run(home, args),
        Verb::Retain(args) => retain::run(home, args),
        Verb::Export(args) => export::run(home, args),
        Verb::Snapshot(args) => snapshot::run(home, args),
        Verb::Compact(args) => compact::run(home, args),
        Verb::Restore(args) => restore::run(home, args),
    }
}

/// Has the task done, by the daemon or by ourselves, and returns its result. Progress is drawn on a
/// terminal.
fn perform(home: &Home, task: &Task) -> anyhow::Result<Value> {
    match client::of_home(home) {
        Some(daemon) => by_daemon(&daemon, task),
        None => by_ourselves(home, task),
    }
}

fn by_daemon(daemon: &client::Client, task: &Task) -> anyhow::Result<Value> {
    let mut bar = progress::Bar::new(task.word());
    let mut result = None;
    let body = serde_json::to_value(task)?;
    daemon.follow("/api/v1/db", &body, SILENCE, |line| {
        match serde_json::from_str(line)? {
            Step::Progress(step) => bar.draw(&step),
            Step::Done(value) => result = Some(Ok(value)),
            Step::Failed(why) => result = Some(Err(anyhow::anyhow!(why))),
        }
        Ok(())
    })?;
    bar.clear();
    result.unwrap_or_else(|| {
        Err(anyhow::anyhow!(
            "the daemon broke off: its log says why; ask again"
        ))
    })
}

/// Opens the file. Broken inventory files do not matter here.
fn by_ourselves(home: &Home, task: &Task) -> anyhow::Result<Value> {
    let settings = client::settings_of(home);
    let data = home.resolve(&settings.data);
    must_exist(&data)?;
    let options = Options {
        memory_bytes: settings.store_memory_bytes,
    };
    let (store, mut recorder) = Store::open(&data, &options)?;
    let frame = Frame {
        now: unix_now(),
        keep: settings.keep,
    };
    let mut bar = progress::Bar::new(task.word());
    let mut tell = |step| {
        bar.draw(&step);
        true
    };
    let result = task.run(&store, &mut recorder, &frame, &mut tell);
    bar.clear();
    drop(store);
    recorder.close()?;
    Ok(result?)
}

fn must_exist(data: &Path) -> anyhow::Result<()> {
    if let Some(words) = client::closed(data) {
        anyhow::bail!(words);
    }
    if !Store::exists(data) {
        anyhow::bail!(
            "there is no history in {} yet: start `eider serve`",
            data.display()
        );
    }
    Ok(())
}

/// `14.2 MiB`, with plain spaces.
fn size(bytes: &Value) -> String {
    bytes.as_f64().map_or_else(String::new, |bytes| {
        crate::render::number::with_unit(bytes, "B")
    })
}

/// A number with its noun: `1 row`, `2 rows`.
fn count(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

/// A moment in the time zone of the settings, to the minute; empty without one.
fn moment(seconds: &Value, zone: &str) -> String {
    let at = seconds
        .as_i64()
        .and_then(|at| jiff::Timestamp::from_second(at).ok());
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    at.map_or_else(String::new, |at| {
        at.to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string()
    })
}
