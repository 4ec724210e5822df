//! Devices that bear little, refuse, or speak version 1.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn a_device_that_bears_little_gets_little() {
    for (status, index) in [(1, 0), (5, 0)] {
        let scene = Scene::new(SnmpVersion::V2c).await;
        scene.misbehave(move |request, mut reply| {
            if reply.answers.len() > 7 {
                reply.answers.clear();
                reply.error = (status, index);
            }
            let _ = request;
            vec![Send::Own(reply.octets())]
        });
        let readings = scene.poll().await.unwrap();
        assert_eq!(ports(&readings).len(), PORTS as usize);
        // It is remembered: nothing too big is asked the next time.
        scene.agent.requests();
        scene.poll().await.unwrap();
        let requests = scene.agent.requests();
        let gets = requests
            .iter()
            .filter(|r| r.kind == MessageType::GetRequest);
        assert!(gets.clone().count() > 0);
        assert!(gets.into_iter().all(|r| r.names.len() <= 7));
        scene.is_good_again().await;
    }
}

#[tokio::test]
async fn a_device_that_swallows_long_datagrams_gets_short_ones() {
    let scene = Scene::new(SnmpVersion::V2c).await;
    scene.poll().await.unwrap();
    scene.misbehave(|_, reply| {
        if reply.answers.len() > 30 {
            Vec::new()
        } else {
            vec![Send::Own(reply.octets())]
        }
    });
    // The first poll cannot know; the second says hello first and finds out.
    assert_eq!(scene.poll().await.unwrap_err().cause, Cause::Timeout);
    let readings = scene.poll().await.unwrap();
    assert_eq!(ports(&readings).len(), PORTS as usize);
    scene.is_good_again().await;
}

#[tokio::test]
async fn one_refused_object_costs_only_itself() {
    let scene = Scene::new(SnmpVersion::V2c).await;
    scene.misbehave(|request, mut reply| {
        let bad = request.names.iter().position(|n| *n == at(&IFX, 9, 3));
        if let (MessageType::GetRequest, Some(bad)) = (request.kind, bad) {
            reply.error = (5, bad as u32 + 1);
        }
        vec![Send::Own(reply.octets())]
    });
    let readings = scene.poll().await.unwrap();
    let rows = ports(&readings);
    assert_eq!(rows.len(), PORTS as usize);
    let broadcast = INTERFACE.position("in_broadcast").unwrap();
    assert!(rows[2].values[broadcast].is_null() && !rows[1].values[broadcast].is_null());
    assert_eq!(
        readings.problems,
        ["1.3.6.1.2.1.31.1.1.1.9.3 refused with error 5"]
    );
    scene.is_good_again().await;
}

#[tokio::test]
async fn version_1_works_without_64_bits() {
    let scene = Scene::new(SnmpVersion::V1).await;
    for _ in 0..2 {
        let readings = scene.poll().await.unwrap();
        let rows = ports(&readings);
        assert_eq!(rows.len(), PORTS as usize);
        for row in rows {
            let octets = &row.values[INTERFACE.position("in_octets").unwrap()];
            assert!(matches!(octets, Value::Counter32(_)));
        }
        assert_eq!(readings.problems, Vec::<String>::new());
    }
    // A port goes: noSuchName for it, and the others stay.
    scene
        .agent
        .change(|mib| mib.retain(|name, _| name.last() != Some(&4)));
    let readings = scene.poll().await.unwrap();
    assert_eq!(ports(&readings).len(), PORTS as usize - 1);
}

/// One request at a time is gentle, and too slow for a big device far away.
#[tokio::test]
async fn a_device_far_away_is_asked_several_things_at_once() {
    let scene = Scene::new(SnmpVersion::V2c).await;
    scene.agent.change(|mib| {
        for port in PORTS + 1..150 {
            for (mut name, value) in switch() {
                let is_row = name.starts_with(&IF) || name.starts_with(&IFX);
                if is_row && name.last() == Some(&1) {
                    *name.last_mut().unwrap() = port;
                    mib.insert(name, value);
                }
            }
            mib.insert(at(&IFX, 1, port), (0x04, format!("Te{port}").into_bytes()));
        }
    });
    scene.misbehave(|_, reply| vec![Send::Late(Duration::from_millis(25), reply.octets())]);
    scene.poll_unchecked().await.unwrap();
    assert_eq!(scene.agent.most_under_way(), 1);
    for _ in 0..2 {
        let readings = scene.poll_unchecked().await.unwrap();
        assert_eq!(ports(&readings).len(), 149);
    }
    let most = scene.agent.most_under_way();
    assert!((2..=4).contains(&most), "{most}");
}
