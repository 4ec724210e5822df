//! The running daemon when the disk makes trouble: a file that may not grow, too little free space,
//! a second daemon, a compaction under load.

use serde_json::Value;

use super::rounds;
use super::upkeep::home;
use crate::support::{Daemon, PATIENCE, TestHome, http, wait_for, wait_until};

/// The machine itself, every five seconds.
fn watched() -> TestHome {
    TestHome::new().with(
        "inventory/hosts.yaml",
        "version: 1\ngroups: {all: {collect: [local], interval: 5s, hosts: {me: {}}}}\n",
    )
}

fn status(home: &TestHome) -> Value {
    serde_json::from_str(&home.succeed(&["status", "--json"])).expect("JSON")
}

fn counter(home: &TestHome, name: &str) -> i64 {
    let status = status(home);
    let value = &status["counters"][name];
    value
        .as_i64()
        .unwrap_or_else(|| panic!("{name} in {status}"))
}

/// No file of that process may grow beyond so many bytes; `None` lifts the limit again. This is what
/// a full disk is to a program: writing fails, reading goes on.
#[allow(
    unsafe_code,
    reason = "the limits of another process have no safe interface"
)]
fn limit_files(pid: u32, bytes: Option<u64>) {
    let limit = libc::rlimit {
        rlim_cur: bytes.unwrap_or(libc::RLIM_INFINITY),
        rlim_max: libc::RLIM_INFINITY,
    };
    let pid = i32::try_from(pid).expect("a process id fits");
    // SAFETY: the limit outlives the call; no old one is asked for; the process is our own child.
    let done = unsafe {
        libc::prlimit(
            pid,
            libc::RLIMIT_FSIZE,
            &raw const limit,
            std::ptr::null_mut(),
        )
    };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
}

/// Polls go on while nothing can be written, wait in memory and are stored when it can be: without a
/// restart, none lost, none twice.
#[test]
fn what_cannot_be_written_for_a_while_is_stored_later() {
    let home = watched();
    let daemon = Daemon::start(&home);
    wait_until("rows are stored", PATIENCE, || {
        counter(&home, "rows_stored") > 0
    });
    for round in 0..rounds(2, 20) {
        // Sometimes nothing at all can be written, sometimes a little.
        limit_files(daemon.pid(), Some(u64::from(round % 3) * 4096));
        let failed = counter(&home, "commits_failed");
        wait_until("writing fails", PATIENCE, || {
            // More often than a batch is tried that is wrong itself.
            counter(&home, "commits_failed") > failed + 4
        });
        // People and programs are told; pages answer.
        let ready = http::get(&format!("{}/readyz", daemon.url()));
        assert_eq!(ready.status, 503, "{}", ready.text());
        assert!(
            ready.text().contains("cannot be written"),
            "{}",
            ready.text()
        );
        assert!(daemon.page("/").contains("banner"), "the banner");
        limit_files(daemon.pid(), None);
        wait_until("it is written again", PATIENCE, || {
            status(&home)["store_trouble"] == ""
        });
        assert_eq!(http::get(&format!("{}/readyz", daemon.url())).status, 200);
    }
    assert_eq!(counter(&home, "rows_lost"), 0);
    assert!(daemon.stop().success());
    // Every poll is there, once.
    let row = &home.rows(
        "SELECT count(*) AS n, count(DISTINCT ts) AS times, max(gap) AS gap FROM
        (SELECT ts, date_diff('second', lag(ts) OVER (ORDER BY ts), ts) AS gap FROM poll)",
    )[0];
    assert_eq!(row["n"], row["times"], "none twice: {row}");
    assert!(row["gap"].as_i64() <= Some(11), "none is missing: {row}");
    home.succeed(&["db", "verify"]);
}

#[test]
fn with_too_little_free_space_the_oldest_rows_go_and_it_is_told() {
    let home = home();
    home.succeed(&["db", "seal"]);
    let count = "SELECT count(*) AS n FROM memory WHERE used_bytes < 1000";
    assert_eq!(home.rows(count)[0]["n"], 300);
    // More than any disk has.
    home.write(
        "inventory/settings.yaml",
        "storage: {raw: 3650d, process: 3650d, min_free: 9000000TB}\n",
    );
    let daemon = Daemon::start(&home);
    let told = |kind: &str| {
        let sql = format!("SELECT message FROM event WHERE kind = '{kind}'");
        let rows = home.rows(&sql);
        rows.first().map(|row| row["message"].to_string())
    };
    let message = wait_for("it is told", PATIENCE, || told("disk_short"));
    assert!(message.contains("the oldest rows go first"), "{message}");
    let message = wait_for("rows go", PATIENCE, || told("history_cut"));
    assert!(
        message.contains("from before 2026-09-2") && message.contains("rollups stay"),
        "{message}"
    );
    assert_eq!(home.rows(count)[0]["n"], 0);
    let short = || http::get(&format!("{}/readyz", daemon.url())).text();
    wait_until("the probe says so", PATIENCE, || {
        short().contains("short of space")
    });
    assert!(daemon.page("/status").contains("The oldest rows go first"));
    assert!(
        daemon
            .page("/status?lang=zh-CN")
            .contains("将先删除最早的数据")
    );
    assert_eq!(status(&home)["disk"]["short"], true);
    home.succeed(&["db", "verify"]);
    // Enough again.
    home.write("inventory/settings.yaml", "storage: {min_free: 1MB}\n");
    home.succeed(&["reload"]);
    wait_for("it is told", PATIENCE, || told("disk_ok"));
    // And a ballast is there, of real blocks.
    wait_until("a ballast", PATIENCE, || {
        home.data().join("ballast").is_file()
    });
    assert!(daemon.stop().success());
}

#[test]
fn a_second_daemon_leaves_the_first_alone() {
    let home = watched();
    let daemon = Daemon::start(&home);
    let second = home.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_ne!(second.code, 0);
    let expected = format!("(process {})", daemon.pid());
    assert!(
        second.stderr.contains("eider already runs on") && second.stderr.contains(&expected),
        "{}",
        second.stderr
    );
    // Nor does one that does not find the socket.
    std::fs::remove_file(home.socket()).expect("removable");
    let mut third = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut third = third.spawn().expect("it starts");
    wait_until("rows are stored", PATIENCE, || {
        http::get(&format!("{}/metrics", daemon.url()))
            .text()
            .lines()
            .any(|line| line.starts_with("eider_rows_stored_total ") && !line.ends_with(" 0"))
    });
    assert!(
        third.try_wait().expect("a child").is_none(),
        "it waits its turn"
    );
    third.kill().expect("a child");
    third.wait().expect("a child");
    assert!(daemon.stop().success());
}

/// Questions wait while the file is rewritten; rows that come meanwhile are stored after it.
#[test]
fn the_database_is_compacted_under_load() {
    let home = home();
    home.succeed(&["db", "seal"]);
    let count = "SELECT count(*) AS n FROM memory WHERE used_bytes < 1000";
    let alone = home.succeed(&["db", "compact"]);
    assert!(alone.starts_with("the database had "), "{alone}");
    assert_eq!(home.rows(count)[0]["n"], 300);
    let daemon = Daemon::start(&home);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            for _ in 0..30 {
                assert_eq!(home.rows(count)[0]["n"], 300);
            }
        });
        for _ in 0..3 {
            let told = home.succeed(&["db", "compact"]);
            assert!(told.starts_with("the database had "), "{told}");
        }
        asking.join().expect("every question is answered");
    });
    assert_eq!(counter(&home, "rows_lost"), 0);
    let polls = home.rows("SELECT count(*) AS n FROM poll WHERE ts > now() - INTERVAL 1 HOUR");
    assert!(polls[0]["n"].as_i64() > Some(0), "{polls:?}");
    home.succeed(&["db", "verify"]);
    assert!(daemon.stop().success());
    assert_eq!(home.rows(count)[0]["n"], 300);
}
