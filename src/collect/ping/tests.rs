//! This machine pings itself.

use super::*;

const V4: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn at(row: &Row, column: &str) -> Value {
    row.values[PING.position(column).unwrap()].clone()
}

fn float(row: &Row, column: &str) -> f64 {
    match at(row, column) {
        Value::Float(value) => value,
        other => panic!("{column}: {other:?}"),
    }
}

async fn pings(address: IpAddr) {
    let engine = Engine::default();
    let (effort, outcome) = engine.collect(&[address], soon()).await;
    let readings = outcome.unwrap_or_else(|failure| panic!("{address}: {}", failure.message));
    assert_eq!((effort.requests, effort.retries), (4, 0));
    let row = &readings.tables[0].rows[0];
    assert_eq!(at(row, "sent"), Value::Int(4));
    assert_eq!(at(row, "received"), Value::Int(4));
    assert_eq!(float(row, "loss_pct"), 0.0);
    let (least, mean) = (float(row, "rtt_min_ms"), float(row, "rtt_avg_ms"));
    let most = float(row, "rtt_max_ms");
    assert!(0.0 < least && least <= mean && mean <= most, "{row:?}");
    assert!(most < 3_000.0 && float(row, "jitter_ms") <= most, "{row:?}");
}

#[tokio::test]
async fn loopback_answers() {
    pings(V4).await;
    // A machine without IPv6 must say so; any other must answer.
    if std::net::UdpSocket::bind("[::1]:0").is_ok() {
        pings(V6).await;
    } else {
        let failure = Engine::default().collect(&[V6], soon()).await.1;
        assert_eq!(failure.unwrap_err().cause, Cause::Unreachable);
    }
}

#[tokio::test]
async fn many_hosts_at_once_share_one_socket_and_mix_nothing_up() {
    let engine = Engine::default();
    let addresses: Vec<IpAddr> = (1..=200).map(|n| IpAddr::from([127, 0, 9, n])).collect();
    let polls = addresses.iter().map(std::slice::from_ref);
    let polls = polls.map(|one| engine.collect(one, soon()));
    for (_, outcome) in futures_util::future::join_all(polls).await {
        let readings = outcome.expect("every loopback address answers");
        assert_eq!(at(&readings.tables[0].rows[0], "received"), Value::Int(4));
    }
    let wire = engine.wire(V4).unwrap();
    assert_eq!(wire.waiting(), 0, "every place is given back");
}

#[tokio::test]
async fn lost_answers_are_a_failure_in_time() {
    let engine = Engine::default();
    engine.wire(V4).unwrap().deafen();
    let begun = Instant::now();
    let outcome = engine.collect(&[V4], begun + Duration::from_secs(1)).await;
    let failure = outcome.1.unwrap_err();
    assert_eq!(failure.cause, Cause::Timeout);
    assert_eq!(failure.message, "no answer to 4 pings (1 s)");
    assert!(begun.elapsed() >= Duration::from_millis(990));
}

#[test]
fn loss_round_trips_and_jitter() {
    let ms = Duration::from_millis;
    let sent = Instant::now();
    let mut fates: Vec<Fate> = (0..4).map(|_| Fate::Open(sent)).collect();
    let heard = |sequence, after, what| Heard {
        sequence,
        at: sent + ms(after),
        what,
    };
    note(&mut fates, heard(0, 10, Ok(())));
    note(&mut fates, heard(2, 40, Ok(())));
    note(&mut fates, heard(2, 900, Ok(())));
    note(&mut fates, heard(3, 20, Ok(())));
    note(&mut fates, heard(9, 20, Ok(())));
    let readings = outcome(&fates, ms(3_000)).unwrap();
    let row = &readings.tables[0].rows[0];
    assert_eq!(at(row, "received"), Value::Int(3));
    assert_eq!(float(row, "loss_pct"), 25.0);
    assert_eq!(float(row, "rtt_min_ms"), 10.0);
    assert_eq!(float(row, "rtt_avg_ms"), 23.333);
    assert_eq!(float(row, "rtt_max_ms"), 40.0);
    assert_eq!(float(row, "jitter_ms"), 25.0);
    let one = self::row(4, &[ms(5)]);
    assert_eq!(at(&one, "jitter_ms"), Value::Null);
}

#[test]
fn without_an_answer_the_best_reason_is_told() {
    let window = Duration::from_secs(3);
    let told = |fates: &[Fate]| outcome(fates, window).unwrap_err();
    let open = || Fate::Open(Instant::now());
    assert_eq!(
        told(&[open(), open(), open(), open()]).message,
        "no answer to 4 pings (3 s)"
    );
    let complaint = Fate::Unreachable("host unreachable, says 192.0.2.1".into());
    let failure = told(&[open(), complaint]);
    assert_eq!(failure.cause, Cause::Unreachable);
    assert_eq!(failure.message, "host unreachable, says 192.0.2.1");
    let unsent = Fate::Unsent(io::ErrorKind::NetworkUnreachable.into());
    assert_eq!(told(&[unsent]).message, "no route to host");
}
