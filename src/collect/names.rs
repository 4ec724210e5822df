//! Names to addresses, for ping, tcp and the senders of traps.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::machine::clean;
use crate::reading::{Cause, Failure};

/// An address this young is not asked for again.
const FRESH: Duration = Duration::from_secs(60);
/// An address this old still serves while the name server is away.
const STALE: Duration = Duration::from_secs(24 * 3_600);
/// How long a name with an old address may take before that one is used.
const PATIENCE: Duration = Duration::from_secs(2);
/// More addresses of one name are not tried.
const ADDRESSES_MAX: usize = 8;

type Known = HashMap<String, (Instant, Vec<IpAddr>)>;

/// Names and the addresses they had last.
#[derive(Debug, Default)]
pub struct Names(Mutex<Known>);

impl Names {
    /// The addresses of a host by the deadline; at least one.
    pub async fn find(&self, name: &str, deadline: Instant) -> Result<Vec<IpAddr>, Failure> {
        if let Ok(address) = name.trim_matches(['[', ']']).parse() {
            return Ok(vec![address]);
        }
        let now = Instant::now();
        let old = self.lock().get(name).cloned();
        let old = old.filter(|(at, _)| now.duration_since(*at) < STALE);
        if let Some((at, addresses)) = &old
            && now.duration_since(*at) < FRESH
        {
            return Ok(addresses.clone());
        }
        let until = match old {
            Some(_) => deadline.min(now + PATIENCE),
            None => deadline,
        };
        let asked = tokio::net::lookup_host((name, 0));
        let why = match tokio::time::timeout_at(until.into(), asked).await {
            Ok(Ok(found)) => {
                let mut addresses: Vec<IpAddr> = found.map(|a| a.ip()).collect();
                addresses.dedup();
                addresses.truncate(ADDRESSES_MAX);
                if !addresses.is_empty() {
                    let entry = (Instant::now(), addresses.clone());
                    self.lock().insert(name.to_owned(), entry);
                    return Ok(addresses);
                }
                "it has no address".to_owned()
            }
            Ok(Err(error)) => clean(&error.to_string()),
            Err(_) => "the name server did not answer in time".to_owned(),
        };
        old.map(|(_, addresses)| addresses).ok_or_else(|| {
            let message = format!("name {} does not resolve: {why}", clean(name));
            Failure::new(Cause::Resolve, message)
        })
    }

    pub(super) fn keep_only(&self, wanted: impl Fn(&str) -> bool) {
        self.lock().retain(|name, _| wanted(name));
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
