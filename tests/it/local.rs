//! This machine as the local method reads it, held against the same machine over SSH.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eider::collect::ssh::Pool;
use eider::reading::{Readings, Row, Value};
use eider::table::Table;

use crate::ssh::{good, of, rows, trust};
use crate::support::Sshd;

fn at(table: &'static Table, row: &Row, column: &str) -> Value {
    row.values[table.position(column).expect("a column")].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn here_and_over_ssh_tell_the_same() {
    let state = tempfile::tempdir().unwrap();
    let sshd = Sshd::start();
    trust(state.path(), &sshd);
    let pool = Pool::start(state.path());
    let sampler = Arc::new(eider::collect::local::Sampler::new());
    let deadline = Instant::now() + Duration::from_secs(30);
    let here = sampler.collect(deadline).await.1.expect("this machine");
    let there = good(&pool, &of(&sshd)).await;
    let (a, b) = (here.uptime.unwrap(), there.uptime.unwrap());
    assert_eq!(a.boot, b.boot);
    assert!(a.ms.abs_diff(b.ms) < 20_000);

    for table in eider::table::of_machine() {
        let (a, b) = (rows(&here, table.name), rows(&there, table.name));
        assert!(!a.is_empty(), "{} here", table.name);
        if table.name == "process" {
            continue;
        }
        let key = |row: &Row| row.entity.as_ref().map(|e| e.name.clone());
        let mut a: Vec<&Row> = a.iter().collect();
        let mut b: Vec<&Row> = b.iter().collect();
        a.sort_by_key(|r| key(r));
        b.sort_by_key(|r| key(r));
        let names = |rows: &[&Row]| rows.iter().map(|r| r.entity.clone()).collect::<Vec<_>>();
        assert_eq!(names(&a), names(&b), "{}", table.name);
        for (a, b) in a.iter().zip(&b) {
            assert_eq!(a.facts, b.facts, "{} {:?}", table.name, a.entity);
            for (column, (x, y)) in table.columns.iter().zip(a.values.iter().zip(&b.values)) {
                if column.name == "clock_offset_s" {
                    // Nobody is off from himself.
                    assert!(matches!(y, Value::Float(s) if s.abs() < 5.0), "{y:?}");
                    continue;
                }
                assert_near(table.name, column.name, x, y);
            }
        }
    }
    let mut facts = (here.host_facts.clone(), there.host_facts.clone());
    facts.1.retain(|(name, _)| *name != "sys_descr");
    facts.0.sort();
    facts.1.sort();
    assert_eq!(facts.0, facts.1);
    assert_same_processes(&here, &there);
}

/// The same kind of value, and as near as two looks a moment apart can be on a busy machine.
fn assert_near(table: &str, column: &str, here: &Value, there: &Value) {
    let number = |v: &Value| match v {
        Value::Int(i) => Some(*i as f64),
        Value::Float(f) => Some(*f),
        Value::Counter32(c) => Some(f64::from(*c)),
        Value::Counter64(c) => Some(*c as f64),
        _ => None,
    };
    match (number(here), number(there)) {
        (Some(x), Some(y)) => {
            let exact = matches!(column, "total_bytes" | "size_bytes" | "inodes" | "cores");
            let slack = if exact { 0.0 } else { 50.0 + x.max(y) * 0.25 };
            // Byte counts of memory and disks move by megabytes while others build.
            let slack = match column {
                _ if exact => slack,
                c if c.ends_with("_bytes") || c.ends_with("_octets") => slack + 2e9,
                _ => slack + 5_000.0,
            };
            assert!((x - y).abs() <= slack, "{table}.{column}: {x} and {y}");
            assert_eq!(
                std::mem::discriminant(here),
                std::mem::discriminant(there),
                "{table}.{column}"
            );
        }
        _ => assert_eq!(here, there, "{table}.{column}"),
    }
}

/// Processes that live through both looks are the same ones to both.
fn assert_same_processes(here: &Readings, there: &Readings) {
    let table = &eider::table::PROCESS;
    let by_pid = |readings: &Readings| {
        let rows = rows(readings, "process").iter();
        let pairs = rows.map(|r| (format!("{:?}", at(table, r, "pid")), r.clone()));
        pairs.collect::<std::collections::BTreeMap<_, _>>()
    };
    let (a, b) = (by_pid(here), by_pid(there));
    let mut both = 0;
    for (pid, x) in &a {
        let Some(y) = b.get(pid) else { continue };
        let renames_itself =
            matches!(at(table, x, "name"), Value::Text(n) if n.starts_with("kworker"));
        if renames_itself || at(table, x, "started") != at(table, y, "started") {
            continue;
        }
        both += 1;
        for column in ["name", "user_name"] {
            assert_eq!(at(table, x, column), at(table, y, column), "{pid} {column}");
        }
        for column in ["rss_bytes", "cpu_ms"] {
            assert_near(
                "process",
                column,
                &at(table, x, column),
                &at(table, y, column),
            );
        }
    }
    assert!(
        both >= 5,
        "{both} processes in common of {} and {}",
        a.len(),
        b.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn zombies_and_stopped_processes_are_told_apart() {
    let state = tempfile::tempdir().unwrap();
    let sshd = Sshd::start();
    trust(state.path(), &sshd);
    let spawn = |program: &str, argument: &str| {
        let mut command = std::process::Command::new(program);
        command
            .arg(argument)
            .spawn()
            .expect("a program of every system")
    };
    let mut zombie = spawn("true", "");
    let mut stopped = spawn("sleep", "60");
    crate::support::process::signal(stopped.id(), libc::SIGSTOP);
    let state_of = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ")
            .next()
            .and_then(|rest| rest.chars().next())
    };
    crate::support::wait_until("both are so", crate::support::PATIENCE, || {
        state_of(zombie.id()) == Some('Z') && state_of(stopped.id()) == Some('T')
    });
    let deadline = Instant::now() + Duration::from_secs(30);
    let sampler = Arc::new(eider::collect::local::Sampler::new());
    let here = sampler.collect(deadline).await.1.expect("this machine");
    let there = good(&Pool::start(state.path()), &of(&sshd)).await;
    for readings in [here, there] {
        let table = &eider::table::PROCESS_STATE;
        let row = &rows(&readings, "process_state")[0];
        for column in ["zombie", "stopped"] {
            let Value::Int(count) = at(table, row, column) else {
                panic!("{column} is not counted");
            };
            assert!(count >= 1, "{column}: {count}");
        }
    }
    stopped.kill().unwrap();
    stopped.wait().unwrap();
    zombie.wait().unwrap();
}
