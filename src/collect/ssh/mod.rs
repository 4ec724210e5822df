//! SSH: one warm session per host, one exec per poll.

mod answer;
mod auth;
mod backoff;
mod cadence;
mod connect;
mod exec;
mod failure;
mod host_keys;
mod known_hosts;
mod offer;
mod pool;
mod resolve;
mod session;
mod through;
mod tunnel;
mod watchdog;

pub use auth::public_key;
pub use host_keys::{HostKey, HostKeys, Trusted, Verdict};
pub use known_hosts::{Listed, listed};

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, oneshot};

use super::Attempt;
use crate::inventory::{Access, SshAccess, SshAuth, Target, Via};
use crate::reading::{Cause, Effort, Failure};
use auth::Proof;
use failure::Stage;
use pool::{Job, Workers};
use resolve::Resolver;
use session::Request;
use through::Means;
use tunnel::Tunnels;
use watchdog::Watchdog;

/// The watchdog ends an attempt at its deadline; the worker then needs a moment to say so.
const GRACE: Duration = Duration::from_millis(500);

/// The worker threads and the warm sessions.
pub struct Pool {
    workers: Arc<Workers>,
    resolver: Resolver,
    connecting: Semaphore,
}

/// Connections being made at once, each a descriptor: a thousand silent hosts a minute.
const CONNECTING_MAX: usize = 256;

impl Pool {
    /// A pool without a thread or a session yet. `state` is the directory of the host-key store.
    pub fn start(state: &Path) -> Pool {
        Pool {
            workers: Arc::new(Workers::new(state)),
            resolver: Resolver::new(),
            connecting: Semaphore::new(CONNECTING_MAX),
        }
    }

    /// Polls one host. Ends at the deadline, whatever the host does.
    pub async fn collect(&self, target: &Target, access: &SshAccess, deadline: Instant) -> Attempt {
        match self.attempt(target, access, deadline).await {
            Ok(attempt) => attempt,
            Err(failure) => (Effort::default(), Err(failure)),
        }
    }

    /// Every part of the probe at every poll, whenever the last one was: for a single look.
    pub fn ask_everything(&self) {
        self.workers.cadence.ask_everything();
    }

    /// Closes the sessions that serve none of these targets.
    pub fn keep_only(&self, targets: &[Arc<Target>]) {
        let of_ssh = || targets.iter().filter_map(|t| Some((t, ssh(t)?)));
        let keys: HashSet<String> = of_ssh().map(|(t, a)| key(t, a)).collect();
        let hops = of_ssh().filter_map(|(t, a)| through::first_hop(&t.address, a));
        let names: HashSet<&str> = hops.map(|hop| hop.address).collect();
        self.workers.keep_only(|key| keys.contains(key));
        self.resolver.keep_only(|name| names.contains(name));
    }

    async fn attempt(
        &self,
        target: &Target,
        access: &SshAccess,
        deadline: Instant,
    ) -> Result<Attempt, Failure> {
        let key = key(target, access);
        if let Some(failure) = self.workers.backoff.check(&key, Instant::now()) {
            return Err(failure);
        }
        let late = |stage| failure::too_late(target.timeout, stage);
        let hop = through::first_hop(&target.address, access);
        let addresses = match &hop {
            Some(hop) => {
                let resolved = self.resolver.resolve(hop.address, hop.port, deadline);
                let resolved = resolved.await.ok_or_else(|| late(Stage::Resolve))?;
                resolved.map_err(|failure| hop.named(failure))?
            }
            None => Vec::new(),
        };
        let connection = match self.workers.is_warm(&key) {
            true => None,
            false => {
                check_proof(&access.auth, deadline, target.timeout).await?;
                let turn = tokio::time::timeout_at(deadline.into(), self.connecting.acquire());
                let _turn = turn.await.map_err(|_| late(Stage::Waiting))?;
                match &hop {
                    Some(hop) => {
                        let made = connect::connect(&addresses, target.timeout, deadline).await;
                        Some(made.map_err(|failure| hop.named(failure))?)
                    }
                    None => None,
                }
            }
        };
        let stage = Arc::new(AtomicU8::new(Stage::Waiting as u8));
        let (reply, answer) = oneshot::channel();
        self.workers.submit(Job {
            key,
            request: Request {
                host: target.host.clone(),
                address: target.address.clone(),
                addresses,
                access: access.clone(),
                interval: target.interval,
                timeout: target.timeout,
                deadline,
                stage: stage.clone(),
            },
            connection,
            reply,
        })?;
        match tokio::time::timeout_at((deadline + GRACE).into(), answer).await {
            Ok(Ok(attempt)) => Ok(attempt),
            Ok(Err(_)) => Err(session::internal("the SSH worker ended without an answer")),
            Err(_) => Err(late(Stage::of_number(stage.load(Ordering::Relaxed)))),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.workers.close();
    }
}

/// A key file that cannot be used must not cost the host a connection.
async fn check_proof(auth: &SshAuth, deadline: Instant, timeout: Duration) -> Result<(), Failure> {
    let auth = auth.clone();
    let check = tokio::task::spawn_blocking(move || Proof::prepare(&auth).map(|_| ()));
    match tokio::time::timeout_at(deadline.into(), check).await {
        Ok(Ok(checked)) => checked,
        Ok(Err(_)) => Err(session::internal("reading the key file broke off")),
        Err(_) => Err(Failure::new(
            Cause::Timeout,
            format!(
                "the key file could not be read within {}",
                failure::span(timeout)
            ),
        )),
    }
}

/// The host key that a target's server shows, without logging in there; hosts in front of it are
/// logged in to. Blocks, at most for the target's timeout.
///
/// # Errors
/// The cause and the words of a poll that fails so.
pub fn fetch_host_key(
    target: &Target,
    access: &SshAccess,
    host_keys: &HostKeys,
) -> Result<HostKey, Failure> {
    let addresses = match through::first_hop(&target.address, access) {
        Some(hop) => {
            let resolved = std::net::ToSocketAddrs::to_socket_addrs(&(hop.address, hop.port));
            let resolved = resolved.map_err(|error| {
                let message = format!("name {} does not resolve: {error}", hop.address);
                Failure::new(Cause::Resolve, message)
            })?;
            resolved.collect()
        }
        None => Vec::new(),
    };
    let request = Request {
        host: target.host.clone(),
        address: target.address.clone(),
        addresses,
        access: access.clone(),
        interval: target.interval,
        timeout: target.timeout,
        deadline: Instant::now() + target.timeout,
        stage: Arc::new(AtomicU8::new(0)),
    };
    let watchdog = Watchdog::start().map_err(|e| session::internal(&e.to_string()))?;
    let means = Means {
        host_keys,
        watchdog: &watchdog,
        tunnels: &Tunnels::default(),
    };
    session::fetch_key(&request, &means)
}

fn ssh(target: &Target) -> Option<&SshAccess> {
    match &target.access {
        Access::Ssh(access) => Some(access),
        _ => None,
    }
}

/// Host, address, port, user and a digest of what lets us in: a change of any of them is another
/// session. The secret itself is not kept.
fn key(target: &Target, access: &SshAccess) -> String {
    let mut digest = Sha256::new();
    let mut add = |part: &str| {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    };
    add(&target.host);
    add(&target.address);
    add_access(access, &mut add);
    let bytes = digest.finalize();
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn add_access(access: &SshAccess, add: &mut impl FnMut(&str)) {
    add(&access.port.to_string());
    add(&access.user);
    match &access.auth {
        SshAuth::Key {
            key_file,
            passphrase,
        } => {
            add("key");
            add(key_file);
            add(passphrase.as_ref().map_or("", |p| p.expose()));
        }
        SshAuth::Password(password) => {
            add("password");
            add(password.expose());
        }
        SshAuth::Agent => add("agent"),
    }
    match access.via.as_deref() {
        None => add("directly"),
        Some(Via::Jump {
            host,
            address,
            access,
        }) => {
            add("jump");
            add(host);
            add(address);
            add_access(access, add);
        }
        Some(Via::Command(words)) => {
            add("command");
            words.iter().for_each(|word| add(word));
        }
    }
}
