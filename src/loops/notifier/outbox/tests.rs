//! The outbox: what is kept, in which order it goes out, and what a crash leaves.

use super::*;
use crate::alert::notice::{Item, Reason};
use crate::alert::{AlertKey, AlertState, Observed};
use crate::inventory::AlertSeverity;

fn alert(id: AlertId) -> Alert {
    Alert {
        id,
        key: AlertKey {
            rule: "disk-full".into(),
            host: "web01".into(),
            entity: format!("/{id}"),
        },
        state: AlertState::Firing,
        severity: AlertSeverity::Warning,
        peak: AlertSeverity::Warning,
        value: Observed::Number(91.0),
        since: 0,
        observed_at: 0,
        stale: false,
        fired_at: Some(0),
        resolved_at: None,
        closed: None,
        changed_at: 0,
        revision: 2,
        summary: String::new(),
        detail: String::new(),
    }
}

fn notice(kind: Kind, at: UnixSeconds, ids: &[AlertId]) -> Notice {
    let item = |id: &AlertId| Item {
        alert: alert(*id),
        reason: Reason::Fired,
    };
    Notice {
        receiver: "ops".into(),
        kind,
        at,
        rule: "disk-full".into(),
        group: "web".into(),
        alerts: ids.iter().map(item).collect(),
        unlisted: Vec::new(),
    }
}

fn to(addresses: &[&str]) -> Vec<String> {
    addresses.iter().map(|a| (*a).to_owned()).collect()
}

/// What is due for whom, as `address mail-number`.
fn due(outbox: &Outbox, now: UnixSeconds) -> Vec<String> {
    let due = outbox.due(now, &BTreeSet::new(), 8);
    due.iter()
        .map(|d| format!("{} {}", d.to, d.number))
        .collect()
}

fn only(outbox: &Outbox, now: UnixSeconds, address: &str) -> Delivery {
    let due = outbox.due(now, &BTreeSet::new(), 8);
    due.into_iter().find(|d| d.to == address).unwrap()
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(directory.path()).unwrap();
    outbox.note_alerts(vec![alert(1), alert(2)]).await.unwrap();
    let first = outbox
        .post(notice(Kind::Problem, 30, &[1, 2]), to(&["a@x", "b@x"]))
        .await
        .unwrap();
    let done = only(&outbox, 30, "a@x");
    outbox.done(&done, 30).await.unwrap();
    outbox.forget(vec![2]).await.unwrap();
    for _ in 0..2 {
        drop(outbox);
        outbox = Outbox::open(directory.path()).unwrap();
        assert_eq!(outbox.alerts.keys().copied().collect::<Vec<_>>(), [1]);
        let told = outbox.book.told(1, "ops").unwrap();
        assert_eq!(
            (told.announced, told.at),
            (Some(AlertSeverity::Warning), 30)
        );
        assert!(outbox.book.told(2, "ops").is_none());
        assert_eq!(due(&outbox, 30), ["b@x 1"]);
        assert_eq!(only(&outbox, 30, "b@x").name, first);
        // The second time from what a rewriting left.
        let all = outbox.everything().unwrap();
        outbox.lock().rewrite(&all).unwrap();
    }
}

#[tokio::test]
async fn an_address_that_fails_waits_alone_and_longer_each_time() {
    let directory = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(directory.path()).unwrap();
    let addresses = to(&["bad@x", "good@x"]);
    let post = notice(Kind::Problem, 0, &[1]);
    outbox.post(post, addresses).await.unwrap();
    let mut now = 0;
    for wait in [30, 60, 120, 240, 480, 900, 900] {
        outbox.failed(&only(&outbox, now, "bad@x"), now);
        assert_eq!(due(&outbox, now), ["good@x 1"]);
        assert_eq!(due(&outbox, now + wait - 1), ["good@x 1"]);
        now += wait;
        assert_eq!(due(&outbox, now), ["bad@x 1", "good@x 1"]);
    }
    outbox.failed(&only(&outbox, now, "bad@x"), now);
    // Another address is served: the server is back, and nobody waits out a quarter of an hour.
    outbox
        .done(&only(&outbox, now, "good@x"), now)
        .await
        .unwrap();
    assert_eq!(due(&outbox, now + 30), ["bad@x 1"]);
    assert!(outbox.expired(7 * 86_400).is_empty());
    assert_eq!(outbox.expired(7 * 86_400 + 1).len(), 1);
}

#[tokio::test]
async fn order_is_kept_for_each_alert_and_a_poisonous_mail_is_passed_by() {
    let directory = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(directory.path()).unwrap();
    for (kind, id) in [(Kind::Problem, 1), (Kind::Recovery, 1), (Kind::Problem, 2)] {
        let post = notice(kind, 0, &[id]);
        outbox.post(post, to(&["a@x"])).await.unwrap();
    }
    assert_eq!(due(&outbox, 0), ["a@x 1"]);
    outbox.failed(&only(&outbox, 0, "a@x"), 0);
    assert_eq!(due(&outbox, 30), ["a@x 3"], "2 must not overtake 1");
    outbox.done(&only(&outbox, 30, "a@x"), 30).await.unwrap();
    assert_eq!(due(&outbox, 30), ["a@x 1"]);
    outbox.done(&only(&outbox, 30, "a@x"), 30).await.unwrap();
    assert_eq!(due(&outbox, 30), ["a@x 2"]);
    let busy = BTreeSet::from(["a@x".to_owned()]);
    assert!(outbox.due(30, &busy, 8).is_empty());
}

#[tokio::test]
async fn the_journal_stays_small() {
    let directory = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(directory.path()).unwrap();
    let ids: Vec<AlertId> = (1..=100).collect();
    for round in 0..150 {
        let post = notice(Kind::Reminder, round, &ids);
        outbox.post(post, to(&["a@x"])).await.unwrap();
        let delivery = only(&outbox, round, "a@x");
        outbox.done(&delivery, round).await.unwrap();
    }
    let size = |name: &str| directory.path().join(name).metadata().unwrap().len();
    assert!(size("a.journal") + size("b.journal") <= 8 << 20);
}

#[test]
fn message_ids_are_fixed_and_each_their_own() {
    let id = message_id("abc", "a@x", "example.net");
    assert_eq!(id, message_id("abc", "a@x", "example.net"));
    assert_ne!(id, message_id("abc", "b@x", "example.net"));
    assert!(id.starts_with("<abc.") && id.ends_with("@example.net>"));
    let problem = notice(Kind::Problem, 1, &[1]);
    assert_eq!(name(&problem), name(&notice(Kind::Problem, 2, &[1])));
    assert_ne!(name(&problem), name(&notice(Kind::Recovery, 1, &[1])));
}

/// A day of the clock in a moment: the mail server is away for an hour, accepts now and then, and
/// puts off at random. Every mail arrives once, those about one alert in order, and the last one at
/// most a quarter of an hour after the server is back.
#[tokio::test]
async fn an_hour_without_the_mail_server_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(directory.path()).unwrap();
    let back = 3600;
    let mut arrived: Vec<(String, AlertId, Kind)> = Vec::new();
    let mut last = 0;
    let mut attempts = 0;
    for now in 0..back + 1200 {
        let id = now / 100 + 1;
        if now < back && now % 100 == 0 {
            let post = notice(Kind::Problem, now, &[id]);
            outbox.post(post, to(&["a@x", "b@x"])).await.unwrap();
        }
        if now < back && now % 100 == 50 {
            let post = notice(Kind::Recovery, now, &[id]);
            outbox.post(post, to(&["a@x", "b@x"])).await.unwrap();
        }
        for delivery in outbox.due(now, &BTreeSet::new(), 1) {
            attempts += 1;
            // A little noise: every seventh attempt fails although the server is there.
            if now < back || attempts % 7 == 0 {
                outbox.failed(&delivery, now);
            } else {
                outbox.done(&delivery, now).await.unwrap();
                let Content::Notice(notice) = &delivery.content else {
                    panic!("only alerts were posted");
                };
                arrived.push((delivery.to, notice.alerts[0].alert.id, notice.kind));
                last = now;
            }
        }
    }
    assert_eq!(outbox.waiting(), 0);
    assert!(
        last <= back + 900,
        "the last one arrived {} s after",
        last - back
    );
    assert_eq!(arrived.len(), 2 * 2 * 36);
    let different: BTreeSet<_> = arrived.iter().cloned().collect();
    assert_eq!(different.len(), arrived.len(), "none twice");
    for (to, id, _) in arrived.iter().filter(|(.., kind)| *kind == Kind::Recovery) {
        let place = |kind| {
            let wanted = (to.clone(), *id, kind);
            arrived.iter().position(|a| *a == wanted)
        };
        assert!(place(Kind::Problem) < place(Kind::Recovery), "{to} {id}");
    }
}
