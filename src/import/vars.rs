//! Ansible's connection variables: which of them say what of ours.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Wishes, text_of, word};
use crate::inventory::OutlineLayer;

/// Variables of a host or a group, as written.
pub(super) type Vars = BTreeMap<String, Value>;

/// Collects what all hosts and groups have in common.
#[derive(Default)]
pub(super) struct Reading {
    /// Key file → name of the credential.
    pub(super) keys: BTreeMap<String, String>,
    /// Somebody logs in without a key of their own.
    pub(super) needs_agent: bool,
    pub(super) users: BTreeMap<String, usize>,
    pub(super) left_out: BTreeMap<String, usize>,
    pub(super) has_passwords: bool,
    /// Connections that are no SSH, by their name.
    pub(super) other_ways: BTreeMap<String, usize>,
}

/// Names of variables that hold a secret: never copied.
const SECRETS: [&str; 7] = [
    "ansible_password",
    "ansible_ssh_pass",
    "ansible_ssh_password",
    "ansible_become_password",
    "ansible_become_pass",
    "ansible_sudo_pass",
    "ansible_ssh_private_key_passphrase",
];

impl Reading {
    /// What the variables say of a host or a group.
    pub(super) fn layer(&mut self, vars: &Vars, wishes: &Wishes) -> OutlineLayer {
        let mut layer = OutlineLayer::default();
        for (name, value) in vars {
            self.one(name, value, wishes, &mut layer);
        }
        layer
    }

    fn one(&mut self, name: &str, value: &Value, wishes: &Wishes, layer: &mut OutlineLayer) {
        let text = text_of(value).filter(|text| !text.contains("{{"));
        let Some(text) = text else {
            return self.leave(name);
        };
        match name {
            "ansible_host" | "ansible_ssh_host" => layer.address = Some(text),
            "ansible_port" | "ansible_ssh_port" => match text.parse() {
                Ok(port) if port != 22 => layer.ssh_port = Some(port),
                Ok(_) => {}
                Err(_) => self.leave(name),
            },
            "ansible_user" | "ansible_ssh_user" => {
                *self.users.entry(text.clone()).or_default() += 1;
                layer.ssh_user = Some(text);
            }
            "ansible_ssh_private_key_file" | "ansible_private_key_file" => {
                if wishes.credential.is_none() {
                    layer.credentials = vec![self.key(&text)];
                }
            }
            "ansible_connection" => self.connection(&text, wishes, layer),
            _ if SECRETS.contains(&name) => self.has_passwords = true,
            _ if wishes.labels.iter().any(|label| label == name) => {
                layer.labels.insert(word(name), text);
            }
            _ => self.leave(name),
        }
    }

    fn connection(&mut self, way: &str, wishes: &Wishes, layer: &mut OutlineLayer) {
        match way {
            "ssh" | "smart" | "paramiko" | "paramiko_ssh" | "openssh" => {}
            "local" => layer.collect = vec!["local".into()],
            other => {
                *self.other_ways.entry(other.to_owned()).or_default() += 1;
                if wishes.collect.is_empty() {
                    layer.collect = vec!["ping".into()];
                }
            }
        }
    }

    /// The credential for a key file.
    pub(super) fn key(&mut self, path: &str) -> String {
        if let Some(name) = self.keys.get(path) {
            return name.clone();
        }
        let file = path.rsplit('/').next().unwrap_or(path);
        let stem = word(file.trim_end_matches(".pem"));
        let taken = |name: &String| self.keys.values().any(|known| known == name);
        let mut name = format!("key-{stem}");
        let mut number = 2;
        while taken(&name) {
            name = format!("key-{stem}-{number}");
            number += 1;
        }
        self.keys.insert(path.to_owned(), name.clone());
        name
    }

    fn leave(&mut self, name: &str) {
        *self.left_out.entry(name.to_owned()).or_default() += 1;
    }

    /// The user that most of them log in as.
    pub(super) fn usual_user(&self, wishes: &Wishes) -> String {
        let most = self.users.iter().max_by_key(|(_, count)| **count);
        most.map_or_else(|| wishes.user.clone(), |(user, _)| user.clone())
    }

    /// The credentials that were named on the way.
    pub(super) fn credentials(
        &self,
        wishes: &Wishes,
    ) -> Vec<(String, Vec<(&'static str, String)>)> {
        let user = self.usual_user(wishes);
        let mut list = Vec::new();
        if self.needs_agent {
            let keys = vec![("type", "ssh-agent".to_owned()), ("user", user.clone())];
            list.push((AGENT.to_owned(), keys));
        }
        for (path, name) in &self.keys {
            let keys = vec![
                ("type", "ssh-key".to_owned()),
                ("user", user.clone()),
                ("key_file", path.clone()),
            ];
            list.push((name.clone(), keys));
        }
        list
    }

    /// What to tell of it.
    pub(super) fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.has_passwords {
            remarks.push(
                "passwords were not copied: make a credential {type: ssh-password, user: …, password: \"file:…\"} or, better, use a key".into(),
            );
        }
        for (way, count) in &self.other_ways {
            remarks.push(format!(
                "{count} times the connection is `{way}`: those hosts are only pinged; network devices are better watched with --collect snmp --credential NAME"
            ));
        }
        remarks.extend(super::left_out("variables", &self.left_out));
        remarks
    }
}

/// The credential for who has no key file.
pub(super) const AGENT: &str = "ssh-agent";
