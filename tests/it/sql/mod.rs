//! SQL of people: the real daemon, its real children.

mod api;
mod hostile;

use eider::store::{Options, Recorder, Store, StoreError};

use crate::store::batch::{inventory, numbered};
use crate::support::{Daemon, TestHome, http};

/// Rows that the history of [`home`] holds.
const BATCHES: i64 = 200;

/// A home whose history holds some batches, most of them sealed; its daemon polls once.
fn home() -> TestHome {
    let home = TestHome::new()
        .with(
            "inventory/settings.yaml",
            "server: {timezone: Asia/Shanghai}\n",
        )
        .with(
            "inventory/hosts.yaml",
            "version: 1\ngroups: {all: {collect: [local], interval: 1h, hosts: {a: {}}}}\n",
        );
    fill(&home).expect("a history");
    home
}

fn fill(home: &TestHome) -> Result<(), StoreError> {
    let options = Options { memory_bytes: None };
    let (store, mut recorder): (Store, Recorder) = Store::open(&home.data(), &options)?;
    recorder.sync_hosts(&inventory(), 0)?;
    let batch: Vec<_> = (1..=BATCHES).map(numbered).collect();
    recorder.append(&batch)?;
    let now = i64::from(u32::MAX);
    for stretch in store.stretches(now, true)? {
        recorder.switch(&store.prepare(&stretch)?)?;
    }
    let later: Vec<_> = (BATCHES + 1..=BATCHES + 3).map(numbered).collect();
    recorder.append(&later)?;
    drop(store);
    recorder.close()
}

/// Asks over the network as a page of ours would.
fn ask(daemon: &Daemon, body: &serde_json::Value) -> http::Response {
    let own = daemon.url().to_owned();
    let url = format!("{}/api/v1/sql", daemon.url());
    let body = serde_json::to_vec(body).expect("JSON");
    http::post(&url, &[("Origin", &own)], &body)
}

/// The processes of the daemon that answer SQL.
fn children_of(daemon: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let after = stat.rsplit(')').next().unwrap_or_default();
            after.split_whitespace().nth(1) == Some(daemon.to_string().as_str())
        })
        .filter(|pid| answers_sql(*pid))
        .collect()
}

/// Whether that process answers SQL; one that has ended and was not waited for does not.
fn answers_sql(pid: u32) -> bool {
    let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.contains("sql-child")
}

/// kill -9
fn kill(pid: u32) {
    let killed = std::process::Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status();
    assert!(killed.expect("kill is there").success());
}
