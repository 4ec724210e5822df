//! Servers that mean no good: they cost their own poll its time, and nobody else anything.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use eider::collect::ssh::Pool;
use eider::inventory::HostKeyPolicy;
use eider::reading::Cause;

use crate::ssh::{bad, good, of, poll, target, trust};
use crate::support::{Port, Sshd};

/// A server that treats each connection so, until the test ends.
fn serve(treat: fn(TcpStream)) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || treat(stream));
        }
    });
    port
}

fn silent(mut stream: TcpStream) {
    let mut sink = [0; 1024];
    while stream.read(&mut sink).is_ok_and(|n| n > 0) {}
}

fn endless_banner(mut stream: TcpStream) {
    while stream.write_all(b"no version yet\r\n").is_ok() {}
}

fn drip(mut stream: TcpStream) {
    for byte in b"SSH-2.0-drip".iter().cycle() {
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn noise(mut stream: TcpStream) {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut block = [0u8; 4096];
    let _ = stream.write_all(b"SSH-2.0-noise\r\n");
    loop {
        for byte in &mut block {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state as u8;
        }
        if stream.write_all(&block).is_err() {
            return;
        }
    }
}

/// A key exchange that never comes, after a proper version and a packet that is announced only.
fn half_packet(mut stream: TcpStream) {
    let _ = stream.write_all(b"SSH-2.0-half\r\n\x00\x00\x01\x00\x04\x14");
    silent(stream);
}

/// Packets that say nothing (SSH_MSG_IGNORE), for ever.
fn endless_ignore(mut stream: TcpStream) {
    let _ = stream.write_all(b"SSH-2.0-ignore\r\n");
    let packet = b"\x00\x00\x00\x0c\x06\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    while stream.write_all(packet).is_ok() {}
}

fn closes(stream: TcpStream) {
    drop(stream);
}

fn http(mut stream: TcpStream) {
    let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn tarpits_end_at_their_deadline_and_delay_nobody() {
    let state = tempfile::tempdir().unwrap();
    let sshd = Sshd::start();
    trust(state.path(), &sshd);
    let pool = Arc::new(Pool::start(state.path()));
    let timeout = Duration::from_secs(2);
    let mut polls = Vec::new();
    for treat in [
        silent as fn(TcpStream),
        endless_banner,
        drip,
        noise,
        half_packet,
        endless_ignore,
        closes,
        http,
    ] {
        let port = serve(treat);
        for copy in 0..3 {
            let mut trap = target(port, "nobody", &sshd.user_key());
            trap.host = Arc::from(format!("trap{port}-{copy}"));
            trap.timeout = timeout;
            let pool = pool.clone();
            polls.push(tokio::spawn(async move {
                let begun = Instant::now();
                let failure = bad(&pool, &trap).await;
                (failure, begun.elapsed())
            }));
        }
    }
    // While all of them pull, an honest host is served again and again.
    let honest = of(&sshd);
    let begun = Instant::now();
    let mut served = 0;
    while begun.elapsed() < timeout {
        good(&pool, &honest).await;
        served += 1;
    }
    assert!(served >= 3, "{served} honest polls");
    for poll in polls {
        let (failure, took) = poll.await.unwrap();
        assert!(
            matches!(failure.cause, Cause::Timeout | Cause::Protocol),
            "{failure:?}"
        );
        let limit = timeout + Duration::from_secs(1);
        assert!(took <= limit, "{took:?}: {}", failure.message);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_named_by_where_it_fell_silent() {
    let state = tempfile::tempdir().unwrap();
    let key = Sshd::start();
    let pool = Pool::start(state.path());
    let mut trap = target(serve(silent), "nobody", &key.user_key());
    trap.timeout = Duration::from_secs(1);
    let failure = bad(&pool, &trap).await;
    assert_eq!(failure.cause, Cause::Timeout);
    assert_eq!(failure.message, "no answer within 1 s (while: handshake)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_hangs_ends_at_the_deadline() {
    let state = tempfile::tempdir().unwrap();
    for command in ["sleep 60", "sh -c 'while :; do echo x; sleep 0.1; done'"] {
        let sshd = Sshd::start_with(&format!("ForceCommand {command}"));
        trust(state.path(), &sshd);
        let pool = Pool::start(state.path());
        let mut slow = of(&sshd);
        slow.timeout = Duration::from_secs(2);
        let begun = Instant::now();
        let failure = bad(&pool, &slow).await;
        assert_eq!(failure.message, "no answer within 2 s (while: probe)");
        assert!(begun.elapsed() <= Duration::from_secs(3));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_refused() {
    let state = tempfile::tempdir().unwrap();
    let sshd = Sshd::start();
    let pool = Pool::start(state.path());
    let port = Port::free();
    let nobody = target(port.number(), "monitor", &sshd.user_key());
    let failure = bad(&pool, &nobody).await;
    assert_eq!(failure.cause, Cause::Refused);
    let number = port.number();
    assert!(
        failure
            .message
            .starts_with(&format!("connection refused on tcp/{number}")),
        "{}",
        failure.message
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_key_file_costs_no_connection() {
    static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
    fn count(stream: TcpStream) {
        CONNECTIONS.fetch_add(1, Ordering::SeqCst);
        silent(stream);
    }
    let state = tempfile::tempdir().unwrap();
    let pool = Pool::start(state.path());
    let missing = state.path().join("no-such-key");
    let failure = bad(&pool, &target(serve(count), "monitor", &missing)).await;
    assert_eq!(failure.cause, Cause::Auth);
    assert_eq!(
        failure.message,
        format!("key file {}: no such file", missing.display())
    );
    assert_eq!(CONNECTIONS.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_common_names_both_sides() {
    let state = tempfile::tempdir().unwrap();
    let sshd = Sshd::start_with("KexAlgorithms diffie-hellman-group14-sha1");
    let pool = Pool::start(state.path());
    let failure = bad(&pool, &of(&sshd)).await;
    assert_eq!(failure.cause, Cause::Protocol);
    let words = "the server offers none of our key exchanges: it has diffie-hellman-group14-sha1; we have curve25519-sha256";
    assert!(failure.message.starts_with(words), "{}", failure.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_poll_of_a_host_at_a_time() {
    let state = tempfile::tempdir().unwrap();
    let sshd = Sshd::start_with("ForceCommand sleep 60");
    trust(state.path(), &sshd);
    let pool = Arc::new(Pool::start(state.path()));
    let mut slow = of(&sshd);
    slow.timeout = Duration::from_secs(2);
    let first = {
        let (pool, slow) = (pool.clone(), slow.clone());
        tokio::spawn(async move { poll(&pool, &slow).await })
    };
    crate::support::wait_until("the first runs", Duration::from_secs(2), || {
        sshd.log().count("Accepted publickey") > 0
    });
    let failure = bad(&pool, &slow).await;
    assert_eq!(failure.cause, Cause::Limit, "{}", failure.message);
    let _ = first.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_hanging_hosts_leave_workers_for_the_others() {
    let state = tempfile::tempdir().unwrap();
    let sshd = Sshd::start();
    trust(state.path(), &sshd);
    let pool = Arc::new(Pool::start(state.path()));
    let port = serve(silent);
    let round = || {
        let traps = (0..120).map(|number| {
            let mut trap = target(port, "nobody", &sshd.user_key());
            trap.host = Arc::from(format!("hung{number}"));
            trap.timeout = Duration::from_secs(2);
            let pool = pool.clone();
            tokio::spawn(async move { bad(&pool, &trap).await })
        });
        traps.collect::<Vec<_>>()
    };
    for poll in round() {
        assert_eq!(poll.await.unwrap().cause, Cause::Timeout);
    }
    // From now on they are known to hang, twice as many as there are workers.
    let hanging = round();
    let mut honest = of(&sshd);
    for number in 0..5 {
        honest.host = Arc::from(format!("web{number}"));
        crate::ssh::access(&mut honest).host_keys = HostKeyPolicy::Tofu;
        let begun = Instant::now();
        good(&pool, &honest).await;
        let took = begun.elapsed();
        assert!(took < Duration::from_millis(1500), "{took:?}");
    }
    for poll in hanging {
        assert_eq!(poll.await.unwrap().cause, Cause::Timeout);
    }
}

/// Both streams come in the same packets' time, and the end with them: nothing may be left lying.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_on_both_streams_never_waits_for_the_deadline() {
    let state = tempfile::tempdir().unwrap();
    let sshd = Sshd::start_with("ForceCommand echo out; echo err >&2");
    trust(state.path(), &sshd);
    let pool = Pool::start(state.path());
    for _ in 0..150 {
        let failure = bad(&pool, &of(&sshd)).await;
        assert_eq!(failure.cause, Cause::Protocol, "{}", failure.message);
    }
}
