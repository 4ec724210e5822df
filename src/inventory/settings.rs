//! `inventory/settings.yaml`: the daemon's own settings.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::credential::Secret;
use super::retention::Retention;
use crate::import::Source;
use crate::report::Report;

#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `server.listen`: addresses of the web pages.
    pub listen: Vec<SocketAddr>,
    /// `server.public_url`: how links in mails begin; without it, from the first listen address.
    pub public_url: Option<String>,
    /// `server.language`: `en` or `zh-CN`.
    pub language: String,
    /// `server.timezone`: an IANA name.
    pub timezone: String,
    /// `storage.path`, relative to the home.
    pub data: String,
    /// `storage.memory`: DuckDB's memory limit in bytes; default min(25 % of RAM, 2 GB).
    pub store_memory_bytes: Option<u64>,
    /// `storage.min_free`: with less free space on its disk, the oldest rows go first.
    pub min_free: MinFree,
    /// `storage.raw` and its kin: how long the history stays.
    pub keep: Retention,
    /// `sql:`: SQL of people.
    pub sql: SqlSettings,
    /// `push.open`: a program on this very machine may push without a token.
    pub push_open: bool,
    pub mail: Option<MailSettings>,
    /// `notify:` by name.
    pub notify: BTreeMap<String, NotifySettings>,
    /// `traps:`; without it nobody listens.
    pub traps: Option<TrapSettings>,
    /// `reports:` in the order of the file.
    pub reports: Vec<Report>,
    /// `sources:` in the order of the file.
    pub sources: Vec<Source>,
}

impl Settings {
    /// The keys whose new value a daemon that started with `running` takes up only when it is
    /// started again; all others are in force as soon as the file is read.
    pub fn needs_restart(&self, running: &Settings) -> Vec<&'static str> {
        [
            ("server.listen", self.listen != running.listen),
            ("storage.path", self.data != running.data),
            (
                "storage.memory",
                self.store_memory_bytes != running.store_memory_bytes,
            ),
            ("traps.listen", self.trap_listen() != running.trap_listen()),
        ]
        .into_iter()
        .filter_map(|(key, differs)| differs.then_some(key))
        .collect()
    }

    /// The report of that name.
    pub fn report(&self, name: &str) -> Option<&Report> {
        self.reports.iter().find(|report| report.name == name)
    }

    fn trap_listen(&self) -> &[SocketAddr] {
        self.traps.as_ref().map_or(&[], |traps| &traps.listen)
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8080))],
            public_url: None,
            language: "en".into(),
            timezone: "UTC".into(),
            data: "data".into(),
            store_memory_bytes: None,
            keep: Retention::default(),
            sql: SqlSettings::default(),
            min_free: MinFree::default(),
            push_open: false,
            mail: None,
            notify: BTreeMap::new(),
            traps: None,
            reports: Vec::new(),
            sources: Vec::new(),
        }
    }
}

/// How much of the disk is to stay free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinFree {
    /// 5 % of the disk, 1 GiB at most.
    #[default]
    Usual,
    Bytes(u64),
    Percent(u8),
}

impl MinFree {
    /// In bytes, on a disk of that size.
    pub fn bytes(self, total: u64) -> u64 {
        let percent = |share: u8| total / 100 * u64::from(share);
        match self {
            MinFree::Usual => percent(5).min(1 << 30),
            MinFree::Bytes(bytes) => bytes,
            MinFree::Percent(share) => percent(share),
        }
    }
}

/// `sql:`; what is not said is the most.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SqlSettings {
    /// `timeout`: how long a question may take.
    pub timeout: Option<Duration>,
    /// `memory`: how much of it, in bytes.
    pub memory_bytes: Option<u64>,
}

/// `mail:`
#[derive(Clone, Debug, PartialEq)]
pub struct MailSettings {
    /// `smtp: "smtps://user@mail.example.net:465"`, `smtp+starttls://…:587` or `smtp://…:25` (no TLS).
    pub host: String,
    pub port: u16,
    pub tls: MailTls,
    pub user: Option<String>,
    pub password: Option<Secret>,
    /// `from: "Monitor <eider@example.net>"`, checked to be one address.
    pub from: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    None,
    StartTls,
    Tls,
}

/// One receiver of notifications, an entry of `notify:`.
#[derive(Clone, Debug, PartialEq)]
pub struct NotifySettings {
    pub to: Vec<String>,
    pub language: Option<String>,
    /// How long the first alert of a group waits for others; default 30 s.
    pub group_wait: Duration,
    /// Reminder of a still firing alert; default 4 h.
    pub repeat: Duration,
}

/// `traps:`
#[derive(Clone, Debug, PartialEq)]
pub struct TrapSettings {
    /// Where to wait for them.
    pub listen: Vec<SocketAddr>,
    /// Communities that any host may use beside the one of its own credential.
    pub communities: Vec<Secret>,
    /// Traps of one host per second; more are counted and suppressed.
    pub rate: u32,
    /// A trap has its host polled at once.
    pub poll: bool,
    /// But not more often than this.
    pub poll_every: Duration,
}
