//! HTTP endpoints: a real node_exporter in plain and over TLS, JSON, and servers that misbehave.

use std::process::Command;
use std::time::{Duration, Instant};

use eider::reading::{Readings, Row, Value};
use eider::table::{self, Table};

use crate::support::home::finish;
use crate::support::process::{Process, Program};
use crate::support::{Daemon, PATIENCE, Port, TestHome, python, wait_until};

/// A running `prometheus-node-exporter` with processes counted.
struct NodeExporter {
    _process: Process,
    port: Port,
}

impl NodeExporter {
    fn start(args: &[String]) -> NodeExporter {
        let port = Port::free();
        let mut command = Program::find("prometheus-node-exporter").command();
        command
            .arg(format!("--web.listen-address=127.0.0.1:{}", port.number()))
            .args(["--collector.processes", "--no-collector.systemd"])
            .args(args);
        let process = Process::start("node_exporter", &mut command);
        wait_until("node_exporter listens", PATIENCE, || {
            std::net::TcpStream::connect(("127.0.0.1", port.number())).is_ok()
        });
        NodeExporter {
            _process: process,
            port,
        }
    }
}

/// A server of odd answers; prints its port.
const ODD: &str = r##"
import gzip, http.server, json, sys
class Odd(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        items = json.dumps({"data": {"items": [{"name": "a", "depth": 7, "done": 100}, {"name": "b", "depth": "x"}]}}).encode()
        login = self.headers.get("Authorization", "")
        if self.path == "/json": self.answer(200, items)
        elif self.path == "/packed": self.answer(200, gzip.compress(b"up 1\n" * 100000), Content_Encoding="gzip")
        elif self.path == "/bomb": self.answer(200, gzip.compress(b"#" * (64 << 20)), Content_Encoding="gzip")
        elif self.path == "/there": self.answer(302, Location="/json")
        elif self.path == "/away": self.answer(302, Location="http://127.0.0.1:1/json")
        elif self.path == "/round": self.answer(302, Location="/round")
        elif self.path == "/login": self.answer(200 if login in ("Bearer s3cret-token", "Basic bW9uOnMzY3JldA==") else 401, items)
        elif self.path == "/binary": self.answer(200, bytes(range(256)) * 100)
        elif self.path == "/slow":
            self.send_response(200); self.end_headers(); self.wfile.write(b"up 1\n"); self.wfile.flush()
            import time; time.sleep(60)
        else: self.answer(404, b"no")
    def log_message(self, *rest): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Odd)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
"##;

fn odd_server() -> (Process, u16) {
    let mut command = python::command();
    command.args(["-c", ODD]);
    let process = Process::start("odd", &mut command);
    let port = crate::support::wait_for("the odd server tells its port", PATIENCE, || {
        process.log().find(|line| line.trim().parse().ok())
    });
    (process, port)
}

/// An authority, and a certificate of it for 127.0.0.1 that ends in 20 days.
fn certificates(home: &TestHome) {
    let run = |args: &str| {
        let mut command = Command::new("openssl");
        command.args(args.split(' ')).current_dir(home.path());
        let ended = finish(&mut command);
        assert_eq!(ended.code, 0, "openssl {args}: {}", ended.stderr);
    };
    home.write("leaf.ext", "subjectAltName=IP:127.0.0.1\n");
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    run(&format!(
        "req -x509 {key} -keyout ca.key -out ca.pem -days 30 -subj /CN=authority"
    ));
    run(&format!(
        "req {key} -keyout leaf.key -out leaf.csr -subj /CN=leaf"
    ));
    run(
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out leaf.pem -days 20 -extfile leaf.ext",
    );
    home.write(
        "web.yml",
        "tls_server_config:\n  cert_file: leaf.pem\n  key_file: leaf.key\n",
    );
}

const QUEUES: &str = "profile: queues
comment: Queues of an application
http:
  - fills: app_queue
    comment: Queues, one row per queue and poll
    entity_column: queue
    rows: data.items
    entity: {path: name}
    columns:
      depth: {path: depth, kind: int, comment: Waiting}
      done: {path: done, kind: counter, comment: Done since the row before}
";
const GO: &str = "profile: go
comment: Programs in Go
http:
  - fills: go_program
    comment: Go programs, one row per poll
    columns:
      goroutines: {family: go_goroutines, kind: int, comment: Goroutines}
      cpu_ms: {family: process_cpu_seconds_total, scale: 1000, kind: counter, unit: ms, comment: CPU time}
";

#[test]
fn several_endpoints_of_one_host_are_kept_side_by_side() {
    let (_odd, odd) = odd_server();
    let plain = NodeExporter::start(&[]);
    let home = TestHome::new()
        .with("inventory/profiles/queues.yaml", QUEUES)
        .with("inventory/profiles/go.yaml", GO);
    certificates(&home);
    let folder = home.path().display();
    let tls = NodeExporter::start(&[format!("--web.config.file={folder}/web.yml")]);
    let hosts = format!(
        "version: 1\ndefaults: {{interval: 1s}}\nhosts:\n  box:\n    address: 127.0.0.1\n    \
         collect: [\"http:node\", \"http:queues\", \"http:safe\", \"http:unsafe\", \"http:lost\"]\n    http:\n      \
         node: {{port: {}, profile: go}}\n      \
         queues: {{port: {odd}, path: /there, format: json, profile: queues}}\n      \
         safe: {{scheme: https, port: {tls}, format: none, ca: {folder}/ca.pem}}\n      \
         unsafe: {{scheme: https, port: {tls}, format: none}}\n      \
         lost: {{port: {odd}, path: /lost}}\n",
        plain.port.number(),
        tls = tls.port.number(),
    );
    home.write("inventory/hosts.yaml", &hosts);
    let daemon = Daemon::start(&home);
    wait_until("two rows of everything have come", PATIENCE, || {
        let rows = home.rows(
            "SELECT (SELECT count(DISTINCT endpoint) FROM http) AS endpoints, \
             (SELECT count(*) FROM cpu WHERE used_pct IS NOT NULL) AS cpu, \
             (SELECT count(*) FROM app_queue WHERE done IS NOT NULL) AS queues, \
             (SELECT count(*) FROM go_program WHERE cpu_ms IS NOT NULL) AS go, \
             (SELECT count(*) FROM poll WHERE NOT ok) AS failed",
        );
        let at = |name: &str| rows[0][name].as_i64().unwrap_or(0);
        at("endpoints") == 4 && ["cpu", "queues", "go", "failed"].iter().all(|n| at(n) > 0)
    });
    let http = home.rows(
        "SELECT DISTINCT endpoint, status, ok, certificate_days_left AS days, \
         response_ms > 0 AS timed FROM http ORDER BY endpoint",
    );
    let wanted = serde_json::json!([
        {"endpoint": "lost", "status": 404, "ok": false, "days": null, "timed": true},
        {"endpoint": "node", "status": 200, "ok": true, "days": null, "timed": true},
        {"endpoint": "queues", "status": 200, "ok": true, "days": null, "timed": true},
        {"endpoint": "safe", "status": 200, "ok": true, "days": 19, "timed": true},
    ]);
    assert_eq!(serde_json::Value::from(http), wanted);
    let queues = home.rows("SELECT DISTINCT queue, depth FROM app_queue ORDER BY queue");
    let wanted = serde_json::json!([{"queue": "a", "depth": 7}, {"queue": "b", "depth": null}]);
    assert_eq!(serde_json::Value::from(queues), wanted);
    let polls = home.rows(
        "SELECT DISTINCT target, ok, cause FROM poll WHERE target <> 'http:node' ORDER BY target",
    );
    let wanted = serde_json::json!([
        {"target": "http:lost", "ok": true, "cause": null},
        {"target": "http:queues", "ok": true, "cause": null},
        {"target": "http:safe", "ok": true, "cause": null},
        {"target": "http:unsafe", "ok": false, "cause": "protocol"},
    ]);
    assert_eq!(serde_json::Value::from(polls), wanted);
    let page = daemon.page("/hosts/box");
    for shown in [
        "not trusted here",
        "HTTP 404",
        "<h2>HTTP safe</h2>",
        "<h2>Memory</h2>",
    ] {
        assert!(page.contains(shown), "{shown} is not in {page}");
    }
}

#[test]
fn odd_answers_are_told_and_stay_within_limits() {
    let (_odd, port) = odd_server();
    let home = TestHome::new().with("inventory/profiles/queues.yaml", QUEUES);
    let cases = [
        ("packed", "path: /packed, format: prometheus", "true", ""),
        (
            "bomb",
            "path: /bomb, format: prometheus",
            "false",
            "longer than 32 MiB",
        ),
        (
            "away",
            "path: /away, format: json",
            "false",
            "leads elsewhere",
        ),
        (
            "round",
            "path: /round, format: json",
            "false",
            "leads elsewhere",
        ),
        (
            "locked",
            "path: /login, format: none",
            "false",
            "the credential is wrong",
        ),
        (
            "bearer",
            "path: /login, format: none, credential: token",
            "true",
            "",
        ),
        (
            "basic",
            "path: /login, format: none, credential: login",
            "true",
            "",
        ),
        ("binary", "path: /binary", "false", "no text of Prometheus"),
        (
            "notjson",
            "path: /packed, format: json",
            "false",
            "not JSON",
        ),
        ("slow", "path: /slow", "", "within 2 s"),
        (
            "text",
            "path: /json, format: json, profile: queues",
            "true",
            "app_queue.depth",
        ),
    ];
    let mut hosts = String::from(
        "version: 1\ncredentials:\n  token: {type: http-bearer, token: \"env:TOKEN\"}\n  \
         login: {type: http-basic, user: mon, password: \"env:PASSWORD\"}\nhosts:\n",
    );
    for (name, endpoint, ..) in cases {
        hosts += &format!(
            "  {name}: {{address: 127.0.0.1, timeout: 2s, collect: [\"http:e\"], http: {{e: {{port: {port}, {endpoint}}}}}}}\n"
        );
    }
    home.write("inventory/hosts.yaml", &hosts);
    for (name, _, ok, told) in cases {
        let mut command = home.command(&["poll", name, "--json"]);
        command
            .env("TOKEN", "s3cret-token")
            .env("PASSWORD", "s3cret");
        let ended = finish(&mut command);
        let text = format!("{}{}", ended.stdout, ended.stderr);
        assert!(text.contains(told), "{name}: {told} is not in {text}");
        assert!(!text.contains("s3cret"), "{name}: {text}");
        if !ok.is_empty() {
            let attempt: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
            let shown = attempt.to_string();
            assert!(shown.contains(&format!(",{ok},")), "{name}: {shown}");
        }
    }
}

fn rows<'r>(readings: &'r Readings, table: &Table) -> &'r [Row] {
    let found = readings.tables.iter().find(|t| t.table == table);
    found.map_or(&[], |t| &t.rows)
}

fn number(table: &'static Table, row: &Row, column: &str) -> f64 {
    match &row.values[table.position(column).expect("a column")] {
        Value::Int(n) => *n as f64,
        Value::Float(n) => *n,
        Value::Counter64(n) => *n as f64,
        other => panic!("{}.{column}: {other:?}", table.name),
    }
}

/// What two ways of asking one machine may differ by: counters and sizes move while others work.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_exporter_tells_what_the_machine_tells_of_itself() {
    let node = NodeExporter::start(&[]);
    let home = TestHome::new();
    let hosts = format!(
        "version: 1\nhosts:\n  n: {{address: 127.0.0.1, collect: [\"http:n\"], http: {{n: {{port: {}}}}}}}\n",
        node.port.number()
    );
    home.write("inventory/hosts.yaml", &hosts);
    let (_, examined) = eider::home::Home::at(home.path()).unwrap().load().unwrap();
    let target = examined.inventory.expect("good files").targets().remove(0);
    let collectors = eider::collect::Collectors::start(home.path(), 0).unwrap();
    let there = collectors
        .collect(&target, || 0)
        .await
        .outcome
        .expect("an answer");
    let sampler = std::sync::Arc::new(eider::collect::local::Sampler::new());
    let deadline = Instant::now() + Duration::from_secs(30);
    let here = sampler.collect(deadline).await.1.expect("this machine");

    let names = |readings: &Readings, table| -> Vec<String> {
        let keys = rows(readings, table).iter();
        let mut names: Vec<String> = keys
            .map(|r| r.entity.as_ref().expect("named").name.clone())
            .collect();
        names.sort();
        names
    };
    for table in [
        &table::FILESYSTEM,
        &table::DISK,
        &table::INTERFACE,
        &table::CPU_CORE,
    ] {
        assert_eq!(names(&here, table), names(&there, table), "{}", table.name);
    }
    // Column, and how far apart two looks a moment apart may be.
    let cases: [(&'static Table, &str, f64); 18] = [
        (&table::SYSTEM, "uptime_s", 20.0),
        (&table::CPU, "user", 12_000.0),
        (&table::CPU, "idle", 12_000.0),
        (&table::CPU, "cores", 0.0),
        (&table::MEMORY, "total_bytes", 0.0),
        (&table::MEMORY, "available_bytes", 4e9),
        (&table::MEMORY, "swap_total_bytes", 0.0),
        (&table::FILESYSTEM, "size_bytes", 0.0),
        (&table::FILESYSTEM, "used_bytes", 4e9),
        (&table::FILESYSTEM, "used_pct", 2.0),
        (&table::FILESYSTEM, "inodes", 0.0),
        (&table::DISK, "read_bytes", 8e9),
        (&table::DISK, "writes", 1e6),
        (&table::DISK, "busy_ms", 60_000.0),
        (&table::INTERFACE, "in_octets", 8e9),
        (&table::INTERFACE, "out_packets", 1e7),
        (&table::PROCESS_STATE, "total", 500.0),
        (&table::PROCESS_STATE, "zombie", 100.0),
    ];
    for (table, column, slack) in cases {
        let (mut a, mut b) = (rows(&here, table).to_vec(), rows(&there, table).to_vec());
        assert!(
            !a.is_empty() && a.len() == b.len(),
            "{}: {} and {} rows",
            table.name,
            a.len(),
            b.len()
        );
        for list in [&mut a, &mut b] {
            list.sort_by_key(|row| row.entity.as_ref().map(|e| e.name.clone()));
        }
        for (x, y) in a.iter().zip(&b) {
            let (x, y) = (number(table, x, column), number(table, y, column));
            assert!(
                (x - y).abs() <= slack,
                "{}.{column}: {x} and {y}",
                table.name
            );
        }
    }
    // Reads /proc with its own eyes.
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
    let total = meminfo.split_ascii_whitespace().nth(1).unwrap();
    let total: f64 = total.parse().unwrap();
    let memory = &rows(&there, &table::MEMORY)[0];
    assert_eq!(
        number(&table::MEMORY, memory, "total_bytes"),
        total * 1024.0
    );
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let fact = there.host_facts.iter().find(|(name, _)| *name == "kernel");
    assert_eq!(fact.map(|(_, value)| value.as_str()), Some(kernel.trim()));
}
