//! `eider discover`: what answers on loopback becomes hosts that are then watched.

use std::os::unix::fs::PermissionsExt;

use crate::simulate::verb::simulate;
use crate::support::{Snmpd, TestHome};

fn home() -> TestHome {
    let home = TestHome::new()
        .with("secret-wrong", "not-this")
        .with("secret-right", "public")
        .with(
            "inventory/hosts.yaml",
            "version: 1\ncredentials:\n  wrong: {type: snmp-v2c, community: \"file:secret-wrong\"}\n  ro: {type: snmp-v2c, community: \"file:secret-right\"}\n  ops: {type: ssh-agent, user: me}\nhosts:\n  known: {address: 127.9.1.2, collect: [ping]}\n",
        );
    for secret in ["secret-wrong", "secret-right"] {
        let only_owner = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(home.path().join(secret), only_owner).expect("set");
    }
    home
}

#[test]
fn credentials_are_tried_in_order_and_what_answers_is_written_once() {
    let (_fleet, port) = simulate(&["--devices", "3", "--address", "127.9.1.1"]);
    let home = home();
    let file = home
        .path()
        .join("inventory/hosts.d/found.yaml")
        .display()
        .to_string();
    let port = port.to_string();
    let sweep = [
        "discover",
        "127.9.1.0/29",
        "--port",
        &port,
        "--no-dns",
        "--timeout",
        "1s",
        "--write",
        &file,
    ];
    let told = home.run(&sweep);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(
        told.stderr
            .contains("127.9.1.2 is watched already, as known"),
        "{}",
        told.stderr
    );
    let written = std::fs::read_to_string(&file).expect("written");
    assert_eq!(written.matches("credential: ro").count(), 2, "{written}");
    assert!(written.contains("net-snmp:"), "{written}");
    assert!(!(written + &told.stderr).contains("public"));
    // They are hosts like any other.
    home.succeed(&["check"]);
    let polled = home.succeed(&["poll", "sim-00003"]);
    assert!(polled.contains("sim-00003"), "{polled}");
    // What is there is never replaced; a second sweep finds nothing that is new.
    let again = home.run(&sweep);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("never replaced"), "{}", again.stderr);
    let second = home.run(&sweep[..7]);
    assert_eq!(
        (second.code, second.stdout.as_str()),
        (1, ""),
        "{}",
        second.stderr
    );
    assert!(second.stderr.contains("0 new hosts"), "{}", second.stderr);
}

#[test]
fn a_real_agent_is_named_as_it_names_itself() {
    let snmpd = Snmpd::start_with("core-sw.example.net", "");
    let told = home().succeed(&[
        "discover",
        "127.0.0.1",
        "--port",
        &snmpd.port().to_string(),
        "--no-dns",
        "--credential",
        "ro",
    ]);
    assert!(
        told.contains("core-sw.example.net: {address: 127.0.0.1, collect: [snmp], credential: ro"),
        "{told}"
    );
    assert!(told.contains("# Linux "), "{told}");
}

#[test]
fn neighbors_are_followed_within_bounds() {
    let home = home();
    let device = |name: &str, neighbor: &str| {
        let index = format!("4.{neighbor}");
        format!(
            "1.0.8802.1.1.2.1.4.2.1.3.0.1.1.1.{index}|2|2\n1.3.6.1.2.1.1.1.0|4|Odd \"{name}\" # switch\n1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.9.1.516\n1.3.6.1.2.1.1.3.0|67|5000\n1.3.6.1.2.1.1.5.0|4|{name}\n"
        )
    };
    // The first knows the second, the second the third and one outside of the bounds.
    let files: Vec<String> = [("a", "127.9.2.2"), ("b", "127.9.2.3"), ("c", "127.77.0.1")]
        .iter()
        .map(|(name, neighbor)| {
            let path = home.path().join(format!("{name}.snmprec"));
            std::fs::write(&path, device(name, neighbor)).expect("written");
            path.display().to_string()
        })
        .collect();
    let mut play = vec!["--address", "127.9.2.1"];
    for file in &files {
        play.extend(["--recording", file]);
    }
    let (_fleet, port) = simulate(&play);
    let port = port.to_string();
    let sweep = |more: &[&str]| {
        let first = [
            "discover",
            "127.9.2.1",
            "--port",
            &port,
            "--no-dns",
            "--credential",
            "ro",
        ];
        home.run(&[&first, more].concat())
    };
    let alone = sweep(&[]);
    assert_eq!(
        alone.stdout.matches("collect").count(),
        1,
        "{}",
        alone.stdout
    );
    assert!(alone.stdout.contains("  cisco:\n"), "{}", alone.stdout);
    let near = sweep(&["--neighbors", "1", "--within", "127.9.2.0/24"]);
    assert_eq!(
        near.stdout.matches("collect").count(),
        2,
        "{}{}",
        near.stdout,
        near.stderr
    );
    let far = sweep(&["--neighbors", "9", "--within", "127.9.2.0/24"]);
    assert_eq!(
        far.stdout.matches("collect").count(),
        3,
        "{}{}",
        far.stdout,
        far.stderr
    );
    assert!(far.stderr.contains("3 of 3 addresses"), "{}", far.stderr);
}

#[test]
fn mistakes_are_told_before_anything_is_sent() {
    let home = home();
    for (args, words) in [
        (&["discover", "10.0.0.0/8"][..], "too many for one run"),
        (
            &["discover", "127.0.0.1", "--credential", "rox"],
            "did you mean `ro`?",
        ),
    ] {
        let told = home.run(args);
        assert_eq!(told.code, 1, "{}", told.stderr);
        assert!(told.stderr.contains(words), "{}", told.stderr);
    }
    assert_eq!(home.run(&["discover", "127.0.0.1/40"]).code, 2);
}
