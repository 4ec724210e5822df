//! Bodies as they come, and what is read of them.

use serde_json::json;

use super::*;
use crate::reading::Value;
use crate::table;

const NOW: UnixSeconds = 1_790_000_000;

fn take(format: Format, body: &str) -> Body {
    let about = Circumstances {
        now: NOW,
        per_second: 1_000_000_000,
        table: &table::find,
    };
    read(format, body.as_bytes(), &about)
}

/// The cell of the row of that entity.
fn cell(delivery: &Delivery, table: &str, entity: &str, column: &str) -> Value {
    let found = delivery
        .readings
        .tables
        .iter()
        .find(|t| t.table.name == table);
    let found = found.unwrap_or_else(|| panic!("no rows of {table}"));
    let mut rows = found.rows.iter();
    let row = rows.find(|row| row.entity.as_ref().map_or("", |e| e.name.as_str()) == entity);
    let row = row.unwrap_or_else(|| panic!("no row {entity} of {table}"));
    row.values[found.table.position(column).expect("a column")].clone()
}

#[test]
fn a_document_becomes_rows_of_our_tables() {
    let body = json!({
        "host": "web1", "time": NOW - 5, "id": "a-1", "uptime_s": 12.5, "boot_id": "x",
        "facts": {"os": "Debian 13"},
        "tables": {
            "memory": [{"used_pct": 41.256}],
            "filesystem": [{"mount": "/", "used_pct": 71, "device": "/dev/sda1"}, {"mount": "/var", "size_bytes": 1e12}],
            "interface": [{"interface": "eth0", "in_octets": 18446744073709551615_u64}],
        },
    });
    let read = take(Format::Json, &body.to_string());
    assert_eq!(read.mistakes, []);
    let [delivery] = &read.deliveries[..] else {
        panic!("one delivery")
    };
    assert_eq!(delivery.host.as_deref(), Some("web1"));
    assert_eq!(
        (delivery.ts, delivery.id.as_deref()),
        (NOW - 5, Some("a-1"))
    );
    assert_eq!(delivery.readings.uptime.expect("an uptime").ms, 12_500);
    assert_eq!(
        delivery.readings.host_facts,
        [("os", "Debian 13".to_owned())]
    );
    assert_eq!(
        cell(delivery, "filesystem", "/", "used_pct"),
        Value::Float(71.0)
    );
    assert_eq!(
        cell(delivery, "filesystem", "/var", "size_bytes"),
        Value::Int(1_000_000_000_000)
    );
    assert_eq!(
        cell(delivery, "interface", "eth0", "in_octets"),
        Value::Counter64(u64::MAX)
    );
}

#[test]
fn a_mistake_costs_its_cell_and_says_where_it_is() {
    let body = json!({
        "tables": {
            "cpu": [{"used_pct": "much", "usedpct": 4}],
            "filesystem": [{"used_pct": 1}, {"mount": "/", "used_pct": 2}],
            "interface": [{"interface": "eth0", "in_octets": -1}],
            "nonsense": [],
        },
        "facts": {"colour": "red"},
        "extra": 1,
    });
    let read = take(Format::Json, &body.to_string());
    let said: Vec<String> = read
        .mistakes
        .iter()
        .map(|m| format!("{}: {}", m.place, m.why))
        .collect();
    for expected in [
        "extra: unknown key",
        "tables.cpu[0].used_pct: \"much\" is not a number",
        "tables.cpu[0].usedpct: cpu has no column `usedpct`; did you mean `used_pct`?",
        "tables.filesystem[0]: a row of filesystem names no `mount`",
        "tables.interface[0].in_octets: -1 is not a counter",
        "tables.nonsense: there is no such table",
        "facts.colour: there is no such fact",
    ] {
        assert!(
            said.iter().any(|s| s.starts_with(expected)),
            "{expected}\n{said:#?}"
        );
    }
    assert_eq!(said.len(), 7, "{said:#?}");
    assert_eq!(
        cell(&read.deliveries[0], "filesystem", "/", "used_pct"),
        Value::Float(2.0)
    );
}

#[test]
fn times_of_wrong_clocks_are_refused() {
    for (time, why) in [
        (json!(NOW + 61), "ahead of ours"),
        (json!(NOW - 31 * 86_400), "days behind ours"),
        (json!("yesterday"), "not a time"),
        (json!(1e300), "not a time"),
    ] {
        let body = json!({"time": time, "tables": {"cpu": [{"used_pct": 1}]}});
        let read = take(Format::Json, &body.to_string());
        assert!(read.deliveries.is_empty(), "{time}");
        assert!(
            read.mistakes[0].why.contains(why),
            "{time}: {:?}",
            read.mistakes
        );
    }
    let body = json!({"time": "2026-09-21T14:13:20+00:00", "tables": {"cpu": [{"used_pct": 1}]}});
    assert_eq!(take(Format::Json, &body.to_string()).deliveries[0].ts, NOW);
}

#[test]
fn lines_of_documents_fail_one_by_one() {
    let body = "{\"tables\":{\"cpu\":[{\"used_pct\":1}]}}\n\nnonsense\n[]\n{\"tables\":{\"cpu\":[{\"used_pct\":2}]}}\n";
    let read = take(Format::Ndjson, body);
    assert_eq!(read.deliveries.len(), 2);
    let lines: Vec<usize> = read.mistakes.iter().map(|m| m.line).collect();
    assert_eq!(lines, [3, 4]);
}

#[test]
fn the_flat_payload_fills_six_tables() {
    let body = json!({
        "hostname": "desk.lan", "cpu_percent": 12.5, "memory_percent": 40.0, "disk_percent": 71.2,
        "bytes_sent": 1000, "bytes_recv": 5_000_000_000_u64, "gpu": 3,
        "processes": [
            {"pid": 1, "name": "init", "status": "sleeping", "cpu_percent": 0.0, "memory_percent": 0.1},
            {"pid": 7, "name": "db", "status": "running", "cpu_percent": 180.5, "memory_percent": 22.0},
            {"pid": 8, "name": "io", "status": "disk-sleep", "cpu_percent": null, "memory_percent": null},
            {"pid": 9, "name": "z", "status": "zombie"},
        ],
    });
    let read = take(Format::Psutil, &body.to_string());
    assert_eq!(read.mistakes, []);
    let delivery = &read.deliveries[0];
    assert_eq!(delivery.host.as_deref(), Some("desk.lan"));
    assert_eq!(cell(delivery, "cpu", "", "used_pct"), Value::Float(12.5));
    assert_eq!(cell(delivery, "memory", "", "used_pct"), Value::Float(40.0));
    assert_eq!(
        cell(delivery, "memory", "", "formula"),
        Value::text("psutil")
    );
    assert_eq!(
        cell(delivery, "filesystem", "/", "used_pct"),
        Value::Float(71.2)
    );
    assert_eq!(
        cell(delivery, "interface", "all", "in_octets"),
        Value::Counter64(5_000_000_000)
    );
    assert_eq!(
        cell(delivery, "interface", "all", "out_octets"),
        Value::Counter64(1_000)
    );
    for (column, count) in [
        ("total", 4),
        ("running", 1),
        ("sleeping", 1),
        ("uninterruptible", 1),
        ("zombie", 1),
        ("stopped", 0),
    ] {
        assert_eq!(
            cell(delivery, "process_state", "", column),
            Value::Int(count),
            "{column}"
        );
    }
    let processes = delivery
        .readings
        .tables
        .iter()
        .find(|t| t.table.name == "process");
    assert_eq!(processes.expect("processes").rows.len(), 4);
}

#[test]
fn telegraf_lines_land_in_the_core_tables() {
    let body = "\
cpu,cpu=cpu-total,host=web1 usage_idle=90,usage_user=6,usage_nice=1,usage_system=2,usage_iowait=1 1790000000000000000
cpu,cpu=cpu0,host=web1 usage_idle=1 1790000000000000000
mem,host=web1 total=1000i,available=250i,used=700i 1790000000000000000
swap,host=web1 total=100i,used=10i,used_percent=10 1790000000000000000
disk,path=/,device=sda1,host=web1 total=100i,used=60i,free=30i,used_percent=66.6667 1790000000000000000
net,interface=eth0,host=web1 bytes_recv=5i,bytes_sent=6i 1790000000000000000
net,interface=all,host=web1 icmp_inmsgs=5i 1790000000000000000
memory,host=web2 used_pct=12.5 1790000000000000000
weather,host=web2 rain=1 1790000000000000000
";
    let read = take(Format::Lines, body);
    assert_eq!(read.mistakes.len(), 1, "{:?}", read.mistakes);
    assert_eq!(
        (read.mistakes[0].line, &*read.mistakes[0].place),
        (9, "measurement weather")
    );
    let [first, second] = &read.deliveries[..] else {
        panic!("two hosts")
    };
    assert_eq!(cell(first, "cpu", "", "used_pct"), Value::Float(9.0));
    assert_eq!(cell(first, "cpu", "", "user_pct"), Value::Float(7.0));
    assert_eq!(cell(first, "memory", "", "used_pct"), Value::Float(75.0));
    assert_eq!(cell(first, "memory", "", "swap_used_bytes"), Value::Int(10));
    assert_eq!(cell(first, "filesystem", "/", "free_bytes"), Value::Int(30));
    assert_eq!(
        cell(first, "interface", "eth0", "in_octets"),
        Value::Counter64(5)
    );
    assert_eq!(second.host.as_deref(), Some("web2"));
    assert_eq!(cell(second, "memory", "", "used_pct"), Value::Float(12.5));
}

#[test]
fn what_is_written_is_read_back() {
    let mut row = crate::reading::Row::new(
        &table::FILESYSTEM,
        Some(crate::reading::EntityKey::named("/")),
    );
    row.set(&table::FILESYSTEM, "used_pct", Value::Float(71.25));
    row.set_fact(&table::FILESYSTEM, "device", Value::text("/dev/sda1"));
    let mut nic = crate::reading::Row::new(
        &table::INTERFACE,
        Some(crate::reading::EntityKey::named("eth0")),
    );
    nic.set(&table::INTERFACE, "in_octets", Value::Counter64(1 << 60));
    let tables = vec![
        crate::reading::TableReadings {
            table: &table::FILESYSTEM,
            rows: vec![row.clone()],
        },
        crate::reading::TableReadings {
            table: &table::INTERFACE,
            rows: vec![nic.clone()],
        },
    ];
    let collection = crate::reading::Collection {
        host: "a".into(),
        way: crate::reading::Method::Local.into(),
        ts: NOW,
        took: std::time::Duration::from_millis(7),
        read_at_ms: 0,
        effort: crate::reading::Effort::default(),
        outcome: Ok(Readings {
            tables,
            host_facts: vec![("os", "Debian".into())],
            uptime: Some(crate::reading::Uptime {
                ms: 1_234,
                wraps: false,
                boot: 9,
            }),
            ..Readings::default()
        }),
    };
    let document = write(&collection, "k").expect("a good collection");
    let read = take(Format::Json, &document.to_string());
    assert_eq!(read.mistakes, []);
    let delivery = &read.deliveries[0];
    assert_eq!(delivery.readings.tables[0].rows, [row]);
    assert_eq!(delivery.readings.tables[1].rows, [nic]);
    assert_eq!((delivery.took_ms, delivery.id.as_deref()), (7, Some("k")));
    assert_eq!(delivery.readings.uptime.expect("uptime").ms, 1_234);
}

#[test]
fn bodies_of_any_bytes_are_survived() {
    let good = "{\"hostname\":\"a\",\"cpu_percent\":1,\"processes\":[{\"pid\":1}],\"tables\":{\"cpu\":[{\"used_pct\":1}]}}";
    let lines = "cpu,cpu=cpu-total usage_idle=90,a=\"b\" 1790000000000000000";
    let mut state = 7_u64;
    for round in 0..20_000 {
        let source = if round % 2 == 0 { good } else { lines };
        let mut bytes = source.as_bytes().to_vec();
        for _ in 0..1 + round % 5 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let at = (state >> 33) as usize % bytes.len();
            match state % 3 {
                0 => bytes[at] = (state >> 40) as u8,
                1 => bytes.insert(at, (state >> 48) as u8),
                _ => {
                    bytes.remove(at);
                }
            }
        }
        for format in [Format::Json, Format::Ndjson, Format::Lines, Format::Psutil] {
            let about = Circumstances {
                now: NOW,
                per_second: 1,
                table: &table::find,
            };
            let read = read(format, &bytes, &about);
            assert!(read.mistakes.len() <= MAX_MISTAKES);
        }
    }
}

#[test]
fn prometheus_text_is_taken_by_its_type_or_its_first_comment() {
    let text =
        "# HELP node_load1 1m load average.\nnode_load1 0.5\nnode_load5 1\nnode_load15 2\nodd\n";
    for kind in [
        Some("text/plain; version=0.0.4; charset=utf-8"),
        Some("application/openmetrics-text; version=1.0.0"),
        None,
    ] {
        assert_eq!(Format::of(kind, text.as_bytes()), Format::Prometheus);
    }
    assert_eq!(
        Format::of(Some("text/plain"), b"cpu,host=a usage=1"),
        Format::Lines
    );
    assert_eq!(Format::of(None, b"# a comment\ncpu usage=1"), Format::Lines);
    let about = Circumstances {
        now: NOW,
        per_second: 1,
        table: &|name| crate::table::find(name),
    };
    let body = read(Format::Prometheus, text.as_bytes(), &about);
    assert_eq!(body.deliveries.len(), 1);
    assert_eq!(body.deliveries[0].ts, NOW);
    assert_eq!(body.deliveries[0].readings.tables[0].table.name, "system");
    assert_eq!((body.mistakes.len(), body.mistakes[0].line), (1, 5));
    let other = read(Format::Prometheus, b"up 1\n", &about);
    assert!(other.deliveries.is_empty() && other.mistakes.len() == 1);
}
