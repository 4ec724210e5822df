//! `eider host`: the list, the tree, and the origin of every value.

use super::{cases, home_of};

#[test]
fn host_tells_every_value_and_its_origin() {
    let home = home_of(&cases().join("good-large"));
    let text = home.succeed(&["host", "web21.example.net"]);
    for (key, value, origin) in [
        ("address", "web21.example.net", "built in"),
        ("collect", "ssh", "inventory/hosts.yaml:16:5 (group web)"),
        ("interval", "1m", "inventory/hosts.yaml:2:12 (defaults)"),
        ("timeout", "5s", "inventory/hosts.yaml:2:27 (defaults)"),
        (
            "credentials",
            "ops-agent",
            "inventory/hosts.yaml:17:5 (group web)",
        ),
        (
            "ssh.port",
            "2222",
            "inventory/hosts.yaml:20:33 (host web21.example.net)",
        ),
        (
            "ssh.user",
            "root",
            "inventory/hosts.yaml:20:45 (host web21.example.net)",
        ),
        (
            "ssh.host_keys",
            "tofu",
            "inventory/hosts.yaml:20:57 (host web21.example.net)",
        ),
        (
            "labels.site",
            "sh2",
            "inventory/hosts.yaml:20:84 (host web21.example.net)",
        ),
    ] {
        let found = text.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(key)
                && words.next() == Some(value)
                && words.collect::<Vec<_>>().join(" ") == origin
        });
        assert!(found, "{key} {value} {origin} is not in\n{text}");
    }
    let switch = home.succeed(&["host", "sw-edge07.example.net"]);
    assert!(
        switch.contains("10.9.0.7 ") && switch.contains("(in edge, network)"),
        "{switch}"
    );
    assert!(
        switch.contains("snmp.community") && switch.contains("[redacted]"),
        "{switch}"
    );
    // The nearer group wins; the labels of all merge.
    assert!(
        switch.contains("edge") && switch.contains("(group edge)"),
        "{switch}"
    );
}

#[test]
fn host_lists_and_filters() {
    let home = home_of(&cases().join("good-large"));
    let lines = |args: &[&str]| home.succeed(args).lines().count();
    assert_eq!(lines(&["hosts"]), 53);
    assert_eq!(lines(&["host", "web*"]), 25);
    assert_eq!(lines(&["host", "--group", "network"]), 27);
    let tree = home.succeed(&["host", "--tree"]);
    assert!(
        tree.starts_with("network/\n  edge/\n    sw-edge01.example.net  snmp\n"),
        "{tree}"
    );
    assert!(
        tree.contains("web/\n") && tree.ends_with("both  snmp, ssh\n"),
        "{tree}"
    );
    let unknown = home.run(&["host", "web1.example.net"]);
    assert_eq!(unknown.code, 1);
    assert!(
        unknown.stderr.contains("did you mean `web"),
        "{}",
        unknown.stderr
    );
    assert_eq!(home.run(&["host", "nothing*"]).code, 1);
    let group = home.run(&["host", "--group", "wbe"]);
    assert!(
        group.stderr.contains("did you mean `web`?"),
        "{}",
        group.stderr
    );
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    let home = home_of(&cases().join("good-large"));
    for verb in [&["host"][..], &["completions", "bash"]] {
        let mut child = home
            .command(verb)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.is_empty(), "{verb:?}: {stderr}");
        assert!(output.status.success(), "{verb:?}");
    }
}

/// Verbs that need no secret look at none: a judgement on one that was not read would be wrong.
#[test]
fn hosts_are_listed_without_reading_a_secret() {
    let home = crate::support::TestHome::new().with(
        "inventory/hosts.yaml",
        "version: 1\ncredentials:\n  v3: {type: snmp-v3, user: monitor, auth: sha256, \
         auth_secret: \"env:EIDER_TEST_NO_SUCH\", priv: aes128, priv_secret: \"env:EIDER_TEST_NO_SUCH\"}\n\
         hosts:\n  core1: {collect: [snmp], credential: v3}\n",
    );
    assert!(home.succeed(&["host"]).contains("core1"));
    assert!(home.succeed(&["host", "core1"]).contains("sha256"));
}
