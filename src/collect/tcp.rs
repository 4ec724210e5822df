//! tcp: whether a port takes connections, and how fast.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::Attempt;
use super::machine::clean;
use crate::reading::{Cause, Effort, EntityKey, Failure, Readings, Row, TableReadings, Value};
use crate::table::TCP;

/// Connects to the first address that answers, and hangs up at once.
pub(super) async fn collect(addresses: &[IpAddr], port: u16, deadline: Instant) -> Attempt {
    let mut effort = Effort::default();
    let mut failure = Failure::new(Cause::Resolve, "the host has no address");
    for (at, address) in addresses.iter().enumerate() {
        let begun = Instant::now();
        // What is left is shared among the addresses that are left.
        let left = deadline.saturating_duration_since(begun);
        let share = left / u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        let connecting = tokio::net::TcpStream::connect(SocketAddr::new(*address, port));
        effort.requests += 1;
        failure = match tokio::time::timeout(share, connecting).await {
            Ok(Ok(_stream)) => return (effort, Ok(readings(port, begun.elapsed()))),
            Ok(Err(error)) => refused(&error, port),
            Err(_) => unanswered(port, share),
        };
    }
    (effort, Err(failure))
}

fn readings(port: u16, took: Duration) -> Readings {
    let table = &TCP;
    let mut row = Row::new(table, Some(EntityKey::named(port.to_string())));
    // The microsecond is as far as the clock is to be believed, and packs well.
    let ms = (took.as_secs_f64() * 1e6).round() / 1e3;
    row.set(table, "connect_ms", Value::Float(ms));
    let rows = vec![row];
    Readings {
        tables: vec![TableReadings { table, rows }],
        ..Readings::default()
    }
}

fn unanswered(port: u16, within: Duration) -> Failure {
    let seconds = (within.as_secs_f64() * 10.0).round() / 10.0;
    let message = format!("no answer on tcp/{port} within {seconds} s");
    Failure::new(Cause::Timeout, message)
}

fn refused(error: &io::Error, port: u16) -> Failure {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut};
    let (cause, message) = match error.kind() {
        ConnectionRefused => (
            Cause::Refused,
            format!("connection refused on tcp/{port}: nothing listens there"),
        ),
        HostUnreachable | NetworkUnreachable => {
            (Cause::Unreachable, format!("no route to host (tcp/{port})"))
        }
        TimedOut => (Cause::Timeout, format!("no answer on tcp/{port}")),
        _ => (
            Cause::Unreachable,
            format!(
                "cannot connect to tcp/{port}: {}",
                clean(&error.to_string())
            ),
        ),
    };
    Failure::new(cause, message)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn a_listener_is_timed_and_a_closed_port_is_refused() {
        let listener = std::net::TcpListener::bind((HERE, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let soon = Instant::now() + Duration::from_secs(20);
        let (effort, outcome) = collect(&[HERE], port, soon).await;
        assert_eq!(effort.requests, 1);
        let row = &outcome.unwrap().tables[0].rows[0];
        assert_eq!(row.entity, Some(EntityKey::named(port.to_string()).into()));
        let Value::Float(ms) = row.values[0] else {
            panic!("{row:?}");
        };
        assert!(0.0 < ms && ms < 20_000.0, "{ms}");

        // Bound but not listening: nobody else can take the port meanwhile.
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.unwrap();
        let any: SocketAddr = SocketAddr::new(HERE, 0);
        socket.bind(&any.into()).unwrap();
        let closed = socket.local_addr().unwrap().as_socket().unwrap().port();
        let failure = collect(&[HERE], closed, soon).await.1.unwrap_err();
        assert_eq!(failure.cause, Cause::Refused);
        let message = format!("connection refused on tcp/{closed}: nothing listens there");
        assert_eq!(failure.message, message);
    }

    /// A listener whose queue is full lets further connections wait without an answer.
    #[tokio::test]
    async fn no_answer_is_a_failure_in_time() {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.unwrap();
        let any: SocketAddr = SocketAddr::new(HERE, 0);
        socket.bind(&any.into()).unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let _first = std::net::TcpStream::connect(address).unwrap();
        let begun = Instant::now();
        let soon = begun + Duration::from_millis(500);
        let outcome = collect(&[HERE], address.port(), soon).await.1;
        let failure = outcome.unwrap_err();
        assert_eq!(failure.cause, Cause::Timeout);
        let message = format!("no answer on tcp/{} within 0.5 s", address.port());
        assert_eq!(failure.message, message);
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}
