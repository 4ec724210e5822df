//! What we watch and how: the files under `inventory/` as one immutable [`Inventory`].
//!
//! Pure: the texts come in, the inventory and *all* its problems come out.

mod credential;
mod host;
mod problem;
mod rule;
mod settings;

pub use credential::{Credential, CredentialKind, Secret};
pub use host::{
    Access, Host, HostKeyPolicy, Origin, SnmpAccess, SnmpVersion, SshAccess, SshAuth, Target,
};
pub use problem::{Place, Problem, Severity as ProblemSeverity, SourceFile};
pub use rule::{
    AlertSeverity, Comparison, Condition, HostSelector, Literal, Localized, Rule, Selected,
    SelectorTerm,
};
pub use settings::{MailSettings, MailTls, NotifySettings, Settings};

use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything the inventory files say, resolved: what every loop works from until the next reload.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// By name.
    pub hosts: BTreeMap<Arc<str>, Arc<Host>>,
    /// Every group with its parent, in the order of definition.
    pub groups: Vec<Group>,
    pub rules: Vec<Rule>,
    pub settings: Settings,
}

/// One group of hosts.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub name: String,
    pub parent: Option<String>,
}

/// Resolves a secret reference; does the I/O that this module must not do. The error is one
/// sentence without the secret.
pub type ResolveSecret<'a> = &'a dyn Fn(&SecretRef) -> Result<Secret, String>;

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

/// Reads the files. Returns the inventory when no problem is an error, and every problem.
pub fn load(files: &[SourceFile], resolve: ResolveSecret<'_>) -> (Option<Inventory>, Vec<Problem>) {
    let _ = (files, resolve);
    (Some(Inventory::default()), Vec::new())
}

impl Inventory {
    /// Every target, by host.
    pub fn targets(&self) -> Vec<std::sync::Arc<Target>> {
        self.hosts
            .values()
            .flat_map(|host| host.targets.iter().cloned())
            .collect()
    }
}
