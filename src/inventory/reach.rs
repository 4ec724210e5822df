//! From effective values to targets: one per method, each with what it needs to be let in.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::credential::{CredentialDraft, CredentialKind};
use super::draft::Draft;
use super::duration::print_duration;
use super::endpoint;
use super::host::{Access, HostKeyPolicy, SnmpAccess, SnmpAuth, SshAccess, SshAuth, Target};
use super::layer::{Chosen, INTERVAL_MIN};
use super::nearest::nearest;
use super::problem::Problems;
use super::resolve::Effective;
use super::yaml::{Mark, Written};
use crate::profile::ProfileSet;
use crate::reading::Method;

const INTERVAL: Duration = Duration::from_secs(60);
const TIMEOUT_MAX: Duration = Duration::from_secs(15);
const SNMP_PORT: u16 = 161;
const SSH_PORT: u16 = 22;

/// Problems of hosts that share their cause, told once for the first host and counted.
#[derive(Default)]
pub(super) struct Reports<'d> {
    list: Vec<Report<'d>>,
    index: HashMap<(&'static str, Vec<Mark>), usize>,
}

struct Report<'d> {
    code: &'static str,
    marks: Vec<Mark>,
    /// The sentence, with `{}` where the host stands.
    sentence: String,
    help: String,
    host: &'d str,
    more: usize,
}

impl<'d> Reports<'d> {
    pub(super) fn add(
        &mut self,
        code: &'static str,
        marks: Vec<Mark>,
        host: &'d str,
        sentence: String,
        help: String,
    ) {
        if let Some(&known) = self.index.get(&(code, marks.clone())) {
            self.list[known].more += 1;
            return;
        }
        self.index.insert((code, marks.clone()), self.list.len());
        self.list.push(Report {
            code,
            marks,
            sentence,
            help,
            host,
            more: 0,
        });
    }

    pub(super) fn finish(self, problems: &mut Problems<'_>) {
        for report in self.list {
            let who = match report.more {
                0 => format!("`{}`", report.host),
                more => format!("`{}` (and {more} more)", report.host),
            };
            let message = report.sentence.replacen("{}", &who, 1);
            problems
                .error_at(report.code, &report.marks, message)
                .help(report.help);
        }
    }
}

/// The targets of a host in the order of `collect`; `None` when there is a problem.
pub(super) fn targets<'d>(
    values: &Effective<'d>,
    address: &str,
    draft: &Draft,
    reports: &mut Reports<'d>,
) -> Option<Vec<Arc<Target>>> {
    let host = values.host;
    let Some(collect) = &values.collect else {
        if values.suspect {
            return None;
        }
        let sentence = "nothing says how to watch the host {}".into();
        let help = "add `collect: [snmp]`, `collect: [ssh]` or both, to the host, its group or `defaults`; for this machine `collect: [local]`";
        reports.add(
            "no-target",
            vec![host.mark],
            &host.name,
            sentence,
            help.into(),
        );
        return None;
    };
    let (interval, timeout) = times(values, reports)?;
    let mut good = !collect.value.is_empty();
    let mut targets = Vec::new();
    for chosen in collect.value {
        let Some(access) = access(chosen, values, address, draft, reports) else {
            good = false;
            continue;
        };
        targets.push(Arc::new(Target {
            host: Arc::from(host.name.as_str()),
            way: chosen.way.clone(),
            address: address.to_owned(),
            interval,
            timeout,
            access,
        }));
    }
    good.then_some(targets)
}

/// Interval and timeout; `None` when the timeout is the longer one.
fn times<'d>(values: &Effective<'d>, reports: &mut Reports<'d>) -> Option<(Duration, Duration)> {
    let interval = values.interval.as_ref().map_or(INTERVAL, |f| *f.value);
    let Some(found) = &values.timeout else {
        let share = Duration::from_millis(interval.as_millis() as u64 * 8 / 10);
        return Some((interval, share.min(TIMEOUT_MAX).max(INTERVAL_MIN)));
    };
    let timeout = *found.value;
    if timeout <= interval {
        return Some((interval, timeout));
    }
    let mut marks = vec![found.mark];
    marks.extend(values.interval.as_ref().map(|found| found.mark));
    let sentence = format!(
        "the timeout of {} is longer than the interval of {} at the host {{}}",
        print_duration(timeout),
        print_duration(interval)
    );
    let help = "the next poll begins one interval after the last: shorten the timeout";
    reports.add("timeout", marks, &values.host.name, sentence, help.into());
    None
}

fn access<'d>(
    chosen: &Chosen,
    values: &Effective<'d>,
    address: &str,
    draft: &Draft,
    reports: &mut Reports<'d>,
) -> Option<Access> {
    let method = chosen.way.method;
    match method {
        Method::Local => Some(Access::Local),
        Method::Ping => Some(Access::Ping),
        Method::Tcp => {
            let port = chosen.way.parameter.as_ref()?.parse().ok()?;
            tcp(port, values, reports)
        }
        Method::Snmp => {
            let port = values.snmp_port.as_ref().map_or(SNMP_PORT, |f| *f.value);
            // Both are looked at, so that both mistakes are told at once.
            let profiles = profiles(chosen, values, draft, reports);
            let auth = match credential(method, values, draft, reports)?.clone() {
                CredentialKind::SnmpV1 { community } => SnmpAuth::V1 { community },
                CredentialKind::SnmpV2c { community } => SnmpAuth::V2c { community },
                CredentialKind::SnmpV3(user) => SnmpAuth::V3(user),
                _ => return None,
            };
            Some(Access::Snmp(SnmpAccess {
                port,
                auth,
                profiles: profiles?,
                interfaces: values
                    .snmp_interfaces
                    .as_ref()
                    .map_or_else(Arc::default, |found| found.value.clone()),
            }))
        }
        Method::Ssh => {
            let (user, auth) = match credential(method, values, draft, reports)? {
                CredentialKind::SshKey {
                    user,
                    key_file,
                    passphrase,
                } => (
                    user,
                    SshAuth::Key {
                        key_file: key_file.clone(),
                        passphrase: passphrase.clone(),
                    },
                ),
                CredentialKind::SshPassword { user, password } => {
                    (user, SshAuth::Password(password.clone()))
                }
                CredentialKind::SshAgent { user } => (user, SshAuth::Agent),
                _ => return None,
            };
            let own_user = values.ssh_user.as_ref().map(|found| found.value);
            let policy = values.ssh_host_keys.as_ref().map(|found| *found.value);
            Some(Access::Ssh(SshAccess {
                port: values.ssh_port.as_ref().map_or(SSH_PORT, |f| *f.value),
                user: own_user.unwrap_or(user).clone(),
                auth,
                host_keys: policy.unwrap_or(HostKeyPolicy::Strict),
                // When all hosts are known.
                via: None,
            }))
        }
        Method::Push => Some(Access::Push),
        Method::Http => endpoint::access(chosen, values, address, draft, reports).map(Access::Http),
    }
}

/// The profiles that `collect` names, or all.
fn profiles<'d>(
    chosen: &Chosen,
    values: &Effective<'d>,
    draft: &Draft,
    reports: &mut Reports<'d>,
) -> Option<ProfileSet> {
    if chosen.profiles.is_empty() {
        return Some(draft.profiles.clone());
    }
    let all = &draft.profiles.profiles;
    let mut named = Vec::new();
    for name in &chosen.profiles {
        if let Some(profile) = all.iter().find(|p| *p.name == *name.value) {
            named.push(profile.clone());
            continue;
        }
        let sentence = format!(
            "the host {{}} names the SNMP profile `{}`, which is not there",
            name.value
        );
        let help = match nearest(&name.value, all.iter().map(|p| &*p.name)) {
            Some(likely) => format!("did you mean `snmp/{likely}`?"),
            None => {
                "`eider profile list` shows the profiles; `snmp` alone uses all that match".into()
            }
        };
        reports.add(
            "unknown-profile",
            vec![name.mark],
            &values.host.name,
            sentence,
            help,
        );
    }
    (named.len() == chosen.profiles.len()).then(|| ProfileSet {
        profiles: named.into(),
        pinned: true,
    })
}

/// A port to connect to, unless SSH logs in there anyway.
fn tcp<'d>(port: u16, values: &Effective<'d>, reports: &mut Reports<'d>) -> Option<Access> {
    let by_ssh = values.collect.as_ref().filter(|found| {
        found
            .value
            .iter()
            .any(|chosen| chosen.way.method == Method::Ssh)
    });
    let ssh_port = values.ssh_port.as_ref().map_or(SSH_PORT, |f| *f.value);
    let Some(collect) = by_ssh.filter(|_| ssh_port == port) else {
        return Some(Access::Tcp { port });
    };
    let sentence = format!("tcp:{port} of the host {{}} is the port that ssh logs in at");
    let help = "sshd counts connections without a login and may lock this machine out; leave it to `ssh`, which fails when the port does";
    let marks = vec![collect.mark];
    reports.add(
        "tcp-at-ssh",
        marks,
        &values.host.name,
        sentence,
        help.into(),
    );
    None
}

/// The first credential that is for the method. A missing one is reported, unless a mistake in
/// the list or in a credential of it already was.
fn credential<'c, 'd>(
    method: Method,
    values: &Effective<'d>,
    draft: &'c Draft,
    reports: &mut Reports<'d>,
) -> Option<&'c CredentialKind> {
    let list = values.credentials.as_ref();
    let names = list.map_or(&[][..], |found| &found.value[..]);
    let mut broken = values.suspect || (list.is_some() && names.is_empty());
    for name in names {
        match draft.credentials.get(&name.value) {
            Some(known) if method_of(known) == Some(method) => return known.kind.as_ref(),
            Some(known) => broken |= known.kind.is_none(),
            None => broken = true,
        }
    }
    if broken {
        return None;
    }
    let word = method.as_str();
    let collect = values.collect.as_ref().map(|found| found.mark);
    let mut marks: Vec<Mark> = list.map(|found| found.mark).into_iter().collect();
    marks.extend(collect);
    let sentence = match list {
        Some(_) => format!("no credential of the host {{}} is for {word}"),
        None => format!("the host {{}} is to be watched by {word} but has no credential"),
    };
    let help = credential_help(method, list.is_some(), draft);
    reports.add("no-credential", marks, &values.host.name, sentence, help);
    None
}

/// What to add: one of the credentials that are there, or one to be made.
fn credential_help(method: Method, has_list: bool, draft: &Draft) -> String {
    let mut fitting: Vec<&str> = draft
        .credentials
        .iter()
        .filter(|(_, known)| method_of(known) == Some(method))
        .map(|(name, _)| name.as_str())
        .collect();
    fitting.sort_unstable();
    let how = match has_list {
        true => "put both names into `credentials: [a, b]`",
        false => "name it with `credential:` at the host or its group",
    };
    match (&fitting[..], method) {
        ([], Method::Snmp) => format!(
            "make one under `credentials:`, for example `snmp-ro: {{type: snmp-v2c, community: \"env:SNMP_COMMUNITY\"}}`, and {how}"
        ),
        ([], _) => format!(
            "make one under `credentials:`, for example `ops-key: {{type: ssh-key, user: monitor, key_file: ~/.ssh/id_ed25519}}`, and {how}"
        ),
        (one_or_more, _) => {
            let names: Vec<String> = one_or_more.iter().map(|name| format!("`{name}`")).collect();
            format!(
                "for {} there is {}: {how}",
                method.as_str(),
                names.join(", ")
            )
        }
    }
}

/// The method that a credential is for; `None` when its type is not known.
fn method_of(credential: &CredentialDraft) -> Option<Method> {
    let word = credential.kind_word.as_deref()?;
    [Method::Snmp, Method::Ssh, Method::Http]
        .into_iter()
        .find(|method| word.starts_with(method.as_str()))
}

/// Reports two credentials of one method in one list.
pub(super) fn check_types(
    draft: &Draft,
    list: &Written<Vec<Written<String>>>,
    seen: &mut HashSet<Mark>,
    problems: &mut Problems<'_>,
) {
    let mut first: HashMap<Method, &Written<String>> = HashMap::new();
    for name in &list.value {
        let known = draft.credentials.get(&name.value);
        let Some(method) = known.and_then(method_of) else {
            continue;
        };
        if let Some(other) = first.insert(method, name) {
            if !seen.insert(name.mark) {
                continue;
            }
            let message = format!(
                "`{}` and `{}` are both for {}",
                other.value,
                name.value,
                method.as_str()
            );
            problems
                .error_at("two-credentials", &[name.mark, other.mark], message)
                .help("a method takes one credential: keep one of the two");
        }
    }
}
