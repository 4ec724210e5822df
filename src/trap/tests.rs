//! Wording, names and limits of traps.

use super::*;

fn varbind(oid: &[u32], content: Content) -> Varbind {
    Varbind {
        oid: oid.to_vec(),
        content,
    }
}

const LINK_DOWN: &[u32] = &[1, 3, 6, 1, 6, 3, 1, 1, 5, 3];

fn column(column: u32, index: u32) -> Vec<u32> {
    [IF_ENTRY, &[column, index]].concat()
}

#[test]
fn a_link_that_goes_down_in_words() {
    let trap = Trap {
        oid: LINK_DOWN.to_vec(),
        varbinds: vec![
            varbind(&column(1, 3), Content::Int(3)),
            varbind(&column(7, 3), Content::Int(1)),
            varbind(&column(8, 3), Content::Int(2)),
        ],
        agent: None,
    };
    let names = Names::standard();
    assert_eq!(
        sentence(&trap, &names),
        "linkDown [3]: ifIndex 3, ifAdminStatus up, ifOperStatus down"
    );
    let hint = trap.interface().unwrap();
    assert_eq!((hint.index, hint.names.len()), (Some(3), 0));
}

#[test]
fn the_index_says_which_peer_where_no_varbind_does() {
    let peer = [1, 3, 6, 1, 2, 1, 15, 3, 1, 2, 10, 0, 0, 1];
    let trap = Trap {
        // Translated from version 1: enterprise 1.3.6.1.2.1.15.7, specific 2.
        oid: vec![1, 3, 6, 1, 2, 1, 15, 7, 0, 2],
        varbinds: vec![varbind(&peer, Content::Int(1))],
        agent: None,
    };
    assert_eq!(
        sentence(&trap, &Names::standard()),
        "bgpBackwardTransition [10.0.0.1]: bgpPeerState idle"
    );
    assert_eq!(trap.interface(), None);
}

#[test]
fn different_indexes_stand_with_their_objects() {
    let trap = Trap {
        oid: vec![1, 3, 6, 1, 4, 1, 9, 0, 7],
        varbinds: vec![
            varbind(&column(2, 3), Content::Text("Gi0/3".into())),
            varbind(&column(2, 4), Content::Text("Gi0/4".into())),
            varbind(&[1, 3, 6, 1, 4, 1, 9, 5], Content::Ticks(12_345)),
            varbind(
                &[1, 3, 6, 1, 6, 3, 18, 1, 4, 0],
                Content::Text("secret".into()),
            ),
        ],
        agent: Some(Ipv4Addr::new(192, 0, 2, 1)),
    };
    assert_eq!(
        sentence(&trap, &Names::standard()),
        "trap 1.3.6.1.4.1.9.0.7: ifDescr.3 Gi0/3, ifDescr.4 Gi0/4, 1.3.6.1.4.1.9.5 = 123.45 s (agent address 192.0.2.1)"
    );
    assert_eq!(trap.interface().unwrap().names, ["Gi0/3", "Gi0/4"]);
}

#[test]
fn an_alarm_of_a_ups_has_a_name() {
    let alarm = [standard::UPS_WELL_KNOWN_ALARMS, &[3]].concat();
    let trap = Trap {
        oid: vec![1, 3, 6, 1, 2, 1, 33, 2, 3],
        varbinds: vec![varbind(
            &[1, 3, 6, 1, 2, 1, 33, 1, 6, 2, 1, 2, 9],
            Content::Oid(alarm),
        )],
        agent: None,
    };
    assert_eq!(
        sentence(&trap, &Names::standard()),
        "upsTrapAlarmEntryAdded [9]: upsAlarmDescr upsAlarmLowBattery"
    );
}

#[test]
fn a_sentence_is_bounded() {
    let long = varbind(&[1, 3, 6], Content::Text("字".repeat(5_000)));
    let trap = Trap {
        oid: LINK_DOWN.to_vec(),
        varbinds: vec![long; 2_000],
        agent: None,
    };
    let text = sentence(&trap, &Names::standard());
    assert!(text.len() < 2_000, "{} octets", text.len());
    assert!(text.ends_with(" more"), "{text}");
}

#[test]
fn names_are_added() {
    let mut names = Names::standard();
    names.add_trap(&[1, 3, 6, 1, 4, 1, 318, 0, 5], "upsOnBattery");
    names.add_object(&[1, 3, 6, 1, 4, 1, 318, 2], "args", [(1, "one".into())]);
    let trap = Trap {
        oid: vec![1, 3, 6, 1, 4, 1, 318, 0, 5],
        varbinds: vec![varbind(&[1, 3, 6, 1, 4, 1, 318, 2, 0], Content::Int(1))],
        agent: None,
    };
    assert_eq!(sentence(&trap, &names), "upsOnBattery: args one");
}

#[test]
fn a_bucket_fills_again() {
    let mut bucket = Bucket::new(100, 3, 1_000);
    let taken = (0..5).filter(|_| bucket.take(1_000)).count();
    assert_eq!(taken, 3);
    assert!(!bucket.take(1_099));
    assert!(bucket.take(1_100));
    assert!(!bucket.take(1_150));
    assert!(bucket.is_full(1_500) && !bucket.is_full(1_399));
    assert!(bucket.take(u64::MAX), "and never overflows");
}

#[test]
fn a_flood_is_told_once_when_it_is_over() {
    let mut flood = Flood::new(10, 0);
    let passed = (0..1_000).filter(|i| flood.pass(*i)).count();
    // 100 at once, and one for each 100 ms.
    assert_eq!(passed, 109);
    assert_eq!(flood.ended(5_000, false), None);
    assert_eq!(flood.ended(12_000, false), Some((891, 1)));
    assert_eq!(flood.ended(99_000, false), None);
    assert!(flood.is_idle(99_000));
    for at in (99_000..).take(110) {
        flood.pass(at);
    }
    assert!(flood.ended(99_200, false).is_none());
    assert!(flood.ended(99_200, true).is_some());
}
