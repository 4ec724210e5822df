//! Our engine, the real intake and the real store against simulated devices on a bad line: every
//! value must land under its own device, port and column.

pub(crate) mod verb;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use eider::collect::snmp::Engine;
use eider::intake::Intake;
use eider::inventory::{Access, Host, Inventory, Secret, SnmpAccess, SnmpAuth, Target};
use eider::reading::{Collection, Method, Readings, Value};
use eider::simulate::{Control, Counter, Faults, Fleet, Options, Shape};
use eider::store::{Cell, Question, Recorder, Store};
use eider::table;

use crate::support::PATIENCE;

/// The columns that a counter of a port must turn up in.
pub(crate) const COLUMNS: [(&str, Counter); 12] = [
    ("in_octets", Counter::InOctets),
    ("out_octets", Counter::OutOctets),
    ("in_unicast", Counter::InUnicast),
    ("out_unicast", Counter::OutUnicast),
    ("in_multicast", Counter::InMulticast),
    ("out_multicast", Counter::OutMulticast),
    ("in_broadcast", Counter::InBroadcast),
    ("out_broadcast", Counter::OutBroadcast),
    ("in_errors", Counter::InErrors),
    ("out_errors", Counter::OutErrors),
    ("in_discards", Counter::InDiscards),
    ("out_discards", Counter::OutDiscards),
];
const PORTS: u32 = 24;

fn options(devices: u32, seed: u64) -> Options {
    Options {
        first: Ipv4Addr::new(127, 1, 0, 1),
        port: 0,
        devices,
        community: "public".into(),
        user: None,
        mischief: Vec::new(),
        shape: Shape {
            seed,
            ports: PORTS,
            counters32: false,
            reboot_every_ms: 0,
            renumber_every_ms: 0,
        },
        recordings: Vec::new(),
        faults: Faults::default(),
        longest_reply: 1_472,
    }
}

/// A running fleet, and everything from the engine to the store.
struct Scene {
    control: Control,
    runner: Option<JoinHandle<()>>,
    shape: Shape,
    targets: Vec<Arc<Target>>,
    engine: Engine,
    intake: Intake,
    recorder: Recorder,
    store: Store,
    rounds: i64,
}

/// One poll of one device, and the time of the devices before and after it.
struct Polled {
    device: u32,
    from_ms: u64,
    to_ms: u64,
    collection: Collection,
}

impl Scene {
    fn start(options: Options) -> Scene {
        let shape = options.shape.clone();
        let devices = options.devices;
        let fleet = Fleet::open(options).expect("addresses of loopback");
        let control = fleet.control();
        let mut inventory = Inventory::default();
        let mut targets = Vec::new();
        for device in 0..devices {
            let target = target(&fleet, device);
            let host = host(&target);
            inventory.hosts.insert(host.name.clone(), Arc::new(host));
            targets.push(target);
        }
        let runner = std::thread::spawn(move || fleet.run().expect("a sound socket"));
        let (store, mut recorder) = Store::in_memory().expect("an empty history");
        let mut intake = Intake::default();
        let ids = recorder.sync_hosts(&inventory, 1_700_000_000);
        intake.sync(&inventory, ids.expect("new hosts"));
        Scene {
            control,
            runner: Some(runner),
            shape,
            targets,
            engine: Engine::start().expect("sockets"),
            intake,
            recorder,
            store,
            rounds: 0,
        }
    }

    /// Polls every device once, all at the same time, and stores what came.
    async fn poll(&mut self) -> Vec<Polled> {
        let scene = &*self;
        let polls = (0..)
            .zip(&scene.targets)
            .map(|(device, target)| async move {
                let Access::Snmp(access) = &target.access else {
                    unreachable!("an SNMP target");
                };
                let (begun, from_ms) = (Instant::now(), scene.control.elapsed_ms());
                let deadline = begun + target.timeout;
                let (effort, outcome) = scene.engine.collect(target, access, deadline).await;
                let to_ms = scene.control.elapsed_ms();
                let collection = Collection {
                    host: target.host.clone(),
                    way: Method::Snmp.into(),
                    ts: 1_700_000_000 + scene.rounds * 60,
                    took: begun.elapsed(),
                    read_at_ms: u64::midpoint(from_ms, to_ms),
                    effort,
                    outcome,
                };
                Polled {
                    device,
                    from_ms,
                    to_ms,
                    collection,
                }
            });
        let polled = futures_util::future::join_all(polls).await;
        self.rounds += 1;
        let batch: Vec<_> = polled
            .iter()
            .filter_map(|p| self.intake.take(p.collection.clone()))
            .collect();
        assert_eq!(batch.len(), self.targets.len());
        self.recorder.append(&batch).expect("rows are kept");
        polled
    }

    /// What the store has of a column, summed up per device and port.
    fn stored(&self, column: &str) -> BTreeMap<(String, String), i128> {
        let sql = format!(
            "SELECT host, interface, sum({column}) FROM interface GROUP BY ALL HAVING sum({column}) IS NOT NULL"
        );
        let answer = self.store.ask_blocking(&Question::new(sql)).expect("rows");
        let row = |row: &Vec<Cell>| match row.as_slice() {
            [Cell::Text(host), Cell::Text(port), Cell::Int(sum)] => {
                ((host.clone(), port.clone()), *sum)
            }
            other => panic!("{other:?}"),
        };
        answer.rows.iter().map(row).collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.control.stop();
        if let Some(runner) = self.runner.take() {
            let _ = runner.join();
        }
    }
}

fn target(fleet: &Fleet, device: u32) -> Arc<Target> {
    Arc::new(Target {
        host: format!("sim{device}").into(),
        way: Method::Snmp.into(),
        address: fleet.address(device).to_string(),
        interval: Duration::from_secs(60),
        timeout: PATIENCE,
        access: Access::Snmp(SnmpAccess {
            interfaces: Default::default(),
            profiles: Default::default(),
            port: fleet.port(),
            auth: SnmpAuth::V2c {
                community: Secret::new("public"),
            },
        }),
    })
}

fn host(target: &Arc<Target>) -> Host {
    Host {
        name: target.host.clone(),
        address: target.address.clone(),
        groups: Vec::new(),
        labels: BTreeMap::new(),
        depends_on: Vec::new(),
        renamed_from: None,
        targets: vec![target.clone()],
        origins: Vec::new(),
    }
}

fn readings(polled: &Polled) -> &Readings {
    let outcome = polled.collection.outcome.as_ref();
    outcome.unwrap_or_else(|failure| panic!("device {}: {failure:?}", polled.device))
}

/// Every counter of every port, as it was read, against what this one counter of this one device
/// stood at meanwhile. Returns how many were looked at.
fn check_readings(shape: &Shape, polled: &Polled) -> usize {
    let interface = |t: &&eider::reading::TableReadings| t.table.name == "interface";
    let found = readings(polled).tables.iter().find(interface);
    let mut seen = 0;
    for row in &found.expect("ports").rows {
        let name = &row.entity.as_ref().expect("a port").name;
        let port = (0..PORTS).find(|p| Shape::port_name(*p) == *name);
        let port = port.unwrap_or_else(|| panic!("no port is called {name}"));
        for (column, counter) in COLUMNS {
            let place = table::INTERFACE.position(column).expect("a column");
            let at = |ms| shape.counter(polled.device, port, counter, ms);
            let (least, most) = (at(polled.from_ms), at(polled.to_ms));
            let right = match row.values[place] {
                Value::Counter64(v) => (least..=most).contains(&v),
                // Short enough a time for one wrap at most.
                Value::Counter32(v) => {
                    let past = v.wrapping_sub(least as u32);
                    u64::from(past) <= most - least
                }
                _ => false,
            };
            let value = &row.values[place];
            let device = polled.device;
            assert!(
                right,
                "sim{device} {name} {column}: {value:?}, truly {least} to {most}"
            );
            seen += 1;
        }
    }
    seen
}

/// What is stored of a column between two polls of each device, against the truth.
fn check_stored(scene: &Scene, column: &str, counter: Counter, first: &[Polled], last: &[Polled]) {
    let stored = scene.stored(column);
    // A device whose first or last poll failed has a shorter history.
    let whole = |p: &Polled| p.collection.outcome.is_ok();
    let both = first.iter().zip(last);
    for (before, after) in both.filter(|(before, after)| whole(before) && whole(after)) {
        for port in 0..PORTS {
            let at = |ms| scene.shape.counter(before.device, port, counter, ms);
            let least = at(after.from_ms).saturating_sub(at(before.to_ms));
            let most = at(after.to_ms) - at(before.from_ms);
            let key = (format!("sim{}", before.device), Shape::port_name(port));
            let sum = stored.get(&key).copied();
            let right = sum.is_some_and(|s| (i128::from(least)..=i128::from(most)).contains(&s));
            assert!(right, "{key:?} {column}: {sum:?}, truly {least} to {most}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_bad_line_every_value_is_under_its_own_name() {
    let mut options = options(50, 7);
    options.faults = Faults {
        loss: 0.1,
        duplicate: 0.1,
        reorder: 0.2,
        delay: Duration::from_millis(4),
    };
    let mut scene = Scene::start(options);
    let mut rounds = Vec::new();
    for _ in 0..4 {
        rounds.push(scene.poll().await);
        scene.control.skip(Duration::from_secs(60));
    }
    let all: Vec<&Polled> = rounds.iter().flatten().collect();
    let good: Vec<&&Polled> = all
        .iter()
        .filter(|p| p.collection.outcome.is_ok())
        .collect();
    assert!(
        good.len() * 100 >= all.len() * 99,
        "{} good polls",
        good.len()
    );
    let seen: usize = good.iter().map(|p| check_readings(&scene.shape, p)).sum();
    assert_eq!(seen, good.len() * PORTS as usize * COLUMNS.len());
    assert!(scene.engine.stale_replies() > 0, "duplicates came");

    let retried: u32 = all.iter().map(|p| p.collection.effort.retries).sum();
    assert!(retried > 0, "losses happened");
    for (column, counter) in [
        ("in_octets", Counter::InOctets),
        ("out_octets", Counter::OutOctets),
        ("in_errors", Counter::InErrors),
        ("out_discards", Counter::OutDiscards),
    ] {
        check_stored(&scene, column, counter, &rounds[0], &rounds[3]);
    }
}

#[tokio::test]
async fn renumbered_ports_go_on_under_their_names() {
    let mut options = options(5, 11);
    options.shape.renumber_every_ms = 600_000;
    let mut scene = Scene::start(options);
    let first = scene.poll().await;
    scene.control.skip(Duration::from_secs(600));
    let second = scene.poll().await;
    scene.control.skip(Duration::from_secs(600));
    let third = scene.poll().await;
    for polled in first.iter().chain(&second).chain(&third) {
        check_readings(&scene.shape, polled);
    }
    check_stored(&scene, "in_octets", Counter::InOctets, &first, &third);
    check_stored(&scene, "out_octets", Counter::OutOctets, &first, &third);
    let moved = |a: &Polled, b: &Polled| {
        let index = |p: &Polled| {
            let tables = &readings(p).tables;
            let ports = tables.iter().find(|t| t.table.name == "interface");
            let named =
                |r: &&eider::reading::Row| r.entity.as_ref().is_some_and(|e| e.name == "Gi0/3");
            let row = ports.expect("ports").rows.iter().find(named).cloned();
            let place = table::INTERFACE.fact_position("if_index").expect("a fact");
            row.expect("a port").facts[place].clone()
        };
        index(a) != index(b)
    };
    assert!(first.iter().zip(&second).all(|(a, b)| moved(a, b)));
    let sql = "SELECT count(DISTINCT interface) FROM interface";
    let answer = scene.store.ask_blocking(&Question::new(sql)).expect("rows");
    assert_eq!(answer.rows[0][0], Cell::Int(i128::from(PORTS)));
}

#[tokio::test]
async fn counters_of_32_bits_wrap_without_a_spike() {
    let mut options = options(6, 3);
    options.shape.counters32 = true;
    let mut scene = Scene::start(options);
    let first = scene.poll().await;
    scene.control.skip(Duration::from_secs(30));
    let second = scene.poll().await;
    for polled in first.iter().chain(&second) {
        check_readings(&scene.shape, polled);
    }
    let wrapped = (0..6 * PORTS).filter(|n| {
        let at = |p: &Polled| {
            let port = n % PORTS;
            scene
                .shape
                .counter(p.device, port, Counter::InOctets, p.to_ms) as u32
        };
        let device = (n / PORTS) as usize;
        at(&second[device]) < at(&first[device])
    });
    assert!(wrapped.count() > 0, "none wrapped: another seed is needed");
    check_stored(&scene, "in_octets", Counter::InOctets, &first, &second);
}

#[tokio::test]
async fn how_much_a_device_bears_is_learned_once() {
    let mut options = options(3, 5);
    options.longest_reply = 500;
    let mut scene = Scene::start(options);
    for polled in &scene.poll().await {
        assert_eq!(check_readings(&scene.shape, polled), 24 * COLUMNS.len());
    }
    let refused = scene.control.too_big();
    assert!(refused > 0, "nothing was too big");
    for polled in &scene.poll().await {
        assert_eq!(check_readings(&scene.shape, polled), 24 * COLUMNS.len());
    }
    assert_eq!(scene.control.too_big(), refused, "asked too much again");
}
