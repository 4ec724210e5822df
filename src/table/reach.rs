//! How a host answers on the network: ping, tcp.

use super::{Kind, Table, column};

pub static PING: Table = Table {
    name: "ping",
    entity: None,
    comment: "ICMP echo, one row per collection with at least one answer. A collection without any answer is a failed row of poll.",
    columns: &[
        column("sent", Kind::Int, "", "Echo requests sent."),
        column(
            "received",
            Kind::Int,
            "",
            "Echo requests answered, each counted once.",
        ),
        column(
            "loss_pct",
            Kind::Pct,
            "%",
            "100 * (sent - received) / sent.",
        ),
        column("rtt_min_ms", Kind::Float, "ms", "Shortest round trip."),
        column("rtt_avg_ms", Kind::Float, "ms", "Mean round trip."),
        column("rtt_max_ms", Kind::Float, "ms", "Longest round trip."),
        column(
            "jitter_ms",
            Kind::Float,
            "ms",
            "Mean absolute difference of one round trip and the next; NULL with fewer than two answers.",
        ),
    ],
    facts: &[],
    derived: &[],
};

pub static TCP: Table = Table {
    name: "tcp",
    entity: Some("port"),
    comment: "TCP connections, one row per port and good collection. A refused or unanswered connection is a failed row of poll.",
    columns: &[column(
        "connect_ms",
        Kind::Float,
        "ms",
        "From the first packet sent to the connection standing; name resolution not counted.",
    )],
    facts: &[],
    derived: &[],
};
