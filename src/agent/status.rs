//! How the agent is, as a file that `eider agent --status` shows.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::reading::UnixSeconds;

const FILE: &str = "agent.json";

/// All times in seconds since 1970.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Status {
    pub version: u32,
    pub pid: u32,
    pub url: String,
    pub since: UnixSeconds,
    pub interval_s: u64,
    pub stopped: bool,
    /// When this machine was read last.
    pub last_read: Option<UnixSeconds>,
    /// When the server took something last.
    pub last_sent: Option<UnixSeconds>,
    pub sent: u64,
    /// Documents that the server refused for good.
    pub refused: u64,
    /// Documents lost to the limits of the spool.
    pub dropped: u64,
    pub waiting: usize,
    pub waiting_bytes: u64,
    /// Why the newest attempt failed; empty when it did not.
    pub error: String,
}

impl Status {
    pub(super) fn begin(plan: &Plan, now: UnixSeconds) -> Status {
        Status {
            version: 1,
            pid: std::process::id(),
            url: plan.url.clone(),
            since: now,
            interval_s: plan.interval.as_secs(),
            ..Status::default()
        }
    }

    pub(super) fn trouble(&mut self, why: &str) {
        self.error = why.to_owned();
    }

    /// Replaces the file in the folder.
    pub(super) fn write(&self, folder: &Path) -> std::io::Result<()> {
        let fresh = folder.join("agent.new");
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(&fresh, folder.join(FILE))
    }

    /// What the agent of this folder wrote last; `None` when none ever ran.
    pub fn read(folder: &Path) -> Option<Status> {
        serde_json::from_slice(&std::fs::read(folder.join(FILE)).ok()?).ok()
    }

    /// Whether the process that wrote it still runs.
    pub fn runs(&self) -> bool {
        let name = std::fs::read_to_string(format!("/proc/{}/comm", self.pid));
        !self.stopped && name.is_ok_and(|name| name.trim() == "eider")
    }
}
