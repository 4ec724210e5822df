//! Whom to tell what, and why; or why not.
//!
//! The decision looks at how things stand, not at what just happened: whoever was not yet told of a
//! firing alert is told, whoever was told of it is told of its end. So a restart, a new receiver or
//! a suppression that ends need no case of their own.

mod book;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Alert, AlertId, AlertState, Closed, freshness};
use crate::inventory::{AlertSeverity, Inventory, NotifySettings, Rule};
use crate::reading::UnixSeconds;

pub use book::{Book, Told};

/// Alerts that one mail lists; the rest are counted.
const MAX_LISTED: usize = 100;
/// More groups than this at once become one digest.
const STORM_GROUPS: usize = 5;
/// Mails that one receiver gets in [`LIMIT_WINDOW_S`] at most.
const LIMIT: usize = 20;
const LIMIT_WINDOW_S: i64 = 600;

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Alerts fired, or became more severe.
    Problem,
    /// Alerts still fire.
    Reminder,
    /// Alerts cleared.
    Recovery,
    /// Alerts ended without good news: their host, rule or entity is gone.
    Closed,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Problem => "problem",
            Kind::Reminder => "reminder",
            Kind::Recovery => "recovery",
            Kind::Closed => "closed",
        }
    }
}

/// Why somebody is told, or is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    Fired,
    Raised,
    /// Told of it `repeat` ago, and it still fires.
    StillFiring,
    Cleared,
    /// Its host, rule or entity is gone.
    Ended,
    /// The host is down: that alert is told instead.
    HostDown,
    /// Every host that this one is reached through is down.
    BehindDownHost,
    /// It ended before anybody was told.
    EndedUntold,
    /// `notify:` names nobody, or there is no `mail:`.
    NoReceiver,
}

impl Reason {
    /// The word of `notification.reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Fired => "fired",
            Reason::Raised => "raised",
            Reason::StillFiring => "still_firing",
            Reason::Cleared => "cleared",
            Reason::Ended => "ended",
            Reason::HostDown => "host_down",
            Reason::BehindDownHost => "behind_down_host",
            Reason::EndedUntold => "ended_untold",
            Reason::NoReceiver => "no_receiver",
        }
    }
}

/// One mail to one receiver (which may be several addresses).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub receiver: String,
    pub kind: Kind,
    pub at: UnixSeconds,
    /// Both empty in a digest over several rules or groups of hosts.
    pub rule: String,
    pub group: String,
    /// The most severe first, at most 100.
    pub alerts: Vec<Item>,
    /// Those that are not listed.
    pub unlisted: Vec<(AlertId, AlertSeverity)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub alert: Alert,
    pub reason: Reason,
}

/// An alert that one receiver is not told of.
#[derive(Clone, Debug, PartialEq)]
pub struct Withheld {
    pub alert: AlertId,
    pub receiver: String,
    pub reason: Reason,
    /// The host that is down, when that is the reason.
    pub by: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Tell(Notice),
    Withhold(Withheld),
}

/// One alert in line for a mail.
struct Candidate<'a> {
    alert: &'a Alert,
    reason: Reason,
    /// When the mail may leave at the earliest.
    ready_at: UnixSeconds,
    /// Goes along in a mail of its group, but causes none.
    passive: bool,
}

/// A kind of mail about one rule in one group of hosts.
type GroupKey = (Kind, String, String);

/// Decides about all alerts: pending ones (they suppress), firing ones, and resolved ones until
/// everybody knows.
pub fn decide(
    alerts: &BTreeMap<AlertId, Alert>,
    book: &Book,
    inventory: &Inventory,
    now: UnixSeconds,
) -> Vec<Verdict> {
    let down = DownHosts::among(alerts, inventory);
    let mut verdicts = Vec::new();
    let receivers = receivers(inventory);
    if receivers.is_empty() {
        let firing = alerts.values().filter(|a| a.state == AlertState::Firing);
        verdicts.extend(firing.map(|a| withhold(a, "", Reason::NoReceiver, "")));
    }
    for (name, settings) in receivers {
        let mut groups: BTreeMap<GroupKey, Vec<Candidate<'_>>> = BTreeMap::new();
        for alert in alerts.values() {
            match consider(alert, name, settings, book, inventory, &down) {
                Considered::Nothing => {}
                Considered::Withhold(reason, by) => {
                    verdicts.push(withhold(alert, name, reason, &by));
                }
                Considered::Candidate(kind, candidate) => {
                    let key = (kind, alert.key.rule.clone(), group_of(alert, inventory));
                    groups.entry(key).or_default().push(candidate);
                }
            }
        }
        verdicts.extend(compose(name, groups, book, now).map(Verdict::Tell));
    }
    verdicts
}

/// Who gets mail at all.
fn receivers(inventory: &Inventory) -> Vec<(&str, &NotifySettings)> {
    let settings = &inventory.settings;
    let named = settings.notify.iter().filter(|(_, n)| !n.to.is_empty());
    match settings.mail {
        Some(_) => named.map(|(name, n)| (name.as_str(), n)).collect(),
        None => Vec::new(),
    }
}

/// Whether everybody knows how this alert ended, so that it can be forgotten.
pub fn finished(alert: &Alert, book: &Book, inventory: &Inventory) -> bool {
    alert.state == AlertState::Resolved
        && receivers(inventory)
            .iter()
            .all(|(name, _)| book.told(alert.id, name).is_some_and(|told| told.over))
}

enum Considered<'a> {
    Nothing,
    Withhold(Reason, String),
    Candidate(Kind, Candidate<'a>),
}

fn consider<'a>(
    alert: &'a Alert,
    receiver: &str,
    settings: &NotifySettings,
    book: &Book,
    inventory: &Inventory,
    down: &DownHosts<'_>,
) -> Considered<'a> {
    let told = book.told(alert.id, receiver);
    let announced = told.and_then(|t| t.announced);
    let candidate = |kind, reason, ready_at, passive| {
        Considered::Candidate(
            kind,
            Candidate {
                alert,
                reason,
                ready_at,
                passive,
            },
        )
    };
    let wait = settings.group_wait.as_secs() as i64;
    match alert.state {
        AlertState::Pending => Considered::Nothing,
        AlertState::Resolved => match announced {
            _ if told.is_some_and(|t| t.over) => Considered::Nothing,
            None => Considered::Withhold(Reason::EndedUntold, String::new()),
            Some(_) => {
                let ready_at = alert.resolved_at.unwrap_or(alert.changed_at) + wait;
                match alert.closed {
                    Some(Closed::Cleared) | None => {
                        candidate(Kind::Recovery, Reason::Cleared, ready_at, false)
                    }
                    Some(_) => candidate(Kind::Closed, Reason::Ended, ready_at, false),
                }
            }
        },
        AlertState::Firing => {
            if let Some((reason, by)) = down.suppresses(alert, inventory) {
                return Considered::Withhold(reason, by);
            }
            let patience = told
                .and_then(|t| t.withheld.as_ref())
                .map_or(i64::MIN, |w| w.at + patience_s(alert, inventory));
            match announced {
                None => {
                    let since = alert.fired_at.unwrap_or(alert.changed_at);
                    candidate(
                        Kind::Problem,
                        Reason::Fired,
                        since.max(patience) + wait,
                        false,
                    )
                }
                Some(severity) if severity < alert.peak => {
                    let since = alert.changed_at.max(patience);
                    candidate(Kind::Problem, Reason::Raised, since + wait, false)
                }
                Some(_) => {
                    let at = told.map_or(0, |t| t.at);
                    let repeat = settings.repeat.as_secs() as i64;
                    candidate(
                        Kind::Reminder,
                        Reason::StillFiring,
                        (at + repeat).max(patience),
                        repeat == 0,
                    )
                }
            }
        }
    }
}

/// How long an alert that was suppressed must still fire on its own before it is told: long enough
/// for a host that came back to be polled and its other alerts to clear.
fn patience_s(alert: &Alert, inventory: &Inventory) -> i64 {
    let host = inventory.hosts.get(&alert.key.host);
    host.map_or(0, |host| freshness(host).as_secs() as i64)
}

/// The groups that are due, as mails; too many of them, as one.
fn compose<'a>(
    receiver: &'a str,
    groups: BTreeMap<GroupKey, Vec<Candidate<'a>>>,
    book: &Book,
    now: UnixSeconds,
) -> impl Iterator<Item = Notice> + 'a {
    let mut due: BTreeMap<Kind, Vec<(GroupKey, Vec<Candidate<'a>>)>> = BTreeMap::new();
    for (key, candidates) in groups {
        if candidates.iter().any(|c| !c.passive && c.ready_at <= now) {
            due.entry(key.0).or_default().push((key, candidates));
        }
    }
    let recent = book.mails_since(receiver, now - LIMIT_WINDOW_S);
    let wanted: usize = due.values().map(Vec::len).sum();
    let crowded = recent + wanted > LIMIT;
    if recent >= LIMIT {
        due.clear();
    }
    due.into_iter().flat_map(move |(kind, groups)| {
        let one = |rule: String, group: String, candidates: Vec<Candidate<'a>>| {
            notice(receiver, kind, rule, group, candidates, now)
        };
        if groups.len() > STORM_GROUPS || (crowded && groups.len() > 1) {
            let all = groups.into_iter().flat_map(|(_, candidates)| candidates);
            vec![one(String::new(), String::new(), all.collect())]
        } else {
            let each = groups.into_iter();
            each.map(|((_, rule, group), candidates)| one(rule, group, candidates))
                .collect()
        }
    })
}

fn notice(
    receiver: &str,
    kind: Kind,
    rule: String,
    group: String,
    mut candidates: Vec<Candidate<'_>>,
    now: UnixSeconds,
) -> Notice {
    candidates.sort_by(|a, b| {
        (b.alert.severity.cmp(&a.alert.severity)).then_with(|| a.alert.key.cmp(&b.alert.key))
    });
    let rest = candidates.split_off(candidates.len().min(MAX_LISTED));
    let listed = candidates.into_iter().map(|c| Item {
        alert: c.alert.clone(),
        reason: c.reason,
    });
    Notice {
        receiver: receiver.into(),
        kind,
        at: now,
        rule,
        group,
        alerts: listed.collect(),
        unlisted: rest.iter().map(|c| (c.alert.id, c.alert.peak)).collect(),
    }
}

fn withhold(alert: &Alert, receiver: &str, reason: Reason, by: &str) -> Verdict {
    Verdict::Withhold(Withheld {
        alert: alert.id,
        receiver: receiver.into(),
        reason,
        by: by.into(),
    })
}

/// The group of hosts that a mail is about: the host's nearest one.
fn group_of(alert: &Alert, inventory: &Inventory) -> String {
    let host = inventory.hosts.get(&alert.key.host);
    host.and_then(|host| host.groups.first().cloned())
        .unwrap_or_default()
}

/// The hosts with an open alert on their own state. Only these suppress: of a host that is down
/// without such an alert nobody would ever be told.
struct DownHosts<'a> {
    hosts: std::collections::BTreeSet<&'a str>,
    host_rules: std::collections::BTreeSet<&'a str>,
}

impl<'a> DownHosts<'a> {
    fn among(alerts: &'a BTreeMap<AlertId, Alert>, inventory: &'a Inventory) -> DownHosts<'a> {
        let is_host_rule = |rule: &&Rule| rule.when.table == "host";
        let host_rules = inventory.rules.iter().filter(is_host_rule);
        let host_rules = host_rules.map(|rule| rule.name.as_str()).collect();
        let mut down = DownHosts {
            hosts: std::collections::BTreeSet::new(),
            host_rules,
        };
        for alert in alerts.values().filter(|alert| alert.is_open()) {
            if down.host_rules.contains(alert.key.rule.as_str()) {
                down.hosts.insert(&alert.key.host);
            }
        }
        down
    }

    fn suppresses(&self, alert: &Alert, inventory: &Inventory) -> Option<(Reason, String)> {
        let about_host = self.host_rules.contains(alert.key.rule.as_str());
        if !about_host && self.hosts.contains(&*alert.key.host) {
            return Some((Reason::HostDown, alert.key.host.to_string()));
        }
        let through = &inventory.hosts.get(&alert.key.host)?.depends_on;
        // Two ways in are two chances: only when all are down is the host out of reach. A host that
        // depends on itself in a circle is not suppressed by itself.
        let all_down = through
            .iter()
            .all(|h| *h != *alert.key.host && self.hosts.contains(h.as_str()));
        (all_down && !through.is_empty()).then(|| (Reason::BehindDownHost, through.join(", ")))
    }
}

#[cfg(test)]
mod tests;
