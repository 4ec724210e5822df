//! Asking many addresses, within a pace and a number at once.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Semaphore;

use super::found::{Found, Said};
use super::{Args, Progress, neighbors};
use crate::collect::{Collectors, snmp};
use crate::home::Home;
use crate::inventory::{self, Access, CredentialKind, Inventory, SourceFile, Target, nearest};

/// Addresses that are asked at the same time.
const AT_ONCE: usize = 256;
/// A walk for neighbors takes no longer.
const NEIGHBORS_WITHIN: Duration = Duration::from_secs(15);

/// How an address is asked.
pub(super) struct Ways {
    /// The credential's name, and a target with it.
    snmp: Vec<(String, Target)>,
    /// The credential for who answers at the port of SSH.
    ssh: Option<String>,
    ping: Option<Target>,
    tcp: Option<Target>,
    args: Limits,
}

struct Limits {
    rate: u32,
    timeout: Duration,
    dns: bool,
    snmp_port: u16,
    ssh_port: u16,
}

impl Ways {
    /// Targets to copy, made by the loader as those of hosts are.
    pub(super) fn of(home: &Home, inventory: &Inventory, args: &Args) -> anyhow::Result<Ways> {
        let (snmp, ssh) = credentials(inventory, &args.credentials)?;
        let mut hosts = serde_json::Map::new();
        let address = "127.0.0.1";
        let ssh_way = format!("tcp:{}", args.ssh_port);
        let outside = json!({"address": address, "collect": ["ping", ssh_way]});
        hosts.insert("discover".into(), outside);
        for (at, name) in snmp.iter().enumerate() {
            let host = json!({
                "address": address,
                "collect": ["snmp"],
                "credential": name,
                "snmp": {"port": args.port},
            });
            hosts.insert(format!("discover-{at}"), host);
        }
        let mut files = home.inventory_files().map_err(anyhow::Error::msg)?;
        files.push(SourceFile {
            path: "inventory/hosts.d/of-the-command-line.yaml".into(),
            text: json!({"version": 1, "hosts": hosts}).to_string(),
            private: true,
        });
        let (made, problems) = inventory::load(&files, home);
        let made = made.ok_or_else(|| {
            let told = inventory::render(&problems, &files, false);
            anyhow::anyhow!("the inventory has errors\n{told}")
        })?;
        let target = |host: &str, fits: fn(&Access) -> bool| {
            let targets = &made.hosts.get(host)?.targets;
            let found = targets.iter().find(|target| fits(&target.access));
            found.map(|target| Target::clone(target))
        };
        let by_snmp = snmp.iter().enumerate().filter_map(|(at, name)| {
            let found = target(&format!("discover-{at}"), |a| matches!(a, Access::Snmp(_)))?;
            Some((name.clone(), found))
        });
        Ok(Ways {
            snmp: by_snmp.collect(),
            ssh,
            ping: target("discover", |a| matches!(a, Access::Ping)),
            tcp: target("discover", |a| matches!(a, Access::Tcp { .. })),
            args: Limits {
                rate: args.rate,
                timeout: args.timeout,
                dns: !args.no_dns,
                snmp_port: args.port,
                ssh_port: args.ssh_port,
            },
        })
    }
}

/// The names of SNMP credentials in the order in which to try them, and the first one of SSH.
fn credentials(
    inventory: &Inventory,
    named: &[String],
) -> anyhow::Result<(Vec<String>, Option<String>)> {
    let is_snmp = |kind: &CredentialKind| {
        use CredentialKind::{SnmpV1, SnmpV2c, SnmpV3};
        matches!(kind, SnmpV1 { .. } | SnmpV2c { .. } | SnmpV3(_))
    };
    let all = &inventory.credentials;
    if named.is_empty() {
        let snmp = all.iter().filter(|credential| is_snmp(&credential.kind));
        return Ok((
            snmp.map(|credential| credential.name.clone()).collect(),
            None,
        ));
    }
    let (mut snmp, mut ssh) = (Vec::new(), None);
    for name in named {
        let Some(credential) = all.iter().find(|credential| credential.name == *name) else {
            let known = all.iter().map(|credential| credential.name.as_str());
            let likely = nearest(name, known).map(|likely| format!(", did you mean `{likely}`?"));
            anyhow::bail!(
                "there is no credential `{name}` in the inventory{}",
                likely.unwrap_or_default()
            );
        };
        match is_snmp(&credential.kind) {
            true => snmp.push(name.clone()),
            false => ssh = ssh.or_else(|| Some(name.clone())),
        }
    }
    Ok((snmp, ssh))
}

/// One run over addresses.
pub(super) struct Sweep {
    ways: Ways,
    snmp: snmp::Engine,
    outside: Collectors,
}

impl Sweep {
    /// Must be called inside a tokio runtime.
    pub(super) fn start(ways: Ways) -> std::io::Result<Sweep> {
        Ok(Sweep {
            ways,
            snmp: snmp::Engine::start()?,
            // Nobody is logged in to, so no host keys are looked for.
            outside: Collectors::start(std::path::Path::new("."), 0)?,
        })
    }

    /// Those of the addresses that answer.
    pub(super) async fn over(
        self: Arc<Sweep>,
        addresses: Vec<IpAddr>,
        progress: &Progress,
    ) -> Vec<Found> {
        let whole = addresses.len();
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut pace = tokio::time::interval(Duration::from_secs(1) / self.ways.args.rate);
        let mut asking = tokio::task::JoinSet::new();
        let mut addresses = addresses.into_iter();
        let (mut done, mut found, mut more) = (0, Vec::new(), true);
        while more || !asking.is_empty() {
            tokio::select! {
                _ = pace.tick(), if more => {
                    let Some(address) = addresses.next() else {
                        more = false;
                        continue;
                    };
                    let (sweep, places) = (self.clone(), places.clone());
                    asking.spawn(async move {
                        let _place = places.acquire_owned().await;
                        sweep.ask(address).await
                    });
                }
                Some(answer) = asking.join_next() => {
                    done += 1;
                    found.extend(answer.ok().flatten());
                    progress.tell(done, whole, found.len());
                }
            }
        }
        progress.end();
        found
    }

    async fn ask(&self, address: IpAddr) -> Option<Found> {
        let (by_snmp, pings, ssh) = tokio::join!(
            self.greet(address),
            self.answers(self.ways.ping.as_ref(), address),
            self.answers(self.ways.tcp.as_ref(), address),
        );
        if by_snmp.is_none() && !pings && !ssh {
            return None;
        }
        let dns_name = match self.ways.args.dns {
            true => reverse_name(address).await,
            false => None,
        };
        Some(Found {
            address,
            dns_name,
            said: by_snmp,
            ssh: ssh.then(|| self.ways.ssh.clone()).flatten(),
            has_ssh: ssh,
            snmp_port: self.ways.args.snmp_port,
            ssh_port: self.ways.args.ssh_port,
        })
    }

    /// By the first credential that is let in. A wrong community is silence, so each is waited for.
    async fn greet(&self, address: IpAddr) -> Option<Said> {
        for (credential, target) in &self.ways.snmp {
            let target = at(target, address);
            let Access::Snmp(access) = &target.access else {
                continue;
            };
            let deadline = Instant::now() + self.ways.args.timeout;
            if let Ok(greeting) = self.snmp.greet(&target, access, deadline).await {
                return Some(Said {
                    credential: credential.clone(),
                    greeting,
                });
            }
        }
        None
    }

    async fn answers(&self, way: Option<&Target>, address: IpAddr) -> bool {
        let Some(target) = way else {
            return false;
        };
        let mut target = at(target, address);
        target.timeout = self.ways.args.timeout;
        self.outside.collect(&target, || 0).await.outcome.is_ok()
    }

    /// The addresses that a device knows as its neighbors'.
    pub(super) async fn neighbors(&self, found: &Found) -> Vec<IpAddr> {
        let said = found.said.as_ref();
        let way = said.and_then(|said| {
            let mut ways = self.ways.snmp.iter();
            ways.find(|(name, _)| *name == said.credential)
        });
        let Some((_, target)) = way else {
            return Vec::new();
        };
        let target = at(target, found.address);
        let Access::Snmp(access) = &target.access else {
            return Vec::new();
        };
        let mut seen = neighbors::Seen::default();
        for root in neighbors::ROOTS {
            let deadline = Instant::now() + NEIGHBORS_WITHIN;
            let mut keep = |name: &[u32], _: u8, content: &[u8]| seen.take(name, content);
            let roots = [root.to_vec()];
            // Half of the neighbors are better than none.
            let _ = self
                .snmp
                .record(&target, access, &roots, deadline, &mut keep)
                .await;
        }
        seen.addresses()
    }
}

/// The target at another address, under a name of its own.
fn at(target: &Target, address: IpAddr) -> Target {
    Target {
        host: address.to_string().into(),
        address: address.to_string(),
        ..target.clone()
    }
}

/// What the name server calls the address.
async fn reverse_name(address: IpAddr) -> Option<String> {
    const PATIENCE: Duration = Duration::from_secs(3);
    let asked = tokio::task::spawn_blocking(move || dns_lookup::lookup_addr(&address));
    let name = tokio::time::timeout(PATIENCE, asked)
        .await
        .ok()?
        .ok()?
        .ok()?;
    // Without a name the address itself comes back.
    (name.parse::<IpAddr>().is_err()).then_some(name)
}
