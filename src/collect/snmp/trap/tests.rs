//! Datagrams of every version, whole and damaged.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::collect::snmp::usm::testing::{Device3, PRIVATE, user};
use crate::inventory::{SnmpAccess, SnmpAuth};
use crate::reading::Method;
use crate::trap::Content;

/// snmpTrapOID.0 = linkDown and ifIndex.7 = 7, by version 2c with community `public` and request id
/// -2; RFC 3416 by hand.
const TRAP_V2C: &[u8] = b"\x30\x47\x02\x01\x01\x04\x06public\xa7\x3a\x02\x01\xfe\x02\x01\x00\x02\x01\x00\x30\x2f\
\x30\x17\x06\x0a\x2b\x06\x01\x06\x03\x01\x01\x04\x01\x00\x06\x09\x2b\x06\x01\x06\x03\x01\x01\x05\x03\
\x30\x0f\x06\x0a\x2b\x06\x01\x02\x01\x02\x02\x01\x01\x07\x02\x01\x07\
\x30\x03\x06\x01\x00";

fn desk() -> (tempfile::TempDir, Desk) {
    let state = tempfile::tempdir().unwrap();
    let desk = Desk::open(state.path()).unwrap();
    (state, desk)
}

fn target(host: &str, auth: SnmpAuth) -> Arc<Target> {
    Arc::new(Target {
        host: host.into(),
        way: Method::Snmp.into(),
        address: "192.0.2.1".into(),
        interval: Duration::from_secs(60),
        timeout: Duration::from_secs(15),
        access: Access::Snmp(SnmpAccess {
            interfaces: Default::default(),
            port: 161,
            auth,
            profiles: Default::default(),
        }),
    })
}

fn public() -> Vec<Arc<Target>> {
    let community = Secret::new("public");
    vec![target("a", SnmpAuth::V2c { community })]
}

/// The trap without its broken last varbind.
fn sound() -> Vec<u8> {
    let mut trap = TRAP_V2C[..TRAP_V2C.len() - 5].to_vec();
    for at in [1, 14, 25] {
        trap[at] -= 5;
    }
    trap
}

#[tokio::test]
async fn a_trap_counts_as_a_whole_or_not_at_all() {
    let (_state, mut desk) = desk();
    let Heard::Trap { host, trap, answer } = desk.hear(&sound(), &public(), &[]).await else {
        panic!("not taken");
    };
    assert_eq!((&*host, answer.is_none()), ("a", true));
    assert_eq!(trap.oid, [1, 3, 6, 1, 6, 3, 1, 1, 5, 3]);
    assert_eq!(trap.varbinds.len(), 1);
    assert_eq!(trap.varbinds[0].content, Content::Int(7));
    let damaged = desk.hear(TRAP_V2C, &public(), &[]).await;
    let Heard::Refused { why, reply: None } = damaged else {
        panic!("taken");
    };
    assert!(matches!(why, Refusal::Malformed(_)), "{why:?}");
}

#[tokio::test]
async fn the_answer_repeats_the_inform() {
    let (_state, mut desk) = desk();
    let mut inform = sound();
    inform[13] = 0xa6;
    let Heard::Trap { answer, .. } = desk.hear(&inform, &public(), &[]).await else {
        panic!("not taken");
    };
    let mut expected = inform.clone();
    expected[13] = 0xa2;
    assert_eq!(answer.unwrap().datagram, expected);
    // Version 1 has no such thing.
    inform[4] = 0;
    let heard = desk.hear(&inform, &public(), &[]).await;
    assert!(matches!(heard, Heard::Refused { reply: None, .. }));
}

/// A trap of version 3 from a device whose engine is its own.
fn secured(device: &Device3) -> Vec<u8> {
    device.seal(PRIVATE, 7, (device.boots, 1_000), &sound()[13..])
}

#[tokio::test]
async fn a_recording_of_a_trap_is_refused() {
    let (_state, mut desk) = desk();
    let targets = [target("a", SnmpAuth::V3(user()))];
    let mut device = Device3::new(Default::default());
    let old = secured(&device);
    let heard = desk.hear(&old, &targets, &[]).await;
    assert!(matches!(heard, Heard::Trap { .. }), "{heard:?}");
    device.boots += 1;
    let heard = desk.hear(&secured(&device), &targets, &[]).await;
    assert!(matches!(heard, Heard::Trap { .. }), "{heard:?}");
    let Heard::Refused { why, .. } = desk.hear(&old, &targets, &[]).await else {
        panic!("taken");
    };
    assert_eq!(why, Refusal::Security(Reason::Clock.of_sender()));
    let mut changed = secured(&device);
    *changed.last_mut().unwrap() ^= 1;
    let heard = desk.hear(&changed, &targets, &[]).await;
    assert!(matches!(heard, Heard::Refused { .. }));
}

#[test]
fn no_datagram_does_harm_and_no_reply_is_longer_than_a_report() {
    let (_state, desk) = desk();
    let desk = std::cell::RefCell::new(desk);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut targets = public();
    targets.push(target("b", SnmpAuth::V3(user())));
    let mut inform = sound();
    inform[13] = 0xa6;
    let mut discovery = Vec::new();
    usm::write_discovery(9, &mut discovery);
    let whole = [
        sound(),
        inform,
        secured(&Device3::new(Default::default())),
        discovery,
    ];
    let change = (0usize..4096, any::<u8>(), 0u8..4);
    let case = (0usize..whole.len(), prop::collection::vec(change, 0..6));
    let mut runner = TestRunner::new(Config::with_cases(20_000));
    let result = runner.run(&case, |(which, changes)| {
        let mut datagram = whole[which].clone();
        for (at, octet, how) in changes {
            let at = at % (datagram.len() + 1);
            match how {
                0 => datagram.truncate(at),
                1 => datagram.insert(at, octet),
                _ if at < datagram.len() => datagram[at] = octet,
                _ => {}
            }
        }
        let mut desk = desk.borrow_mut();
        let reply = match runtime.block_on(desk.hear(&datagram, &targets, &[])) {
            Heard::Reply(reply) => Some(reply),
            Heard::Refused { reply, .. } => reply,
            Heard::Trap { answer, .. } => answer.map(|answer| answer.datagram),
        };
        let most = datagram.len().max(200);
        prop_assert!(reply.is_none_or(|reply| reply.len() <= most));
        Ok(())
    });
    result.unwrap();
}

#[test]
fn our_engine_id_stays_and_its_boots_go_up() {
    let state = tempfile::tempdir().unwrap();
    let (id, boots) = engine::start(state.path()).unwrap();
    assert_eq!((id.len(), boots), (17, 1));
    assert_eq!(engine::start(state.path()).unwrap(), (id.clone(), 2));
    let path = state.path().join("snmp-engine");
    std::fs::write(&path, format!("{}\n2147483646\n", usm::hex(&id))).unwrap();
    let (other, boots) = engine::start(state.path()).unwrap();
    assert_ne!(other, id, "an engine at its end is another one");
    assert_eq!(boots, 1);
    std::fs::write(&path, "\u{0}\u{0}").unwrap();
    let (third, boots) = engine::start(state.path()).unwrap();
    assert!(third != other && boots == 1);
    assert!(state.path().join("snmp-engine.damaged").exists());
}
