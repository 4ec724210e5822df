//! Network interfaces.

use super::{Kind, Table, column, derived};

pub static INTERFACE: Table = Table {
    name: "interface",
    entity: Some("interface"),
    comment: "Network interfaces, one row per interface and collection. Counters are what happened since the previous row; in and out as the host sees them.",
    columns: &[
        column("in_octets", Kind::Counter, "B", "Bytes received."),
        column("out_octets", Kind::Counter, "B", "Bytes sent."),
        column(
            "in_packets",
            Kind::Counter,
            "",
            "Packets received: unicast, multicast and broadcast.",
        ),
        column(
            "out_packets",
            Kind::Counter,
            "",
            "Packets sent: unicast, multicast and broadcast.",
        ),
        column(
            "in_errors",
            Kind::Counter,
            "",
            "Received packets with errors.",
        ),
        column(
            "out_errors",
            Kind::Counter,
            "",
            "Packets not sent because of errors.",
        ),
        column(
            "in_discards",
            Kind::Counter,
            "",
            "Received packets dropped without an error.",
        ),
        column(
            "out_discards",
            Kind::Counter,
            "",
            "Packets to be sent dropped without an error.",
        ),
        column(
            "state",
            Kind::Text,
            "",
            "Operational state: up, down, testing, unknown, dormant, not_present, lower_layer_down.",
        ),
        column(
            "admin_state",
            Kind::Text,
            "",
            "Configured state: up, down, testing; NULL where not told.",
        ),
        column(
            "in_unicast",
            Kind::Input,
            "",
            "Raw unicast packets received.",
        ),
        column(
            "in_multicast",
            Kind::Input,
            "",
            "Raw multicast packets received.",
        ),
        column(
            "in_broadcast",
            Kind::Input,
            "",
            "Raw broadcast packets received.",
        ),
        column("out_unicast", Kind::Input, "", "Raw unicast packets sent."),
        column(
            "out_multicast",
            Kind::Input,
            "",
            "Raw multicast packets sent.",
        ),
        column(
            "out_broadcast",
            Kind::Input,
            "",
            "Raw broadcast packets sent.",
        ),
    ],
    facts: &[
        column(
            "alias",
            Kind::Text,
            "",
            "The description an operator gave it (ifAlias).",
        ),
        column(
            "speed_bps",
            Kind::Int,
            "bit/s",
            "Nominal speed, NULL when unknown or zero.",
        ),
        column("mac", Kind::Text, "", "Hardware address."),
        column(
            "type",
            Kind::Text,
            "",
            "IANA ifType number, or the kernel's word.",
        ),
        column("mtu", Kind::Int, "B", "Largest packet."),
        column(
            "if_index",
            Kind::Int,
            "",
            "Today's ifIndex; it may change, the entity does not.",
        ),
    ],
    derived: &[
        derived(
            "in_bps",
            "t.in_octets * 8000.0 / nullif(t.elapsed_ms, 0)",
            "bit/s",
            "Bits received per second.",
        ),
        derived(
            "out_bps",
            "t.out_octets * 8000.0 / nullif(t.elapsed_ms, 0)",
            "bit/s",
            "Bits sent per second.",
        ),
        derived(
            "in_util_pct",
            "round(t.in_octets * 800000.0 / nullif(t.elapsed_ms, 0) / nullif(f.speed_bps, 0), 2)",
            "%",
            "in_bps of the nominal speed.",
        ),
        derived(
            "out_util_pct",
            "round(t.out_octets * 800000.0 / nullif(t.elapsed_ms, 0) / nullif(f.speed_bps, 0), 2)",
            "%",
            "out_bps of the nominal speed.",
        ),
        derived(
            "in_packets_per_s",
            "t.in_packets * 1000.0 / nullif(t.elapsed_ms, 0)",
            "1/s",
            "Packets received per second.",
        ),
        derived(
            "out_packets_per_s",
            "t.out_packets * 1000.0 / nullif(t.elapsed_ms, 0)",
            "1/s",
            "Packets sent per second.",
        ),
    ],
};
