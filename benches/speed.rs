//! What we claim about speed, as ratios against a peer in the same run: `make bench`.
//!
//! A ratio means the same on a slow machine and on a fast one; the absolute numbers beside it are
//! this machine's.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eider::intake::Intake;
use eider::inventory::{Access, Host, Inventory, Target};
use eider::reading::{
    Collection, Effort, EntityKey, Method, Readings, Row, TableReadings, Uptime, Value,
};
use eider::store::{Cell, Options, Question, Recorder, Store};
use eider::table::{INTERFACE, Kind};

const HOSTS: usize = 200;
const PORTS: usize = 48;
const COUNTERS: usize = 8;
/// Polls of every host; the first only sets the baselines.
const ROUNDS: usize = 6;
const START: i64 = 1_700_000_000;

fn main() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let rounds: Vec<Vec<Collection>> = (0..ROUNDS).map(collections).collect();
    println!(
        "{HOSTS} hosts with {PORTS} ports, {ROUNDS} polls of each, one commit per {HOSTS} polls\n"
    );
    let values = HOSTS * PORTS * COUNTERS * ROUNDS;

    let options = Options { memory_bytes: None };
    let (store, mut recorder) = Store::open(directory.path(), &options).expect("a new history");
    let inventory = inventory();
    let mut intake = Intake::default();
    intake.sync(
        &inventory,
        recorder.sync_hosts(&inventory, START).expect("new hosts"),
    );
    let ours = total(&rounds, |round| keep(&mut intake, &mut recorder, round));
    let bare = bare_appender(&directory.path().join("bare"), &rounds);
    report("counters in, exact differences on disk", values, ours);
    report("the same numbers by a bare DuckDB Appender", values, bare);
    println!(
        "  ratio {:.2} (1 = as fast as DuckDB takes rows at all)\n",
        ratio(ours, bare)
    );

    let narrow = ask(
        &store,
        "SELECT count(in_bps) FROM interface WHERE host = 'h7' AND interface = 'port 7'",
    );
    let full = ask(&store, "SELECT count(in_bps) FROM interface");
    let physical = ask(&store, "SELECT count(in_octets) FROM raw.interface");
    println!("one port by the friendly view       {narrow:>10.1?}");
    println!("every port by the friendly view     {full:>10.1?}");
    println!("every port by the physical table    {physical:>10.1?}");
    println!(
        "  ratio {:.2} (what names and rates cost over bare rows)",
        ratio(full, physical)
    );
}

/// Runs every round and returns the time of all of them together.
fn total(rounds: &[Vec<Collection>], mut run: impl FnMut(&[Collection])) -> Duration {
    let start = Instant::now();
    for round in rounds {
        run(round);
    }
    start.elapsed()
}

fn keep(intake: &mut Intake, recorder: &mut Recorder, round: &[Collection]) {
    let batch: Vec<_> = round
        .iter()
        .filter_map(|collection| intake.take(collection.clone()))
        .collect();
    assert_eq!(batch.len(), HOSTS);
    recorder.append(&batch).expect("rows are kept");
}

/// The peer: no identities, no differences, no types of our own; one commit per round as well.
fn bare_appender(directory: &Path, rounds: &[Vec<Collection>]) -> Duration {
    std::fs::create_dir_all(directory).expect("a temporary directory");
    let connection = duckdb::Connection::open(directory.join("bare.duckdb")).expect("a new file");
    let columns: Vec<String> = (0..COUNTERS).map(|n| format!("c{n} BIGINT")).collect();
    let create = format!(
        "CREATE TABLE t (ts BIGINT, host INTEGER, port INTEGER, {})",
        columns.join(", ")
    );
    connection.execute_batch(&create).expect("a new table");
    total(rounds, |round| {
        connection.execute_batch("BEGIN").expect("a transaction");
        {
            let mut appender = connection.appender("t").expect("an appender");
            for (host, collection) in (0..).zip(round) {
                let readings = collection.outcome.as_ref().expect("good");
                for (port, row) in (0..).zip(&readings.tables[0].rows) {
                    let counters = row.values.iter().filter_map(|value| match value {
                        Value::Counter64(n) => i64::try_from(*n).ok(),
                        _ => None,
                    });
                    let cells = [collection.ts, host, port].into_iter().chain(counters);
                    appender
                        .append_row(duckdb::appender_params_from_iter(cells))
                        .expect("a row");
                }
            }
            appender.flush().expect("rows");
        }
        connection.execute_batch("COMMIT").expect("a commit");
    })
}

/// The shortest of a few: the others were disturbed.
fn ask(store: &Store, sql: &str) -> Duration {
    let question = Question::new(sql);
    let once = || {
        let start = Instant::now();
        let answer = store.ask_blocking(&question).expect("an answer");
        assert!(matches!(answer.rows[0][0], Cell::Int(n) if n > 0), "{sql}");
        start.elapsed()
    };
    (0..7).map(|_| once()).min().expect("seven")
}

fn report(what: &str, values: usize, took: Duration) {
    let per_second = values as f64 / took.as_secs_f64() / 1e6;
    println!("{what:<46} {took:>8.2?}  {per_second:>6.2} million values/s");
}

fn ratio(ours: Duration, peer: Duration) -> f64 {
    ours.as_secs_f64() / peer.as_secs_f64()
}

fn inventory() -> Inventory {
    let mut inventory = Inventory::default();
    for number in 0..HOSTS {
        let name: Arc<str> = name(number);
        let target = Target {
            host: Arc::clone(&name),
            way: Method::Local.into(),
            address: "127.0.0.1".into(),
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(15),
            access: Access::Local,
        };
        let host = Host {
            name: Arc::clone(&name),
            address: "127.0.0.1".into(),
            groups: Vec::new(),
            labels: std::collections::BTreeMap::new(),
            depends_on: Vec::new(),
            renamed_from: None,
            targets: vec![Arc::new(target)],
            origins: Vec::new(),
        };
        inventory.hosts.insert(name, Arc::new(host));
    }
    inventory
}

fn name(number: usize) -> Arc<str> {
    Arc::from(format!("h{number}"))
}

fn collections(round: usize) -> Vec<Collection> {
    (0..HOSTS)
        .map(|host| collection(host, round as u64))
        .collect()
}

fn collection(host: usize, round: u64) -> Collection {
    let rows = (0..PORTS).map(|port| {
        let mut row = Row::new(&INTERFACE, Some(EntityKey::named(format!("port {port}"))));
        let mut counter = 0;
        for (position, column) in INTERFACE.columns.iter().enumerate() {
            if column.kind == Kind::Counter && counter < COUNTERS as u64 {
                counter += 1;
                let pace = 1_000_003 * counter + 7_919 * (host * PORTS + port) as u64;
                row.values[position] = Value::Counter64(1_000_000_000_000 + round * pace);
            }
        }
        row
    });
    Collection {
        host: name(host),
        way: Method::Local.into(),
        ts: START + 60 * round as i64,
        took: Duration::from_millis(20),
        read_at_ms: 60_000 * round,
        effort: Effort::default(),
        outcome: Ok(Readings {
            uptime: Some(Uptime {
                ms: 86_400_000 + 60_000 * round,
                wraps: false,
                boot: 1,
            }),
            tables: vec![TableReadings {
                table: &INTERFACE,
                rows: rows.collect(),
            }],
            ..Readings::default()
        }),
    }
}
