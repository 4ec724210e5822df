//! Slow, long and many: none of them keeps honest requests out, and a stop always ends.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::fleet::{Fleet, Member};
use crate::support::{PATIENCE, http};

fn small() -> Fleet {
    Fleet::start(&[Member::well("web01", "web")], 3)
}

fn address(fleet: &Fleet) -> SocketAddr {
    fleet
        .url
        .trim_start_matches("http://")
        .parse()
        .expect("an address")
}

/// What the server says before it closes the connection.
fn answer(mut stream: TcpStream) -> String {
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn a_long_body_is_refused_whether_announced_or_not() {
    let fleet = small();
    let own = fleet.url.clone();
    let url = format!("{}/login", fleet.url);
    let long = vec![b'a'; (1 << 20) + 1];
    let refused = |announced: &str| {
        let mut stream = TcpStream::connect(address(&fleet)).unwrap();
        let head = format!(
            "POST /login HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n{announced}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let said = answer(refused("Content-Length: 5000000"));
    assert!(said.starts_with("HTTP/1.1 413"), "{said}");
    let mut chunked = refused("Transfer-Encoding: chunked");
    for _ in 0..20 {
        let chunk = [b"10000\r\n".as_slice(), &long[..0x10000], b"\r\n"].concat();
        if chunked.write_all(&chunk).is_err() {
            break;
        }
    }
    let said = answer(chunked);
    // A closed connection with data under way may swallow the answer; what matters is that no
    // other answer came.
    assert!(
        said.is_empty() || said.starts_with("HTTP/1.1 413"),
        "{said}"
    );
    let fits = http::post(&url, &[("Origin", &own)], &long[..1 << 20]);
    assert_eq!(fits.status, 401);
}

#[test]
fn a_long_head_is_refused() {
    let fleet = small();
    let mut stream = TcpStream::connect(address(&fleet)).unwrap();
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
    let _ = stream.write_all(&vec![b'a'; 64 << 10]);
    let said = answer(stream);
    assert!(
        said.is_empty() || said.starts_with("HTTP/1.1 431"),
        "{said}"
    );
}

/// One address sends heads that never end; another one is served at once, and the slow ones are
/// closed within 15 s.
#[test]
fn slow_heads_are_closed_and_harm_nobody_else() {
    let fleet = small();
    let target = address(&fleet);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let begun = Instant::now();
    let slow: Vec<TcpStream> = (0..80)
        .map(|_| {
            let stream = runtime.block_on(async {
                let socket = tokio::net::TcpSocket::new_v4().unwrap();
                socket.bind(([127, 0, 0, 2], 0).into()).unwrap();
                socket.connect(target).await.unwrap()
            });
            let mut stream = stream.into_std().unwrap();
            stream.set_nonblocking(false).unwrap();
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n");
            stream
        })
        .collect();
    assert_eq!(http::get(&format!("{}/healthz", fleet.url)).status, 200);
    assert!(begun.elapsed() < Duration::from_secs(8));
    let mut at_once = 0;
    for stream in slow {
        let said = answer(stream);
        assert!(!said.contains(" 200 "), "{said}");
        at_once += usize::from(begun.elapsed() < Duration::from_secs(5));
    }
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    // Beyond 64 connections of one address the door is shut.
    assert!(at_once <= 16, "{at_once}");
}

#[test]
fn changes_are_told_and_a_stop_ends_the_stream() {
    let fleet = small();
    let url = format!("{}/events?host=web01", fleet.url);
    let mut lines = http::stream(&url, PATIENCE);
    let mut until = |wanted: &str| {
        lines
            .by_ref()
            .map_while(Result::ok)
            .any(|line| line.contains(wanted))
    };
    assert!(until("event:hello"));
    for host in ["other", "web01"] {
        let change = eider::signal::Changed { host: host.into() };
        fleet.changed.send(change).expect("somebody listens");
    }
    assert!(until("data:web01"));
    let begun = Instant::now();
    fleet.stop();
    assert!(!until("data:never"));
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    assert!(http::try_get(&format!("{}/healthz", fleet.url)).is_err());
}
