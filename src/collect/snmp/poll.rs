//! One collection: look at the device if need be, read the plan, look at the processes.

use std::time::Duration;

use tokio::time::Instant;

use super::exchange::{Line, Trouble};
use super::get::{self, Items};
use super::plan::{self, Plan};
use super::profile::{Merged, Profiles};
use super::{process, scalar};
use crate::reading::{Failure, Readings, TableReadings};

/// Processes that could not be read in time are not asked for again for this long.
const SLOW_FOR: Duration = Duration::from_secs(1_800);

/// Everything the device offers of the core tables.
pub(super) async fn poll(line: &mut Line<'_>) -> Result<Readings, Failure> {
    match read(line).await {
        Ok(mut readings) => {
            readings.problems = std::mem::take(&mut line.problems);
            Ok(readings)
        }
        Err(trouble) => Err(line.failure(&trouble)),
    }
}

async fn read(line: &mut Line<'_>) -> Result<Readings, Trouble> {
    // What was learned survives a failed poll.
    let mut known = line.device.plan.take();
    let mut profiles = std::mem::take(&mut line.device.profiles);
    let outcome = read_with(line, &mut known, &mut profiles).await;
    line.device.plan = known;
    line.device.profiles = profiles;
    outcome
}

async fn read_with(
    line: &mut Line<'_>,
    known: &mut Option<Plan>,
    profiles: &mut Profiles,
) -> Result<Readings, Trouble> {
    if known.is_none() || line.device.suspect {
        hello(line).await?;
    }
    let mut learned = false;
    if known.as_ref().is_none_or(Plan::is_old) {
        plan::learn(line, known).await?;
        learned = true;
    }
    let mut read = plan::read(line, known, profiles).await?;
    if read.outdated && !learned {
        if read.restarted {
            profiles.suspect();
        }
        plan::learn(line, known).await?;
        read = plan::read(line, known, profiles).await?;
    }
    let mut given = read.given;
    given.extend(profiles.catch_up(line, &read.host_facts).await);
    let mut tables = read.tables;
    tables.extend(processes(line, read.memory_bytes).await);
    let merged = Merged::of(tables, read.host_facts, given);
    Ok(Readings {
        uptime: read.uptime,
        tables: merged.tables,
        host_facts: merged.host_facts,
        events: Vec::new(),
        problems: Vec::new(),
    })
}

/// Processes are the largest part and the least missed: the rest is good without them. A device
/// that is too slow for them is left in peace for a while.
async fn processes(line: &mut Line<'_>, memory_bytes: Option<i64>) -> Vec<TableReadings> {
    let slow = line.device.slow_processes;
    if slow.is_some_and(|since| since.elapsed() < SLOW_FOR) {
        return Vec::new();
    }
    line.device.slow_processes = None;
    match process::tables(line, memory_bytes).await {
        Ok(tables) => tables,
        Err(trouble) => {
            line.device.slow_processes = Some(Instant::now());
            let why = line.failure(&trouble).message;
            line.note(format!("processes, not asked again for 30 minutes: {why}"));
            Vec::new()
        }
    }
}

/// The smallest question there is: whether a device that we do not know, or that failed last time,
/// answers at all. Only then a bigger one that stays unanswered means that it was too big.
async fn hello(line: &mut Line<'_>) -> Result<(), Trouble> {
    let mut items = Items::default();
    scalar::push(&[scalar::Scalar::UpTime], &mut items);
    get::get(line, &items).await.map(|_| ())
}
