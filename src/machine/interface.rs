//! A network interface.

use super::{clean, counter, int, text};
use crate::reading::{EntityKey, Row, Value};
use crate::table::INTERFACE;

/// One network interface; counters as the kernel gives them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Interface {
    pub(crate) name: String,
    pub(crate) in_octets: Option<u64>,
    pub(crate) out_octets: Option<u64>,
    pub(crate) in_packets: Option<u64>,
    pub(crate) out_packets: Option<u64>,
    pub(crate) in_errors: Option<u64>,
    pub(crate) out_errors: Option<u64>,
    pub(crate) in_discards: Option<u64>,
    pub(crate) out_discards: Option<u64>,
    /// One of the words of the table.
    pub(crate) state: Option<&'static str>,
    pub(crate) admin_up: Option<bool>,
    pub(crate) alias: Option<String>,
    pub(crate) speed_bps: Option<u64>,
    pub(crate) mac: Option<String>,
    /// IANA ifType number, or the kernel's word.
    pub(crate) kind: Option<String>,
    pub(crate) mtu: Option<u64>,
    pub(crate) if_index: Option<u64>,
}

impl Interface {
    pub(crate) fn row(&self) -> Row {
        let shown = |t: &Option<String>| t.as_deref().map(clean).unwrap_or_default();
        let key = EntityKey {
            name: clean(&self.name),
            alias: shown(&self.alias),
            mac: shown(&self.mac),
            kind: shown(&self.kind),
        };
        let mut row = Row::new(&INTERFACE, Some(key));
        let admin = self.admin_up.map(|up| if up { "up" } else { "down" });
        for (column, value) in [
            ("in_octets", self.in_octets),
            ("out_octets", self.out_octets),
            ("in_packets", self.in_packets),
            ("out_packets", self.out_packets),
            ("in_errors", self.in_errors),
            ("out_errors", self.out_errors),
            ("in_discards", self.in_discards),
            ("out_discards", self.out_discards),
        ] {
            row.set(&INTERFACE, column, counter(value));
        }
        row.set(
            &INTERFACE,
            "state",
            self.state.map_or(Value::Null, Value::text),
        );
        row.set(
            &INTERFACE,
            "admin_state",
            admin.map_or(Value::Null, Value::text),
        );
        row.set_fact(&INTERFACE, "alias", text(self.alias.as_deref()));
        row.set_fact(
            &INTERFACE,
            "speed_bps",
            int(self.speed_bps.filter(|s| *s > 0)),
        );
        row.set_fact(&INTERFACE, "mac", text(self.mac.as_deref()));
        row.set_fact(&INTERFACE, "type", text(self.kind.as_deref()));
        row.set_fact(&INTERFACE, "mtu", int(self.mtu));
        row.set_fact(&INTERFACE, "if_index", int(self.if_index));
        row
    }
}

/// The kernel's words (RFC 2863), as the table spells them.
pub(crate) fn state(word: &str) -> Option<&'static str> {
    Some(match word {
        "up" => "up",
        "down" => "down",
        "testing" => "testing",
        "unknown" => "unknown",
        "dormant" => "dormant",
        "notpresent" => "not_present",
        "lowerlayerdown" => "lower_layer_down",
        _ => return None,
    })
}

/// Whether an interface is left out: the loopback, and the ends that containers come and go with;
/// each of those would be an entity for ever.
pub(crate) fn is_noise(name: &str) -> bool {
    let bridge_of_a_network = name
        .strip_prefix("br-")
        .is_some_and(|id| id.len() == 12 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    matches!(name, "lo" | "lo0")
        || name.starts_with("veth")
        || name.starts_with("docker")
        || bridge_of_a_network
}

/// The IANA ifType number of a kernel's ARP hardware type, so that an interface keeps its type
/// whichever way it is asked; the kernel's word where there is no such number.
pub(crate) fn iana_type(arphrd: u32) -> Option<&'static str> {
    Some(match arphrd {
        1 => "6",           // ethernetCsmacd
        24 => "144",        // ieee1394
        32 => "199",        // infiniband
        280 => "can",       // no number of its own
        512 => "23",        // ppp
        768 | 769 => "131", // tunnel: IPIP, IP6IP6
        772 => "24",        // softwareLoopback
        776 | 778 => "131", // tunnel: SIT, GRE
        801..=803 => "71",  // ieee80211
        823 => "131",       // tunnel: GRE over IPv6
        65534 => "none",    // no hardware header: tun, WireGuard
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn container_ends_and_loopback_are_noise() {
        for name in ["lo", "veth12ab", "docker0", "br-0123456789ab"] {
            assert!(is_noise(name), "{name}");
        }
        for name in [
            "eth0",
            "br-lan",
            "br0",
            "bond0",
            "br-0123456789ag",
            "lowpan0",
        ] {
            assert!(!is_noise(name), "{name}");
        }
    }

    #[test]
    fn the_key_finds_a_renamed_port_again() {
        let port = Interface {
            name: "eth0".into(),
            alias: Some("uplink".into()),
            mac: Some("02:00:00:00:00:01".into()),
            kind: iana_type(1).map(str::to_owned),
            ..Interface::default()
        };
        let key = port.row().entity.unwrap();
        assert_eq!(
            (key.name.as_str(), key.alias.as_str(), key.kind.as_str()),
            ("eth0", "uplink", "6")
        );
    }
}
