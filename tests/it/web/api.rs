//! What programs ask for, over TCP and over the command line's socket.

use serde_json::json;

use super::fleet::{Fleet, Member, Mood};
use crate::support::http;

fn fleet() -> Fleet {
    let members = [
        Member::well("web01", "web"),
        Member::well("web02", "web").feeling(Mood::Down),
    ];
    Fleet::start(&members, 30)
}

#[test]
fn the_monitor_tells_how_it_is() {
    let fleet = fleet();
    let status = http::get(&format!("{}/api/v1/status", fleet.url)).json();
    assert_eq!(status["hosts"]["total"], 2);
    assert_eq!(status["hosts"]["up"], 1);
    assert_eq!(status["hosts"]["down"], 1);
    assert_eq!(status["rejected"], "");
    assert_eq!(status["pid"], std::process::id());
    assert!(status["counters"]["polls_good"].is_u64());
    let hosts = http::get(&format!("{}/api/v1/hosts", fleet.url)).json();
    let hosts = hosts["hosts"].as_array().unwrap();
    let down = hosts.iter().find(|host| host["name"] == "web02").unwrap();
    assert_eq!(down["state"], "down");
    assert_eq!(down["targets"][0]["cause"], "timeout");
    assert_eq!(down["groups"], json!(["web"]));
    let metrics = http::get(&format!("{}/metrics", fleet.url)).text();
    assert!(
        metrics.contains("\neider_hosts{state=\"down\"} 1\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("\neider_polls_good_total 0\n"),
        "{metrics}"
    );
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').expect(line);
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    // Odd requests make no new series.
    for method in ["BREW", "PROPFIND"] {
        let url = format!("{}/{method}", fleet.url);
        let _ = http::request(method, &url, &[("User-Agent", "odd")], b"");
    }
    let after = http::get(&format!("{}/metrics", fleet.url)).text();
    assert_eq!(metrics.lines().count(), after.lines().count());
    let ready = http::get(&format!("{}/readyz", fleet.url));
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("no host has been polled yet"));
}

#[test]
fn the_socket_takes_queries_by_name_and_is_its_owners() {
    let fleet = fleet();
    let socket = fleet.data.path().join("eider.sock");
    let body = br#"{"from": "now-1h", "format": "csv"}"#;
    let ask = || http::unix_request(&socket, "POST", "/api/v1/q/availability", &[], body);
    let named = ask().expect("an answer");
    assert_eq!(named.status, 200, "{}", named.text());
    assert!(named.text().contains("web02"), "{}", named.text());
    fleet.users().set("ada", "correct horse").unwrap();
    assert_eq!(ask().expect("an answer").status, 200);
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_poll_goes_to_the_poller_and_back() {
    let fleet = fleet();
    let socket = fleet.data.path().join("eider.sock");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut polls = fleet.polls.lock().unwrap();
            let asked = polls.blocking_recv().expect("an order");
            assert_eq!(asked.host, "web01");
            let _ = asked.reply.send(Err("it is being polled".into()));
        });
        let post = |path: &str| http::unix_request(&socket, "POST", path, &[], b"").unwrap();
        let busy = post("/api/v1/hosts/web01/poll");
        assert_eq!(busy.status, 409);
        assert_eq!(busy.json()["detail"], "it is being polled");
        assert_eq!(post("/api/v1/hosts/nobody/poll").status, 404);
    });
}
