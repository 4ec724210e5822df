//! Which interfaces of a device are watched, on a recording with ports that are down and shut.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use eider::collect::snmp::Engine;
use eider::inventory::{self, Access, NoSecrets, SourceFile, Target};
use eider::reading::{Effort, Row, Value};
use eider::simulate::{Faults, Fleet, Options, Recording, Shape};
use eider::table::INTERFACE;

/// 24 ports called 1 to 24, of which 6, 7, 14, 23 and 24 are shut and 18 to 22 down, all ethernet.
const RECORDING: &str = "tests/data/snmp/hpe-procurve.snmprec";

fn target(fleet: &Fleet, interfaces: &str) -> Arc<Target> {
    let text = format!(
        "credentials: {{ro: {{type: snmp-v2c, community: public}}}}
groups:
  switches: {{snmp: {{interfaces: {{name: nothing}}}}}}
hosts:
  sw: {{groups: [switches], address: {}, collect: [snmp], credential: ro, timeout: 20s, interval: 60s, snmp: {{port: {}{interfaces}}}}}
",
        fleet.address(0),
        fleet.port()
    );
    let files = [SourceFile::new("inventory/hosts.yaml", text)];
    let (inventory, problems) = inventory::load(&files, &NoSecrets);
    let inventory = inventory.unwrap_or_else(|| panic!("{problems:?}"));
    inventory.targets().remove(0)
}

async fn ports(engine: &Engine, target: &Target) -> (Effort, Vec<Row>) {
    let Access::Snmp(access) = &target.access else {
        panic!("an SNMP target");
    };
    let deadline = Instant::now() + target.timeout;
    let (effort, outcome) = engine.collect(target, access, deadline).await;
    let tables = outcome.expect("a good poll").tables;
    let ports = tables.into_iter().find(|t| t.table.name == INTERFACE.name);
    (effort, ports.map_or_else(Vec::new, |t| t.rows))
}

fn names(rows: &[Row]) -> Vec<&str> {
    let names = rows.iter().filter_map(|row| row.entity.as_ref());
    names.map(|key| key.name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_interfaces_that_are_wanted_are_asked_for() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDING);
    let recording = Recording::parse(&std::fs::read(path).expect("a recording"));
    let fleet = Fleet::open(Options {
        first: Ipv4Addr::new(127, 3, 7, 1),
        port: 0,
        devices: 1,
        community: "public".into(),
        user: None,
        mischief: Vec::new(),
        shape: Shape {
            seed: 1,
            ports: 1,
            counters32: false,
            reboot_every_ms: 0,
            renumber_every_ms: 0,
        },
        recordings: vec![recording.expect("a sound recording")],
        faults: Faults::default(),
        longest_reply: 1_472,
    })
    .expect("an address of loopback");
    let control = fleet.control();
    let all = target(&fleet, ", interfaces: {}");
    let none = target(&fleet, "");
    let up = target(&fleet, ", interfaces: {only: up}");
    let some = target(
        &fleet,
        ", interfaces: {name: '^[12].$', exclude: '^1[0-5]$', type: ethernet, speed: {'16': 100M}}",
    );
    let runner = std::thread::spawn(move || fleet.run().expect("a sound socket"));

    let engine = Engine::start().expect("sockets");
    let (_, rows) = ports(&engine, &all).await;
    assert_eq!(rows.len(), 24);
    let (everything, rows) = ports(&engine, &all).await;
    assert_eq!(rows.len(), 24);

    let (_, rows) = ports(&engine, &some).await;
    assert_eq!(
        names(&rows),
        ["16", "17", "18", "19", "20", "21", "22", "23", "24"]
    );
    let speed = INTERFACE.fact_position("speed_bps").expect("a fact");
    assert_eq!(rows[0].facts[speed], Value::Int(100_000_000));
    assert_eq!(rows[1].facts[speed], Value::Int(10_000_000_000));
    let (fewer, rows) = ports(&engine, &some).await;
    assert_eq!(rows.len(), 9);
    assert!(
        fewer.bytes < everything.bytes / 2,
        "{fewer:?} of {everything:?}"
    );

    let (_, rows) = ports(&engine, &up).await;
    let mut expected: Vec<String> = (1..=17).map(|n| n.to_string()).collect();
    expected.retain(|name| !["6", "7", "14"].contains(&name.as_str()));
    assert_eq!(names(&rows), expected);
    let (fewer, rows) = ports(&engine, &up).await;
    assert_eq!(names(&rows), expected);
    assert!(
        fewer.bytes < everything.bytes,
        "{fewer:?} of {everything:?}"
    );

    let (_, rows) = ports(&engine, &none).await;
    assert!(rows.is_empty(), "the group says so: {:?}", names(&rows));
    control.stop();
    let _ = runner.join();
}
