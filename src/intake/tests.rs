//! Timetables of collections, and what is stored of them.

use std::time::Duration;

use super::*;
use crate::inventory::{Access, Host, Target};
use crate::reading::{Cause, Uptime};

const T0: UnixSeconds = 1_790_000_000;

/// Hosts `a` (id 1: snmp before ssh) and `b` (id 2: ssh).
fn intake() -> Intake {
    let mut inventory = Inventory::default();
    for (name, methods) in [
        ("a", &[Method::Snmp, Method::Ssh][..]),
        ("b", &[Method::Ssh]),
    ] {
        let targets = methods.iter().map(|method| {
            Arc::new(Target {
                host: name.into(),
                method: *method,
                address: name.into(),
                interval: Duration::from_secs(60),
                timeout: Duration::from_secs(15),
                access: Access::Local,
            })
        });
        let host = Host {
            name: name.into(),
            address: name.into(),
            groups: Vec::new(),
            labels: Default::default(),
            depends_on: Vec::new(),
            renamed_from: None,
            targets: targets.collect(),
            origins: Vec::new(),
        };
        inventory.hosts.insert(name.into(), Arc::new(host));
    }
    let mut intake = Intake::default();
    intake.sync(&inventory, vec![("a".into(), 1), ("b".into(), 2)]);
    intake
}

/// A good collection `minute` minutes after the start, of a device that has been up a day then.
fn good(host: &str, method: Method, minute: i64, tables: Vec<TableReadings>) -> Collection {
    let ms = (minute * 60_000) as u64;
    Collection {
        host: host.into(),
        method,
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
        .take(&good(
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
        .take(&good(
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
    intake.take(&good(
        "a",
        Method::Snmp,
        0,
        ports(vec![port("eth0", 0, "up")]),
    ));
    let failed = Collection {
        outcome: Err(Failure::new(Cause::Timeout, "no answer")),
        ..good("a", Method::Snmp, 1, vec![])
    };
    let gap = intake.take(&failed).expect("an attempt is data");
    assert!(gap.tables.is_empty() && gap.poll.failure.is_some());
    let after = intake
        .take(&good(
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
    intake.take(&good(
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
    let stored = intake.take(&restarted).expect("known host");
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
    let stored = intake.take(&next).expect("known host");
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
    intake.take(&good("a", Method::Snmp, 0, rows(10, 10, 0)));
    let stored = intake
        .take(&good("a", Method::Snmp, 1, rows(30, 30, 555)))
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
        let stored = intake.take(&c).expect("known host");
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
    assert!(kinds(intake.take(&system(0, 90_000))).is_empty());
    assert_eq!(
        kinds(intake.take(&system(1, 90_060))),
        ["link_down: eth0 went down"]
    );
    assert_eq!(
        kinds(intake.take(&system(2, 100))),
        ["reboot: rebooted; up for 100 s", "link_up: eth0 went up"]
    );
    // hrSystemUptime wraps after 497.1 days.
    let wrap = (1_i64 << 32) / 100;
    assert_eq!(
        kinds(intake.take(&system(3, wrap - 30))),
        Vec::<String>::new()
    );
    assert_eq!(
        kinds(intake.take(&system(4, 30))),
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
        let stored = intake.take(&c).expect("known host");
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

#[test]
fn two_methods_do_not_count_the_same_port_twice() {
    let mut intake = intake();
    let both = |intake: &mut Intake, minute| {
        let snmp = intake.take(&good(
            "a",
            Method::Snmp,
            minute,
            ports(vec![port("eth0", 1, "up")]),
        ));
        let ssh = intake.take(&good(
            "a",
            Method::Ssh,
            minute,
            ports(vec![port("eth0", 1, "up")]),
        ));
        (
            snmp.expect("known").tables.len(),
            ssh.expect("known").tables.len(),
        )
    };
    assert_eq!(both(&mut intake, 0), (1, 0));
    let alone = intake.take(&good(
        "a",
        Method::Ssh,
        4,
        ports(vec![port("eth0", 1, "up")]),
    ));
    assert_eq!(
        alone.expect("known").tables.len(),
        1,
        "snmp is silent: ssh takes over"
    );
    assert_eq!(both(&mut intake, 5), (1, 0), "snmp is back");
}

#[test]
fn baselines_survive_a_restart_only_when_nothing_was_stored_since() {
    let mut first = intake();
    first.take(&good(
        "a",
        Method::Snmp,
        0,
        ports(vec![port("eth0", 5_000, "up")]),
    ));
    let saved = first.save_baselines();
    let next = good("a", Method::Snmp, 1, ports(vec![port("eth0", 5_600, "up")]));
    let restart = |newest: UnixSeconds| {
        let mut after = intake();
        after.know_entity(
            1,
            "interface",
            0,
            EntityKey::named("eth0"),
            vec![Value::Null; 6],
        );
        let newest = LastStored::from([((1, Method::Snmp), newest)]);
        let n = after.restore_baselines(&saved, &newest).expect("readable");
        let stored = after.take(&next).expect("known host");
        (n, cell(&stored, 0, "in_octets").clone())
    };
    assert_eq!(restart(T0), (1, Value::Int(600)));
    assert_eq!(
        restart(T0 + 30),
        (0, Value::Null),
        "a row was stored after the baseline"
    );
}

#[test]
fn a_restored_baseline_needs_the_devices_own_clock() {
    let mut first = intake();
    let without = |minute, octets| {
        let mut c = good(
            "a",
            Method::Snmp,
            minute,
            ports(vec![port("eth0", octets, "up")]),
        );
        if let Ok(r) = &mut c.outcome {
            r.uptime = None;
        }
        c
    };
    first.take(&without(0, 5_000));
    let mut after = intake();
    after.know_entity(
        1,
        "interface",
        0,
        EntityKey::named("eth0"),
        vec![Value::Null; 6],
    );
    let newest = LastStored::from([((1, Method::Snmp), T0)]);
    after
        .restore_baselines(&first.save_baselines(), &newest)
        .expect("readable");
    let stored = after.take(&without(1, 5_600)).expect("known host");
    assert_eq!(cell(&stored, 0, "in_octets"), &Value::Null);
}

#[test]
fn processes_keep_the_top_by_cpu_and_by_memory() {
    let mut intake = intake();
    let all = |minute: i64| {
        let t = &table::PROCESS;
        let rows = (0..50_i64).map(|pid| {
            let mut row = Row::new(t, None);
            row.set(t, "pid", Value::Int(pid));
            row.set(t, "started", Value::Int(1_000));
            row.set(t, "rss_bytes", Value::Int(1_000 * (50 - pid)));
            // Process n spends n * 60 ms a minute.
            row.set(t, "cpu_ms", Value::Counter64((minute * pid * 60) as u64));
            row
        });
        let readings = TableReadings {
            table: t,
            rows: rows.collect(),
        };
        good("b", Method::Ssh, minute, vec![readings])
    };
    let pids = |s: &Stored| -> Vec<i64> {
        let of = |v: &Value| if let Value::Int(n) = v { *n } else { -1 };
        s.tables[0].rows.iter().map(|r| of(&r.values[0])).collect()
    };
    let first = intake.take(&all(0)).expect("known host");
    assert_eq!(
        pids(&first),
        (0..10).collect::<Vec<_>>(),
        "no CPU share yet"
    );
    let second = intake.take(&all(1)).expect("known host");
    assert_eq!(pids(&second), (0..10).chain(40..50).collect::<Vec<_>>());
    assert_eq!(cell(&second, 19, "cpu_pct"), &Value::Float(4.9));
}

#[test]
fn cpu_shares_follow_the_formula() {
    let mut intake = intake();
    let ticks = |minute, idle: u64, user: u64, iowait: u64, steal: u64| {
        let t = &table::CPU;
        let mut row = Row::new(t, None);
        for (name, n) in [
            ("idle", idle),
            ("user", user),
            ("iowait", iowait),
            ("steal", steal),
        ] {
            row.set(t, name, Value::Counter64(n));
        }
        good(
            "b",
            Method::Ssh,
            minute,
            vec![TableReadings {
                table: t,
                rows: vec![row],
            }],
        )
    };
    intake.take(&ticks(0, 1_000, 1_000, 1_000, 1_000));
    let stored = intake
        .take(&ticks(1, 1_500, 1_250, 1_150, 1_100))
        .expect("known host");
    // 500 idle + 150 iowait of 1000: 35 % used.
    assert_eq!(cell(&stored, 0, "used_pct"), &Value::Float(35.0));
    assert_eq!(cell(&stored, 0, "iowait_pct"), &Value::Float(15.0));
    assert_eq!(cell(&stored, 0, "steal_pct"), &Value::Float(10.0));
}

#[test]
fn a_fork_tries_without_remembering() {
    let mut intake = intake();
    intake.take(&good(
        "a",
        Method::Snmp,
        0,
        ports(vec![port("eth0", 100, "up")]),
    ));
    let next = good(
        "a",
        Method::Snmp,
        1,
        ports(vec![port("eth0", 300, "up"), port("new", 1, "up")]),
    );
    for _ in 0..2 {
        let stored = intake.fork(Some("a")).take(&next).expect("known host");
        assert_eq!(cell(&stored, 0, "in_octets"), &Value::Int(200));
        assert_eq!(stored.new_entities.len(), 1);
    }
    assert!(intake.fork(Some("nobody")).take(&next).is_none());
}

#[test]
fn a_host_that_is_gone_is_not_stored() {
    let mut intake = intake();
    assert!(intake.take(&good("zzz", Method::Ssh, 0, vec![])).is_none());
}
