//! Names to addresses, outside the worker threads: a dead name server must not take them all.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::machine::clean;
use crate::reading::{Cause, Failure};

/// An address this young is not asked for again.
const FRESH: Duration = Duration::from_secs(60);
/// An address this old still serves while the name server is away.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// How long a name with an old address may take before that one is used.
const PATIENCE: Duration = Duration::from_secs(2);
/// Questions under way at once.
const AT_ONCE: usize = 4;
/// More addresses of one name are not tried.
const ADDRESSES_MAX: usize = 8;

type Known = HashMap<String, (Instant, Vec<IpAddr>)>;

/// Names and the addresses they had last.
pub(super) struct Resolver {
    known: Mutex<Known>,
    permits: Arc<Semaphore>,
}

impl Resolver {
    pub(super) fn new() -> Resolver {
        Resolver {
            known: Mutex::default(),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The addresses of a name, by the deadline. `None`: the deadline passed.
    pub(super) async fn resolve(
        &self,
        name: &str,
        port: u16,
        deadline: Instant,
    ) -> Option<Result<Vec<SocketAddr>, Failure>> {
        let with_port = |ips: &[IpAddr]| ips.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
        if let Ok(ip) = name.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Some(Ok(with_port(&[ip])));
        }
        let now = Instant::now();
        let old = self.lock().get(name).cloned();
        let old = old.filter(|(at, _)| now.duration_since(*at) < STALE);
        if let Some((at, ips)) = &old
            && now.duration_since(*at) < FRESH
        {
            return Some(Ok(with_port(ips)));
        }
        let until = match old {
            Some(_) => deadline.min(now + PATIENCE),
            None => deadline,
        };
        let asked = tokio::time::timeout_at(until.into(), self.ask(name)).await;
        match (asked, old) {
            (Ok(Ok(ips)), _) => {
                let entry = (Instant::now(), ips.clone());
                self.lock().insert(name.to_owned(), entry);
                Some(Ok(with_port(&ips)))
            }
            (_, Some((_, ips))) => Some(Ok(with_port(&ips))),
            (Ok(Err(why)), None) => Some(Err(Failure::new(
                Cause::Resolve,
                format!("name {} does not resolve: {why}", clean(name)),
            ))),
            (Err(_), None) => None,
        }
    }

    pub(super) fn keep_only(&self, wanted: impl Fn(&str) -> bool) {
        self.lock().retain(|name, _| wanted(name));
    }

    async fn ask(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let permit = self.permits.clone().acquire_owned().await;
        let name = name.to_owned();
        // The permit goes with the question: one that hangs keeps its place until it ends.
        let question = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let found = (name.as_str(), 0).to_socket_addrs();
            found.map(|all| all.map(|a| a.ip()).collect::<Vec<_>>())
        });
        let mut ips = match question.await {
            Ok(Ok(ips)) => ips,
            Ok(Err(error)) => return Err(clean(plain(&error.to_string()))),
            Err(_) => return Err("the resolver stopped".into()),
        };
        ips.dedup();
        ips.truncate(ADDRESSES_MAX);
        if ips.is_empty() {
            return Err("it has no address".into());
        }
        Ok(ips)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// "failed to lookup address information: Name or service not known" says it twice.
fn plain(message: &str) -> &str {
    let head = "failed to lookup address information: ";
    message.strip_prefix(head).unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_need_no_name_server_and_nonsense_is_named() {
        let resolver = Resolver::new();
        let deadline = Instant::now() + Duration::from_secs(30);
        let found = resolver.resolve("::1", 22, deadline).await;
        assert_eq!(found.unwrap().unwrap(), ["[::1]:22".parse().unwrap()]);
        let found = resolver.resolve("localhost", 22, deadline).await;
        let found = found.unwrap().unwrap();
        assert!(!found.is_empty() && found.iter().all(|a| a.ip().is_loopback()));
        // A label of 64 letters is refused by the resolver itself, without asking anyone.
        let name = "x".repeat(64);
        let failure = resolver.resolve(&name, 22, deadline).await;
        let failure = failure.unwrap().unwrap_err();
        assert_eq!(failure.cause, Cause::Resolve);
        assert!(
            failure.message.starts_with("name xxx"),
            "{}",
            failure.message
        );
    }
}
