//! The questions that pages ask, one per table for all hosts. Parameters are bound, never pasted.

/// Which interfaces count towards a host's traffic: loopback never, and not those whose traffic
/// passes a physical one as well (bridges, bonds, VLANs, tunnels, containers), or it would count
/// twice.
macro_rules! physical {
    () => {
        "NOT regexp_matches(interface, '^(lo[0-9]*|lo:.*|Lo.*|loopback.*|Null.*|veth.*|docker.*|br[-0-9].*|virbr.*|bond.*|team.*|vlan.*|Vl.*|Po[0-9].*|tun.*|tap.*|wg.*|dummy.*|cali.*|cni.*|flannel.*|vnet.*|ifb.*|.*[.][0-9]+)$', 'i')"
    };
}

/// File systems that are full by design.
macro_rules! writable {
    () => {
        "coalesce(fstype, '') NOT IN ('squashfs', 'iso9660', 'udf', 'erofs', 'cramfs')"
    };
}

pub(super) const CPU_NOW: &str = "SELECT host, arg_max(used_pct, ts) AS used_pct FROM cpu \
    WHERE ts >= $from AND used_pct IS NOT NULL GROUP BY host";

pub(super) const MEMORY_NOW: &str = "SELECT host, arg_max(used_pct, ts) AS used_pct, \
    arg_max(total_bytes, ts) AS total_bytes FROM memory \
    WHERE ts >= $from AND used_pct IS NOT NULL GROUP BY host";

pub(super) const SYSTEM_NOW: &str = "SELECT host, arg_max(uptime_s, ts) AS uptime_s, \
    arg_max(load1, ts) AS load1 FROM system WHERE ts >= $from GROUP BY host";

pub(super) const DISK_NOW: &str = concat!(
    "SELECT host, arg_max(mount, used_pct) AS mount, max(used_pct) AS used_pct FROM \
    (SELECT host, mount, arg_max(used_pct, ts) AS used_pct FROM filesystem \
    WHERE ts >= $from AND used_pct IS NOT NULL AND ",
    writable!(),
    " GROUP BY host, mount) GROUP BY host"
);

pub(super) const TRAFFIC_NOW: &str = concat!(
    "SELECT host, sum(in_bps) AS in_bps, sum(out_bps) AS out_bps FROM \
    (SELECT host, interface, arg_max(in_bps, ts) AS in_bps, arg_max(out_bps, ts) AS out_bps \
    FROM interface WHERE ts >= $from AND in_bps IS NOT NULL AND ",
    physical!(),
    " GROUP BY host, interface) GROUP BY host"
);

/// The point of time of a row, on the grid of the chart.
macro_rules! grid {
    () => {
        "CAST(floor(epoch(ts) / $step) * $step AS BIGINT) AS t"
    };
}

/// One host within the range.
macro_rules! within {
    () => {
        " WHERE host = $host AND ts >= $from AND ts < $to "
    };
}

pub(super) mod hours;

pub(super) const CPU_LINES: &str = concat!(
    "SELECT ",
    grid!(),
    ", avg(used_pct) AS used_pct, avg(iowait_pct) AS iowait_pct, \
    avg(steal_pct) AS steal_pct FROM cpu",
    within!(),
    "GROUP BY t ORDER BY t"
);

pub(super) const MEMORY_LINES: &str = concat!(
    "SELECT ",
    grid!(),
    ", avg(used_pct) AS used_pct, avg(swap_used_pct) AS swap_used_pct \
    FROM memory",
    within!(),
    "GROUP BY t ORDER BY t"
);

pub(super) const LOAD_LINES: &str = concat!(
    "SELECT ",
    grid!(),
    ", avg(load1) AS load1, avg(load5) AS load5, avg(load15) AS load15 \
    FROM system",
    within!(),
    "GROUP BY t ORDER BY t"
);

pub(super) const TRAFFIC_LINES: &str = concat!(
    "SELECT t, sum(i) AS in_bps, sum(o) AS out_bps FROM (SELECT ",
    grid!(),
    ", interface, \
    avg(in_bps) AS i, avg(out_bps) AS o FROM interface",
    within!(),
    "AND ",
    physical!(),
    " GROUP BY t, interface) GROUP BY t ORDER BY t"
);

pub(super) const FILESYSTEM_LINES: &str = concat!(
    "SELECT ",
    grid!(),
    ", mount, avg(used_pct) AS used_pct FROM filesystem",
    within!(),
    "AND ",
    writable!(),
    " GROUP BY t, mount ORDER BY mount, t"
);

pub(super) const DISK_LINES: &str = concat!(
    "SELECT t, sum(r) AS read_bytes_per_s, sum(w) AS write_bytes_per_s FROM (SELECT ",
    grid!(),
    ", \
    device, avg(read_bytes_per_s) AS r, avg(write_bytes_per_s) AS w FROM disk",
    within!(),
    "AND NOT regexp_matches(device, '^(loop|ram|zram|sr|dm-|md)') \
    GROUP BY t, device) GROUP BY t ORDER BY t"
);

pub(super) const ROUND_TRIP_LINES: &str = concat!(
    "SELECT ",
    grid!(),
    ", avg(rtt_avg_ms) AS rtt_avg_ms, max(rtt_max_ms) AS rtt_max_ms FROM ping",
    within!(),
    "GROUP BY t ORDER BY t"
);

pub(super) const CONNECT_LINES: &str = concat!(
    "SELECT ",
    grid!(),
    ", port, avg(connect_ms) AS connect_ms FROM tcp",
    within!(),
    "GROUP BY ALL ORDER BY port, t"
);

/// A poll without any answer has no row in `ping`: all of it was lost.
pub(super) const LOSS_LINES: &str = concat!(
    "SELECT ",
    grid!(),
    ", avg(loss_pct) AS loss_pct FROM (SELECT host, ts, loss_pct FROM ping \
    UNION ALL SELECT host, ts, 100.0 FROM poll \
    WHERE method = 'ping' AND cause IN ('timeout', 'unreachable'))",
    within!(),
    "GROUP BY t ORDER BY t"
);

/// The newest rows of a table for one host: those of the last `$window` seconds before its newest
/// one, which may be a day old.
macro_rules! newest {
    ($table:literal) => {
        concat!(
            " FROM ",
            $table,
            " WHERE host = $host AND ts >= $day AND ts >= (SELECT max(ts) FROM ",
            $table,
            " WHERE host = $host AND ts >= $day) - to_seconds($window) "
        )
    };
}

pub(super) const SYSTEM: &str = concat!("SELECT *", newest!("system"), "ORDER BY ts DESC LIMIT 1");
pub(super) const CPU: &str = concat!("SELECT *", newest!("cpu"), "ORDER BY ts DESC LIMIT 1");
pub(super) const MEMORY: &str = concat!("SELECT *", newest!("memory"), "ORDER BY ts DESC LIMIT 1");
pub(super) const PING: &str = concat!("SELECT *", newest!("ping"), "ORDER BY ts DESC LIMIT 1");
/// Cut by whoever shows it: with a LIMIT, DuckDB 1.5.5 fails to bind the view of a table without rows.
pub(super) const TCP: &str = concat!(
    "SELECT *",
    newest!("tcp"),
    "QUALIFY row_number() OVER (PARTITION BY port ORDER BY ts DESC) = 1 ORDER BY port::INTEGER"
);
pub(super) const HTTP: &str = concat!(
    "SELECT *",
    newest!("http"),
    "QUALIFY row_number() OVER (PARTITION BY endpoint ORDER BY ts DESC) = 1 ORDER BY endpoint"
);
pub(super) const PROCESS_STATE: &str = concat!(
    "SELECT *",
    newest!("process_state"),
    "ORDER BY ts DESC LIMIT 1"
);
pub(super) const INTERFACES: &str = concat!(
    "SELECT *",
    newest!("interface"),
    "QUALIFY row_number() OVER (PARTITION BY interface ORDER BY ts DESC) = 1 ORDER BY if_index, interface"
);
pub(super) const FILESYSTEMS: &str = concat!(
    "SELECT *",
    newest!("filesystem"),
    "QUALIFY row_number() OVER (PARTITION BY mount ORDER BY ts DESC) = 1 ORDER BY mount"
);
pub(super) const DISKS: &str = concat!(
    "SELECT *",
    newest!("disk"),
    "QUALIFY row_number() OVER (PARTITION BY device ORDER BY ts DESC) = 1 ORDER BY device"
);
/// Those in trouble first.
pub(super) const SENSORS: &str = concat!(
    "SELECT *",
    newest!("sensor"),
    "QUALIFY row_number() OVER (PARTITION BY sensor ORDER BY ts DESC) = 1 \
    ORDER BY state NOT IN ('critical', 'warning'), kind, sensor LIMIT 200"
);
pub(super) const FAILED_SERVICES: &str = concat!(
    "SELECT * FROM (SELECT *",
    newest!("service"),
    "QUALIFY row_number() OVER (PARTITION BY unit ORDER BY ts DESC) = 1) WHERE failed ORDER BY unit"
);
pub(super) const RAIDS: &str = concat!(
    "SELECT *",
    newest!("raid"),
    "QUALIFY row_number() OVER (PARTITION BY \"array\" ORDER BY ts DESC) = 1 ORDER BY \"array\""
);
pub(super) const PROCESSES: &str = "SELECT * FROM process WHERE host = $host AND ts >= $day AND ts = \
    (SELECT max(ts) FROM process WHERE host = $host AND ts >= $day) \
    ORDER BY cpu_pct DESC NULLS LAST, rss_bytes DESC";

pub(super) const HOST: &str = "SELECT * FROM host WHERE name = $host";
pub(super) const INTERFACE_ERRORS: &str = "SELECT interface, sum(in_errors) AS in_errors, \
    sum(out_errors) AS out_errors, sum(in_discards) AS in_discards, \
    sum(out_discards) AS out_discards FROM interface \
    WHERE host = $host AND ts >= $from AND ts < $to GROUP BY interface";
pub(super) const AVAILABILITY: &str = "SELECT target, count(*) AS polls, \
    count(*) FILTER (ok) AS good, avg(took_ms) AS took_ms FROM poll \
    WHERE host = $host AND ts >= $from AND ts < $to GROUP BY target ORDER BY target";
pub(super) const POLLS: &str = "SELECT * FROM poll WHERE host = $host AND ts >= $week \
    ORDER BY ts DESC LIMIT 15";
pub(super) const FAILED_POLLS: &str = "SELECT * FROM poll WHERE host = $host AND ts >= $week \
    AND NOT ok ORDER BY ts DESC LIMIT 10";
pub(super) const EVENTS: &str = "SELECT * FROM event WHERE host = $host AND ts >= $month \
    ORDER BY ts DESC LIMIT 20";

/// The order of alerts: firing first, then by severity.
macro_rules! worst_first {
    () => {
        " ORDER BY state = 'firing' DESC, CASE severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, since DESC "
    };
}

/// What became of the reports, the newest first.
pub(super) const REPORT_RUNS: &str = "
    SELECT epoch(ts)::BIGINT AS ts, report, epoch(due_at)::BIGINT AS due_at, asked_by, action, recipient, note
    FROM report_run
    WHERE ts >= $from
    ORDER BY ts DESC, report, recipient
    LIMIT 200";

pub(super) const OPEN_ALERTS: &str = concat!(
    "SELECT * FROM alert WHERE state <> 'resolved'",
    worst_first!(),
    "LIMIT 500"
);
pub(super) const HOST_ALERTS: &str = concat!(
    "SELECT * FROM alert WHERE host = $host AND (state <> 'resolved' OR resolved_at >= $from)",
    worst_first!(),
    "LIMIT 20"
);
pub(super) const RESOLVED_ALERTS: &str = "SELECT * FROM alert WHERE state = 'resolved' \
    AND fired_at IS NOT NULL AND resolved_at >= $from ORDER BY resolved_at DESC LIMIT 100";
pub(super) const NOTIFICATIONS: &str = "SELECT * FROM notification WHERE ts >= $from \
    ORDER BY ts DESC LIMIT 100";

pub(super) const WORK: &str = "SELECT host, target, count(*) AS polls, \
    count(*) FILTER (NOT ok) AS failed, avg(took_ms) AS took_ms, max(took_ms) AS most_ms, \
    sum(retries) AS retries, sum(rows) AS rows FROM poll WHERE ts >= $from \
    GROUP BY host, target ORDER BY host, target";
pub(super) const CAUSES: &str = "SELECT cause, count(*) AS polls, \
    count(DISTINCT host) AS hosts, max(ts) AS last_ts, arg_max(error, ts) AS error FROM poll \
    WHERE ts >= $from AND NOT ok GROUP BY cause ORDER BY polls DESC LIMIT 50";
