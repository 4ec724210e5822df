//! The addresses of neighbors, from the tables of LLDP and CDP.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// lldpRemManAddrIfSubtype (LLDP-MIB): the address stands in the index.
const LLDP: &[u32] = &[1, 0, 8802, 1, 1, 2, 1, 4, 2, 1, 3];
/// cdpCacheAddress (CISCO-CDP-MIB).
const CDP: &[u32] = &[1, 3, 6, 1, 4, 1, 9, 9, 23, 1, 2, 1, 1, 4];

pub(super) const ROOTS: [&[u32]; 2] = [LLDP, CDP];

/// A device claims no more neighbors than these.
const MOST: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Seen(BTreeSet<IpAddr>);

impl Seen {
    pub(super) fn take(&mut self, name: &[u32], content: &[u8]) {
        let address = match name.strip_prefix(LLDP) {
            Some(index) => of_index(index),
            None => name.strip_prefix(CDP).and_then(|_| of_octets(content)),
        };
        let usable = address.filter(|a| !a.is_unspecified() && !a.is_multicast());
        if self.0.len() < MOST {
            self.0.extend(usable);
        }
    }

    pub(super) fn addresses(self) -> Vec<IpAddr> {
        self.0.into_iter().collect()
    }
}

/// Index: time mark, local port, number, kind of address (IANA: 1 is IPv4, 2 IPv6), length, octets.
fn of_index(index: &[u32]) -> Option<IpAddr> {
    let [_, _, _, kind, length, octets @ ..] = index else {
        return None;
    };
    if octets.len() != *length as usize {
        return None;
    }
    let octets: Option<Vec<u8>> = octets.iter().map(|o| u8::try_from(*o).ok()).collect();
    let address = of_octets(&octets?)?;
    (address.is_ipv4() == (*kind == 1)).then_some(address)
}

fn of_octets(octets: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        return Some(Ipv4Addr::from(v4).into());
    }
    let v6 = <[u8; 16]>::try_from(octets).ok()?;
    Some(Ipv6Addr::from(v6).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lldp_and_cdp_tell_addresses() {
        let mut seen = Seen::default();
        let lldp = |index: &[u32]| [LLDP, index].concat();
        seen.take(&lldp(&[0, 3, 1, 1, 4, 10, 0, 0, 9]), &[2]);
        // No address, a cut one, one that says it is IPv6, a number beyond an octet.
        seen.take(&lldp(&[0, 3, 1, 6, 6, 0, 1, 2, 3, 4, 5]), &[2]);
        seen.take(&lldp(&[0, 3, 1, 1, 4, 10, 0, 0]), &[2]);
        seen.take(&lldp(&[0, 3, 1, 2, 4, 10, 0, 0, 8]), &[2]);
        seen.take(&lldp(&[0, 3, 1, 1, 4, 10, 0, 0, 300]), &[2]);
        seen.take(&[CDP, &[7, 1]].concat(), &[10, 0, 0, 10]);
        seen.take(&[CDP, &[7, 2]].concat(), &[0, 0, 0, 0]);
        let told: Vec<String> = seen.addresses().iter().map(ToString::to_string).collect();
        assert_eq!(told, ["10.0.0.9", "10.0.0.10"]);
    }
}
