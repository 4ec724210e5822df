//! ping and tcp: from the inventory to the history and the pages.

use std::net::TcpListener;

use crate::support::{Daemon, PATIENCE, Port, TestHome, wait_until};

/// `here` answers at one port and not at the other; `closed` does not answer at all.
fn home_of(open: u16, closed: u16) -> TestHome {
    let hosts = format!(
        "version: 1\n\
         defaults: {{interval: 1s}}\n\
         hosts:\n  \
         here: {{address: 127.0.0.1, collect: [ping, \"tcp:{open}\", \"tcp:{closed}\"]}}\n  \
         closed: {{address: 127.0.0.1, collect: [\"tcp:{closed}\"]}}\n"
    );
    TestHome::new().with("inventory/hosts.yaml", &hosts)
}

#[test]
fn what_answers_from_outside_is_kept_and_shown() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap().port();
    let closed = Port::free();
    let home = home_of(open, closed.number());
    let daemon = Daemon::start(&home);
    wait_until("rows of ping and tcp have come", PATIENCE, || {
        let rows = home.rows(
            "SELECT (SELECT count(*) FROM ping) AS p, (SELECT count(*) FROM tcp) AS t, \
             (SELECT count(*) FROM poll WHERE host = 'closed') AS c",
        );
        ["p", "t", "c"].iter().all(|n| rows[0][n] != 0)
    });
    let ping = home.rows("SELECT DISTINCT host, sent, received, loss_pct FROM ping");
    let wanted = serde_json::json!([{"host": "here", "sent": 4, "received": 4, "loss_pct": 0.0}]);
    assert_eq!(serde_json::Value::from(ping), wanted);
    let odd = home.rows(
        "SELECT * FROM ping WHERE NOT (0 < rtt_min_ms AND rtt_min_ms <= rtt_avg_ms \
         AND rtt_avg_ms <= rtt_max_ms AND jitter_ms >= 0)",
    );
    assert!(odd.is_empty(), "{odd:?}");
    let tcp = home.rows("SELECT DISTINCT host, port, connect_ms > 0 AS timed FROM tcp");
    let wanted = serde_json::json!([{"host": "here", "port": open.to_string(), "timed": true}]);
    assert_eq!(serde_json::Value::from(tcp), wanted);
    let failed = home.rows(
        "SELECT DISTINCT host, method, target, cause, error FROM poll WHERE NOT ok ORDER BY host",
    );
    let error = format!(
        "connection refused on tcp/{}: nothing listens there",
        closed.number()
    );
    let target = format!("tcp:{}", closed.number());
    let wanted = serde_json::json!([
        {"host": "closed", "method": "tcp", "target": target, "cause": "refused", "error": error},
        {"host": "here", "method": "tcp", "target": target, "cause": "refused", "error": error}
    ]);
    assert_eq!(serde_json::Value::from(failed), wanted);

    // A chart ends before the present second.
    wait_until("the charts have a point", PATIENCE, || {
        daemon.page("/hosts/here").contains("Packets lost")
    });
    let page = daemon.page("/hosts/here");
    for shown in [
        "<h2>Ping</h2>".to_owned(),
        format!("<h2>TCP port {open}</h2>"),
        "Round trip".to_owned(),
        // What answers and what does not stand side by side.
        format!("<b>{target}</b> {}", error.replace('/', "&#x2f;")),
        format!("tcp:{open}: 100 %"),
    ] {
        assert!(page.contains(&shown), "{shown} is not in {page}");
    }
    // Nothing looks inside this host, so nothing is said of its inside.
    assert!(!page.contains("<h2>Memory</h2>"), "{page}");
    assert!(
        daemon
            .page("/hosts/closed")
            .contains("nothing listens there")
    );
}

#[test]
fn a_poll_by_hand_tells_the_round_trips() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap().port();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let home = home_of(open, other.local_addr().unwrap().port());
    let text = home.succeed(&["poll", "here"]);
    for shown in ["rtt_avg_ms", "connect_ms"] {
        assert!(text.contains(shown), "{shown} is not in {text}");
    }
    let host = home.succeed(&["host", "here"]);
    assert!(host.contains(&format!("ping, tcp:{open}, tcp:")), "{host}");
}
