//! What is not taken, and how it is told.

use std::net::UdpSocket;

use super::*;

fn rows(home: &TestHome) -> usize {
    home.rows("SELECT 1 FROM event WHERE kind LIKE 'trap%'")
        .len()
}

#[test]
fn what_is_not_the_hosts_own_is_refused_counted_and_told_once() {
    let port = Port::free();
    let home = home(
        &port,
        &hosts(&credential_v3("monitor", "sha256", "aes128")),
        "",
    );
    let daemon = Daemon::start(&home);
    let full = [
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
    ];
    let with = |user: &'static str, change: &[(&'static str, &'static str)]| {
        let mut args = vec!["-v3", "-u", user, "-r", "1", "-t", "2"];
        args.extend(full);
        for (from, to) in change {
            args.iter_mut().filter(|a| *a == from).for_each(|a| *a = to);
        }
        args
    };
    let wrong = [
        (with("stranger", &[]), "Unknown user name"),
        (
            with("monitor", &[(AUTH_SECRET, "another secret")]),
            "Authentication failure",
        ),
        (
            with("monitor", &[(PRIV_SECRET, "another secret")]),
            "Decryption error",
        ),
        (
            with("monitor", &[("authPriv", "authNoPriv")]),
            "Unsupported security level",
        ),
    ];
    for (args, expected) in &wrong {
        let (code, said) = send("snmpinform", args, &port, LINK_DOWN);
        assert_ne!(code, 0, "{expected}");
        assert!(said.contains(expected), "{expected}: {said}");
        let mut args = args.clone();
        args.extend(["-e", SENDER_ENGINE]);
        send("snmptrap", &args, &port, LINK_DOWN);
    }
    // The credential is of version 3: nothing falls back.
    let (code, _) = send(
        "snmpinform",
        &["-v2c", "-c", "public", "-r", "0"],
        &port,
        LINK_DOWN,
    );
    assert_ne!(code, 0);
    wait_until("all are counted", PATIENCE, || {
        counter(&home, "traps_refused") >= 9
    });
    assert_eq!((rows(&home), counter(&home, "traps_stored")), (0, 0));
    let log = daemon.log().text();
    assert_eq!(daemon.log().count("trap not taken"), 1, "{log}");
    for secret in [AUTH_SECRET, PRIV_SECRET, "another secret"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn an_unknown_address_is_never_answered_nor_stored() {
    let port = Port::free();
    let elsewhere = by_community().replace("address: 127.0.0.1", "address: 127.0.0.2");
    let home = home(&port, &elsewhere, "");
    let daemon = Daemon::start(&home);
    for _ in 0..3 {
        send("snmptrap", &["-v2c", "-c", "trapper"], &port, LINK_DOWN);
    }
    let (code, _) = send(
        "snmpinform",
        &["-v3", "-u", "x", "-r", "0"],
        &port,
        LINK_DOWN,
    );
    assert_ne!(code, 0);
    wait_until("they are counted", PATIENCE, || {
        counter(&home, "traps_unknown") >= 4
    });
    assert_eq!(rows(&home), 0);
    assert_eq!(daemon.log().count("no host with SNMP has this address"), 1);
    assert_eq!(
        daemon.log().count("127.0.0.1"),
        3,
        "{}",
        daemon.log().text()
    );
}

#[test]
fn two_hosts_with_one_address_are_told_apart_by_community_or_not_at_all() {
    let port = Port::free();
    let hosts = "credentials:\n  a: {type: snmp-v2c, community: alpha}\n  b: {type: snmp-v1, community: beta}\n\
        defaults: {collect: [snmp], interval: 1h, address: 127.0.0.1}\nhosts:\n  \
        one: {credential: a, snmp: {port: 9}}\n  two: {credential: b, snmp: {port: 10}}\n  three: {credential: b, snmp: {port: 11}}\n";
    let hosts = hosts
        .replace(
            "defaults: {collect: [snmp], interval: 1h, address: 127.0.0.1}\n",
            "defaults: {collect: [snmp], interval: 1h}\n",
        )
        .replace("{credential", "{address: 127.0.0.1, credential");
    let home = home(&port, &hosts, "");
    let daemon = Daemon::start(&home);
    send("snmptrap", &["-v2c", "-c", "beta"], &port, LINK_DOWN);
    send("snmptrap", &["-v2c", "-c", "alpha"], &port, LINK_DOWN);
    assert_eq!(events(&home, 1), [format!("one|port 7|{LINK_DOWN_TOLD}")]);
    assert_eq!(counter(&home, "traps_refused"), 1);
    assert_eq!(
        daemon.log().count("three, two"),
        1,
        "{}",
        daemon.log().text()
    );
}

#[test]
fn a_flood_is_cut_and_told_when_it_ends() {
    let port = Port::free();
    let home = home(&port, &by_community(), "  rate: 2\n");
    let daemon = Daemon::start(&home);
    // One real trap, caught and sent again and again.
    let catcher = Port::free();
    let socket = UdpSocket::bind(("127.0.0.1", catcher.number())).expect("free");
    send("snmptrap", &["-v2c", "-c", "trapper"], &catcher, LINK_DOWN);
    let mut trap = [0; 1_500];
    let length = socket.recv(&mut trap).expect("a trap");
    for _ in 0..500 {
        socket
            .send_to(&trap[..length], ("127.0.0.1", port.number()))
            .expect("sent");
    }
    let received = || counter(&home, "traps_stored") + counter(&home, "traps_suppressed");
    wait_until("all are looked at", PATIENCE, || received() == 500);
    let stored = counter(&home, "traps_stored");
    assert!((20..40).contains(&stored), "{stored}");
    let suppressed = counter(&home, "traps_suppressed");
    assert!(daemon.stop().success());
    // The end of the daemon ends the flood.
    let told = home.rows("SELECT message FROM event WHERE kind = 'trap_flood'");
    assert_eq!(told.len(), 1);
    let message = told[0]["message"].as_str().expect("text");
    assert!(
        message.starts_with(&format!("{suppressed} more traps within ")),
        "{message}"
    );
}

#[test]
fn nonsense_is_counted_and_the_next_trap_is_taken() {
    let port = Port::free();
    let home = home(&port, &by_community(), "");
    let _daemon = Daemon::start(&home);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    for junk in [
        &b""[..],
        b"GET / HTTP/1.0\r\n\r\n",
        &[0x30; 3_000],
        b"\x30\x03\x02\x01\x01",
        b"\x30\x84\xff\xff\xff\xff",
    ] {
        socket
            .send_to(junk, ("127.0.0.1", port.number()))
            .expect("sent");
    }
    wait_until("it is counted", PATIENCE, || {
        counter(&home, "traps_refused") == 5
    });
    send("snmptrap", &["-v2c", "-c", "trapper"], &port, LINK_DOWN);
    assert_eq!(events(&home, 1).len(), 1);
}

#[test]
fn mistakes_in_the_settings_have_a_place() {
    let cases = [
        ("traps: {}\n", 0, ""),
        ("traps: {rate: 5}\n", 2, "settings.yaml:1:1"),
        ("traps: {listen: \"162\"}\n", 2, "settings.yaml:1:17"),
        (
            "traps:\n  listen: 0.0.0.0:162\n  rate: 0\n",
            2,
            "settings.yaml:3:9",
        ),
        (
            "traps:\n  listen: 0.0.0.0:162\n  poll: often\n",
            2,
            "settings.yaml:3:9",
        ),
        (
            "traps:\n  listen: 0.0.0.0:162\n  comunities: [hush]\n",
            2,
            "did you mean `communities`?",
        ),
        (
            "traps:\n  listen: 0.0.0.0:162\n  communities: [\"env:NOT_THERE\"]\n",
            2,
            "settings.yaml:3:17",
        ),
    ];
    for (text, code, expected) in cases {
        let home = TestHome::new()
            .with("inventory/settings.yaml", text)
            .with("inventory/hosts.yaml", "hosts: {a: {collect: [local]}}\n");
        let outcome = home.run(&["check"]);
        let said = outcome.stdout + &outcome.stderr;
        assert_eq!(outcome.code != 0, code != 0, "{text}{said}");
        assert!(said.contains(expected), "{text}{expected}\n{said}");
        assert!(!said.contains("hush"), "{said}");
    }
}
