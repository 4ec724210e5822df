//! `eider agent`: this machine pushed to a real daemon that goes away, comes back and is killed.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

use crate::support::process::Process;
use crate::support::{Daemon, PATIENCE, Port, TestHome, wait_for, wait_until};

fn server() -> TestHome {
    TestHome::new().with(
        "inventory/hosts.yaml",
        "version: 1\nhosts:\n  desk: {collect: [push], interval: 1s}\n",
    )
}

/// The daemon at a port that stays the same when it is started again.
fn start(home: &TestHome, port: &Port) -> Daemon {
    let listen = format!("127.0.0.1:{}", port.number());
    Daemon::start_with(home, &["--listen", &listen], &[])
}

/// An agent in a home of its own that reads every second.
fn agent(home: &TestHome, port: &Port) -> Process {
    let url = format!("http://127.0.0.1:{}", port.number());
    let mut command = home.command(&["agent", "--push", &url, "--interval", "1s"]);
    command
        .args(["--token-file", "token"])
        .current_dir(home.path());
    command.env_remove("STATE_DIRECTORY");
    Process::start("eider agent", &mut command)
}

/// The times of the documents that wait.
fn waiting(home: &TestHome) -> BTreeSet<i64> {
    let folder = home.path().join("data/agent/spool");
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    names
        .filter_map(|name| {
            name.strip_suffix(".json.gz")?
                .split_once('-')?
                .1
                .parse()
                .ok()
        })
        .collect()
}

/// The times of the rows that the server has; a time that is there twice is a failure.
fn stored(home: &TestHome) -> BTreeSet<i64> {
    let rows = home.rows("SELECT epoch(ts)::BIGINT AS t FROM poll WHERE target = 'push' AND ok");
    let times: BTreeSet<i64> = rows.iter().filter_map(|row| row["t"].as_i64()).collect();
    assert_eq!(times.len(), rows.len(), "a document was stored twice");
    times
}

#[test]
fn what_waited_for_the_server_comes_once_and_in_order() {
    let (home, here, port) = (server(), TestHome::new(), Port::free());
    here.write("token", &home.succeed(&["token", "add", "desk"]));
    // Killed in the middle of its work, several times, with nobody to send to.
    let mut seen = BTreeSet::new();
    for round in 1..=3 {
        let mut running = agent(&here, &port);
        wait_until("documents wait", PATIENCE, || {
            waiting(&here).len() >= round * 2
        });
        running.kill();
        seen.extend(waiting(&here));
    }
    let mut running = agent(&here, &port);
    wait_until("the agent tells why it cannot send", PATIENCE, || {
        running.log().text().contains("not sent, ")
    });
    // The server is killed while it takes them.
    let daemon = start(&home, &port);
    wait_until("something came", PATIENCE, || !stored(&home).is_empty());
    seen.extend(waiting(&here));
    daemon.kill();
    wait_until("documents wait again", PATIENCE, || {
        !waiting(&here).is_empty()
    });
    seen.extend(waiting(&here));
    running.kill();
    let daemon = start(&home, &port);
    let mut running = agent(&here, &port);
    wait_until("all came", PATIENCE, || stored(&home).is_superset(&seen));
    assert!(seen.len() >= 6, "{seen:?}");
    let rows = home
        .rows("SELECT count(*) AS n, max(used_pct) AS most FROM cpu WHERE used_pct IS NOT NULL");
    assert!(rows[0]["n"].as_i64() > Some(3), "counters go on: {rows:?}");
    assert!(rows[0]["most"].as_f64() <= Some(100.0), "{rows:?}");
    let status = here.succeed(&["agent", "--status"]);
    assert!(
        status.contains("runs (process") && !status.contains("lost"),
        "{status}"
    );
    let log = running.log().text();
    let token = std::fs::read_to_string(here.path().join("token")).expect("written above");
    assert!(!log.contains(token.trim()) && !status.contains(token.trim()));
    assert!(running.terminate(PATIENCE).success());
    let after = here.run(&["agent", "--status"]);
    assert!(after.stdout.contains("does not run"), "{}", after.stdout);

    // Nothing comes any more: silent, which is not up.
    wait_until("the host is silent", PATIENCE, || {
        daemon.page("/").contains("SILENT")
    });
}

#[test]
fn what_is_wrong_is_told_and_nothing_is_thrown_away() {
    let (home, here, port) = (server(), TestHome::new(), Port::free());
    here.write("token", "eider_of_somebody_else\n");
    let daemon = start(&home, &port);
    let running = agent(&here, &port);
    wait_until("a wrong token is told", PATIENCE, || {
        running.log().text().contains("eider token add HOST")
    });
    wait_until("documents wait", PATIENCE, || waiting(&here).len() >= 2);
    let status = here.run(&["agent", "--status", "--json"]);
    assert_eq!(status.code, 1, "{}", status.stdout);
    let told: serde_json::Value = serde_json::from_str(&status.stdout).expect("JSON");
    assert!(
        told["waiting"].as_u64() >= Some(2) && told["sent"] == 0,
        "{told}"
    );
    // The right one is taken without a restart.
    let seen = waiting(&here);
    here.write("token", &home.succeed(&["token", "add", "desk"]));
    wait_until("all came", PATIENCE, || stored(&home).is_superset(&seen));
    assert!(daemon.stop().success());

    let second = here.run(&[
        "agent",
        "--push",
        "http://127.0.0.1:1",
        "--token-file",
        "token",
    ]);
    assert!(
        second.stderr.contains("another eider agent"),
        "{}",
        second.stderr
    );
    for (args, told) in [
        (
            vec![
                "agent",
                "--push",
                "ftp://x",
                "--token-file",
                "t",
                "--data",
                "d",
            ],
            "http or https",
        ),
        (
            vec![
                "agent",
                "--push",
                "http://u:p@x",
                "--token-file",
                "t",
                "--data",
                "d",
            ],
            "no user",
        ),
        (
            vec!["agent", "--push", "http://x", "--data", "d"],
            "no token",
        ),
        (vec!["agent", "--token-file", "t"], "--push"),
        (
            vec!["agent", "--status", "--data", "nowhere"],
            "no agent has run",
        ),
    ] {
        let mut command = here.command(&args);
        command.current_dir(here.path());
        let ended = crate::support::home::finish(&mut command);
        assert_ne!(ended.code, 0);
        assert!(ended.stderr.contains(told), "{args:?}: {}", ended.stderr);
    }
}

/// A document holds the rows that `local` reads, and nothing else.
#[test]
fn a_document_is_what_local_reads() {
    let (here, port) = (TestHome::new(), Port::free());
    here.write("token", "x\n");
    let _running = agent(&here, &port);
    let path = wait_for("a document", PATIENCE, || {
        let files = std::fs::read_dir(here.path().join("data/agent/spool")).ok()?;
        let mut paths = files.flatten().map(|file| file.path());
        paths.find(|path| path.to_string_lossy().ends_with(".json.gz"))
    });
    let document = unpacked(&path);
    for table in eider::table::of_machine() {
        assert!(document["tables"][table.name].is_array(), "{}", table.name);
    }
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(&path)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "others can read what waits");
}

fn unpacked(path: &Path) -> serde_json::Value {
    let octets = std::fs::read(path).expect("readable");
    let mut text = String::new();
    let mut reader = flate2::read::MultiGzDecoder::new(&octets[..]);
    reader.read_to_string(&mut text).expect("gzip");
    serde_json::from_str(&text).expect("JSON")
}
