//! Tables that change, mislead or never end.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn a_renumbered_port_never_counts_for_another() {
    let scene = Scene::new(SnmpVersion::V2c).await;
    scene.poll().await.unwrap();
    // Ports 2 and 3 change places, and nothing else tells of it.
    scene.agent.change(|mib| {
        let swapped = mib.clone();
        for (name, value) in swapped {
            let last = name.len() - 1;
            let mut twin = name.clone();
            twin[last] = match name[last] {
                2 => 3,
                3 => 2,
                _ => continue,
            };
            if name.starts_with(&IF) || name.starts_with(&IFX) {
                mib.insert(twin, value);
            }
        }
    });
    let readings = scene.poll().await.unwrap();
    assert_eq!(ports(&readings).len(), PORTS as usize);
}

#[tokio::test]
async fn two_names_alike_stay_two() {
    let scene = Scene::new(SnmpVersion::V2c).await;
    scene.agent.change(|mib| {
        for port in [1, 2] {
            mib.insert(at(&IFX, 1, port), (0x04, b"Gi9".to_vec()));
        }
    });
    let readings = scene.poll_unchecked().await.unwrap();
    let names: Vec<String> = ports(&readings)
        .iter()
        .map(|r| r.entity.as_ref().unwrap().name.clone())
        .collect();
    assert_eq!(names, ["Gi9 (#1)", "Gi9 (#2)", "Gi3", "Gi4", "Gi5"]);
}

#[tokio::test]
async fn a_new_port_is_there_at_the_next_poll() {
    let scene = Scene::new(SnmpVersion::V2c).await;
    scene.poll().await.unwrap();
    scene.agent.change(|mib| {
        let like: Vec<_> = mib.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
        for (mut name, value) in like {
            let is_row = name.starts_with(&IF) || name.starts_with(&IFX);
            if is_row && name.last() == Some(&PORTS) {
                *name.last_mut().unwrap() = PORTS + 1;
                mib.insert(name, value);
            }
        }
        mib.insert(at(&IFX, 1, PORTS + 1), (0x04, b"Gi6".to_vec()));
        mib.insert(vec![1, 3, 6, 1, 2, 1, 2, 1, 0], (0x02, number(PORTS + 1)));
    });
    let readings = scene.poll_unchecked().await.unwrap();
    assert_eq!(ports(&readings).len(), PORTS as usize + 1);
}

/// What an agent makes of the honest reply to a walk.
type Endless = fn(&Request, Reply) -> Reply;

fn same_name(_: &Request, mut reply: Reply) -> Reply {
    let first = reply.answers[0].clone();
    reply.answers.fill(first);
    reply
}

fn round_and_round(request: &Request, mut reply: Reply) -> Reply {
    for (i, answer) in reply.answers.iter_mut().enumerate() {
        answer.0.clone_from(&request.names[i % request.names.len()]);
        answer.0.truncate(11);
        answer.0.push((i % 3) as u32 + 1);
    }
    reply
}

fn nothing_at_all(_: &Request, mut reply: Reply) -> Reply {
    reply.answers.clear();
    reply
}

fn nothing_but_errors(_: &Request, mut reply: Reply) -> Reply {
    reply.error = (5, 0);
    reply
}

/// A row behind every row, for ever.
fn more_and_more(request: &Request, mut reply: Reply) -> Reply {
    let width = request.names.len();
    for i in 0..reply.answers.len() {
        let mut name = match i.checked_sub(width) {
            None => request.names[i].clone(),
            Some(before) => reply.answers[before].0.clone(),
        };
        let column = if name.starts_with(&IFX) { 11 } else { 10 };
        match name.get_mut(column) {
            Some(index) => *index += 1,
            None => name.push(1),
        }
        reply.answers[i] = (name, 0x02, vec![1]);
    }
    reply
}

/// Walks that never end by themselves end by our rules, and keep what was known.
async fn ends(endless: Endless, incomplete: &str) {
    let scene = Scene::new(SnmpVersion::V2c).await;
    scene.is_good_again().await;
    // It looks as if there were more, so that the tables are walked again.
    let count = vec![1, 3, 6, 1, 2, 1, 2, 1, 0];
    let more = (0x02, number(PORTS + 1));
    scene.agent.change(|mib| {
        mib.insert(count, more);
    });
    scene.misbehave(move |request, reply| {
        let walk = request.kind != MessageType::GetRequest;
        let reply = if walk { endless(request, reply) } else { reply };
        vec![Send::Own(reply.octets())]
    });
    let begun = std::time::Instant::now();
    let readings = scene.poll_within(Duration::from_secs(60)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert_eq!(ports(&readings).len(), PORTS as usize);
    let told = |p: &&String| p.contains(incomplete);
    let problems = &readings.problems;
    assert!(problems.iter().find(told).is_some(), "{problems:?}");
    assert!(scene.agent.requests().len() < 60_000);
    scene.is_good_again().await;
}

#[tokio::test]
async fn a_walk_ends_at_a_name_that_comes_again() {
    ends(same_name, "ifTable incomplete: the names do not increase").await;
}

#[tokio::test]
async fn a_walk_ends_when_it_goes_round() {
    ends(
        round_and_round,
        "ifTable incomplete: the names do not increase",
    )
    .await;
}

#[tokio::test]
async fn a_walk_ends_at_an_empty_reply() {
    ends(nothing_at_all, "ifTable incomplete: an empty reply").await;
}

#[tokio::test]
async fn a_walk_ends_when_all_is_refused() {
    ends(nothing_but_errors, "ifTable incomplete: the device refuses").await;
}

#[tokio::test]
async fn a_walk_ends_at_fifty_thousand_values() {
    ends(more_and_more, "ifTable incomplete: more than 50,000 values").await;
}

#[tokio::test]
async fn a_walk_ends_with_the_time() {
    let scene = Scene::new(SnmpVersion::V2c).await;
    scene.misbehave(|request, reply| {
        let walk = request.kind != MessageType::GetRequest;
        let reply = if walk {
            more_and_more(request, reply)
        } else {
            reply
        };
        vec![Send::Own(reply.octets())]
    });
    let begun = std::time::Instant::now();
    let failure = scene
        .poll_within(Duration::from_millis(300))
        .await
        .unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(failure.cause, Cause::Timeout);
    scene.is_good_again().await;
}
