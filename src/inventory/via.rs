//! Hosts that are reached through others: from names to what lets us in there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::draft::Draft;
use super::host::{Access, Host, SshAccess, Target, Via};
use super::nearest::nearest;
use super::problem::Problems;
use super::ssh_file::ViaDraft;
use super::yaml::{Mark, Written};

/// More hosts in a row are a slip.
const HOPS_MAX: usize = 4;

/// What each host says of its way, where it says anything.
pub(super) type Ways = HashMap<Arc<str>, Written<ViaDraft>>;

/// Gives every target of SSH its way. Hosts that cannot be gone through are reported, once for each
/// place that names them.
pub(super) fn resolve(
    hosts: &mut BTreeMap<Arc<str>, Arc<Host>>,
    ways: &Ways,
    draft: &Draft,
    problems: &mut Problems<'_>,
) {
    let mut reported: HashSet<(Mark, &'static str)> = HashSet::new();
    let mut changed = Vec::new();
    for name in ways.keys() {
        match via(name, ways, hosts, &mut Vec::new()) {
            Ok(None) => {}
            Ok(Some(way)) => changed.push((name.clone(), way)),
            Err(why) if reported.insert((why.mark, why.code)) => {
                why.report(hosts, draft, problems);
            }
            Err(_) => {}
        }
    }
    for (name, way) in changed {
        let Some(host) = hosts.get_mut(&name) else {
            continue;
        };
        let mut host_via = Host::clone(host);
        for target in &mut host_via.targets {
            if let Access::Ssh(access) = &target.access {
                let access = SshAccess {
                    via: Some(way.clone()),
                    ..access.clone()
                };
                *target = Arc::new(Target {
                    access: Access::Ssh(access),
                    ..Target::clone(target)
                });
            }
        }
        *host = Arc::new(host_via);
    }
}

/// Why a host cannot be gone through.
struct Wrong {
    code: &'static str,
    mark: Mark,
    name: String,
}

impl Wrong {
    fn report(
        &self,
        hosts: &BTreeMap<Arc<str>, Arc<Host>>,
        draft: &Draft,
        problems: &mut Problems<'_>,
    ) {
        let name = &self.name;
        match self.code {
            "jump-circle" => {
                let message = format!("the way to `{name}` leads through `{name}` itself");
                problems
                    .error(self.code, self.mark, message)
                    .help("`jump: none` at a host goes there directly, whatever its group says");
            }
            "jump-far" => {
                let message = format!("more than {HOPS_MAX} hosts in a row before `{name}`");
                problems.error(self.code, self.mark, message);
            }
            "jump-not-ssh" => {
                let message =
                    format!("`{name}` is not watched by ssh, so nobody can go through it");
                problems
                    .error(self.code, self.mark, message)
                    .help(format!("give `{name}` `collect: [ssh]` and a credential"));
            }
            // One that is there may have been left out for a mistake that is reported.
            _ if draft.incomplete || draft.host_index.contains_key(name) => {}
            code => {
                let message = format!("there is no host `{name}` to go through");
                let likely = nearest(name, hosts.keys().map(|name| &**name));
                problems
                    .error(code, self.mark, message)
                    .did_you_mean(likely);
            }
        }
    }
}

/// The way to a host; `None`: directly.
fn via(
    name: &Arc<str>,
    ways: &Ways,
    hosts: &BTreeMap<Arc<str>, Arc<Host>>,
    passed: &mut Vec<Arc<str>>,
) -> Result<Option<Arc<Via>>, Wrong> {
    let Some(way) = ways.get(name) else {
        return Ok(None);
    };
    let wrong = |code, name: &str| Wrong {
        code,
        mark: way.mark,
        name: name.to_owned(),
    };
    let front = match &way.value {
        ViaDraft::Directly => return Ok(None),
        ViaDraft::Command(words) => return Ok(Some(Arc::new(Via::Command(words.clone())))),
        // A group may say how all its hosts are reached, the one in front included.
        ViaDraft::Jump(front) if **front == **name => return Ok(None),
        ViaDraft::Jump(front) => front,
    };
    passed.push(name.clone());
    if passed.iter().any(|one| **one == **front) {
        return Err(wrong("jump-circle", front));
    }
    if passed.len() > HOPS_MAX {
        return Err(wrong("jump-far", &passed[0]));
    }
    let Some((front, host)) = hosts.get_key_value(front.as_str()) else {
        return Err(wrong("unknown-host", front));
    };
    let access = host.targets.iter().find_map(|target| match &target.access {
        Access::Ssh(access) => Some(access),
        _ => None,
    });
    let Some(access) = access else {
        return Err(wrong("jump-not-ssh", front));
    };
    let access = SshAccess {
        via: via(front, ways, hosts, passed)?,
        ..access.clone()
    };
    Ok(Some(Arc::new(Via::Jump {
        host: front.clone(),
        address: host.address.clone(),
        access,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Inventory, NoSecrets, Problem, SourceFile, load};

    fn read(hosts: &str) -> (Option<Inventory>, Vec<Problem>) {
        let text = format!(
            "version: 1\ncredentials:\n  a: {{type: ssh-agent, user: me}}\ngroups:\n  all:\n    collect: [ssh]\n    credential: a\n{hosts}"
        );
        load(&[SourceFile::new("inventory/hosts.yaml", text)], &NoSecrets)
    }

    /// The names of those in front, the nearest to the host first.
    fn way(inventory: &Inventory, host: &str) -> Vec<String> {
        let Access::Ssh(access) = &inventory.hosts[host].targets[0].access else {
            panic!("{host} is watched by ssh");
        };
        let mut names = Vec::new();
        let mut at = access.via.clone();
        while let Some(Via::Jump { host, access, .. }) = at.as_deref() {
            names.push(host.to_string());
            at = access.via.clone();
        }
        names
    }

    #[test]
    fn a_group_names_the_host_in_front_of_all_of_it() {
        let hosts = "    ssh: {jump: front}\n    hosts:\n      front:\n      web[1:2]:\n      far: {ssh: {jump: web1}}\n      near: {ssh: {jump: none}}\n";
        let (inventory, problems) = read(hosts);
        let inventory = inventory.unwrap_or_else(|| panic!("{problems:#?}"));
        assert_eq!(way(&inventory, "front"), Vec::<String>::new());
        assert_eq!(way(&inventory, "near"), Vec::<String>::new());
        assert_eq!(way(&inventory, "web2"), ["front"]);
        assert_eq!(way(&inventory, "far"), ["web1", "front"]);
    }

    #[test]
    fn ways_that_lead_nowhere_are_told_once_for_each_place() {
        for (hosts, code) in [
            (
                "    ssh: {jump: frnt}\n    hosts: {front: {ssh: {jump: none}}, b: , c: }\n",
                "unknown-host",
            ),
            (
                "    hosts: {a: {ssh: {jump: b}}, b: {ssh: {jump: a}}}\n",
                "jump-circle",
            ),
            (
                "    hosts: {a: {ssh: {jump: b}}, b: {collect: [ping]}}\n",
                "jump-not-ssh",
            ),
            (
                "    hosts:\n      a: {ssh: {jump: b}}\n      b: {ssh: {jump: c}}\n      c: {ssh: {jump: d}}\n      d: {ssh: {jump: e}}\n      e: {ssh: {jump: f}}\n      f:\n",
                "jump-far",
            ),
            (
                "    ssh: {proxy_command: nc %h}\n    hosts: {a: }\n",
                "wrong-type",
            ),
        ] {
            let (inventory, problems) = read(hosts);
            assert!(inventory.is_none(), "{hosts}");
            let codes: Vec<&str> = problems.iter().map(|p| p.code).collect();
            assert!(codes.contains(&code), "{code}: {problems:#?}");
            let lines: HashSet<_> = problems.iter().map(|p| format!("{:?}", p.places)).collect();
            assert_eq!(
                lines.len(),
                problems.len(),
                "each place once: {problems:#?}"
            );
        }
    }
}
