//! Version 3: devices, and those in between, that lie about who they are and what time it is.

use super::*;
use crate::collect::snmp::usm::testing::{
    Agent3, CLOCK, DIGEST, Device3, ENGINE, OPEN, PRIVATE, SIGNED, Seen, USER, user,
};
use crate::inventory::UsmUser;

struct Scene3 {
    agent: Agent3,
    engine: Engine,
    target: Target,
}

impl Scene3 {
    async fn new() -> Scene3 {
        Scene3::of(user()).await
    }

    async fn of(user: UsmUser) -> Scene3 {
        let agent = Agent3::start(switch()).await;
        let mut target = target(agent.address, SnmpVersion::V2c);
        target.access = Access::Snmp(SnmpAccess {
            interfaces: Default::default(),
            profiles: Default::default(),
            port: agent.address.port(),
            auth: SnmpAuth::V3(user),
        });
        Scene3 {
            agent,
            engine: Engine::start().unwrap(),
            target,
        }
    }

    async fn poll(&self) -> Result<Readings, Failure> {
        let Access::Snmp(access) = &self.target.access else {
            unreachable!()
        };
        let deadline = std::time::Instant::now() + self.target.timeout;
        let outcome = self.engine.collect(&self.target, access, deadline).await.1;
        if let Ok(readings) = &outcome {
            no_wrong_value(readings);
        }
        outcome
    }

    fn misbehave(
        &self,
        mischief: impl FnMut(&Device3, Seen, Option<Vec<u8>>) -> Vec<Vec<u8>>
        + std::marker::Send
        + 'static,
    ) {
        self.agent.misbehave(Some(Box::new(mischief)));
    }

    async fn is_good(&self) {
        self.agent.misbehave(None);
        let readings = self.poll().await.unwrap();
        assert_eq!(ports(&readings).len(), PORTS as usize);
        assert_eq!(readings.events, []);
    }
}

fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// Sent before every honest answer, from the first packet on or into a running conversation, the
/// lies change nothing.
async fn overcomes(
    lies: impl Fn(&Device3, Seen) -> Vec<Vec<u8>> + Clone + std::marker::Send + 'static,
) {
    for known in [false, true] {
        let scene = Scene3::new().await;
        if known {
            scene.is_good().await;
        }
        let lies = lies.clone();
        scene.misbehave(move |device, seen, honest| {
            let mut sends = lies(device, seen);
            sends.extend(honest);
            sends
        });
        let readings = scene.poll().await.unwrap();
        assert_eq!(ports(&readings).len(), PORTS as usize);
        scene.is_good().await;
    }
}

#[tokio::test]
async fn lies_about_boots_and_time_do_not_stick() {
    for clock in [
        (2_147_483_646, 0),
        (i32::MAX as u32, i32::MAX as u32),
        (0, 0),
    ] {
        overcomes(move |device, seen| {
            [CLOCK, ENGINE, USER, DIGEST]
                .map(|reason| device.report(reason, OPEN, seen.id, clock))
                .to_vec()
        })
        .await;
    }
}

#[tokio::test]
async fn answers_without_protection_are_not_taken() {
    overcomes(|device, seen| {
        [OPEN, SIGNED]
            .map(|level| device.poisoned(level, seen.id, now()))
            .into_iter()
            .filter(|_| seen.level.encrypted)
            .collect()
    })
    .await;
}

#[tokio::test]
async fn digests_of_a_wrong_length_are_not_taken() {
    overcomes(|device, seen| {
        [0, 1, 11, 12, 23]
            .map(|length| device.with_digest(seen.id, &vec![0; length]))
            .to_vec()
    })
    .await;
}

#[tokio::test]
async fn engine_ids_of_odd_lengths_are_not_taken() {
    overcomes(|device, seen| {
        [0, 4, 33, 30_000]
            .map(|length| {
                let mut other = device.clone();
                other.engine_id = vec![0x80; length];
                other.report(ENGINE, OPEN, seen.id, (1, 1))
            })
            .to_vec()
    })
    .await;
}

#[tokio::test]
async fn a_stolen_id_with_garbage_behind_is_not_taken() {
    overcomes(|_, seen| {
        let id = seen.id.to_be_bytes();
        let mut header = vec![0x02, 5, 0];
        header.extend(id);
        let mut message = tlv(0x02, &[3]);
        message.extend(tlv(0x30, &header));
        vec![tlv(0x30, &message)]
    })
    .await;
}

#[tokio::test]
async fn endless_reports_end() {
    let cases = [
        (CLOCK, SIGNED, "clock: "),
        (CLOCK, OPEN, "clock: "),
        (ENGINE, OPEN, "engine changed: "),
        (USER, OPEN, "unknown user monitor"),
        (DIGEST, OPEN, "wrong authentication password or protocol"),
        (6, SIGNED, "wrong privacy password or protocol"),
        (1, OPEN, "unsupported security level"),
        (99, SIGNED, "the device reports an SNMPv3 error"),
    ];
    for (reason, level, expected) in cases {
        let scene = Scene3::new().await;
        scene.is_good().await;
        let asked = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let counted = asked.clone();
        scene.misbehave(move |device, seen, honest| {
            let number = counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            match seen.level.signed {
                true => vec![device.report(reason, level, seen.id, (device.boots + number, 7))],
                false => honest.into_iter().collect(),
            }
        });
        let failure = scene.poll().await.unwrap_err();
        assert!(failure.message.starts_with(expected), "{}", failure.message);
        let asked = asked.load(std::sync::atomic::Ordering::Relaxed);
        assert!(asked <= 5, "{expected}: {asked} requests");
        scene.agent.misbehave(None);
        // Numbers of boots that the device itself signed were believed: it had counted up.
        scene.agent.change(|device| device.boots += 100);
        scene.is_good().await;
    }
}

fn user_in(context: &str) -> UsmUser {
    let mut user = user();
    user.context = context.into();
    user
}

#[tokio::test]
async fn contexts_are_asked_in_and_answered_from() {
    let scene = Scene3::of(user_in("vlan-10")).await;
    scene.agent.change(|device| device.contexts.push("vlan-10"));
    scene.is_good().await;
    // The same objects of another context must not pass for those asked for.
    scene.misbehave(|device, seen, honest| match seen.level.encrypted {
        true => vec![device.poisoned(PRIVATE, seen.id, now())],
        false => honest.into_iter().collect(),
    });
    let failure = scene.poll().await.unwrap_err();
    assert!(
        failure.message.ends_with(": of another context"),
        "{}",
        failure.message
    );
    scene.is_good().await;
}

#[tokio::test]
async fn silence_about_a_context_is_told_from_silence_about_a_key() {
    let scene = Scene3::of(user_in("vlan-20")).await;
    let failure = scene.poll().await.unwrap_err();
    assert!(
        failure.message.starts_with("unknown context `vlan-20`"),
        "{}",
        failure.message
    );
    let mut wrong = user();
    let auth = wrong.auth.as_mut().unwrap();
    auth.privacy.as_mut().unwrap().secret = Secret::new("something else");
    let scene = Scene3::of(wrong).await;
    let failure = scene.poll().await.unwrap_err();
    let expected = "wrong privacy password or protocol of user monitor";
    assert!(failure.message.starts_with(expected), "{}", failure.message);
}
