//! What a commit has acknowledged survives kill -9 at any moment, whole.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use eider::store::StoreError;

use super::batch::{inventory, number, numbered, open};
use super::rounds;

/// Tells the child process where to write; without it, [`writer`] does nothing.
const VARIABLE: &str = "EIDER_TEST_WRITER";

/// With it, the child closes and opens the file after every commit: each is a checkpoint.
const CHECKPOINT: &str = "EIDER_TEST_CHECKPOINT";

/// Not a test by itself: the process that the tests below kill. It appends batch after batch and
/// prints each one's number once it is acknowledged.
#[test]
fn writer() {
    let Some(directory) = std::env::var_os(VARIABLE) else {
        return;
    };
    let (mut store, mut recorder) = open(Path::new(&directory)).expect("the file opens");
    recorder
        .sync_hosts(&inventory(), 0)
        .expect("hosts are stored");
    let next = number(
        &store,
        "SELECT coalesce(max(took_ms), 0)::BIGINT FROM raw.poll",
    ) + 1;
    for batch in next.. {
        recorder.append(&[numbered(batch)]).expect("a commit");
        println!("\nacknowledged {batch}");
        if std::env::var_os(CHECKPOINT).is_some() {
            drop(store);
            recorder.close().expect("a checkpoint");
            (store, recorder) = open(Path::new(&directory)).expect("the file opens");
        }
    }
}

fn start(directory: &Path, checkpoints: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this binary has a path"));
    if checkpoints {
        command.env(CHECKPOINT, "1");
    }
    command
        .args(["--exact", "store::kill::writer", "--nocapture"])
        .env(VARIABLE, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("this binary starts")
}

/// Waits for so many acknowledgements, kills the process at once and reads what it still had said.
/// Returns the last batch that was acknowledged.
fn kill_after(mut child: Child, acknowledgements: usize) -> i64 {
    let out = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let mut last = 0;
    let mut seen = 0;
    for line in out.lines() {
        let line = line.expect("text");
        let Some(batch) = line.strip_prefix("acknowledged ") else {
            continue;
        };
        last = batch.parse().expect("a number");
        seen += 1;
        if seen == acknowledgements {
            child.kill().expect("the child can be killed");
        }
    }
    child.wait().expect("the child can be waited for");
    assert!(seen >= acknowledgements, "the writer ended by itself");
    last
}

#[test]
fn kills_lose_no_acknowledged_row_and_leave_no_half_batch() {
    kills(rounds(30, 300), false);
}

#[test]
fn kills_around_checkpoints_lose_nothing_either() {
    kills(rounds(6, 150), true);
}

fn kills(rounds: u32, checkpoints: bool) {
    let directory = tempfile::tempdir().expect("the temporary directory is writable");
    for round in 0..rounds {
        let most = if checkpoints { 4 } else { 23 };
        let acknowledgements = 1 + (round as usize * 7) % most;
        let child = start(directory.path(), checkpoints);
        if checkpoints {
            // Anywhere between a commit and the end of its checkpoint.
            let pause = std::time::Duration::from_millis(u64::from(round * 37 % 60));
            std::thread::sleep(pause);
        }
        let last = kill_after(child, acknowledgements);
        let (store, recorder) = open(directory.path()).expect("the file opens after a kill");
        let stored = number(&store, "SELECT max(took_ms) FROM poll");
        // The one batch whose acknowledgement was not read may be there too.
        assert!(
            stored == last || stored == last + 1,
            "round {round}: {stored} of {last}"
        );
        for table in ["poll", "interface", "memory", "event", "entity"] {
            let rows = number(&store, &format!("SELECT count(*) FROM {table}"));
            assert_eq!(rows, stored, "round {round}: {table}");
        }
        let told = "SELECT count(*) FROM interface WHERE alias = interface";
        assert_eq!(number(&store, told), stored, "round {round}: facts");
        let open_periods = "SELECT count(*) FROM raw.host_fact WHERE valid_to = 'infinity'";
        assert_eq!(number(&store, open_periods), 1);
        drop(store);
        // Every other time without the checkpoint that an orderly end makes.
        if round % 2 == 0 {
            recorder.close().expect("an orderly end");
        }
    }
}

#[test]
fn a_second_process_is_told_who_has_the_file() {
    let directory = tempfile::tempdir().expect("the temporary directory is writable");
    let mut child = start(directory.path(), false);
    let mut out = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let mut line = String::new();
    while !line.starts_with("acknowledged") {
        line.clear();
        assert_ne!(out.read_line(&mut line).expect("text"), 0, "it ended");
    }
    let error = open(directory.path()).err().expect("the file is in use");
    let pid = child.id();
    assert!(
        matches!(error, StoreError::InUse { pid: holder, .. } if holder == pid),
        "{error}"
    );
    // So it is for a program that knows nothing of our lock: DuckDB's own holds as well.
    std::fs::remove_file(directory.path().join("eider.lock")).expect("the lock file is there");
    let error = open(directory.path()).err().expect("the file is in use");
    assert!(
        matches!(error, StoreError::InUse { pid: holder, .. } if holder == pid),
        "{error}"
    );
    child.kill().expect("the child can be killed");
    child.wait().expect("the child can be waited for");
}
