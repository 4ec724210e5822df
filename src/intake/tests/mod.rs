//! Timetables of collections, and what is stored of them.

mod several;

use std::time::Duration;

use super::*;
use crate::inventory::{Access, Host, Target};
use crate::reading::{Cause, Effort, Failure, Method, Uptime, Way};

const T0: UnixSeconds = 1_790_000_000;

/// Hosts `a` (id 1: snmp before ssh) and `b` (id 2: ssh).
fn intake() -> Intake {
    intake_of(&[("a", &["snmp", "ssh"]), ("b", &["ssh"])])
}

/// Hosts with their targets as in `collect:`; their ids count from 1.
fn intake_of(hosts: &[(&str, &[&str])]) -> Intake {
    let mut inventory = Inventory::default();
    let mut ids = Vec::new();
    for (id, (name, ways)) in (1..).zip(hosts) {
        let targets = ways.iter().map(|way| {
            Arc::new(Target {
                host: (*name).into(),
                way: Way::parse(way).expect("a way"),
                address: (*name).into(),
                interval: Duration::from_secs(60),
                timeout: Duration::from_secs(15),
                access: Access::Local,
            })
        });
        let host = Host {
            name: (*name).into(),
            address: (*name).into(),
            groups: Vec::new(),
            labels: Default::default(),
            depends_on: Vec::new(),
            renamed_from: None,
            targets: targets.collect(),
            origins: Vec::new(),
        };
        inventory.hosts.insert((*name).into(), Arc::new(host));
        ids.push(((*name).into(), id));
    }
    let mut intake = Intake::default();
    intake.sync(&inventory, ids);
    intake
}

/// A good collection `minute` minutes after the start, of a device that has been up a day then.
fn good(host: &str, method: Method, minute: i64, tables: Vec<TableReadings>) -> Collection {
    let ms = (minute * 60_000) as u64;
    Collection {
        host: host.into(),
        way: method.into(),
        ts: T0 + minute * 60,
        took: Duration::from_millis(12),
        read_at_ms: T0 as u64 * 1_000 + ms,
        effort: Effort::default(),
        outcome: Ok(Readings {
            uptime: Some(Uptime {
                ms: 86_400_000 + ms,
                wraps: true,
                boot: 0,
            }),
            tables,
            ..Readings::default()
        }),
    }
}

fn port(name: &str, in_octets: u64, state: &str) -> Row {
    let t = &table::INTERFACE;
    let mut row = Row::new(t, Some(EntityKey::named(name)));
    row.set(t, "in_octets", Value::Counter64(in_octets));
    row.set(t, "in_unicast", Value::Counter64(in_octets / 100));
    row.set(t, "in_multicast", Value::Counter64(7));
    row.set(t, "state", Value::text(state));
    row.set_fact(t, "alias", Value::text("uplink"));
    row.set_fact(t, "speed_bps", Value::Int(1_000_000_000));
    row
}

fn ports(rows: Vec<Row>) -> Vec<TableReadings> {
    vec![TableReadings {
        table: &table::INTERFACE,
        rows,
    }]
}

fn cell<'a>(stored: &'a Stored, row: usize, column: &str) -> &'a Value {
    let table = &stored.tables[0];
    &table.rows[row].values[table.table.position(column).expect("a column")]
}

#[test]
fn the_first_row_has_no_delta_the_second_is_exact() {
    let mut intake = intake();
    let first = intake
        .take(good(
            "a",
            Method::Snmp,
            0,
            ports(vec![port("eth0", 5_000, "up")]),
        ))
        .expect("known host");
    assert_eq!(cell(&first, 0, "in_octets"), &Value::Null);
    assert_eq!(first.tables[0].rows[0].elapsed_ms, None);
    assert_eq!(first.new_entities.len(), 1);
    assert!(first.fact_changes[0].first);
    assert_eq!((first.poll.rows, first.poll.resets), (1, 0));
    let second = intake
        .take(good(
            "a",
            Method::Snmp,
            1,
            ports(vec![port("eth0", 9_000, "up")]),
        ))
        .expect("known host");
    assert_eq!(cell(&second, 0, "in_octets"), &Value::Int(4_000));
    assert_eq!(cell(&second, 0, "in_packets"), &Value::Int(40));
    assert_eq!(second.tables[0].rows[0].elapsed_ms, Some(60_000));
    assert!(second.new_entities.is_empty() && second.fact_changes.is_empty());
}

#[test]
fn a_gap_is_one_long_interval() {
    let mut intake = intake();
    intake.take(good(
        "a",
        Method::Snmp,
        0,
        ports(vec![port("eth0", 0, "up")]),
    ));
    let failed = Collection {
        outcome: Err(Failure::new(Cause::Timeout, "no answer")),
        ..good("a", Method::Snmp, 1, vec![])
    };
    let gap = intake.take(failed.clone()).expect("an attempt is data");
    assert!(gap.tables.is_empty() && gap.poll.failure.is_some());
    let after = intake
        .take(good(
            "a",
            Method::Snmp,
            5,
            ports(vec![port("eth0", 500, "up")]),
        ))
        .expect("known host");
    assert_eq!(cell(&after, 0, "in_octets"), &Value::Int(500));
    assert_eq!(after.tables[0].rows[0].elapsed_ms, Some(300_000));
}

#[test]
fn a_restart_is_null_and_counted_and_then_goes_on() {
    let mut intake = intake();
    intake.take(good(
        "a",
        Method::Snmp,
        0,
        ports(vec![port("eth0", 5_000, "up")]),
    ));
    let mut restarted = good("a", Method::Snmp, 1, ports(vec![port("eth0", 9_000, "up")]));
    if let Ok(r) = &mut restarted.outcome {
        r.uptime = Some(Uptime {
            ms: 20_000,
            wraps: true,
            boot: 0,
        });
    }
    let stored = intake.take(restarted.clone()).expect("known host");
    assert_eq!(cell(&stored, 0, "in_octets"), &Value::Null);
    assert!(stored.poll.resets > 0);
    let mut next = good("a", Method::Snmp, 2, ports(vec![port("eth0", 9_300, "up")]));
    if let Ok(r) = &mut next.outcome {
        r.uptime = Some(Uptime {
            ms: 80_000,
            wraps: true,
            boot: 0,
        });
    }
    let stored = intake.take(next.clone()).expect("known host");
    assert_eq!(cell(&stored, 0, "in_octets"), &Value::Int(300));
}

#[test]
fn a_discontinuity_resets_its_port_alone() {
    let mut intake = intake();
    let rows = |a: u64, b: u64, mark: u64| {
        let mut first = port("eth0", a, "up");
        first.discontinuity = Some(mark);
        let mut second = port("eth1", b, "up");
        second.discontinuity = Some(0);
        ports(vec![first, second])
    };
    intake.take(good("a", Method::Snmp, 0, rows(10, 10, 0)));
    let stored = intake
        .take(good("a", Method::Snmp, 1, rows(30, 30, 555)))
        .expect("known host");
    assert_eq!(cell(&stored, 0, "in_octets"), &Value::Null);
    assert_eq!(cell(&stored, 1, "in_octets"), &Value::Int(20));
}

#[test]
fn one_false_zero_is_bridged_and_a_lasting_one_is_believed() {
    let mut intake = intake();
    let big = 1 << 30;
    let mut at = |minute, octets| {
        let c = good(
            "a",
            Method::Snmp,
            minute,
            ports(vec![port("eth0", octets, "up")]),
        );
        let stored = intake.take(c.clone()).expect("known host");
        (
            cell(&stored, 0, "in_octets").clone(),
            stored.tables[0].rows[0].elapsed_ms,
        )
    };
    at(0, big);
    assert_eq!(at(1, 0), (Value::Null, None), "a zero that cannot be");
    assert_eq!(
        at(2, big + 600),
        (Value::Int(600), Some(120_000)),
        "the sum is exact over the gap"
    );
    at(3, 0);
    at(4, 0);
    assert_eq!(
        at(5, 50),
        (Value::Int(50), Some(60_000)),
        "cleared counters begin anew"
    );
}

#[test]
fn link_changes_and_reboots_are_events() {
    let mut intake = intake();
    let system = |minute: i64, uptime: i64| {
        let mut row = Row::new(&table::SYSTEM, None);
        row.set(&table::SYSTEM, "uptime_s", Value::Int(uptime));
        let mut tables = ports(vec![port(
            "eth0",
            1,
            if minute == 1 { "down" } else { "up" },
        )]);
        tables.push(TableReadings {
            table: &table::SYSTEM,
            rows: vec![row],
        });
        good("a", Method::Snmp, minute, tables)
    };
    let kinds = |s: Option<Stored>| -> Vec<String> {
        s.expect("known host")
            .events
            .iter()
            .map(|(_, e)| format!("{}: {}", e.kind, e.message))
            .collect()
    };
    assert!(kinds(intake.take(system(0, 90_000))).is_empty());
    assert_eq!(
        kinds(intake.take(system(1, 90_060))),
        ["link_down: eth0 went down"]
    );
    assert_eq!(
        kinds(intake.take(system(2, 100))),
        ["reboot: rebooted; up for 100 s", "link_up: eth0 went up"]
    );
    // hrSystemUptime wraps after 497.1 days.
    let wrap = (1_i64 << 32) / 100;
    assert_eq!(
        kinds(intake.take(system(3, wrap - 30))),
        Vec::<String>::new()
    );
    assert_eq!(
        kinds(intake.take(system(4, 30))),
        Vec::<String>::new(),
        "a wrap is no reboot"
    );
}

#[test]
fn a_zero_of_an_agent_that_has_just_started_is_no_beginning() {
    let mut intake = intake();
    let mut at = |minute, ms, octets| {
        let mut c = good(
            "a",
            Method::Snmp,
            minute,
            ports(vec![port("eth0", octets, "up")]),
        );
        if let Ok(r) = &mut c.outcome {
            r.uptime = Some(Uptime {
                ms,
                wraps: true,
                boot: 0,
            });
        }
        let stored = intake.take(c.clone()).expect("known host");
        cell(&stored, 0, "in_octets").clone()
    };
    assert_eq!(at(0, 5_000, 0), Value::Null);
    assert_eq!(
        at(1, 65_000, 765_402_144),
        Value::Null,
        "a lifetime's total is not a minute's"
    );
    assert_eq!(at(2, 125_000, 765_402_200), Value::Int(56));
}
