//! The questions of long ranges: the same lines out of the rollups, whose files are few and small.
//! Means are weighed by how many values they are of.

/// The mean of a gauge over the hours of one point.
macro_rules! mean {
    ($column:literal) => {
        concat!(
            "sum(",
            $column,
            "_avg * ",
            $column,
            "_count) / nullif(sum(",
            $column,
            "_count), 0)"
        )
    };
}

pub(in super::super) const CPU_LINES: &str = concat!(
    "SELECT ",
    grid!(),
    ", ",
    mean!("used_pct"),
    " AS used_pct, max(used_pct_max) AS peak, ",
    mean!("iowait_pct"),
    " AS iowait_pct, ",
    mean!("steal_pct"),
    " AS steal_pct FROM cpu_hourly",
    within!(),
    "GROUP BY t ORDER BY t"
);

pub(in super::super) const MEMORY_LINES: &str = concat!(
    "SELECT ",
    grid!(),
    ", ",
    mean!("used_pct"),
    " AS used_pct, max(used_pct_max) AS peak, ",
    mean!("swap_used_pct"),
    " AS swap_used_pct FROM memory_hourly",
    within!(),
    "GROUP BY t ORDER BY t"
);

pub(in super::super) const LOAD_LINES: &str = concat!(
    "SELECT ",
    grid!(),
    ", ",
    mean!("load1"),
    " AS load1, max(load1_max) AS peak, ",
    mean!("load5"),
    " AS load5, ",
    mean!("load15"),
    " AS load15 FROM system_hourly",
    within!(),
    "GROUP BY t ORDER BY t"
);

/// Out of a rollup of interfaces.
macro_rules! traffic {
    ($table:literal) => {
        concat!(
            "SELECT t, sum(i) AS in_bps, sum(o) AS out_bps FROM (SELECT ",
            grid!(),
            ", interface, avg(in_bps) AS i, avg(out_bps) AS o FROM ",
            $table,
            within!(),
            "AND ",
            physical!(),
            " GROUP BY t, interface) GROUP BY t ORDER BY t"
        )
    };
}

pub(in super::super) const TRAFFIC_LINES: &str = traffic!("interface_hourly");
/// From five minutes per point on.
pub(in super::super) const TRAFFIC_5MIN_LINES: &str = traffic!("interface_5min");

pub(in super::super) const FILESYSTEM_LINES: &str = concat!(
    "SELECT ",
    grid!(),
    ", mount, ",
    mean!("used_pct"),
    " AS used_pct FROM filesystem_hourly",
    within!(),
    "AND ",
    writable!(),
    " GROUP BY t, mount ORDER BY mount, t"
);

pub(in super::super) const DISK_LINES: &str = concat!(
    "SELECT t, sum(r) AS read_bytes_per_s, sum(w) AS write_bytes_per_s FROM (SELECT ",
    grid!(),
    ", device, avg(read_bytes_per_s) AS r, avg(write_bytes_per_s) AS w FROM disk_hourly",
    within!(),
    "AND NOT regexp_matches(device, '^(loop|ram|zram|sr|dm-|md)') \
    GROUP BY t, device) GROUP BY t ORDER BY t"
);

pub(in super::super) const ROUND_TRIP_LINES: &str = concat!(
    "SELECT ",
    grid!(),
    ", ",
    mean!("rtt_avg_ms"),
    " AS rtt_avg_ms, max(rtt_max_ms_max) AS rtt_max_ms FROM ping_hourly",
    within!(),
    "GROUP BY t ORDER BY t"
);

pub(in super::super) const CONNECT_LINES: &str = concat!(
    "SELECT ",
    grid!(),
    ", port, ",
    mean!("connect_ms"),
    " AS connect_ms FROM tcp_hourly",
    within!(),
    "GROUP BY ALL ORDER BY port, t"
);

/// A poll without any answer has no row in `ping`: all of it was lost.
pub(in super::super) const LOSS_LINES: &str = concat!(
    "SELECT ",
    grid!(),
    ", sum(lost) / nullif(sum(of), 0) AS loss_pct FROM (\
    SELECT host, ts, loss_pct_avg * loss_pct_count AS lost, loss_pct_count AS of FROM ping_hourly \
    UNION ALL SELECT host, ts, 100.0 * (samples - ok_true), samples - ok_true FROM poll_hourly \
    WHERE method = 'ping')",
    within!(),
    "GROUP BY t ORDER BY t"
);

pub(in super::super) const INTERFACE_ERRORS: &str = "SELECT interface, sum(in_errors) AS in_errors, \
    sum(out_errors) AS out_errors, sum(in_discards) AS in_discards, \
    sum(out_discards) AS out_discards FROM interface_hourly \
    WHERE host = $host AND ts >= $from AND ts < $to GROUP BY interface";

pub(in super::super) const AVAILABILITY: &str = concat!(
    "SELECT target, sum(samples) AS polls, sum(ok_true) AS good, ",
    mean!("took_ms"),
    " AS took_ms FROM poll_hourly \
    WHERE host = $host AND ts >= $from AND ts < $to GROUP BY target ORDER BY target"
);
