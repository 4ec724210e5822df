//! The alerts that are not over, as the evaluator holds them between two rounds.

use std::collections::{BTreeMap, BTreeSet};

use crate::alert::{Alert, AlertId, AlertState};
use crate::inventory::Inventory;

/// The open alerts, and what the history does not know of them yet.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    pub(super) open: BTreeMap<AlertId, Alert>,
    pub(super) next_id: AlertId,
    pub(super) unsaved: BTreeMap<AlertId, Alert>,
    pub(super) dropped: BTreeSet<AlertId>,
}

impl Alerts {
    /// The open alerts as the history has them; where the outbox knows more, as the outbox has them.
    pub(super) fn merged(open: Vec<Alert>, last_id: AlertId, known: &[Alert]) -> Alerts {
        let mut alerts = Alerts {
            open: open.into_iter().map(|alert| (alert.id, alert)).collect(),
            next_id: last_id + 1,
            ..Alerts::default()
        };
        for known in known {
            alerts.next_id = alerts.next_id.max(known.id + 1);
            let older = alerts.open.get(&known.id).map(|alert| alert.revision);
            match known.state {
                AlertState::Firing if older.is_none_or(|r| r < known.revision) => {
                    // The same thing under another number, from a history that was put back.
                    alerts.open.retain(|_, alert| alert.key != known.key);
                    alerts.open.insert(known.id, known.clone());
                    alerts.unsaved.insert(known.id, known.clone());
                }
                AlertState::Resolved if older.is_some() => {
                    alerts.open.remove(&known.id);
                    alerts.unsaved.insert(known.id, known.clone());
                }
                _ => {}
            }
        }
        alerts
    }

    /// The wall clock was set by so many seconds: what waits keeps its age, and rows to come are not
    /// taken for older than those already seen.
    pub(super) fn clock_was_set(&mut self, leap_s: i64) {
        for alert in self.open.values_mut() {
            alert.observed_at += leap_s;
            if alert.state == AlertState::Pending {
                alert.since += leap_s;
            }
        }
    }

    /// Alerts of a host that got another name stay open under the new one.
    pub(super) fn follow_renames(&mut self, inventory: &Inventory) {
        let hosts = &inventory.hosts;
        let renamed: BTreeMap<&str, _> = hosts
            .values()
            .filter_map(|host| Some((host.renamed_from.as_deref()?, host.name.clone())))
            .filter(|(former, _)| !hosts.contains_key(*former))
            .collect();
        if renamed.is_empty() {
            return;
        }
        for alert in self.open.values_mut() {
            if let Some(name) = renamed.get(&*alert.key.host) {
                alert.key.host = name.clone();
                self.unsaved.insert(alert.id, alert.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::alert::{AlertKey, Observed};
    use crate::inventory::{AlertSeverity, Host};

    fn alert(id: AlertId, state: AlertState, revision: u32) -> Alert {
        Alert {
            id,
            key: AlertKey {
                rule: "host-down".into(),
                host: format!("h{id}").into(),
                entity: String::new(),
            },
            state,
            severity: AlertSeverity::Critical,
            peak: AlertSeverity::Critical,
            value: Observed::Bool(false),
            since: 100,
            observed_at: 200,
            stale: false,
            fired_at: None,
            resolved_at: None,
            closed: None,
            changed_at: 100,
            revision,
            summary: String::new(),
            detail: String::new(),
        }
    }

    #[test]
    fn what_the_history_missed_comes_from_the_outbox() {
        use AlertState::{Firing, Pending, Resolved};
        let history = vec![
            alert(1, Pending, 1),
            alert(2, Firing, 2),
            alert(3, Firing, 2),
        ];
        let outbox = [
            alert(1, Firing, 2),
            alert(2, Firing, 2),
            alert(3, Resolved, 3),
            alert(7, Firing, 2),
            alert(6, Resolved, 3),
        ];
        let alerts = Alerts::merged(history, 5, &outbox);
        let open: Vec<_> = alerts.open.values().map(|a| (a.id, a.state)).collect();
        assert_eq!(open, [(1, Firing), (2, Firing), (7, Firing)]);
        let unsaved: Vec<_> = alerts.unsaved.keys().copied().collect();
        assert_eq!(unsaved, [1, 3, 7]);
        assert_eq!(alerts.next_id, 8);
    }

    #[test]
    fn a_clock_that_is_set_ages_nothing() {
        let mut alerts = Alerts::merged(
            vec![
                alert(1, AlertState::Pending, 1),
                alert(2, AlertState::Firing, 2),
            ],
            2,
            &[],
        );
        alerts.clock_was_set(-3600);
        let times: Vec<_> = alerts
            .open
            .values()
            .map(|a| (a.since, a.observed_at))
            .collect();
        // The threads of mails hang on `since` of what fires.
        assert_eq!(times, [(-3500, -3400), (100, -3400)]);
    }

    #[test]
    fn an_alert_follows_its_host_to_the_new_name() {
        let mut inventory = Inventory::default();
        let host = Host {
            name: "core".into(),
            address: "core".into(),
            groups: Vec::new(),
            labels: BTreeMap::new(),
            depends_on: Vec::new(),
            renamed_from: Some("h1".into()),
            targets: Vec::new(),
            origins: Vec::new(),
        };
        inventory.hosts.insert("core".into(), Arc::new(host));
        let mut alerts = Alerts::merged(vec![alert(1, AlertState::Firing, 2)], 1, &[]);
        alerts.follow_renames(&inventory);
        assert_eq!(&*alerts.open[&1].key.host, "core");
        assert!(alerts.unsaved.contains_key(&1));
    }
}
