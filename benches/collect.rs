//! What one value costs from the device to the disk, in CPU time: `make bench`.
//!
//! A simulated fleet in its own process answers; our collectors, intake and store run here, by version
//! 2c and by version 3. Beside it other programs poll the same fleet, which store nothing. Medians of
//! repeated runs. CPU time says more than the clock on a machine that does other things too; the ratio
//! says more than either.

mod peers;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eider::collect::Collectors;
use eider::intake::Intake;
use eider::inventory::{
    Access, AuthProtocol, Host, Inventory, PrivProtocol, Secret, SnmpAccess, SnmpAuth, Target,
    UsmAuth, UsmPrivacy, UsmUser,
};
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
/// Of as many runs the median counts.
const RUNS: usize = 3;
/// Whom the fleet answers by version 3.
const USER: &str = "bench";
const SECRET: &str = "a long enough secret";

fn main() {
    let fleet = Simulator::start();
    println!(
        "{DEVICES} devices with {PORTS} ports, {ROUNDS} polls of each; medians of {RUNS} runs\n"
    );
    let v2c = SnmpAuth::V2c {
        community: Secret::new("public"),
    };
    let ours = median(|| Some(poll_and_keep(fleet.port, &v2c)));
    let ours = ours.expect("our own");
    report("v2c: polled, made rows, on disk", &ours);
    let secure = median(|| Some(poll_and_keep(fleet.port, &v3())));
    let secure = secure.expect("our own");
    report("v3 authPriv (SHA-256, AES-128): the same", &secure);
    println!("  ratio {:.2}", secure.per_million() / ours.per_million());
    println!(
        "  the first poll of each, with all keys: {:.2} CPU s, by v2c {:.2}\n",
        secure.first.as_secs_f64(),
        ours.first.as_secs_f64()
    );
    for name in peers::NAMES {
        match median(|| peers::run(name, fleet.port)) {
            Some(theirs) => {
                report(&format!("{name}, storing nothing"), &theirs);
                let ratio = ours.per_million() / theirs.per_million();
                println!("  ours {ratio:.2} of it");
            }
            None => println!("{name} is not on this machine"),
        }
    }
}

/// The run in the middle by its cost; `None` when one gives nothing.
fn median(run: impl Fn() -> Option<Cost>) -> Option<Cost> {
    let mut runs: Vec<Cost> = (0..RUNS).map(|_| run()).collect::<Option<_>>()?;
    runs.sort_by(|a, b| a.per_million().total_cmp(&b.per_million()));
    Some(runs.swap_remove(RUNS / 2))
}

fn v3() -> SnmpAuth {
    SnmpAuth::V3(UsmUser {
        name: USER.into(),
        context: String::new(),
        auth: Some(UsmAuth {
            protocol: AuthProtocol::Sha256,
            secret: Secret::new(SECRET),
            privacy: Some(UsmPrivacy {
                protocol: PrivProtocol::Aes128,
                secret: Secret::new(SECRET),
            }),
        }),
    })
}

struct Cost {
    values: u64,
    cpu: Duration,
    took: Duration,
    /// CPU time of the first poll of each device, in which it is learned.
    first: Duration,
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
            .args(["--user", USER, "--auth", "sha256", "--auth-secret", SECRET])
            .args(["--priv", "aes128", "--priv-secret", SECRET])
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
fn poll_and_keep(port: u16, auth: &SnmpAuth) -> Cost {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (begun, before) = (Instant::now(), cpu(libc::RUSAGE_SELF));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let (inventory, targets) = inventory(port, auth);
    let options = Options { memory_bytes: None };
    let (store, mut recorder) = Store::open(directory.path(), &options).expect("a new history");
    let mut intake = Intake::default();
    let ids = recorder.sync_hosts(&inventory, START).expect("new hosts");
    intake.sync(&inventory, ids);
    let mut values = 0;
    let mut first = Duration::ZERO;
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
            if round == 0 {
                first = cpu(libc::RUSAGE_SELF) - before;
            }
        }
    });
    drop(store);
    recorder.close().expect("a checkpoint");
    Cost {
        values,
        cpu: cpu(libc::RUSAGE_SELF) - before,
        took: begun.elapsed(),
        first,
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

fn inventory(port: u16, auth: &SnmpAuth) -> (Inventory, Vec<Arc<Target>>) {
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
                interfaces: Default::default(),
                profiles: Default::default(),
                port,
                auth: auth.clone(),
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
