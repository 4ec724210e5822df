//! Reaching hosts: one match over the method yields a [`Collection`], good or bad.

mod http;
mod linux;
pub mod local;

pub mod names;
mod ping;
pub mod snmp;
pub mod ssh;
mod tcp;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::inventory::{Access, Target};
use crate::machine;
use crate::reading::{Collection, Effort, Failure, Readings, UnixSeconds};

/// What one attempt gave: its cost, and readings or the reason there are none.
pub type Attempt = (Effort, Result<Readings, Failure>);

/// All collectors of this process.
pub struct Collectors {
    snmp: snmp::Engine,
    ssh: ssh::Pool,
    local: Arc<local::Sampler>,
    ping: ping::Engine,
    http: http::Asker,
    names: names::Names,
    started: Instant,
    origin_ms: u64,
}

impl Collectors {
    /// Opens the SNMP sockets and the SSH pool. `state` is the directory `data/state`, where host
    /// keys lie. `origin_ms` is the wall clock's time now in milliseconds: the clock of
    /// [`Collection::read_at_ms`] begins there and never goes back. Must be called inside a tokio
    /// runtime.
    pub fn start(state: &Path, origin_ms: u64) -> std::io::Result<Collectors> {
        Ok(Collectors {
            snmp: snmp::Engine::start()?,
            ssh: ssh::Pool::start(state),
            local: Arc::new(local::Sampler::new()),
            ping: ping::Engine::default(),
            http: http::Asker::default(),
            names: names::Names::default(),
            started: Instant::now(),
            origin_ms,
        })
    }

    /// Polls the target once, never longer than its timeout. `now` gives the poller's wall clock.
    pub async fn collect(&self, target: &Target, now: impl Fn() -> UnixSeconds) -> Collection {
        let begun = Instant::now();
        let deadline = begun + target.timeout;
        let (effort, outcome) = match &target.access {
            Access::Snmp(access) => self.snmp.collect(target, access, deadline).await,
            Access::Ssh(access) => self.ssh.collect(target, access, deadline).await,
            Access::Local => self.local.clone().collect(deadline).await,
            Access::Ping | Access::Tcp { .. } => self.reach(target, deadline).await,
            Access::Http(access) => self.http.collect(target, access, deadline).await,
            Access::Push => (Effort::default(), Err(nobody_to_ask())),
        };
        let took = begun.elapsed();
        Collection {
            host: target.host.clone(),
            way: target.way.clone(),
            ts: now(),
            took,
            // The middle of the attempt is the best guess at when the counters were read.
            read_at_ms: self.origin_ms + millis(self.started, begun) + took.as_millis() as u64 / 2,
            effort,
            outcome,
        }
    }

    /// ping and tcp: what needs nothing but an address.
    async fn reach(&self, target: &Target, deadline: Instant) -> Attempt {
        let addresses = match self.names.find(&target.address, deadline).await {
            Ok(addresses) => addresses,
            Err(failure) => return (Effort::default(), Err(failure)),
        };
        match target.access {
            Access::Tcp { port } => tcp::collect(&addresses, port, deadline).await,
            _ => self.ping.collect(&addresses, deadline).await,
        }
    }

    /// Asks for everything at every poll, also for what has its own, slower cadence: for a single
    /// look at a host.
    pub fn ask_everything(&self) {
        self.ssh.ask_everything();
    }

    /// Stale or foreign SNMP datagrams seen so far.
    pub fn snmp_stale_replies(&self) -> u64 {
        self.snmp.stale_replies()
    }

    /// Closes warm sessions of targets that are not in the list any more (host gone, address or
    /// credential changed).
    pub fn keep_only(&self, targets: &[Arc<Target>]) {
        self.snmp.keep_only(targets);
        self.ssh.keep_only(targets);
        self.http.keep_only(targets);
        let addresses: HashSet<&str> = targets.iter().map(|t| t.address.as_str()).collect();
        self.names.keep_only(|name| addresses.contains(name));
    }
}

/// The schedule never polls such a target; whoever does gets an answer all the same.
fn nobody_to_ask() -> Failure {
    let message = "this host sends by itself; there is nobody to ask";
    Failure::new(crate::reading::Cause::Internal, message)
}

fn millis(from: Instant, to: Instant) -> u64 {
    to.saturating_duration_since(from)
        .max(Duration::ZERO)
        .as_millis() as u64
}
