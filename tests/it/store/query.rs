//! `eider query`, `eider queries` and the query part of `eider check`, on the real binary: without
//! a daemon and through one.

use super::batch::{inventory, numbered, open};
use crate::support::{Daemon, TestHome};

/// A home whose history holds three batches; what a daemon adds is larger than what is asked for.
fn home() -> TestHome {
    let home = TestHome::new()
        .with("inventory/settings.yaml", "server: {timezone: Asia/Shanghai}\n")
        .with(
            "inventory/hosts.yaml",
            "version: 1\ngroups: {all: {collect: [local], interval: 1h, hosts: {a: {}}}}\n",
        )
        .with(
            "queries/mine.sql",
            "/*---\ntitle: Mine\nrange: \"2026-11-23T00:00:00Z\"\nparams:\n  least: {type: int, default: 2}\n---*/
SELECT ts, used_bytes FROM memory WHERE ts >= $from AND ts < $to AND used_bytes BETWEEN $least AND 100 ORDER BY ts\n",
        );
    let (store, mut recorder) = open(&home.data()).expect("the file opens");
    recorder
        .sync_hosts(&inventory(), 0)
        .expect("hosts are stored");
    let batch: Vec<_> = (1..=3).map(numbered).collect();
    recorder.append(&batch).expect("a commit");
    drop(store);
    recorder.close().expect("an orderly end");
    home
}

/// All of it must be the same whether a daemon answers or not.
fn asks(home: &TestHome) {
    let csv = home.succeed(&["query", "mine", "-o", "csv"]);
    assert_eq!(
        csv,
        "ts,used_bytes\n2026-11-23T08:00:02+08:00,2\n2026-11-23T08:00:03+08:00,3\n"
    );
    let args = [
        "query", "mine", "-p", "least=3", "--tz", "UTC", "-o", "ndjson",
    ];
    assert_eq!(
        home.succeed(&args),
        "{\"ts\":\"2026-11-23T00:00:03+00:00\",\"used_bytes\":3}\n"
    );
    let to = ["query", "mine", "--to", "2026-11-23T08:00:03", "-o", "md"];
    assert_eq!(
        home.succeed(&to),
        "| ts | used_bytes |\n| --- | --- |\n| 2026-11-23T08:00:02+08:00 | 2 |\n"
    );
    let sql = "SELECT interface, in_octets FROM interface WHERE in_octets > $n ORDER BY ALL";
    assert_eq!(
        home.succeed(&["query", "-e", sql, "-p", "n=1"]),
        "interface  in_octets\nport2              2\nport3              3\n"
    );
    let rows = home.rows("SELECT 9007199254740993 AS n, 'a\u{1b}b' AS s");
    assert_eq!(rows[0]["n"], 9_007_199_254_740_993_i64);
    assert_eq!(rows[0]["s"], "a\u{1b}b");
    let shown = home.succeed(&["query", "-e", "SELECT 'a' || chr(27) || '[31m' AS s"]);
    assert_eq!(shown, "s\na\\u{1b}[31m\n");
    files(home);
    mistakes(home);
}

fn files(home: &TestHome) {
    let out = home.path().join("answer.parquet");
    let out = out.to_str().expect("UTF-8");
    home.succeed(&["query", "mine", "--out", out]);
    let bytes = std::fs::read(out).expect("the file is written");
    assert_eq!(&bytes[..4], b"PAR1");
    home.write(
        "free.sql",
        "SELECT count(*) AS n FROM poll WHERE ts >= $from",
    );
    let file = home.path().join("free.sql");
    let file = file.to_str().expect("UTF-8");
    let args = ["query", "-f", file, "--from", "2026-11-23", "-o", "csv"];
    assert!(home.succeed(&args).starts_with("n\n"));
}

fn mistakes(home: &TestHome) {
    let cases: [(&[&str], i32, &str); 8] = [
        (
            &["query", "mine", "-p", "lest=3"],
            1,
            "there is no parameter `lest`; there are: least",
        ),
        (
            &["query", "mine", "-p", "least=x"],
            1,
            "`least` is a whole number, not `x`",
        ),
        (&["query", "nosuch"], 1, "there is no query `nosuch`"),
        (&["query", "mine", "--from", "soon"], 1, "`soon` is no time"),
        (
            &["query", "-e", "DROP TABLE raw.host"],
            1,
            "only reading is allowed",
        ),
        (
            &["query", "-e", "SELECT nam FROM host"],
            1,
            "\"nam\" not found",
        ),
        (
            &["query", "-e", "SELECT 1", "-o", "xml"],
            2,
            "one of table, csv",
        ),
        (&["query"], 2, "required"),
    ];
    for (args, code, words) in cases {
        let outcome = home.run(args);
        assert_eq!(outcome.code, code, "{args:?}: {}", outcome.stderr);
        assert!(
            outcome.stderr.contains(words),
            "{args:?}: {}",
            outcome.stderr
        );
        assert_eq!(outcome.stdout, "");
    }
    let many = ["query", "-e", "SELECT range FROM range(20000)", "-o", "csv"];
    let outcome = home.run(&many);
    assert_eq!(outcome.stdout.lines().count(), 10_001);
    assert!(
        outcome.stderr.contains("there are more rows"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn questions_are_answered_alike_with_and_without_a_daemon() {
    let home = home();
    asks(&home);
    let daemon = Daemon::start(&home);
    asks(&home);
    assert!(daemon.stop().success());
    asks(&home);
}

#[test]
fn queries_are_listed_and_checked() {
    let home = home();
    let list = home.succeed(&["queries"]);
    for name in [
        "availability",
        "disk_forecast",
        "mine  Mine",
        "-p least=2  (int)",
    ] {
        assert!(list.contains(name), "{name}\n{list}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&home.succeed(&["queries", "--json"])).expect("JSON");
    assert!(json["queries"].as_array().is_some_and(|q| q.len() >= 7));
    home.succeed(&["check"]);
    home.write(
        "queries/broken.sql",
        "/*---\ntitle: A\n---*/\nSELECT *\nFROM interfaces\n",
    );
    let outcome = home.run(&["check"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stdout);
    assert!(
        outcome.stdout.contains("queries/broken.sql:5"),
        "{}",
        outcome.stdout
    );
    assert!(outcome.stdout.contains("interfaces"), "{}", outcome.stdout);
}
