//! From drafts to hosts: every effective value by the rule `defaults < parent < group < host`, with
//! the place where it was written.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::draft::{Draft, GroupDraft, HostDraft};
use super::duration::print_duration;
use super::endpoint::EndpointDraft;
use super::host::{Host, HostKeyPolicy, Origin, Target};
use super::layer::{Chosen, Layer};
use super::levels::{Conflicts, Found, Levels};
use super::names;
use super::pattern;
use super::ports::PortFilter;
use super::problem::Problems;
use super::reach::{self, Reports};
use super::ssh_file::ViaDraft;
use super::told;
use super::via::{self, Ways};
use super::yaml::Written;

/// The hosts by name. Every problem is reported; hosts with problems are left out.
pub(super) fn hosts(draft: &Draft, problems: &mut Problems<'_>) -> BTreeMap<Arc<str>, Arc<Host>> {
    let chains = names::group_chains(draft, problems);
    names::check(draft, problems);
    let mut resolver = Resolver {
        draft,
        chains,
        conflicts: Conflicts::new(),
        reports: Reports::default(),
        ways: Ways::new(),
    };
    let mut hosts = BTreeMap::new();
    for host in &draft.hosts {
        if let Some(host) = resolver.host(host, problems) {
            hosts.insert(host.name.clone(), Arc::new(host));
        }
    }
    resolver.reports.finish(problems);
    via::resolve(&mut hosts, &resolver.ways, draft, problems);
    hosts
}

/// The effective values of one host, each `None` where nobody says it.
pub(super) struct Effective<'d> {
    pub(super) host: &'d HostDraft,
    /// What nobody says may be a follow-up of a mistake that is reported.
    pub(super) suspect: bool,
    pub(super) address: Option<Found<'d, String>>,
    pub(super) collect: Option<Found<'d, Vec<Chosen>>>,
    pub(super) interval: Option<Found<'d, Duration>>,
    pub(super) timeout: Option<Found<'d, Duration>>,
    pub(super) credentials: Option<Found<'d, Vec<Written<String>>>>,
    pub(super) depends_on: Option<Found<'d, Vec<Written<String>>>>,
    pub(super) labels: Vec<(&'d str, Found<'d, String>)>,
    pub(super) snmp_port: Option<Found<'d, u16>>,
    pub(super) snmp_interfaces: Option<Found<'d, Arc<PortFilter>>>,
    pub(super) ssh_port: Option<Found<'d, u16>>,
    pub(super) ssh_user: Option<Found<'d, String>>,
    pub(super) ssh_host_keys: Option<Found<'d, HostKeyPolicy>>,
    pub(super) ssh_via: Option<Found<'d, ViaDraft>>,
    pub(super) http: Vec<(&'d str, Found<'d, EndpointDraft>)>,
}

impl<'d> Effective<'d> {
    fn of(
        host: &'d HostDraft,
        levels: &Levels<'d>,
        conflicts: &mut Conflicts,
        problems: &mut Problems<'_>,
    ) -> Effective<'d> {
        macro_rules! pick {
            ($key:literal, $field:ident) => {
                levels.pick(
                    $key,
                    |layer: &'d Layer| layer.$field.as_ref(),
                    conflicts,
                    problems,
                )
            };
        }
        Effective {
            host,
            suspect: levels.suspect,
            address: pick!("address", address),
            collect: pick!("collect", collect),
            interval: pick!("interval", interval),
            timeout: pick!("timeout", timeout),
            credentials: pick!("credentials", credentials),
            depends_on: pick!("depends_on", depends_on),
            snmp_port: pick!("snmp.port", snmp_port),
            snmp_interfaces: pick!("snmp.interfaces", snmp_interfaces),
            ssh_port: pick!("ssh.port", ssh_port),
            ssh_user: pick!("ssh.user", ssh_user),
            ssh_host_keys: pick!("ssh.host_keys", ssh_host_keys),
            ssh_via: pick!("ssh.jump", ssh_via),
            labels: levels.named("labels", |layer| &layer.labels, conflicts, problems),
            http: levels.named("http", |layer| &layer.http, conflicts, problems),
        }
    }
}

struct Resolver<'d> {
    draft: &'d Draft,
    chains: HashMap<&'d str, Vec<&'d GroupDraft>>,
    conflicts: Conflicts,
    reports: Reports<'d>,
    ways: Ways,
}

impl<'d> Resolver<'d> {
    fn host(&mut self, host: &'d HostDraft, problems: &mut Problems<'_>) -> Option<Host> {
        let levels = Levels::of(host, self.draft, &self.chains);
        let values = Effective::of(host, &levels, &mut self.conflicts, problems);
        let address = address(&values, problems)?;
        let targets = reach::targets(&values, &address, self.draft, &mut self.reports)?;
        let depends_on = values.depends_on.as_ref().map_or(&[][..], |f| &f.value[..]);
        let own = host.layer.depends_on.iter().flat_map(|list| &list.value);
        for name in own.filter(|name| name.value == host.name) {
            let message = format!("the host `{}` depends on itself", host.name);
            problems.error("self-dependency", name.mark, message);
        }
        let origins = origins(&values, &address, &targets, problems);
        if let Some(way) = &values.ssh_via {
            let way = Written {
                value: way.value.clone(),
                mark: way.mark,
            };
            self.ways.insert(Arc::from(host.name.as_str()), way);
        }
        Some(Host {
            name: Arc::from(host.name.as_str()),
            address,
            groups: levels.groups.iter().map(|g| (*g).to_owned()).collect(),
            labels: values
                .labels
                .iter()
                .map(|(name, found)| ((*name).to_owned(), found.value.clone()))
                .collect(),
            // A group may say how all its hosts are reached, the one in front included.
            depends_on: depends_on
                .iter()
                .map(|name| name.value.clone())
                .filter(|name| *name != host.name)
                .collect(),
            renamed_from: host
                .renamed_from
                .as_ref()
                .map(|former| former.value.clone()),
            targets,
            origins,
        })
    }
}

/// The address of a host: its share of a range when that is one, else the text, else its name.
fn address(values: &Effective<'_>, problems: &mut Problems<'_>) -> Option<String> {
    let host = values.host;
    let Some(found) = &values.address else {
        return Some(host.name.clone());
    };
    let names = match pattern::expand(found.value) {
        Ok(names) if names.len() == 1 || names.len() == host.count => names,
        Ok(names) => {
            if host.index == 0 {
                let message = format!(
                    "`{}` stands for {} addresses, `{}` for {} hosts",
                    found.value,
                    names.len(),
                    host.written_as,
                    host.count
                );
                problems.error_at("bad-range", &[found.mark, host.mark], message);
            }
            return None;
        }
        Err(why) => {
            if host.index == 0 {
                problems.error("bad-range", found.mark, why);
            }
            return None;
        }
    };
    names.get(host.index).or_else(|| names.first()).cloned()
}

type Line = (String, String, Origin);

fn origins(
    values: &Effective<'_>,
    address: &str,
    targets: &[Arc<Target>],
    problems: &Problems<'_>,
) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut add = |key: &str, value: String, origin: Option<Origin>| {
        lines.push((key.to_owned(), value, origin.unwrap_or(Origin::BuiltIn)));
    };
    macro_rules! origin {
        ($field:ident) => {
            values.$field.as_ref().map(|found| found.origin(problems))
        };
    }
    let Some(first) = targets.first() else {
        return lines;
    };
    add("address", address.to_owned(), origin!(address));
    let methods: Vec<String> = targets.iter().map(|t| t.word()).collect();
    add("collect", methods.join(", "), origin!(collect));
    add(
        "interval",
        print_duration(first.interval),
        origin!(interval),
    );
    add("timeout", print_duration(first.timeout), origin!(timeout));
    if let Some(found) = &values.credentials {
        add("credentials", join(found.value), origin!(credentials));
    }
    for target in targets {
        told::describe(target, values, problems, &mut add);
    }
    for (name, found) in &values.labels {
        let origin = Some(found.origin(problems));
        add(&format!("labels.{name}"), found.value.clone(), origin);
    }
    if let Some(found) = &values.depends_on {
        add("depends_on", join(found.value), origin!(depends_on));
    }
    lines
}

fn join(words: &[Written<String>]) -> String {
    let words: Vec<&str> = words.iter().map(|word| word.value.as_str()).collect();
    words.join(", ")
}
