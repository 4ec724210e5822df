//! Every shipped query on a history of some size: none may run into the limit that questions of
//! people have. `EIDER_QUERY_HOSTS=500 EIDER_QUERY_DAYS=30 cargo test --release --lib
//! shipped::large -- --nocapture` prints how long each takes on a larger one.

use super::world::World;
use super::*;

/// Ports of a host.
const PORTS: i64 = 24;

fn setting(name: &str, default: i64) -> i64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[test]
fn no_shipped_query_runs_into_the_limit() {
    let hosts = setting("EIDER_QUERY_HOSTS", 20);
    let days = setting("EIDER_QUERY_DAYS", 1);
    let world = made(hosts, days);
    let to = at("2026-11-09T00:00:00Z");
    for name in names() {
        let query = query(&name);
        let asked = Asked {
            params: check::needed(&query),
            from: Some((to - days * 86_400).to_string()),
            to: Some(to.to_string()),
            timezone: "America/New_York".into(),
        };
        let question = Question::of(&query, &asked, to).unwrap();
        let begun = std::time::Instant::now();
        let answer = world.store.ask_blocking(&question);
        let rows = answer.unwrap_or_else(|e| panic!("{name}: {e}")).rows.len();
        println!("{name}: {rows} rows, {} ms", begun.elapsed().as_millis());
    }
}

/// One row a minute of everything, made by the database itself.
fn made(hosts: i64, days: i64) -> World {
    let names: Vec<String> = (1..=hosts).map(|n| format!("h{n}")).collect();
    let groups: [&str; 1] = ["all"];
    let hosts: Vec<(&str, &[&str])> = names.iter().map(|n| (n.as_str(), &groups[..])).collect();
    let world = World::new(&hosts);
    let minute = format!(
        "SELECT h.id AS host_id, to_timestamp({} - 60 * m) AS ts, m, h.id * 7 + m AS mix
         FROM raw.host h, range(1, {} + 1) t(m)",
        at("2026-11-09T00:00:00Z"),
        days * 1440
    );
    let port =
        format!("SELECT *, host_id * 100 + p AS entity_id FROM ({minute}), range({PORTS}) r(p)");
    let statements = [
        format!(
            "INSERT INTO raw.entity BY NAME
             SELECT h.id * 100 + p AS id, h.id AS host_id, 'interface' AS table_name, 'p' || p AS name, '' AS alias, '' AS mac, '' AS kind
             FROM raw.host h, range({PORTS}) r(p)"
        ),
        "INSERT INTO raw.interface_fact BY NAME
         SELECT id AS entity_id, '-infinity' AS valid_from, 'infinity' AS valid_to, 1000000000 AS speed_bps
         FROM raw.entity WHERE table_name = 'interface'"
            .to_owned(),
        "INSERT INTO raw.entity BY NAME
         SELECT 1000000 + h.id AS id, h.id AS host_id, 'filesystem' AS table_name, '/' AS name, '' AS alias, '' AS mac, '' AS kind FROM raw.host h"
            .to_owned(),
        "INSERT INTO raw.filesystem_fact BY NAME
         SELECT id AS entity_id, '-infinity' AS valid_from, 'infinity' AS valid_to
         FROM raw.entity WHERE table_name = 'filesystem'"
            .to_owned(),
        format!(
            "INSERT INTO raw.interface BY NAME
             SELECT ts, host_id, entity_id, 60000 AS elapsed_ms, mix * 1000 AS in_octets, mix * 500 AS out_octets,
                    mix AS in_packets, mix AS out_packets, CASE WHEN mix % 997 = 0 THEN 1 ELSE 0 END AS in_errors,
                    CASE WHEN p = 3 AND mix % 5 = 0 THEN 'down' ELSE 'up' END AS state
             FROM ({port})"
        ),
        format!(
            "INSERT INTO raw.poll BY NAME
             SELECT ts, host_id, 'ssh' AS method, mix % 500 > 0 AS ok, mix % 100 AS took_ms, 0 AS retries, 30 AS rows FROM ({minute})"
        ),
        format!("INSERT INTO raw.cpu BY NAME SELECT ts, host_id, mix % 100 AS used_pct FROM ({minute})"),
        format!("INSERT INTO raw.memory BY NAME SELECT ts, host_id, mix % 100 AS used_pct FROM ({minute})"),
        format!("INSERT INTO raw.system BY NAME SELECT ts, host_id, m AS uptime_s, 1.5 AS load1 FROM ({minute})"),
        format!(
            "INSERT INTO raw.filesystem BY NAME
             SELECT ts, host_id, 1000000 + host_id AS entity_id, 50 + (m % 400) / 10.0 AS used_pct FROM ({minute})"
        ),
    ];
    for sql in statements {
        world
            .recorder
            .connection
            .execute_batch(&sql)
            .unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
    world
}
