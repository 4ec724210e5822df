//! Programs that poll the same simulated devices and store nothing: what a value costs them. Each is
//! left out where it is not installed.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Cost, PORTS, cpu};

/// Devices that a peer polls; its cost is per value.
const POLLED: u32 = 40;
const ROUNDS: u32 = 5;
/// Counters of each port: columns of ifXTable.
const COUNTERS: [u32; 8] = [6, 7, 8, 9, 10, 11, 12, 13];
const IFX: &str = "1.3.6.1.2.1.31.1.1.1";

pub(super) const NAMES: [&str; 4] = ["snmpbulkwalk", "braa", "gufo-snmp", "snmp_exporter"];

/// What the peer of that name costs; `None` where it is not installed.
pub(super) fn run(name: &str, port: u16) -> Option<Cost> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    match name {
        "braa" => braa(port, directory.path()),
        "gufo-snmp" => gufo(port, directory.path()),
        "snmp_exporter" => exporter(port, directory.path()),
        _ => walk(port),
    }
}

fn address(device: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x7f01_0001 + device)
}

/// What a command and its children cost that prints one line for each value.
fn lines(command: &mut Command) -> Option<Cost> {
    let (begun, before) = (Instant::now(), cpu(libc::RUSAGE_CHILDREN));
    let output = command.stderr(Stdio::null()).output().ok()?;
    let printed = output.stdout.iter().filter(|b| **b == b'\n').count();
    (printed > 0).then(|| cost(printed as u64, begun, before))
}

/// A process for each device.
fn walk(port: u16) -> Option<Cost> {
    let (begun, before) = (Instant::now(), cpu(libc::RUSAGE_CHILDREN));
    let mut values = 0;
    for device in 0..POLLED {
        let peer = format!("udp:{}:{port}", address(device));
        let mut command = Command::new("snmpbulkwalk");
        command.args(["-v2c", "-cpublic", "-Cr50", "-m", "", "-Oqn", &peer, IFX]);
        values += lines(&mut command)?.values;
    }
    Some(cost(values, begun, before))
}

fn cost(values: u64, begun: Instant, before: Duration) -> Cost {
    Cost {
        values,
        cpu: cpu(libc::RUSAGE_CHILDREN) - before,
        took: begun.elapsed(),
        first: Duration::ZERO,
    }
}

/// braa is told each object, as many at once as it sends; its devices are a range of addresses.
fn braa(port: u16, directory: &Path) -> Option<Cost> {
    const AT_ONCE: usize = 24;
    let range = format!("public@{}-{}:{port}:", address(0), address(POLLED - 1));
    let mut queries = Vec::new();
    for column in COUNTERS {
        queries.extend((1..=PORTS).map(|index| format!("{range}.{IFX}.{column}.{index}\n")));
    }
    let (begun, before) = (Instant::now(), cpu(libc::RUSAGE_CHILDREN));
    let mut values = 0;
    for some in queries.chunks(AT_ONCE) {
        let file = directory.join("queries");
        std::fs::write(&file, some.concat()).ok()?;
        let mut command = Command::new("braa");
        values += lines(command.args(["-2", "-t", "3", "-f"]).arg(&file))?.values;
    }
    Some(cost(values, begun, before))
}

const GUFO: &str = r#"
import asyncio, sys
from gufo.snmp.aio import SnmpSession
port, polled, ports, rounds = (int(a) for a in sys.argv[1:5])
oids = ["1.3.6.1.2.1.31.1.1.1.%d.%d" % (c, i) for c in range(6, 14) for i in range(1, ports + 1)]
async def one(n):
    got = 0
    async with SnmpSession(addr="127.1.0.%d" % (n + 1), port=port, community="public", timeout=10.0) as s:
        for _ in range(rounds):
            for at in range(0, len(oids), 48):
                got += len(await s.get_many(oids[at:at + 48]))
    return got
async def main():
    print("x\n" * (sum(await asyncio.gather(*(one(n) for n in range(polled)))) - 1) + "x")
asyncio.run(main())
"#;

/// Called as `python3`, or as the environment variable EIDER_BENCH_PYTHON says.
fn gufo(port: u16, directory: &Path) -> Option<Cost> {
    let script = directory.join("poll.py");
    std::fs::write(&script, GUFO).ok()?;
    let python = std::env::var("EIDER_BENCH_PYTHON");
    let arguments = [port.into(), POLLED, PORTS, ROUNDS].map(|n: u32| n.to_string());
    lines(
        Command::new(python.as_deref().unwrap_or("python3"))
            .arg(script)
            .args(arguments),
    )
}

/// A daemon that is asked by HTTP, a device at a time.
fn exporter(port: u16, directory: &Path) -> Option<Cost> {
    let mut config = String::from("bench:\n  version: 2\n  auth: {community: public}\n  get: []\n");
    config += "  max_repetitions: 25\n  walk:\n";
    let mut metrics = String::from("  metrics:\n");
    for column in COUNTERS {
        config += &format!("    - {IFX}.{column}\n");
        metrics += &format!(
            "    - {{name: c{column}, oid: {IFX}.{column}, type: counter, indexes: [{{labelname: ifIndex, type: gauge}}]}}\n"
        );
    }
    let file = directory.join("snmp.yml");
    std::fs::write(&file, config + &metrics).ok()?;
    let listen = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?;
    let (begun, before) = (Instant::now(), cpu(libc::RUSAGE_CHILDREN));
    let child = Command::new("prometheus-snmp-exporter")
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--web.listen-address={listen}"))
        .stderr(Stdio::null())
        .spawn();
    let child = Running(child.ok()?);
    let mut values = 0;
    for _ in 0..ROUNDS {
        for device in 0..POLLED {
            let path = format!("/snmp?module=bench&target={}:{port}", address(device));
            let text = fetch(&listen.to_string(), &path)?;
            values += text.lines().filter(|l| l.starts_with('c')).count() as u64;
        }
    }
    drop(child);
    (values > 0).then(|| cost(values, begun, before))
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The body of an answer; waits for a daemon that has just been started.
fn fetch(to: &str, path: &str) -> Option<String> {
    let until = Instant::now() + Duration::from_secs(5);
    let mut stream = loop {
        match TcpStream::connect(to) {
            Ok(stream) => break stream,
            Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
            Err(_) => return None,
        }
    };
    let request = format!("GET {path} HTTP/1.0\r\nHost: {to}\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}
