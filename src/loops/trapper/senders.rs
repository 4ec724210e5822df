//! Whose address is it that a trap comes from.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::collect::names::Names;
use crate::inventory::{Inventory, Target};
use crate::reading::Method;

/// A name is resolved again after this long.
const FRESH: Duration = Duration::from_secs(300);
/// How long one name may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Names that are asked for at once.
const AT_ONCE: usize = 4;

/// The addresses of all SNMP targets.
#[derive(Default)]
pub(super) struct Senders {
    targets: Vec<Arc<Target>>,
    by_address: HashMap<IpAddr, Vec<Arc<Target>>>,
    /// What names stood for last.
    resolved: HashMap<String, Vec<IpAddr>>,
    /// When each name is to be resolved.
    due: HashMap<String, Instant>,
    asking: JoinSet<Resolved>,
    names: Arc<Names>,
}

/// A name and its addresses, if there are any now.
pub(super) type Resolved = (String, Option<Vec<IpAddr>>);

impl Senders {
    /// Takes over the targets of an inventory.
    pub(super) fn follow(&mut self, inventory: &Inventory) {
        let targets = inventory.targets().into_iter();
        self.targets = targets.filter(|t| t.way.method == Method::Snmp).collect();
        let names: HashSet<&str> = self
            .targets
            .iter()
            .map(|t| t.address.as_str())
            .filter(|address| literal(address).is_none())
            .collect();
        self.resolved
            .retain(|name, _| names.contains(name.as_str()));
        self.due.retain(|name, _| names.contains(name.as_str()));
        for name in names {
            if !self.due.contains_key(name) {
                self.due.insert(name.to_owned(), Instant::now());
            }
        }
        self.index();
    }

    /// The targets with this address.
    pub(super) fn at(&self, address: IpAddr) -> Vec<Arc<Target>> {
        self.by_address.get(&address).cloned().unwrap_or_default()
    }

    /// Waits until the next name is resolved; for ever when there are only addresses.
    pub(super) async fn resolved(&mut self) -> Resolved {
        loop {
            let now = Instant::now();
            let due: Vec<String> = self
                .due
                .iter()
                .filter(|(_, at)| **at <= now)
                .map(|(name, _)| name.clone())
                .take(AT_ONCE.saturating_sub(self.asking.len()))
                .collect();
            for name in due {
                self.due.insert(name.clone(), now + FRESH);
                let names = self.names.clone();
                self.asking.spawn(async move {
                    let found = names.find(&name, Instant::now() + PATIENCE).await;
                    (name, found.ok())
                });
            }
            if !self.asking.is_empty() {
                match self.asking.join_next().await {
                    Some(Ok(resolved)) => return resolved,
                    _ => continue,
                }
            }
            match self.due.values().min() {
                Some(at) => tokio::time::sleep_until((*at).into()).await,
                None => std::future::pending().await,
            }
        }
    }

    /// Notes what a name stands for. One that does not resolve now keeps what it had.
    pub(super) fn take(&mut self, (name, addresses): Resolved) {
        if let Some(addresses) = addresses
            && self.due.contains_key(&name)
            && self.resolved.get(&name) != Some(&addresses)
        {
            self.resolved.insert(name, addresses);
            self.index();
        }
    }

    fn index(&mut self) {
        self.by_address.clear();
        for target in &self.targets {
            let addresses = match literal(&target.address) {
                Some(address) => vec![address],
                None => self
                    .resolved
                    .get(&target.address)
                    .cloned()
                    .unwrap_or_default(),
            };
            for address in addresses {
                let at = self.by_address.entry(address.to_canonical());
                at.or_default().push(target.clone());
            }
        }
    }
}

fn literal(address: &str) -> Option<IpAddr> {
    address.trim_matches(['[', ']']).parse().ok()
}
