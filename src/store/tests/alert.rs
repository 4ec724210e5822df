//! Alerts and the ledger come back as they were written.

use crate::alert::ledger::{Action, Entry};
use crate::alert::notice::Reason;
use crate::alert::{Alert, AlertId, AlertKey, AlertState, Closed, Observed};
use crate::inventory::AlertSeverity;
use crate::store::{Cell, Question, Store};

fn alert(id: AlertId, value: Observed) -> Alert {
    Alert {
        id,
        key: AlertKey {
            rule: "disk-full".into(),
            host: "web'01".into(),
            entity: "/var".into(),
        },
        state: AlertState::Pending,
        severity: AlertSeverity::Warning,
        peak: AlertSeverity::Critical,
        value,
        since: 1_700_000_000,
        observed_at: 1_700_000_060,
        stale: true,
        fired_at: None,
        resolved_at: None,
        closed: None,
        changed_at: 1_700_000_030,
        revision: 3,
        summary: "web'01: /var 95 % 满".into(),
        detail: "snmp: no answer".into(),
    }
}

fn rows(store: &Store, sql: &str) -> Vec<Vec<Cell>> {
    store.ask_blocking(&Question::new(sql)).unwrap().rows
}

#[test]
fn alerts_come_back_as_they_were_saved() {
    let (store, mut recorder) = Store::in_memory().unwrap();
    assert_eq!(recorder.open_alerts().unwrap(), (Vec::new(), 0));
    let mut alerts = vec![
        alert(1, Observed::Number(95.2)),
        alert(2, Observed::Bool(false)),
        alert(3, Observed::Nothing),
        alert(5, Observed::Text("down".into())),
    ];
    recorder.save_alerts(&alerts, &[]).unwrap();
    assert_eq!(recorder.open_alerts().unwrap(), (alerts.clone(), 5));

    alerts[0].state = AlertState::Firing;
    alerts[0].fired_at = Some(1_700_000_600);
    alerts[1].state = AlertState::Resolved;
    alerts[1].resolved_at = Some(1_700_000_700);
    alerts[1].closed = Some(Closed::Gone);
    recorder.save_alerts(&alerts[..2], &[3]).unwrap();
    let open = vec![alerts[0].clone(), alerts[3].clone()];
    assert_eq!(recorder.open_alerts().unwrap(), (open, 5));
    let told = rows(
        &store,
        "SELECT id, host, state, reason, epoch(resolved_at)::BIGINT FROM alert ORDER BY id",
    );
    assert_eq!(told.len(), 3);
    assert_eq!(
        told[1],
        [
            Cell::Int(2),
            Cell::Text("web'01".into()),
            Cell::Text("resolved".into()),
            Cell::Text("gone".into()),
            Cell::Int(1_700_000_700)
        ]
    );
}

#[test]
fn the_ledger_answers_why_there_was_no_mail() {
    let (store, mut recorder) = Store::in_memory().unwrap();
    let entry = Entry {
        at: 1_700_000_000,
        alert: 7,
        rule: "disk-full".into(),
        host: "web01".into(),
        entity: "/var".into(),
        receiver: "ops".into(),
        recipient: String::new(),
        action: Action::Suppressed,
        reason: Reason::HostDown,
        note: "web01".into(),
        mail: String::new(),
    };
    recorder.save_ledger(&[entry], &[]).unwrap();
    let told = rows(
        &store,
        "SELECT action, reason, note, recipient, mail FROM notification WHERE host = 'web01'",
    );
    let text = |t: &str| Cell::Text(t.into());
    assert_eq!(
        told,
        [[
            text("suppressed"),
            text("host_down"),
            text("web01"),
            Cell::Null,
            Cell::Null
        ]]
    );
}
