//! From what answered to hosts of an inventory: names, groups, and what not to write down.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::collect::snmp::Greeting;
use crate::inventory::{Inventory, Outline, OutlineGroup, OutlineHost, OutlineLayer};

/// An address that answers.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) address: IpAddr,
    /// By the name server.
    pub(super) dns_name: Option<String>,
    pub(super) said: Option<Said>,
    /// The credential of SSH to be tried, where its port is open.
    pub(super) ssh: Option<String>,
    pub(super) has_ssh: bool,
    pub(super) snmp_port: u16,
    pub(super) ssh_port: u16,
}

/// What it said, and to which credential.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) credential: String,
    pub(super) greeting: Greeting,
}

/// Hosts to be, and what is not among them.
pub(super) struct Written {
    pub(super) outline: Outline,
    pub(super) remarks: Vec<String>,
}

/// Names that devices have from the factory: they name nothing.
const FACTORY_NAMES: [&str; 8] = [
    "localhost",
    "localhost.localdomain",
    "switch",
    "router",
    "unknown",
    "none",
    "name",
    "system name",
];
/// Two answers of one device that came within this time have nearly the same uptime (1/100 s).
const SAME_UPTIME: u32 = 6_000;

/// The hosts that are not in the inventory yet. `all`: also those that tell nothing of themselves.
pub(super) fn outline(found: &[Found], inventory: &Inventory, all: bool) -> Written {
    let watched: BTreeMap<&str, &str> = inventory
        .hosts
        .values()
        .map(|host| (host.address.as_str(), &*host.name))
        .collect();
    let mut taken: BTreeSet<String> = inventory.hosts.keys().map(|n| n.to_string()).collect();
    let mut groups: BTreeMap<String, Vec<OutlineHost>> = BTreeMap::new();
    let mut outline = Outline::default();
    let mut remarks = Vec::new();
    let mut written: Vec<(&Found, String)> = Vec::new();
    let mut quiet = 0;
    for device in found {
        let address = device.address.to_string();
        if let Some(name) = watched.get(address.as_str()) {
            remarks.push(format!("{address} is watched already, as {name}"));
            continue;
        }
        if let Some((_, name)) = written.iter().find(|(other, _)| is_same(device, other)) {
            remarks.push(format!("{address} is another address of {name}"));
            continue;
        }
        if device.said.is_none() && device.ssh.is_none() && !all {
            quiet += 1;
            continue;
        }
        let name = name(device, &taken);
        taken.insert(name.clone());
        written.push((device, name.clone()));
        let host = host(device, name);
        match device
            .said
            .as_ref()
            .map(|said| group(&said.greeting, inventory))
        {
            Some(group) => groups.entry(group).or_default().push(host),
            None => outline.hosts.push(host),
        }
    }
    if quiet > 0 {
        remarks.push(format!(
            "{quiet} more answer to ping or at the port of SSH only: --all writes them down, --credential NAME with a credential of SSH has them watched by ssh"
        ));
    }
    outline.groups = groups
        .into_iter()
        .map(|(name, hosts)| OutlineGroup {
            name,
            hosts,
            ..OutlineGroup::default()
        })
        .collect();
    Written { outline, remarks }
}

/// One device under two addresses: the same words, and started at the same time.
fn is_same(one: &Found, other: &Found) -> bool {
    let (Some(one), Some(other)) = (&one.said, &other.said) else {
        return false;
    };
    let (one, other) = (&one.greeting, &other.greeting);
    let uptimes = one.uptime.zip(other.uptime);
    !one.name.is_empty()
        && (&one.name, &one.descr, &one.object_id) == (&other.name, &other.descr, &other.object_id)
        && uptimes.is_some_and(|(one, other)| one.abs_diff(other) < SAME_UPTIME)
}

/// Its own name, else the name server's, else its address; each but once.
fn name(device: &Found, taken: &BTreeSet<String>) -> String {
    let own = device.said.as_ref().map(|said| said.greeting.name.as_str());
    let own = own.filter(|name| {
        let factory = FACTORY_NAMES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name));
        is_host_name(name) && !factory
    });
    let address = device.address.to_string();
    let by_dns = device.dns_name.as_deref().filter(|name| is_host_name(name));
    let wished = own.or(by_dns).unwrap_or(&address);
    let with_address = format!("{wished}-{address}");
    let mut proposals = [wished, &address, &with_address].into_iter();
    // Whoever has given all three away has to choose: the check tells the places.
    let free = proposals.find(|name| !taken.contains(*name));
    free.unwrap_or(wished).to_owned()
}

fn is_host_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    !name.is_empty()
        && name.len() <= 253
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(inner)
}

fn host(device: &Found, name: String) -> OutlineHost {
    let address = device.address.to_string();
    let mut says = OutlineLayer {
        address: (name != address).then_some(address),
        ..OutlineLayer::default()
    };
    let remark = match (&device.said, &device.ssh) {
        (Some(said), _) => {
            says.collect = vec!["snmp".into()];
            says.credentials = vec![said.credential.clone()];
            says.snmp_port = Some(device.snmp_port).filter(|port| *port != 161);
            said.greeting.descr.chars().take(80).collect()
        }
        (None, Some(credential)) => {
            says.collect = vec!["ssh".into()];
            says.credentials = vec![credential.clone()];
            says.ssh_port = Some(device.ssh_port).filter(|port| *port != 22);
            format!("login not tried; first: eider ssh trust {name}")
        }
        (None, None) => {
            says.collect = vec!["ping".into()];
            match device.has_ssh {
                true => "SSH is open".into(),
                false => String::new(),
            }
        }
    };
    OutlineHost {
        name,
        groups: Vec::new(),
        says,
        remark: Some(remark).filter(|remark| !remark.is_empty()),
    }
}

/// The profile that knows the device's sysObjectID best, as the name of a group; else the number of
/// the enterprise.
fn group(greeting: &Greeting, inventory: &Inventory) -> String {
    /// Enterprise numbers (IANA) of agents that need no profile.
    const AGENTS: [(u32, &str); 3] = [(8072, "net-snmp"), (2021, "net-snmp"), (311, "windows")];
    let mut best: Option<(usize, &str)> = None;
    for profile in &inventory.profiles {
        let prefixes = profile.matching.iter().flat_map(|m| &m.sys_object_id);
        for prefix in prefixes.filter(|prefix| greeting.object_id.starts_with(prefix)) {
            let name: &str = &profile.name;
            let better = best.is_none_or(|(length, known)| {
                (prefix.len(), std::cmp::Reverse(name.len()))
                    > (length, std::cmp::Reverse(known.len()))
            });
            if better {
                best = Some((prefix.len(), name));
            }
        }
    }
    if let Some((_, name)) = best {
        return name.to_owned();
    }
    // enterprises: 1.3.6.1.4.1
    match greeting.object_id.strip_prefix(&[1, 3, 6, 1, 4, 1]) {
        Some([number, ..]) => AGENTS
            .iter()
            .find(|(known, _)| known == number)
            .map_or_else(
                || format!("enterprise-{number}"),
                |(_, name)| (*name).into(),
            ),
        _ => "found".into(),
    }
}
