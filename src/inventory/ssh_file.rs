//! The key `ssh:` of a host, a group or `defaults`.

use super::fields::{self, Keys};
use super::host::HostKeyPolicy;
use super::layer::Layer;
use super::problem::Problems;
use super::yaml::{Kind, Node, Written};

/// How a server is reached that cannot be reached directly, as written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ViaDraft {
    /// `jump: NAME`
    Jump(String),
    /// `proxy_command: [program, argument, …]`
    Command(Vec<String>),
    /// `jump: none`: directly, whatever the group says.
    Directly,
}

pub(super) fn read(node: &Node, layer: &mut Layer, problems: &mut Problems<'_>) {
    let Some(map) = fields::map(node, "ssh", problems) else {
        return;
    };
    let known = ["port", "user", "host_keys", "jump", "proxy_command"];
    Keys::new("ssh", &known)
        .later(&["commands"])
        .check(map, problems);
    for entry in &map.entries {
        let (key, node) = (entry.key.value.as_str(), &entry.value);
        match key {
            "port" => {
                let port = fields::whole(node, key, (1, u16::MAX), problems);
                layer.ssh_port = port.map(|found| found.at(entry.key.mark));
            }
            "user" => {
                let user = fields::text(node, key, problems);
                layer.ssh_user = user.map(|found| found.at(entry.key.mark));
            }
            "host_keys" => {
                let found = fields::word(node, key, &["strict", "tofu"], problems);
                layer.ssh_host_keys = found.map(|word| Written {
                    value: match word.value.as_str() {
                        "tofu" => HostKeyPolicy::Tofu,
                        _ => HostKeyPolicy::Strict,
                    },
                    mark: entry.key.mark,
                });
            }
            "jump" => {
                let found = fields::text(node, key, problems);
                layer.ssh_via = found.map(|name| Written {
                    value: match name.value.as_str() {
                        "none" => ViaDraft::Directly,
                        _ => ViaDraft::Jump(name.value),
                    },
                    mark: name.mark,
                });
            }
            "proxy_command" => {
                if let Some(other) = map.get("jump") {
                    let marks = [entry.key.mark, other.key.mark];
                    let message = "`jump` and `proxy_command` both stand here";
                    problems.error_at("two-keys", &marks, message);
                }
                layer.ssh_via = command(node, problems).map(|words| Written {
                    value: ViaDraft::Command(words),
                    mark: entry.key.mark,
                });
            }
            _ => {}
        }
    }
}

/// Words, never a line for a shell: names of hosts are put into them.
fn command(node: &Node, problems: &mut Problems<'_>) -> Option<Vec<String>> {
    if let Kind::Scalar(_) = &node.kind {
        let message = "`proxy_command` must be a list of words";
        problems.error("wrong-type", node.mark, message).help(
            "there is no shell: write `[ssh, -W, \"%h:%p\", bastion]`; %h is the address, %p the port, %r the user",
        );
        return None;
    }
    let words = fields::texts(node, "proxy_command", problems)?;
    let words: Vec<String> = words.value.into_iter().map(|word| word.value).collect();
    if words.is_empty() {
        problems.error("bad-value", node.mark, "`proxy_command` is empty");
        return None;
    }
    Some(words)
}
