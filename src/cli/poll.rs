//! `eider poll`

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::client;
use super::output::{self, table_of};
use crate::collect::Collectors;
use crate::home::Home;
use crate::intake::Intake;
use crate::inventory::Host;
use crate::loops::{poller, writer};

/// Without a daemon nobody knows an earlier reading: counters need a second one, this much later.
const SECOND_LOOK: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The host's name in the inventory
    #[arg(value_name = "HOST")]
    host: String,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Polls the host by each of its methods and prints what came; stores nothing.
pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let answers = match client::of_home(home) {
        Some(client) => {
            let path = format!("/api/v1/hosts/{}/poll", client::encode(&args.host));
            client
                .post(&path, &json!({}), Duration::from_secs(120))?
                .good()?
                .json()?
        }
        None => by_ourselves(home, &args.host)?,
    };
    if args.json {
        output::print(&format!("{}\n", serde_json::to_string_pretty(&answers)?))?;
    } else {
        output::print(&as_text(&args.host, &answers))?;
    }
    let failed = attempts(&answers).iter().any(|a| !a["error"].is_null());
    Ok(if failed {
        super::EXIT_SOME_FAILED
    } else {
        super::EXIT_OK
    })
}

fn by_ourselves(home: &Home, name: &str) -> anyhow::Result<Value> {
    let inventory = super::load_or_explain(home)?;
    let Some(host) = inventory.hosts.get(name) else {
        anyhow::bail!("there is no host `{name}` in the inventory; `eider host` lists them");
    };
    if !host.targets.iter().any(|target| target.is_polled()) {
        anyhow::bail!("{name} sends by itself: there is nothing to poll");
    }
    let state = home.resolve(&inventory.settings.data).join("state");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut intake = Intake::of_tables(&inventory.tables);
    intake.sync(&inventory, vec![(Arc::clone(&host.name), 1)]);
    let collections = runtime.block_on(async {
        let collectors = Collectors::start(&state, poller::unix_now() as u64 * 1_000)?;
        collectors.ask_everything();
        let mut first = all(&collectors, host).await;
        for collection in &first {
            intake.take(collection.clone());
        }
        if first.iter().any(|c| c.outcome.is_ok()) {
            tokio::time::sleep(SECOND_LOOK).await;
            first = all(&collectors, host).await;
        }
        anyhow::Ok(first)
    })?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    let polled = writer::preview(&mut intake, collections);
    Ok(polled.iter().map(crate::signal::Polled::to_json).collect())
}

async fn all(collectors: &Collectors, host: &Host) -> Vec<crate::reading::Collection> {
    let polls = host
        .targets
        .iter()
        .filter(|target| target.is_polled())
        .map(|target| poller::collect(collectors, target));
    futures_util::future::join_all(polls).await
}

/// The attempts, whether they stand alone or under `polled`.
fn attempts(answers: &Value) -> &[Value] {
    answers
        .as_array()
        .or_else(|| answers["polled"].as_array())
        .map_or(&[], Vec::as_slice)
}

fn as_text(host: &str, answers: &Value) -> String {
    let mut text = String::new();
    for attempt in attempts(answers) {
        let method = attempt["target"].as_str().unwrap_or_default();
        text.push_str(&format!(
            "{host} by {method}: {} ms, {} requests, {} retries, {} bytes\n",
            attempt["took_ms"], attempt["requests"], attempt["retries"], attempt["bytes"]
        ));
        if let Some(error) = attempt["error"].as_str() {
            text.push_str(&format!("  failed: {}\n", output::visible(error)));
        }
        for problem in attempt["problems"].as_array().into_iter().flatten() {
            let problem = problem.as_str().unwrap_or_default();
            text.push_str(&format!("  problem: {}\n", output::visible(problem)));
        }
        for table in attempt["tables"].as_array().into_iter().flatten() {
            text.push_str(&format!(
                "\n{}\n",
                table["table"].as_str().unwrap_or_default()
            ));
            text.push_str(&table_of(&table["columns"], &table["rows"]));
        }
        text.push('\n');
    }
    text
}
