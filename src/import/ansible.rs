//! Ansible's inventories: the INI form and the YAML form become one tree of groups, and that an
//! outline.

mod ini;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use super::vars::{AGENT, Reading, Vars};
use super::{Fault, Hosts, Imported, Wishes, word};
use crate::inventory::{Outline, OutlineGroup, OutlineHost, OutlineLayer};

/// Groups that Ansible has by itself.
const ALL: &str = "all";
const UNGROUPED: &str = "ungrouped";

/// The inventory as Ansible sees it.
#[derive(Default)]
struct Tree {
    /// In the order of the file.
    groups: Vec<Group>,
    /// Variables written at the host, wherever that was.
    hosts: Vec<(String, Vars)>,
}

#[derive(Default)]
struct Group {
    name: String,
    vars: Vars,
    hosts: Vec<String>,
    children: Vec<String>,
}

impl Tree {
    fn group(&mut self, name: &str) -> &mut Group {
        let at = self.groups.iter().position(|group| group.name == name);
        let at = at.unwrap_or_else(|| {
            self.groups.push(Group {
                name: name.to_owned(),
                ..Group::default()
            });
            self.groups.len() - 1
        });
        &mut self.groups[at]
    }

    fn host(&mut self, group: &str, name: &str, vars: Vars) {
        let members = &mut self.group(group).hosts;
        if !members.iter().any(|member| member == name) {
            members.push(name.to_owned());
        }
        match self.hosts.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => known.extend(vars),
            None => self.hosts.push((name.to_owned(), vars)),
        }
    }
}

pub(super) fn read(text: &str, wishes: &Wishes) -> Result<Imported, Fault> {
    let tree = match is_ini(text) {
        true => ini::read(text)?,
        false => yaml::read(text)?,
    };
    Ok(Making::new(wishes).make(&tree))
}

/// The first line that says something decides: `[group]` or `name key=value` is INI.
fn is_ini(text: &str) -> bool {
    let lines = text.lines().map(str::trim);
    let mut said = lines.filter(|l| !l.is_empty() && !l.starts_with(['#', ';']) && *l != "---");
    let Some(first) = said.next() else {
        return true;
    };
    // In YAML the first word is a key: its colon ends the line or is followed by a space.
    !(first.ends_with(':') || first.contains(": ") || first.starts_with(['{', '%']))
}

struct Making<'w> {
    wishes: &'w Wishes,
    reading: Reading,
    remarks: Vec<String>,
}

impl<'w> Making<'w> {
    fn new(wishes: &'w Wishes) -> Making<'w> {
        Making {
            wishes,
            reading: Reading::default(),
            remarks: Vec::new(),
        }
    }

    fn make(mut self, tree: &Tree) -> Imported {
        let parents = self.parents(tree);
        let mut hosts = Hosts::default();
        for (name, vars) in &tree.hosts {
            let says = self.reading.layer(vars, self.wishes);
            hosts.of(name).0.says = says;
        }
        let homes = homes(tree);
        let mut outline = Outline::default();
        let named = tree
            .groups
            .iter()
            .filter(|group| ![ALL, UNGROUPED].contains(&&*group.name));
        for group in named {
            outline.groups.push(OutlineGroup {
                name: word(&group.name),
                parent: parents.get(&*group.name).map(|parent| word(parent)),
                says: self.reading.layer(&group.vars, self.wishes),
                hosts: Vec::new(),
            });
        }
        let common = tree.groups.iter().find(|group| group.name == ALL);
        let common = common.map(|all| self.reading.layer(&all.vars, self.wishes));
        for host in hosts.list {
            place(host, &homes, &mut outline);
        }
        self.let_in(&mut outline, common);
        let mut remarks = self.remarks;
        remarks.extend(self.reading.remarks());
        outline.credentials = self.reading.credentials(self.wishes);
        Imported {
            outline,
            secrets: Vec::new(),
            remarks,
        }
    }

    /// Each group's parent. Ansible lets a group have several; here it is one.
    fn parents<'t>(&mut self, tree: &'t Tree) -> BTreeMap<&'t str, &'t str> {
        let mut parents: BTreeMap<&str, &str> = BTreeMap::new();
        let nested = tree.groups.iter().filter(|group| group.name != ALL);
        for group in nested {
            for child in &group.children {
                match parents.get(&**child) {
                    None => {
                        parents.insert(child, &group.name);
                    }
                    Some(first) if *first != group.name => self.remarks.push(format!(
                        "the group `{child}` is below `{first}` and `{}`: only the first is kept",
                        group.name
                    )),
                    Some(_) => {}
                }
            }
        }
        // A circle has no top: Ansible refuses it, so it is cut where it closes.
        let names: Vec<&str> = parents.keys().copied().collect();
        for name in names {
            let mut seen = BTreeSet::from([name]);
            let mut at = name;
            while let Some(parent) = parents.get(at).copied() {
                if !seen.insert(parent) {
                    parents.remove(at);
                    self.remarks
                        .push(format!("the group `{at}` is below itself: cut there"));
                    break;
                }
                at = parent;
            }
        }
        parents
    }

    /// Says at the top of every tree of groups, and at hosts of none, how to get in.
    fn let_in(&mut self, outline: &mut Outline, common: Option<OutlineLayer>) {
        let common = common.unwrap_or_default();
        let credential = match (&self.wishes.credential, &common.credentials[..]) {
            (Some(name), _) => name.clone(),
            (None, [name, ..]) => name.clone(),
            (None, []) => {
                self.reading.needs_agent = true;
                AGENT.to_owned()
            }
        };
        let collect = match &self.wishes.collect[..] {
            [] if common.collect.is_empty() => vec!["ssh".to_owned()],
            [] => common.collect.clone(),
            wished => wished.to_vec(),
        };
        let tops = outline.groups.iter_mut().filter(|g| g.parent.is_none());
        let layers = tops.map(|group| &mut group.says);
        for says in layers.chain(outline.hosts.iter_mut().map(|host| &mut host.says)) {
            if says.collect.is_empty() {
                says.collect = collect.clone();
            }
            if says.credentials.is_empty() {
                says.credentials = vec![credential.clone()];
            }
            says.ssh_port = says.ssh_port.or(common.ssh_port);
            says.ssh_user = says.ssh_user.take().or_else(|| common.ssh_user.clone());
            for (name, value) in &common.labels {
                let value = || value.clone();
                says.labels.entry(name.clone()).or_insert_with(value);
            }
        }
    }
}

/// The groups of each host, in the order of the file.
fn homes(tree: &Tree) -> BTreeMap<&str, Vec<String>> {
    let mut homes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let named = tree
        .groups
        .iter()
        .filter(|group| ![ALL, UNGROUPED].contains(&&*group.name));
    for group in named {
        for host in &group.hosts {
            homes.entry(host).or_default().push(word(&group.name));
        }
    }
    homes
}

/// Under the first group that names it; the others are listed at the host.
fn place(mut host: OutlineHost, homes: &BTreeMap<&str, Vec<String>>, outline: &mut Outline) {
    let groups = homes.get(&*host.name).map_or(&[][..], |groups| groups);
    let Some((first, more)) = groups.split_first() else {
        outline.hosts.push(host);
        return;
    };
    host.groups = more.to_vec();
    if let Some(group) = outline.groups.iter_mut().find(|g| g.name == *first) {
        group.hosts.push(host);
    }
}
