//! Waits for traps: each becomes an event of its host, and may have the host polled at once.

mod senders;
mod told;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::poller::unix_now;
use super::writer::Writer;
use crate::collect::snmp::trap::{Answer, Desk, Heard, Refusal};
use crate::inventory::TrapSettings;
use crate::reading::{Event, Happening};
use crate::signal::{Counters, Loaded};
use crate::trap::{Bucket, Flood, Names, Trap, sentence};
use senders::Senders;
use told::Informs;

/// No UDP datagram is longer.
const LONGEST_DATAGRAM: usize = 65_536;
/// Datagrams that wait while an earlier one is looked at; more are dropped and counted.
const QUEUE: usize = 256;
/// From one address this many per second are looked at, whatever they are.
const LOOKED_AT_PER_SECOND: u64 = 1_000;
/// How often floods are looked for that are over, and what is idle is forgotten.
const SWEEP: Duration = Duration::from_secs(2);
/// Lines in the log about what is refused: so many at once, then one per six seconds.
const LOG_LINES: u64 = 10;
const LOG_EVERY_MS: u64 = 6_000;
/// The same address is not told of again for this long.
const LOG_AGAIN_MS: u64 = 3_600_000;
/// More addresses are not remembered.
const MOST_LOGGED: usize = 1_000;

/// What the loop needs; `app` makes it.
pub struct Trapper {
    pub sockets: Vec<UdpSocket>,
    pub desk: Desk,
    pub writer: Writer,
    pub loaded: watch::Receiver<Arc<Loaded>>,
    /// Hosts to be polled at once.
    pub hasten: mpsc::Sender<Arc<str>>,
    pub counters: Arc<Counters>,
}

/// A datagram, from whom, and where the answer goes out.
struct Datagram {
    octets: Box<[u8]>,
    from: SocketAddr,
    socket: Arc<UdpSocket>,
}

struct Running {
    desk: Desk,
    writer: Writer,
    hasten: mpsc::Sender<Arc<str>>,
    counters: Arc<Counters>,
    settings: TrapSettings,
    senders: Senders,
    names: Names,
    started: Instant,
    /// By address: what is looked at at all.
    doors: HashMap<IpAddr, Bucket>,
    /// By host: what is stored.
    floods: HashMap<Arc<str>, Flood>,
    /// By host: when a trap last had it polled.
    hastened: HashMap<Arc<str>, u64>,
    logged: HashMap<IpAddr, u64>,
    log: Bucket,
    informs: Informs,
}

/// Runs until `stop` is set.
pub async fn run(parts: Trapper, mut stop: watch::Receiver<bool>) {
    let Trapper {
        sockets,
        desk,
        writer,
        mut loaded,
        hasten,
        counters,
    } = parts;
    let inventory = loaded.borrow_and_update().inventory.clone();
    let Some(settings) = inventory.settings.traps.clone() else {
        let _ = stop.changed().await;
        return;
    };
    let (queue, mut inbox) = mpsc::channel(QUEUE);
    let mut receivers = JoinSet::new();
    for socket in sockets {
        receivers.spawn(receive(Arc::new(socket), queue.clone(), counters.clone()));
    }
    let mut running = Running {
        desk,
        informs: Informs::new(writer.clone(), counters.clone()),
        writer,
        hasten,
        counters,
        settings,
        senders: Senders::default(),
        names: Names::with_profiles(&inventory.trap_names()),
        started: Instant::now(),
        doors: HashMap::new(),
        floods: HashMap::new(),
        hastened: HashMap::new(),
        logged: HashMap::new(),
        log: Bucket::new(LOG_EVERY_MS, LOG_LINES, 0),
    };
    running.senders.follow(&inventory);
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            changed = loaded.changed() => {
                if changed.is_err() { break }
                let inventory = loaded.borrow_and_update().inventory.clone();
                // Without `traps:` in the new files it listens on until the next start.
                if let Some(settings) = &inventory.settings.traps {
                    running.settings = settings.clone();
                }
                running.names = Names::with_profiles(&inventory.trap_names());
                running.senders.follow(&inventory);
                running.desk.keep_only(|host| inventory.hosts.contains_key(host));
            }
            resolved = running.senders.resolved() => running.senders.take(resolved),
            Some(datagram) = inbox.recv() => running.look_at(datagram).await,
            () = running.informs.stored() => {}
            _ = sweep.tick() => running.sweep(false).await,
        }
    }
    running.sweep(true).await;
}

async fn receive(socket: Arc<UdpSocket>, queue: mpsc::Sender<Datagram>, counters: Arc<Counters>) {
    let mut buffer = vec![0; LONGEST_DATAGRAM];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, from)) => {
                count(&counters.traps_received);
                let datagram = Datagram {
                    octets: buffer[..length].into(),
                    from,
                    socket: socket.clone(),
                };
                match queue.try_send(datagram) {
                    Ok(()) => {}
                    Err(mpsc::error::TrySendError::Full(_)) => count(&counters.traps_suppressed),
                    Err(mpsc::error::TrySendError::Closed(_)) => return,
                }
            }
            // The kernel may report trouble of an answer sent before; the socket itself goes on.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

impl Running {
    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    async fn look_at(&mut self, datagram: Datagram) {
        let now_ms = self.now_ms();
        let source = datagram.from.ip().to_canonical();
        let targets = self.senders.at(source);
        if targets.is_empty() {
            count(&self.counters.traps_unknown);
            let why = "no host with SNMP has this address (docs/traps.md)";
            return self.log(source, why, now_ms);
        }
        let door = || Bucket::new(1_000 / LOOKED_AT_PER_SECOND, LOOKED_AT_PER_SECOND, now_ms);
        if !self.doors.entry(source).or_insert_with(door).take(now_ms) {
            return count(&self.counters.traps_suppressed);
        }
        let communities = &self.settings.communities;
        let heard = self.desk.hear(&datagram.octets, &targets, communities);
        match heard.await {
            Heard::Trap {
                host,
                mut trap,
                answer,
            } => {
                // Only another address than the one it came from says anything.
                trap.agent = trap.agent.filter(|agent| IpAddr::from(*agent) != source);
                self.store(host, &trap, answer, &datagram, now_ms).await;
            }
            Heard::Reply(reply) => send(&datagram, &reply),
            Heard::Refused { why, reply } => {
                if let Some(reply) = reply {
                    send(&datagram, &reply);
                }
                count(&self.counters.traps_refused);
                self.log(source, &in_words(&why), now_ms);
            }
        }
    }

    async fn store(
        &mut self,
        host: Arc<str>,
        trap: &Trap,
        answer: Option<Answer>,
        datagram: &Datagram,
        now_ms: u64,
    ) {
        // An inform that comes again is no second event.
        if let Some(answer) = &answer
            && self.informs.is_known(datagram.from, answer)
        {
            if self.informs.is_stored(datagram.from, answer) {
                send(datagram, &answer.datagram);
            }
            return;
        }
        let rate = self.settings.rate;
        let flood = || Flood::new(rate, now_ms);
        let flood = self.floods.entry(host.clone()).or_insert_with(flood);
        if !flood.pass(now_ms) {
            return count(&self.counters.traps_suppressed);
        }
        let happening = Happening {
            host: host.clone(),
            ts: unix_now(),
            event: Event {
                kind: "trap",
                subject: String::new(),
                message: sentence(trap, &self.names),
            },
            interface: trap.interface(),
        };
        match answer {
            Some(answer) => {
                let socket = datagram.socket.clone();
                self.informs.store(happening, answer, socket, datagram.from);
            }
            None => {
                self.writer.tell(happening).await;
                count(&self.counters.traps_stored);
            }
        }
        self.poll(host, now_ms);
    }

    /// Has the host polled, unless a trap did so a moment ago.
    fn poll(&mut self, host: Arc<str>, now_ms: u64) {
        let pause = self.settings.poll_every.as_millis() as u64;
        let recent = |last: &u64| now_ms.saturating_sub(*last) < pause;
        if self.settings.poll && !self.hastened.get(&host).is_some_and(recent) {
            // A full queue means that many polls are about to begin anyway.
            if self.hasten.try_send(host.clone()).is_ok() {
                self.hastened.insert(host, now_ms);
            }
        }
    }

    /// Tells of floods that are over, of all of them when `at_once`, and forgets what is idle.
    async fn sweep(&mut self, at_once: bool) {
        let now_ms = self.now_ms();
        let mut over = Vec::new();
        for (host, flood) in &mut self.floods {
            if let Some((suppressed, seconds)) = flood.ended(now_ms, at_once) {
                over.push(Happening {
                    host: host.clone(),
                    ts: unix_now(),
                    event: Event {
                        kind: "trap_flood",
                        subject: String::new(),
                        message: format!(
                            "{suppressed} more traps within {seconds} s were not stored: `traps.rate` allows {} per second",
                            self.settings.rate
                        ),
                    },
                    interface: None,
                });
            }
        }
        for happening in over {
            self.writer.tell(happening).await;
        }
        let pause = self.settings.poll_every.as_millis() as u64;
        self.floods.retain(|_, flood| !flood.is_idle(now_ms));
        self.doors.retain(|_, door| !door.is_full(now_ms));
        self.hastened
            .retain(|_, last| now_ms.saturating_sub(*last) < pause);
        self.logged
            .retain(|_, last| now_ms.saturating_sub(*last) < LOG_AGAIN_MS);
    }

    /// One line for one address, now and then.
    fn log(&mut self, source: IpAddr, why: &str, now_ms: u64) {
        let known = self.logged.contains_key(&source) || self.logged.len() >= MOST_LOGGED;
        if !known && self.log.take(now_ms) {
            self.logged.insert(source, now_ms);
            tracing::warn!(%source, "trap not taken: {why}; not told again for an hour");
        }
    }
}

fn in_words(why: &Refusal) -> String {
    match why {
        Refusal::Malformed(why) => format!("malformed: {why}"),
        Refusal::Community => {
            "its community is neither the host's own nor in `traps.communities`".into()
        }
        Refusal::Ambiguous(hosts) => format!(
            "it may be of any of {}: they share the address and the credential",
            hosts.join(", ")
        ),
        Refusal::Security(why) => format!("SNMPv3: {why}"),
    }
}

fn send(datagram: &Datagram, reply: &[u8]) {
    // What does not go out at once is lost as any datagram may be: the sender asks again.
    let _ = datagram.socket.try_send_to(reply, datagram.from);
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
