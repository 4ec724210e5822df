//! `~/.ssh/config`: every host that it names without a wildcard.

use std::collections::BTreeMap;

use super::vars::{AGENT, Reading};
use super::{Fault, Hosts, Imported, Wishes};
use crate::inventory::{Outline, OutlineLayer};

/// One `Host` with what stands below it.
struct Block {
    patterns: Vec<String>,
    /// Keyword in lower case, and its argument.
    says: Vec<(String, String)>,
}

pub(super) fn read(text: &str, wishes: &Wishes) -> Result<Imported, Fault> {
    let mut reading = Reading::default();
    let mut remarks = Vec::new();
    let mut left = BTreeMap::new();
    let blocks = blocks(text, &mut remarks)?;
    let mut hosts = Hosts::default();
    for block in &blocks {
        let named = block
            .patterns
            .iter()
            .filter(|p| !p.contains(['*', '?', '!']));
        for name in named {
            let (host, new) = hosts.of(name);
            if new {
                host.says = layer(&blocks, name, wishes, &mut reading);
                host.says.ssh_jump = jump(&blocks, name);
                let has_way = |keyword| {
                    let way = first(&blocks, name, keyword);
                    way.is_some_and(|way| !way.eq_ignore_ascii_case("none"))
                };
                let lost = host.says.ssh_jump.is_none() && has_way("proxyjump");
                if lost || has_way("proxycommand") {
                    *left.entry((*name).clone()).or_default() += 1;
                }
            }
        }
    }
    remarks.extend(super::left_out("ways of these hosts through others", &left));
    remarks.extend(reading.remarks());
    let outline = Outline {
        credentials: reading.credentials(wishes),
        hosts: hosts.list,
        ..Outline::default()
    };
    Ok(Imported {
        outline,
        secrets: Vec::new(),
        remarks,
    })
}

fn layer(blocks: &[Block], name: &str, wishes: &Wishes, reading: &mut Reading) -> OutlineLayer {
    let address = first(blocks, name, "hostname")
        .map(|address| address.replace("%h", name).replace("%%", "%"))
        .filter(|address| address != name);
    let user = first(blocks, name, "user").map(str::to_owned);
    if let Some(user) = &user {
        *reading.users.entry(user.clone()).or_default() += 1;
    }
    let credential = match (&wishes.credential, first(blocks, name, "identityfile")) {
        (Some(name), _) => name.clone(),
        (None, Some(path)) => reading.key(path),
        (None, None) => {
            reading.needs_agent = true;
            AGENT.to_owned()
        }
    };
    let collect = match &wishes.collect[..] {
        [] => vec!["ssh".to_owned()],
        wished => wished.to_vec(),
    };
    OutlineLayer {
        address,
        collect,
        credentials: vec![credential],
        ssh_port: first(blocks, name, "port")
            .and_then(|port| port.parse().ok())
            .filter(|port| *port != 22),
        ssh_user: user,
        ..OutlineLayer::default()
    }
}

/// The host in front, when the file names it by itself: then it is a host here too.
fn jump(blocks: &[Block], name: &str) -> Option<String> {
    let front = first(blocks, name, "proxyjump")?;
    let named = |block: &Block| block.patterns.iter().any(|pattern| pattern == front);
    (front != name && blocks.iter().any(named)).then(|| front.to_owned())
}

/// What the first block that is for the host says, as ssh_config(5) has it.
fn first<'b>(blocks: &'b [Block], name: &str, keyword: &str) -> Option<&'b str> {
    let fits = blocks.iter().filter(|block| is_for(&block.patterns, name));
    fits.flat_map(|block| &block.says)
        .find(|(known, _)| known == keyword)
        .map(|(_, argument)| argument.as_str())
}

fn is_for(patterns: &[String], name: &str) -> bool {
    let negated = |p: &&String| p.strip_prefix('!').is_some_and(|p| matches(p, name));
    !patterns.iter().any(|p| negated(&p)) && patterns.iter().any(|p| matches(p, name))
}

/// `*` is any text, `?` any character.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    n = from + 1;
                    star = Some((at, n));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

fn blocks(text: &str, remarks: &mut Vec<String>) -> Result<Vec<Block>, Fault> {
    // What stands before the first Host is for all.
    let mut blocks = vec![Block {
        patterns: vec!["*".into()],
        says: Vec::new(),
    }];
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((keyword, argument)) = line.split_once([' ', '\t', '=']) else {
            return Err(Fault::at(at + 1, format!("`{line}` says nothing")));
        };
        let argument = argument.trim_start_matches([' ', '\t', '=']).trim();
        let argument = argument.trim_matches('"');
        match keyword.to_ascii_lowercase().as_str() {
            "host" => blocks.push(Block {
                patterns: argument
                    .split([' ', '\t'])
                    .map(|pattern| pattern.trim_matches('"').to_owned())
                    .filter(|pattern| !pattern.is_empty())
                    .collect(),
                says: Vec::new(),
            }),
            "match" => {
                remarks.push(format!("line {}: `Match` is not followed", at + 1));
                // Whatever stands below it is for nobody.
                blocks.push(Block {
                    patterns: Vec::new(),
                    says: Vec::new(),
                });
            }
            "include" => remarks.push(format!(
                "line {}: `Include {argument}` is not followed: import that file by itself",
                at + 1
            )),
            keyword => {
                if let Some(block) = blocks.last_mut() {
                    let said = (keyword.to_owned(), argument.to_owned());
                    block.says.push(said);
                }
            }
        }
    }
    Ok(blocks)
}
