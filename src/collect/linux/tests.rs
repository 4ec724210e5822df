//! Whole reports: recorded ones, and what hostile hosts might send.

use proptest::prelude::*;

use super::*;
use crate::reading::Value;

const DEBIAN: &str = include_str!("../../../tests/data/ssh/debian12/probe.txt");

fn read(text: &str) -> Readings {
    readings(&Report::parse(text).expect("a whole report"))
}

fn rows<'a>(readings: &'a Readings, table: &'static Table) -> &'a [Row] {
    let found = readings.tables.iter().find(|t| t.table == table);
    found.map_or(&[], |t| &t.rows)
}

fn value(readings: &Readings, table: &'static Table, column: &str) -> Value {
    let position = table.position(column).expect("a column");
    rows(readings, table)[0].values[position].clone()
}

#[test]
fn a_recorded_debian_fills_every_table() {
    let readings = read(DEBIAN);
    assert_eq!(readings.problems, Vec::<String>::new());
    for table in crate::table::of_machine() {
        assert!(!rows(&readings, table).is_empty(), "{}", table.name);
    }
    assert_eq!(value(&readings, &CPU, "cores"), Value::Int(2));
    assert_eq!(
        value(&readings, &MEMORY, "formula"),
        Value::text("MemAvailable")
    );
    let mounts: Vec<&str> = rows(&readings, &FILESYSTEM)
        .iter()
        .map(|r| r.entity.as_ref().unwrap().name.as_str())
        .collect();
    assert_eq!(mounts, ["/"]);
    let disks = rows(&readings, &DISK);
    assert_eq!(disks.len(), 1, "loop and zram devices are left out");
    assert!(readings.uptime.is_some_and(|u| u.boot != 0 && !u.wraps));
    let os = readings.host_facts.iter().find(|(k, _)| *k == "os");
    assert_eq!(os.unwrap().1, "Debian GNU/Linux 12 (bookworm)");
}

#[test]
fn missing_sections_are_problems_not_zeros() {
    let readings = read("<<<eider 1>>>\n<<<stat>>>\n\n<<<df>>>\n<<<end>>>\n");
    assert!(readings.tables.is_empty());
    assert_eq!(readings.problems.len(), 6, "{:?}", readings.problems);
    assert!(
        readings
            .problems
            .contains(&"/proc/meminfo: no data".to_owned())
    );
}

#[test]
fn a_hanging_df_is_a_problem_of_a_good_report() {
    let readings =
        read("<<<eider 1>>>\n<<<uptime>>>\n5.0 1\n<<<df>>>\n<<<notes>>>\ndf 137\n<<<end>>>\n");
    assert_eq!(value(&readings, &SYSTEM, "uptime_s"), Value::Int(5));
    assert!(
        readings
            .problems
            .contains(&"df: no answer within 5 s".to_owned())
    );
}

#[test]
fn a_host_that_hides_processes_counts_none() {
    let hidden = DEBIAN.replace("\n1 (", "\n4000001 (");
    assert_ne!(hidden, DEBIAN);
    let readings = read(&hidden);
    assert_eq!(readings.problems, [process::HIDDEN]);
    assert!(rows(&readings, &PROCESS).is_empty() && rows(&readings, &PROCESS_STATE).is_empty());
    assert_eq!(value(&readings, &SYSTEM, "processes"), Value::Null);
}

/// What may not be stored, whatever came in.
fn check(readings: &Readings) -> Result<(), TestCaseError> {
    for table in &readings.tables {
        for row in &table.rows {
            prop_assert_eq!(row.values.len(), table.table.columns.len());
            for (column, value) in table.table.columns.iter().zip(&row.values) {
                match value {
                    Value::Float(f) => {
                        // Only a sensor may be below zero.
                        prop_assert!(
                            f.is_finite() && (*f >= 0.0 || table.table == &SENSOR),
                            "{}",
                            column.name
                        );
                    }
                    Value::Int(i) => prop_assert!(*i >= 0, "{} {}", column.name, i),
                    Value::Text(t) => prop_assert!(t.chars().count() <= 255 && !t.contains('\n')),
                    _ => {}
                }
            }
            let name = row.entity.as_ref().map_or("", |e| &e.name);
            prop_assert!(name.chars().count() <= 255 && !name.contains(char::is_control));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC*", parts in proptest::collection::vec("[ -~\\n]{0,200}", 36)) {
        let _ = Report::parse(&text);
        let mut report = String::new();
        for (name, part) in report::SECTIONS.iter().zip(&parts) {
            report.push_str(&format!("<<<{name}>>>\n{part}\n"));
        }
        report.push_str("<<<end>>>\n");
        check(&read(&report))?;
    }

    #[test]
    fn a_damaged_recording_never_panics(
        changes in proptest::collection::vec((0..DEBIAN.len(), any::<u8>()), 1..200),
        cut in 0..DEBIAN.len(),
    ) {
        let mut bytes = DEBIAN.as_bytes().to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(report) = Report::parse(&text) {
            check(&readings(&report))?;
        }
        prop_assert!(Report::parse(&String::from_utf8_lossy(&bytes[..cut])).is_err() || cut + 1 >= DEBIAN.len());
    }

    #[test]
    fn numbers_of_any_size_are_range_checked(numbers in proptest::collection::vec(any::<u128>(), 8)) {
        let n = |i: usize| numbers[i % 8];
        let report = format!(
            "<<<eider 1>>>\n<<<stat>>>\ncpu {} {} {} {} {}\nbtime {}\n<<<uptime>>>\n{} 1\n<<<meminfo>>>\nMemTotal: {} kB\nMemAvailable: {} kB\n<<<net/dev>>>\neth0:{} {} 1 1 1 1 1 1 {} 1 1 1 1 1 1 1\n<<<df>>>\n/dev/sda1 {} {} {} 5% /\n<<<ps>>>\n{} (a) S 1 1 1 0 -1 4194560 0 0 0 0 {} {} 0 0 20 0 1 0 {} 9999 100\n<<<end>>>\n",
            n(0), n(1), n(2), n(3), n(4), n(5), n(6), n(7), n(0), n(1), n(2), n(3), n(4), n(5), n(6), n(7), n(0), n(1), n(2)
        );
        check(&read(&report))?;
    }
}

const BUSYBOX: &str = include_str!("../../../tests/data/ssh/busybox/probe.txt");
const OLD_KERNEL: &str = include_str!("../../../tests/data/ssh/old-kernel/probe.txt");

fn names(readings: &Readings, table: &'static Table) -> Vec<String> {
    let name = |row: &Row| row.entity.as_ref().expect("an entity").name.clone();
    rows(readings, table).iter().map(name).collect()
}

#[test]
fn busybox_alone_fills_every_table() {
    let readings = read(BUSYBOX);
    assert_eq!(readings.problems, Vec::<String>::new());
    for table in crate::table::of_machine() {
        assert!(!rows(&readings, table).is_empty(), "{}", table.name);
    }
    assert_eq!(names(&readings, &FILESYSTEM), ["/"]);
    assert_eq!(value(&readings, &FILESYSTEM, "inodes"), Value::Int(507_904));
    assert_eq!(value(&readings, &PROCESS, "user_name"), Value::text("root"));
}

#[test]
fn an_old_kernel_fills_every_table_with_what_it_has() {
    let readings = read(OLD_KERNEL);
    assert_eq!(readings.problems, Vec::<String>::new());
    let formula = value(&readings, &MEMORY, "formula");
    assert_eq!(formula, Value::text("free+buffers+cached"));
    // 68012 + 120220 + 451640 + 70368 - 10240 kB
    let available = value(&readings, &MEMORY, "available_bytes");
    assert_eq!(available, Value::Int(700_000 * 1024));
    assert_eq!(
        value(&readings, &MEMORY, "swap_used_pct"),
        Value::Float(3.12)
    );
    assert_eq!(value(&readings, &CPU, "softirq"), Value::Counter64(25_195));
    assert_eq!(value(&readings, &CPU, "steal"), Value::Null);
    assert_eq!(names(&readings, &FILESYSTEM), ["/", "/boot"]);
    // 9004412 / (9004412 + 8178152): the reserve of root counts on neither side.
    assert_eq!(
        value(&readings, &FILESYSTEM, "used_pct"),
        Value::Float(52.4)
    );
    assert_eq!(names(&readings, &DISK), ["sda", "dm-0"]);
    assert_eq!(names(&readings, &INTERFACE), ["eth0"]);
    assert_eq!(
        value(&readings, &INTERFACE, "in_octets"),
        Value::Counter64(3_912_344_123)
    );
    assert_eq!(
        value(&readings, &PROCESS_STATE, "uninterruptible"),
        Value::Int(1)
    );
    assert_eq!(value(&readings, &PROCESS_STATE, "zombie"), Value::Int(1));
    assert_eq!(value(&readings, &PROCESS_STATE, "threads"), Value::Int(412));
    assert_eq!(value(&readings, &SYSTEM, "users"), Value::Int(1));
    let users: Vec<&Value> = rows(&readings, &PROCESS)
        .iter()
        .map(|r| &r.values[PROCESS.position("user_name").unwrap()])
        .collect();
    assert_eq!(
        users,
        [
            &Value::text("root"),
            &Value::text("mysql"),
            &Value::text("48")
        ]
    );
}
