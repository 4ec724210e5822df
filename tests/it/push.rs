//! Hosts that send by themselves: tokens, formats, what is kept and what is refused.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::home::finish;
use crate::support::{Daemon, PATIENCE, TestHome, http, python, wait_until};

fn home(settings: &str) -> TestHome {
    TestHome::new()
        .with(
            "inventory/hosts.yaml",
            "version: 1\nhosts:\n  desk: {collect: [push]}\n  lamp: {collect: [push]}\n  other: {collect: [local]}\n",
        )
        .with("inventory/settings.yaml", settings)
}

fn token(home: &TestHome, host: &str) -> String {
    home.succeed(&["token", "add", host]).trim().to_owned()
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a clock after 1970").as_secs() as i64
}

/// Posts JSON with a token.
fn push(daemon: &Daemon, token: &str, body: &Value) -> (u16, Value) {
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", &*bearer),
        ("content-type", "application/json"),
    ];
    let url = format!("{}/api/v1/push", daemon.url());
    let answer = http::post(&url, &headers, body.to_string().as_bytes());
    (answer.status, answer.json())
}

#[test]
fn a_psutil_script_is_taken_as_it_is() {
    let home = home("version: 1\n");
    let daemon = Daemon::start(&home);
    let page = include_str!("../../docs/push.md");
    let script = page
        .split("```python\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let script = script.expect("docs/push.md has a script");
    let path = home.path().join("push.py");
    std::fs::write(&path, script).expect("the home is writable");
    let mut command = python::command();
    command
        .arg(&path)
        .env("EIDER_URL", daemon.url())
        .env("EIDER_TOKEN", token(&home, "desk"))
        .env("ONCE", "1");
    let ended = finish(&mut command);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.starts_with("200 "), "{}", ended.stdout);
    // Answered after the commit: the rows are there at once.
    let rows = home.rows(
        "SELECT c.used_pct BETWEEN 0 AND 100 AS cpu, m.used_pct BETWEEN 1 AND 100 AS memory, f.mount, f.used_pct > 0 AS disk,
                m.formula, s.total > 0 AS counted,
                s.total >= s.running + s.sleeping + s.uninterruptible + s.stopped + s.zombie + s.idle AS sane
         FROM cpu c JOIN memory m USING (host, ts) JOIN filesystem f USING (host, ts) JOIN process_state s USING (host, ts)
         WHERE host = 'desk'",
    );
    let wanted = json!([{"cpu": true, "memory": true, "mount": "/", "disk": true, "formula": "psutil", "counted": true, "sane": true}]);
    assert_eq!(Value::from(rows), wanted);
    let processes = home.rows("SELECT count(*) BETWEEN 1 AND 20 AS few, bool_and(pid > 0) AS good FROM process WHERE host = 'desk'");
    assert_eq!(Value::from(processes), json!([{"few": true, "good": true}]));
    let up = home.rows("SELECT DISTINCT interface, in_octets FROM interface WHERE host = 'desk'");
    assert_eq!(
        Value::from(up),
        json!([{"interface": "all", "in_octets": null}]),
        "no first difference"
    );
    assert!(daemon.page("/hosts/desk").contains("<h2>Memory</h2>"));
}

#[test]
fn counters_become_differences_and_a_late_document_spoils_none() {
    let home = home("version: 1\n");
    let daemon = Daemon::start(&home);
    let token = token(&home, "desk");
    let start = now() - 600;
    let document = |at: i64, octets: u64| {
        json!({"time": start + at, "uptime_s": 1_000 + at, "boot_id": "b",
               "tables": {"interface": [{"interface": "eth0", "in_octets": octets}]}})
    };
    for (at, octets) in [(0, 1_000_u64), (60, 2_000), (30, 1_500), (120, 5_000)] {
        let (status, answer) = push(&daemon, &token, &document(at, octets));
        assert_eq!((status, &answer["stored"]), (200, &json!(1)), "{answer}");
    }
    let rows =
        home.rows("SELECT in_octets, elapsed_ms FROM interface WHERE host = 'desk' ORDER BY ts");
    let wanted = json!([
        {"in_octets": null, "elapsed_ms": null},
        {"in_octets": null, "elapsed_ms": null},
        {"in_octets": 1000, "elapsed_ms": 60000},
        {"in_octets": 3000, "elapsed_ms": 60000},
    ]);
    assert_eq!(Value::from(rows), wanted);
}

#[test]
fn what_was_taken_once_is_never_taken_again() {
    let home = home("version: 1\n");
    let daemon = Daemon::start(&home);
    let token = token(&home, "desk");
    let body = json!([
        {"time": now() - 60, "id": "a", "tables": {"cpu": [{"used_pct": 1}]}},
        {"time": now() - 30, "id": "b", "tables": {"cpu": [{"used_pct": 2}]}},
    ]);
    assert_eq!(push(&daemon, &token, &body).1["stored"], 2);
    let (status, again) = push(&daemon, &token, &body);
    assert_eq!(
        (status, &again["stored"], &again["duplicates"]),
        (200, &json!(0), &json!(2))
    );
    daemon.kill();
    let daemon = Daemon::start(&home);
    let (status, again) = push(&daemon, &token, &body);
    assert_eq!(
        (status, &again["stored"], &again["duplicates"]),
        (200, &json!(0), &json!(2))
    );
    let rows = home.rows("SELECT used_pct FROM cpu WHERE host = 'desk' ORDER BY ts");
    assert_eq!(
        Value::from(rows),
        json!([{"used_pct": 1.0}, {"used_pct": 2.0}])
    );
    let counted = daemon.page("/metrics");
    assert!(
        counted.contains("eider_pushes_repeated_total 2\n"),
        "{counted}"
    );
}

#[test]
fn a_token_speaks_for_its_host_alone() {
    let home = home("version: 1\n");
    let daemon = Daemon::start(&home);
    let desk = token(&home, "desk");
    // Whatever the body calls itself.
    let body = json!({"host": "lamp", "tables": {"cpu": [{"used_pct": 3}]}});
    assert_eq!(push(&daemon, &desk, &body).0, 200);
    let rows = home.rows("SELECT host, used_pct FROM cpu WHERE host IN ('desk', 'lamp')");
    assert_eq!(
        Value::from(rows),
        json!([{"host": "desk", "used_pct": 3.0}])
    );
    let (status, answer) = push(&daemon, &token(&home, "other"), &body);
    assert_eq!(status, 400);
    assert_eq!(
        answer["detail"],
        "`collect` of other does not name `push`: add it"
    );
    assert_eq!(push(&daemon, "eider_wrong", &body).0, 401);
    let list = home.succeed(&["token", "list"]);
    assert!(!list.contains(&desk[10..]), "{list}");
    let id = list
        .lines()
        .find(|line| line.contains("desk"))
        .and_then(|line| line.split_whitespace().find(|w| w.len() == 8));
    home.succeed(&["token", "revoke", id.expect("an id")]);
    assert_eq!(push(&daemon, &desk, &body).0, 401);
    let nobody = home.run(&["token", "add", "nobody"]);
    assert_eq!(nobody.code, 2);
    assert!(
        nobody.stderr.contains("there is no host `nobody`"),
        "{}",
        nobody.stderr
    );
}

#[test]
fn without_a_token_only_from_here_and_only_when_open() {
    let flat = br#"{"hostname": "desk.lan", "cpu_percent": 5}"#;
    let closed = home("version: 1\n");
    let daemon = Daemon::start(&closed);
    let url = format!("{}/api/metrics/", daemon.url());
    let refused = http::post(&url, &[], flat);
    assert_eq!(refused.status, 401);
    assert!(
        refused.text().contains("eider token add"),
        "{}",
        refused.text()
    );
    drop(daemon);

    let open = home("version: 1\npush: {open: true}\n");
    let daemon = Daemon::start(&open);
    for path in ["/api/metrics/", "/api/metrics"] {
        let url = format!("{}{path}", daemon.url());
        let answer = http::post(&url, &[], flat);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    let url = format!("{}/api/metrics/", daemon.url());
    for (headers, status) in [
        ([("origin", "http://evil.example")], 403),
        ([("x-forwarded-for", "192.0.2.1")], 401),
        ([("host", "evil.example")], 421),
    ] {
        assert_eq!(
            http::post(&url, &headers, flat).status,
            status,
            "{headers:?}"
        );
    }
    let unknown = http::post(&url, &[], br#"{"hostname": "ghost", "cpu_percent": 5}"#);
    assert_eq!(unknown.status, 400);
    assert!(
        unknown.text().contains("there is no host `ghost`"),
        "{}",
        unknown.text()
    );
    let nameless = http::post(&url, &[], br#"{"cpu_percent": 5}"#);
    assert!(
        nameless.text().contains("names no host"),
        "{}",
        nameless.text()
    );
    let by_query = format!("{url}?token={}", token(&open, "lamp"));
    assert_eq!(
        http::post(&by_query, &[], br#"{"cpu_percent": 7}"#).status,
        200
    );
    let rows = open.rows(
        "SELECT host, count(*) AS n FROM cpu WHERE host <> 'other' GROUP BY host ORDER BY host",
    );
    assert_eq!(
        Value::from(rows),
        json!([{"host": "desk", "n": 2}, {"host": "lamp", "n": 1}])
    );
}

#[test]
fn packed_bodies_are_unpacked_within_bounds() {
    let home = home("version: 1\n");
    let daemon = Daemon::start(&home);
    let bearer = format!("Bearer {}", token(&home, "desk"));
    let url = format!("{}/api/v1/push", daemon.url());
    let send = |body: &[u8]| {
        let headers = [
            ("authorization", &*bearer),
            ("content-encoding", "gzip"),
            ("content-type", "application/json"),
        ];
        http::post(&url, &headers, body)
    };
    let pack = |plain: &[u8]| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(plain).expect("memory takes it");
        packer.finish().expect("memory takes it")
    };
    let good = json!({"tables": {"cpu": [{"used_pct": 1}]}}).to_string();
    assert_eq!(send(&pack(good.as_bytes())).status, 200);
    let bomb = pack(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 1 << 20, "{} bytes", bomb.len());
    assert_eq!(send(&bomb).status, 413);
    assert_eq!(send(b"not gzip").status, 400);
    assert_eq!(send(&pack(good.as_bytes())[..20]).status, 400);
    let too_many: Vec<Value> = (0..1_500)
        .map(|n| json!({"mount": format!("/{n}"), "used_pct": 1}))
        .collect();
    let answer = send(&pack(
        json!({"tables": {"filesystem": too_many}})
            .to_string()
            .as_bytes(),
    ));
    assert_eq!(answer.status, 400);
    assert!(
        answer.text().contains("too many new names today"),
        "{}",
        answer.text()
    );
}

#[test]
fn a_host_that_stops_sending_is_silent() {
    let home = TestHome::new().with(
        "inventory/hosts.yaml",
        "version: 1\nhosts:\n  desk: {collect: [push], interval: 1s}\n",
    );
    let daemon = Daemon::start(&home);
    let token = token(&home, "desk");
    assert_eq!(
        push(
            &daemon,
            &token,
            &json!({"tables": {"cpu": [{"used_pct": 1}]}})
        )
        .0,
        200
    );
    let state =
        || http::get(&format!("{}/api/v1/hosts", daemon.url())).json()["hosts"][0]["state"].clone();
    wait_until("the host is up, then silent", PATIENCE, || {
        state() == "silent"
    });
    assert_eq!(
        push(
            &daemon,
            &token,
            &json!({"tables": {"cpu": [{"used_pct": 1}]}})
        )
        .0,
        200
    );
    wait_until("the host is up again", PATIENCE, || state() == "up");
    let asked = home.run(&["poll", "desk"]);
    assert_ne!(asked.code, 0);
    assert!(asked.stderr.contains("sends by itself"), "{}", asked.stderr);
}
