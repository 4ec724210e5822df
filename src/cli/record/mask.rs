//! What a recording tells about its owner, blanked: where standard MIBs keep it.

use std::borrow::Cow;
use std::collections::HashMap;

const OCTET_STRING: u8 = 0x04;
/// Communities, users, who gets traps: SNMP's own configuration, left out.
const LEFT_OUT: [&[u32]; 5] = [
    &[1, 3, 6, 1, 6, 3, 12],
    &[1, 3, 6, 1, 6, 3, 13],
    &[1, 3, 6, 1, 6, 3, 15, 1, 2],
    &[1, 3, 6, 1, 6, 3, 16],
    &[1, 3, 6, 1, 6, 3, 18],
];
/// Tables whose index is made of the hardware addresses of others, left out too: the bridge's
/// forwarding tables.
const ADDRESS_IN_INDEX: [&[u32]; 2] = [
    &[1, 3, 6, 1, 2, 1, 17, 4, 3],
    &[1, 3, 6, 1, 2, 1, 17, 7, 1, 2],
];
/// Texts about the owner and serial numbers: sysContact, sysName, sysLocation,
/// entPhysicalSerialNum, entPhysicalAlias, entPhysicalAssetID, prtGeneralSerialNumber, chassisId of
/// Cisco, the serial numbers of Juniper, Fortinet and of the UPS of APC.
const TEXTS: [&[u32]; 11] = [
    &[1, 3, 6, 1, 2, 1, 1, 4],
    &[1, 3, 6, 1, 2, 1, 1, 5],
    &[1, 3, 6, 1, 2, 1, 1, 6],
    &[1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1, 11],
    &[1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1, 14],
    &[1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1, 15],
    &[1, 3, 6, 1, 2, 1, 43, 5, 1, 1, 17],
    &[1, 3, 6, 1, 4, 1, 9, 3, 6, 3],
    &[1, 3, 6, 1, 4, 1, 2636, 3, 1, 3],
    &[1, 3, 6, 1, 4, 1, 12356, 100, 1, 1, 1],
    &[1, 3, 6, 1, 4, 1, 318, 1, 1, 1, 1, 2, 3],
];
/// Hardware addresses: ifPhysAddress, atPhysAddress, ipNetToMediaPhysAddress,
/// ipNetToPhysicalPhysAddress, dot1dBaseBridgeAddress, and LLDP's own and remote chassis.
const ADDRESSES: [&[u32]; 7] = [
    &[1, 3, 6, 1, 2, 1, 2, 2, 1, 6],
    &[1, 3, 6, 1, 2, 1, 3, 1, 1, 2],
    &[1, 3, 6, 1, 2, 1, 4, 22, 1, 2],
    &[1, 3, 6, 1, 2, 1, 4, 35, 1, 4],
    &[1, 3, 6, 1, 2, 1, 17, 1, 1],
    &[1, 0, 8802, 1, 1, 2, 1, 3, 2],
    &[1, 0, 8802, 1, 1, 2, 1, 4, 1, 1, 5],
];

/// Blanks objects; the same address gets the same other one everywhere.
pub(super) struct Mask {
    community: Vec<u8>,
    addresses: HashMap<Vec<u8>, u32>,
}

impl Mask {
    pub(super) fn new(community: &[u8]) -> Mask {
        Mask {
            community: community.to_vec(),
            addresses: HashMap::new(),
        }
    }

    /// The value to save; `None` to leave the object out.
    pub(super) fn apply<'v>(
        &mut self,
        name: &[u32],
        tag: u8,
        content: &'v [u8],
    ) -> Option<Cow<'v, [u8]>> {
        let below = |roots: &[&[u32]]| roots.iter().any(|root| name.starts_with(root));
        if below(&LEFT_OUT) || below(&ADDRESS_IN_INDEX) {
            return None;
        }
        if tag != OCTET_STRING || content.is_empty() {
            return Some(content.into());
        }
        if below(&ADDRESSES) && content.len() >= 6 {
            return Some(self.other(content).into());
        }
        let own = &self.community;
        let tells = !own.is_empty() && content.windows(own.len()).any(|part| part == own);
        if tells || below(&TEXTS) {
            return Some(vec![b'x'; content.len()].into());
        }
        Some(content.into())
    }

    /// Of the same length, and marked as made up: 02:00 and a number.
    fn other(&mut self, address: &[u8]) -> Vec<u8> {
        let next = self.addresses.len() as u32 + 1;
        let number = *self.addresses.entry(address.to_vec()).or_insert(next);
        let mut made = vec![0; address.len()];
        made[0] = 2;
        let end = made.len() - 4;
        made[end..].copy_from_slice(&number.to_be_bytes());
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHYS: [u32; 11] = [1, 3, 6, 1, 2, 1, 2, 2, 1, 6, 1];

    #[test]
    fn what_tells_about_the_owner_is_blanked_and_nothing_else() {
        let mut mask = Mask::new(b"s3cret");
        let name = &[1, 3, 6, 1, 2, 1, 1, 5, 0];
        assert_eq!(&*mask.apply(name, 4, b"core1").unwrap(), b"xxxxx");
        let alias = &[1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 18, 1];
        assert_eq!(&*mask.apply(alias, 4, b"uplink").unwrap(), b"uplink");
        assert_eq!(&*mask.apply(alias, 4, b"a s3cret").unwrap(), b"xxxxxxxx");
        assert!(mask.apply(&[1, 3, 6, 1, 6, 3, 18, 1, 1], 4, b"c").is_none());
        let uptime = &[1, 3, 6, 1, 2, 1, 1, 3, 0];
        assert_eq!(&*mask.apply(uptime, 0x43, &[7]).unwrap(), [7]);
    }

    #[test]
    fn one_address_stays_one_address() {
        let mut mask = Mask::new(b"");
        let mut of = |address: &[u8]| mask.apply(&PHYS, 4, address).unwrap().into_owned();
        let (a, b) = (of(&[0, 1, 2, 3, 4, 5]), of(&[0, 1, 2, 3, 4, 6]));
        assert_eq!(a, [2, 0, 0, 0, 0, 1]);
        assert_eq!(b, [2, 0, 0, 0, 0, 2]);
        assert_eq!(of(&[0, 1, 2, 3, 4, 5]), a);
        assert_eq!(of(b""), b"", "an interface without one");
    }
}
