//! Alerts, who was told of them, and what changed in the inventory, on 2026-11-02.

use super::world::World;
use super::*;
use crate::alert::ledger::{Action, Entry};
use crate::alert::notice::Reason;
use crate::alert::said::Acknowledgement;
use crate::alert::{Alert, AlertKey, AlertState, Closed, Observed};
use crate::inventory::AlertSeverity;

const DAY: &str = "2026-11-02T00:00:00Z";

pub(super) fn world() -> World {
    let mut world = World::new(&[("a", &["web"]), ("b", &["db"]), ("old", &["db"])]);
    changes(&mut world);
    let mut world = world.save();
    let hosts = [
        host("a", &["web"]),
        host("b", &["db"]),
        host("new", &["web"]),
    ];
    let mut later = inventory(hosts);
    later.tables = world.tables.clone();
    let noon = at(DAY) + 12 * 3600;
    world.recorder.sync_hosts(&later, noon).unwrap();
    alerts(&mut world);
    told(&mut world);
    world
}

fn changes(world: &mut World) {
    let start = at("2026-10-01T00:00:00Z");
    let day = at(DAY);
    for (host, version) in [("a", "1.0"), ("b", "1.0"), ("old", "0.9")] {
        let facts = &mut world.poll(host, start).host_facts;
        facts.push(("vendor", "Acme".into()));
        facts.push(("version", version.into()));
    }
    world
        .poll("a", start)
        .host_facts
        .push(("serial", "S-1".into()));
    // The version of a changes at one o'clock, the description of its port at two.
    world
        .poll("a", day + 3600)
        .host_facts
        .push(("version", "1.1".into()));
    let port = |alias: &str| {
        [
            ("alias", Value::text(alias)),
            ("speed_bps", Value::Int(1000)),
        ]
    };
    world.facts(("a", start), "interface", "p1", &port("customer A"));
    world.facts(("a", day + 7200), "interface", "p1", &port("customer B"));
    world.event(
        ("b", day + 10_800),
        "rename",
        "eth1",
        "eth0 is now called eth1",
    );
    world.event(
        ("b", day + 10_900),
        "reboot",
        "",
        "no change of the inventory",
    );
}

fn alerts(world: &mut World) {
    let day = at(DAY);
    let minutes = |m: i64| day + m * 60;
    let alert =
        |id, rule: &str, host: &str, severity, fired: Option<i64>, resolved: Option<i64>| Alert {
            id,
            key: AlertKey {
                rule: rule.into(),
                host: host.into(),
                entity: String::new(),
            },
            state: match (fired, resolved) {
                (None, _) => AlertState::Pending,
                (_, None) => AlertState::Firing,
                _ => AlertState::Resolved,
            },
            severity,
            peak: severity,
            value: Observed::Number(95.0),
            since: fired.unwrap_or(day),
            observed_at: fired.unwrap_or(day),
            stale: false,
            fired_at: fired,
            resolved_at: resolved,
            closed: resolved.map(|_| Closed::Cleared),
            changed_at: fired.unwrap_or(day),
            revision: 1,
            summary: "full".into(),
            detail: String::new(),
        };
    use AlertSeverity::{Critical, Warning};
    let all = [
        alert(
            1,
            "disk-full",
            "a",
            Warning,
            Some(minutes(600)),
            Some(minutes(660)),
        ),
        alert(
            2,
            "disk-full",
            "b",
            Critical,
            Some(minutes(720)),
            Some(minutes(724)),
        ),
        alert(3, "host-down", "a", Critical, Some(minutes(780)), None),
        alert(4, "disk-full", "b", Warning, None, None),
        alert(
            5,
            "disk-full",
            "a",
            Warning,
            Some(minutes(-600)),
            Some(minutes(-540)),
        ),
        // A day across the end of New York's summer time.
        alert(
            6,
            "disk-full",
            "b",
            Warning,
            Some(minutes(-2160)),
            Some(minutes(-720)),
        ),
    ];
    world.recorder.save_alerts(&all, &[]).unwrap();
    for (alert, minute) in [(1, 610), (2, 722), (2, 750)] {
        let said = Acknowledgement {
            alert,
            at: minutes(minute),
            by: "anna".into(),
            note: String::new(),
        };
        world.recorder.save_acknowledgement(&said).unwrap();
    }
}

fn told(world: &mut World) {
    let entry =
        |minute: i64, action, reason, receiver: &str, recipient: &str, note: &str, mail: &str| {
            Entry {
                at: at(DAY) + minute * 60,
                alert: 1,
                rule: "disk-full".into(),
                host: "a".into(),
                entity: "/var".into(),
                receiver: receiver.into(),
                recipient: recipient.into(),
                action,
                reason,
                note: note.into(),
                mail: mail.into(),
            }
        };
    let rows = [
        entry(600, Action::Queued, Reason::Fired, "ops", "", "", "m1"),
        entry(
            601,
            Action::Sent,
            Reason::Fired,
            "ops",
            "ops@example.net",
            "250 ok",
            "m1",
        ),
        entry(700, Action::Suppressed, Reason::Cleared, "noc", "", "b", ""),
    ];
    world.recorder.save_ledger(&rows, &[]).unwrap();
}
