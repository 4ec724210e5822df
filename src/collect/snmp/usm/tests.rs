//! Without a network: both sides, with the time as an argument.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::testing::{CLOCK, Device3, ENGINE, OPEN, PRIVATE, SIGNED, user};
use super::*;
use crate::collect::snmp::testing::agent::Mib;
use crate::inventory::Secret;

const UPTIME: [u32; 9] = [1, 3, 6, 1, 2, 1, 1, 3, 0];

fn device() -> Device3 {
    let mut mib = Mib::new();
    mib.insert(UPTIME.to_vec(), (0x43, vec![7]));
    Device3::new(mib)
}

async fn manager() -> Usm {
    let passwords = Arc::new(Passwords::new());
    Usm::new(user(), passwords).await.unwrap()
}

async fn discover(usm: &Usm, device: &Device3, now: Instant) -> Arc<RemoteEngine> {
    let mut out = Vec::new();
    write_discovery(9, &mut out);
    let answer = device.answer(&out, now).unwrap();
    let found = read_discovery(&answer).unwrap();
    usm.adopt(found, now).await.unwrap()
}

fn ask(usm: &Usm, id: u32, now: Instant) -> Vec<u8> {
    let mut varbinds = Vec::new();
    crate::collect::snmp::message::push_name(&UPTIME, &[], &mut varbinds);
    let question = Question {
        ask: Ask::Get,
        id,
        varbinds: &varbinds,
        context: &[],
    };
    let mut out = Vec::new();
    usm.seal(&usm.engine().unwrap(), question, now, &mut out);
    out
}

/// `Ok(None)`: a response.
fn open(usm: &Usm, datagram: &[u8], now: Instant) -> Result<Option<Report>, Malformed> {
    let engine = usm.engine().unwrap();
    let mut room = Vec::new();
    match usm.open((&engine, &[]), datagram, now, &mut room)? {
        Opened::Response(response) => {
            assert_eq!(response.varbinds().count(), 1);
            Ok(None)
        }
        Opened::Report(report) => Ok(Some(report)),
    }
}

/// One question and its answer.
fn exchange(usm: &Usm, device: &Device3, now: Instant) -> Result<Option<Report>, Malformed> {
    open(usm, &device.answer(&ask(usm, 7, now), now).unwrap(), now)
}

#[tokio::test]
async fn gaps_of_any_length_need_no_second_request() {
    let (usm, device) = (manager().await, device());
    let mut now = Instant::now();
    discover(&usm, &device, now).await;
    for gap in [0, 1, 10, 60, 149, 170, 300, 3_600, 86_400, 31_536_000] {
        now += Duration::from_secs(gap);
        assert!(exchange(&usm, &device, now).unwrap().is_none(), "{gap} s");
    }
}

#[tokio::test]
async fn a_restart_and_stepping_clocks_cost_one_report() {
    let (usm, mut device) = (manager().await, device());
    let mut now = Instant::now() + Duration::from_secs(10_000);
    discover(&usm, &device, now).await;
    assert!(exchange(&usm, &device, now).unwrap().is_none());
    let changes: [fn(&mut Device3, Instant); 4] = [
        |d, now| (d.boots, d.started) = (d.boots + 1, now),
        |d, _| d.started -= Duration::from_secs(1_000),
        |d, _| d.started += Duration::from_secs(500),
        |d, now| (d.boots, d.started) = (0, now),
    ];
    for (step, change) in changes.into_iter().enumerate() {
        now += Duration::from_secs(61);
        change(&mut device, now);
        let report = exchange(&usm, &device, now).unwrap().expect("a report");
        assert_eq!((report.reason, report.signed), (Reason::Clock, true));
        let engine = usm.engine().unwrap();
        let heeded = usm.heed(&engine, &report, &mut Rounds::default(), now);
        assert_eq!(heeded, Ok(()), "step {step}");
        assert!(exchange(&usm, &device, now).unwrap().is_none());
        assert_eq!(usm.take_events().len(), usize::from(step == 3));
    }
}

#[tokio::test]
async fn one_resynchronisation_per_question() {
    let (usm, device, now) = (manager().await, device(), Instant::now());
    let engine = discover(&usm, &device, now).await;
    let mut rounds = Rounds::default();
    let report = |boots| {
        let datagram = device.report(CLOCK, SIGNED, 7, (boots, 77));
        open(&usm, &datagram, now).unwrap().unwrap()
    };
    assert_eq!(usm.heed(&engine, &report(6), &mut rounds, now), Ok(()));
    let again = usm.heed(&engine, &report(7), &mut rounds, now);
    assert_eq!(again, Err(Complaint::Reported(Reason::Clock)));
    let mut rounds = Rounds::default();
    let latched = usm.heed(&engine, &report(i32::MAX as u32), &mut rounds, now);
    assert_eq!(latched, Err(Complaint::Reported(Reason::Clock)));
}

#[tokio::test]
async fn nothing_unsigned_moves_the_clock() {
    let (usm, device, now) = (manager().await, device(), Instant::now());
    discover(&usm, &device, now).await;
    assert!(exchange(&usm, &device, now).unwrap().is_none());
    let before = usm.state().clock.unwrap().read(now);
    for clock in [
        (0, 0),
        (2_147_483_646, 1),
        (i32::MAX as u32, i32::MAX as u32),
    ] {
        for reason in 1..8 {
            let forged = device.report(reason, OPEN, 7, clock);
            assert!(!open(&usm, &forged, now).unwrap().unwrap().signed);
        }
        let mut forged = device.report(CLOCK, SIGNED, 7, clock);
        let last = forged.len() - 1;
        forged[last] ^= 1;
        assert_eq!(
            open(&usm, &forged, now).unwrap_err(),
            Malformed("a wrong signature")
        );
    }
    assert_eq!(usm.state().clock.unwrap().read(now), before);
    assert!(exchange(&usm, &device, now).unwrap().is_none());
}

#[tokio::test]
async fn less_than_the_level_is_refused() {
    let (usm, device, now) = (manager().await, device(), Instant::now());
    discover(&usm, &device, now).await;
    let clock = (device.boots, device.time(now));
    for level in [OPEN, SIGNED] {
        let why = open(&usm, &device.poisoned(level, 7, now), now).unwrap_err();
        assert_eq!(why, Malformed("less secure than the user demands"));
    }
    assert!(open(&usm, &device.poisoned(PRIVATE, 7, now), now).is_ok());
    // The right protection around another request's answer.
    let inner = device.poisoned(OPEN, 8, now);
    let start = inner.windows(2).rposition(|w| w[0] == 0xa2).unwrap();
    let other = device.seal(PRIVATE, 7, clock, &inner[start..]);
    let why = open(&usm, &other, now).unwrap_err();
    assert_eq!(why, Malformed("an answer to another question inside"));
    let trap = device.seal(PRIVATE, 7, clock, &[&[0xa7], &inner[start + 1..]].concat());
    assert!(open(&usm, &trap, now).is_err());
}

#[tokio::test]
async fn late_messages_are_refused() {
    let (usm, device, now) = (manager().await, device(), Instant::now());
    let now = now + Duration::from_secs(1_000);
    discover(&usm, &device, now).await;
    let pdu = |seconds: u32, boots: u32| {
        let inner = device.poisoned(OPEN, 7, now);
        let start = inner.windows(2).rposition(|w| w[0] == 0xa2).unwrap();
        let clock = (boots, device.time(now) - seconds);
        device.seal(PRIVATE, 7, clock, &inner[start..])
    };
    assert!(open(&usm, &pdu(0, 5), now).unwrap().is_none());
    assert!(open(&usm, &pdu(149, 5), now).unwrap().is_none());
    let old = Malformed("from outside the time window");
    assert_eq!(open(&usm, &pdu(151, 5), now).unwrap_err(), old);
    assert_eq!(open(&usm, &pdu(0, 4), now).unwrap_err(), old);
}

#[tokio::test]
async fn engine_ids_of_any_length_are_survived() {
    let (usm, mut device, now) = (manager().await, device(), Instant::now());
    let mut out = Vec::new();
    write_discovery(9, &mut out);
    for length in [0, 1, 4, 33, 255, 40_000] {
        device.engine_id = vec![0x80; length];
        let report = device.report(ENGINE, OPEN, 9, (1, 1));
        assert!(read_discovery(&report).is_err(), "{length} octets");
    }
    for length in [5, 17, 32] {
        device.engine_id = vec![0x80; length];
        let report = device.report(ENGINE, OPEN, 9, (i32::MAX as u32, i32::MAX as u32));
        usm.adopt(read_discovery(&report).unwrap(), now)
            .await
            .unwrap();
        ask(&usm, 7, now + Duration::from_secs(u64::from(u32::MAX)));
    }
}

/// One octet of a right digest must not do, whichever it is.
#[tokio::test]
async fn short_digests_are_refused() {
    let (usm, device, now) = (manager().await, device(), Instant::now());
    discover(&usm, &device, now).await;
    for octet in 0..=255 {
        let forged = device.with_digest(7, &[octet]);
        let why = open(&usm, &forged, now).unwrap_err();
        assert_eq!(why, Malformed("a wrong signature"));
    }
    for length in [0, 11, 12, 23, 25, 64, 40_000] {
        assert!(open(&usm, &device.with_digest(7, &vec![0; length]), now).is_err());
    }
}

#[tokio::test]
async fn odd_maximum_sizes_are_clamped() {
    let (usm, device, now) = (manager().await, device(), Instant::now());
    let report = device.report(ENGINE, OPEN, 9, (1, 1));
    let at = report
        .windows(5)
        .position(|w| w == [2, 3, 0, 0xff, 0xe3])
        .unwrap();
    for (octets, expected) in [([0, 0, 1], 484), ([0x7f, 0xff, 0xff], 65_507)] {
        let mut odd = report.clone();
        odd[at + 2..at + 5].copy_from_slice(&octets);
        usm.adopt(read_discovery(&odd).unwrap(), now).await.unwrap();
        assert_eq!(usm.max_size(), Some(expected));
    }
    let mut negative = report.clone();
    negative[at + 2] = 0x80;
    assert!(read_discovery(&negative).is_err());
}

/// Every octet changed, and every beginning: nothing panics, nothing is believed.
#[tokio::test]
async fn damaged_messages_are_not_believed() {
    let (usm, device, now) = (manager().await, device(), Instant::now());
    discover(&usm, &device, now).await;
    let good = device.poisoned(PRIVATE, 7, now);
    assert!(open(&usm, &good, now).is_ok());
    for at in 0..good.len() {
        for bits in [0x01, 0x80, 0xff] {
            let mut damaged = good.clone();
            damaged[at] ^= bits;
            assert!(!matches!(open(&usm, &damaged, now), Ok(None)), "octet {at}");
            let _ = read_discovery(&damaged);
            let _ = message_id(&damaged);
        }
        assert!(open(&usm, &good[..at], now).is_err());
    }
}

#[tokio::test]
async fn ten_thousand_devices_hash_a_password_once() {
    let passwords = Arc::new(Passwords::new());
    let mut made = Vec::new();
    for _ in 0..10_000 {
        made.push(Usm::new(user(), passwords.clone()).await.unwrap());
    }
    assert_eq!(passwords.count(), 1);
    let short = |secret: &str| {
        let mut user = user();
        user.auth.as_mut().unwrap().secret = Secret::new(secret);
        user
    };
    for secret in ["", "1234567"] {
        let failure = Usm::new(short(secret), passwords.clone()).await.err();
        assert!(failure.unwrap().message.contains("shorter than 8"));
    }
}
