//! The verb `eider simulate`, asked by net-snmp.

use crate::support::process::{Process, Program};
use crate::support::{PATIENCE, TestHome, home, wait_for};

/// `eider simulate` with a free port, and that port.
pub(crate) fn simulate(args: &[&str]) -> (Process, u16) {
    let mut command = home::eider();
    command.args(["simulate", "--port", "0"]).args(args);
    let process = Process::start("eider simulate", &mut command);
    let port = wait_for("the simulation tells its port", PATIENCE, || {
        process.log().find(|line| {
            let (_, rest) = line.split_once("udp/")?;
            rest.split(',').next()?.parse().ok()
        })
    });
    (process, port)
}

/// The lines that net-snmp prints of everything a device has below an object.
pub(crate) fn walk(
    program: &str,
    version: &str,
    address: &str,
    port: u16,
    root: &str,
) -> Vec<String> {
    let mut command = Program::find(program).command();
    let peer = format!("udp:{address}:{port}");
    command.args([version, "-c", "public", "-On", "-m", "", &peer, root]);
    let outcome = home::finish(&mut command);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let lines = outcome.stdout.lines();
    // How the end is told differs from version to version.
    let lines = lines.filter(|l| !l.contains("No more variables"));
    lines.map(str::to_owned).collect()
}

#[test]
fn net_snmp_walks_the_fleet_and_check_takes_its_inventory() {
    let (_process, port) = simulate(&["--devices", "3", "--ports", "2"]);
    let wide = walk("snmpbulkwalk", "-v2c", "127.1.0.3", port, "1.3");
    let one_by_one = walk("snmpwalk", "-v2c", "127.1.0.3", port, "1.3");
    assert_eq!(shapes(&wide), shapes(&one_by_one));
    assert!(
        wide.iter().any(|l| l.contains("STRING: \"sim-00003\"")),
        "{wide:#?}"
    );
    assert!(wide.iter().any(|l| l.contains("Counter64")));
    let narrow = walk("snmpwalk", "-v1", "127.1.0.1", port, "1.3");
    assert!(narrow.iter().any(|l| l.contains("STRING: \"sim-00001\"")));
    assert!(!narrow.iter().any(|l| l.contains("Counter64")));

    let home = TestHome::new();
    let hosts = home.succeed(&["simulate", "--devices", "3", "--inventory"]);
    assert!(hosts.contains("127.1.0.3"), "{hosts}");
    home.write("inventory/hosts.yaml", &hosts);
    home.succeed(&["check"]);
}

/// Names and types alone: the values go on meanwhile.
fn shapes(lines: &[String]) -> Vec<&str> {
    lines
        .iter()
        .map(|l| l.split(": ").next().unwrap_or_default())
        .collect()
}

#[test]
fn net_snmp_is_let_in_by_version_3() {
    let secret = [
        "--auth-secret",
        "maple syrup",
        "--priv-secret",
        "maple syrup",
    ];
    let user = [
        "--devices",
        "2",
        "--user",
        "monitor",
        "--auth",
        "sha256",
        "--priv",
        "aes128",
    ];
    let args = [&user[..], &secret].concat();
    let (_process, port) = simulate(&args);
    let ask = |password: &str| {
        let peer = format!("udp:127.1.0.2:{port}");
        let mut command = Program::find("snmpbulkwalk").command();
        command.args([
            "-v3", "-l", "authPriv", "-u", "monitor", "-a", "SHA-256", "-x", "AES",
        ]);
        command.args([
            "-A", password, "-X", password, "-On", "-m", "", &peer, "1.3",
        ]);
        home::finish(&mut command)
    };
    let walked = ask("maple syrup");
    assert_eq!(walked.code, 0, "{}", walked.stderr);
    assert!(
        walked.stdout.contains("STRING: \"sim-00002\""),
        "{}",
        walked.stdout
    );
    assert!(walked.stdout.contains("Counter64"));
    let wrong = ask("apple juice");
    assert_ne!(wrong.code, 0);
    assert!(
        wrong.stderr.contains("Authentication failure"),
        "{}",
        wrong.stderr
    );

    let hosts = TestHome::new().succeed(&[&["simulate", "--inventory"], &args[..]].concat());
    assert!(
        hosts.contains("\"snmp-v3\"") && hosts.contains("maple syrup"),
        "{hosts}"
    );
    let home = TestHome::new();
    home.write("inventory/hosts.yaml", &hosts);
    home.succeed(&["check"]);
}

#[test]
fn a_recording_is_played_as_it_was() {
    let home = TestHome::new().with(
        "switch.snmprec",
        "1.3.6.1.2.1.1.1.0|4|A switch\n1.3.6.1.2.1.1.9.0|4x|00ff10\n1.3.6.1.2.1.2.2.1.10.1|65|4294967295\n",
    );
    let file = home.path().join("switch.snmprec");
    let (_process, port) = simulate(&["--recording", &file.display().to_string()]);
    let lines = walk("snmpbulkwalk", "-v2c", "127.0.0.1", port, "1.3");
    let expected = [
        ".1.3.6.1.2.1.1.1.0 = STRING: \"A switch\"",
        ".1.3.6.1.2.1.1.9.0 = Hex-STRING: 00 FF 10 ",
        ".1.3.6.1.2.1.2.2.1.10.1 = Counter32: 4294967295",
    ];
    assert_eq!(lines, expected);

    home.write("broken.snmprec", "1.3.6.1|2|1\nx\ny\n");
    let broken = home.path().join("broken.snmprec").display().to_string();
    let outcome = home.run(&["simulate", "--recording", &broken]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("line 2"), "{}", outcome.stderr);
}
