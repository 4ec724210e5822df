//! The shipped queries against a small history whose answers are worked out by hand, asked from
//! three time zones.

use super::*;
use crate::inventory::{Inventory, NoSecrets, SourceFile, load};
use crate::query::{Asked, Query};

const ZONES: [&str; 3] = ["UTC", "Asia/Shanghai", "America/New_York"];

fn query(name: &str) -> Query {
    let path = format!("{}/queries/{name}.sql", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    Query::parse(&format!("queries/{name}.sql"), &text).unwrap()
}

/// Asks from each zone; the answers are instants and numbers, so they must be the same.
pub(super) fn ask(
    store: &Store,
    name: &str,
    params: &[(&str, &str)],
    from: i64,
    to: i64,
) -> Vec<Vec<Cell>> {
    let query = query(name);
    let mut answers = ZONES.map(|zone| {
        let asked = Asked {
            params: params
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect(),
            from: Some((T0 + from).to_string()),
            to: Some((T0 + to).to_string()),
            timezone: zone.into(),
        };
        let question = Question::of(&query, &asked, T0).unwrap();
        store.ask_blocking(&question).unwrap().rows
    });
    assert_eq!(answers[0], answers[1], "{name}");
    assert_eq!(answers[0], answers[2], "{name}");
    std::mem::take(&mut answers[0])
}

pub(super) fn three_hosts() -> (Store, Recorder) {
    let (store, mut recorder) = Store::in_memory().unwrap();
    let hosts = [host("a", &["web"]), host("b", &["db"]), host("c", &["db"])];
    recorder.sync_hosts(&inventory(hosts), T0).unwrap();
    (store, recorder)
}

/// What the shipped profiles define.
fn shipped_inventory() -> Inventory {
    let directory = format!("{}/inventory/profiles", env!("CARGO_MANIFEST_DIR"));
    let text = "hosts: {here: {collect: [local]}}\n";
    let mut files = vec![SourceFile::new("inventory/hosts.yaml", text)];
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.path().extension().is_none_or(|e| e != "yaml") {
            continue;
        }
        let path = format!("inventory/profiles/{}", entry.file_name().to_string_lossy());
        files.push(SourceFile::new(
            path,
            std::fs::read_to_string(entry.path()).unwrap(),
        ));
    }
    let (inventory, problems) = load(&files, &NoSecrets);
    inventory.unwrap_or_else(|| panic!("{problems:?}"))
}

#[test]
fn every_shipped_query_passes_the_check_in_both_languages() {
    let inventory = shipped_inventory();
    let directory = format!("{}/queries", env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.path().extension().unwrap(), "sql");
        files.push(SourceFile {
            private: false,
            path: format!("queries/{}", entry.file_name().to_string_lossy()),
            text: std::fs::read_to_string(entry.path()).unwrap(),
        });
    }
    assert!(files.len() >= 6);
    let (good, problems) = check_queries(&files, &inventory.tables).unwrap();
    assert_eq!(problems, []);
    assert_eq!(good.len(), files.len());
    for query in &good {
        assert!(
            query.title.zh_cn.is_some() && query.description.zh_cn.is_some(),
            "{}",
            query.name
        );
        let (store, mut recorder) = Store::in_memory().unwrap();
        recorder.follow_tables(&inventory.tables).unwrap();
        for zone in ZONES {
            let asked = Asked {
                timezone: zone.into(),
                ..Asked::default()
            };
            let question = Question::of(query, &asked, T0).unwrap();
            let columns = store.ask_blocking(&question).unwrap().columns;
            let has = |name: &String| columns.iter().any(|c| c.name == *name);
            for (name, show) in &query.columns {
                assert!(has(name), "{}: no column {name}", query.name);
                assert!(
                    show.title.as_ref().is_some_and(|t| t.zh_cn.is_some()),
                    "{name}"
                );
            }
            // Lists of names have none.
            let Some(chart) = query.chart.as_ref() else {
                continue;
            };
            assert!(has(&chart.x) && chart.y.iter().all(has) && chart.series.iter().all(has));
        }
    }
}

#[test]
fn availability_is_the_union_of_good_time_over_known_time() {
    let (store, mut recorder) = three_hosts();
    let mut batch = Vec::new();
    // a: 10 minutes by SSH, minutes 3 to 5 bad; by SNMP good in minute 4 only.
    for minute in 0..10 {
        let at = T0 + minute * 60;
        let make = if (3..6).contains(&minute) {
            failed
        } else {
            stored
        };
        batch.push(make(1, at));
        let mut snmp = if minute == 4 {
            stored(1, at)
        } else {
            failed(1, at)
        };
        snmp.way = Method::Snmp.into();
        batch.push(snmp);
    }
    // b: good for 3 minutes, then nothing is polled for 5, then good for 2.
    for minute in [0, 1, 2, 8, 9] {
        batch.push(stored(2, T0 + minute * 60));
    }
    recorder.append(&batch).unwrap();
    let rows = ask(&store, "availability", &[], 0, 600);
    let int = |v: i128| Cell::Int(v);
    assert_eq!(
        rows,
        [
            // Never polled: nothing is known.
            vec![text("c"), Cell::Null, Cell::Null, int(600), int(0), int(0)],
            // 10 minutes known, minutes 3 and 5 down.
            vec![
                text("a"),
                Cell::Float(80.0),
                int(120),
                int(0),
                int(20),
                int(12)
            ],
            // 5 minutes known, all good, 5 unknown.
            vec![
                text("b"),
                Cell::Float(100.0),
                int(0),
                int(300),
                int(5),
                int(0)
            ],
        ]
    );
    let rows = ask(&store, "availability", &[("group", "web")], 0, 600);
    assert_eq!(rows.len(), 1);
}

#[test]
fn top_interfaces_has_exact_means_and_billing_percentiles() {
    let (store, mut recorder) = three_hosts();
    let interface = table::find("interface").unwrap();
    let mut batch = Vec::new();
    // Port 1 of a: an hour of minutes; minute m of 5-minute slot s carries 7,500,000 · (s + 1)
    // octets in a minute, which is (s + 1) Mbit/s, and half as much out. Port 2: 1 kbit/s, errors.
    for minute in 0..60 {
        let mut one = stored(1, T0 + minute * 60);
        if minute == 0 {
            for (id, name) in [(1, "Gi0/1"), (2, "Gi0/2")] {
                one.new_entities.push(new_entity(id, 1, interface, name));
            }
            let told = [
                ("speed_bps", Value::Int(20_000_000)),
                ("alias", Value::text("uplink")),
            ];
            one.fact_changes.push(facts(1, interface, true, &told));
        }
        let octets = 7_500_000 * (minute / 5 + 1);
        let first = [
            ("in_octets", Value::Int(octets)),
            ("out_octets", Value::Int(octets / 2)),
        ];
        let second = [
            ("in_octets", Value::Int(7500)),
            ("out_octets", Value::Null),
            ("in_errors", Value::Int(1)),
            ("out_discards", Value::Int(2)),
        ];
        let rows = vec![
            row(interface, Some(1), Some(60_000), &first),
            row(interface, Some(2), Some(60_000), &second),
        ];
        batch.push(with_rows(one, interface, rows));
    }
    recorder.append(&batch).unwrap();
    let rows = ask(&store, "top_interfaces", &[], 0, 3600);
    assert_eq!(rows.len(), 2);
    let uplink = &rows[0];
    assert_eq!(uplink[..3], [text("a"), text("Gi0/1"), text("uplink")]);
    // Slots 1..12 Mbit/s: mean 6.5; the 95th percentile lies at 0.95 · 11 = 10.45, so 11.45.
    assert_eq!(uplink[3..5], [Cell::Float(6.5e6), Cell::Float(3.25e6)]);
    let Cell::Float(p95) = uplink[5] else {
        panic!()
    };
    assert!((p95 - 11.45e6).abs() < 1.0, "{p95}");
    assert_eq!(
        uplink[7..],
        [Cell::Int(20_000_000), Cell::Float(57.25), Cell::Int(0)]
    );
    let port = &rows[1];
    assert_eq!(port[3..5], [Cell::Float(1000.0), Cell::Null]);
    assert_eq!(port[7..], [Cell::Null, Cell::Null, Cell::Int(180)]);
    let by_errors = ask(
        &store,
        "top_interfaces",
        &[("by", "errors"), ("top", "1")],
        0,
        3600,
    );
    assert_eq!((by_errors.len(), &by_errors[0][1]), (1, &text("Gi0/2")));
}

#[test]
fn disk_forecast_follows_the_line() {
    let (store, mut recorder) = three_hosts();
    let filesystem = table::find("filesystem").unwrap();
    let mut batch = Vec::new();
    // Hourly for 10 days: / grows by 2 % a day from 60 %, /var shrinks, /full is full, /gone was
    // unmounted on the second day, /small is below the limit.
    let mounts = ["/", "/var", "/full", "/gone", "/small"];
    for hour in 0..240_i64 {
        let mut one = stored(1, T0 + hour * 3600);
        let mut rows = Vec::new();
        for (id, mount) in (1..).zip(mounts) {
            if hour == 0 {
                one.new_entities.push(new_entity(id, 1, filesystem, mount));
            }
            let used = match mount {
                "/" => 60.0 + hour as f64 / 12.0,
                "/var" => 80.0 - hour as f64 / 100.0,
                "/full" => 100.0,
                "/gone" if hour > 40 => continue,
                "/gone" => 90.0 + hour as f64 / 10.0,
                _ => 10.0 + hour as f64 / 100.0,
            };
            let values = [
                ("used_pct", Value::Float(used)),
                ("free_bytes", Value::Int(7)),
            ];
            rows.push(row(filesystem, Some(id), None, &values));
        }
        batch.push(with_rows(one, filesystem, rows));
    }
    recorder.append(&batch).unwrap();
    let rows = ask(&store, "disk_forecast", &[], 0, 240 * 3600);
    let mounts: Vec<_> = rows.iter().map(|r| r[1].clone()).collect();
    assert_eq!(mounts, [text("/full"), text("/"), text("/var")]);
    assert_eq!(rows[0][5], Cell::Float(0.0));
    // The last value is 60 + 239/12 = 79.92 (stored with two decimals); 20.08 % at 2 % a day.
    let (Cell::Float(used), Cell::Float(slope), Cell::Float(days), Cell::Time(full)) =
        (&rows[1][2], &rows[1][4], &rows[1][5], &rows[1][6])
    else {
        panic!("{:?}", rows[1]);
    };
    assert_eq!(*used, 79.92);
    assert!((slope - 2.0).abs() < 0.001, "{slope}");
    assert!((days - 10.04).abs() < 0.01, "{days}");
    let expected = (T0 + 239 * 3600) * 1_000_000 + (days * 86_400e6) as i64;
    assert!((full - expected).abs() < 2_000_000);
    assert_eq!(rows[2][5], Cell::Null, "what shrinks never fills");
    let all = ask(&store, "disk_forecast", &[("min_used", "0")], 0, 240 * 3600);
    assert_eq!(all.len(), 4);
    // Eight hours of data say nothing about a month; what is full is full.
    let early = ask(&store, "disk_forecast", &[], -720 * 3600, 8 * 3600);
    let days: Vec<_> = early.iter().map(|row| row[5].clone()).collect();
    assert_eq!(days[0], Cell::Float(0.0));
    assert!(days[1..].iter().all(|d| *d == Cell::Null), "{days:?}");
}
