//! What `defaults`, a group and a host may all say. One such mapping is a layer; a host's effective
//! values come from its layers ([`super::resolve`]).

use std::sync::Arc;
use std::time::Duration;

use super::endpoint::{self, EndpointDraft};
use super::fields::{self, Keys};
use super::host::HostKeyPolicy;
use super::nearest::nearest;
use super::ports::{self, PortFilter};
use super::problem::Problems;
use super::ssh_file::{self, ViaDraft};
use super::yaml::{Kind, Map, Mark, Node, Written};
use crate::reading::{Method, Way};

/// Keys of every layer.
pub(super) const LAYER_KEYS: [&str; 11] = [
    "collect",
    "credential",
    "credentials",
    "address",
    "interval",
    "timeout",
    "labels",
    "depends_on",
    "snmp",
    "ssh",
    "http",
];

/// Keys that the design knows and this version does not.
pub(super) const LATER_KEYS: [&str; 5] = ["interfaces", "mute", "poller", "ping", "services"];

pub(super) const INTERVAL_MIN: Duration = Duration::from_secs(1);
pub(super) const INTERVAL_MAX: Duration = Duration::from_secs(86_400);

#[derive(Debug, Default)]
pub(super) struct Layer {
    /// It has keys that are not known.
    pub(super) suspect: bool,
    pub(super) address: Option<Written<String>>,
    pub(super) interval: Option<Written<Duration>>,
    pub(super) timeout: Option<Written<Duration>>,
    /// Empty after a mistake that is reported.
    pub(super) collect: Option<Written<Vec<Chosen>>>,
    /// Empty after a mistake that is reported.
    pub(super) credentials: Option<Written<Vec<Written<String>>>>,
    pub(super) depends_on: Option<Written<Vec<Written<String>>>>,
    pub(super) labels: Vec<(String, Written<String>)>,
    pub(super) snmp_port: Option<Written<u16>>,
    pub(super) snmp_interfaces: Option<Written<Arc<PortFilter>>>,
    pub(super) ssh_port: Option<Written<u16>>,
    pub(super) ssh_user: Option<Written<String>>,
    pub(super) ssh_host_keys: Option<Written<HostKeyPolicy>>,
    pub(super) ssh_via: Option<Written<ViaDraft>>,
    pub(super) http: Vec<(String, Written<EndpointDraft>)>,
}

/// Reads the keys of a layer; other keys are left to the caller.
pub(super) fn read(map: &Map, problems: &mut Problems<'_>) -> Layer {
    let mut layer = Layer::default();
    for entry in &map.entries {
        let (key, node) = (entry.key.value.as_str(), &entry.value);
        match key {
            "address" => {
                layer.address = fields::text(node, key, problems)
                    .filter(|address| address_is_good(address, problems))
                    .map(|found| found.at(entry.key.mark));
            }
            "interval" => {
                let bounds = (INTERVAL_MIN, INTERVAL_MAX);
                layer.interval = fields::duration(node, key, bounds, problems)
                    .map(|found| found.at(entry.key.mark));
            }
            "timeout" => {
                let bounds = (INTERVAL_MIN, INTERVAL_MAX);
                layer.timeout = fields::duration(node, key, bounds, problems)
                    .map(|found| found.at(entry.key.mark));
            }
            "collect" => layer.collect = Some(collect(entry.key.mark, node, problems)),
            "credential" => {
                let one = fields::text(node, key, problems);
                layer.credentials = Some(Written {
                    value: one.into_iter().collect(),
                    mark: entry.key.mark,
                });
            }
            "credentials" => {
                if let Some(other) = map.get("credential") {
                    problems
                        .error_at(
                            "two-keys",
                            &[entry.key.mark, other.key.mark],
                            "`credential` and `credentials` both stand here",
                        )
                        .help("put every name into `credentials: [a, b]`");
                }
                layer.credentials = Some(names(entry.key.mark, node, key, problems));
            }
            "depends_on" => {
                layer.depends_on =
                    fields::texts(node, key, problems).map(|found| found.at(entry.key.mark));
            }
            "labels" => layer.labels = labels(node, problems),
            "snmp" => snmp(node, &mut layer, problems),
            "ssh" => ssh_file::read(node, &mut layer, problems),
            "http" => layer.http = endpoint::read_all(node, problems),
            _ => {}
        }
    }
    layer
}

/// A name or an IP address, without a port.
pub(super) fn address_is_good(address: &Written<String>, problems: &mut Problems<'_>) -> bool {
    let text = address.value.as_str();
    if text.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    let port = text
        .rsplit_once(':')
        .filter(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    if let Some((name, port)) = port {
        let message = format!("an address has no port: `{text}`");
        problems.error("bad-value", address.mark, message).help(format!(
            "write `address: {name}` and the port as `snmp: {{port: {port}}}` or `ssh: {{port: {port}}}`"
        ));
        return false;
    }
    let allowed = |c: char| c.is_alphanumeric() || "-._[]:".contains(c);
    if text.len() <= 253 && text.chars().all(allowed) && !text.starts_with(['-', '.']) {
        return true;
    }
    let message = format!("`{text}` is neither a DNS name nor an IP address");
    problems.error("bad-value", address.mark, message);
    false
}

/// One word of `collect`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chosen {
    pub(super) way: Way,
    /// `snmp/NAME`: the profiles that are named.
    pub(super) profiles: Vec<Written<String>>,
}

impl Chosen {
    /// Whether the other names one more profile for the same.
    fn also(&self, other: &Chosen) -> bool {
        self.way == other.way && !self.profiles.is_empty()
    }

    fn plain(way: impl Into<Way>) -> Chosen {
        Chosen {
            way: way.into(),
            profiles: Vec::new(),
        }
    }
}

/// `collect: [snmp, ssh]`: the methods, each once.
fn collect(key: Mark, node: &Node, problems: &mut Problems<'_>) -> Written<Vec<Chosen>> {
    let words = names(key, node, "collect", problems);
    let mut ways: Vec<Chosen> = Vec::new();
    let mut good = true;
    for written in &words.value {
        match way(written, problems) {
            Some(way) if !way.profiles.is_empty() && ways.iter().any(|w| w.also(&way)) => {
                let known = ways.iter_mut().find(|known| known.way == way.way);
                known
                    .into_iter()
                    .for_each(|k| k.profiles.extend(way.profiles.clone()));
            }
            Some(way) if ways.iter().any(|known| known.way == way.way) => {
                let message = format!("`collect` names {} twice", way.way);
                problems.error("duplicate-method", written.mark, message);
            }
            Some(way) => ways.push(way),
            None => good = false,
        }
    }
    if !good {
        ways.clear();
    }
    Written {
        value: ways,
        mark: key,
    }
}

/// A list that names at least one thing. It comes back empty after a mistake, which is reported.
fn names(
    key: Mark,
    node: &Node,
    name: &str,
    problems: &mut Problems<'_>,
) -> Written<Vec<Written<String>>> {
    if matches!(&node.kind, Kind::List(items) if items.is_empty()) {
        problems.error("bad-value", node.mark, format!("`{name}` names nothing"));
    }
    let value = fields::texts(node, name, problems).map_or_else(Vec::new, |list| list.value);
    Written { value, mark: key }
}

const HAVE: &str = "this version collects by snmp, ssh, local, push, ping, tcp:PORT and http:NAME";

fn way(written: &Written<String>, problems: &mut Problems<'_>) -> Option<Chosen> {
    let text = written.value.as_str();
    let head = text.split([':', '/']).next().unwrap_or(text);
    let Some(method) = Method::from_word(head) else {
        let message = format!("unknown method `{text}`");
        let words = Method::ALL.map(Method::as_str);
        let problem = problems.error("unknown-method", written.mark, message);
        match nearest(head, words) {
            Some(likely) => problem.did_you_mean(Some(likely)),
            None => problem.help(HAVE),
        };
        return None;
    };
    if method == Method::Http {
        return http(written, problems);
    }
    if method == Method::Tcp {
        return tcp(written, problems);
    }
    if text == head || text == "snmp/auto" {
        return Some(Chosen::plain(method));
    }
    if let Some(profile) = text.strip_prefix("snmp/") {
        return Some(Chosen {
            profiles: vec![Written {
                value: profile.to_owned(),
                mark: written.mark,
            }],
            ..Chosen::plain(method)
        });
    }
    problems
        .error(
            "bad-value",
            written.mark,
            format!("the method {head} takes no parameter: `{text}`"),
        )
        .help(format!("write `{head}`"));
    None
}

/// `http:node`
fn http(written: &Written<String>, problems: &mut Problems<'_>) -> Option<Chosen> {
    let name = written.value.strip_prefix("http:").unwrap_or("");
    if !is_word(name) {
        let message = format!("`{}` names no endpoint", written.value);
        problems
            .error("bad-value", written.mark, message)
            .help("write `http:node` here and `http: {node: {port: 9100}}` beside it");
        return None;
    }
    Some(Chosen::plain(Way {
        method: Method::Http,
        parameter: Some(name.into()),
    }))
}

/// `tcp:443`
fn tcp(written: &Written<String>, problems: &mut Problems<'_>) -> Option<Chosen> {
    let number = written.value.strip_prefix("tcp:").unwrap_or("");
    match number.parse() {
        // Printed again, `tcp:0443` is the same port as `tcp:443`.
        Ok(port @ 1u16..) if number.bytes().all(|b| b.is_ascii_digit()) => {
            Some(Chosen::plain(Way {
                method: Method::Tcp,
                parameter: Some(port.to_string().into()),
            }))
        }
        _ => {
            let message = format!("`{}` names no port from 1 to 65535", written.value);
            problems
                .error("bad-value", written.mark, message)
                .help("write it like `tcp:443`");
            None
        }
    }
}

fn labels(node: &Node, problems: &mut Problems<'_>) -> Vec<(String, Written<String>)> {
    let Some(map) = fields::map(node, "labels", problems) else {
        return Vec::new();
    };
    let mut labels = Vec::new();
    for entry in &map.entries {
        let name = entry.key.value.as_str();
        if !is_word(name) {
            let message = format!("`{name}` cannot be the name of a label");
            problems
                .error("bad-name", entry.key.mark, message)
                .help("use letters, digits, `_`, `-` and `.`");
        } else if let Some(value) = fields::text(&entry.value, name, problems) {
            labels.push((name.to_owned(), value.at(entry.key.mark)));
        }
    }
    labels
}

fn snmp(node: &Node, layer: &mut Layer, problems: &mut Problems<'_>) {
    let Some(map) = fields::map(node, "snmp", problems) else {
        return;
    };
    Keys::new("snmp", &["port", "interfaces"])
        .later(&["max_repetitions", "retries", "context"])
        .check(map, problems);
    if let Some(entry) = map.get("port") {
        layer.snmp_port = fields::whole(&entry.value, "port", (1, u16::MAX), problems)
            .map(|found| found.at(entry.key.mark));
    }
    if let Some(entry) = map.get("interfaces") {
        layer.snmp_interfaces = ports::read(&entry.value, problems).map(|filter| Written {
            value: Arc::new(filter),
            mark: entry.key.mark,
        });
    }
}

/// Whether the text can name a group, a label or a credential.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 100
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "_-.".contains(c))
}
