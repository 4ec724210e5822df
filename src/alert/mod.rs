//! Alerts: from the newest rows to what changed, and from what changed to who is told and why.
//!
//! Three pure steps, each a function of its arguments; the time is one of them:
//!
//! 1. [`mod@observe`]: rules × newest rows → observations (does `when` hold, does `clear_when`);
//! 2. [`mod@step`]: open alerts × observations → changes (pending → firing → resolved);
//! 3. [`notice::decide`]: alerts × what was told before → notices, each with its reason, and what
//!    is withheld and why.
//!
//! No data is not good news: a row that is too old, or a value that is not there, neither raises
//! nor resolves anything.

pub mod ledger;
pub mod notice;
mod observe;
pub mod said;
mod step;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::inventory::AlertSeverity;
use crate::reading::UnixSeconds;

pub use observe::{
    Newest, NewestRows, Observation, Seen, compare, freshness, freshness_in, observe, operator,
    selects,
};
pub use step::{Change, What, step};

/// An alert's number, unique for ever.
pub type AlertId = i64;

/// What tells one alert from another: each row of a rule is one alert.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlertKey {
    pub rule: String,
    pub host: Arc<str>,
    /// The entity's name; empty when the rule's table has no entity.
    pub entity: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// The condition holds, but not yet long enough.
    Pending,
    Firing,
    Resolved,
}

impl AlertState {
    pub fn as_str(self) -> &'static str {
        match self {
            AlertState::Pending => "pending",
            AlertState::Firing => "firing",
            AlertState::Resolved => "resolved",
        }
    }

    pub fn from_word(word: &str) -> Option<AlertState> {
        [
            AlertState::Pending,
            AlertState::Firing,
            AlertState::Resolved,
        ]
        .into_iter()
        .find(|s| s.as_str() == word)
    }
}

/// Why an alert is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// Its condition cleared: the only good news.
    Cleared,
    /// Its host left the inventory.
    Removed,
    /// Its rule is gone, or no longer about this host.
    RuleRemoved,
    /// The host still answers, but the entity (a mount, a port) is no longer there.
    Gone,
}

impl Closed {
    /// The word of `alert.reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Closed::Cleared => "cleared",
            Closed::Removed => "removed",
            Closed::RuleRemoved => "rule_removed",
            Closed::Gone => "gone",
        }
    }

    pub fn from_word(word: &str) -> Option<Closed> {
        [
            Closed::Cleared,
            Closed::Removed,
            Closed::RuleRemoved,
            Closed::Gone,
        ]
        .into_iter()
        .find(|c| c.as_str() == word)
    }
}

/// A value that a rule looks at, as it stood in a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Observed {
    /// NULL: the method could not tell.
    Nothing,
    Bool(bool),
    Number(f64),
    Text(String),
}

impl Observed {
    /// A finite number, or nothing.
    pub fn number(value: f64) -> Observed {
        if value.is_finite() {
            Observed::Number(value)
        } else {
            Observed::Nothing
        }
    }
}

impl fmt::Display for Observed {
    /// Three significant digits at most two decimals, as people read it; empty for nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Observed::Nothing => Ok(()),
            Observed::Bool(b) => write!(f, "{b}"),
            Observed::Number(n) => f.write_str(&plain_number(*n)),
            Observed::Text(t) => f.write_str(t),
        }
    }
}

/// A number without needless digits: 95.2, 120, 0.03.
pub fn plain_number(n: f64) -> String {
    let decimals = match n.abs() {
        a if a >= 100.0 => 0,
        a if a >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{n:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// One alert: one row of one rule, from its first sight to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    pub id: AlertId,
    pub key: AlertKey,
    pub state: AlertState,
    pub severity: AlertSeverity,
    /// The highest severity that it had while firing.
    pub peak: AlertSeverity,
    pub value: Observed,
    /// Time of the first row for which the condition held.
    pub since: UnixSeconds,
    /// Time of the newest row taken into account.
    pub observed_at: UnixSeconds,
    /// No fresh row at the latest evaluation: the state is held, the value is old.
    pub stale: bool,
    pub fired_at: Option<UnixSeconds>,
    pub resolved_at: Option<UnixSeconds>,
    pub closed: Option<Closed>,
    /// When state or severity last changed.
    pub changed_at: UnixSeconds,
    /// Counts the changes of state and severity, so that of two copies the newer one is known.
    pub revision: u32,
    /// What people read, in the server's language.
    pub summary: String,
    /// What else is known of the cause: why the latest polls failed.
    #[serde(default)]
    pub detail: String,
}

impl Alert {
    /// Firing or pending.
    pub fn is_open(&self) -> bool {
        self.state != AlertState::Resolved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (number, text) in [
            (95.234, "95.2"),
            (95.0, "95"),
            (100.0, "100"),
            (1234.6, "1235"),
            (0.031, "0.03"),
            (-3.5, "-3.5"),
            (0.0, "0"),
        ] {
            assert_eq!(plain_number(number), text);
        }
        assert_eq!(Observed::number(f64::NAN), Observed::Nothing);
    }
}
