//! `eider import`: what other programs know becomes hosts that the check takes.

use std::os::unix::fs::PermissionsExt;

use crate::support::TestHome;

#[test]
fn ansibles_inventory_becomes_a_file_of_the_home() {
    let home = TestHome::new()
        .with("inventory/hosts.yaml", "hosts: {old: {collect: [local]}}\n")
        .with(
            "ansible.ini",
            "[web]\nweb[01:02] ansible_user=deploy ansible_password=s3cret\n[db]\ndb1 ansible_host=192.0.2.7\n",
        );
    let source = home.path().join("ansible.ini").display().to_string();
    let target = home.path().join("inventory/hosts.d/ansible.yaml");
    std::fs::create_dir_all(target.parent().expect("a folder")).expect("made");
    let target = target.display().to_string();
    let args = ["import", "ansible", &source, "--write", &target];
    let told = home.run(&args);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(told.stderr.contains("3 hosts") || told.stderr.contains("2 hosts"));
    assert!(!told.stderr.contains("s3cret"));
    home.succeed(&["check"]);
    let hosts = home.succeed(&["host"]);
    for name in ["old", "web01", "web02", "db1"] {
        assert!(hosts.contains(name), "{hosts}");
    }
    // Never a second time, and a host that is there already is told with both places.
    let again = home.run(&args);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("never replaced"), "{}", again.stderr);
    let printed = home.run(&["import", "ansible", &source]);
    assert_eq!(printed.code, 1);
    assert!(printed.stdout.contains("web[01:02]"), "{}", printed.stdout);
    assert!(
        printed.stderr.contains("duplicate-host"),
        "{}",
        printed.stderr
    );
}

#[test]
fn snmp_exporters_secrets_are_written_for_the_owner_alone() {
    let home = TestHome::new().with("inventory/hosts.yaml", "hosts: {a: {collect: [local]}}\n");
    let source = home.path().join("snmp.yml");
    std::fs::write(&source, "auths: {ro: {version: 2, community: s3cret}}\n").expect("written");
    let source = source.display().to_string();
    let told = home.run(&["import", "snmp-exporter", &source]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(!(told.stdout.clone() + &told.stderr).contains("s3cret"));
    let file = home.path().join("inventory/hosts.d");
    std::fs::create_dir_all(&file).expect("made");
    let file = file.join("auths.yaml").display().to_string();
    home.succeed(&[
        "import",
        "snmp-exporter",
        &source,
        "--secrets",
        "--write",
        &file,
    ]);
    let secret = home.path().join("secrets/ro-community");
    assert_eq!(std::fs::read_to_string(&secret).expect("there"), "s3cret");
    let mode = std::fs::metadata(&secret)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    home.succeed(&["check"]);
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let home = TestHome::new()
        .with("bad.ini", "[web]\na b\n")
        .with("bad.csv", "x,y\n1,2\n");
    for (kind, file, place) in [
        ("ansible", "bad.ini", "bad.ini:2:"),
        ("csv", "bad.csv", "bad.csv:1:"),
        ("csv", "none.csv", "cannot read"),
    ] {
        let path = home.path().join(file).display().to_string();
        let told = home.run(&["import", kind, &path]);
        assert_eq!(told.code, 1);
        assert!(told.stderr.contains(place), "{}", told.stderr);
    }
}
