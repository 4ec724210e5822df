//! What is said and what is not, and why.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::alert::{AlertKey, Observed};
use crate::inventory::{
    Comparison, Condition, Host, HostSelector, Literal, Localized, MailSettings, MailTls, Origin,
};

const WAIT: i64 = 30;
const HOUR: i64 = 3600;

/// Receivers, hosts and rules; alerts; and what was told so far.
struct World {
    inventory: Inventory,
    alerts: BTreeMap<AlertId, Alert>,
    book: Book,
}

fn host(name: &str, group: &str, depends_on: &[&str]) -> Arc<Host> {
    Arc::new(Host {
        name: name.into(),
        address: name.into(),
        groups: vec![group.into()],
        labels: BTreeMap::new(),
        depends_on: depends_on.iter().map(|h| (*h).into()).collect(),
        renamed_from: None,
        targets: Vec::new(),
        origins: Vec::new(),
    })
}

fn rule(name: &str, table: &str) -> Rule {
    Rule {
        name: name.into(),
        when: Condition {
            table: table.into(),
            column: "x".into(),
            op: Comparison::Greater,
            literal: Literal::Number(90.0),
        },
        hold: Duration::ZERO,
        clear_when: None,
        severity: vec![(AlertSeverity::Warning, None)],
        summary: Localized::default(),
        hosts: HostSelector::default(),
        origin: Origin::BuiltIn,
    }
}

impl World {
    /// Hosts `core` ← `web1`, `web2` (group web) and `db`; rules `host-down` and `disk-full`.
    fn new() -> World {
        let mut inventory = Inventory::default();
        inventory.settings.mail = Some(MailSettings {
            host: "localhost".into(),
            port: 25,
            tls: MailTls::None,
            user: None,
            password: None,
            from: "eider@example.net".into(),
        });
        let ops = NotifySettings {
            to: vec!["ops@example.net".into()],
            language: None,
            group_wait: Duration::from_secs(WAIT as u64),
            repeat: Duration::from_secs(4 * HOUR as u64),
        };
        inventory.settings.notify.insert("ops".into(), ops);
        for host in [
            host("core", "network", &[]),
            host("web1", "web", &["core"]),
            host("web2", "web", &["core"]),
            host("db", "data", &[]),
        ] {
            inventory.hosts.insert(host.name.clone(), host);
        }
        inventory.rules = vec![rule("host-down", "host"), rule("disk-full", "filesystem")];
        World {
            inventory,
            alerts: BTreeMap::new(),
            book: Book::default(),
        }
    }

    fn pending(&mut self, id: AlertId, rule: &str, host: &str, at: i64) -> &mut Alert {
        let alert = Alert {
            id,
            key: AlertKey {
                rule: rule.into(),
                host: host.into(),
                entity: String::new(),
            },
            state: AlertState::Pending,
            severity: AlertSeverity::Warning,
            peak: AlertSeverity::Warning,
            value: Observed::Number(91.0),
            since: at,
            observed_at: at,
            stale: false,
            fired_at: None,
            resolved_at: None,
            closed: None,
            changed_at: at,
            revision: 1,
            summary: String::new(),
            detail: String::new(),
        };
        self.alerts.insert(id, alert);
        self.alerts.get_mut(&id).unwrap()
    }

    fn fire(&mut self, id: AlertId, rule: &str, host: &str, at: i64) {
        let alert = self.pending(id, rule, host, at);
        alert.state = AlertState::Firing;
        alert.fired_at = Some(at);
        alert.revision += 1;
    }

    fn resolve(&mut self, id: AlertId, at: i64) {
        let alert = self.alerts.get_mut(&id).unwrap();
        alert.state = AlertState::Resolved;
        alert.closed = Some(Closed::Cleared);
        alert.resolved_at = Some(at);
        alert.changed_at = at;
    }

    fn raise(&mut self, id: AlertId, at: i64) {
        let alert = self.alerts.get_mut(&id).unwrap();
        alert.severity = AlertSeverity::Critical;
        alert.peak = AlertSeverity::Critical;
        alert.changed_at = at;
    }

    /// What is decided, as `kind rule/group: ids` and `-id reason by`, and takes it as done.
    fn decide(&mut self, now: i64) -> String {
        let mut told = Vec::new();
        for verdict in decide(&self.alerts, &self.book, &self.inventory, now) {
            match verdict {
                Verdict::Tell(notice) => {
                    let listed = notice.alerts.iter().map(|i| i.alert.id.to_string());
                    told.push(format!(
                        "{} {}/{}: {}",
                        notice.kind.as_str(),
                        notice.rule,
                        notice.group,
                        listed.collect::<Vec<_>>().join(" ")
                    ));
                    self.book.tell(&notice);
                }
                Verdict::Withhold(withheld) => {
                    if self.book.withhold(&withheld, now) {
                        let reason = withheld.reason.as_str();
                        told.push(format!("-{} {reason} {}", withheld.alert, withheld.by));
                    }
                }
            }
        }
        let over: Vec<AlertId> = self.alerts.values().map(|a| a.id).collect();
        for id in over {
            if finished(&self.alerts[&id], &self.book, &self.inventory) {
                self.alerts.remove(&id);
                self.book.forget(id);
            }
        }
        told.join("; ")
    }
}

#[test]
fn a_group_waits_for_its_others_and_becomes_one_mail() {
    let mut w = World::new();
    w.fire(1, "disk-full", "web1", 0);
    assert_eq!(w.decide(0), "");
    w.fire(2, "disk-full", "web2", 20);
    w.fire(3, "disk-full", "db", 20);
    assert_eq!(w.decide(29), "");
    assert_eq!(w.decide(30), "problem disk-full/web: 1 2");
    assert_eq!(w.decide(50), "problem disk-full/data: 3");
    assert_eq!(w.decide(51), "");
    w.resolve(2, 100);
    w.resolve(1, 110);
    assert_eq!(w.decide(129), "");
    assert_eq!(w.decide(130), "recovery disk-full/web: 1 2");
    assert_eq!(w.decide(131), "");
    assert_eq!(w.alerts.len(), 1);
}

#[test]
fn raised_is_told_at_once_reminded_after_four_hours() {
    let mut w = World::new();
    w.fire(1, "disk-full", "web1", 0);
    w.decide(30);
    w.raise(1, 60);
    assert_eq!(w.decide(89), "");
    assert_eq!(w.decide(90), "problem disk-full/web: 1");
    assert_eq!(w.decide(90 + 4 * HOUR - 1), "");
    assert_eq!(w.decide(90 + 4 * HOUR), "reminder disk-full/web: 1");
    assert_eq!(w.decide(90 + 5 * HOUR), "");
    assert_eq!(w.decide(90 + 8 * HOUR), "reminder disk-full/web: 1");
}

#[test]
fn what_ends_before_the_mail_is_written_down_only() {
    let mut w = World::new();
    w.fire(1, "disk-full", "web1", 0);
    w.resolve(1, 10);
    assert_eq!(w.decide(11), "-1 ended_untold ");
    assert_eq!(w.decide(60), "");
    assert!(w.alerts.is_empty());
}

#[test]
fn a_host_that_is_down_suppresses_its_other_alerts() {
    let mut w = World::new();
    w.pending(1, "host-down", "db", 0);
    w.fire(2, "disk-full", "db", 0);
    assert_eq!(w.decide(30), "-2 host_down db");
    assert_eq!(w.decide(60), "");
    w.fire(1, "host-down", "db", 180);
    assert_eq!(w.decide(210), "problem host-down/data: 1");
    // The host is back; its disk gets two and a half intervals to be seen before it is told.
    w.resolve(1, 300);
    assert_eq!(w.decide(330), "recovery host-down/data: 1");
    assert_eq!(w.decide(360), "");
    assert_eq!(w.decide(210 + 150 + WAIT), "problem disk-full/data: 2");
}

#[test]
fn one_mail_when_the_switch_in_front_dies() {
    let mut w = World::new();
    w.fire(1, "host-down", "web1", 0);
    w.fire(2, "host-down", "web2", 10);
    w.pending(3, "host-down", "core", 0);
    assert_eq!(
        w.decide(30),
        "-1 behind_down_host core; -2 behind_down_host core"
    );
    w.fire(3, "host-down", "core", 40);
    assert_eq!(w.decide(70), "problem host-down/network: 3");
    for id in [1, 2, 3] {
        w.resolve(id, 100);
    }
    assert_eq!(
        w.decide(130),
        "-1 ended_untold ; -2 ended_untold ; recovery host-down/network: 3"
    );
    assert!(w.alerts.is_empty());
}

#[test]
fn a_second_way_in_that_is_up_suppresses_nothing() {
    let mut w = World::new();
    w.inventory
        .hosts
        .insert("web1".into(), host("web1", "web", &["core", "db"]));
    w.fire(1, "host-down", "web1", 0);
    w.fire(3, "host-down", "core", 0);
    assert_eq!(
        w.decide(30),
        "problem host-down/network: 3; problem host-down/web: 1"
    );
}

#[test]
fn a_storm_is_one_digest_and_the_limit_holds() {
    let mut w = World::new();
    for n in 0..300 {
        let name = format!("h{n}");
        let group = format!("g{}", n / 10);
        w.inventory
            .hosts
            .insert(name.as_str().into(), host(&name, &group, &[]));
        w.fire(n, "disk-full", &name, 0);
    }
    let verdicts = decide(&w.alerts, &w.book, &w.inventory, 30);
    let [Verdict::Tell(notice)] = &verdicts[..] else {
        panic!("{verdicts:?}");
    };
    assert_eq!(
        (
            notice.alerts.len(),
            notice.unlisted.len(),
            notice.rule.as_str()
        ),
        (100, 200, "")
    );
    w.decide(30);
    let mut mails = 1;
    for id in 0..300 {
        w.resolve(id, 31 + id);
        mails += usize::from(!w.decide(61 + id).is_empty());
    }
    assert!(mails <= 20, "{mails} mails within ten minutes");
    assert_eq!(w.decide(400), "");
    assert!(
        w.decide(31 + 630).starts_with("recovery"),
        "the rest comes in one"
    );
    assert!(w.alerts.is_empty());
}

#[test]
fn nobody_to_tell_is_written_down_once() {
    let mut w = World::new();
    w.inventory.settings.mail = None;
    w.fire(1, "disk-full", "web1", 0);
    assert_eq!(w.decide(0), "-1 no_receiver ");
    assert_eq!(w.decide(60), "");
    // As soon as there is somebody, they are told.
    let mail = World::new().inventory.settings.mail;
    w.inventory.settings.mail = mail;
    assert_eq!(w.decide(90), "problem disk-full/web: 1");
}
