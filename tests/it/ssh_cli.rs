//! `eider ssh`, and `eider poll` by SSH: the way from a refused host to a watched one.

use crate::support::home::{Outcome, finish};
use crate::support::process::{Process, Program};
use crate::support::{PATIENCE, Sshd, TestHome, wait_until};

/// A home whose one host is this server.
fn home(sshd: &Sshd, credential: &str) -> TestHome {
    let hosts = format!(
        "version: 1\ncredentials:\n  mine: {credential}\ngroups:\n  all:\n    collect: [ssh]\n    credential: mine\n    hosts:\n      web01: {{address: 127.0.0.1, ssh: {{port: {}}}}}\n",
        sshd.port()
    );
    TestHome::new().with("inventory/hosts.yaml", &hosts)
}

fn by_key(sshd: &Sshd) -> TestHome {
    let key = sshd.user_key();
    let credential = format!(
        "{{type: ssh-key, user: {}, key_file: {}}}",
        sshd.user(),
        key.display()
    );
    home(sshd, &credential)
}

fn failed(outcome: &Outcome, words: &str) {
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    assert_ne!(outcome.code, 0, "{said}");
    assert!(said.contains(words), "{words:?} is not in:\n{said}");
}

#[test]
fn a_host_is_trusted_by_hand_and_then_polled() {
    let mut sshd = Sshd::start();
    let home = by_key(&sshd);
    let fingerprint = sshd.fingerprint();
    let hint =
        format!("host key not trusted: {fingerprint} (ed25519); run `eider ssh trust web01`");
    failed(&home.run(&["poll", "web01"]), &hint);
    failed(&home.run(&["ssh", "trust", "web01"]), "say --yes");
    failed(
        &home.run(&["ssh", "trust", "web1"]),
        "did you mean `web01`?",
    );
    let said = home.succeed(&["ssh", "trust", "web01", "--yes"]);
    assert!(said.contains(&fingerprint), "{said}");
    let said = home.succeed(&["ssh", "trust", "web01"]);
    assert!(said.contains("trusted already"), "{said}");
    let keys = home.succeed(&["ssh", "keys"]);
    assert!(
        keys.contains(&fingerprint) && keys.contains("web01"),
        "{keys}"
    );
    let polled = home.succeed(&["poll", "web01"]);
    for table in ["system", "cpu", "filesystem", "process_state"] {
        assert!(
            polled.contains(&format!("\n{table}\n")),
            "{table}:\n{polled}"
        );
    }

    sshd.change_host_key("rsa");
    failed(&home.run(&["poll", "web01"]), "host key changed");
    failed(
        &home.run(&["ssh", "trust", "web01", "--yes"]),
        "say --replace",
    );
    home.succeed(&["ssh", "trust", "web01", "--yes", "--replace"]);
    home.succeed(&["poll", "web01"]);
    let keys = home.succeed(&["ssh", "keys", "web01"]);
    assert!(
        !keys.contains(&fingerprint) && keys.contains("rsa"),
        "{keys}"
    );
    home.succeed(&["ssh", "forget", "web01"]);
    failed(&home.run(&["poll", "web01"]), "host key not trusted");
}

#[test]
fn a_known_hosts_file_vouches_for_what_it_lists() {
    let sshd = Sshd::start();
    let home = by_key(&sshd);
    let file = home.path().join("known_hosts");
    let trust = |text: &str| {
        std::fs::write(&file, text).expect("writable");
        let file = file.display().to_string();
        home.run(&["ssh", "trust", "web01", "--known-hosts", &file])
    };
    let (port, line) = (sshd.port(), sshd.host_key_line());
    failed(
        &trust("other.example.net ssh-ed25519 AAAA\n"),
        "does not list this key",
    );
    failed(
        &trust(&format!("[127.0.0.1]:{port} {line}\n@revoked * {line}\n")),
        "revoked",
    );
    let outcome = trust(&format!("[127.0.0.1]:{port} {line}\n"));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    home.succeed(&["poll", "web01"]);
}

#[test]
fn every_key_of_an_agent_is_tried() {
    let sshd = Sshd::start();
    let home = home(
        &sshd,
        &format!("{{type: ssh-agent, user: {}}}", sshd.user()),
    );
    home.succeed(&["ssh", "trust", "web01", "--yes"]);
    failed(&without_agent(&home), "SSH_AUTH_SOCK is not set");

    let socket = home.path().join("agent");
    let _agent = Process::start(
        "ssh-agent",
        Program::find("ssh-agent")
            .command()
            .arg("-D")
            .arg("-a")
            .arg(&socket),
    );
    wait_until("the agent listens", PATIENCE, || socket.exists());
    let add = |key: &std::path::Path| {
        let mut command = Program::find("ssh-add").command();
        let outcome = finish(command.env("SSH_AUTH_SOCK", &socket).arg("-q").arg(key));
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    };
    let poll = || {
        finish(
            home.command(&["poll", "web01"])
                .env("SSH_AUTH_SOCK", &socket),
        )
    };
    let stranger = home.path().join("stranger");
    crate::support::sshd::make_key(&stranger, "rsa");
    add(&stranger);
    failed(&poll(), "(tried: publickey, 1 keys of the agent)");
    add(&sshd.user_key());
    let outcome = poll();
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
}

fn without_agent(home: &TestHome) -> Outcome {
    finish(home.command(&["poll", "web01"]).env_remove("SSH_AUTH_SOCK"))
}

#[test]
fn the_printed_line_lets_polling_in_and_nothing_else() {
    let folder = tempfile::tempdir().expect("writable");
    let authorized = folder.path().join("authorized_keys");
    let sshd = Sshd::start_with(&format!("AuthorizedKeysFile {}", authorized.display()));
    let home = by_key(&sshd);
    home.succeed(&["ssh", "trust", "web01", "--yes"]);
    failed(&home.run(&["poll", "web01"]), "authentication refused");
    let line = home.succeed(&["ssh", "authorize", "web01"]);
    let public = std::fs::read_to_string(sshd.user_key().with_extension("pub")).expect("made");
    let key = public.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let start = "restrict,from=\"127.0.0.1\",command=\"/bin/sh -s\"";
    assert_eq!(line, format!("{start} {key} eider\n"));
    std::fs::write(&authorized, &line).expect("writable");
    let polled = home.succeed(&["poll", "web01"]);
    assert!(polled.contains("\nfilesystem\n"), "{polled}");

    // Without the .pub file the key file itself tells its public half.
    let hidden = sshd.user_key().with_extension("away");
    std::fs::rename(sshd.user_key().with_extension("pub"), &hidden).expect("ours");
    assert_eq!(home.succeed(&["ssh", "authorize", "web01"]), line);
    let elsewhere = home.succeed(&[
        "ssh",
        "authorize",
        "web01",
        "--from",
        "192.0.2.0/24,2001:db8::1",
    ]);
    assert!(
        elsewhere.starts_with("restrict,from=\"192.0.2.0/24,2001:db8::1\","),
        "{elsewhere}"
    );
    let quote = "1.2.3.4\",no-pty,x=\"";
    failed(
        &home.run(&["ssh", "authorize", "web01", "--from", quote]),
        "cannot stand in from=",
    );
    // Only the named place may come.
    std::fs::write(&authorized, elsewhere).expect("writable");
    failed(&home.run(&["poll", "web01"]), "authentication refused");
}
