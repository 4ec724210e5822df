//! Prometheus' file_sd: lists of targets with labels.

use serde_json::Value;

use super::{Fault, Hosts, Imported, Wishes, text_of, tree, word};
use crate::inventory::Outline;

pub(super) fn read(text: &str, wishes: &Wishes) -> Result<Imported, Fault> {
    let root = tree(text)?;
    let Value::Array(entries) = &root else {
        let why = "file_sd is a list of `{targets: […], labels: {…}}`";
        return Err(Fault::at(1, why));
    };
    let mut hosts = Hosts::default();
    let mut remarks = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let Some(targets) = entry.get("targets").and_then(Value::as_array) else {
            let why = format!("entry {} has no list `targets`", at + 1);
            return Err(Fault::at(0, why));
        };
        let labels: Vec<(String, String)> = entry
            .get("labels")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter(|(name, _)| !name.starts_with("__"))
            .filter_map(|(name, value)| Some((word(name), text_of(value)?)))
            .collect();
        for target in targets {
            let Some(target) = target.as_str() else {
                let why = format!("entry {}: a target is a text", at + 1);
                return Err(Fault::at(0, why));
            };
            let (name, port) = name_of(target);
            if name.is_empty() {
                remarks.push(format!("`{target}` names no host"));
                continue;
            }
            let (host, _) = hosts.of(name);
            host.says.labels.extend(labels.iter().cloned());
            host.says.credentials = wishes.credential.iter().cloned().collect();
            add_ways(&mut host.says.collect, port, wishes);
        }
    }
    let outline = Outline {
        hosts: hosts.list,
        ..Outline::default()
    };
    Ok(Imported {
        outline,
        secrets: Vec::new(),
        remarks,
    })
}

/// As wished; else it is pinged, and the port that it is scraped at is watched.
fn add_ways(collect: &mut Vec<String>, port: Option<u16>, wishes: &Wishes) {
    let mut ways = wishes.collect.clone();
    if ways.is_empty() {
        ways.push("ping".into());
        ways.extend(port.map(|port| format!("tcp:{port}")));
    }
    for way in ways {
        if !collect.contains(&way) {
            collect.push(way);
        }
    }
}

/// `https://[2001:db8::1]:9100/metrics` is the host 2001:db8::1 with port 9100.
fn name_of(target: &str) -> (&str, Option<u16>) {
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    let rest = rest.split(['/', '?']).next().unwrap_or(rest);
    if let Some(inside) = rest.strip_prefix('[') {
        let (name, behind) = inside.split_once(']').unwrap_or((inside, ""));
        return (name, behind.strip_prefix(':').and_then(|p| p.parse().ok()));
    }
    match rest.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') => (name, port.parse().ok()),
        _ => (rest, None),
    }
}
