//! `eider host`: the hosts, and where each value of one comes from.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::json;

use super::output::{self, visible};
use crate::home::Home;
use crate::inventory::{self, Host, Inventory, NoSecrets, Origin, nearest, print_duration};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A host's name: show its effective values and where they were written. A pattern with * or ?:
    /// list the hosts that match
    name: Option<String>,
    /// Only hosts of this group, or of groups below it
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Show the hosts under their groups
    #[arg(long, conflicts_with = "json")]
    tree: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let files = home.inventory_files().map_err(anyhow::Error::msg)?;
    let (inventory, problems) = inventory::load(&files, &NoSecrets);
    let Some(inventory) = inventory else {
        eprint!("{}", inventory::render(&problems, &files, false));
        return Ok(super::EXIT_CONFIG);
    };
    if let Some(host) = args
        .name
        .as_deref()
        .and_then(|name| inventory.hosts.get(name))
    {
        output::print(&match args.json {
            true => format!("{:#}\n", host_json(host)),
            false => host_text(host),
        })?;
        return Ok(super::EXIT_OK);
    }
    let pattern = args.name.as_deref().unwrap_or("*");
    let hosts: Vec<&Host> = inventory
        .hosts
        .values()
        .map(|host| &**host)
        .filter(|host| matches(pattern, &host.name))
        .filter(|host| args.group.as_ref().is_none_or(|g| host.groups.contains(g)))
        .collect();
    if hosts.is_empty() && (args.name.is_some() || args.group.is_some()) {
        eprintln!("error: {}", nothing_found(&inventory, args));
        return Ok(super::EXIT_SOME_FAILED);
    }
    output::print(&if args.json {
        let list: Vec<_> = hosts.iter().map(|host| host_json(host)).collect();
        format!("{:#}\n", json!({"version": 1, "hosts": list}))
    } else if args.tree {
        tree(&inventory, &hosts)
    } else {
        list(&hosts)
    })?;
    Ok(super::EXIT_OK)
}

/// What to say when no host is left.
fn nothing_found(inventory: &Inventory, args: &Args) -> String {
    if let Some(group) = &args.group
        && !inventory.groups.iter().any(|g| g.name == *group)
    {
        let known = inventory.groups.iter().map(|g| g.name.as_str());
        return with_likely(
            format!("there is no group `{group}`"),
            nearest(group, known),
        );
    }
    let name = args.name.as_deref().unwrap_or("*");
    if name.contains(['*', '?']) || args.group.is_some() {
        return format!("no host matches `{name}`");
    }
    let known = inventory.hosts.keys().map(|name| &**name);
    with_likely(format!("there is no host `{name}`"), nearest(name, known))
}

fn with_likely(message: String, likely: Option<&str>) -> String {
    match likely {
        Some(likely) => format!("{message}: did you mean `{likely}`?"),
        None => message,
    }
}

/// `*` stands for any characters, `?` for one.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    // Where the last `*` was, and how much of the name it took.
    let (mut star, mut taken) = (None, 0);
    let (mut p, mut n) = (0, 0);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some(p);
                taken = n;
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some(begin) = star else {
                    return false;
                };
                taken += 1;
                p = begin + 1;
                n = taken;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

fn methods(host: &Host) -> String {
    let words: Vec<String> = host.targets.iter().map(|t| t.word()).collect();
    words.join(", ")
}

fn list(hosts: &[&Host]) -> String {
    if hosts.is_empty() {
        return "no hosts yet: add one to inventory/hosts.yaml\n".into();
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["HOST", "ADDRESS", "COLLECT", "INTERVAL", "GROUPS"]);
    for host in hosts {
        let interval = host.targets.first().map(|t| print_duration(t.interval));
        table.add_row([
            visible(&host.name),
            visible(&host.address),
            methods(host),
            interval.unwrap_or_default(),
            host.groups.join(", "),
        ]);
    }
    format!("{}\n", table.trim_fmt())
}

/// The groups as a tree, each host under the groups that it is directly in.
fn tree(inventory: &Inventory, hosts: &[&Host]) -> String {
    let mut text = String::new();
    let roots = inventory
        .groups
        .iter()
        .filter(|group| group.parent.is_none());
    for group in roots {
        branch(&mut text, inventory, hosts, &group.name, 0);
    }
    for host in hosts.iter().filter(|host| host.groups.is_empty()) {
        let _ = writeln!(text, "{}  {}", visible(&host.name), methods(host));
    }
    text
}

fn branch(text: &mut String, inventory: &Inventory, hosts: &[&Host], group: &str, depth: usize) {
    let below = inventory
        .groups
        .iter()
        .filter(|child| child.parent.as_deref() == Some(group));
    let children: BTreeSet<&str> = below.map(|child| child.name.as_str()).collect();
    if !hosts
        .iter()
        .any(|host| host.groups.iter().any(|g| g == group))
    {
        return;
    }
    let _ = writeln!(text, "{:1$}{group}/", "", depth * 2);
    for child in inventory
        .groups
        .iter()
        .filter(|g| children.contains(&*g.name))
    {
        branch(text, inventory, hosts, &child.name, depth + 1);
    }
    for host in hosts {
        let here = host.groups.iter().any(|g| g == group);
        let lower = host.groups.iter().any(|g| children.contains(g.as_str()));
        if here && !lower {
            let indent = depth * 2 + 2;
            let _ = writeln!(
                text,
                "{:indent$}{}  {}",
                "",
                visible(&host.name),
                methods(host)
            );
        }
    }
}

/// Every effective value and the place where it was written.
fn host_text(host: &Host) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    for (key, value, origin) in &host.origins {
        table.add_row([key.clone(), visible(value), origin_text(origin)]);
    }
    let groups = match host.groups.is_empty() {
        true => String::new(),
        false => format!("  (in {})", host.groups.join(", ")),
    };
    format!("{}{groups}\n{}\n", visible(&host.name), table.trim_fmt())
}

fn origin_text(origin: &Origin) -> String {
    match origin {
        Origin::BuiltIn => "built in".into(),
        Origin::File {
            path,
            line,
            column,
            part,
        } => format!("{path}:{line}:{column} ({part})"),
    }
}

fn host_json(host: &Host) -> serde_json::Value {
    let values: Vec<_> = host
        .origins
        .iter()
        .map(|(key, value, origin)| {
            json!({"key": key, "value": value, "origin": origin_text(origin)})
        })
        .collect();
    json!({
        "name": &*host.name,
        "address": host.address,
        "groups": host.groups,
        "labels": host.labels,
        "methods": host.targets.iter().map(|t| t.word()).collect::<Vec<_>>(),
        "values": values,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match() {
        for (pattern, name) in [
            ("*", ""),
            ("web*", "web01"),
            ("*.net", "a.b.net"),
            ("w?b*1", "web01"),
            ("a*b*c", "axxbyyc"),
            ("a", "a"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("", "a"),
            ("web", "web01"),
            ("*x", "web"),
            ("?", ""),
            ("a*b*c", "acb"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
