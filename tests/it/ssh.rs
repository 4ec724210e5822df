//! Polling a real sshd: logging in, staying warm, refusing wrong keys, keeping the deadline.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eider::collect::Attempt;
use eider::collect::ssh::{HostKey, HostKeys, Pool, Trusted};
use eider::inventory::{Access, HostKeyPolicy, SshAccess, SshAuth, Target};
use eider::reading::{Cause, Failure, Method, Readings, Row};

use crate::support::Sshd;

/// A target at this port of the loopback, let in by this key.
pub(crate) fn target(port: u16, user: &str, key_file: &Path) -> Target {
    Target {
        host: Arc::from("web01"),
        way: Method::Ssh.into(),
        address: "127.0.0.1".into(),
        interval: Duration::from_secs(60),
        timeout: Duration::from_secs(30),
        access: Access::Ssh(SshAccess {
            port,
            user: user.into(),
            auth: SshAuth::Key {
                key_file: key_file.display().to_string(),
                passphrase: None,
            },
            host_keys: HostKeyPolicy::Strict,
            via: None,
        }),
    }
}

pub(crate) fn of(sshd: &Sshd) -> Target {
    target(sshd.port(), &sshd.user(), &sshd.user_key())
}

pub(crate) fn access(target: &mut Target) -> &mut SshAccess {
    match &mut target.access {
        Access::Ssh(access) => access,
        _ => unreachable!("made as SSH"),
    }
}

pub(crate) fn trust(state: &Path, sshd: &Sshd) {
    use base64::Engine as _;
    let line = sshd.host_key_line();
    let base64 = line.split(' ').nth(1).expect("type and key");
    let blob = base64::engine::general_purpose::STANDARD.decode(base64);
    let key = HostKey::of_blob(&blob.expect("base64")).expect("a key");
    assert_eq!(key.fingerprint(), sshd.fingerprint());
    let trusted = Trusted::now("web01", sshd.port(), &key, "trust");
    HostKeys::at(state).trust(&trusted).expect("writable");
}

pub(crate) async fn poll(pool: &Pool, target: &Target) -> Attempt {
    let Access::Ssh(access) = &target.access else {
        unreachable!("made as SSH");
    };
    pool.collect(target, access, Instant::now() + target.timeout)
        .await
}

pub(crate) async fn good(pool: &Pool, target: &Target) -> Readings {
    match poll(pool, target).await.1 {
        Ok(readings) => readings,
        Err(failure) => panic!("{}: {}", failure.cause.as_str(), failure.message),
    }
}

pub(crate) async fn bad(pool: &Pool, target: &Target) -> Failure {
    match poll(pool, target).await.1 {
        Ok(_) => panic!("it went well"),
        Err(failure) => failure,
    }
}

pub(crate) fn rows<'a>(readings: &'a Readings, table: &str) -> &'a [Row] {
    let found = readings.tables.iter().find(|t| t.table.name == table);
    found.map_or(&[], |t| &t.rows)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_polls_use_one_session_and_fill_every_table() {
    let state = tempfile::tempdir().unwrap();
    let sshd = Sshd::start();
    trust(state.path(), &sshd);
    let pool = Pool::start(state.path());
    let target = of(&sshd);
    let first = good(&pool, &target).await;
    for table in eider::table::of_machine() {
        assert!(!rows(&first, table.name).is_empty(), "{}", table.name);
    }
    assert_eq!(first.problems, Vec::<String>::new());
    let (effort, second) = poll(&pool, &target).await;
    let second = second.expect("the second poll");
    assert_eq!((effort.requests, effort.retries), (1, 0));
    assert!((2_000..100_000).contains(&effort.bytes), "{effort:?}");
    // What is not due again within the minute was not asked for; the counters were.
    for (table, again) in [
        ("cpu", true),
        ("interface", true),
        ("filesystem", false),
        ("process", false),
    ] {
        assert_eq!(!rows(&second, table).is_empty(), again, "{table}");
    }
    assert_eq!(second.problems, Vec::<String>::new());
    assert_eq!(
        sshd.log().count("Accepted publickey"),
        1,
        "one login for both"
    );
    assert_eq!(sshd.log().count("Connection from"), 1);
    let (a, b) = (first.uptime.unwrap(), second.uptime.unwrap());
    assert!(a.ms < b.ms && a.boot == b.boot);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_or_changed_key_sees_no_authentication() {
    let state = tempfile::tempdir().unwrap();
    let mut sshd = Sshd::start();
    let pool = Pool::start(state.path());
    let target = of(&sshd);

    let failure = bad(&pool, &target).await;
    assert_eq!(failure.cause, Cause::HostKeyUnknown);
    let expected = format!(
        "host key not trusted: {} (ed25519); run `eider ssh trust web01`",
        sshd.fingerprint()
    );
    assert_eq!(failure.message, expected);
    assert_no_authentication(&sshd);

    trust(state.path(), &sshd);
    good(&pool, &target).await;
    let known = sshd.fingerprint();
    for kind in ["ed25519", "rsa", "ecdsa"] {
        sshd.change_host_key(kind);
        let failure = bad(&pool, &target).await;
        assert_eq!(failure.cause, Cause::HostKeyChanged, "{}", failure.message);
        assert!(failure.message.contains(&known), "{}", failure.message);
        assert!(
            failure.message.contains(&sshd.fingerprint()),
            "{}",
            failure.message
        );
        assert_no_authentication(&sshd);
    }
}

/// sshd logs each userauth request at DEBUG1, the probing "none" included.
fn assert_no_authentication(sshd: &Sshd) {
    sshd_has_seen_a_connection_end(sshd);
    let log = sshd.log().text();
    assert!(!log.contains("userauth-request"), "{log}");
    assert!(
        !log.contains("Failed") && !log.contains("Accepted"),
        "{log}"
    );
}

fn sshd_has_seen_a_connection_end(sshd: &Sshd) {
    crate::support::wait_until("sshd sees the end", crate::support::PATIENCE, || {
        let log = sshd.log();
        log.count("Connection from") > 0
            && log.count("Connection closed") + log.count("Connection reset") > 0
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn trust_on_first_use_is_an_event_and_refuses_a_change() {
    let state = tempfile::tempdir().unwrap();
    let mut sshd = Sshd::start();
    let pool = Pool::start(state.path());
    let mut target = of(&sshd);
    access(&mut target).host_keys = HostKeyPolicy::Tofu;
    let first = good(&pool, &target).await;
    assert_eq!(first.events.len(), 1);
    assert_eq!(first.events[0].kind, "host_key_trusted");
    assert!(first.events[0].message.contains(&sshd.fingerprint()));
    assert!(good(&pool, &target).await.events.is_empty());
    sshd.change_host_key("ed25519");
    assert_eq!(bad(&pool, &target).await.cause, Cause::HostKeyChanged);
    assert_no_authentication(&sshd);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_backs_off() {
    let state = tempfile::tempdir().unwrap();
    let sshd = Sshd::start();
    trust(state.path(), &sshd);
    let wrong = state.path().join("wrong");
    crate::support::sshd::make_key(&wrong, "ed25519");
    let pool = Pool::start(state.path());
    let refused = target(sshd.port(), &sshd.user(), &wrong);
    let user = sshd.user();
    let expected =
        format!("authentication refused for user {user} (tried: publickey); next try in 30 s");
    let failure = bad(&pool, &refused).await;
    assert_eq!(
        (failure.cause, failure.message),
        (Cause::Auth, expected.clone())
    );
    let failure = bad(&pool, &refused).await;
    assert_eq!(failure.message, expected, "not tried again, and said so");
    assert_eq!(sshd.log().count("Connection from"), 1);
    // Another credential is another matter.
    good(&pool, &of(&sshd)).await;
    assert_eq!(sshd.log().count("Accepted publickey"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_is_reached_again_at_once() {
    let state = tempfile::tempdir().unwrap();
    let mut sshd = Sshd::start();
    trust(state.path(), &sshd);
    let pool = Pool::start(state.path());
    let target = of(&sshd);
    good(&pool, &target).await;
    sshd.stop();
    let failure = bad(&pool, &target).await;
    assert_eq!(failure.cause, Cause::Refused, "{}", failure.message);
    sshd.restart();
    good(&pool, &target).await;
    sshd.restart();
    let (effort, readings) = poll(&pool, &target).await;
    readings.expect("a warm session that died is renewed in the same poll");
    assert_eq!(effort.retries, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_the_limit_is_a_failure() {
    let state = tempfile::tempdir().unwrap();
    for (command, words) in [
        (
            "head -c 10000000 /dev/zero",
            "output too large (more than 4 MiB)",
        ),
        (
            "head -c 3000000 /dev/zero >&2",
            "error output too large (more than 64 KiB)",
        ),
        ("cat /dev/zero", "output too large (more than 4 MiB)"),
        (
            "echo maintenance today",
            "what the host printed is not our probe's answer: maintenance today",
        ),
        ("true", "the command printed nothing"),
        ("kill -9 $$", "the command printed nothing"),
    ] {
        let sshd = Sshd::start_with(&format!("ForceCommand {command}"));
        trust(state.path(), &sshd);
        let pool = Pool::start(state.path());
        let failure = bad(&pool, &of(&sshd)).await;
        // A server that logs at DEBUG1 says a word of its own on the error output.
        let said = failure.message.split(": debug1").next();
        assert_eq!(said, Some(words), "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_gone_loses_its_session() {
    let state = tempfile::tempdir().unwrap();
    let sshd = Sshd::start();
    trust(state.path(), &sshd);
    let pool = Pool::start(state.path());
    let target = Arc::new(of(&sshd));
    good(&pool, &target).await;
    pool.keep_only(std::slice::from_ref(&target));
    good(&pool, &target).await;
    assert_eq!(sshd.log().count("Connection from"), 1, "kept");
    pool.keep_only(&[]);
    crate::support::wait_until("sshd sees the end", crate::support::PATIENCE, || {
        sshd.log().count("Connection closed by") > 0
    });
}
