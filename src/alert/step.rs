//! From observations to changes: pending → firing → resolved.

use std::collections::BTreeMap;

use super::{Alert, AlertId, AlertKey, AlertState, Closed, Observation, Seen, observe};
use crate::inventory::{Inventory, Rule};
use crate::reading::UnixSeconds;

/// How long an entity must be missing from a host that answers before its alert closes as gone, in
/// seconds: a walk that broke off now and then must not close anything.
const GONE_AFTER_S: i64 = 3600;
/// How often a mere change of the value is passed on, in seconds.
const REFRESH_S: i64 = 300;

/// One alert as it stands now, and what happened to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub alert: Alert,
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The condition holds for the first time.
    Pending,
    /// A pending alert whose condition did not last: to be forgotten.
    Dropped,
    Fired,
    /// Firing with a higher severity than ever since it fired.
    Raised,
    /// The severity fell, or rose again to what it already was.
    Severity,
    /// Over: `alert.closed` says why.
    Resolved,
    /// Only the value, its time or its staleness is new.
    Refreshed,
}

/// One round of the state machine. `open` are all pending and firing alerts; new ones are numbered
/// from `next_id` on, in the order of their keys. Alerts to which nothing happened yield nothing.
///
/// The clock of `hold` is that of the rows, not of the rounds: an alert fires when a fresh row at
/// least `hold` younger than the first one still holds. A pending alert that lost sight of its rows
/// for so long that they were stale begins its hold anew.
pub fn step(
    inventory: &Inventory,
    open: &[Alert],
    seen: &Seen,
    next_id: AlertId,
    now: UnixSeconds,
) -> Vec<Change> {
    let rules: BTreeMap<&str, &Rule> = inventory
        .rules
        .iter()
        .map(|rule| (rule.name.as_str(), rule))
        .collect();
    let mut changes: Vec<Change> = open
        .iter()
        .filter_map(|alert| advance(inventory, &rules, alert, seen, now))
        .collect();
    let known: std::collections::BTreeSet<&AlertKey> = open.iter().map(|a| &a.key).collect();
    let fresh = seen.observations.values().filter(|observation| {
        observation.fresh && observation.holds == Some(true) && !known.contains(&observation.key)
    });
    for (id, observation) in (next_id..).zip(fresh) {
        if let Some(rule) = rules.get(observation.key.rule.as_str()) {
            changes.push(begin(rule, observation, id, now));
        }
    }
    changes
}

fn begin(rule: &Rule, seen: &Observation, id: AlertId, now: UnixSeconds) -> Change {
    let mut alert = Alert {
        id,
        key: seen.key.clone(),
        state: AlertState::Pending,
        severity: seen.severity,
        peak: seen.severity,
        value: seen.value.clone(),
        since: seen.at,
        observed_at: seen.at,
        stale: false,
        fired_at: None,
        resolved_at: None,
        closed: None,
        changed_at: now,
        revision: 1,
        summary: String::new(),
        detail: seen.detail.clone(),
    };
    let what = if rule.hold.is_zero() {
        fire(&mut alert, now);
        What::Fired
    } else {
        What::Pending
    };
    Change { alert, what }
}

fn advance(
    inventory: &Inventory,
    rules: &BTreeMap<&str, &Rule>,
    alert: &Alert,
    seen: &Seen,
    now: UnixSeconds,
) -> Option<Change> {
    let Some(host) = inventory.hosts.get(&alert.key.host) else {
        return Some(close(alert, Closed::Removed, now));
    };
    let rule = rules.get(alert.key.rule.as_str());
    let Some(rule) = rule.filter(|rule| observe::selects(&rule.hosts, host)) else {
        return Some(close(alert, Closed::RuleRemoved, now));
    };
    let usable = seen.observations.get(&alert.key).filter(|observation| {
        observation.fresh && observation.holds.is_some() && observation.at >= alert.observed_at
    });
    match usable {
        Some(observation) if alert.state == AlertState::Pending => {
            confirm(rule, alert, observation, now)
        }
        Some(observation) => continue_firing(alert, observation, now),
        None if gone(rule, alert, seen) => Some(close(alert, Closed::Gone, now)),
        None => turn_stale(alert),
    }
}

/// A pending alert with a usable row.
fn confirm(rule: &Rule, alert: &Alert, seen: &Observation, now: UnixSeconds) -> Option<Change> {
    let mut next = alert.clone();
    if seen.holds != Some(true) {
        return Some(Change {
            alert: next,
            what: What::Dropped,
        });
    }
    if alert.stale {
        // Time without fresh rows proves nothing: what it held before must hold anew.
        next.since = seen.at;
    }
    look(&mut next, seen);
    next.severity = seen.severity;
    next.peak = seen.severity;
    if seen.at - next.since >= rule.hold.as_secs() as i64 {
        fire(&mut next, now);
        return Some(Change {
            alert: next,
            what: What::Fired,
        });
    }
    refreshed(alert, next)
}

/// A firing alert with a usable row.
fn continue_firing(alert: &Alert, seen: &Observation, now: UnixSeconds) -> Option<Change> {
    let mut next = alert.clone();
    look(&mut next, seen);
    if seen.holds == Some(false) && seen.clears == Some(true) {
        return Some(close(&next, Closed::Cleared, now));
    }
    // Between `when` and `clear_when` the value reaches no step: the lowest one stands.
    next.severity = seen.severity;
    if next.severity != alert.severity {
        next.changed_at = now;
        next.revision += 1;
        let raised = next.severity > alert.peak;
        next.peak = next.peak.max(next.severity);
        let what = if raised { What::Raised } else { What::Severity };
        return Some(Change { alert: next, what });
    }
    refreshed(alert, next)
}

/// Passes a new value on, but not every one: each is a write to the history.
fn refreshed(old: &Alert, new: Alert) -> Option<Change> {
    let age = new.observed_at - old.observed_at;
    let worth_telling = old.stale
        || old.severity != new.severity
        || (old.value != new.value && age >= REFRESH_S)
        || age >= 2 * REFRESH_S;
    worth_telling.then_some(Change {
        alert: new,
        what: What::Refreshed,
    })
}

fn look(alert: &mut Alert, seen: &Observation) {
    alert.value = seen.value.clone();
    alert.detail = seen.detail.clone();
    alert.observed_at = seen.at;
    alert.stale = false;
}

fn fire(alert: &mut Alert, now: UnixSeconds) {
    alert.state = AlertState::Firing;
    alert.fired_at = Some(now);
    alert.changed_at = now;
    alert.revision += 1;
}

/// Ends an alert; a pending one is dropped, since nobody was told of it.
fn close(alert: &Alert, why: Closed, now: UnixSeconds) -> Change {
    let mut alert = alert.clone();
    if alert.state == AlertState::Pending {
        return Change {
            alert,
            what: What::Dropped,
        };
    }
    alert.state = AlertState::Resolved;
    alert.closed = Some(why);
    alert.resolved_at = Some(now);
    alert.changed_at = now;
    alert.revision += 1;
    Change {
        alert,
        what: What::Resolved,
    }
}

/// The host's table came anew for long, without this entity.
fn gone(rule: &Rule, alert: &Alert, seen: &Seen) -> bool {
    let newest = seen
        .newest
        .get(&(rule.when.table.clone(), alert.key.host.clone()));
    // The entity's own row may be there and be of no use: old, or without a value.
    let own = seen.observations.get(&alert.key).map(|o| o.at);
    let last = alert.observed_at.max(own.unwrap_or(i64::MIN));
    !alert.key.entity.is_empty() && newest.is_some_and(|ts| ts - last >= GONE_AFTER_S)
}

fn turn_stale(alert: &Alert) -> Option<Change> {
    (!alert.stale).then(|| Change {
        alert: Alert {
            stale: true,
            ..alert.clone()
        },
        what: What::Refreshed,
    })
}

#[cfg(test)]
mod tests;
