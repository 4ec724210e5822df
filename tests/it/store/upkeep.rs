//! `eider db`: the same verbs through the daemon and without one.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::batch::{T0, inventory, numbered, open};
use crate::support::{Daemon, TestHome};

/// Rows of each table: one every ten minutes of two days and two hours.
const ROWS: i64 = 50 * 6;

/// A home whose history reaches back from the batch's first moment; nothing is sealed yet.
pub(super) fn home() -> TestHome {
    let home = TestHome::new()
        .with(
            "inventory/settings.yaml",
            "server: {timezone: Asia/Shanghai}\nstorage: {raw: 3650d, process: 3650d}\n",
        )
        .with(
            "inventory/hosts.yaml",
            "version: 1\ngroups: {all: {collect: [local], interval: 1h, hosts: {a: {}}}}\n",
        );
    let (store, mut recorder) = open(&home.data()).expect("the file opens");
    recorder
        .sync_hosts(&inventory(), T0)
        .expect("hosts are stored");
    let batches: Vec<_> = (0..ROWS)
        .map(|n| {
            let mut batch = numbered(n + 1);
            batch.ts = T0 - 60 * 86_400 + n * 600;
            batch
        })
        .collect();
    recorder.append(&batches).expect("a commit");
    drop(store);
    recorder.close().expect("an orderly end");
    home
}

fn json(home: &TestHome, args: &[&str]) -> Value {
    let text = home.succeed(&[&["db"], args, &["--json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

fn table<'v>(stats: &'v Value, name: &str) -> &'v Value {
    let tables = stats["tables"].as_array().expect("tables");
    let found = tables
        .iter()
        .find(|one| one["table"] == name && one["tier"] == "raw");
    found.unwrap_or_else(|| panic!("{name} is in {stats}"))
}

#[test]
fn stats_seal_and_verify_without_a_daemon() {
    let home = home();
    let before = json(&home, &["stats"]);
    let memory = table(&before, "memory");
    assert_eq!(memory["hot_rows"], ROWS);
    assert_eq!(memory["files"], 0);
    assert_eq!(before["forecast"], "too_young");
    assert_eq!(memory["first_ts"], T0 - 60 * 86_400);
    assert_eq!(memory["last_ts"], T0 - 60 * 86_400 + (ROWS - 1) * 600);
    assert_eq!(memory["keep_s"], 3650 * 86_400);

    let text = home.succeed(&["db", "seal"]);
    assert!(text.starts_with("sealed "), "{text}");
    let after = json(&home, &["stats"]);
    let memory = table(&after, "memory");
    assert_eq!(
        (&memory["hot_rows"], &memory["sealed_rows"]),
        (&0.into(), &ROWS.into())
    );
    assert_eq!(memory["files"], 3);
    // Old files tell of no growth.
    assert_eq!(memory["day_bytes"], 0);
    assert!(memory["sealed_bytes"].as_i64() > Some(0), "{memory}");
    assert!(after["free_bytes"].as_u64() > Some(0), "{after}");
    assert_eq!(
        home.succeed(&["db", "seal"]),
        "nothing is over that is not sealed already\n"
    );

    let text = home.succeed(&["db", "stats"]);
    assert!(
        text.contains("2026-09-24 08:00"),
        "the zone of the settings: {text}"
    );
    assert!(text.contains("it fits"), "{text}");
    let verified = json(&home, &["verify"]);
    assert_eq!(verified["problems"], serde_json::json!([]), "{verified}");
    assert!(verified["rows"].as_i64() >= Some(4 * ROWS), "{verified}");
    let text = home.succeed(&["db", "verify", "--quick"]);
    assert!(text.ends_with("all is well\n"), "{text}");
}

#[test]
fn the_daemon_does_the_same_while_it_runs() {
    let home = home();
    let daemon = Daemon::start(&home);
    let sealed = json(&home, &["seal"]);
    assert!(sealed["rows"].as_i64() >= Some(4 * ROWS), "{sealed}");
    let stats = json(&home, &["stats"]);
    assert_eq!(table(&stats, "memory")["sealed_rows"], ROWS);
    let verified = json(&home, &["verify"]);
    assert_eq!(verified["problems"], serde_json::json!([]), "{verified}");
    // Over the network nobody may ask for it.
    let answer = crate::support::http::post(
        &format!("{}/api/v1/db", daemon.url()),
        &[("origin", daemon.url())],
        b"{\"task\":\"seal\"}",
    );
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(daemon.stop().success());
}

#[test]
fn a_home_without_history_says_so() {
    let home = TestHome::new();
    for verb in ["stats", "verify", "seal"] {
        let outcome = home.run(&["db", verb]);
        assert_ne!(outcome.code, 0);
        assert!(
            outcome.stderr.contains("there is no history in"),
            "{}",
            outcome.stderr
        );
    }
}

fn sealed_files(home: &TestHome, table: &str) -> Vec<PathBuf> {
    let folder = home.data().join("sealed").join(table);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("sealed files")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

fn problems(home: &TestHome) -> Vec<(String, String)> {
    let outcome = home.run(&["db", "verify", "--json"]);
    assert_eq!(outcome.code, 1, "{}{}", outcome.stdout, outcome.stderr);
    let found: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    let all = found["problems"].as_array().expect("problems").iter();
    let word = |value: &Value| value.as_str().expect("text").to_owned();
    all.map(|one| (word(&one["kind"]), word(&one["place"])))
        .collect()
}

fn age(path: &Path) {
    let file = std::fs::File::options()
        .write(true)
        .open(path)
        .expect("the file is there");
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    file.set_modified(hour_ago).expect("its time can be set");
}

/// Each damage is found and named by its kind and place; what is whole is not.
#[test]
fn every_damage_is_found() {
    let home = home();
    home.succeed(&["db", "seal"]);
    let files = sealed_files(&home, "memory");
    let name = |path: &Path| {
        let below = path.strip_prefix(home.data().join("sealed"));
        below.expect("below").to_string_lossy().into_owned()
    };
    let original: Vec<Vec<u8>> = files
        .iter()
        .map(|path| std::fs::read(path).expect("readable"))
        .collect();
    let expect = |kind: &str, path: &Path| {
        let found = problems(&home);
        let wanted = (kind.to_owned(), name(path));
        assert!(found.contains(&wanted), "{wanted:?} in {found:?}");
        assert!(
            found.iter().all(|(_, place)| *place == wanted.1),
            "{found:?}"
        );
    };
    // Gone.
    std::fs::remove_file(&files[0]).expect("it can be removed");
    expect("missing", &files[0]);
    // Cut.
    std::fs::write(&files[0], &original[0][..original[0].len() - 100]).expect("writable");
    expect("unreadable", &files[0]);
    expect("size", &files[0]);
    // Another file in its place: rows of another day.
    std::fs::write(&files[0], &original[1]).expect("writable");
    expect("label", &files[0]);
    expect("times", &files[0]);
    // Zeros in the middle of the data.
    let mut spoilt = original[0].clone();
    let middle = spoilt.len() / 4;
    spoilt[middle..middle + 40].fill(0);
    std::fs::write(&files[0], &spoilt).expect("writable");
    expect("unreadable", &files[0]);
    // The footer alone does not tell: that is what --quick leaves out.
    let quick = home.run(&["db", "verify", "--quick"]);
    assert_eq!(quick.code, 0, "{}", quick.stdout);
    // A file too many, of another history.
    std::fs::write(&files[0], &original[0]).expect("writable");
    let stray = files[0].with_file_name("2020-01-01-7.parquet");
    std::fs::write(&stray, b"PAR1 of somebody else").expect("writable");
    home.succeed(&["db", "verify"]);
    age(&stray);
    expect("orphan", &stray);
    std::fs::remove_file(&stray).expect("it can be removed");
    home.succeed(&["db", "verify"]);
}

#[test]
fn what_has_been_kept_long_enough_is_told_first_and_dropped_then() {
    let home = home().with(
        "inventory/settings.yaml",
        "storage: {raw: 3650d, process: 3650d, tables: {interface: 30d}}\n",
    );
    home.succeed(&["db", "seal"]);
    let rows = |set: &str| {
        let sql = format!(
            "SELECT coalesce(sum(samples), 0)::BIGINT FROM {set} WHERE interface LIKE 'port%'"
        );
        home.succeed(&["query", "-e", &sql, "-o", "csv"])
    };
    let before = rows("interface_hourly");
    let planned = json(&home, &["retain", "--dry-run"]);
    assert_eq!(planned["rows"], ROWS, "{planned}");
    let expired = planned["expired"].as_array().expect("a list");
    let raw = |one: &Value| one["table"] == "interface" && one["tier"] == "raw";
    assert!(!expired.is_empty() && expired.iter().all(raw), "{planned}");
    let told = home.succeed(&["db", "retain", "--dry-run"]);
    assert!(
        told.contains("rows of interface are kept for 30d"),
        "{told}"
    );
    assert!(told.contains("would go: 300 rows"), "{told}");
    assert_eq!(json(&home, &["retain", "--dry-run"]), planned);

    // The daemon drops it by itself, or when it is asked; its rollups stay.
    let daemon = Daemon::start(&home);
    let told = home.succeed(&["db", "retain"]);
    assert!(
        told.contains("gone: 300 rows") || told.contains("nothing"),
        "{told}"
    );
    let stats = json(&home, &["stats"]);
    let tables = stats["tables"].as_array().expect("tables");
    // What the daemon collects itself is hot.
    let sealed = |one: &Value| raw(one) && one["files"] != 0;
    assert!(!tables.iter().any(sealed), "{stats}");
    assert_eq!(rows("interface_hourly"), before);
    assert!(daemon.stop().success());
}
