//! What a long history costs: bytes per value and the time of the questions that people ask of it,
//! against their limits: `make bench-history`.
//!
//! The reference is 500 hosts of 24 ports, 8 counters a minute for 30 days; `HOSTS`, `DAYS` and
//! `IDLE` (percent of the ports that carry nothing) make it smaller. Rows go the store's real way:
//! appended minute by minute, sealed by the hour, merged by the day.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eider::intake::{FactChange, NewEntity, PollRow, Stored, StoredRow, StoredTable};
use eider::inventory::{Host, Inventory};
use eider::reading::{Effort, EntityKey, Method, Value};
use eider::store::sealed::Switched;
use eider::store::{Cell, Options, Question, Recorder, Store};
use eider::table::INTERFACE;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const PORTS: usize = 24;
const COUNTERS: [&str; 8] = [
    "in_octets",
    "out_octets",
    "in_packets",
    "out_packets",
    "in_errors",
    "out_errors",
    "in_discards",
    "out_discards",
];
/// What a port counts in a minute, in the middle: octets, packets, errors, discards.
const MIDDLE: [f64; 8] = [3e8, 1e8, 4e5, 2e5, 2.0, 1.0, 20.0, 10.0];
const SIGMA: f64 = 0.5;
/// 2026-09-01T00:00:00Z
const START: i64 = 1_788_220_800;
const DAY: i64 = 86_400;

/// How large.
struct Size {
    hosts: usize,
    days: i64,
    /// Percent of ports that are idle.
    idle: usize,
}

fn main() {
    let number = |name: &str, default: i64| {
        let text = std::env::var(name).ok();
        text.and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let size = Size {
        hosts: number("HOSTS", 50) as usize,
        days: number("DAYS", 3),
        idle: number("IDLE", 40) as usize,
    };
    let busy = Size {
        hosts: size.hosts,
        days: 1,
        idle: 0,
    };
    run(&size, true);
    run(&busy, false);
}

fn run(size: &Size, questions: bool) {
    let (rows, values) = (size.rows(), size.rows() * COUNTERS.len() as i64);
    println!(
        "{} hosts × {PORTS} ports × {} counters × 1 min × {} days, {} % idle: {:.1} million rows, {:.1} million values",
        size.hosts,
        COUNTERS.len(),
        size.days,
        size.idle,
        rows as f64 / 1e6,
        values as f64 / 1e6
    );
    let directory = tempfile::tempdir().expect("a temporary directory");
    let options = Options { memory_bytes: None };
    let (store, mut recorder) = Store::open(directory.path(), &options).expect("a new history");
    recorder
        .sync_hosts(&inventory(size.hosts), START)
        .expect("new hosts");
    fill(&store, &mut recorder, size);
    store.unlink_replaced(Duration::ZERO);
    bytes(&store, size, values);
    if questions {
        ask_all(&store, size);
        drop(store);
        recorder.close().expect("an orderly end");
        let begun = Instant::now();
        let (_store, mut recorder) = Store::open(directory.path(), &options).expect("it opens");
        recorder.known().expect("entities");
        limit(
            "opening, with what the writer must know",
            begun.elapsed(),
            5.0,
        );
    }
    println!();
}

impl Size {
    fn rows(&self) -> i64 {
        (self.hosts * PORTS) as i64 * self.days * 1440
    }
}

/// Appends minute by minute and seals as the daemon does; tells what that took.
fn fill(store: &Store, recorder: &mut Recorder, size: &Size) {
    let mut ports = ports(size);
    let mut appended = Duration::ZERO;
    let mut sealed = Sealed::default();
    for minute in 0..size.days * 1440 {
        let ts = START + minute * 60;
        let batch: Vec<Stored> = (0..size.hosts)
            .map(|host| stored(host, ts, minute == 0, &mut ports[host * PORTS..][..PORTS]))
            .collect();
        let begun = Instant::now();
        recorder.append(&batch).expect("rows are kept");
        appended += begun.elapsed();
        if minute % 60 == 6 {
            sealed.due(store, recorder, ts);
        }
    }
    let end = START + size.days * DAY;
    sealed.due(store, recorder, end + 300);
    sealed.due(store, recorder, end + 7200);
    println!("  appending {appended:.1?}, sealing {:.1?}", sealed.took);
    println!(
        "  longest stretch {:.2?}; longest time the writer was held up {:.0?} (limit 1 s: {:.2})",
        sealed.longest,
        sealed.held,
        sealed.held.as_secs_f64()
    );
}

#[derive(Default)]
struct Sealed {
    took: Duration,
    longest: Duration,
    held: Duration,
}

impl Sealed {
    fn due(&mut self, store: &Store, recorder: &mut Recorder, now: i64) {
        for stretch in store.stretches(now, false).expect("a plan") {
            let begun = Instant::now();
            let prepared = store.prepare(&stretch).expect("files");
            let switching = Instant::now();
            let switched = recorder.switch(&prepared).expect("a transaction");
            assert_eq!(switched, Switched::Done);
            self.held = self.held.max(switching.elapsed());
            self.longest = self.longest.max(begun.elapsed());
            self.took += begun.elapsed();
        }
        store.unlink_replaced(Duration::ZERO);
    }
}

/// One port: what it counts in the middle, and its own chance.
struct Port {
    middle: Option<[f64; 8]>,
    rng: StdRng,
}

fn ports(size: &Size) -> Vec<Port> {
    let mut rng = StdRng::seed_from_u64(1);
    (0..size.hosts * PORTS)
        .map(|_| {
            let idle = rng.random_range(0..100) < size.idle;
            // Ports differ by a factor of a hundred.
            let scale = 10_f64.powf(rng.random_range(-1.0..1.0));
            Port {
                middle: (!idle).then(|| MIDDLE.map(|middle| middle * scale)),
                rng: StdRng::seed_from_u64(rng.random()),
            }
        })
        .collect()
}

impl Port {
    fn row(&mut self, entity_id: i32) -> StoredRow {
        let mut values = vec![Value::Null; INTERFACE.columns.len()];
        for (place, name) in COUNTERS.into_iter().enumerate() {
            let count = self.middle.map_or(0.0, |middle| {
                middle[place] * (SIGMA * normal(&mut self.rng)).exp()
            });
            values[INTERFACE.position(name).expect("a column")] = Value::Int(count as i64);
        }
        values[INTERFACE.position("state").expect("a column")] = Value::text("up");
        values[INTERFACE.position("admin_state").expect("a column")] = Value::text("up");
        StoredRow {
            entity_id: Some(entity_id),
            elapsed_ms: Some(self.rng.random_range(59_960..=60_040)),
            values,
        }
    }
}

/// Of the standard normal distribution, by Box and Muller.
fn normal(rng: &mut StdRng) -> f64 {
    let one: f64 = 1.0 - rng.random::<f64>();
    let two: f64 = rng.random();
    (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * two).cos()
}

fn stored(host: usize, ts: i64, first: bool, ports: &mut [Port]) -> Stored {
    let id = |port: usize| i32::try_from(host * PORTS + port + 1).expect("few ports");
    let name = |port: usize| format!("Gi0/{port}");
    let rows = ports.iter_mut().enumerate();
    let rows: Vec<StoredRow> = rows.map(|(port, own)| own.row(id(port))).collect();
    let host_id = i32::try_from(host + 1).expect("few hosts");
    let mut facts = vec![Value::Null; INTERFACE.facts.len()];
    facts[INTERFACE.fact_position("speed_bps").expect("a fact")] = Value::Int(10_000_000_000);
    let new = (0..PORTS).filter(|_| first);
    Stored {
        host_id,
        way: Method::Snmp.into(),
        ts,
        push_key: None,
        poll: PollRow {
            took_ms: 20,
            effort: Effort::default(),
            rows: rows.len() as i64,
            resets: 0,
            failure: None,
            problems: String::new(),
        },
        tables: vec![StoredTable {
            table: &INTERFACE,
            rows,
        }],
        new_entities: new
            .clone()
            .map(|port| NewEntity {
                id: id(port),
                host_id,
                table: INTERFACE.name,
                key: EntityKey::named(name(port)),
            })
            .collect(),
        renamed_entities: Vec::new(),
        fact_changes: new
            .map(|port| FactChange {
                entity_id: id(port),
                table: &INTERFACE,
                facts: facts.clone().into(),
                first: true,
            })
            .collect(),
        host_facts: Vec::new(),
        events: Vec::new(),
    }
}

fn inventory(hosts: usize) -> Inventory {
    let host = |number: usize| {
        let name: Arc<str> = Arc::from(format!("h{number}"));
        let host = Host {
            name: name.clone(),
            address: "127.0.0.1".into(),
            groups: Vec::new(),
            labels: Default::default(),
            depends_on: Vec::new(),
            renamed_from: None,
            targets: Vec::new(),
            origins: Vec::new(),
        };
        (name, Arc::new(host))
    };
    Inventory {
        hosts: (0..hosts).map(host).collect(),
        ..Inventory::default()
    }
}

fn bytes(store: &Store, size: &Size, values: i64) {
    let sql = "SELECT tier, sum(bytes)::BIGINT, count(*), sum(rows)::BIGINT FROM sealed_file
               WHERE table_name = 'interface' GROUP BY tier ORDER BY tier DESC";
    let rows = store.ask_blocking(&Question::new(sql)).expect("sizes").rows;
    let allowed = if size.idle == 0 { 2.0 } else { 1.3 };
    for row in rows {
        let [
            Cell::Text(tier),
            Cell::Int(bytes),
            Cell::Int(files),
            Cell::Int(held),
        ] = &row[..]
        else {
            continue;
        };
        let per_value = *bytes as f64 / values as f64;
        print!(
            "  {tier:<4} {:>8.1} MB in {files} files, {held} rows: {per_value:.3} bytes per value collected",
            *bytes as f64 / 1e6
        );
        if tier == "raw" {
            print!(" (limit {allowed}: {:.2})", per_value / allowed);
        }
        println!();
    }
}

fn ask_all(store: &Store, size: &Size) {
    let end = START + size.days * DAY;
    println!("  times: the shortest of three, and its share of the limit for the reference");
    let asked = [
        (
            "one port, every minute of all days",
            "SELECT ts, in_bps, out_bps FROM interface WHERE host = 'h7' AND interface = 'Gi0/7' AND ts >= $from AND ts < $to ORDER BY ts",
            START,
            0.150,
        ),
        (
            "one host, a day, all ports",
            "SELECT ts, interface, in_bps, out_bps FROM interface WHERE host = 'h7' AND ts >= $from AND ts < $to",
            end - DAY,
            0.050,
        ),
        (
            "totals of all hosts, from hours",
            "SELECT host, sum(in_octets), sum(out_octets) FROM interface_hourly WHERE ts >= $from AND ts < $to GROUP BY host",
            START,
            0.500,
        ),
        (
            "p95 of 5-minute means, all ports",
            "SELECT host, interface, quantile_cont(in_bps, 0.95), quantile_cont(out_bps, 0.95) FROM interface_5min WHERE ts >= $from AND ts < $to GROUP BY ALL",
            START,
            10.0,
        ),
        (
            "p95 of every minute, one host's ports",
            "SELECT interface, quantile_cont(in_bps, 0.95), quantile_cont(out_bps, 0.95) FROM interface WHERE host = 'h7' AND ts >= $from AND ts < $to GROUP BY interface",
            START,
            1.0,
        ),
        (
            "one host, all days by the hour",
            "SELECT ts, sum(in_bps), sum(out_bps) FROM interface_hourly WHERE host = 'h7' AND ts >= $from AND ts < $to GROUP BY ts",
            START,
            0.150,
        ),
    ];
    for (what, sql, from, seconds) in asked {
        let mut question = Question::new(sql)
            .bind("from", Cell::Time(from * 1_000_000))
            .bind("to", Cell::Time(end * 1_000_000));
        question.timeout = Duration::from_secs(60);
        let mut rows = 0;
        let mut once = || {
            let begun = Instant::now();
            rows = store.ask_blocking(&question).expect("an answer").rows.len();
            begun.elapsed()
        };
        let took = (0..3).map(|_| once()).min().expect("three");
        limit(&format!("{what} ({rows} rows)"), took, seconds);
    }
}

fn limit(what: &str, took: Duration, seconds: f64) {
    println!(
        "  {what:<56} {took:>9.1?}  {:.2}",
        took.as_secs_f64() / seconds
    );
}
