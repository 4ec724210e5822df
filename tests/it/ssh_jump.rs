//! Hosts behind others: through one, through two, through a program.

use crate::support::home::Outcome;
use crate::support::process::Program;
use crate::support::{Daemon, PATIENCE, Sshd, TestHome, wait_until};

/// Hosts `front`, `middle` and `web01`, each with its own server, key and way.
fn home(servers: [&Sshd; 3], ways: [&str; 3]) -> TestHome {
    let mut text = "version: 1\ndefaults: {interval: 10s, timeout: 10s}\ncredentials:\n".to_owned();
    let names = ["front", "middle", "web01"];
    for (name, server) in names.iter().zip(servers) {
        let (user, key) = (server.user(), server.user_key());
        let key = key.display();
        text += &format!("  {name}-key: {{type: ssh-key, user: {user}, key_file: {key}}}\n");
    }
    text += "hosts:\n";
    for ((name, server), way) in names.iter().zip(servers).zip(ways) {
        let port = server.port();
        text += &format!(
            "  {name}: {{address: 127.0.0.1, collect: [ssh], credential: {name}-key, ssh: {{port: {port}{way}}}}}\n"
        );
    }
    TestHome::new().with("inventory/hosts.yaml", &text)
}

fn failed(outcome: &Outcome, words: &str) {
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    assert_ne!(outcome.code, 0, "{said}");
    assert!(said.contains(words), "{words:?} is not in:\n{said}");
}

fn trust(home: &TestHome, name: &str) {
    home.succeed(&["ssh", "trust", name, "--yes"]);
}

#[test]
fn a_host_behind_two_others_is_trusted_and_polled_over_one_connection() {
    let servers = [Sshd::start(), Sshd::start(), Sshd::start()];
    let [front, middle, web] = &servers;
    let home = home(
        [front, middle, web],
        ["", ", jump: front", ", jump: middle"],
    );
    // Nobody in front is believed unseen: each is trusted before anyone goes through it.
    failed(
        &home.run(&["ssh", "trust", "web01", "--yes"]),
        "jump host front: host key not trusted",
    );
    trust(&home, "front");
    failed(
        &home.run(&["poll", "web01"]),
        "run `eider ssh trust middle`",
    );
    trust(&home, "middle");
    trust(&home, "web01");
    let polled = home.succeed(&["poll", "web01"]);
    for table in ["system", "cpu", "filesystem"] {
        assert!(polled.contains(&format!("\n{table}\n")), "{polled}");
    }
    let shown = home.succeed(&["host", "web01"]);
    assert!(shown.contains("ssh.jump"), "{shown}");

    let logins = |server: &Sshd| server.log().count("Accepted publickey");
    let before = servers.each_ref().map(logins);
    let daemon = Daemon::start(&home);
    let polls = "SELECT count(*) AS n FROM poll WHERE host = 'web01' AND ok";
    wait_until("two polls of web01", PATIENCE, || {
        home.rows(polls)[0]["n"].as_i64() >= Some(2)
    });
    let errors = home.rows("SELECT host, error FROM poll WHERE NOT ok");
    assert_eq!(errors, Vec::<serde_json::Value>::new());
    assert!(daemon.stop().success());
    let now = servers.each_ref().map(logins);
    // web01 once; middle for itself and for web01; front for itself, for middle and for web01.
    let more: Vec<usize> = now.iter().zip(before).map(|(n, b)| n - b).collect();
    assert_eq!(more, [3, 2, 1]);
}

#[test]
fn what_goes_wrong_in_front_is_named_there() {
    let front = Sshd::start_with("AllowTcpForwarding no");
    let mut web = Sshd::start();
    let open = Sshd::start();
    let home = home([&front, &open, &web], ["", "", ", jump: front"]);
    for name in ["front", "middle"] {
        trust(&home, name);
    }
    failed(
        &home.run(&["poll", "web01"]),
        &format!(
            "jump host front: it cannot reach 127.0.0.1 port {}",
            web.port()
        ),
    );
    let text = std::fs::read_to_string(home.path().join("inventory/hosts.yaml")).expect("there");
    home.write(
        "inventory/hosts.yaml",
        &text.replace("jump: front", "jump: middle"),
    );
    trust(&home, "web01");
    home.succeed(&["poll", "web01"]);
    web.stop();
    failed(
        &home.run(&["poll", "web01"]),
        &format!(
            "jump host middle: it cannot reach 127.0.0.1 port {}",
            web.port()
        ),
    );
    let mut front = open;
    front.stop();
    failed(
        &home.run(&["poll", "web01"]),
        "jump host middle: connection refused",
    );
}

#[test]
fn a_program_can_be_the_connection() {
    let [front, web] = [Sshd::start(), Sshd::start()];
    let ssh = Program::find("ssh").path;
    let (user, key, port) = (front.user(), front.user_key(), front.port());
    let command = format!(
        ", proxy_command: [{}, -F, none, -o, StrictHostKeyChecking=no, -o, UserKnownHostsFile=/dev/null, -i, {}, -p, \"{port}\", -W, \"%h:%p\", {user}@127.0.0.1]",
        ssh.display(),
        key.display()
    );
    let home = home([&front, &front, &web], ["", "", &command]);
    trust(&home, "web01");
    let polled = home.succeed(&["poll", "web01"]);
    assert!(polled.contains("\nfilesystem\n"), "{polled}");
    let text = std::fs::read_to_string(home.path().join("inventory/hosts.yaml")).expect("there");
    let broken = text.replace(&format!("[{}", ssh.display()), "[/does/not/exist");
    home.write("inventory/hosts.yaml", &broken);
    failed(
        &home.run(&["poll", "web01"]),
        "proxy command: cannot run /does/not/exist",
    );
}
