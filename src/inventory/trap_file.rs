//! `traps:` of the settings: where to wait for traps, and what to do about them.

use std::time::Duration;

use super::Outside;
use super::credential::{Secret, secret};
use super::fields::{self, Keys};
use super::problem::Problems;
use super::settings::TrapSettings;
use super::settings_file::address_and_port;
use super::yaml::{Kind, Mark, Node};

const KEYS: &[&str] = &["listen", "communities", "rate", "poll", "poll_every"];
const LISTEN: &str = "write \"0.0.0.0:162\", and \"[::]:162\" for IPv6";
const RATE: u32 = 10;
const RATE_MAX: u32 = 1_000;
const POLL_EVERY: Duration = Duration::from_secs(60);
const POLL_EVERY_MIN: Duration = Duration::from_secs(5);
const POLL_EVERY_MAX: Duration = Duration::from_secs(86_400);

/// Reads `traps:`; `None` when it is empty or does not say where to listen.
pub(super) fn traps(
    mark: Mark,
    node: &Node,
    outside: &dyn Outside,
    problems: &mut Problems<'_>,
) -> Option<TrapSettings> {
    let map = fields::map(node, "traps", problems)?;
    if map.entries.is_empty() {
        return None;
    }
    Keys::new("traps", KEYS).check(map, problems);
    let mut traps = TrapSettings {
        listen: Vec::new(),
        communities: Vec::new(),
        rate: RATE,
        poll: false,
        poll_every: POLL_EVERY,
    };
    for entry in &map.entries {
        let (key, node) = (entry.key.value.as_str(), &entry.value);
        match key {
            "listen" => {
                let list = fields::texts(node, key, problems);
                for written in list.into_iter().flat_map(|list| list.value) {
                    let address = address_and_port(&written, LISTEN, problems);
                    traps.listen.extend(address);
                }
            }
            "communities" => traps.communities = communities(node, outside, problems),
            "rate" => {
                if let Some(rate) = fields::whole(node, key, (1, RATE_MAX), problems) {
                    traps.rate = rate.value;
                }
            }
            "poll" => {
                if let Some(word) = fields::word(node, key, &["true", "false"], problems) {
                    traps.poll = word.value == "true";
                }
            }
            "poll_every" => {
                let bounds = (POLL_EVERY_MIN, POLL_EVERY_MAX);
                if let Some(every) = fields::duration(node, key, bounds, problems) {
                    traps.poll_every = every.value;
                }
            }
            _ => {}
        }
    }
    if map.get("listen").is_none() {
        fields::missing(
            mark,
            "traps",
            "listen",
            "add `listen: \"0.0.0.0:162\"`",
            problems,
        );
    }
    (!traps.listen.is_empty()).then_some(traps)
}

/// A list of secrets; a single one is a list of one.
fn communities(node: &Node, outside: &dyn Outside, problems: &mut Problems<'_>) -> Vec<Secret> {
    let items = match &node.kind {
        Kind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    items
        .iter()
        .filter_map(|item| secret("communities", item, outside, problems))
        .collect()
}
