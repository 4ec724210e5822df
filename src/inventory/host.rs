//! A host and its targets, every value resolved from defaults, groups and the host itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::credential::Secret;
use super::endpoint::HttpAccess;
use super::ports::PortFilter;
use super::usm::UsmUser;
use crate::profile::ProfileSet;
use crate::reading::Way;

/// What we watch. Its identity is its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    pub name: Arc<str>,
    /// Where to reach it: `address:` or the name itself. A DNS name or an IP address, no port.
    pub address: String,
    /// Every group that it is in, parents included, nearest first.
    pub groups: Vec<String>,
    pub labels: BTreeMap<String, String>,
    /// Hosts that it is reached through.
    pub depends_on: Vec<String>,
    /// Keeps the id, and so the history, of the host of this former name.
    pub renamed_from: Option<String>,
    /// In the order of `collect:`.
    pub targets: Vec<Arc<Target>>,
    /// For each effective key (`address`, `interval`, `snmp.port`, `labels.site`, …) the value as
    /// shown to people (secrets as `[redacted]`) and where it was written.
    pub origins: Vec<(String, String, Origin)>,
}

/// Where a value was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// Nobody wrote it.
    BuiltIn,
    /// `inventory/hosts.yaml:21:5`
    File {
        path: String,
        line: usize,
        column: usize,
        /// `defaults`, `group web` or `host web01`
        part: String,
    },
}

/// One host by one method: what the poller polls.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub host: Arc<str>,
    pub way: Way,
    pub address: String,
    pub interval: Duration,
    /// For the whole collection; default min(15 s, 80 % of the interval).
    pub timeout: Duration,
    pub access: Access,
}

impl Target {
    /// `web01/snmp`, `web01/tcp:443`: the name of the target in logs and the key of its slot.
    pub fn id(&self) -> String {
        format!("{}/{}", self.host, self.word())
    }

    /// Whether we go and ask; a host that pushes comes by itself.
    pub fn is_polled(&self) -> bool {
        self.access != Access::Push
    }

    /// `snmp`, `tcp:443`: as it stands in `collect:`.
    pub fn word(&self) -> String {
        self.way.to_string()
    }
}

/// What a method needs to be let in.
#[derive(Clone, Debug, PartialEq)]
pub enum Access {
    Local,
    /// Nobody is asked: the host sends by itself, with a token.
    Push,
    Snmp(SnmpAccess),
    Ssh(SshAccess),
    Ping,
    Tcp {
        port: u16,
    },
    Http(HttpAccess),
}

#[derive(Clone, Debug, PartialEq)]
pub struct SnmpAccess {
    /// Default 161.
    pub port: u16,
    pub auth: SnmpAuth,
    /// Which profiles may be used, by their names in `collect:` or all that match.
    pub profiles: ProfileSet,
    /// Which interfaces are watched.
    pub interfaces: Arc<PortFilter>,
}

impl SnmpAccess {
    /// Whether it leads to the same device in the same way: what was learned of it still holds.
    pub fn is_same_device(&self, other: &SnmpAccess) -> bool {
        self.port == other.port && self.auth == other.auth
    }
}

/// The version of the protocol, and what lets us in with it.
#[derive(Clone, Debug, PartialEq)]
pub enum SnmpAuth {
    V1 { community: Secret },
    V2c { community: Secret },
    V3(UsmUser),
}

impl SnmpAuth {
    pub fn version(&self) -> SnmpVersion {
        match self {
            SnmpAuth::V1 { .. } => SnmpVersion::V1,
            SnmpAuth::V2c { .. } => SnmpVersion::V2c,
            SnmpAuth::V3(_) => SnmpVersion::V3,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnmpVersion {
    V1,
    V2c,
    V3,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SshAccess {
    /// Default 22.
    pub port: u16,
    pub user: String,
    pub auth: SshAuth,
    pub host_keys: HostKeyPolicy,
    /// `None`: directly.
    pub via: Option<Arc<Via>>,
}

/// How a server is reached that cannot be reached directly.
#[derive(Clone, Debug, PartialEq)]
pub enum Via {
    /// Through another host of the inventory, as that one is logged in to.
    Jump {
        host: Arc<str>,
        address: String,
        access: SshAccess,
    },
    /// A program, word by word, whose input and output are the connection; `%h` stands for the
    /// address, `%p` for the port, `%r` for the user.
    Command(Vec<String>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum SshAuth {
    Key {
        /// Absolute path.
        key_file: String,
        passphrase: Option<Secret>,
    },
    Password(Secret),
    Agent,
}

/// What to do about a host key that is not in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKeyPolicy {
    /// Refuse (the default).
    Strict,
    /// Trust on first use; a changed key is refused all the same.
    Tofu,
}
