//! SNMP version 3 against a real snmpd: every pair of protocols that it offers, every way not to be
//! let in, and restarts.

use std::time::{Duration, Instant};

use eider::collect::snmp::Engine;
use eider::inventory::{
    Access, AuthProtocol, PrivProtocol, Secret, SnmpAccess, SnmpAuth, Target, UsmAuth, UsmPrivacy,
    UsmUser,
};
use eider::reading::{Cause, Effort, Failure, Method, Readings};

use crate::support::{PATIENCE, Snmpd};

const AUTH_SECRET: &str = "the horse eats no salad";
const PRIV_SECRET: &str = "correct battery staple";

/// The words of snmpd.conf.
const AUTH: [(AuthProtocol, &str); 6] = [
    (AuthProtocol::Md5, "MD5"),
    (AuthProtocol::Sha1, "SHA"),
    (AuthProtocol::Sha224, "SHA-224"),
    (AuthProtocol::Sha256, "SHA-256"),
    (AuthProtocol::Sha384, "SHA-384"),
    (AuthProtocol::Sha512, "SHA-512"),
];
const PRIV: [(PrivProtocol, &str); 6] = [
    (PrivProtocol::Des, "DES"),
    (PrivProtocol::Aes128, "AES"),
    (PrivProtocol::Aes192, "AES-192"),
    (PrivProtocol::Aes256, "AES-256"),
    (PrivProtocol::Aes192C, "AES-192-C"),
    (PrivProtocol::Aes256C, "AES-256-C"),
];

fn user(name: &str, auth: Option<AuthProtocol>, privacy: Option<PrivProtocol>) -> UsmUser {
    let privacy = privacy.map(|protocol| UsmPrivacy {
        protocol,
        secret: Secret::new(PRIV_SECRET),
    });
    UsmUser {
        name: name.into(),
        context: String::new(),
        auth: auth.map(|protocol| UsmAuth {
            protocol,
            secret: Secret::new(AUTH_SECRET),
            privacy,
        }),
    }
}

/// A user who is set up on [`agent`] with SHA-256 and AES.
fn usual() -> UsmUser {
    user(
        "usual",
        Some(AuthProtocol::Sha256),
        Some(PrivProtocol::Aes128),
    )
}

/// The lines that set up a user who may do everything with `level` and more.
fn account(name: &str, protocols: &str, level: &str) -> String {
    format!("createUser {name} {protocols}\nrouser {name} {level}\n")
}

fn usual_account() -> String {
    let protocols = format!("SHA-256 \"{AUTH_SECRET}\" AES \"{PRIV_SECRET}\"");
    account("usual", &protocols, "priv")
}

fn target(port: u16, user: UsmUser) -> Target {
    Target {
        host: "device".into(),
        way: Method::Snmp.into(),
        address: "127.0.0.1".into(),
        interval: Duration::from_secs(60),
        timeout: Duration::from_secs(30),
        access: Access::Snmp(SnmpAccess {
            interfaces: Default::default(),
            profiles: Default::default(),
            port,
            auth: SnmpAuth::V3(user),
        }),
    }
}

async fn attempt(engine: &Engine, target: &Target) -> (Effort, Result<Readings, Failure>) {
    let Access::Snmp(access) = &target.access else {
        unreachable!("an SNMP target");
    };
    let deadline = Instant::now() + target.timeout;
    engine.collect(target, access, deadline).await
}

async fn poll(engine: &Engine, target: &Target) -> Result<Readings, Failure> {
    attempt(engine, target).await.1
}

fn sys_name(readings: &Readings) -> &str {
    let facts = &readings.host_facts;
    let found = facts.iter().find(|(name, _)| *name == "sys_name");
    found.map_or("", |(_, value)| value)
}

async fn refused(engine: &Engine, snmpd: &Snmpd, user: UsmUser) -> Failure {
    let target = target(snmpd.port(), user);
    let failure = poll(engine, &target).await.expect_err("not let in");
    for secret in [AUTH_SECRET, PRIV_SECRET, "something else"] {
        assert!(!failure.message.contains(secret), "{}", failure.message);
    }
    failure
}

#[tokio::test]
async fn every_pair_of_protocols_polls() {
    let mut users = vec![user("nobody", None, None)];
    let mut accounts = "createUser nobody\nrouser nobody noauth\n".to_owned();
    for (auth, word) in AUTH {
        let name = format!("{}-none", auth.as_str());
        let protocols = format!("{word} \"{AUTH_SECRET}\"");
        accounts += &account(&name, &protocols, "auth");
        users.push(user(&name, Some(auth), None));
        for (privacy, other) in PRIV {
            let name = format!("{}-{}", auth.as_str(), privacy.as_str());
            let protocols = format!("{protocols} {other} \"{PRIV_SECRET}\"");
            accounts += &account(&name, &protocols, "priv");
            users.push(user(&name, Some(auth), Some(privacy)));
        }
    }
    assert_eq!(users.len(), 43);
    let snmpd = Snmpd::start_with("secured", &accounts);
    let engine = Engine::start().expect("sockets");
    let mut wrong = Vec::new();
    for user in users {
        let name = user.name.clone();
        let target = target(snmpd.port(), user);
        for round in 0..2 {
            match attempt(&engine, &target).await {
                (effort, Ok(readings)) => {
                    assert_eq!(sys_name(&readings), "secured", "{name}");
                    assert!(readings.tables.iter().any(|t| t.table.name == "interface"));
                    assert_eq!(readings.events, [], "{name}");
                    assert_eq!(effort.retries, 0, "{name}, round {round}");
                }
                (_, Err(failure)) => wrong.push(format!("{name}: {}", failure.message)),
            }
        }
    }
    assert_eq!(
        wrong,
        Vec::<String>::new(),
        "{:?}",
        snmpd.log().map(|l| l.text())
    );
    assert_eq!(engine.stale_replies(), 0);
}

#[tokio::test]
async fn every_way_not_to_be_let_in_has_its_own_cause() {
    let signed = format!("SHA-256 \"{AUTH_SECRET}\"");
    let accounts = usual_account()
        + &account("signed", &signed, "auth")
        + &format!("createUser blind {signed}\n");
    let snmpd = Snmpd::start_with("secured", &accounts);
    let engine = Engine::start().expect("sockets");
    let with = |change: fn(&mut UsmUser)| {
        let mut user = usual();
        change(&mut user);
        user
    };
    fn auth(user: &mut UsmUser) -> &mut UsmAuth {
        user.auth.as_mut().expect("a user with authentication")
    }
    fn privacy(user: &mut UsmUser) -> &mut UsmPrivacy {
        auth(user).privacy.as_mut().expect("a user with privacy")
    }
    let wrong_auth = "wrong authentication password or protocol of user usual";
    let wrong_priv = "wrong privacy password or protocol of user usual";
    let cases = [
        (
            with(|u| u.name = "stranger".into()),
            "unknown user stranger",
        ),
        (
            with(|u| auth(u).secret = Secret::new("something else")),
            wrong_auth,
        ),
        (with(|u| auth(u).protocol = AuthProtocol::Sha1), wrong_auth),
        (
            with(|u| auth(u).protocol = AuthProtocol::Sha512),
            wrong_auth,
        ),
        (
            with(|u| privacy(u).secret = Secret::new("something else")),
            wrong_priv,
        ),
        (
            with(|u| privacy(u).protocol = PrivProtocol::Des),
            wrong_priv,
        ),
        (
            with(|u| privacy(u).protocol = PrivProtocol::Aes256),
            wrong_priv,
        ),
        (
            user(
                "signed",
                Some(AuthProtocol::Sha256),
                Some(PrivProtocol::Aes128),
            ),
            "unsupported security level: user signed",
        ),
        (
            with(|u| auth(u).privacy = None),
            "user usual may not read anything",
        ),
        (with(|u| u.auth = None), "user usual may not read anything"),
        (
            user("blind", Some(AuthProtocol::Sha256), None),
            "user blind may not read anything",
        ),
        (
            with(|u| u.context = "nowhere".into()),
            "unknown context `nowhere`",
        ),
    ];
    let mut wrong = Vec::new();
    for (user, expected) in cases {
        let begun = Instant::now();
        let failure = refused(&engine, &snmpd, user).await;
        if failure.cause != Cause::Auth || !failure.message.starts_with(expected) {
            wrong.push(format!("{expected}: {failure:?}"));
        }
        assert!(begun.elapsed() < Duration::from_secs(15));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let right = target(snmpd.port(), usual());
    assert_eq!(
        sys_name(&poll(&engine, &right).await.expect("let in")),
        "secured"
    );
}

#[tokio::test]
async fn nobody_there_is_still_silence() {
    let mut snmpd = Snmpd::start_with("secured", &usual_account());
    let engine = Engine::start().expect("sockets");
    let target = target(snmpd.port(), usual());
    poll(&engine, &target).await.expect("an answer");
    snmpd.stop();
    let failure = poll(&engine, &target).await.expect_err("nobody there");
    assert_eq!(failure.cause, Cause::Timeout);
    assert!(
        failure.message.starts_with("no answer on udp/"),
        "{}",
        failure.message
    );
    let stranger = Engine::start().expect("sockets");
    let failure = poll(&stranger, &target).await.expect_err("nobody there");
    assert_eq!(failure.cause, Cause::Timeout);
    assert!(failure.message.contains("SNMPv3"), "{}", failure.message);
}

/// The agent's clock must have run for a while, or it cannot be seen to fall.
async fn polled_for_a_while(engine: &Engine, target: &Target) -> Readings {
    let begun = Instant::now();
    loop {
        let readings = poll(engine, target).await.expect("an answer");
        if readings.uptime.expect("sysUpTime").ms > 2_000 {
            return readings;
        }
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_restart_is_overcome_in_the_same_poll() {
    let mut snmpd = Snmpd::start_with("first", &usual_account());
    let engine = Engine::start().expect("sockets");
    let target = target(snmpd.port(), usual());
    for (boots, name) in [(1, "second"), (2, "third")] {
        polled_for_a_while(&engine, &target).await;
        snmpd.shut_down();
        assert_eq!(snmpd.engine_boots(), Some(boots));
        snmpd.rename(name);
        snmpd.restart();
        let readings = poll(&engine, &target).await.expect("resynchronised");
        assert_eq!(sys_name(&readings), name);
        assert_eq!(readings.events, [], "the same engine, one boot more");
    }
}

#[tokio::test]
async fn another_engine_is_accepted_and_told() {
    let mut snmpd = Snmpd::start_with("first", &usual_account());
    let engine = Engine::start().expect("sockets");
    let target = target(snmpd.port(), usual());
    polled_for_a_while(&engine, &target).await;
    snmpd.replace();
    snmpd.rename("second");
    snmpd.restart();
    let readings = poll(&engine, &target).await.expect("discovered anew");
    assert_eq!(sys_name(&readings), "second");
    let [event] = &readings.events[..] else {
        panic!("one event, not {:?}", readings.events);
    };
    assert_eq!(event.kind, "engine_changed");
    assert!(
        event.message.ends_with("device replaced?"),
        "{}",
        event.message
    );
    let again = poll(&engine, &target).await.expect("an answer");
    assert_eq!(again.events, []);
    // A third one within a minute is no replacement any more.
    snmpd.replace();
    snmpd.restart();
    let failure = poll(&engine, &target).await.expect_err("doubted");
    assert_eq!(failure.cause, Cause::Protocol);
    assert!(
        failure.message.starts_with("engine changed: "),
        "{}",
        failure.message
    );
}
