//! Traps and informs of the real net-snmp programs, against the real daemon.

mod refused;

use std::process::Command;

use crate::support::home::finish;
use crate::support::process::Program;
use crate::support::{Daemon, PATIENCE, Port, Snmpd, TestHome, wait_for, wait_until};

const AUTH_SECRET: &str = "the horse eats no salad";
const PRIV_SECRET: &str = "correct battery staple";
const SENDER_ENGINE: &str = "0x80001f880473656e646572";

/// A home whose daemon listens for traps on this port. Nothing answers the polls of its hosts.
fn home(port: &Port, hosts: &str, settings: &str) -> TestHome {
    TestHome::new()
        .with(
            "inventory/settings.yaml",
            &format!(
                "traps:\n  listen: \"127.0.0.1:{}\"\n{settings}",
                port.number()
            ),
        )
        .with("inventory/hosts.yaml", hosts)
}

fn credential_v3(user: &str, auth: &str, privacy: &str) -> String {
    let mut text = format!("  v3: {{type: snmp-v3, user: {user}");
    if !auth.is_empty() {
        text += &format!(", auth: {auth}, auth_secret: \"{AUTH_SECRET}\"");
    }
    if !privacy.is_empty() {
        text += &format!(", priv: {privacy}, priv_secret: \"{PRIV_SECRET}\"");
    }
    text + "}\n"
}

fn hosts(credential: &str) -> String {
    format!(
        "credentials:\n{credential}hosts:\n  switch:\n    address: 127.0.0.1\n    collect: [snmp]\n    credential: {}\n    interval: 1h\n    snmp: {{port: 9}}\n",
        credential.trim().split(':').next().expect("a name")
    )
}

fn by_community() -> String {
    hosts("  ro: {type: snmp-v2c, community: trapper}\n")
}

/// `snmptrap` or `snmpinform`, not started yet: no configuration, no MIBs.
fn sender(program: &str, args: &[&str], port: &Port, state: &TestHome) -> Command {
    let mut command = Program::find(program).command();
    command
        .env("SNMP_PERSISTENT_DIR", state.path())
        .env("SNMPCONFPATH", state.path())
        .env("MIBS", "")
        .args(args)
        .arg(format!("127.0.0.1:{}", port.number()));
    command
}

/// Sends one and returns the exit code and what was said.
fn send(program: &str, args: &[&str], port: &Port, rest: &[&str]) -> (i32, String) {
    let state = TestHome::new();
    let mut command = sender(program, args, port, &state);
    let outcome = finish(command.args(rest));
    (outcome.code, outcome.stderr)
}

const LINK_DOWN: &[&str] = &[
    "",
    "1.3.6.1.6.3.1.1.5.3",
    "1.3.6.1.2.1.2.2.1.1.7",
    "i",
    "7",
    "1.3.6.1.2.1.2.2.1.2.7",
    "s",
    "port 7",
    "1.3.6.1.2.1.2.2.1.8.7",
    "i",
    "2",
];

const LINK_DOWN_TOLD: &str = "linkDown [7]: ifIndex 7, ifDescr port 7, ifOperStatus down";

/// Waits until there are so many traps, and returns `host|subject|message` of each.
fn events(home: &TestHome, count: usize) -> Vec<String> {
    let sql = "SELECT host || '|' || subject || '|' || message AS told FROM event WHERE kind LIKE 'trap%' ORDER BY ts, told";
    wait_for("the traps are stored", PATIENCE, || {
        let rows = home.rows(sql);
        let told = rows
            .iter()
            .map(|row| row["told"].as_str().unwrap_or("").to_owned());
        let told: Vec<String> = told.collect();
        (told.len() >= count).then_some(told)
    })
}

fn counter(home: &TestHome, name: &str) -> u64 {
    let status = home.succeed(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    status["counters"][name].as_u64().expect("a counter")
}

#[test]
fn versions_1_and_2c_become_events_and_informs_are_answered() {
    let port = Port::free();
    let home = home(&port, &by_community(), "  communities: [\"env:OTHER\"]\n");
    let _daemon = Daemon::start_with(&home, &[], &[("OTHER", "other")]);
    // Enterprise, agent, generic, specific, uptime.
    let v1 = [
        "1.3.6.1.4.1.8072.3.2.10",
        "192.0.2.7",
        "6",
        "17",
        "99",
        "1.3.6.1.4.1.8072.1.1",
        "s",
        "<b>x</b>\x1b[31m",
    ];
    assert_eq!(send("snmptrap", &["-v1", "-c", "trapper"], &port, &v1).0, 0);
    let cold = ["1.3.6.1.4.1.8072.3.2.10", "127.0.0.1", "0", "0", "99"];
    assert_eq!(send("snmptrap", &["-v1", "-c", "other"], &port, &cold).0, 0);
    assert_eq!(
        send("snmptrap", &["-v2c", "-c", "trapper"], &port, LINK_DOWN).0,
        0
    );
    let inform = ["", "1.3.6.1.6.3.1.1.5.4"];
    let (code, said) = send(
        "snmpinform",
        &["-v2c", "-c", "trapper", "-r", "9"],
        &port,
        &inform,
    );
    assert_eq!(code, 0, "answered: {said}");
    let mut told = events(&home, 4);
    told.sort();
    assert_eq!(
        told,
        [
            format!("switch|port 7|{LINK_DOWN_TOLD}"),
            "switch||coldStart".to_owned(),
            "switch||linkUp".to_owned(),
            "switch||trap 1.3.6.1.4.1.8072.3.2.10.0.17: 1.3.6.1.4.1.8072.1.1 = 3c 62 3e 78 3c 2f 62 3e 1b 5b 33 31 6d (agent address 192.0.2.7)".to_owned(),
        ]
    );
    assert_eq!(counter(&home, "traps_stored"), 4);
}

#[test]
fn every_level_of_version_3() {
    for (auth, privacy, words) in [
        ("", "", vec!["-l", "noAuthNoPriv"]),
        (
            "sha256",
            "",
            vec!["-l", "authNoPriv", "-a", "SHA-256", "-A", AUTH_SECRET],
        ),
        (
            "md5",
            "des",
            vec![
                "-l",
                "authPriv",
                "-a",
                "MD5",
                "-A",
                AUTH_SECRET,
                "-x",
                "DES",
                "-X",
                PRIV_SECRET,
            ],
        ),
        (
            "sha1",
            "aes128",
            vec![
                "-l",
                "authPriv",
                "-a",
                "SHA",
                "-A",
                AUTH_SECRET,
                "-x",
                "AES",
                "-X",
                PRIV_SECRET,
            ],
        ),
        (
            "sha512",
            "aes256c",
            vec![
                "-l",
                "authPriv",
                "-a",
                "SHA-512",
                "-A",
                AUTH_SECRET,
                "-x",
                "AES-256-C",
                "-X",
                PRIV_SECRET,
            ],
        ),
    ] {
        let port = Port::free();
        let home = home(&port, &hosts(&credential_v3("monitor", auth, privacy)), "");
        let daemon = Daemon::start(&home);
        let mut args = vec!["-v3", "-u", "monitor", "-r", "9"];
        args.extend(&words);
        let inform = send("snmpinform", &args, &port, LINK_DOWN);
        assert_eq!(
            inform.0,
            0,
            "{auth} {privacy}: {}\n{}",
            inform.1,
            daemon.log().text()
        );
        args.extend(["-e", SENDER_ENGINE]);
        assert_eq!(send("snmptrap", &args, &port, LINK_DOWN).0, 0);
        let line = format!("switch|port 7|{LINK_DOWN_TOLD}");
        assert_eq!(events(&home, 2), [line.clone(), line], "{auth} {privacy}");
        assert_eq!(counter(&home, "traps_refused"), 0, "{auth} {privacy}");
    }
}

#[test]
fn a_restart_keeps_the_engine_and_counts_its_boots() {
    let port = Port::free();
    let home = home(
        &port,
        &hosts(&credential_v3("monitor", "sha256", "aes128")),
        "",
    );
    let read = || {
        let text = std::fs::read_to_string(home.data().join("state/snmp-engine")).expect("written");
        let (id, boots) = text.trim().split_once('\n').expect("two lines");
        (id.to_owned(), boots.to_owned())
    };
    let args = [
        "-v3",
        "-u",
        "monitor",
        "-l",
        "authPriv",
        "-a",
        "SHA-256",
        "-A",
        AUTH_SECRET,
        "-x",
        "AES",
        "-X",
        PRIV_SECRET,
        "-r",
        "9",
    ];
    let mut before = None;
    for boots in ["1", "2"] {
        let daemon = Daemon::start(&home);
        let (id, seen) = read();
        assert_eq!(seen, boots);
        assert_eq!(*before.get_or_insert(id.clone()), id);
        assert_eq!(send("snmpinform", &args, &port, LINK_DOWN).0, 0);
        assert!(daemon.stop().success());
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(home.data().join("state/snmp-engine"))
            .expect("there")
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn an_interface_is_named_as_its_host_names_it_and_the_host_is_polled_at_once() {
    let port = Port::free();
    let snmpd = Snmpd::start_with("real", "");
    let hosts = format!(
        "credentials:\n  ro: {{type: snmp-v2c, community: public}}\nhosts:\n  real: {{address: localhost, collect: [snmp], credential: ro, interval: 1h, snmp: {{port: {}}}}}\n",
        snmpd.port()
    );
    let home = home(&port, &hosts, "  poll: true\n");
    let _daemon = Daemon::start(&home);
    let polls = || home.rows("SELECT count(*) AS n FROM poll WHERE ok")[0]["n"].as_i64();
    wait_until("the first poll", PATIENCE, || polls() == Some(1));
    // lo has ifIndex 1 wherever there is a Linux.
    let link_up = ["", "1.3.6.1.6.3.1.1.5.4", "1.3.6.1.2.1.2.2.1.1.1", "i", "1"];
    for _ in 0..3 {
        assert_eq!(
            send("snmptrap", &["-v2c", "-c", "public"], &port, &link_up).0,
            0
        );
    }
    assert_eq!(events(&home, 3), ["real|lo|linkUp [1]: ifIndex 1"; 3]);
    wait_until("the poll that it called for", PATIENCE, || {
        polls() == Some(2)
    });
    assert_eq!(polls(), Some(2), "one for three traps");
}
