//! An inventory file to be: what was found or brought, written as a person would write it.

use std::collections::BTreeMap;
use std::fmt::Write;

/// A hosts file with its credentials, groups and hosts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    /// Comment lines at the top, without `#`.
    pub heading: Vec<String>,
    /// Name, and keys with their values.
    pub credentials: Vec<(String, Vec<(&'static str, String)>)>,
    pub groups: Vec<OutlineGroup>,
    /// Hosts of no group.
    pub hosts: Vec<OutlineHost>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct OutlineGroup {
    pub name: String,
    pub parent: Option<String>,
    pub says: OutlineLayer,
    pub hosts: Vec<OutlineHost>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct OutlineHost {
    /// A name or a range.
    pub name: String,
    /// Groups besides the one it stands in.
    pub groups: Vec<String>,
    pub says: OutlineLayer,
    /// A comment behind it: what the device says it is.
    pub remark: Option<String>,
}

/// What a group or a host says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OutlineLayer {
    pub address: Option<String>,
    pub collect: Vec<String>,
    pub credentials: Vec<String>,
    pub interval: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub snmp_port: Option<u16>,
    pub ssh_port: Option<u16>,
    pub ssh_user: Option<String>,
    /// The host in front.
    pub ssh_jump: Option<String>,
}

impl Outline {
    /// How many hosts it names; a range counts once.
    pub fn len(&self) -> usize {
        let grouped: usize = self.groups.iter().map(|group| group.hosts.len()).sum();
        grouped + self.hosts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every host, those of groups first.
    pub fn each_host(&self) -> impl Iterator<Item = &OutlineHost> {
        let grouped = self.groups.iter().flat_map(|group| &group.hosts);
        grouped.chain(&self.hosts)
    }

    /// The file. Whatever stands in names and values stays one value: nothing in them is YAML.
    pub fn to_yaml(&self) -> String {
        let mut text = String::new();
        for line in &self.heading {
            let _ = writeln!(text, "# {}", comment(line));
        }
        text.push_str("version: 1\n");
        if !self.credentials.is_empty() {
            text.push_str("credentials:\n");
        }
        for (name, keys) in &self.credentials {
            let keys = keys.iter().map(|(key, value)| (*key, scalar(value)));
            let _ = writeln!(text, "  {}: {}", scalar(name), mapping(keys));
        }
        if !self.groups.is_empty() {
            text.push_str("groups:\n");
        }
        for group in &self.groups {
            group.write(&mut text);
        }
        if !self.hosts.is_empty() {
            text.push_str("hosts:\n");
        }
        for host in &self.hosts {
            host.write("  ", &mut text);
        }
        text
    }
}

impl OutlineGroup {
    fn write(&self, text: &mut String) {
        let _ = writeln!(text, "  {}:", scalar(&self.name));
        if let Some(parent) = &self.parent {
            let _ = writeln!(text, "    parent: {}", scalar(parent));
        }
        for (key, value) in self.says.keys() {
            let _ = writeln!(text, "    {key}: {value}");
        }
        if !self.hosts.is_empty() || (self.parent.is_none() && self.says.keys().is_empty()) {
            let none = if self.hosts.is_empty() { " {}" } else { "" };
            let _ = writeln!(text, "    hosts:{none}");
        }
        for host in &self.hosts {
            host.write("      ", text);
        }
    }
}

impl OutlineHost {
    fn write(&self, indent: &str, text: &mut String) {
        let mut keys = self.says.keys();
        if !self.groups.is_empty() {
            keys.push(("groups", list(&self.groups)));
        }
        let _ = write!(text, "{indent}{}:", scalar(&self.name));
        if !keys.is_empty() {
            let _ = write!(text, " {}", mapping(keys));
        }
        if let Some(remark) = &self.remark {
            let _ = write!(text, "  # {}", comment(remark));
        }
        text.push('\n');
    }
}

impl OutlineLayer {
    fn keys(&self) -> Vec<(&'static str, String)> {
        let mut keys = Vec::new();
        keys.extend(self.address.as_ref().map(|a| ("address", scalar(a))));
        if !self.collect.is_empty() {
            keys.push(("collect", list(&self.collect)));
        }
        match &self.credentials[..] {
            [] => {}
            [one] => keys.push(("credential", scalar(one))),
            several => keys.push(("credentials", list(several))),
        }
        keys.extend(self.interval.as_ref().map(|i| ("interval", scalar(i))));
        if let Some(port) = self.snmp_port {
            keys.push(("snmp", mapping([("port", port.to_string())])));
        }
        let port = self.ssh_port.map(|port| ("port", port.to_string()));
        let user = self.ssh_user.as_ref().map(|user| ("user", scalar(user)));
        let jump = self.ssh_jump.as_ref().map(|jump| ("jump", scalar(jump)));
        let ssh: Vec<_> = port.into_iter().chain(user).chain(jump).collect();
        if !ssh.is_empty() {
            keys.push(("ssh", mapping(ssh)));
        }
        if !self.labels.is_empty() {
            let labels: Vec<String> = self
                .labels
                .iter()
                // A label is one line.
                .map(|(name, value)| format!("{}: {}", scalar(name), scalar(&comment(value))))
                .collect();
            keys.push(("labels", format!("{{{}}}", labels.join(", "))));
        }
        keys
    }
}

fn mapping<'k>(keys: impl IntoIterator<Item = (&'k str, String)>) -> String {
    let keys: Vec<String> = keys.into_iter().map(|(k, v)| format!("{k}: {v}")).collect();
    format!("{{{}}}", keys.join(", "))
}

fn list(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| scalar(word)).collect();
    format!("[{}]", words.join(", "))
}

/// Plain where nobody could read it as anything but text, else in quotes. JSON's quotes are YAML's.
fn scalar(text: &str) -> String {
    let begins = |c: char| c.is_alphanumeric() || matches!(c, '/' | '_');
    let goes_on = |c: char| c.is_alphanumeric() || "._-/@+".contains(c);
    let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let plain = text.starts_with(begins)
        && text.chars().all(goes_on)
        && !words.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

/// One line that cannot end the comment.
fn comment(text: &str) -> String {
    let one_line = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = one_line.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{NoSecrets, SourceFile, load};

    #[test]
    fn whatever_it_holds_it_is_read_back_as_that() {
        let odd = "a: {b}, # \"c\"\n\u{202e}d\\ 客户";
        let outline = Outline {
            heading: vec![format!("found\nversion: 9 {odd}")],
            credentials: vec![(
                "ro".into(),
                vec![
                    ("type", "snmp-v2c".into()),
                    ("community", "env:COMMUNITY".into()),
                ],
            )],
            groups: vec![
                OutlineGroup {
                    name: "all-of-them".into(),
                    says: OutlineLayer {
                        collect: vec!["snmp".into(), "tcp:443".into()],
                        credentials: vec!["ro".into()],
                        ..OutlineLayer::default()
                    },
                    ..OutlineGroup::default()
                },
                OutlineGroup {
                    name: "edge".into(),
                    parent: Some("all-of-them".into()),
                    hosts: vec![
                        OutlineHost {
                            name: "sw[01:03].example.net".into(),
                            remark: Some(format!("x\nhosts: {odd}")),
                            ..OutlineHost::default()
                        },
                        OutlineHost {
                            name: "no".into(),
                            groups: vec!["empty".into()],
                            says: OutlineLayer {
                                address: Some("2001:db8::1".into()),
                                interval: Some("5m".into()),
                                labels: BTreeMap::from([("note".into(), odd.into())]),
                                snmp_port: Some(1161),
                                ..OutlineLayer::default()
                            },
                            ..OutlineHost::default()
                        },
                    ],
                    ..OutlineGroup::default()
                },
                OutlineGroup {
                    name: "empty".into(),
                    ..OutlineGroup::default()
                },
            ],
            hosts: Vec::new(),
        };
        assert_eq!((outline.len(), outline.is_empty()), (2, false));
        let files = [SourceFile::new("inventory/hosts.yaml", outline.to_yaml())];
        let (inventory, problems) = load(&files, &NoSecrets);
        let inventory = inventory.unwrap_or_else(|| panic!("{problems:#?}\n{}", files[0].text));
        let names: Vec<&str> = inventory.hosts.keys().map(|name| &**name).collect();
        assert_eq!(
            names,
            [
                "no",
                "sw01.example.net",
                "sw02.example.net",
                "sw03.example.net"
            ]
        );
        let no = &inventory.hosts["no"];
        assert_eq!(no.address, "2001:db8::1");
        assert_eq!(no.labels["note"], odd.replace('\n', " "));
        assert_eq!(no.groups, ["edge", "empty", "all-of-them"]);
        let words: Vec<String> = no.targets.iter().map(|target| target.word()).collect();
        assert_eq!(words, ["snmp", "tcp:443"]);
    }
}
