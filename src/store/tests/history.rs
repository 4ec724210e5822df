//! What is appended comes back, and survives.

use super::*;
use crate::reading::Event;

fn two_hosts() -> (Store, Recorder) {
    let (store, mut recorder) = Store::in_memory().unwrap();
    let inventory = inventory([host("a", &["web", "all"]), host("b", &["web"])]);
    let ids = recorder.sync_hosts(&inventory, T0).unwrap();
    assert_eq!(ids, [("a".into(), 1), ("b".into(), 2)]);
    (store, recorder)
}

#[test]
fn what_is_appended_comes_back_through_the_views() {
    let (store, mut recorder) = two_hosts();
    let interface = table::find("interface").unwrap();
    let mut first = stored(1, T0 + 60);
    first
        .new_entities
        .push(new_entity(1, 1, interface, "Gi0/1"));
    first.fact_changes.push(facts(
        1,
        interface,
        true,
        &[
            ("speed_bps", Value::Int(1_000_000_000)),
            ("alias", Value::text("customer A")),
        ],
    ));
    first.events.push((
        Some(1),
        Event {
            kind: "link_up",
            subject: "Gi0/1".into(),
            message: "up".into(),
        },
    ));
    first.host_facts.push(("os", "Debian".into()));
    let first = with_rows(first, interface, vec![row(interface, Some(1), None, &[])]);
    let values = [
        ("in_octets", Value::Int(7_500_000_000)),
        ("out_octets", Value::Int(750)),
        ("state", Value::text("up")),
    ];
    let second = with_rows(
        stored(1, T0 + 120),
        interface,
        vec![row(interface, Some(1), Some(60_000), &values)],
    );
    recorder.append(&[first, second]).unwrap();

    let got = rows_of(
        &store,
        "SELECT ts, host, interface, in_octets, in_bps, out_bps, in_util_pct, alias, state, elapsed_ms
         FROM interface ORDER BY ts",
    );
    assert_eq!(got[0][3..6], [Cell::Null, Cell::Null, Cell::Null]);
    assert_eq!(
        got[1],
        [
            Cell::Time((T0 + 120) * 1_000_000),
            text("a"),
            text("Gi0/1"),
            Cell::Int(7_500_000_000),
            Cell::Float(1e9),
            Cell::Float(100.0),
            Cell::Float(100.0),
            text("customer A"),
            text("up"),
            Cell::Int(60_000),
        ]
    );
    let polls = one(&store, "SELECT count(*) FROM poll WHERE ok AND host = 'a'");
    assert_eq!(polls, Cell::Int(2));
    let event = one(&store, "SELECT host || kind || subject FROM event");
    assert_eq!(event, text("alink_upGi0/1"));
    let os = one(&store, "SELECT os FROM host WHERE name = 'a'");
    assert_eq!(os, text("Debian"));
    assert_eq!(
        rows_of(
            &store,
            "SELECT host, group_name FROM host_group ORDER BY ALL"
        ),
        [
            [text("a"), text("all")],
            [text("a"), text("web")],
            [text("b"), text("web")]
        ]
    );
    let known = recorder.known().unwrap();
    assert_eq!(known.entities.len(), 1);
    assert_eq!(known.entities[0].facts[0], Value::text("customer A"));
    assert_eq!(
        known.host_facts,
        [(1, "os".to_owned(), "Debian".to_owned())]
    );
    assert_eq!(known.newest, [(1, Method::Ssh.into(), T0 + 120)]);
}

#[test]
fn every_view_and_column_has_a_comment() {
    let (store, _recorder) = two_hosts();
    let bare = rows_of(
        &store,
        "SELECT table_name, column_name FROM duckdb_columns()
         WHERE schema_name = 'main' AND NOT internal AND coalesce(comment, '') = ''
         UNION ALL SELECT view_name, '' FROM duckdb_views()
         WHERE schema_name = 'main' AND NOT internal AND coalesce(comment, '') = ''",
    );
    assert_eq!(bare, Vec::<Vec<Cell>>::new());
    let views = rows_of(
        &store,
        "SELECT view_name FROM duckdb_views() WHERE NOT internal",
    );
    assert!(views.len() >= table::ALL.len() + 6, "{views:?}");
    for view in views {
        let Cell::Text(view) = &view[0] else { panic!() };
        rows_of(&store, &format!("SELECT * FROM {view}"));
    }
}

/// Facts change, in every order that clocks and restarts can bring: each row keeps exactly one
/// period.
#[test]
fn the_join_with_facts_loses_and_doubles_no_row() {
    let (store, mut recorder) = two_hosts();
    let filesystem = table::find("filesystem").unwrap();
    let device = |name: &str| [("device", Value::text(name))];
    let at = |ts: i64, id: EntityId| {
        with_rows(
            stored(1, ts),
            filesystem,
            vec![row(filesystem, Some(id), None, &[])],
        )
    };
    let changed = |ts, id, first, name: &str| {
        let mut stored = at(ts, id);
        let change = facts(id, filesystem, first, &device(name));
        stored.fact_changes.push(change);
        stored
    };
    let mut first = changed(T0, 1, true, "sda1");
    first.new_entities.push(new_entity(1, 1, filesystem, "/"));
    first
        .new_entities
        .push(new_entity(2, 1, filesystem, "/var"));
    let second = at(T0, 2);
    recorder.append(&[first, second]).unwrap();
    // Two changes in one batch, one of them in the same second; facts of one that had none.
    recorder
        .append(&[
            changed(T0 + 60, 1, false, "sdb1"),
            changed(T0 + 60, 1, false, "sdc1"),
            changed(T0 + 120, 1, false, "sdd1"),
            changed(T0 + 120, 2, true, "sde1"),
        ])
        .unwrap();
    // The clock was set back by a minute and a half.
    recorder
        .append(&[changed(T0 + 30, 1, false, "sdf1"), at(T0 + 90, 1)])
        .unwrap();
    recorder
        .append(&[changed(T0 + 180, 1, false, "sdg1"), at(T0 + 240, 2)])
        .unwrap();

    let raw = one(&store, "SELECT count(*) FROM raw.filesystem");
    assert_eq!(raw, Cell::Int(10));
    assert_eq!(one(&store, "SELECT count(*) FROM filesystem"), raw);
    let most = "SELECT max(n) FROM (SELECT count(*) n FROM raw.filesystem_fact f, raw.filesystem t
        WHERE f.entity_id = t.entity_id AND t.ts >= f.valid_from AND t.ts < f.valid_to GROUP BY t.rowid)";
    assert_eq!(one(&store, most), Cell::Int(1));
    let device = |condition: &str| {
        let sql =
            format!("SELECT string_agg(DISTINCT device, ',') FROM filesystem WHERE {condition}");
        one(&store, &sql)
    };
    assert_eq!(
        device("mount = '/' AND ts = to_timestamp(1795392000)"),
        text("sda1")
    );
    assert_eq!(
        device("mount = '/' AND ts >= to_timestamp(1795392180)"),
        text("sdg1")
    );
    // The first facts hold from the beginning, also when they come late.
    assert_eq!(device("mount = '/var'"), text("sde1"));
    let gaps = one(
        &store,
        "SELECT count(*) FROM (SELECT valid_to, lead(valid_from) OVER (PARTITION BY entity_id ORDER BY valid_from) n
         FROM raw.filesystem_fact) WHERE n IS NOT NULL AND n <> valid_to",
    );
    assert_eq!(gaps, Cell::Int(0));
}

#[test]
fn hosts_keep_their_ids_through_removal_and_renaming() {
    let (store, mut recorder) = two_hosts();
    let only_a = inventory([host("a", &[])]);
    let ids = recorder.sync_hosts(&only_a, T0 + 1).unwrap();
    assert_eq!(ids, [("a".into(), 1)]);
    let gone = "SELECT removed_at IS NOT NULL FROM host WHERE name = 'b'";
    assert_eq!(one(&store, gone), Cell::Bool(true));
    assert_eq!(one(&store, "SELECT count(*) FROM host_group"), Cell::Int(0));
    let both = inventory([host("a", &[]), host("b", &[])]);
    let ids = recorder.sync_hosts(&both, T0 + 2).unwrap();
    assert_eq!(ids[1], ("b".into(), 2));
    assert_eq!(one(&store, gone), Cell::Bool(false));

    // a → b and b → c at once, and a new host.
    let renamed = |name, from: &str| {
        let mut host = Arc::unwrap_or_clone(host(name, &[]));
        host.renamed_from = Some(from.into());
        Arc::new(host)
    };
    let after = inventory([renamed("b", "a"), renamed("c", "b"), host("d", &[])]);
    let ids = recorder.sync_hosts(&after, T0 + 3).unwrap();
    assert_eq!(ids, [("b".into(), 1), ("c".into(), 2), ("d".into(), 3)]);
    let again = recorder.sync_hosts(&after, T0 + 4).unwrap();
    assert_eq!(
        again, ids,
        "a rename that stays written changes nothing more"
    );
    let renames = one(&store, "SELECT count(*) FROM event WHERE kind = 'rename'");
    assert_eq!(renames, Cell::Int(2));
}

#[test]
fn values_that_do_not_fit_their_column_become_null_not_errors() {
    let (store, mut recorder) = two_hosts();
    let process = table::find("process").unwrap();
    let odd = [
        ("pid", Value::Counter64(u64::MAX)),
        ("started", Value::Int(i64::MAX)),
        ("name", Value::text("a\u{0}\u{1b}[31m'\"中")),
        ("cpu_pct", Value::Float(f64::NAN)),
        ("rss_bytes", Value::Float(1e30)),
        ("mem_pct", Value::Float(12.3456)),
        ("user_name", Value::Int(1)),
    ];
    let batch = with_rows(stored(1, T0), process, vec![row(process, None, None, &odd)]);
    recorder.append(&[batch]).unwrap();
    let got = rows_of(
        &store,
        "SELECT pid, started, name, cpu_pct, rss_bytes, mem_pct, user_name FROM process",
    );
    let null = || Cell::Null;
    let name = text("a\u{0}\u{1b}[31m'\"中");
    let pct = Cell::Float(12.35);
    assert_eq!(got[0], [null(), null(), name, null(), null(), pct, null()]);
}

#[test]
fn host_states_follow_the_polls_before_and_after_a_start() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        memory_bytes: Some(128 << 20),
    };
    let inventory = inventory(["down", "new", "silent", "up", "wobbly"].map(|n| host(n, &[])));
    let check = |store: &Store| {
        let states = store.host_states(&inventory, T0 + 400).unwrap();
        let words: Vec<_> = states
            .iter()
            .map(|h| {
                let failures = h.targets[0].failures_in_row;
                (
                    &*h.host,
                    h.state.as_str(),
                    failures,
                    h.since.map(|s| s - T0),
                )
            })
            .collect();
        assert_eq!(
            words,
            [
                ("down", "down", 3, Some(260)),
                ("new", "new", 0, Some(390)),
                ("silent", "silent", 0, Some(350)),
                ("up", "up", 0, Some(340)),
                ("wobbly", "up", 1, Some(320)),
            ]
        );
        let error = states[0].targets[0].error.as_deref();
        assert_eq!(error, Some("no answer on tcp/22 (15 s)"));
        assert_eq!(states[3].targets[0].error, None);
    };
    {
        let (store, mut recorder) = Store::open(directory.path(), &options).unwrap();
        recorder.sync_hosts(&inventory, T0 + 390).unwrap();
        // The ledger is read before the first of these: what commits add must agree with what a
        // later start reads.
        store.host_states(&inventory, T0).unwrap();
        let polls = [
            (stored as fn(_, _) -> _, 1, 200),
            (failed, 1, 260),
            (failed, 1, 320),
            (failed, 1, 380),
            (stored, 3, 200),
            (failed, 4, 280),
            (stored, 4, 340),
            (stored, 4, 399),
            (stored, 5, 320),
            (failed, 5, 380),
        ];
        let batch: Vec<Stored> = polls.map(|(make, id, at)| make(id, T0 + at)).into();
        recorder.append(&batch).unwrap();
        check(&store);
        drop(store);
        recorder.close().unwrap();
    }
    let (store, _recorder) = Store::open(directory.path(), &options).unwrap();
    check(&store);
}
