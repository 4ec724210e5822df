//! Timetables: rows over time, and what is wanted when; then what must hold for any rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::alert::{Newest, NewestRows, Observed};
use crate::inventory::{
    Access, AlertSeverity, Comparison, Condition, Host, HostSelector, Literal, Localized, Origin,
    Selected, SelectorTerm, Target,
};
use crate::reading::Method;

const MINUTE: i64 = 60;

fn host(name: &str) -> Arc<Host> {
    let target = Target {
        host: name.into(),
        way: Method::Local.into(),
        address: name.into(),
        interval: Duration::from_secs(60),
        timeout: Duration::from_secs(15),
        access: Access::Local,
    };
    Arc::new(Host {
        name: name.into(),
        address: name.into(),
        groups: vec!["web".into()],
        labels: BTreeMap::new(),
        depends_on: Vec::new(),
        renamed_from: None,
        targets: vec![Arc::new(target)],
        origins: Vec::new(),
    })
}

fn above(limit: f64) -> Condition {
    Condition {
        table: "memory".into(),
        column: "used_pct".into(),
        op: Comparison::Greater,
        literal: Literal::Number(limit),
    }
}

/// `when: memory.used_pct > 90`, clears below 85, warning, critical from 95.
fn disk_full(hold_minutes: u64) -> Rule {
    Rule {
        name: "disk-full".into(),
        when: above(90.0),
        hold: Duration::from_secs(60 * hold_minutes),
        clear_when: Some(Condition {
            op: Comparison::Less,
            ..above(85.0)
        }),
        severity: vec![
            (AlertSeverity::Warning, Some(90.0)),
            (AlertSeverity::Critical, Some(95.0)),
        ],
        summary: Localized::default(),
        hosts: HostSelector::default(),
        origin: Origin::BuiltIn,
    }
}

/// A world of one host, its mounts' newest rows, and the alerts.
struct World {
    inventory: Inventory,
    rows: BTreeMap<String, (i64, Observed)>,
    alerts: BTreeMap<AlertId, Alert>,
    next_id: AlertId,
}

impl World {
    fn new(rule: Rule) -> World {
        let mut inventory = Inventory::default();
        inventory.hosts.insert("a".into(), host("a"));
        inventory.rules.push(rule);
        World {
            inventory,
            rows: BTreeMap::new(),
            alerts: BTreeMap::new(),
            next_id: 1,
        }
    }

    fn row(&mut self, mount: &str, ts: i64, value: Observed) {
        self.rows.insert(mount.into(), (ts, value));
    }

    fn evaluate(&mut self, now: i64) -> Vec<What> {
        let rows = self.rows.iter().map(|(mount, (ts, value))| Newest {
            host: "a".into(),
            entity: mount.clone(),
            ts: *ts,
            values: vec![value.clone()],
            detail: String::new(),
        });
        let tables = [NewestRows {
            table: "memory".into(),
            columns: vec!["used_pct".into()],
            rows: rows.collect(),
        }];
        let seen = observe::observe(&self.inventory, &tables, now);
        let open: Vec<Alert> = self
            .alerts
            .values()
            .filter(|a| a.is_open())
            .cloned()
            .collect();
        let changes = step(&self.inventory, &open, &seen, self.next_id, now);
        for change in &changes {
            self.next_id = self.next_id.max(change.alert.id + 1);
            if change.what == What::Dropped {
                self.alerts.remove(&change.alert.id);
            } else {
                self.alerts.insert(change.alert.id, change.alert.clone());
            }
        }
        changes.into_iter().map(|change| change.what).collect()
    }

    /// A row per minute in promtool's notation (`80 91x15 -`, `-` is no row); returns every change
    /// but the refreshed ones as `minute what`.
    fn play(&mut self, series: &str) -> String {
        let mut told = Vec::new();
        for (minute, value) in (0i64..).zip(expand(series)) {
            let now = minute * MINUTE;
            match value {
                Some(Ok(number)) => self.row("/", now, Observed::Number(number)),
                Some(Err(())) => self.row("/", now, Observed::Nothing),
                None => {}
            }
            for what in self.evaluate(now + 5) {
                if what != What::Refreshed {
                    told.push(format!("{minute} {what:?}"));
                }
            }
        }
        told.join(", ")
    }
}

fn expand(series: &str) -> Vec<Option<Result<f64, ()>>> {
    let mut out = Vec::new();
    for word in series.split_whitespace() {
        let (value, times) = word.split_once('x').unwrap_or((word, "1"));
        let value = match value {
            "-" => None,
            "null" => Some(Err(())),
            number => Some(Ok(number.parse().unwrap())),
        };
        out.extend(std::iter::repeat_n(value, times.parse().unwrap()));
    }
    out
}

#[test]
fn timetables() {
    for (hold, series, wanted) in [
        // Fires when the condition has held for the whole time, not before.
        (10, "80 91x15", "1 Pending, 11 Fired"),
        (0, "80 91x3", "1 Fired"),
        // One row below the limit starts the clock anew.
        (
            3,
            "91x3 90 91x5",
            "0 Pending, 3 Dropped, 4 Pending, 7 Fired",
        ),
        // Between the two limits it goes on firing; below the lower one it clears.
        (1, "91x3 88x5 84 88", "0 Pending, 1 Fired, 8 Resolved"),
        // Raised once; falling and rising to the same step is no news.
        (
            1,
            "91x2 96 91 96 84",
            "0 Pending, 1 Fired, 2 Raised, 3 Severity, 4 Severity, 5 Resolved",
        ),
        // No rows, or rows without a value: held, however long.
        (1, "91x2 -x600 84", "0 Pending, 1 Fired, 602 Resolved"),
        (1, "91x2 nullx60 84", "0 Pending, 1 Fired, 62 Resolved"),
        // Without rows nothing fires either.
        (3, "91 -x10", "0 Pending"),
        // A row missed now and then does not restart the clock; a gap so long that the rows were
        // stale does, for it proves nothing.
        (3, "91 -x1 91x2", "0 Pending, 3 Fired"),
        (3, "91 -x10 91x4", "0 Pending, 14 Fired"),
    ] {
        let told = World::new(disk_full(hold)).play(series);
        assert_eq!(told, wanted, "{series}, hold {hold} min");
    }
}

#[test]
fn without_clear_when_it_clears_as_soon_as_it_no_longer_holds() {
    let mut rule = disk_full(1);
    rule.clear_when = None;
    let told = World::new(rule).play("91x3 90");
    assert_eq!(told, "0 Pending, 1 Fired, 3 Resolved");
}

#[test]
fn a_row_older_than_two_and_a_half_intervals_changes_nothing() {
    let mut world = World::new(disk_full(0));
    world.row("/", 0, Observed::Number(99.0));
    assert!(world.evaluate(151).is_empty());
    assert_eq!(world.evaluate(150), [What::Fired]);
    world.row("/", 200, Observed::Number(10.0));
    assert_eq!(world.evaluate(400), [What::Refreshed]);
    assert!(world.alerts[&1].stale);
    assert_eq!(world.alerts[&1].value, Observed::Number(99.0));
    assert_eq!(world.evaluate(300), [What::Resolved]);
}

#[test]
fn what_leaves_the_inventory_closes() {
    let mut world = World::new(disk_full(0));
    world.row("/", 0, Observed::Number(99.0));
    world.evaluate(0);
    let (host, rule) = (world.inventory.hosts.clone(), world.inventory.rules.clone());
    world.inventory.hosts.clear();
    assert_eq!(world.evaluate(1), [What::Resolved]);
    assert_eq!(world.alerts[&1].closed, Some(Closed::Removed));

    world.inventory.hosts = host;
    assert_eq!(world.evaluate(2), [What::Fired]);
    world.inventory.rules[0].hosts.terms = vec![SelectorTerm {
        negated: true,
        what: Selected::Group("web".into()),
    }];
    assert_eq!(world.evaluate(3), [What::Resolved]);
    assert_eq!(world.alerts[&2].closed, Some(Closed::RuleRemoved));

    world.inventory.rules = rule;
    world.evaluate(4);
    world.inventory.rules.clear();
    assert_eq!(world.evaluate(5), [What::Resolved]);
    assert_eq!(world.alerts[&3].closed, Some(Closed::RuleRemoved));
}

#[test]
fn an_unmounted_file_system_closes_after_an_hour_of_rows_without_it() {
    let mut world = World::new(disk_full(0));
    world.row("/", 0, Observed::Number(10.0));
    world.row("/mnt/usb", 0, Observed::Number(99.0));
    assert_eq!(world.evaluate(0), [What::Fired]);
    for minute in 1..60 {
        world.row("/", minute * MINUTE, Observed::Number(10.0));
        assert!(!world.evaluate(minute * MINUTE).contains(&What::Resolved));
    }
    // The host falls silent as well: nothing is concluded from that.
    assert!(world.evaluate(100 * MINUTE).is_empty());
    world.row("/", 101 * MINUTE, Observed::Number(10.0));
    assert_eq!(world.evaluate(101 * MINUTE), [What::Resolved]);
    assert_eq!(world.alerts[&1].closed, Some(Closed::Gone));
}

proptest! {
    /// Any rows at any distances: every firing has `hold` of evidence behind it, every resolution a
    /// fresh row that clears, and an alert goes through its states in order.
    #[test]
    fn no_firing_before_hold_and_no_resolution_from_old_rows(
        hold in 0u64..6,
        rows in proptest::collection::vec((0i64..200, 0i64..400, 70.0f64..100.0, 0u8..10), 1..80),
    ) {
        let mut world = World::new(disk_full(hold));
        let (mut ts, mut now) = (0, 0);
        let mut firing_since: Option<i64> = None;
        for (gap, delay, value, kind) in rows {
            ts = now.max(ts) + gap;
            now = ts + delay;
            let value = if kind == 0 { Observed::Nothing } else { Observed::Number(value) };
            world.row("/", ts, value.clone());
            let before = world.alerts.values().find(|a| a.is_open()).cloned();
            let told = world.evaluate(now);
            let fresh = now - ts <= 150;
            let after = world.alerts.values().next_back().cloned();
            for what in told {
                match what {
                    What::Pending => {
                        prop_assert!(fresh && before.is_none());
                        firing_since = Some(ts);
                    }
                    What::Fired => {
                        let begun = after.as_ref().map_or(ts, |a| a.since);
                        prop_assert!(fresh && ts - begun >= hold as i64 * MINUTE);
                        prop_assert!(matches!(value, Observed::Number(v) if v > 90.0));
                        if hold > 0 {
                            prop_assert_eq!(firing_since, Some(begun));
                        }
                    }
                    What::Resolved => {
                        prop_assert!(fresh && matches!(value, Observed::Number(v) if v < 85.0));
                        prop_assert_eq!(before.as_ref().map(|b| b.state), Some(AlertState::Firing));
                    }
                    What::Raised => {
                        let peak = before.as_ref().map(|b| b.peak);
                        prop_assert!(peak < after.as_ref().map(|a| a.severity));
                    }
                    What::Dropped => prop_assert!(fresh),
                    What::Severity | What::Refreshed => {}
                }
            }
            if let (Some(before), Some(after)) = (before, after) && before.id == after.id {
                prop_assert!(after.revision >= before.revision);
                prop_assert!(after.observed_at >= before.observed_at);
                if after.since != before.since {
                    // Out of sight, and seen again with a row that holds: the clock began anew.
                    prop_assert!(before.stale && fresh && before.state == AlertState::Pending);
                    prop_assert_eq!(after.since, ts);
                    firing_since = Some(ts);
                }
            }
        }
    }
}
