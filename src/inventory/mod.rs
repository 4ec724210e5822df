//! What we watch and how: the files under `inventory/` as one immutable [`Inventory`].
//!
//! Pure: the texts come in, the inventory and *all* its problems come out.

mod condition;
mod credential;
mod draft;
mod duration;
mod endpoint;
mod excerpt;
mod fields;
mod host;
mod layer;
mod levels;
mod mail_file;
mod mask;
mod names;
mod nearest;
mod outline;
mod pattern;
mod ports;
mod problem;
mod profile_file;
mod reach;
mod report_file;
mod resolve;
mod retention;
mod rule;
mod rule_file;
mod settings;
mod settings_file;
mod source_file;
mod sql_file;
mod ssh_file;
mod syntax;
#[cfg(test)]
mod tests;
mod told;
mod trap_file;
mod usm;
mod via;
mod yaml;
mod yaml_file;

pub use credential::{Credential, CredentialKind, Secret};
pub use duration::{parse_duration, print_duration};
pub use endpoint::{HttpAccess, HttpAuth, HttpFormat};
pub use excerpt::{render, summary};
pub use host::{
    Access, Host, HostKeyPolicy, Origin, SnmpAccess, SnmpAuth, SnmpVersion, SshAccess, SshAuth,
    Target, Via,
};
pub use nearest::nearest;
pub use outline::{Outline, OutlineGroup, OutlineHost, OutlineLayer};
pub use ports::PortFilter;
pub use problem::{Place, Problem, Severity as ProblemSeverity, SourceFile};
pub use retention::{Retention, TableRetention};
pub use rule::{
    AlertSeverity, Comparison, Condition, HostSelector, Literal, Localized, Rule, Selected,
    SelectorTerm,
};
pub use settings::{
    MailSettings, MailTls, MinFree, NotifySettings, Settings, SqlSettings, TrapSettings,
};
pub use usm::{AuthProtocol, PrivProtocol, UsmAuth, UsmPrivacy, UsmUser};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::profile::{Arcs, Profile, TrapName};
use crate::table::{Table, Tables};

/// Everything the inventory files say, resolved: what every loop works from until the next reload.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// By name.
    pub hosts: BTreeMap<Arc<str>, Arc<Host>>,
    /// Every group with its parent, in the order of definition.
    pub groups: Vec<Group>,
    /// In the order of the files.
    pub credentials: Vec<Credential>,
    pub rules: Vec<Rule>,
    pub settings: Settings,
    /// By name: shipped ones and those on disk.
    pub profiles: Vec<Arc<Profile>>,
    /// The core tables and those that the profiles make.
    pub tables: Tables,
}

impl Inventory {
    /// What traps and the objects in them are called, by the profiles.
    pub fn trap_names(&self) -> TrapNames {
        let mut names = TrapNames::default();
        for profile in &self.profiles {
            for trap in &profile.traps {
                names.traps.insert(trap.oid.clone(), trap.clone());
            }
            for object in &profile.objects {
                names
                    .objects
                    .insert(object.oid.clone(), object.name.as_str().into());
            }
        }
        names
    }

    /// What pages call a table that profiles make: the first title that one of them gives it.
    pub fn title_of(&self, table: &Table) -> Option<&Localized> {
        let sections = self.profiles.iter().flat_map(|p| &p.sections);
        let mut titles = sections.filter(|s| s.name() == table.name);
        titles.find_map(|section| section.title.as_ref())
    }

    /// Every target of every host, by host name.
    pub fn targets(&self) -> Vec<Arc<Target>> {
        self.hosts
            .values()
            .flat_map(|host| host.targets.iter().cloned())
            .collect()
    }
}

/// Names for the trap listener, by object identifier.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrapNames {
    /// By snmpTrapOID (enterprise.0.specific of version 1).
    pub traps: BTreeMap<Arcs, TrapName>,
    /// By the object without its instance.
    pub objects: BTreeMap<Arcs, Arc<str>>,
}

/// One group of hosts.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub name: String,
    pub parent: Option<String>,
}

/// What the loader needs from outside of the files, so that it does no I/O itself.
pub trait Outside {
    /// The value of a secret. The error is one sentence without it.
    fn secret(&self, reference: &SecretRef) -> Result<Secret, String>;

    /// The absolute path of a private key, checked to be readable. The error is one sentence.
    fn key_file(&self, path: &str) -> Result<String, String>;

    /// Whether the secrets are the real ones, so that there is a meaning in judging them.
    fn reads_secrets(&self) -> bool {
        true
    }
}

/// Looks at nothing outside: for reading an inventory without its secrets.
pub struct NoSecrets;

impl Outside for NoSecrets {
    fn secret(&self, _: &SecretRef) -> Result<Secret, String> {
        Ok(Secret::default())
    }

    fn key_file(&self, path: &str) -> Result<String, String> {
        Ok(path.to_owned())
    }

    fn reads_secrets(&self) -> bool {
        false
    }
}

/// Where a secret's value is to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// `env:NAME`
    Env(String),
    /// `file:/path` (relative paths are relative to the home)
    File(String),
    /// `cred:NAME`, a file in systemd's `$CREDENTIALS_DIRECTORY`
    Cred(String),
    /// `cmd:…` or `cmd: [program, argument, …]`: what it prints, without the last newline
    Cmd(Vec<String>),
}

/// What there is in the files, broken parts included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub hosts: usize,
    pub groups: usize,
    pub rules: usize,
}

/// What reading the files gave.
#[derive(Clone, Debug)]
pub struct Examined {
    /// `None` when any problem is an error.
    pub inventory: Option<Inventory>,
    pub problems: Vec<Problem>,
    pub counts: Counts,
    /// The tables of the profiles that can be read, also where there is no inventory.
    pub tables: Tables,
}

/// Reads the files. Returns the inventory when no problem is an error, and every problem.
pub fn load(files: &[SourceFile], outside: &dyn Outside) -> (Option<Inventory>, Vec<Problem>) {
    let examined = examine(files, outside);
    (examined.inventory, examined.problems)
}

/// As [`load`], and counts what there is.
pub fn examine(files: &[SourceFile], outside: &dyn Outside) -> Examined {
    let mut problems = problem::Problems::new(files);
    let mut draft = draft::Draft::default();
    let mut settings = Settings::default();
    let mut rule_nodes = Vec::new();
    let mut profile_nodes = Vec::new();
    for (position, file) in files.iter().enumerate() {
        let kind = FileKind::of(&file.path);
        if let FileKind::Stray = kind {
            stray(position, &file.path, &mut problems);
            continue;
        }
        let Some(root) = yaml_file::parse(position, &file.text, &mut problems) else {
            draft.incomplete |= matches!(kind, FileKind::Hosts);
            continue;
        };
        match kind {
            FileKind::Stray => {}
            FileKind::Settings => settings = settings_file::read(&root, outside, &mut problems),
            FileKind::Hosts => draft.read(&root, outside, &mut problems),
            FileKind::Rules => rule_nodes.push(root),
            FileKind::Profiles => profile_nodes.push((file, root)),
        }
    }
    let profile_files: Vec<profile_file::File<'_>> = profile_nodes
        .iter()
        .map(|(file, root)| profile_file::File {
            path: file.path.clone(),
            text: file.text.clone(),
            root,
        })
        .collect();
    let profiles = profile_file::read(&profile_files, &mut problems);
    if draft.hosts.is_empty() && !draft.incomplete {
        let message = "the inventory has no hosts";
        problems.warning_of_all("no-hosts", message).help(
            "add one to inventory/hosts.yaml, for this machine `hosts: {this-machine: {collect: [local]}}`",
        );
    }
    for name in settings
        .keep
        .unknown(|name| profiles.tables.find(name).is_some())
    {
        let message = format!("`storage.tables` has `{name}`, which is no table");
        problems
            .warning_of_all("unknown-table", message)
            .help("`eider db stats` lists the tables");
    }
    draft.profiles.profiles = profiles.list.clone().into();
    let hosts = resolve::hosts(&draft, &mut problems);
    let mut rules = rule_file::Rules::default();
    for root in &rule_nodes {
        rules.read(root, &draft, &profiles.tables, &mut problems);
    }
    let counts = Counts {
        hosts: draft.hosts.len(),
        groups: draft.groups.len(),
        rules: rules.list.len(),
    };
    let tables = profiles.tables.clone();
    let inventory = (!problems.has_errors()).then(|| Inventory {
        hosts,
        groups: draft.groups(),
        credentials: draft.credentials(),
        rules: rules.list,
        settings,
        profiles: profiles.list,
        tables: profiles.tables,
    });
    Examined {
        inventory,
        problems: problems.finish(),
        counts,
        tables,
    }
}

/// Reports a file that people may take for a part of the inventory.
fn stray(position: usize, path: &str, problems: &mut problem::Problems<'_>) {
    let mark = yaml::Mark::file(position);
    let name = path.strip_prefix("inventory/").unwrap_or(path);
    let problem = problems.warning("stray-file", mark, format!("`{path}` is not read"));
    match nearest(name, ["hosts.yaml", "settings.yaml"]) {
        Some(likely) => problem.did_you_mean(Some(&format!("inventory/{likely}"))),
        None => problem.help("files with hosts of their own belong into inventory/hosts.d/"),
    };
}

/// What a file is, by its place.
enum FileKind {
    Settings,
    Hosts,
    Rules,
    Profiles,
    /// It lies beside the others but nothing reads it.
    Stray,
}

impl FileKind {
    fn of(path: &str) -> FileKind {
        match path.strip_prefix("inventory/") {
            Some("settings.yaml") => FileKind::Settings,
            Some(name) if name.starts_with("rules/") => FileKind::Rules,
            Some(name) if name.starts_with("profiles/") => FileKind::Profiles,
            Some(name) if name.starts_with("hosts.d/") => FileKind::Hosts,
            Some("hosts.yaml") | None => FileKind::Hosts,
            Some(_) => FileKind::Stray,
        }
    }
}
