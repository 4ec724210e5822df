//! Datagrams that are not the awaited answer.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn a_duplicate_is_heard_once() {
    let stale = overcomes(|_, reply| vec![Send::Own(reply.octets()), Send::Own(reply.octets())]);
    assert!(stale.await > 10);
}

#[tokio::test]
async fn late_replies_answer_nothing_else() {
    let mut late: Vec<Reply> = Vec::new();
    let stale = overcomes(move |_, reply| {
        let before = late.iter().map(|r| Send::Own(r.poisoned().octets()));
        let mut sends: Vec<Send> = before.collect();
        sends.push(Send::Own(reply.octets()));
        late.push(reply);
        let excess = late.len().saturating_sub(5);
        late.drain(..excess);
        sends
    });
    assert!(stale.await > 10);
}

#[tokio::test]
async fn foreign_datagrams_are_not_heard() {
    let spoils: [fn(&mut Reply); 8] = [
        |r| r.id ^= 1,
        |r| r.id ^= 1 << 20,
        |r| r.community = b"Public".to_vec(),
        |r| r.community = Vec::new(),
        |r| r.version = 0,
        |r| r.pdu = 0xa0,
        |r| r.pdu = 0xa8,
        |r| r.pdu = 0xa7,
    ];
    for spoil in spoils {
        let stale = overcomes(move |_, reply| {
            let mut foreign = reply.poisoned();
            spoil(&mut foreign);
            vec![Send::Own(foreign.octets()), Send::Own(reply.octets())]
        });
        assert!(stale.await > 10);
    }
    let stale = overcomes(|_, reply| {
        vec![
            Send::Other(reply.poisoned().octets()),
            Send::Own(b"\x30\x82\xff\xff garbage".to_vec()),
            Send::Own(Vec::new()),
            Send::Own(vec![0x30; 60_000]),
            Send::Own(reply.octets()),
        ]
    });
    assert!(stale.await > 10);
}

#[tokio::test]
async fn an_answer_to_an_earlier_attempt_counts() {
    let mut first: Option<Reply> = None;
    let mut done = false;
    let stale = overcomes(move |_, reply| {
        // Once only: the first attempt seems lost, its answer comes after the second was sent.
        if done {
            return vec![Send::Own(reply.octets())];
        }
        match first.take() {
            None => {
                first = Some(reply);
                Vec::new()
            }
            Some(early) => {
                done = true;
                vec![Send::Own(early.octets()), Send::Own(reply.octets())]
            }
        }
    });
    assert!(stale.await >= 1);
}

#[tokio::test]
async fn a_malformed_reply_is_asked_for_again() {
    let spoils: [fn(Reply) -> Vec<u8>; 5] = [
        |mut r| {
            r.answers.pop();
            r.octets()
        },
        |mut r| {
            r.answers.push(r.answers[0].clone());
            r.octets()
        },
        |mut r| {
            r.answers[0].0.push(1);
            r.octets()
        },
        |mut r| {
            r.answers.reverse();
            r.answers[0].0.push(9);
            r.octets()
        },
        |mut r| {
            r.error = (5, 60_000);
            r.octets()
        },
    ];
    for spoil in spoils {
        let mut count = 0;
        let scene = Scene::new(SnmpVersion::V2c).await;
        scene.misbehave(move |request, reply| {
            count += 1;
            if request.kind == MessageType::GetRequest && count % 3 == 1 {
                vec![Send::Own(spoil(reply))]
            } else {
                vec![Send::Own(reply.octets())]
            }
        });
        let readings = scene.poll().await.unwrap();
        assert_eq!(ports(&readings).len(), PORTS as usize);
        scene.is_good_again().await;
        scene.misbehave(move |_, reply| vec![Send::Own(spoil(reply))]);
        let failure = scene.poll().await.unwrap_err();
        assert_eq!(failure.cause, Cause::Protocol);
        assert!(
            failure.message.starts_with("malformed reply on udp/"),
            "{}",
            failure.message
        );
        scene.is_good_again().await;
    }
}

#[tokio::test]
async fn odd_values_are_null_and_spoil_no_other() {
    let scene = Scene::new(SnmpVersion::V2c).await;
    scene.poll().await.unwrap();
    let odd: [(u8, Vec<u8>); 6] = [
        (0x46, vec![1; 9]),
        (0x46, vec![]),
        (0x04, b"text".to_vec()),
        (0x30, tlv(0x30, &tlv(0x30, &[]))),
        (0x82, vec![]),
        (0x41, vec![0; 7]),
    ];
    for (tag, content) in odd {
        scene.misbehave(move |_, mut reply| {
            for answer in &mut reply.answers {
                if answer.0 == at(&IFX, 6, 2) {
                    answer.1 = tag;
                    answer.2.clone_from(&content);
                }
            }
            vec![Send::Own(reply.octets())]
        });
        let readings = scene.poll().await.unwrap();
        let rows = ports(&readings);
        assert_eq!(rows.len(), PORTS as usize);
        assert_eq!(
            rows[1].values[INTERFACE.position("in_octets").unwrap()],
            Value::Null
        );
        assert_eq!(
            rows[0].values.iter().filter(|v| v.is_null()).count() + 1,
            rows[1].values.iter().filter(|v| v.is_null()).count()
        );
    }
    scene.is_good_again().await;
}

#[tokio::test]
async fn an_answer_from_elsewhere_gives_a_hint() {
    let scene = Scene::new(SnmpVersion::V2c).await;
    scene.misbehave(|_, reply| vec![Send::Other(reply.octets())]);
    let failure = scene.poll().await.unwrap_err();
    assert_eq!(failure.cause, Cause::Timeout);
    assert!(
        failure.message.contains("it answers from 127.0.0.1:"),
        "{}",
        failure.message
    );
    scene.is_good_again().await;
}

#[tokio::test]
async fn many_polls_at_once_share_the_sockets() {
    let engine = Arc::new(Engine::start().unwrap());
    let mut agents = Vec::new();
    let mut polls = tokio::task::JoinSet::new();
    for n in 0..50 {
        let agent = Agent::start(switch()).await;
        let mut target = target(agent.address, SnmpVersion::V2c);
        target.host = format!("switch{n}").into();
        agents.push(agent);
        let engine = engine.clone();
        polls.spawn(async move {
            let Access::Snmp(access) = &target.access else {
                unreachable!()
            };
            let deadline = std::time::Instant::now() + Duration::from_secs(20);
            engine.collect(&target, access, deadline).await
        });
    }
    let mut retries = 0;
    for (effort, outcome) in polls.join_all().await {
        retries += u64::from(effort.retries);
        let readings = outcome.unwrap();
        no_wrong_value(&readings);
        assert_eq!(ports(&readings).len(), PORTS as usize);
    }
    // On a busy machine an answer may come after we asked again.
    assert!(engine.stale_replies() <= retries);
}
