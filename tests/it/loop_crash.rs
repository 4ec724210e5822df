//! kill -9 while it writes: a row that could be read once is there for good.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Daemon, PATIENCE, Snmpd, TestHome, wait_for};

const KILLS: u32 = 30;
/// Hosts of the inventory, polled each second at moments of their own: some row is always on its way.
const HOSTS: usize = 20;
/// Polls that have to be acknowledged between two kills.
const NEW: usize = 8;

/// What each acknowledged poll left: how many rows of which sum.
type Acknowledged = HashMap<(String, String), Value>;

#[test]
fn no_acknowledged_row_is_lost_in_thirty_kills() {
    let snmpd = Snmpd::start();
    let home = TestHome::new().with(
        "inventory/hosts.yaml",
        &format!(
            "version: 1\ndefaults: {{interval: 1s}}\ncredentials:\n  ro: {{type: snmp-v2c, community: public}}\ngroups:\n  all:\n    collect: [snmp]\n    credential: ro\n    address: 127.0.0.1\n    snmp: {{port: {}}}\n    hosts:\n      h[01:{HOSTS}]:\n",
            snmpd.port()
        ),
    );
    let mut acknowledged = Acknowledged::new();
    for kill in 0..KILLS {
        let daemon = Daemon::start(&home);
        let known = acknowledged.len();
        let seen = wait_for("new rows can be read", PATIENCE, || {
            let seen = read(&home);
            (seen.len() >= known + NEW).then_some(seen)
        });
        // Different moments within the second: in the middle of a batch, of a commit, between them.
        std::thread::sleep(Duration::from_millis(u64::from(kill) * 37 % 500));
        daemon.kill();
        lost_nothing(&acknowledged, &seen, kill);
        acknowledged = seen;
    }
    let daemon = Daemon::start(&home);
    lost_nothing(&acknowledged, &read(&home), KILLS);
    assert!(acknowledged.len() >= NEW * KILLS as usize);
    assert!(daemon.stop().success());
    lost_nothing(&acknowledged, &read(&home), KILLS + 1);
}

fn lost_nothing(acknowledged: &Acknowledged, seen: &Acknowledged, kill: u32) {
    for (poll, rows) in acknowledged {
        let now = seen.get(poll);
        let now = now.unwrap_or_else(|| panic!("after kill {kill}: {poll:?} is lost"));
        // A second poll of the host in the same second may have joined it; nothing may have left.
        let joined = now["polls"].as_i64() > rows["polls"].as_i64();
        assert!(
            joined || now == rows,
            "after kill {kill}: {poll:?} was {rows}, is {now}"
        );
    }
}

/// Every second of a host that can be read, with all rows that its polls left in two tables of different
/// kinds. A daemon that starts anew may poll a host twice in one second.
fn read(home: &TestHome) -> Acknowledged {
    let sql = "
        WITH polls AS (SELECT host, ts, count(*) AS polls, bool_and(ok) AS ok, sum(rows)::BIGINT AS rows FROM poll GROUP BY ALL),
             ports AS (SELECT host, ts, count(*) AS n, bit_xor(hash(interface, in_octets, elapsed_ms)) AS h FROM interface GROUP BY ALL),
             mounts AS (SELECT host, ts, count(*) AS n, bit_xor(hash(mount, used_bytes)) AS h FROM filesystem GROUP BY ALL)
        SELECT polls.host, polls.ts::VARCHAR AS ts, polls, ok, rows,
               ports.n AS ports, ports.h::VARCHAR AS port_hash, mounts.n AS mounts, mounts.h::VARCHAR AS mount_hash
        FROM polls LEFT JOIN ports USING (host, ts) LEFT JOIN mounts USING (host, ts)";
    let rows = home.rows(sql).into_iter();
    let keyed = rows.map(|row| {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        ((text("host"), text("ts")), row.clone())
    });
    keyed.collect()
}
