//! Rollups against sums and means computed by hand, sealed and not yet sealed, and when rows come
//! late.

use super::sealed::{history, seal};
use super::*;
use crate::store::sealed::{Stretch, Switched, Work};
use crate::table::{Definition, DefinitionColumn, Kind, Tables};

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// One port, one CPU and one process of host `a`.
fn batch(at: i64, octets: Option<i64>, used: f64) -> Stored {
    let [interface, cpu, process] =
        ["interface", "cpu", "process"].map(|name| table::find(name).unwrap());
    let mut stored = stored(1, T0 + at);
    if at == 0 {
        stored.new_entities = vec![new_entity(1, 1, interface, "Gi0/1")];
        let speed = [("speed_bps", Value::Int(1_000_000))];
        stored.fact_changes = vec![facts(1, interface, true, &speed)];
    }
    let octets = octets.map_or(Value::Null, Value::Int);
    let port = [
        ("in_octets", octets),
        ("out_octets", Value::Int(10)),
        (
            "state",
            Value::text(if used > 50.0 { "down" } else { "up" }),
        ),
    ];
    let stored = with_rows(
        stored,
        interface,
        vec![row(interface, Some(1), Some(60_000), &port)],
    );
    let stored = with_rows(
        stored,
        cpu,
        vec![row(cpu, None, None, &[("used_pct", Value::Float(used))])],
    );
    let program = |name: &str, used: f64| {
        let values = [
            ("name", Value::text(name)),
            ("user_name", Value::text("root")),
            ("cpu_pct", Value::Float(used)),
            ("pid", Value::Int(at)),
        ];
        row(process, None, None, &values)
    };
    with_rows(
        stored,
        process,
        vec![program("sshd", used), program("cron", 1.0)],
    )
}

/// 0, 1, 2, … every minute: at minute `n` there are `n` octets, and none is known at minute 3.
fn minutes(recorder: &mut Recorder, from: i64, to: i64) {
    let batches: Vec<Stored> = (from..to)
        .map(|n| batch(n * 60, (n % 60 != 3).then_some(n), (n % 60) as f64))
        .collect();
    recorder.append(&batches).unwrap();
}

fn text_of(store: &Store, sql: &str) -> String {
    match one(store, sql) {
        Cell::Text(text) => text,
        other => panic!("{sql}: {other:?}"),
    }
}

const PORT: &str = "SELECT concat_ws(' ', strftime(ts, '%H:%M'), host, interface, samples, in_octets, \
    elapsed_ms, round(in_bps, 4), round(out_bps, 4), state_last, speed_bps, round(in_util_pct, 2))";
/// Minute 3 is not known: 1770 - 3 octets in 59 minutes.
const FIRST_HOUR: &str = "00:00 a Gi0/1 60 1767 3600000 3.9932 1.3333 down 1000000 0.0";

#[test]
fn rollups_tell_what_the_rows_told_sealed_or_not() {
    let (_directory, store, mut recorder) = history();
    minutes(&mut recorder, 0, 150);
    let hour = format!("{PORT} FROM interface_hourly ORDER BY ts LIMIT 1");
    let peak = "SELECT concat_ws(' ', in_bps_min, round(in_bps_max, 3)) FROM interface_hourly ORDER BY ts LIMIT 1";
    let cpu = "SELECT concat_ws(' ', used_pct_count, used_pct_min, used_pct_avg, used_pct_max, used_pct_last) FROM cpu_hourly ORDER BY ts LIMIT 1";
    let five = format!("{PORT} FROM interface_5min ORDER BY ts LIMIT 1");
    let process = "SELECT string_agg(name || ' ' || samples || ' ' || cpu_pct_max, ', ' ORDER BY name) FROM process_hourly WHERE ts = '2026-11-23 00:00:00+00'";
    let polls = "SELECT string_agg(concat_ws(' ', method, samples, ok_true, took_ms_max, ok_last), ', ' ORDER BY ts) FROM poll_hourly";
    let newest = "SELECT string_agg(strftime(ts, '%H:%M') || ' ' || samples, ', ' ORDER BY ts) FROM interface_hourly";
    let check = |when: &str| {
        assert_eq!(text_of(&store, &hour), FIRST_HOUR, "{when}");
        assert_eq!(text_of(&store, peak), "0.0 7.867", "{when}");
        assert_eq!(text_of(&store, cpu), "60 0.0 29.5 59.0 59.0", "{when}");
        // 0, 1, 2 and 4 octets in four minutes.
        let first = "00:00 a Gi0/1 5 7 300000 0.2333 1.3333 up 1000000 0.0";
        assert_eq!(text_of(&store, &five), first, "{when}");
        assert_eq!(text_of(&store, process), "cron 60 1.0, sshd 60 59.0");
        let attempts = "ssh 60 60 12 true, ssh 60 60 12 true, ssh 30 30 12 true";
        assert_eq!(text_of(&store, polls), attempts, "{when}");
        let hours = "00:00 60, 01:00 60, 02:00 30";
        assert_eq!(text_of(&store, newest), hours, "{when}");
    };
    check("hot");
    seal(&store, &mut recorder, HOUR + 300);
    check("an hour sealed");
    seal(&store, &mut recorder, 2 * HOUR + 300);
    check("two hours sealed");
    assert_eq!(
        one(&store, "SELECT count(*) FROM sealed_file WHERE tier = 'm5'"),
        Cell::Int(2)
    );
    // A range that the sealed files reach does not look at rows at all, one beyond does.
    let within = "SELECT sum(samples) || '' FROM interface_hourly WHERE ts >= '2026-11-23 01:00:00+00' AND ts < '2026-11-23 02:00:00+00'";
    assert_eq!(text_of(&store, within), "60");
    let beyond =
        "SELECT sum(samples) || '' FROM interface_hourly WHERE ts > '2026-11-23 01:00:00+00'";
    assert_eq!(text_of(&store, beyond), "30");
    seal(&store, &mut recorder, DAY + 2 * HOUR);
    check("the day sealed");
    store.unlink_replaced(Duration::ZERO);
    check("the day sealed, hours unlinked");
}

#[test]
fn late_rows_come_into_the_rollups_at_night() {
    let (_directory, store, mut recorder) = history();
    minutes(&mut recorder, 0, 60);
    minutes(&mut recorder, 70, 180);
    seal(&store, &mut recorder, 3 * HOUR + 300);
    // The hour is rolled up already: its late row waits, but nothing is there twice.
    minutes(&mut recorder, 65, 66);
    let samples = "SELECT string_agg(samples || '', ' ' ORDER BY ts) FROM interface_hourly";
    assert_eq!(text_of(&store, samples), "60 50 60");
    seal(&store, &mut recorder, DAY + 2 * HOUR);
    assert_eq!(text_of(&store, samples), "60 51 60");
    // Later still, and again after the month's rollups have become one file.
    minutes(&mut recorder, 1500, 1501);
    seal(&store, &mut recorder, 3 * DAY);
    seal(&store, &mut recorder, 40 * DAY);
    let files = "SELECT count(*) FROM sealed_file WHERE tier = 'h1' AND table_name = 'interface'";
    assert_eq!(one(&store, files), Cell::Int(1));
    assert_eq!(text_of(&store, samples), "60 51 60 1");
    minutes(&mut recorder, 66, 68);
    seal(&store, &mut recorder, 40 * DAY + 60);
    assert_eq!(text_of(&store, samples), "60 53 60 1");
    assert_eq!(one(&store, files), Cell::Int(1));
    assert_eq!(seal(&store, &mut recorder, 40 * DAY + 120), []);
}

#[test]
fn a_late_row_does_not_undo_a_rollup_whose_rows_are_gone() {
    let (_directory, store, mut recorder) = history();
    minutes(&mut recorder, 0, 60);
    seal(&store, &mut recorder, 2 * DAY);
    let keep = crate::inventory::Retention {
        raw: Duration::from_secs(2 * 86_400),
        ..Default::default()
    };
    let expired = store.expired(&keep, T0 + 10 * DAY).unwrap();
    assert!(!expired.is_empty());
    recorder.forget(&expired).unwrap();
    assert_eq!(one(&store, "SELECT count(*) FROM interface"), Cell::Int(0));
    minutes(&mut recorder, 61, 62);
    minutes(&mut recorder, 3, 4);
    seal(&store, &mut recorder, 10 * DAY);
    let samples = "SELECT string_agg(samples || '', ' ' ORDER BY ts) FROM interface_hourly";
    assert_eq!(text_of(&store, samples), "60");
    assert_eq!(one(&store, "SELECT count(*) FROM interface"), Cell::Int(2));
}

#[test]
fn what_was_sealed_before_there_were_rollups_is_rolled_up() {
    let (_directory, store, mut recorder) = history();
    minutes(&mut recorder, 0, 150);
    seal(&store, &mut recorder, 2 * DAY);
    let older =
        "DELETE FROM raw.sealed_file WHERE tier <> 'raw'; UPDATE raw.sealed_file SET schema = 2";
    recorder.connection.execute_batch(older).unwrap();
    let hour = format!("{PORT} FROM interface_hourly ORDER BY ts LIMIT 1");
    // Computed as it is asked until then.
    assert_eq!(text_of(&store, &hour), FIRST_HOUR);
    let due = seal(&store, &mut recorder, 2 * DAY);
    assert!(due.iter().all(|s| s.work == Work::Rollups), "{due:?}");
    assert_eq!(text_of(&store, &hour), FIRST_HOUR);
    assert_eq!(
        one(
            &store,
            "SELECT sum(rows)::BIGINT FROM sealed_file WHERE tier = 'h1' AND table_name = 'interface'"
        ),
        Cell::Int(3)
    );
    assert_eq!(seal(&store, &mut recorder, 2 * DAY), []);
}

#[test]
fn sums_that_fit_no_number_are_not_told() {
    let (_directory, store, mut recorder) = history();
    let batches = [0, 60].map(|at| batch(at, Some(i64::MAX), 1.0));
    recorder.append(&batches).unwrap();
    let sums =
        "SELECT coalesce(in_octets || '', 'none') || ' ' || out_octets FROM interface_hourly";
    assert_eq!(text_of(&store, sums), "none 20");
    seal(&store, &mut recorder, 2 * HOUR);
    assert_eq!(text_of(&store, sums), "none 20");
}

#[test]
fn tables_of_profiles_are_rolled_up_too() {
    let (_directory, store, mut recorder) = history();
    let column = |name: &str, kind| DefinitionColumn {
        name: name.into(),
        kind,
        unit: String::new(),
        comment: "C.".into(),
    };
    let mut definition = Definition {
        name: "burner".into(),
        comment: "Burners.".into(),
        columns: vec![
            column("starts", Kind::Counter),
            column("heat", Kind::Float),
            column("lit", Kind::Bool),
        ],
        derived: vec![
            [
                "starts_per_h",
                "t.starts * 3600000.0 / nullif(t.elapsed_ms, 0)",
                "1/h",
                "S.",
            ]
            .map(String::from),
            ["heat_f", "t.heat * 1.8 + 32", "", "H."].map(String::from),
        ],
        ..Definition::default()
    };
    let follow = |recorder: &mut Recorder, definition: &Definition| {
        let inventory = Inventory {
            tables: Tables::with(table::intern(definition)),
            ..inventory([host("a", &[])])
        };
        recorder.sync_hosts(&inventory, T0).unwrap();
        inventory.tables.find("burner").unwrap()
    };
    let burner = follow(&mut recorder, &definition);
    let at = |at: i64, heat: f64| {
        let values = [
            ("starts", Value::Int(2)),
            ("heat", Value::Float(heat)),
            ("lit", Value::Bool(heat > 15.0)),
        ];
        with_rows(
            stored(1, T0 + at),
            burner,
            vec![row(burner, None, Some(60_000), &values)],
        )
    };
    recorder.append(&[at(60, 10.0), at(120, 20.0)]).unwrap();
    let sql = "SELECT concat_ws(' ', host, starts, starts_per_h, starts_per_h_max, heat_avg, heat_f_avg, lit_true, lit_last) FROM burner_hourly";
    let want = "a 4 120.0 120.0 15.0 59.0 1 true";
    assert_eq!(text_of(&store, sql), want);
    seal(&store, &mut recorder, 2 * HOUR);
    assert_eq!(text_of(&store, sql), want);
    // A column comes: NULL in what is there. It goes: what was kept of it stays.
    definition.columns.insert(0, column("fuel", Kind::Int));
    definition.columns.remove(2);
    follow(&mut recorder, &definition);
    assert_eq!(text_of(&store, sql), want);
    let newer = "SELECT coalesce(fuel_avg || '', 'none') || ' ' || heat_max FROM burner_hourly";
    assert_eq!(text_of(&store, newer), "none 20.0");
    seal(&store, &mut recorder, 2 * DAY);
    assert_eq!(text_of(&store, newer), "none 20.0");
}

#[test]
fn an_hour_that_is_sealed_in_pieces_is_rolled_up_at_its_end() {
    let (_directory, store, mut recorder) = history();
    minutes(&mut recorder, 0, 70);
    let piece = |from, to| Stretch {
        table: "interface".into(),
        from: T0 + from,
        to: T0 + to,
        work: Work::Piece,
    };
    let hour = format!("{PORT} FROM interface_hourly ORDER BY ts LIMIT 1");
    let rolled = "SELECT string_agg(tier || ' ' || rows, ', ' ORDER BY tier, from_ts) FROM sealed_file WHERE tier <> 'raw'";
    for (stretch, want) in [
        (piece(0, 2100), "m5 7"),
        (piece(2100, HOUR), "h1 1, m5 7, m5 5"),
    ] {
        let prepared = store.prepare(&stretch).unwrap();
        assert_eq!(recorder.switch(&prepared).unwrap(), Switched::Done);
        assert_eq!(text_of(&store, rolled), want);
        assert_eq!(text_of(&store, &hour), FIRST_HOUR);
    }
}
