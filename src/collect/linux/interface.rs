//! /proc/net/dev and /sys/class/net.

use std::collections::HashMap;

use super::{Report, lines};
use crate::machine::{Interface, iana_type, interface_state, is_noise_interface};
use crate::reading::Row;

/// One row per interface. `None` without a readable line.
pub(in crate::collect) fn rows(report: &Report<'_>) -> Option<Vec<Row>> {
    let all = all(
        report.get("net/dev")?,
        report.get("net").unwrap_or_default(),
    );
    let wanted = all.iter().filter(|i| !is_noise_interface(&i.name));
    (!all.is_empty()).then(|| wanted.map(Interface::row).collect())
}

/// Every interface of /proc/net/dev, with what /sys/class/net adds in lines of
/// `/sys/class/net/NAME/FILE:VALUE`.
pub(in crate::collect) fn all(net_dev: &str, sys: &str) -> Vec<Interface> {
    let mut found: Vec<Interface> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for line in lines(net_dev) {
        let Some(interface) = counters(line) else {
            continue;
        };
        let name = line.split(':').next().unwrap_or_default().trim();
        if places.insert(name, found.len()).is_none() {
            found.push(interface);
        }
    }
    for line in lines(sys) {
        let Some((path, value)) = line.split_once(':') else {
            continue;
        };
        let Some((name, file)) = path
            .strip_prefix("/sys/class/net/")
            .and_then(|p| p.split_once('/'))
        else {
            continue;
        };
        if let Some(interface) = places.get(name).and_then(|at| found.get_mut(*at)) {
            learn(interface, file, value.trim());
        }
    }
    found
}

/// `  eth0: rx… tx…`: the name and the first number may touch, so the colon is what divides them.
fn counters(line: &str) -> Option<Interface> {
    let (name, numbers) = line.split_once(':')?;
    let numbers: Vec<u64> = numbers
        .split_ascii_whitespace()
        .map_while(|n| n.parse().ok())
        .collect();
    let name = name.trim();
    if numbers.len() < 12 || name.is_empty() || name.contains(char::is_whitespace) {
        return None;
    }
    Some(Interface {
        name: name.to_owned(),
        in_octets: Some(numbers[0]),
        in_packets: Some(numbers[1]),
        in_errors: Some(numbers[2]),
        in_discards: Some(numbers[3]),
        out_octets: Some(numbers[8]),
        out_packets: Some(numbers[9]),
        out_errors: Some(numbers[10]),
        out_discards: Some(numbers[11]),
        ..Interface::default()
    })
}

fn learn(interface: &mut Interface, file: &str, value: &str) {
    match file {
        "operstate" => interface.state = interface_state(value),
        // Megabits; -1 and nonsense of drivers that do not know are no number.
        "speed" => {
            let megabits = value
                .parse::<u64>()
                .ok()
                .filter(|m| *m < u64::from(u32::MAX));
            interface.speed_bps = megabits.and_then(|m| m.checked_mul(1_000_000));
        }
        "address" => interface.mac = mac(value),
        "mtu" => interface.mtu = value.parse().ok(),
        "type" => {
            interface.kind = value.parse().ok().and_then(iana_type).map(str::to_owned);
        }
        "ifindex" => interface.if_index = value.parse().ok(),
        "ifalias" => interface.alias = Some(value.to_owned()),
        // IFF_UP is bit 0.
        "flags" => {
            let flags = u32::from_str_radix(value.trim_start_matches("0x"), 16).ok();
            interface.admin_up = flags.map(|f| f & 1 == 1);
        }
        _ => {}
    }
}

/// A hardware address in small letters; all zeros is none.
fn mac(value: &str) -> Option<String> {
    let is_address = value.len() >= 11
        && value.len() <= 59
        && value.bytes().all(|b| b == b':' || b.is_ascii_hexdigit())
        && value.bytes().any(|b| b != b':' && b != b'0');
    is_address.then(|| value.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_touches_its_number_is_read() {
        let dev = "Inter-| Receive | Transmit\n face |bytes packets\n  eth0:123 2 3 4 5 6 7 8 910 11 12 13 14 15 16 17\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n";
        let sys = "/sys/class/net/eth0/operstate:up\n/sys/class/net/eth0/speed:1000\n/sys/class/net/eth0/address:02:AA:00:00:00:01\n/sys/class/net/eth0/flags:0x1003\n/sys/class/net/eth0/ifalias:to: core\n/sys/class/net/eth0/type:1\n/sys/class/net/gone/mtu:1500\n";
        let all = all(dev, sys);
        assert_eq!(all.len(), 2);
        let eth0 = &all[0];
        assert_eq!(eth0.in_octets, Some(123));
        assert_eq!(eth0.out_octets, Some(910));
        assert_eq!(eth0.out_discards, Some(13));
        assert_eq!(eth0.speed_bps, Some(1_000_000_000));
        assert_eq!(eth0.mac.as_deref(), Some("02:aa:00:00:00:01"));
        assert_eq!((eth0.state, eth0.admin_up), (Some("up"), Some(true)));
        assert_eq!(eth0.alias.as_deref(), Some("to: core"));
        assert_eq!(eth0.kind.as_deref(), Some("6"));
        let report = Report::of([("net/dev", dev.to_owned()), ("net", sys.to_owned())]);
        assert_eq!(rows(&report).unwrap().len(), 1, "the loopback is noise");
    }

    #[test]
    fn unknown_speed_state_and_address_stay_unknown() {
        let dev = "e: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
        let sys = "/sys/class/net/e/speed:-1\n/sys/class/net/e/operstate:strange\n/sys/class/net/e/address:00:00:00:00:00:00\n/sys/class/net/e/speed:4294967295\n";
        let e = &all(dev, sys)[0];
        assert_eq!((e.speed_bps, e.state, e.mac.as_deref()), (None, None, None));
    }
}
