//! The SNMP collector against a real snmpd, and its answers against what the kernel says.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use eider::collect::snmp::Engine;
use eider::inventory::{Access, Secret, SnmpAccess, SnmpAuth, SnmpVersion, Target};
use eider::reading::{Cause, Failure, Method, Readings, Row, Value};
use eider::table;

use crate::support::{PATIENCE, Port, Snmpd};

fn target(port: u16, version: SnmpVersion, community: &str) -> Target {
    Target {
        host: "device".into(),
        way: Method::Snmp.into(),
        address: "127.0.0.1".into(),
        interval: Duration::from_secs(60),
        timeout: Duration::from_secs(30),
        access: Access::Snmp(SnmpAccess {
            interfaces: Default::default(),
            profiles: Default::default(),
            port,
            auth: match version {
                SnmpVersion::V1 => SnmpAuth::V1 {
                    community: Secret::new(community),
                },
                _ => SnmpAuth::V2c {
                    community: Secret::new(community),
                },
            },
        }),
    }
}

async fn poll(engine: &Engine, target: &Target) -> Result<Readings, Failure> {
    let Access::Snmp(access) = &target.access else {
        unreachable!("an SNMP target");
    };
    let deadline = Instant::now() + target.timeout;
    let (effort, outcome) = engine.collect(target, access, deadline).await;
    assert!(effort.requests > 0);
    outcome
}

fn rows<'a>(readings: &'a Readings, table: &str) -> &'a [Row] {
    let found = readings.tables.iter().find(|t| t.table.name == table);
    found.map_or(&[], |t| &t.rows)
}

fn cell<'a>(row: &'a Row, table: &'static table::Table, column: &str) -> &'a Value {
    &row.values[table.position(column).expect("a column")]
}

fn int(row: &Row, table: &'static table::Table, column: &str) -> i64 {
    match cell(row, table, column) {
        Value::Int(v) => *v,
        Value::Counter32(v) => i64::from(*v),
        Value::Counter64(v) => i64::try_from(*v).expect("a small counter"),
        other => panic!("{column} is {other:?}"),
    }
}

fn names(readings: &Readings, table: &str) -> BTreeSet<String> {
    let rows = rows(readings, table).iter();
    rows.filter_map(|r| r.entity.as_ref().map(|e| e.name.clone()))
        .collect()
}

fn near(seen: i64, truth: i64, slack: i64, what: &str) {
    assert!(
        (seen - truth).abs() <= slack,
        "{what}: {seen}, truly {truth}"
    );
}

/// A line of /proc/meminfo in bytes.
fn meminfo(name: &str) -> i64 {
    let text = std::fs::read_to_string("/proc/meminfo").expect("Linux");
    let line = text.lines().find(|l| l.starts_with(name)).expect("a line");
    let number = line.split_whitespace().nth(1).expect("a number");
    number.parse::<i64>().expect("a number") * 1_024
}

#[tokio::test]
async fn what_snmpd_says_is_what_the_kernel_says() {
    let snmpd = Snmpd::start_with("<script>alert(1)</script>", "includeAllDisks 0%");
    let engine = Engine::start().expect("sockets");
    for version in [SnmpVersion::V2c, SnmpVersion::V1] {
        let target = target(snmpd.port(), version, "public");
        for round in 0..2 {
            let readings = poll(&engine, &target).await.expect("an answer");
            assert_eq!(readings.problems, Vec::<String>::new(), "round {round}");
            host_is_right(&readings);
            interfaces_are_right(&readings, version);
            filesystems_are_right(&readings);
            processes_are_right(&readings);
        }
    }
}

fn host_is_right(readings: &Readings) {
    let facts: Vec<_> = readings
        .host_facts
        .iter()
        .map(|(n, v)| (*n, v.as_str()))
        .collect();
    assert!(facts.contains(&("sys_name", "<script>alert(1)</script>")));
    assert!(facts.contains(&("sys_object_id", "1.3.6.1.4.1.8072.3.2.10")));
    assert!(facts.contains(&("location", "rack 1")));
    let uptime = readings.uptime.expect("sysUpTime");
    assert!(uptime.wraps && uptime.ms < 600_000 && uptime.boot != 0);

    let [system] = rows(readings, "system") else {
        panic!("one row of system");
    };
    let text = std::fs::read_to_string("/proc/uptime").expect("Linux");
    let truth: f64 = text
        .split(' ')
        .next()
        .expect("a number")
        .parse()
        .expect("a number");
    near(
        int(system, &table::SYSTEM, "uptime_s"),
        truth as i64,
        5,
        "uptime",
    );
    assert!(matches!(cell(system, &table::SYSTEM, "load1"), Value::Float(l) if *l >= 0.0));

    let [memory] = rows(readings, "memory") else {
        panic!("one row of memory");
    };
    assert_eq!(
        int(memory, &table::MEMORY, "total_bytes"),
        meminfo("MemTotal:")
    );
    near(
        int(memory, &table::MEMORY, "available_bytes"),
        meminfo("MemAvailable:"),
        meminfo("MemTotal:") / 10,
        "available memory",
    );

    let [cpu] = rows(readings, "cpu") else {
        panic!("one row of cpu");
    };
    let cpus = std::thread::available_parallelism().expect("Linux").get();
    assert!(int(cpu, &table::CPU, "cores") >= cpus as i64);
}

fn interfaces_are_right(readings: &Readings, version: SnmpVersion) {
    let truth: BTreeSet<String> = std::fs::read_dir("/sys/class/net")
        .expect("Linux")
        .filter_map(|e| e.ok()?.file_name().into_string().ok())
        .filter(|name| name != "bonding_masters")
        .collect();
    assert_eq!(names(readings, "interface"), truth);
    let lo = rows(readings, "interface")
        .iter()
        .find(|r| r.entity.as_ref().is_some_and(|e| e.name == "lo"))
        .expect("a loopback");
    let octets = cell(lo, &table::INTERFACE, "in_octets");
    match version {
        SnmpVersion::V2c | SnmpVersion::V3 => {
            assert!(matches!(octets, Value::Counter64(n) if *n > 0));
        }
        SnmpVersion::V1 => assert!(matches!(octets, Value::Counter32(_))),
    }
    assert_eq!(cell(lo, &table::INTERFACE, "state"), &Value::text("up"));
    assert_eq!(
        cell(lo, &table::INTERFACE, "admin_state"),
        &Value::text("up")
    );
    for column in ["in_unicast", "out_errors", "in_discards"] {
        assert!(!cell(lo, &table::INTERFACE, column).is_null(), "{column}");
    }
    let fact = |name: &str| &lo.facts[table::INTERFACE.fact_position(name).expect("a fact")];
    assert_eq!(fact("if_index"), &Value::Int(1));
    assert_eq!(fact("type"), &Value::text("24"));
}

fn filesystems_are_right(readings: &Readings) {
    let root = rows(readings, "filesystem")
        .iter()
        .find(|r| r.entity.as_ref().is_some_and(|e| e.name == "/"))
        .expect("a root");
    let df = Command::new("df")
        .args(["-B1", "--output=size,used,avail,source", "/"])
        .output()
        .expect("df");
    let text = String::from_utf8(df.stdout).expect("text");
    let words: Vec<&str> = text
        .lines()
        .nth(1)
        .expect("a line")
        .split_whitespace()
        .collect();
    let truth = |i: usize| words[i].parse::<i64>().expect("a number");
    let slack = 2 << 30;
    near(
        int(root, &table::FILESYSTEM, "size_bytes"),
        truth(0),
        1 << 20,
        "size",
    );
    near(
        int(root, &table::FILESYSTEM, "used_bytes"),
        truth(1),
        slack,
        "used",
    );
    near(
        int(root, &table::FILESYSTEM, "free_bytes"),
        truth(2),
        slack,
        "free",
    );
    let device = table::FILESYSTEM.fact_position("device").expect("a fact");
    assert_eq!(root.facts[device], Value::text(words[3]));
    let mounts = names(readings, "filesystem");
    assert_eq!(mounts.len(), rows(readings, "filesystem").len());
    assert!(
        !mounts.contains("/dev/shm"),
        "memory is no disk: {mounts:?}"
    );
}

fn processes_are_right(readings: &Readings) {
    let [states] = rows(readings, "process_state") else {
        panic!("one row of process_state");
    };
    assert!(int(states, &table::PROCESS_STATE, "total") > 5);
    assert!(cell(states, &table::PROCESS_STATE, "uninterruptible").is_null());
    let first = rows(readings, "process")
        .iter()
        .find(|r| int(r, &table::PROCESS, "pid") == 1)
        .expect("process 1");
    let comm = std::fs::read_to_string("/proc/1/comm").expect("Linux");
    assert_eq!(
        cell(first, &table::PROCESS, "name"),
        &Value::text(comm.trim())
    );
    assert!(int(first, &table::PROCESS, "rss_bytes") > 0);
    assert!(!cell(first, &table::PROCESS, "cpu_ms").is_null());
}

#[tokio::test]
async fn silence_names_port_retries_and_seconds() {
    let port = Port::free();
    let engine = Engine::start().expect("sockets");
    let target = target(port.number(), SnmpVersion::V2c, "public");
    let failure = poll(&engine, &target).await.expect_err("nobody there");
    assert_eq!(failure.cause, Cause::Timeout);
    let expected = format!("no answer on udp/{} (2 retries, 5 s)", port.number());
    assert!(
        failure.message.starts_with(&expected),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn a_wrong_community_is_silence_and_stays_secret() {
    let snmpd = Snmpd::start();
    let engine = Engine::start().expect("sockets");
    let target = target(snmpd.port(), SnmpVersion::V2c, "hunter2hunter2");
    let failure = poll(&engine, &target).await.expect_err("a wrong community");
    assert_eq!(failure.cause, Cause::Timeout);
    assert!(failure.message.contains("community"), "{}", failure.message);
    assert!(!failure.message.contains("hunter2"));
}

#[tokio::test]
async fn a_restart_is_seen_at_once() {
    let mut snmpd = Snmpd::start_with("before", "");
    let engine = Engine::start().expect("sockets");
    let target = target(snmpd.port(), SnmpVersion::V2c, "public");
    let name = |readings: &Readings| {
        let facts = &readings.host_facts;
        let found = facts.iter().find(|(n, _)| *n == "sys_name");
        found.map(|(_, v)| v.clone()).unwrap_or_default()
    };
    // The clock must have run for a while, or it cannot be seen to fall.
    let begun = Instant::now();
    let before = loop {
        let readings = poll(&engine, &target).await.expect("an answer");
        if readings.uptime.expect("sysUpTime").ms > 2_000 {
            break readings;
        }
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(name(&before), "before");
    snmpd.rename("after");
    snmpd.restart();
    let after = poll(&engine, &target).await.expect("an answer");
    assert_eq!(name(&after), "after");
}
