//! The hosts files as written: credentials, groups and hosts before any value is resolved.

use std::collections::HashMap;
use std::rc::Rc;

use super::credential::{self, Credential, CredentialDraft};
use super::fields::{self, Keys};
use super::layer::{self, LATER_KEYS, LAYER_KEYS, Layer, is_word};
use super::pattern;
use super::problem::Problems;
use super::yaml::{Map, Mark, Node, Written};
use super::{Group, Outside};
use crate::profile::ProfileSet;

/// More hosts than this are a slip in a pattern.
const HOSTS_MAX: usize = 100_000;

/// Everything that the hosts files say.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) defaults: Layer,
    defaults_at: Option<Mark>,
    pub(super) credentials: HashMap<String, CredentialDraft>,
    pub(super) groups: Vec<GroupDraft>,
    pub(super) hosts: Vec<HostDraft>,
    /// By name, the position in `hosts`.
    pub(super) host_index: HashMap<String, usize>,
    /// A file could not be read, so that a name which is not here may still be defined.
    pub(super) incomplete: bool,
    /// What `collect: [snmp/NAME]` may name.
    pub(super) profiles: ProfileSet,
}

pub(super) struct GroupDraft {
    pub(super) name: Written<String>,
    pub(super) parent: Option<Written<String>>,
    pub(super) layer: Layer,
    /// It has only `hosts:` so far, so that another file may still say the rest.
    bare: bool,
}

pub(super) struct HostDraft {
    pub(super) name: String,
    /// The key that names it, perhaps a pattern.
    pub(super) mark: Mark,
    pub(super) written_as: Rc<str>,
    /// Its position among the names of the pattern, and how many there are.
    pub(super) index: usize,
    pub(super) count: usize,
    pub(super) layer: Rc<Layer>,
    /// Groups that it is directly in.
    pub(super) groups: Rc<Vec<Written<String>>>,
    pub(super) renamed_from: Option<Written<String>>,
}

impl Draft {
    pub(super) fn group(&self, name: &str) -> Option<&GroupDraft> {
        self.groups.iter().find(|group| group.name.value == name)
    }

    /// The groups as the inventory shows them.
    /// In the order of the files.
    pub(super) fn credentials(&self) -> Vec<Credential> {
        let whole = self.credentials.iter();
        let mut list: Vec<_> = whole
            .filter_map(|(name, draft)| Some((draft.mark, name, draft.kind.clone()?)))
            .collect();
        list.sort_by_key(|(mark, ..)| *mark);
        list.into_iter()
            .map(|(_, name, kind)| Credential {
                name: name.clone(),
                kind,
            })
            .collect()
    }

    pub(super) fn groups(&self) -> Vec<Group> {
        self.groups
            .iter()
            .map(|group| Group {
                name: group.name.value.clone(),
                parent: group.parent.as_ref().map(|parent| parent.value.clone()),
            })
            .collect()
    }

    /// Adds one hosts file.
    pub(super) fn read(&mut self, root: &Node, outside: &dyn Outside, problems: &mut Problems<'_>) {
        let Some(map) = fields::map(root, "the file", problems) else {
            return;
        };
        Keys::new(
            "a hosts file",
            &["version", "defaults", "credentials", "groups", "hosts"],
        )
        .check(map, problems);
        for entry in &map.entries {
            let (key, node) = (entry.key.value.as_str(), &entry.value);
            match key {
                "version" => {
                    fields::whole(node, key, (1, 1), problems);
                }
                "defaults" => self.read_defaults(entry.key.mark, node, problems),
                "credentials" => {
                    if let Some(map) = fields::map(node, key, problems) {
                        self.read_credentials(map, outside, problems);
                    }
                }
                "groups" => {
                    for entry in fields::map(node, key, problems).map_or(&[][..], |m| &m.entries) {
                        self.read_group(&entry.key, &entry.value, problems);
                    }
                }
                "hosts" => self.read_hosts(node, None, problems),
                _ => {}
            }
        }
    }

    fn read_defaults(&mut self, mark: Mark, node: &Node, problems: &mut Problems<'_>) {
        let Some(map) = fields::map(node, "defaults", problems) else {
            return;
        };
        if let Some(first) = self.defaults_at {
            problems
                .error_at(
                    "duplicate-key",
                    &[mark, first],
                    "`defaults` stand in two files",
                )
                .help("keep one: they are for all hosts of all files");
            return;
        }
        self.defaults_at = Some(mark);
        let known: Vec<&str> = LAYER_KEYS
            .into_iter()
            .filter(|key| *key != "address")
            .collect();
        let keys = Keys::new("defaults", &known).later(&LATER_KEYS);
        self.defaults = read_layer(&keys, map, problems);
        self.defaults.address = None;
    }

    fn read_credentials(&mut self, map: &Map, outside: &dyn Outside, problems: &mut Problems<'_>) {
        for entry in &map.entries {
            let name = &entry.key;
            if !is_word(&name.value) {
                bad_name("a credential", name, problems);
            }
            if let Some(first) = self.credentials.get(&name.value) {
                let message = format!("the credential `{}` is defined twice", name.value);
                let marks = [name.mark, first.mark];
                problems.error_at("duplicate-credential", &marks, message);
                continue;
            }
            let draft = credential::read(name, &entry.value, outside, problems);
            self.credentials.insert(name.value.clone(), draft);
        }
    }

    fn read_group(&mut self, name: &Written<String>, node: &Node, problems: &mut Problems<'_>) {
        let Some(map) = fields::map(node, &name.value, problems) else {
            self.incomplete = true;
            return;
        };
        if !is_word(&name.value) {
            bad_name("a group", name, problems);
        }
        let mut known = LAYER_KEYS.to_vec();
        known.extend(["parent", "hosts"]);
        let keys = Keys::new("a group", &known).later(&LATER_KEYS);
        let bare = map.entries.iter().all(|entry| entry.key.value == "hosts");
        let draft = GroupDraft {
            name: name.clone(),
            parent: map
                .get("parent")
                .and_then(|entry| fields::text(&entry.value, "parent", problems)),
            layer: read_layer(&keys, map, problems),
            bare,
        };
        let known = self
            .groups
            .iter_mut()
            .find(|group| group.name.value == name.value);
        match known {
            None => self.groups.push(draft),
            Some(first) if first.bare => *first = draft,
            Some(_) if bare => {}
            Some(first) => {
                let marks = [name.mark, first.name.mark];
                let message = format!("the group `{}` is defined twice", name.value);
                problems
                    .error_at("duplicate-group", &marks, message)
                    .help("a second place may only add `hosts:` to it");
            }
        }
        if let Some(entry) = map.get("hosts") {
            self.read_hosts(&entry.value, Some(name), problems);
        }
    }

    fn read_hosts(
        &mut self,
        node: &Node,
        group: Option<&Written<String>>,
        problems: &mut Problems<'_>,
    ) {
        if let super::yaml::Kind::List(_) = &node.kind {
            let message = "`hosts` must be a mapping, not a list";
            problems
                .error("wrong-type", node.mark, message)
                .help("write each host as a key: `web01:` instead of `- web01`");
            self.incomplete = true;
            return;
        }
        let Some(map) = fields::map(node, "hosts", problems) else {
            self.incomplete = true;
            return;
        };
        for entry in &map.entries {
            self.read_host(&entry.key, &entry.value, group, problems);
        }
    }

    fn read_host(
        &mut self,
        key: &Written<String>,
        node: &Node,
        group: Option<&Written<String>>,
        problems: &mut Problems<'_>,
    ) {
        let names = match pattern::expand(&key.value) {
            Ok(names) => names,
            Err(why) => {
                problems.error("bad-range", key.mark, why);
                self.incomplete = true;
                return;
            }
        };
        if let Some(bad) = names.iter().find(|name| !is_host_name(name)) {
            let message = format!("`{bad}` cannot be the name of a host");
            problems.error("bad-name", key.mark, message).help(
                "use letters, digits, `.`, `-`, `_` and `:`; put an odd address into `address:`",
            );
            return;
        }
        let Some(map) = fields::map(node, &key.value, problems) else {
            self.incomplete = true;
            return;
        };
        let mut known = LAYER_KEYS.to_vec();
        known.extend(["groups", "renamed_from"]);
        let keys = Keys::new("a host", &known).later(&LATER_KEYS);
        let mut groups: Vec<Written<String>> = group.into_iter().cloned().collect();
        if let Some(entry) = map.get("groups") {
            let more = fields::texts(&entry.value, "groups", problems);
            for one in more.map_or_else(Vec::new, |list| list.value) {
                if !groups.iter().any(|g| g.value == one.value) {
                    groups.push(one);
                }
            }
        }
        let renamed_from = map
            .get("renamed_from")
            .and_then(|entry| fields::text(&entry.value, "renamed_from", problems));
        if let Some(former) = renamed_from.as_ref().filter(|_| names.len() > 1) {
            let message = "`renamed_from` needs one host, not a range";
            problems.error("bad-value", former.mark, message);
        }
        let whole = HostDraft {
            name: String::new(),
            mark: key.mark,
            written_as: Rc::from(key.value.as_str()),
            index: 0,
            count: names.len(),
            layer: Rc::new(read_layer(&keys, map, problems)),
            groups: Rc::new(groups),
            renamed_from,
        };
        self.add_hosts(names, &whole, problems);
    }

    fn add_hosts(&mut self, names: Vec<String>, whole: &HostDraft, problems: &mut Problems<'_>) {
        let mut reported = None;
        for (index, name) in names.into_iter().enumerate() {
            if let Some(&first) = self.host_index.get(&name) {
                let first = self.hosts[first].mark;
                // Two patterns that overlap do so in many names: one report is enough.
                if reported != Some(first) {
                    reported = Some(first);
                    let message = format!("the host `{name}` is defined twice");
                    problems
                        .error_at("duplicate-host", &[whole.mark, first], message)
                        .help("a host is defined once; `groups: [a, b]` adds it to more groups");
                }
                continue;
            }
            if self.hosts.len() >= HOSTS_MAX {
                let message = format!("more than {HOSTS_MAX} hosts");
                problems.error("too-many", whole.mark, message);
                return;
            }
            self.host_index.insert(name.clone(), self.hosts.len());
            self.hosts.push(HostDraft {
                name,
                mark: whole.mark,
                written_as: whole.written_as.clone(),
                index,
                count: whole.count,
                layer: whole.layer.clone(),
                groups: whole.groups.clone(),
                renamed_from: whole.renamed_from.clone(),
            });
        }
    }
}

fn read_layer(keys: &Keys<'_>, map: &Map, problems: &mut Problems<'_>) -> Layer {
    let suspect = !keys.check(map, problems);
    Layer {
        suspect,
        ..layer::read(map, problems)
    }
}

fn bad_name(what: &str, name: &Written<String>, problems: &mut Problems<'_>) {
    let message = format!("`{}` cannot be the name of {what}", name.value);
    problems
        .error("bad-name", name.mark, message)
        .help("use letters, digits, `_`, `-` and `.`");
}

fn is_host_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 253
        && !name.starts_with(['-', '.'])
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "-._:".contains(c))
}
