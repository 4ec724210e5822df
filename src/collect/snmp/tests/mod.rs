//! Devices that misbehave: whatever they send, no wrong value comes out, and the next poll of an
//! honest device is good.

mod datagrams;
mod devices;
mod fuzz;
mod limits;
mod secure;
mod tables;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use snmp2::MessageType;

use super::Engine;
use super::testing::agent::{Agent, Mib, Mischief, Reply, Request, Send};
use super::testing::tlv;
use crate::inventory::{Access, Secret, SnmpAccess, SnmpAuth, SnmpVersion, Target};
use crate::reading::{Cause, Failure, Method, Readings, Row, Value};
use crate::table::INTERFACE;

const IF: [u32; 9] = [1, 3, 6, 1, 2, 1, 2, 2, 1];
const IFX: [u32; 10] = [1, 3, 6, 1, 2, 1, 31, 1, 1, 1];
const PORTS: u32 = 5;

fn at(entry: &[u32], column: u32, index: u32) -> Vec<u32> {
    [entry, &[column, index]].concat()
}

fn number(value: u32) -> Vec<u8> {
    [&[0], &value.to_be_bytes()[..]].concat()
}

/// A small switch; port `n` counts n thousand and the column's number.
fn switch() -> Mib {
    let mut mib = Mib::new();
    let mut put =
        |name: &[u32], tag: u8, content: Vec<u8>| mib.insert(name.to_vec(), (tag, content));
    put(&[1, 3, 6, 1, 2, 1, 1, 1, 0], 0x04, b"a switch".to_vec());
    put(&[1, 3, 6, 1, 2, 1, 1, 3, 0], 0x43, number(1_000_000));
    put(&[1, 3, 6, 1, 2, 1, 1, 5, 0], 0x04, b"switch".to_vec());
    put(&[1, 3, 6, 1, 2, 1, 2, 1, 0], 0x02, number(PORTS));
    for port in 1..=PORTS {
        put(
            &at(&IF, 2, port),
            0x04,
            format!("Gigabit {port}").into_bytes(),
        );
        put(&at(&IF, 3, port), 0x02, number(6));
        put(&at(&IF, 5, port), 0x42, number(1_000_000_000));
        put(&at(&IF, 6, port), 0x04, vec![2, 0, 0, 0, 0, port as u8]);
        put(&at(&IF, 7, port), 0x02, number(1));
        put(&at(&IF, 8, port), 0x02, number(1));
        for column in [10, 11, 13, 14, 16, 17, 19, 20] {
            put(&at(&IF, column, port), 0x41, number(counted(port, column)));
        }
        put(&at(&IFX, 1, port), 0x04, format!("Gi{port}").into_bytes());
        for column in [6, 7, 8, 9, 10, 11, 12, 13] {
            put(
                &at(&IFX, column, port),
                0x46,
                number(counted(port, column + 100)),
            );
        }
        put(&at(&IFX, 15, port), 0x42, number(1_000));
        put(
            &at(&IFX, 18, port),
            0x04,
            format!("alias {port}").into_bytes(),
        );
    }
    // Something behind it all, so that a walk has somewhere to stray to.
    put(&[1, 3, 6, 1, 4, 1, 9999, 1, 0], 0x02, number(1));
    mib
}

fn counted(port: u32, column: u32) -> u32 {
    port * 1_000 + column
}

fn target(address: std::net::SocketAddr, version: SnmpVersion) -> Target {
    let host: IpAddr = address.ip();
    Target {
        host: "switch".into(),
        way: Method::Snmp.into(),
        address: host.to_string(),
        interval: Duration::from_secs(60),
        timeout: Duration::from_secs(20),
        access: Access::Snmp(SnmpAccess {
            interfaces: Default::default(),
            profiles: Default::default(),
            port: address.port(),
            auth: match version {
                SnmpVersion::V1 => SnmpAuth::V1 {
                    community: Secret::new("public"),
                },
                _ => SnmpAuth::V2c {
                    community: Secret::new("public"),
                },
            },
        }),
    }
}

struct Scene {
    agent: Agent,
    engine: Engine,
    target: Target,
}

impl Scene {
    async fn new(version: SnmpVersion) -> Scene {
        Scene::of(switch(), version).await
    }

    async fn of(mib: Mib, version: SnmpVersion) -> Scene {
        let agent = Agent::start(mib).await;
        let target = target(agent.address, version);
        let engine = Engine::start().unwrap();
        Scene {
            agent,
            engine,
            target,
        }
    }

    async fn poll(&self) -> Result<Readings, Failure> {
        self.poll_within(self.target.timeout).await
    }

    async fn poll_within(&self, timeout: Duration) -> Result<Readings, Failure> {
        let outcome = self.ask(timeout).await;
        if let Ok(readings) = &outcome {
            no_wrong_value(readings);
        }
        outcome
    }

    /// Without a look at the values.
    async fn poll_unchecked(&self) -> Result<Readings, Failure> {
        self.ask(self.target.timeout).await
    }

    async fn ask(&self, timeout: Duration) -> Result<Readings, Failure> {
        let Access::Snmp(access) = &self.target.access else {
            unreachable!()
        };
        let deadline = std::time::Instant::now() + timeout;
        self.engine.collect(&self.target, access, deadline).await.1
    }

    fn misbehave(
        &self,
        mischief: impl FnMut(&Request, Reply) -> Vec<Send> + std::marker::Send + 'static,
    ) {
        let mischief: Mischief = Box::new(mischief);
        self.agent.misbehave(Some(mischief));
    }

    /// The device is honest again: everything is there and right.
    async fn is_good_again(&self) {
        self.agent.misbehave(None);
        let readings = self.poll().await.unwrap();
        assert_eq!(ports(&readings).len(), PORTS as usize);
        assert_eq!(readings.uptime.unwrap().ms, 10_000_000);
        for row in ports(&readings) {
            assert!(row.values.iter().filter(|v| !v.is_null()).count() >= 10);
        }
    }
}

fn ports(readings: &Readings) -> &[Row] {
    let found = readings.tables.iter().find(|t| *t.table == INTERFACE);
    found.map_or(&[], |t| &t.rows)
}

/// Every value is the honest one or absent.
fn no_wrong_value(readings: &Readings) {
    let cells = [
        ("in_octets", 106, 10),
        ("in_unicast", 107, 11),
        ("in_multicast", 108, 0),
        ("in_broadcast", 109, 0),
        ("out_octets", 110, 16),
        ("out_unicast", 111, 17),
        ("in_discards", 13, 13),
        ("in_errors", 14, 14),
        ("out_discards", 19, 19),
        ("out_errors", 20, 20),
    ];
    for row in ports(readings) {
        let name = &row.entity.as_ref().unwrap().name;
        let port: u32 = name
            .trim_start_matches("Gi")
            .trim_start_matches("gabit ")
            .parse()
            .unwrap();
        for (column, wide, narrow) in cells {
            let right = |v: u64| {
                [wide, narrow]
                    .iter()
                    .any(|c| v == u64::from(counted(port, *c)))
            };
            match &row.values[INTERFACE.position(column).unwrap()] {
                Value::Null => {}
                Value::Counter32(v) => assert!(right(u64::from(*v)), "{name} {column} {v}"),
                Value::Counter64(v) => assert!(right(*v), "{name} {column} {v}"),
                other => panic!("{column} is {other:?}"),
            }
        }
        for column in ["state", "admin_state"] {
            let value = &row.values[INTERFACE.position(column).unwrap()];
            assert!(value.is_null() || *value == Value::text("up"));
        }
    }
    if let Some(uptime) = readings.uptime {
        assert_eq!(uptime.ms, 10_000_000);
    }
}

/// A good poll in spite of the mischief, and a good one after it.
async fn overcomes(
    mischief: impl FnMut(&Request, Reply) -> Vec<Send> + std::marker::Send + 'static,
) -> u64 {
    let scene = Scene::new(SnmpVersion::V2c).await;
    scene.misbehave(mischief);
    for _ in 0..3 {
        let readings = scene.poll().await.unwrap();
        assert_eq!(ports(&readings).len(), PORTS as usize);
    }
    let stale = scene.engine.stale_replies();
    scene.is_good_again().await;
    stale
}
