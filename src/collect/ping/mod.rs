//! Ping: a few echo requests per poll, their loss and round trips.

mod packet;
mod wire;

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Attempt;
use super::machine::clean;
use crate::reading::{Cause, Effort, Failure, Readings, Row, TableReadings, Value};
use crate::table::PING;
use packet::Probe;
use wire::{Heard, Wire};

/// Echo requests per poll.
const PROBES: u16 = 4;
/// Between one and the next.
const SPACING: Duration = Duration::from_millis(200);
/// A poll waits no longer than this, from its first request on.
const PATIENCE: Duration = Duration::from_secs(3);

/// The sockets, opened when first needed.
#[derive(Debug, Default)]
pub(super) struct Engine {
    v4: Mutex<Option<Arc<Wire>>>,
    v6: Mutex<Option<Arc<Wire>>>,
}

impl Engine {
    /// Pings the first of the addresses whose family this machine speaks.
    pub(super) async fn collect(&self, addresses: &[IpAddr], deadline: Instant) -> Attempt {
        let mut failure = Failure::new(Cause::Resolve, "the host has no address");
        for address in addresses {
            match self.wire(*address) {
                Ok(wire) => return ping(&wire, *address, deadline).await,
                Err(why) => failure = why,
            }
        }
        (Effort::default(), Err(failure))
    }

    /// The socket for the address. One that could not be opened is tried anew at the next poll.
    fn wire(&self, address: IpAddr) -> Result<Arc<Wire>, Failure> {
        let place = match address {
            IpAddr::V4(_) => &self.v4,
            IpAddr::V6(_) => &self.v6,
        };
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wire) = &*place {
            return Ok(wire.clone());
        }
        let wire = Arc::new(Wire::open(address.is_ipv6())?);
        *place = Some(wire.clone());
        Ok(wire)
    }
}

/// What became of one echo request.
#[derive(Debug)]
enum Fate {
    Open(Instant),
    Answered(Duration),
    /// In words, by the network.
    Unreachable(String),
    Unsent(io::Error),
}

async fn ping(wire: &Wire, address: IpAddr, deadline: Instant) -> Attempt {
    let begun = Instant::now();
    let window = PATIENCE.min(deadline.saturating_duration_since(begun));
    let end = begun + window;
    let spacing = SPACING.min(window / u32::from(PROBES * 2));
    let mut ear = wire.listen(address);
    let mut fates: Vec<Fate> = Vec::new();
    loop {
        let next = begun + spacing * fates.len() as u32;
        let all = fates.len() == usize::from(PROBES);
        if !all && next <= Instant::now() {
            fates.push(send(wire, address, ear.cookie, fates.len() as u16, end).await);
            continue;
        }
        if all && !fates.iter().any(|fate| matches!(fate, Fate::Open(_))) {
            break;
        }
        let until = if all { end } else { next };
        match tokio::time::timeout_at(until.into(), ear.heard.recv()).await {
            Ok(Some(heard)) => note(&mut fates, heard),
            Ok(None) => break,
            Err(_) if all => break,
            Err(_) => {}
        }
    }
    let answered = fates
        .iter()
        .filter(|fate| matches!(fate, Fate::Answered(_)))
        .count();
    let effort = Effort {
        requests: u32::from(PROBES),
        retries: 0,
        bytes: (answered * packet::LENGTH) as u64,
    };
    (effort, outcome(&fates, window))
}

async fn send(wire: &Wire, address: IpAddr, cookie: u64, sequence: u16, end: Instant) -> Fate {
    let at = Instant::now();
    let sending = wire.send(address, Probe { cookie, sequence });
    match tokio::time::timeout_at(end.into(), sending).await {
        Ok(Ok(())) => Fate::Open(at),
        Ok(Err(error)) => Fate::Unsent(error),
        Err(_) => Fate::Unsent(io::ErrorKind::TimedOut.into()),
    }
}

/// The first word about a probe counts; duplicates change nothing.
fn note(fates: &mut [Fate], heard: Heard) {
    let Some(fate) = fates.get_mut(usize::from(heard.sequence)) else {
        return;
    };
    if let Fate::Open(sent) = *fate {
        *fate = match heard.what {
            Ok(()) => Fate::Answered(heard.at.saturating_duration_since(sent)),
            Err(why) => Fate::Unreachable(why),
        };
    }
}

fn outcome(fates: &[Fate], window: Duration) -> Result<Readings, Failure> {
    let round_trips: Vec<Duration> = fates
        .iter()
        .filter_map(|fate| match fate {
            Fate::Answered(round_trip) => Some(*round_trip),
            _ => None,
        })
        .collect();
    if !round_trips.is_empty() {
        let rows = vec![row(fates.len(), &round_trips)];
        let table = &PING;
        return Ok(Readings {
            tables: vec![TableReadings { table, rows }],
            ..Readings::default()
        });
    }
    let complaint = fates.iter().find_map(|fate| match fate {
        Fate::Unreachable(why) => Some(Failure::new(Cause::Unreachable, why.clone())),
        _ => None,
    });
    let unsent = fates.iter().find_map(|fate| match fate {
        Fate::Unsent(error) => Some(not_sent(error)),
        _ => None,
    });
    Err(complaint.or(unsent).unwrap_or_else(|| {
        let seconds = (window.as_secs_f64() * 10.0).round() / 10.0;
        let message = format!("no answer to {} pings ({seconds} s)", fates.len());
        Failure::new(Cause::Timeout, message)
    }))
}

fn not_sent(error: &io::Error) -> Failure {
    use io::ErrorKind::{HostUnreachable, NetworkUnreachable, PermissionDenied};
    let message = match error.kind() {
        HostUnreachable | NetworkUnreachable => "no route to host".to_owned(),
        PermissionDenied => "this machine's firewall lets no ping out".to_owned(),
        _ => format!("cannot send a ping: {}", clean(&error.to_string())),
    };
    Failure::new(Cause::Unreachable, message)
}

/// The row of a poll with at least one answer; round trips in the order of sending.
fn row(sent: usize, round_trips: &[Duration]) -> Row {
    let received = round_trips.len();
    let ms: Vec<f64> = round_trips.iter().map(|r| r.as_secs_f64() * 1e3).collect();
    let steps: Vec<f64> = ms.windows(2).map(|w| (w[1] - w[0]).abs()).collect();
    let mean = |of: &[f64]| (!of.is_empty()).then(|| of.iter().sum::<f64>() / of.len() as f64);
    // The microsecond is as far as the clock is to be believed, and packs well.
    let float = |ms: Option<f64>| Value::from(ms.map(|ms| (ms * 1e3).round() / 1e3));
    let loss = 100.0 * (sent - received) as f64 / sent as f64;
    let mut row = Row::new(&PING, None);
    row.set(&PING, "sent", Value::Int(sent as i64));
    row.set(&PING, "received", Value::Int(received as i64));
    row.set(&PING, "loss_pct", Value::Float(loss));
    row.set(
        &PING,
        "rtt_min_ms",
        float(ms.iter().copied().reduce(f64::min)),
    );
    row.set(&PING, "rtt_avg_ms", float(mean(&ms)));
    row.set(
        &PING,
        "rtt_max_ms",
        float(ms.iter().copied().reduce(f64::max)),
    );
    row.set(&PING, "jitter_ms", float(mean(&steps)));
    row
}

#[cfg(test)]
mod tests;
