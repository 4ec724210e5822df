//! One collection: look at the device if need be, read the plan, look at the processes.

use super::exchange::{Line, Trouble};
use super::get::{self, Items};
use super::plan;
use super::{process, scalar};
use crate::reading::{Failure, Readings};

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
    let before = line.device.plan.take();
    if before.is_none() || line.device.suspect {
        hello(line).await?;
    }
    let mut learned = false;
    let mut plan = match before {
        Some(plan) if !plan.is_old() => plan,
        before => {
            learned = true;
            plan::learn(line, before).await?
        }
    };
    let mut read = plan.read(line).await?;
    if read.outdated && !learned {
        plan = plan::learn(line, Some(plan)).await?;
        read = plan.read(line).await?;
    }
    let mut tables = read.tables;
    match process::tables(line, read.memory_bytes).await {
        Ok(processes) => tables.extend(processes),
        // Processes are the largest part and the least missed: the rest is good without them.
        Err(trouble) => {
            let why = line.failure(&trouble).message;
            line.note(format!("processes: {why}"));
        }
    }
    let host_facts = plan.host_facts.clone();
    line.device.plan = Some(plan);
    Ok(Readings {
        uptime: read.uptime,
        tables,
        host_facts,
        events: Vec::new(),
        problems: Vec::new(),
    })
}

/// The smallest question there is: whether a device that we do not know, or that failed last time,
/// answers at all. Only then a bigger one that stays unanswered means that it was too big.
async fn hello(line: &mut Line<'_>) -> Result<(), Trouble> {
    let mut items = Items::default();
    scalar::push(&[scalar::Scalar::UpTime], &mut items);
    get::get(line, &items).await.map(|_| ())
}
