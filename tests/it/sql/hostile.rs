//! SQL that means harm, and SQL that asks for too much: neither does anything but be answered with
//! a reason.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{BATCHES, ask, home};
use crate::support::{Daemon, TestHome, http, wait_for};

/// The statements of a file below `tests/data/sql`, one a line.
fn statements(file: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/sql")
        .join(file);
    let text = std::fs::read_to_string(path).expect("the file");
    let lines = text.lines().map(str::trim);
    // `---` begins a heading; a line that is a comment for SQL is a case.
    lines
        .filter(|line| !line.is_empty() && !line.starts_with("---"))
        .skip(1)
        .map(str::to_owned)
        .collect()
}

/// Everything below a directory with its size, but for what a running daemon changes by itself.
fn files(directory: &Path) -> Vec<(PathBuf, u64)> {
    let mut all = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
            let (path, Ok(kind)) = (entry.path(), entry.file_type()) else {
                continue;
            };
            if kind.is_dir() {
                open.push(path);
            } else {
                let size = entry.metadata().map_or(0, |m| m.len());
                all.push((path, size));
            }
        }
    }
    all.sort();
    all
}

/// What the history holds, in numbers that a new poll does not change.
fn rows(home: &TestHome) -> Vec<serde_json::Value> {
    let args = ["query", "-e", COUNTS, "-o", "json"];
    // On a busy machine a lowered limit may stop even this.
    let text = wait_for("the rows are counted", crate::support::PATIENCE, || {
        let outcome = home.run(&args);
        (outcome.code == 0).then_some(outcome.stdout)
    });
    let answer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    answer["rows"].as_array().expect("rows").clone()
}

const COUNTS: &str = "SELECT (SELECT count(*) FROM interface WHERE in_octets BETWEEN 1 AND 203) AS ports,
                (SELECT count(*) FROM memory WHERE used_bytes BETWEEN 1 AND 203) AS memory,
                (SELECT count(*) FROM host) AS hosts,
                (SELECT count(*) FROM sealed_file) AS sealed,
                (SELECT count(*) FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal) AS views,
                (SELECT count(*) FROM duckdb_settings() WHERE name = 'lock_configuration' AND value = 'true') AS locked";

/// The daemon's memory, in KiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status
        .lines()
        .find(|l| l.starts_with("VmRSS:"))
        .expect("a line");
    line.split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .expect("a number")
}

/// The local host is polled, and pages answer.
fn lives(home: &TestHome, daemon: &Daemon) {
    let polled = home.run(&["poll", "a"]);
    assert_eq!(polled.code, 0, "{}", polled.stderr);
    assert_eq!(http::get(&format!("{}/healthz", daemon.url())).status, 200);
}

#[test]
fn forbidden_sql_is_refused_and_changes_nothing() {
    let forbidden = statements("forbidden.sql");
    assert!(forbidden.len() >= 250, "{}", forbidden.len());
    let home = home();
    let daemon = Daemon::start(&home);
    let before = rows(&home);
    assert_eq!(before[0]["ports"], BATCHES + 3);
    let sealed = files(&home.data().join("sealed"));
    let state = files(&home.data().join("state"));
    // Two at a time, as many as there may be; a third would be told to wait.
    let halves = forbidden.chunks(forbidden.len().div_ceil(2));
    std::thread::scope(|scope| {
        for half in halves {
            scope.spawn(|| half.iter().for_each(|sql| refused(&daemon, sql)));
        }
    });
    assert_eq!(rows(&home), before);
    assert_eq!(files(&home.data().join("sealed")), sealed);
    // The baselines are written every minute.
    let names = |files: &[(PathBuf, u64)]| -> Vec<PathBuf> {
        let names = files.iter().map(|f| f.0.clone());
        names.filter(|name| !name.ends_with("baselines")).collect()
    };
    assert_eq!(names(&files(&home.data().join("state"))), names(&state));
    for entry in std::fs::read_dir("/tmp").expect("a directory").flatten() {
        let name = entry.file_name();
        assert!(
            !name.to_string_lossy().starts_with("eider-forbidden"),
            "{name:?}"
        );
    }
    lives(&home, &daemon);
    assert!(daemon.stop().success());
}

fn refused(daemon: &Daemon, sql: &str) {
    let answer = ask(daemon, &json!({"sql": sql, "format": "csv"}));
    let text = answer.text();
    assert_eq!(answer.status, 400, "{sql}: {text}");
    for secret in ["root:", "PATH=", "eider.duckdb\","] {
        assert!(!text.contains(secret), "{sql}: {text}");
    }
    let detail = answer.json()["detail"].as_str().unwrap_or_default().len();
    assert!(detail > 10, "{sql}: {text}");
}

#[test]
fn bombs_end_at_a_limit_and_harm_nobody() {
    let bombs = statements("bombs.sql");
    assert_eq!(bombs.len(), 16);
    let home = home();
    home.write(
        "inventory/settings.yaml",
        "server: {timezone: Asia/Shanghai}\nsql: {timeout: 5s, memory: 256MB}\n",
    );
    let daemon = Daemon::start(&home);
    let before = rows(&home);
    let resident_before = resident(daemon.pid());
    let halves = bombs.chunks(bombs.len().div_ceil(2));
    std::thread::scope(|scope| {
        for half in halves {
            scope.spawn(|| half.iter().for_each(|sql| limited(&daemon, sql)));
        }
    });
    let grown = resident(daemon.pid()).saturating_sub(resident_before);
    // The daemon's own polls and copies take some of it.
    assert!(grown < 64 << 10, "the daemon grew by {grown} KiB");
    wait_for("every child has gone", crate::support::PATIENCE, || {
        let left = files(&home.data().join("adhoc"));
        let run = |path: &Path| path.to_string_lossy().contains("/run-");
        (!left.iter().any(|(path, _)| run(path))).then_some(())
    });
    assert_eq!(rows(&home), before);
    lives(&home, &daemon);
    assert!(daemon.stop().success());
}

fn limited(daemon: &Daemon, sql: &str) {
    let answer = ask(daemon, &json!({"sql": sql, "format": "csv"}));
    let words = answer.text();
    let told = match answer.status {
        422 => words.contains("stopped:"),
        504 => words.contains("stopped after"),
        // What DuckDB itself finds too large.
        400 => {
            words.contains("too large")
                || words.contains("maximum")
                || words.contains("limit")
                || words.contains("exceed")
        }
        // Cut at the cap of rows or bytes.
        200 => answer.header("x-eider-truncated") == Some("true"),
        _ => false,
    };
    assert!(told, "{sql}: {} {words}", answer.status);
}

#[test]
fn a_third_question_waits_and_a_killed_child_is_told() {
    let home = home();
    let daemon = Daemon::start(&home);
    let long =
        "SELECT count(*) FROM range(10000000000) a, range(10000) b WHERE a.range % 7 = b.range";
    let own = daemon.url().to_owned();
    let cancel = |id: &str| {
        let url = format!("{}/api/v1/sql/{id}", daemon.url());
        http::request("DELETE", &url, &[("Origin", &own)], b"").expect("an answer")
    };
    let ask_as = |id: &str| ask(&daemon, &json!({"sql": long, "id": id}));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| ask_as("the-first-one"));
        let second = scope.spawn(|| ask_as("the-second-one"));
        let children = wait_for("two children", crate::support::PATIENCE, || {
            let found = super::children_of(daemon.pid());
            (found.len() == 2).then_some(found)
        });
        let third = ask(&daemon, &json!({"sql": "SELECT 1"}));
        assert_eq!(third.status, 429, "{}", third.text());
        assert!(third.text().contains("try again"), "{}", third.text());
        super::kill(children[0]);
        super::kill(children[1]);
        for answer in [first, second] {
            let answer = answer.join().expect("an answer");
            assert_eq!(answer.status, 422, "{}", answer.text());
            assert!(answer.text().contains("signal 9"), "{}", answer.text());
        }
    });
    assert_eq!(cancel("the-first-one").status, 404);
    assert_eq!(ask(&daemon, &json!({"sql": "SELECT 1"})).status, 200);
    lives(&home, &daemon);
    // A daemon that is killed takes its children with it.
    let child = std::thread::scope(|scope| {
        let asked = scope.spawn(|| {
            let body = serde_json::to_vec(&json!({"sql": long})).expect("JSON");
            let url = format!("{}/api/v1/sql", daemon.url());
            http::request("POST", &url, &[("Origin", &own)], &body).map(|r| r.status)
        });
        let children = wait_for("its child runs", crate::support::PATIENCE, || {
            let found = super::children_of(daemon.pid());
            (!found.is_empty()).then_some(found)
        });
        super::kill(daemon.pid());
        let _ = asked.join();
        children[0]
    });
    wait_for("the child has gone, too", crate::support::PATIENCE, || {
        (!super::answers_sql(child)).then_some(())
    });
}
