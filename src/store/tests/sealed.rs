//! Sealing: what was hot is sealed, stays one whole, and questions open only what they need.

use super::*;
use crate::store::sealed::{Stretch, Switched, Work, scope};

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

pub(super) fn history() -> (tempfile::TempDir, Store, Recorder) {
    let directory = tempfile::tempdir().unwrap();
    let (store, mut recorder) = Store::open(
        directory.path(),
        &Options {
            memory_bytes: Some(128 << 20),
        },
    )
    .unwrap();
    recorder
        .sync_hosts(&inventory([host("a", &["web"]), host("b", &[])]), T0)
        .unwrap();
    (directory, store, recorder)
}

/// A port of each host has a row every ten minutes.
fn port_rows(at: UnixSeconds) -> Vec<Stored> {
    let interface = table::find("interface").unwrap();
    [1, 2]
        .map(|id| {
            let mut stored = stored(id, at);
            if at == T0 {
                let new = new_entity(id, id, interface, "Gi0/1");
                stored.new_entities.push(new);
                stored.fact_changes.push(facts(id, interface, true, &[]));
            }
            let values = [("in_octets", Value::Int(1000 + at - T0))];
            with_rows(
                stored,
                interface,
                vec![row(interface, Some(id), Some(600_000), &values)],
            )
        })
        .into()
}

pub(super) fn fill(recorder: &mut Recorder, from: i64, to: i64) {
    let all: Vec<Stored> = (from..to)
        .step_by(600)
        .flat_map(|at| port_rows(T0 + at))
        .collect();
    recorder.append(&all).unwrap();
}

pub(super) fn seal(store: &Store, recorder: &mut Recorder, now: i64) -> Vec<Stretch> {
    let due = store.stretches(T0 + now, false).unwrap();
    for stretch in &due {
        let prepared = store.prepare(stretch).unwrap();
        assert_eq!(recorder.switch(&prepared).unwrap(), Switched::Done);
    }
    due
}

fn count(store: &Store, from: &str) -> i128 {
    match one(store, &format!("SELECT count(*) FROM {from}")) {
        Cell::Int(count) => count,
        other => panic!("{other:?}"),
    }
}

fn paths(store: &Store, table: &str) -> Vec<Vec<Cell>> {
    rows_of(
        store,
        &format!(
            "SELECT path FROM raw.sealed_file WHERE table_name = '{table}' AND tier = 'raw' ORDER BY path"
        ),
    )
}

#[test]
fn hours_then_a_day_are_sealed_and_the_views_stay_whole() {
    let (directory, store, mut recorder) = history();
    fill(&mut recorder, 0, 3 * HOUR);
    let sums = "SELECT host, count(*), sum(in_octets)::BIGINT, min(ts), max(ts) FROM interface GROUP BY host ORDER BY host";
    let before = rows_of(&store, sums);
    let due = seal(&store, &mut recorder, 2 * HOUR + 300);
    let of_ports: Vec<_> = due.iter().filter(|s| s.table == "interface").collect();
    assert_eq!(of_ports.len(), 2, "{due:?}");
    assert_eq!(rows_of(&store, sums), before);
    assert_eq!(count(&store, "raw.interface"), 12);
    assert_eq!(count(&store, "hist.interface"), 36);
    assert_eq!(count(&store, "poll"), 36);
    // Nothing more is due, and late rows are seen at once but do not make an hour due again.
    assert_eq!(seal(&store, &mut recorder, 2 * HOUR + 300), []);
    let late = port_rows(T0 + 61);
    recorder.append(&late).unwrap();
    assert_eq!(count(&store, "interface"), 38);
    assert_eq!(seal(&store, &mut recorder, 2 * HOUR + 300), []);
    // At night they become one file per table, in order.
    fill(&mut recorder, 3 * HOUR, 26 * HOUR);
    let due = seal(&store, &mut recorder, 26 * HOUR);
    assert!(
        due.iter()
            .any(|s| s.table == "interface" && s.work == Work::Day)
    );
    assert_eq!(
        paths(&store, "interface").len(),
        2,
        "{:?}",
        paths(&store, "interface")
    );
    assert_eq!(count(&store, "interface"), 26 * 12 + 2);
    assert_eq!(
        count(&store, "(SELECT DISTINCT host, ts FROM interface)"),
        26 * 12 + 2
    );
    assert_eq!(
        count(
            &store,
            "(SELECT * FROM raw.interface WHERE ts < '2026-11-24 01:00:00+00')"
        ),
        0
    );
    // What was replaced goes; what is read stays, also over a restart.
    assert!(store.unlink_replaced(Duration::ZERO) > 0);
    assert_eq!(count(&store, "interface"), 26 * 12 + 2);
    drop(store);
    recorder.close().unwrap();
    let options = Options { memory_bytes: None };
    let (store, _recorder) = Store::open(directory.path(), &options).unwrap();
    assert_eq!(count(&store, "interface"), 26 * 12 + 2);
}

#[test]
fn rows_that_come_while_the_files_are_written_are_not_lost() {
    let (directory, store, mut recorder) = history();
    fill(&mut recorder, 0, 2 * HOUR);
    let due = store.stretches(T0 + HOUR + 300, false).unwrap();
    let stretch = due.iter().find(|s| s.table == "interface").unwrap();
    let prepared = store.prepare(stretch).unwrap();
    recorder.append(&port_rows(T0 + 61)).unwrap();
    assert_eq!(recorder.switch(&prepared).unwrap(), Switched::Again);
    assert_eq!(count(&store, "interface"), 26);
    store.unlink_replaced(Duration::ZERO);
    let left = std::fs::read_dir(directory.path().join("sealed/interface")).unwrap();
    assert_eq!(left.count(), 0, "the file of the vain attempt is gone");
    seal(&store, &mut recorder, HOUR + 300);
    assert_eq!(count(&store, "interface"), 26);
    assert_eq!(count(&store, "raw.interface"), 12);
}

#[test]
fn a_column_that_came_later_is_null_in_old_files() {
    let (directory, store, mut recorder) = history();
    fill(&mut recorder, 0, 2 * HOUR);
    seal(&store, &mut recorder, HOUR + 300);
    // As an older version would have written the files.
    for (set, column) in [
        ("interface", "admin_state"),
        ("interface_hourly", "admin_state_last"),
    ] {
        let folder = directory.path().join("sealed").join(set);
        let file = std::fs::read_dir(folder).unwrap().next().unwrap();
        let (file, other) = (file.unwrap().path(), directory.path().join("sealed/other"));
        let copy = format!(
            "COPY (SELECT * EXCLUDE {column} FROM read_parquet('{}')) TO '{}' (FORMAT parquet)",
            file.display(),
            other.display()
        );
        recorder.connection.execute_batch(&copy).unwrap();
        std::fs::rename(other, file).unwrap();
    }
    drop(store);
    recorder.close().unwrap();
    let open = || Store::open(directory.path(), &Options { memory_bytes: None }).unwrap();
    let (store, _recorder) = open();
    assert_eq!(count(&store, "interface"), 24);
    assert_eq!(
        one(
            &store,
            "SELECT count(admin_state) FROM interface WHERE in_octets > 0"
        ),
        Cell::Int(0)
    );
    let hourly = "SELECT count(*) || ' ' || count(admin_state_last) || ' ' || sum(samples) FROM interface_hourly";
    assert_eq!(one(&store, hourly), text("4 0 24"));
}

#[test]
fn questions_open_the_files_of_their_range_only() {
    let (_directory, store, mut recorder) = history();
    fill(&mut recorder, 0, 50 * HOUR);
    seal(&store, &mut recorder, 50 * HOUR + 300);
    let scope_of = |sql: &str, question: Question| {
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        let mut lease = store.shared.pool.lease(deadline).unwrap().unwrap();
        lease.set_timezone(&question.timezone).unwrap();
        let question = Question {
            sql: sql.into(),
            ..question
        };
        scope::of(lease.twin().unwrap(), &question)
    };
    let span = |scope: &scope::Scope, set: &str| match scope {
        scope::Scope::Sets(sets) => sets.get(set).map(|s| {
            let minutes = |us: Option<i64>| us.map(|us| (us / 1_000_000 - T0) / 60);
            (minutes(s.from), minutes(s.to))
        }),
        scope::Scope::All => Some((None, None)),
    };
    let ask = || Question::new("").bind("from", Cell::Time((T0 + DAY) * 1_000_000));
    let day = scope_of(
        "SELECT host, max(in_bps) FROM interface WHERE ts >= $from AND ts < $from + INTERVAL 1 DAY GROUP BY host",
        ask(),
    );
    // A minute of margin on both sides.
    assert_eq!(span(&day, "interface"), Some((Some(1439), Some(2881))));
    assert_eq!(span(&day, "poll"), None);
    let both = scope_of(
        "SELECT 1 FROM interface WHERE ts >= $from UNION ALL SELECT 2 FROM interface WHERE ts = '2026-11-23 06:00:00+00'",
        ask(),
    );
    assert_eq!(span(&both, "interface"), Some((Some(359), None)));
    for open in [
        "SELECT max(ts) FROM interface",
        "SELECT 1 FROM interface WHERE ts >= $from OR in_octets = 7",
        "SELECT 1 FROM interface WHERE ts = (SELECT max(ts) FROM interface)",
        "SELECT 1 FROM interface WHERE epoch(ts) > 5",
        "SELECT 1 FROM interface WHERE state = 'x AND ts>=''2030-01-01''::TIMESTAMP WITH TIME ZONE AND y'",
        "SELECT 1 FROM interface WHERE (ts >= '2026-11-23' AND ts < '2026-11-24') OR (ts >= '2027-11-23' AND ts < '2027-11-24')",
        "no SQL at all",
    ] {
        assert_eq!(
            span(&scope_of(open, ask()), "interface"),
            Some((None, None)),
            "{open}"
        );
    }
    // The day of a person in Shanghai.
    let mut shanghai = ask();
    shanghai.timezone = "Asia/Shanghai".into();
    let local = scope_of(
        "SELECT 1 FROM interface WHERE ts::DATE = DATE '2026-11-24'",
        shanghai,
    );
    let read = span(&local, "interface");
    assert!(
        read == Some((Some(959), Some(2401))) || read == Some((None, None)),
        "{read:?}"
    );
    // And the answers are those of the whole.
    let answer = "SELECT count(*) FROM interface WHERE ts >= $from";
    let question = Question {
        sql: answer.into(),
        ..ask()
    };
    let rows = store.ask_blocking(&question).unwrap().rows;
    assert_eq!(rows, [[Cell::Int(26 * 12)]]);
}

#[test]
fn what_is_older_than_is_kept_goes() {
    let (directory, store, mut recorder) = history();
    fill(&mut recorder, 0, 50 * HOUR);
    seal(&store, &mut recorder, 50 * HOUR + 300);
    let days = |days: u64| Duration::from_secs(days * 86_400);
    let keep = crate::inventory::Retention {
        raw: days(2),
        ..Default::default()
    };
    assert_eq!(store.expired(&keep, T0 + 3 * DAY - 1).unwrap(), []);
    let expired = store.expired(&keep, T0 + 3 * DAY).unwrap();
    let tables: Vec<&str> = expired.iter().map(|file| &*file.table).collect();
    assert_eq!(tables, ["interface", "poll"]);
    let use_of = "SELECT count(*) FROM sealed_file WHERE table_name = 'interface' AND tier = 'raw'";
    // Two days and two hours.
    assert_eq!(one(&store, use_of), Cell::Int(4));
    recorder.forget(&expired).unwrap();
    assert_eq!(one(&store, use_of), Cell::Int(3));
    assert_eq!(count(&store, "interface"), 26 * 12);
    let on_disk = || {
        std::fs::read_dir(directory.path().join("sealed/interface"))
            .unwrap()
            .count()
    };
    // Replaced files of the hours were never many: the day was sealed at once.
    let before = on_disk();
    store.unlink_replaced(Duration::ZERO);
    assert_eq!((before, on_disk()), (4, 3));
}
