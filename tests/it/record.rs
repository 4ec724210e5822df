//! `eider record`: what a real snmpd shows is saved, played by `eider simulate`, and read back as it
//! was.

use crate::simulate::verb::{simulate, walk};
use crate::support::{Snmpd, TestHome};

/// Fixed while snmpd runs, and of every kind that there is: system, interfaces' names and types,
/// addresses, its own configuration.
const FIXED: [&str; 5] = [
    "1.3.6.1.2.1.1",
    "1.3.6.1.2.1.2.2.1",
    "1.3.6.1.2.1.4.20",
    "1.3.6.1.2.1.31.1.1.1.1",
    "1.3.6.1.6.3",
];

fn home(port: u16) -> TestHome {
    TestHome::new().with(
        "inventory/hosts.yaml",
        &format!(
            "version: 1\ncredentials:\n  ro: {{type: snmp-v2c, community: public}}\n  old: {{type: snmp-v1, community: public}}\nhosts:\n  device: {{address: 127.0.0.1, collect: [snmp], credential: ro, snmp: {{port: {port}}}}}\n"
        ),
    )
}

#[test]
fn a_real_device_is_recorded_played_and_recorded_again() {
    let snmpd = Snmpd::start_with("Zürich | <b>", "");
    let home = home(snmpd.port());
    let file = home.path().join("device.snmprec").display().to_string();
    let mut args = vec!["record", "device", "--out", &file];
    for root in FIXED {
        args.extend(["--oid", root]);
    }
    home.succeed(&args);
    let recorded = std::fs::read_to_string(&file).expect("saved");
    // What net-snmp's own walker finds is what was saved.
    let walked: Vec<String> = FIXED
        .iter()
        .flat_map(|root| walk("snmpbulkwalk", "-v2c", "127.0.0.1", snmpd.port(), root))
        // Long octets go on in the next line.
        .filter(|line| line.starts_with('.') && !line.contains("= No Such "))
        .map(|line| line.split(" = ").next().unwrap_or_default().to_owned())
        .collect();
    let names: Vec<String> = recorded
        .lines()
        .map(|line| format!(".{}", line.split('|').next().unwrap_or_default()))
        .collect();
    assert_eq!(names, walked);
    assert!(recorded.contains("1.3.6.1.2.1.1.5.0|4x|5ac3bc72696368207c203c623e\n"));

    // A file that is there is not replaced unasked.
    let again = home.run(&args);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    args.push("--force");
    home.succeed(&args);

    let (_process, port) = simulate(&["--recording", &file]);
    for root in ["1.3.6.1.2.1.4.20", "1.3.6.1.2.1.31.1.1.1.1"] {
        assert_eq!(
            walk("snmpbulkwalk", "-v2c", "127.0.0.1", port, root),
            walk("snmpbulkwalk", "-v2c", "127.0.0.1", snmpd.port(), root)
        );
    }
    let played = home.succeed(&[
        "record",
        "127.0.0.1",
        "--credential",
        "ro",
        "--port",
        &port.to_string(),
        "--out",
        "-",
    ]);
    let others = |text: &str| -> Vec<String> {
        // Its clock goes on.
        let lines = text
            .lines()
            .filter(|l| !l.starts_with("1.3.6.1.2.1.1.3.0|"));
        lines.map(str::to_owned).collect()
    };
    let first = std::fs::read_to_string(&file).expect("saved");
    assert_eq!(others(&played), others(&first));
    assert!(others(&first).len() > 50, "{first}");
}

#[test]
fn version_1_records_too_and_masks() {
    let snmpd = Snmpd::start_with("real-device", "");
    let home = home(snmpd.port());
    let port = snmpd.port().to_string();
    let old = ["--credential", "old", "--port", &port, "--out", "-"];
    let record = |more: &[&str]| {
        let args = [&["record", "127.0.0.1"], &old[..], more].concat();
        home.succeed(&args)
    };
    // One object alone, by its full name.
    let name = record(&["--oid", ".1.3.6.1.2.1.1.5.0"]);
    assert_eq!(name, "1.3.6.1.2.1.1.5.0|4|real-device\n");
    let masked = record(&["--oid", "1.3.6.1.2.1.1", "--mask"]);
    assert!(
        masked.contains("1.3.6.1.2.1.1.5.0|4|xxxxxxxxxxx\n"),
        "{masked}"
    );
    assert!(!masked.contains("ops@example.net"), "{masked}");
}

#[test]
fn who_does_not_answer_leaves_no_file() {
    let home = home(crate::support::Port::free().number());
    let outcome = home.run(&["record", "device"]);
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.stderr.contains("no answer on udp/"),
        "{}",
        outcome.stderr
    );
    let nobody = home.run(&["record", "devise"]);
    assert!(
        nobody.stderr.contains("did you mean `device`"),
        "{}",
        nobody.stderr
    );
    let unknown = home.run(&["record", "127.0.0.1", "--credential", "rw"]);
    assert!(unknown.stderr.contains("rw"), "{}", unknown.stderr);
    let files = std::fs::read_dir(home.path()).expect("the home").flatten();
    let saved = files.filter(|f| f.file_name().to_string_lossy().contains("snmprec"));
    assert_eq!(saved.count(), 0);
}
