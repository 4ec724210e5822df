//! A table of hosts: the header names the columns.

use super::{Fault, Hosts, Imported, Wishes, word};
use crate::inventory::{Outline, OutlineGroup, OutlineHost};

/// Column names, and those that people use for the same.
const COLUMNS: [(&str, &[&str]); 8] = [
    ("name", &["name", "host", "hostname", "device", "fqdn"]),
    ("address", &["address", "ip", "ip_address", "addr"]),
    ("group", &["group", "groups"]),
    ("collect", &["collect", "method", "methods"]),
    ("credential", &["credential", "credentials"]),
    ("interval", &["interval"]),
    ("snmp_port", &["snmp_port"]),
    ("ssh_port", &["ssh_port", "port"]),
];

pub(super) fn read(text: &str, wishes: &Wishes) -> Result<Imported, Fault> {
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .trim(::csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| fault(&error))?.clone();
    let columns: Vec<Column> = header.iter().map(column).collect();
    let has = |wanted| columns.contains(&Column::Known(wanted));
    if !has("name") && !has("address") {
        let why = format!(
            "no column `name` or `address`; the header line names them: {}",
            header.iter().collect::<Vec<_>>().join(", ")
        );
        return Err(Fault::at(1, why));
    }
    let mut imported = Imported::default();
    let mut hosts = Hosts::default();
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| fault(&error))?;
        let line = record.position().map_or(0, |p| p.line() as usize);
        let (host, of) = row(&columns, &record, wishes, line)?;
        let name = host.name.clone();
        let (place, new) = hosts.of(&name);
        if !new {
            imported
                .remarks
                .push(format!("line {line}: `{name}` is there already: left out"));
            continue;
        }
        *place = host;
        groups.push((name, of));
    }
    imported.outline = placed(hosts.list, &groups);
    Ok(imported)
}

#[derive(Clone, Debug, PartialEq)]
enum Column {
    Known(&'static str),
    Label(String),
}

fn column(name: &str) -> Column {
    let lower = name.to_ascii_lowercase().replace([' ', '-'], "_");
    let known = COLUMNS
        .iter()
        .find(|(_, words)| words.contains(&lower.as_str()));
    match known {
        Some((name, _)) => Column::Known(name),
        None => Column::Label(word(&lower)),
    }
}

/// Semicolons and tabs are as common as commas: what the header has most of.
fn delimiter(text: &str) -> u8 {
    let header = text
        .lines()
        .find(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .unwrap_or_default();
    let count = |c: &u8| header.bytes().filter(|b| b == c).count();
    // The first of equals is the comma.
    *b"\t;,".iter().max_by_key(|c| count(c)).unwrap_or(&b',')
}

fn fault(error: &::csv::Error) -> Fault {
    let line = error.position().map_or(0, |p| p.line() as usize);
    Fault::at(line, error.to_string())
}

fn row(
    columns: &[Column],
    record: &::csv::StringRecord,
    wishes: &Wishes,
    line: usize,
) -> Result<(OutlineHost, Vec<String>), Fault> {
    let mut host = OutlineHost::default();
    let mut groups = Vec::new();
    let port = |text: &str| {
        text.parse::<u16>()
            .map_err(|_| Fault::at(line, format!("`{text}` is no port")))
    };
    let filled = columns
        .iter()
        .zip(record)
        .filter(|(_, text)| !text.is_empty());
    for (column, text) in filled {
        match column {
            Column::Known("name") => host.name = text.to_owned(),
            Column::Known("address") => host.says.address = Some(text.to_owned()),
            Column::Known("group") => groups = parts(text).map(|part| word(&part)).collect(),
            Column::Known("collect") => host.says.collect = parts(text).collect(),
            Column::Known("credential") => host.says.credentials = parts(text).collect(),
            Column::Known("interval") => host.says.interval = Some(text.to_owned()),
            Column::Known("snmp_port") => host.says.snmp_port = Some(port(text)?),
            Column::Known(_) => host.says.ssh_port = Some(port(text)?),
            Column::Label(name) => {
                host.says.labels.insert(name.clone(), text.to_owned());
            }
        }
    }
    if host.name.is_empty() {
        host.name = host
            .says
            .address
            .take()
            .ok_or_else(|| Fault::at(line, "a host needs a name or an address"))?;
    }
    if host.says.collect.is_empty() {
        host.says.collect = match &wishes.collect[..] {
            [] => vec!["ping".into()],
            wished => wished.to_vec(),
        };
    }
    if host.says.credentials.is_empty() {
        host.says.credentials = wishes.credential.iter().cloned().collect();
    }
    Ok((host, groups))
}

/// Several in one cell.
fn parts(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split([' ', '|', ';', ',', '+'])
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
}

fn placed(hosts: Vec<OutlineHost>, groups: &[(String, Vec<String>)]) -> Outline {
    let mut outline = Outline::default();
    for (mut host, (_, of)) in hosts.into_iter().zip(groups) {
        for name in of {
            if !outline.groups.iter().any(|group| group.name == *name) {
                outline.groups.push(OutlineGroup {
                    name: name.clone(),
                    ..OutlineGroup::default()
                });
            }
        }
        let Some((first, more)) = of.split_first() else {
            outline.hosts.push(host);
            continue;
        };
        host.groups = more.to_vec();
        if let Some(group) = outline.groups.iter_mut().find(|g| g.name == *first) {
            group.hosts.push(host);
        }
    }
    outline
}
