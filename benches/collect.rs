//! What one value costs from the device to the disk, in CPU time: `make bench`.
//!
//! A simulated fleet in its own process answers; our collectors, intake and store run here. Beside
//! it the same fleet is walked by net-snmp's snmpbulkwalk, which stores nothing. CPU time says more
//! than the clock on a machine that does other things too; the ratio says more than either.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eider::collect::Collectors;
use eider::intake::Intake;
use eider::inventory::{Access, Host, Inventory, Secret, SnmpAccess, SnmpAuth, Target};
use eider::reading::{Collection, Method};
use eider::store::{Options, Store};

/// The daemon's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DEVICES: u32 = 1_000;
const PORTS: u32 = 24;
/// Polls of every device. The first learns what there is, walks the tables and stores no differences.
const ROUNDS: i64 = 20;
/// Polls under way at once.
const AT_ONCE: usize = 500;
const START: i64 = 1_700_000_000;
/// Devices that the peer walks; its cost is per value.
const WALKED: u32 = 40;
/// What snmpbulkwalk is told to walk: the counters and states that we read too.
const SUBTREES: [&str; 2] = ["1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"];

fn main() {
    let fleet = Simulator::start();
    println!("{DEVICES} devices with {PORTS} ports, {ROUNDS} polls of each\n");
    let ours = poll_and_keep(fleet.port);
    report("polled, made rows, on disk after CHECKPOINT", &ours);
    match walk(fleet.port) {
        Some(theirs) => {
            report("snmpbulkwalk, a process per table, no storing", &theirs);
            let ratio = ours.per_million() / theirs.per_million();
            println!("  ratio {ratio:.2} (below 1: cheaper than the walk alone)");
        }
        None => println!("snmpbulkwalk is not on this machine: no ratio"),
    }
}

struct Cost {
    values: u64,
    cpu: Duration,
    took: Duration,
}

impl Cost {
    /// CPU seconds for a million values.
    fn per_million(&self) -> f64 {
        self.cpu.as_secs_f64() / self.values.max(1) as f64 * 1e6
    }
}

fn report(what: &str, cost: &Cost) {
    println!(
        "{what:<46} {:>10} values  {:>6.2} CPU s  {:>6.2} s  {:>6.2} CPU s per million",
        cost.values,
        cost.cpu.as_secs_f64(),
        cost.took.as_secs_f64(),
        cost.per_million()
    );
}

/// CPU time, of this process or of its children that have ended.
#[allow(unsafe_code, reason = "the standard library does not tell CPU time")]
fn cpu(who: libc::c_int) -> Duration {
    // SAFETY: all zeros is a valid rusage; the call only fills it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(who, &raw mut usage);
        usage
    };
    let time = |t: libc::timeval| {
        Duration::from_secs(t.tv_sec as u64) + Duration::from_micros(t.tv_usec as u64)
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}

struct Simulator {
    child: Child,
    port: u16,
}

impl Simulator {
    fn start() -> Simulator {
        let (devices, ports) = (DEVICES.to_string(), PORTS.to_string());
        let mut child = Command::new(env!("CARGO_BIN_EXE_eider"))
            .args(["simulate", "--port", "0", "--devices", &devices])
            .args(["--ports", &ports])
            .stdout(Stdio::piped())
            .spawn()
            .expect("our own binary");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("a line of text");
        let port = line.split("udp/").nth(1).and_then(|t| t.split(',').next());
        let port = port.and_then(|p| p.parse().ok()).expect("a port");
        Simulator { child, port }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Everything that a daemon does with values, from the sockets to the end of the history's file.
fn poll_and_keep(port: u16) -> Cost {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (begun, before) = (Instant::now(), cpu(libc::RUSAGE_SELF));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let (inventory, targets) = inventory(port);
    let options = Options { memory_bytes: None };
    let (store, mut recorder) = Store::open(directory.path(), &options).expect("a new history");
    let mut intake = Intake::default();
    let ids = recorder.sync_hosts(&inventory, START).expect("new hosts");
    intake.sync(&inventory, ids);
    let mut values = 0;
    runtime.block_on(async {
        let collectors = Arc::new(collectors(directory.path()));
        for round in 0..ROUNDS {
            let ts = START + round * 60;
            for some in targets.chunks(AT_ONCE) {
                let polls = some.iter().map(|target| {
                    let (collectors, target) = (collectors.clone(), target.clone());
                    tokio::spawn(async move { collectors.collect(&target, || ts).await })
                });
                let polls: Vec<_> = polls.collect();
                let mut batch = Vec::new();
                for poll in polls {
                    let collection = poll.await.expect("a poll ends");
                    values += read(&collection);
                    batch.extend(intake.take(collection));
                }
                recorder.append(&batch).expect("rows are kept");
            }
        }
    });
    drop(store);
    recorder.close().expect("a checkpoint");
    Cost {
        values,
        cpu: cpu(libc::RUSAGE_SELF) - before,
        took: begun.elapsed(),
    }
}

fn collectors(state: &Path) -> Collectors {
    Collectors::start(state, START as u64 * 1_000).expect("sockets")
}

/// Values that the collection brought for rows.
fn read(collection: &Collection) -> u64 {
    let readings = collection.outcome.as_ref();
    let readings = readings.unwrap_or_else(|f| panic!("{}: {f:?}", collection.host));
    let rows = readings.tables.iter().flat_map(|t| &t.rows);
    rows.map(|row| row.values.iter().filter(|v| !v.is_null()).count() as u64)
        .sum()
}

/// The peer: `None` where it is not installed.
fn walk(port: u16) -> Option<Cost> {
    let (begun, before) = (Instant::now(), cpu(libc::RUSAGE_CHILDREN));
    let mut values = 0;
    for device in 1..=WALKED {
        for subtree in SUBTREES {
            let peer = format!("udp:127.1.0.{device}:{port}");
            let output = Command::new("snmpbulkwalk")
                .args([
                    "-v2c", "-c", "public", "-Cr50", "-m", "", "-Oqn", &peer, subtree,
                ])
                .output()
                .ok()?;
            assert!(output.status.success(), "snmpbulkwalk failed");
            values += output.stdout.iter().filter(|b| **b == b'\n').count() as u64;
        }
    }
    Some(Cost {
        values,
        cpu: cpu(libc::RUSAGE_CHILDREN) - before,
        took: begun.elapsed(),
    })
}

fn inventory(port: u16) -> (Inventory, Vec<Arc<Target>>) {
    let mut inventory = Inventory::default();
    let mut targets = Vec::new();
    for device in 0..DEVICES {
        let address = std::net::Ipv4Addr::from(0x7f01_0001 + device).to_string();
        let target = Arc::new(Target {
            host: format!("sim{device}").into(),
            way: Method::Snmp.into(),
            address: address.clone(),
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(30),
            access: Access::Snmp(SnmpAccess {
                profiles: Default::default(),
                port,
                auth: SnmpAuth::V2c {
                    community: Secret::new("public"),
                },
            }),
        });
        let host = Host {
            name: target.host.clone(),
            address,
            groups: Vec::new(),
            labels: BTreeMap::new(),
            depends_on: Vec::new(),
            renamed_from: None,
            targets: vec![target.clone()],
            origins: Vec::new(),
        };
        inventory.hosts.insert(host.name.clone(), Arc::new(host));
        targets.push(target);
    }
    (inventory, targets)
}
