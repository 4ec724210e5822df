//! Out and back: snapshots that any DuckDB opens, restoring them, tables as files.

use std::path::Path;

use duckdb::Connection;

use super::upkeep::home;
use crate::support::{Daemon, TestHome};

/// Of each table the rows, a sum over them, and what the views make of them; without what a daemon
/// adds meanwhile.
const CONTENT: &str = "SELECT 'interface' AS name, count(*) AS n, sum(in_octets) AS total, count(DISTINCT alias) AS names, min(ts)::VARCHAR AS moment FROM interface WHERE interface LIKE 'port%'
    UNION ALL SELECT 'memory', count(*), sum(used_bytes), count(DISTINCT host), max(ts)::VARCHAR FROM memory WHERE used_bytes < 1000
    UNION ALL SELECT 'entity', count(*), sum(id), count(DISTINCT name), '' FROM entity WHERE name LIKE 'port%'
    UNION ALL SELECT 'event', count(*), 0, count(DISTINCT kind), '' FROM event WHERE ts < '2026-11-23 00:10:00+00'
    UNION ALL SELECT 'host', count(*), 0, count(DISTINCT name), '' FROM host ORDER BY ALL";

/// What another program reads in the snapshot.
fn read(connection: &Connection) -> Vec<String> {
    let mut statement = connection
        .prepare(&format!("SELECT CAST(c AS VARCHAR) FROM ({CONTENT}) c"))
        .expect("the views can be asked");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.map(|row| row.expect("text")).collect()
}

fn plain(database: &Path) -> Connection {
    let config = duckdb::Config::default()
        .access_mode(duckdb::AccessMode::ReadOnly)
        .expect("a mode");
    let connection = Connection::open_with_flags(database, config).expect("any DuckDB opens it");
    connection
        .execute_batch("SET TimeZone = 'UTC'")
        .expect("a setting");
    connection
}

/// What Eider itself answers.
fn asked(home: &TestHome) -> Vec<String> {
    let sql = format!("SELECT CAST(c AS VARCHAR) AS line FROM ({CONTENT}) c");
    let text = home.succeed(&["query", "-e", &sql, "-o", "ndjson", "--tz", "UTC"]);
    let line = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        value["line"].as_str().expect("text").to_owned()
    };
    text.lines().map(line).collect()
}

/// Half of the history sealed, half hot.
fn half_sealed() -> TestHome {
    let home = home();
    home.succeed(&["db", "seal"]);
    let (store, mut recorder) = super::batch::open(&home.data()).expect("the file opens");
    let batches: Vec<_> = (301..340).map(super::batch::numbered).collect();
    recorder.append(&batches).expect("a commit");
    drop(store);
    recorder.close().expect("an orderly end");
    home
}

#[test]
fn a_snapshot_of_the_running_daemon_is_opened_by_any_duckdb_also_after_a_move() {
    let home = half_sealed();
    let daemon = Daemon::start(&home);
    let before = asked(&home);
    let snapshot = home.path().join("kept");
    let path = snapshot.to_str().expect("text");
    let told = home.succeed(&["db", "snapshot", path]);
    assert!(told.contains("sealed files"), "{told}");
    let database = snapshot.join("eider.duckdb");
    assert_eq!(read(&plain(&database)), before);
    // The views are documented in place, as in the history itself.
    let comments: i64 = plain(&database)
        .query_row(
            "SELECT count(*) FROM duckdb_columns() WHERE schema_name = 'main' AND NOT internal AND comment IS NULL",
            [],
            |row| row.get(0),
        )
        .expect("a number");
    assert_eq!(comments, 0);
    // The rollups are there too: late rows may wait for the night, the others must not.
    let rolled: i64 = plain(&database)
        .query_row(
            "SELECT sum(samples)::BIGINT FROM interface_hourly WHERE interface LIKE 'port%'",
            [],
            |row| row.get(0),
        )
        .expect("a number");
    assert!((300..=339).contains(&rolled), "{rolled}");
    // Nothing is overwritten, no half directory stays.
    let again = home.run(&["db", "snapshot", path]);
    assert_ne!(again.code, 0);
    assert!(
        again.stderr.contains("nothing is overwritten"),
        "{}",
        again.stderr
    );
    let nowhere = home.run(&["db", "snapshot", "/proc/nowhere"]);
    assert_ne!(nowhere.code, 0);
    assert!(
        nowhere.stderr.contains("/proc/nowhere"),
        "{}",
        nowhere.stderr
    );
    assert!(!home.path().join("kept.part").exists());
    assert!(daemon.stop().success());

    // What the daemon does afterwards does not change the snapshot.
    std::fs::remove_dir_all(home.data()).expect("removable");
    assert_eq!(read(&plain(&database)), before);
    let moved = home.path().join("it's moved");
    std::fs::rename(&snapshot, &moved).expect("a move");
    let connection = plain(&moved.join("eider.duckdb"));
    let place = moved.to_str().expect("text").replace('\'', "''");
    connection
        .execute_batch(&format!("SET VARIABLE eider_snapshot = '{place}'"))
        .expect("a variable");
    assert_eq!(read(&connection), before);
}

#[test]
fn a_snapshot_comes_back_into_an_empty_home_and_never_over_a_history() {
    let home = half_sealed();
    std::fs::create_dir_all(home.data().join("state")).expect("writable");
    std::fs::write(home.data().join("state/users"), "somebody").expect("writable");
    let before = asked(&home);
    let snapshot = home.path().join("kept");
    let path = snapshot.to_str().expect("text");
    home.succeed(&["db", "snapshot", path, "--state", "--copy"]);

    let other = TestHome::new();
    let told = other.succeed(&["db", "restore", path]);
    assert!(
        told.contains("39 hot rows") || told.contains("hot rows"),
        "{told}"
    );
    assert_eq!(asked(&other), before);
    let users = std::fs::read_to_string(other.data().join("state/users"));
    assert_eq!(users.expect("it came along"), "somebody");
    other.succeed(&["db", "verify"]);
    other.succeed(&["db", "seal"]);
    assert_eq!(asked(&other), before);

    // A second time there is a history.
    let again = other.run(&["db", "restore", path]);
    assert_ne!(again.code, 0);
    assert!(again.stderr.contains("--set-aside"), "{}", again.stderr);
    assert_eq!(asked(&other), before);
    let told = other.succeed(&["db", "restore", path, "--set-aside"]);
    let aside = told.lines().next().expect("a line");
    assert!(aside.contains("before-restore-"), "{told}");
    assert_eq!(asked(&other), before);
    // What was moved aside is whole and can be restored itself.
    let aside = std::fs::read_dir(other.data())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.to_string_lossy().contains("before-restore-"))
        .expect("it is there");
    let hosts = std::fs::read_to_string(home.path().join("inventory/hosts.yaml"));
    let third = TestHome::new().with("inventory/hosts.yaml", &hosts.expect("readable"));
    third.succeed(&["db", "restore", aside.to_str().expect("text")]);
    assert_eq!(asked(&third), before);

    // A snapshot that is not whole is refused, and the history stays.
    let files = snapshot.join("sealed/memory");
    let one = std::fs::read_dir(files)
        .expect("files")
        .next()
        .expect("one");
    std::fs::remove_file(one.expect("an entry").path()).expect("removable");
    let broken = other.run(&["db", "restore", path, "--set-aside"]);
    assert_ne!(broken.code, 0);
    assert!(broken.stderr.contains("is missing"), "{}", broken.stderr);
    assert_eq!(asked(&other), before);
    // Nor while a daemon runs.
    let daemon = Daemon::start(&third);
    let running = third.run(&["db", "restore", path, "--set-aside"]);
    assert!(
        running.stderr.contains("eider runs on"),
        "{}",
        running.stderr
    );
    assert!(daemon.stop().success());
}

#[test]
fn tables_are_exported_whole_or_not_at_all() {
    let home = half_sealed();
    let directory = home.path().join("out");
    let path = directory.to_str().expect("text");
    let export = |args: &[&str]| home.run(&[&["db", "export", "-d", path], args].concat());
    assert_eq!(export(&["interface", "host"]).code, 0);
    let count = |sql: &str| -> i64 {
        let connection = Connection::open_in_memory().expect("DuckDB");
        connection
            .query_row(sql, [], |row| row.get(0))
            .expect("a number")
    };
    let file = format!("{path}/interface.parquet");
    assert_eq!(
        count(&format!(
            "SELECT count(*) FROM '{file}' WHERE host = 'a' AND in_octets > 0"
        )),
        339
    );
    assert_eq!(
        count(&format!("SELECT count(*) FROM '{path}/host.parquet'")),
        1
    );
    // Nothing is overwritten.
    let again = export(&["interface"]);
    assert_eq!(again.code, 1, "{}", again.stderr);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    let part = [
        "interface",
        "--force",
        "--csv",
        "--from",
        "2026-11-23",
        "--to",
        "2026-11-24",
        "--tz",
        "UTC",
    ];
    assert_eq!(export(&part).code, 0);
    assert_eq!(
        count(&format!("SELECT count(*) FROM '{path}/interface.csv'")),
        39
    );
    let wrong = export(&["interfaces"]);
    assert_ne!(wrong.code, 0);
    assert!(
        wrong.stderr.contains("there is no table `interfaces`"),
        "{}",
        wrong.stderr
    );
    // The same by the daemon; and every table that there is.
    let daemon = Daemon::start(&home);
    let all = export(&["--all", "--force"]);
    assert_eq!(all.code, 0, "{}", all.stderr);
    assert!(all.stdout.lines().count() > 20, "{}", all.stdout);
    assert!(count(&format!("SELECT count(*) FROM '{file}'")) >= 339);
    let left = std::fs::read_dir(home.data().join("export")).expect("a directory");
    assert_eq!(left.count(), 0, "nothing is left behind");
    assert!(daemon.stop().success());
}
