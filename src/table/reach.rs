//! How a host answers on the network: ping, tcp, http; and its own connections.

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

pub static HTTP: Table = Table {
    name: "http",
    entity: Some("endpoint"),
    comment: "HTTP endpoints, one row per endpoint and answer, good or bad. Without an answer (refused, timeout, TLS) there is a failed row of poll only.",
    columns: &[
        column(
            "response_ms",
            Kind::Float,
            "ms",
            "From the beginning of the connection to the last byte of the answer, redirects included.",
        ),
        column("status", Kind::Int, "", "Status code of HTTP."),
        column(
            "ok",
            Kind::Bool,
            "",
            "Whether the status is 2xx and the body is what it should be.",
        ),
        column("body_bytes", Kind::Int, "B", "Size of the body, unpacked."),
        column(
            "certificate_days_left",
            Kind::Int,
            "d",
            "Whole days until the server's certificate ends, negative when it has; NULL without TLS.",
        ),
    ],
    facts: &[column("url", Kind::Text, "", "What is asked for.")],
    derived: &[],
};

pub static TCP_STATE: Table = Table {
    name: "tcp_state",
    entity: None,
    comment: "How many TCP sockets of the host are in which state (IPv4 and IPv6), one row per collection that asked.",
    columns: &[
        column("established", Kind::Int, "", "Data may flow."),
        column("syn_sent", Kind::Int, "", "Asked for, not answered."),
        column("syn_recv", Kind::Int, "", "Answered, not confirmed."),
        column("fin_wait1", Kind::Int, "", "Closed by us, not confirmed."),
        column(
            "fin_wait2",
            Kind::Int,
            "",
            "Closed by us, the other side still open.",
        ),
        column("time_wait", Kind::Int, "", "Over, the port not free yet."),
        column("close", Kind::Int, "", "Neither open nor gone."),
        column(
            "close_wait",
            Kind::Int,
            "",
            "Closed by the other side, not by the program here: many of them are a fault of it.",
        ),
        column("last_ack", Kind::Int, "", "Closed by both, not confirmed."),
        column("listen", Kind::Int, "", "Ports that wait for connections."),
        column("closing", Kind::Int, "", "Closed by both at once."),
    ],
    facts: &[],
    derived: &[],
};
