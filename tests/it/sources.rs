//! Sources of hosts: a file and a program are asked again and again, and what they say is watched.

use std::time::Duration;

use crate::support::{Daemon, PATIENCE, TestHome, wait_until};

const SETTINGS: &str = "version: 1
sources:
  files: {file_sd: targets/*.json, every: 5s, collect: [\"tcp:9\"], group: nodes}
  asked: {cmd: [cat, table.csv], format: csv, every: 5s}
";

fn hosts(home: &TestHome) -> String {
    home.succeed(&["host"])
}

#[test]
fn what_a_source_says_is_watched_and_stays_when_it_is_away() {
    let home = TestHome::new()
        .with("inventory/hosts.yaml", "hosts: {own: {collect: [local]}}\n")
        .with("inventory/settings.yaml", SETTINGS)
        .with(
            "targets/a.json",
            r#"[{"targets": ["127.0.0.1:9100"], "labels": {"job": "node"}}]"#,
        )
        .with(
            "table.csv",
            "name,address,collect\nfrom-table,127.0.0.2,tcp:9\n",
        );
    let daemon = Daemon::start(&home);
    wait_until("hosts of both sources are polled", PATIENCE, || {
        let polled = home.rows("SELECT DISTINCT host FROM poll ORDER BY 1");
        let names: Vec<&str> = polled
            .iter()
            .filter_map(|row| row["host"].as_str())
            .collect();
        names == ["127.0.0.1", "from-table", "own"]
    });
    let host = home.succeed(&["host", "127.0.0.1"]);
    assert!(
        host.contains("inventory/hosts.d/source-files.yaml"),
        "{host}"
    );
    assert!(host.contains("job"), "{host}");

    home.write("targets/b.json", r#"[{"targets": ["late"]}]"#);
    wait_until("a new file's host is there", PATIENCE, || {
        hosts(&home).contains("late")
    });
    // A mistake, nothing at all, a name that is taken: told, and nothing changes.
    for (text, words) in [
        ("name,address\n\"x\n", "table"),
        ("name\n", "names no host"),
        ("name,collect\nown,local\n", "own"),
    ] {
        home.write("table.csv", text);
        wait_until("the trouble is told", PATIENCE, || {
            let status = home.run(&["status"]).stdout;
            let told = status
                .lines()
                .find(|line| line.starts_with("sources.asked"));
            told.is_some_and(|line| line.contains(words) || words == "table")
        });
        assert!(hosts(&home).contains("from-table"));
        home.succeed(&["check"]);
    }
    home.write(
        "table.csv",
        "name,address,collect\nfrom-other,127.0.0.2,tcp:9\n",
    );
    wait_until("what is not named any more goes", PATIENCE, || {
        let now = hosts(&home);
        now.contains("from-other") && !now.contains("from-table")
    });
    wait_until("nothing is wrong any more", Duration::from_secs(60), || {
        !home.run(&["status"]).stdout.contains("sources.asked")
    });
    assert!(daemon.stop().success());
}
