//! Devices that misbehave in every way that there is, asked by every version, all at once: nothing
//! panics, no value is wrong, no poll takes longer than it may, and honest polls after it are good.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use eider::collect::snmp::Engine;
use eider::inventory::{
    Access, AuthProtocol, PrivProtocol, Secret, SnmpAccess, SnmpAuth, Target, UsmAuth, UsmPrivacy,
    UsmUser,
};
use eider::reading::{Failure, Method, Readings, Value};
use eider::simulate::{Control, Faults, Fleet, MISCHIEF, Mischief, Options, Shape};
use eider::table;

use crate::simulate::COLUMNS;

const PORTS: u32 = 3;
/// A poll may not take longer, and on a busy machine not much longer to be noticed.
const TIMEOUT: Duration = Duration::from_secs(12);
const SLACK: Duration = Duration::from_secs(3);
/// What no poll may fail for, since the answer is right or comes too.
const HARMLESS: [Mischief; 4] = [
    Mischief::Flood,
    Mischief::ForgedReport,
    Mischief::MaxSizeHuge,
    Mischief::MaxSizeSmall,
];

fn user() -> UsmUser {
    UsmUser {
        name: "monitor".into(),
        context: String::new(),
        auth: Some(UsmAuth {
            protocol: AuthProtocol::Sha256,
            secret: Secret::new("the horse eats no salad"),
            privacy: Some(UsmPrivacy {
                protocol: PrivProtocol::Aes128,
                secret: Secret::new("correct battery staple"),
            }),
        }),
    }
}

/// One device by one version.
struct Case {
    device: u32,
    mischief: (Mischief, &'static str),
    target: Target,
}

struct Scene {
    control: Control,
    runner: Option<JoinHandle<()>>,
    shape: Shape,
    cases: Vec<Arc<Case>>,
    engine: Arc<Engine>,
}

impl Scene {
    fn start(seed: u64) -> Scene {
        let shape = Shape {
            seed,
            ports: PORTS,
            counters32: false,
            reboot_every_ms: 0,
            renumber_every_ms: 0,
        };
        let fleet = Fleet::open(Options {
            first: Ipv4Addr::new(127, 2, 0, 1),
            port: 0,
            devices: MISCHIEF.len() as u32,
            community: "public".into(),
            user: Some(user()),
            mischief: MISCHIEF.iter().map(|(mischief, ..)| *mischief).collect(),
            shape: shape.clone(),
            recordings: Vec::new(),
            faults: Faults::default(),
            longest_reply: 1_472,
        })
        .expect("addresses of loopback");
        let community = || Secret::new("public");
        let versions = [
            (
                "v1",
                SnmpAuth::V1 {
                    community: community(),
                },
            ),
            (
                "v2c",
                SnmpAuth::V2c {
                    community: community(),
                },
            ),
            ("v3", SnmpAuth::V3(user())),
        ];
        let mut cases = Vec::new();
        for (device, (mischief, word, _)) in (0..).zip(MISCHIEF) {
            for (version, auth) in &versions {
                let target = Target {
                    host: format!("{word} by {version}").into(),
                    way: Method::Snmp.into(),
                    address: fleet.address(device).to_string(),
                    interval: Duration::from_secs(60),
                    timeout: TIMEOUT,
                    access: Access::Snmp(SnmpAccess {
                        interfaces: Default::default(),
                        profiles: Default::default(),
                        port: fleet.port(),
                        auth: auth.clone(),
                    }),
                };
                cases.push(Arc::new(Case {
                    device,
                    mischief: (mischief, word),
                    target,
                }));
            }
        }
        let control = fleet.control();
        let runner = std::thread::spawn(move || fleet.run().expect("a sound socket"));
        Scene {
            control,
            runner: Some(runner),
            shape,
            cases,
            engine: Arc::new(Engine::start().expect("sockets")),
        }
    }

    /// Polls every device by every version once, all at the same time. Whatever comes is right.
    async fn poll(&self) -> Vec<(Arc<Case>, Result<usize, Failure>)> {
        let mut polls = Vec::new();
        for case in &self.cases {
            let (case, engine, control) = (case.clone(), self.engine.clone(), self.control.clone());
            let shape = self.shape.clone();
            // A task of its own: a panic in one is told under its name.
            let task = {
                let case = case.clone();
                tokio::spawn(async move { poll(&case, &engine, &control, &shape).await })
            };
            polls.push((case, task));
        }
        let mut done = Vec::new();
        for (case, task) in polls {
            let outcome = task
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", case.target.host));
            done.push((case, outcome));
        }
        done
    }

    /// Every device is honest: within one more poll everything is there and right.
    async fn is_good_again(&self, after: &str) {
        self.control.behave(true);
        let first = self.poll().await;
        let second = self.poll().await;
        let mut bad = Vec::new();
        for ((case, one), (_, two)) in first.iter().zip(&second) {
            let good = |outcome: &Result<usize, Failure>| {
                outcome.as_ref().is_ok_and(|ports| *ports == PORTS as usize)
            };
            if !good(two) {
                bad.push(format!("{}: {one:?}, then {two:?}", case.target.host));
            } else if one.is_err() {
                bad.push(format!("{}: at first {one:?}", case.target.host));
            }
        }
        assert!(bad.is_empty(), "honest polls {after}:\n{}", bad.join("\n"));
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.control.stop();
        if let Some(runner) = self.runner.take() {
            let _ = runner.join();
        }
    }
}

async fn poll(
    case: &Case,
    engine: &Engine,
    control: &Control,
    shape: &Shape,
) -> Result<usize, Failure> {
    let Access::Snmp(access) = &case.target.access else {
        unreachable!("an SNMP target");
    };
    let (begun, from_ms) = (Instant::now(), control.elapsed_ms());
    let deadline = begun + case.target.timeout;
    let (_, outcome) = engine.collect(&case.target, access, deadline).await;
    let took = begun.elapsed();
    assert!(took < TIMEOUT + SLACK, "it took {took:?}");
    let readings = outcome?;
    Ok(check(
        case,
        shape,
        (from_ms, control.elapsed_ms()),
        &readings,
    ))
}

/// Every counter is what it was meanwhile or nothing at all. Returns how many ports are whole.
fn check(case: &Case, shape: &Shape, (from_ms, to_ms): (u64, u64), readings: &Readings) -> usize {
    // Late answers are right answers of a moment ago.
    let from_ms = from_ms.saturating_sub(20_000);
    let host = &case.target.host;
    let mut whole = 0;
    for found in readings
        .tables
        .iter()
        .filter(|t| t.table.name == "interface")
    {
        for row in &found.rows {
            let name = &row.entity.as_ref().expect("a port").name;
            let port = (0..PORTS).find(|p| Shape::port_name(*p) == *name);
            let mut right = 0;
            for (column, counter) in COLUMNS {
                let place = table::INTERFACE.position(column).expect("a column");
                let at = |port, ms| shape.counter(case.device, port, counter, ms);
                let fits = |port: u32| {
                    let (least, most) = (at(port, from_ms), at(port, to_ms));
                    match row.values[place] {
                        Value::Counter64(v) => (least..=most).contains(&v),
                        Value::Counter32(v) => {
                            u64::from(v.wrapping_sub(least as u32)) <= most - least
                        }
                        _ => false,
                    }
                };
                let value = &row.values[place];
                // A port that lost its name may still count, but only what one of them counts.
                let mut ports = port.map_or(0..PORTS, |p| p..p + 1);
                let fits = ports.any(fits);
                assert!(
                    fits || value.is_null(),
                    "{host}: {name} {column} is {value:?}"
                );
                right += usize::from(fits);
            }
            whole += usize::from(right == COLUMNS.len());
        }
    }
    let name = readings
        .host_facts
        .iter()
        .find(|(fact, _)| *fact == "sys_name");
    if let Some((_, name)) = name {
        assert_eq!(*name, format!("sim-{:05}", case.device + 1), "{host}");
    }
    if let Some(uptime) = readings.uptime {
        assert!(uptime.ms > 86_000_000, "{host}: up for {} ms", uptime.ms);
    }
    whole
}

fn harmless_are_good(polled: &[(Arc<Case>, Result<usize, Failure>)]) {
    for (case, outcome) in polled {
        let (mischief, word) = case.mischief;
        if HARMLESS.contains(&mischief) {
            assert_eq!(
                outcome.as_ref().ok(),
                Some(&(PORTS as usize)),
                "{word}: {outcome:?}"
            );
        }
        if let Err(failure) = outcome {
            assert!(
                !failure.message.is_empty() && failure.message.len() < 400,
                "{word}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_that_turn_bad_and_good_again() {
    let scene = Scene::start(17);
    scene.is_good_again("at first").await;
    scene.control.behave(false);
    harmless_are_good(&scene.poll().await);
    scene.is_good_again("after mischief").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_that_are_bad_from_the_beginning() {
    let scene = Scene::start(18);
    harmless_are_good(&scene.poll().await);
    scene
        .is_good_again("after a first meeting with mischief")
        .await;
}
