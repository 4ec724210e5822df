//! Several methods, restarts, and columns derived from several readings.

use super::*;

#[test]
fn two_methods_do_not_count_the_same_port_twice() {
    let mut intake = intake();
    let both = |intake: &mut Intake, minute| {
        let snmp = intake.take(good(
            "a",
            Method::Snmp,
            minute,
            ports(vec![port("eth0", 1, "up")]),
        ));
        let ssh = intake.take(good(
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
    let alone = intake.take(good(
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
fn each_port_has_rows_and_baselines_of_its_own() {
    let mut intake = intake_of(&[("a", &["ping", "tcp:22", "tcp:443"])]);
    let take = |intake: &mut Intake, port: &str| {
        let table = &table::TCP;
        let mut row = Row::new(table, Some(EntityKey::named(port)));
        row.set(table, "connect_ms", Value::Float(1.5));
        let rows = vec![row];
        let readings = vec![TableReadings { table, rows }];
        let mut collection = good("a", Method::Tcp, 0, readings);
        collection.way.parameter = Some(port.into());
        let stored = intake.take(collection).expect("known");
        assert_eq!(stored.way.to_string(), format!("tcp:{port}"));
        stored.tables[0].rows[0].entity_id
    };
    let (first, second) = (take(&mut intake, "22"), take(&mut intake, "443"));
    assert_ne!(first, second);
    assert_eq!(take(&mut intake, "22"), first);
    let saved = saved(&intake);
    let mut after = intake_of(&[("a", &["tcp:443"])]);
    let way = |text| Way::parse(text).expect("a way");
    let newest = LastStored::from([((1, way("tcp:22")), 5), ((1, way("tcp:443")), T0)]);
    let restored = after.restore_baselines(&saved, &newest);
    assert_eq!(restored, Ok(1), "only the one whose time fits");
}

#[test]
fn two_endpoints_do_not_both_tell_about_the_machine() {
    let mut intake = intake_of(&[("a", &["http:one", "http:two"])]);
    let take = |intake: &mut Intake, name: &str| {
        let rows = ports(vec![port("eth0", 1, "up")]);
        let mut collection = good("a", Method::Http, 0, rows);
        collection.way.parameter = Some(name.into());
        intake.take(collection).expect("known").tables.len()
    };
    assert_eq!(take(&mut intake, "one"), 1);
    assert_eq!(take(&mut intake, "two"), 0);
}

#[test]
fn baselines_survive_a_restart_only_when_nothing_was_stored_since() {
    let mut first = intake();
    first.take(good(
        "a",
        Method::Snmp,
        0,
        ports(vec![port("eth0", 5_000, "up")]),
    ));
    let saved = saved(&first);
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
        let newest = LastStored::from([((1, Method::Snmp.into()), newest)]);
        let n = after.restore_baselines(&saved, &newest).expect("readable");
        let stored = after.take(next.clone()).expect("known host");
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
    first.take(without(0, 5_000));
    let mut after = intake();
    after.know_entity(
        1,
        "interface",
        0,
        EntityKey::named("eth0"),
        vec![Value::Null; 6],
    );
    let newest = LastStored::from([((1, Method::Snmp.into()), T0)]);
    after
        .restore_baselines(&saved(&first), &newest)
        .expect("readable");
    let stored = after.take(without(1, 5_600)).expect("known host");
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
    let first = intake.take(all(0)).expect("known host");
    assert_eq!(
        pids(&first),
        (0..10).collect::<Vec<_>>(),
        "no CPU share yet"
    );
    let second = intake.take(all(1)).expect("known host");
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
    intake.take(ticks(0, 1_000, 1_000, 1_000, 1_000));
    let stored = intake
        .take(ticks(1, 1_500, 1_250, 1_150, 1_100))
        .expect("known host");
    // 500 idle + 150 iowait of 1000: 35 % used.
    assert_eq!(cell(&stored, 0, "used_pct"), &Value::Float(35.0));
    assert_eq!(cell(&stored, 0, "iowait_pct"), &Value::Float(15.0));
    assert_eq!(cell(&stored, 0, "steal_pct"), &Value::Float(10.0));
}

#[test]
fn a_fork_tries_without_remembering() {
    let mut intake = intake();
    intake.take(good(
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
        let stored = intake
            .fork(Some("a"))
            .take(next.clone())
            .expect("known host");
        assert_eq!(cell(&stored, 0, "in_octets"), &Value::Int(200));
        assert_eq!(stored.new_entities.len(), 1);
    }
    assert!(intake.fork(Some("nobody")).take(next.clone()).is_none());
}

#[test]
fn a_host_that_is_gone_is_not_stored() {
    let mut intake = intake();
    assert!(intake.take(good("zzz", Method::Ssh, 0, vec![])).is_none());
}

#[test]
fn two_wordings_of_one_host_fact_do_not_take_turns() {
    let mut intake = intake();
    let mut told = |method, minute, fact: &str| {
        let mut c = good("a", method, minute, vec![]);
        if let Ok(r) = &mut c.outcome {
            r.host_facts = vec![("sys_descr", fact.to_string())];
        }
        intake.take(c.clone()).expect("known host").host_facts.len()
    };
    let mut minute = |n| {
        (
            told(Method::Snmp, n, "Linux vm"),
            told(Method::Ssh, n, "Linux vm #1"),
        )
    };
    assert_eq!(minute(0), (1, 0));
    assert_eq!(minute(1), (0, 0));
}

fn saved(intake: &Intake) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = intake.save_baselines(|piece| {
        bytes.extend_from_slice(piece);
        Ok::<(), ()>(())
    });
    assert_eq!(written, Ok(()));
    bytes
}
