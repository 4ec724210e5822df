//! Inventories of other programs, read into an [`Outline`] of ours. Pure: text in, outline out.

mod ansible;
mod csv;
mod exporter;
mod file_sd;
mod source;
mod ssh_config;
mod vars;

pub use source::{From, Source};

use std::collections::BTreeMap;

use crate::inventory::{Outline, OutlineGroup, OutlineHost, Secret};

/// More hosts than this are refused.
pub(crate) const HOSTS_MAX: usize = 100_000;

/// Whose inventory it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ansible's, INI or YAML.
    Ansible,
    /// `~/.ssh/config`.
    SshConfig,
    /// The files of Prometheus' `file_sd_configs`, JSON or YAML.
    FileSd,
    /// `snmp.yml` of snmp_exporter: credentials, no hosts.
    SnmpExporter,
    /// A table with a header line.
    Csv,
}

/// What the file cannot say, from the command line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wishes {
    /// How hosts are to be watched; empty: what fits the kind.
    pub collect: Vec<String>,
    /// A credential of the inventory for all of them.
    pub credential: Option<String>,
    /// The group for hosts that the file puts in none.
    pub group: Option<String>,
    /// Who we are where the file does not say it, to log in by SSH.
    pub user: String,
    /// Variables that become labels.
    pub labels: Vec<String>,
}

/// What came out.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    pub outline: Outline,
    /// Secrets that the file holds, by the path below the home that the outline names for each.
    pub secrets: Vec<(String, Secret)>,
    /// What was not taken over, and what to look at.
    pub remarks: Vec<String>,
}

/// Why a file cannot be read, and where when that is known (from 1; a column of 0 is unknown).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub line: usize,
    pub column: usize,
    pub why: String,
}

impl Fault {
    fn at(line: usize, why: impl Into<String>) -> Fault {
        Fault {
            line,
            column: 0,
            why: why.into(),
        }
    }
}

/// Reads the text.
///
/// # Errors
/// When it is not of that kind.
pub fn import(kind: Kind, text: &str, wishes: &Wishes) -> Result<Imported, Fault> {
    // Windows' editors begin a file with it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut imported = match kind {
        Kind::Ansible => ansible::read(text, wishes)?,
        Kind::SshConfig => ssh_config::read(text, wishes)?,
        Kind::FileSd => file_sd::read(text, wishes)?,
        Kind::SnmpExporter => exporter::read(text)?,
        Kind::Csv => csv::read(text, wishes)?,
    };
    let outline = &mut imported.outline;
    if outline.len() > HOSTS_MAX {
        return Err(Fault::at(0, format!("more than {HOSTS_MAX} hosts")));
    }
    if let Some(name) = wishes.group.clone().filter(|_| !outline.hosts.is_empty()) {
        let hosts = std::mem::take(&mut outline.hosts);
        match outline.groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.hosts.extend(hosts),
            None => outline.groups.push(OutlineGroup {
                name,
                hosts,
                ..OutlineGroup::default()
            }),
        }
    }
    Ok(imported)
}

/// YAML or JSON as a tree, with the place of a mistake.
fn tree(text: &str) -> Result<serde_json::Value, Fault> {
    serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location();
        let told = error.to_string();
        Fault {
            line: place.map_or(0, |p| p.line() as usize),
            column: place.map_or(0, |p| p.column() as usize),
            why: told.lines().next().unwrap_or("not YAML").to_owned(),
        }
    })
}

/// The text of a scalar, numbers and booleans as they are written.
fn text_of(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// What can be the name of a group, a credential or a label: other characters become `-`.
fn word(text: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let made: String = text
        .chars()
        .map(|c| if kept(c) { c } else { '-' })
        .collect();
    let made = made.trim_matches(['-', '.']).to_owned();
    if made.is_empty() { "x".into() } else { made }
}

/// Hosts by name, each once, in the order in which they came.
#[derive(Default)]
struct Hosts {
    list: Vec<OutlineHost>,
    at: BTreeMap<String, usize>,
}

impl Hosts {
    /// The host of that name; `true` when it is new.
    fn of(&mut self, name: &str) -> (&mut OutlineHost, bool) {
        let known = self.at.get(name).copied();
        let at = known.unwrap_or_else(|| {
            self.at.insert(name.to_owned(), self.list.len());
            self.list.push(OutlineHost {
                name: name.to_owned(),
                ..OutlineHost::default()
            });
            self.list.len() - 1
        });
        (&mut self.list[at], known.is_none())
    }
}

/// `3 variables were not taken over: a (2), b`, the most frequent first.
fn left_out(what: &str, counted: &BTreeMap<String, usize>) -> Option<String> {
    const SHOWN: usize = 12;
    if counted.is_empty() {
        return None;
    }
    let mut names: Vec<(&String, &usize)> = counted.iter().collect();
    names.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let more = names.len().saturating_sub(SHOWN);
    let mut shown: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|(name, count)| match count {
            1 => (*name).clone(),
            count => format!("{name} ({count} times)"),
        })
        .collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    Some(format!("{what} not taken over: {}", shown.join(", ")))
}

#[cfg(test)]
mod tests;
