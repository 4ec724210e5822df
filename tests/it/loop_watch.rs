//! The whole loop in the running daemon: a host is added to a file and its rows appear; a broken file
//! changes nothing and is told everywhere.

use crate::support::{Daemon, PATIENCE, Snmpd, Sshd, TestHome, wait_until};

const HEAD: &str = "version: 1\ndefaults: {interval: 1s}\n";
const LOCAL: &str = "hosts:\n  here: {collect: [local]}\n";

/// How many rows a query finds through the running daemon.
fn count(home: &TestHome, from: &str) -> i64 {
    let rows = home.rows(&format!("SELECT count(*) AS n FROM {from}"));
    rows[0]["n"].as_i64().expect("a count")
}

#[test]
fn hosts_added_to_the_file_are_watched_by_snmp_and_by_ssh() {
    let (snmpd, sshd) = (Snmpd::start(), Sshd::start());
    let home = TestHome::new().with("inventory/hosts.yaml", &format!("{HEAD}{LOCAL}"));
    let daemon = Daemon::start(&home);
    wait_until("this machine has rows", PATIENCE, || {
        count(&home, "system WHERE host = 'here'") > 1
    });

    let credentials = format!(
        "credentials:\n  ro: {{type: snmp-v2c, community: public}}\n  key: {{type: ssh-key, user: {}, key_file: {}}}\n",
        sshd.user(),
        sshd.user_key().display()
    );
    let device = format!(
        "  device: {{address: 127.0.0.1, collect: [snmp], credential: ro, snmp: {{port: {}}}}}\n",
        snmpd.port()
    );
    let server = format!(
        "  server: {{address: 127.0.0.1, collect: [ssh], credential: key, ssh: {{port: {}, host_keys: tofu}}}}\n",
        sshd.port()
    );
    home.write(
        "inventory/hosts.yaml",
        &format!("{HEAD}{credentials}{LOCAL}{device}{server}"),
    );
    for host in ["device", "server"] {
        for table in [
            "system",
            "memory",
            "filesystem",
            "interface",
            "process_state",
        ] {
            let from = format!("{table} WHERE host = '{host}'");
            wait_until(&format!("rows in {from}"), PATIENCE, || {
                count(&home, &from) > 0
            });
        }
    }
    wait_until("octets have become a rate", PATIENCE, || {
        count(
            &home,
            "interface WHERE host = 'device' AND in_bps IS NOT NULL",
        ) > 0
    });
    assert!(daemon.page("/").contains("device"));
    assert!(daemon.page("/hosts/server").contains("server"));

    // Ten polls of this machine, one second apart, whatever else was reloaded meanwhile.
    let worst = "SELECT max(gap) AS worst FROM (SELECT epoch(ts) - lag(epoch(ts)) OVER (ORDER BY ts) AS gap FROM system WHERE host = 'here')";
    let worst = home.rows(worst)[0]["worst"].as_f64().expect("a gap");
    assert!(
        worst < 20.0,
        "a reload made this machine wait for {worst} s"
    );
}

#[test]
fn a_broken_file_keeps_the_old_inventory_and_is_told_everywhere() {
    let home = TestHome::new().with("inventory/hosts.yaml", &format!("{HEAD}{LOCAL}"));
    let daemon = Daemon::start(&home);
    wait_until("this machine has rows", PATIENCE, || {
        count(&home, "system") > 0
    });
    assert_eq!(home.run(&["status"]).code, 0);

    home.write(
        "inventory/hosts.yaml",
        &format!("{HEAD}hosts:\n  here: {{colect: [local]}}\n"),
    );
    let told = |text: &str| text.contains("colect") && text.contains("inventory/hosts.yaml:4");
    wait_until("the status tells it", PATIENCE, || {
        told(&home.run(&["status"]).stdout)
    });
    assert_eq!(home.run(&["status"]).code, 3);
    for page in ["/", "/hosts/here", "/alerts", "/status"] {
        let text = daemon.page(page).replace("&#x2f;", "/");
        assert!(told(&text), "{page} does not tell the problem:\n{text}");
    }
    let before = count(&home, "system");
    wait_until("the old inventory is polled on", PATIENCE, || {
        count(&home, "system") > before + 1
    });

    home.write(
        "inventory/hosts.yaml",
        &format!("{HEAD}{LOCAL}  second: {{collect: [local]}}\n"),
    );
    wait_until("the mended file is in force", PATIENCE, || {
        count(&home, "system WHERE host = 'second'") > 0
    });
    assert_eq!(home.run(&["status"]).code, 0);
    assert!(!daemon.page("/").contains("colect"));
}

#[test]
fn the_history_answers_with_and_without_the_daemon() {
    let home = TestHome::new().with("inventory/hosts.yaml", &format!("{HEAD}{LOCAL}"));
    let daemon = Daemon::start(&home);
    wait_until("this machine has rows", PATIENCE, || {
        count(&home, "system") > 2
    });
    let running = home.rows("SELECT min(ts)::VARCHAR AS first FROM system");
    let second = home.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_ne!(second.code, 0, "two daemons on one history");
    assert!(second.stderr.contains("already runs"), "{}", second.stderr);

    assert!(daemon.stop().success());
    assert_eq!(
        home.rows("SELECT min(ts)::VARCHAR AS first FROM system"),
        running
    );
    assert_eq!(home.run(&["status"]).code, 4, "no daemon answers");

    // A verb has the file open for a moment; a daemon that starts then waits for it.
    let mut slow = home
        .command(&[
            "query",
            "-e",
            "SELECT count(*) FROM range(1000000000) t(i) WHERE i % 7 = 3",
        ])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("eider starts");
    let pid = slow.id().to_string();
    wait_until("the verb holds the history", PATIENCE, || {
        // Who has the lock writes down who it is.
        let holder = std::fs::read_to_string(home.data().join("eider.lock"));
        holder.is_ok_and(|text| text.trim() == pid)
    });
    let running = slow.try_wait().expect("our own child").is_none();
    assert!(running, "it was done before anybody could wait for it");
    let daemon = Daemon::start(&home);
    let _ = slow.wait();
    let before = count(&home, "system");
    wait_until("it goes on", PATIENCE, || count(&home, "system") > before);
    assert!(daemon.stop().success());
}

#[test]
fn a_setting_that_waits_for_a_restart_is_told() {
    let home = TestHome::new().with("inventory/hosts.yaml", &format!("{HEAD}{LOCAL}"));
    let _daemon = Daemon::start(&home);
    assert!(!home.succeed(&["status"]).contains("restart_for"));
    home.write(
        "inventory/settings.yaml",
        "version: 1\nserver: {language: zh-CN}\nstorage: {memory: 300MB}\n",
    );
    let text = home.succeed(&["reload"]);
    assert!(text.contains("after a restart: storage.memory\n"), "{text}");
    let status = home.succeed(&["status"]);
    assert!(status.contains("inventory.restart_for"), "{status}");
    home.write("inventory/settings.yaml", "version: 1\n");
    let text = home.succeed(&["reload"]);
    assert!(!text.contains("restart"), "{text}");
}
