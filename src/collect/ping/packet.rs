//! Echo requests as bytes, and what comes back: answers, and routers' complaints that quote a
//! request (RFC 792, RFC 4443).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Header of 8 bytes and 56 bytes of payload, as ping sends.
pub(super) const LENGTH: usize = 64;
const HEADER: usize = 8;

/// What tells one echo request from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    /// Random, in the payload: whoever did not see the request cannot answer it.
    pub(super) cookie: u64,
    pub(super) sequence: u16,
}

/// What a packet says about a probe of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Answer(Probe),
    /// Somebody on the way could not pass on the request to this address, and says why.
    Unreachable(Probe, IpAddr, &'static str),
}

/// How packets come out of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// A raw IPv4 socket gives the IP header too.
    V4WithHeader,
    V4,
    V6,
}

/// The bytes of an echo request. With ICMPv6 the kernel fills in the checksum.
pub(super) fn encode(framing: Framing, identifier: u16, probe: Probe) -> [u8; LENGTH] {
    let mut packet = [0; LENGTH];
    packet[0] = match framing {
        Framing::V4WithHeader | Framing::V4 => 8,
        Framing::V6 => 128,
    };
    packet[4..6].copy_from_slice(&identifier.to_be_bytes());
    packet[6..8].copy_from_slice(&probe.sequence.to_be_bytes());
    packet[HEADER..HEADER + 8].copy_from_slice(&probe.cookie.to_be_bytes());
    if framing != Framing::V6 {
        let sum = checksum(&packet);
        packet[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    packet
}

/// What a packet from outside says; `None` when it is not about an echo request.
pub(super) fn decode(framing: Framing, packet: &[u8]) -> Option<Seen> {
    match framing {
        Framing::V4WithHeader => decode_v4(v4_payload(packet)?),
        Framing::V4 => decode_v4(packet),
        Framing::V6 => decode_v6(packet),
    }
}

fn decode_v4(icmp: &[u8]) -> Option<Seen> {
    let (kind, code) = (*icmp.first()?, *icmp.get(1)?);
    let why = match (kind, code) {
        (0, _) => return probe(icmp, 0).map(Seen::Answer),
        (3, 0 | 6) => "network unreachable",
        (3, 1 | 7) => "host unreachable",
        (3, 9 | 10 | 13) => "forbidden by a firewall",
        (3, _) => "destination unreachable",
        (11, _) => "too many hops, the packets may run in a circle",
        _ => return None,
    };
    let quoted = icmp.get(HEADER..)?;
    let to: [u8; 4] = quoted.get(16..20)?.try_into().ok()?;
    let probe = probe(v4_payload(quoted)?, 8)?;
    Some(Seen::Unreachable(probe, Ipv4Addr::from(to).into(), why))
}

fn decode_v6(icmp: &[u8]) -> Option<Seen> {
    const IP_HEADER: usize = 40;
    let (kind, code) = (*icmp.first()?, *icmp.get(1)?);
    let why = match (kind, code) {
        (129, _) => return probe(icmp, 129).map(Seen::Answer),
        (1, 0) => "no route",
        (1, 1 | 5 | 6) => "forbidden by a firewall",
        (1, 3) => "host unreachable",
        (1, _) => "destination unreachable",
        (3, _) => "too many hops, the packets may run in a circle",
        _ => return None,
    };
    let quoted = icmp.get(HEADER..)?;
    let to: [u8; 16] = quoted.get(24..40)?.try_into().ok()?;
    let probe = probe(quoted.get(IP_HEADER..)?, 128)?;
    Some(Seen::Unreachable(probe, Ipv6Addr::from(to).into(), why))
}

/// What an IPv4 packet carries, when that is ICMP.
fn v4_payload(packet: &[u8]) -> Option<&[u8]> {
    let first = *packet.first()?;
    let length = usize::from(first & 0x0f) * 4;
    let is_icmp = first >> 4 == 4 && length >= 20 && packet.get(9) == Some(&1);
    packet.get(length..).filter(|_| is_icmp)
}

/// The probe in an echo message of this type.
fn probe(icmp: &[u8], kind: u8) -> Option<Probe> {
    let cookie = icmp.get(HEADER..HEADER + 8)?.try_into().ok()?;
    (icmp[0] == kind && icmp[1] == 0).then(|| Probe {
        cookie: u64::from_be_bytes(cookie),
        sequence: u16::from_be_bytes([icmp[6], icmp[7]]),
    })
}

/// The Internet checksum (RFC 1071).
fn checksum(packet: &[u8; LENGTH]) -> u16 {
    let words = packet.chunks_exact(2);
    let mut sum: u32 = words
        .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROBE: Probe = Probe {
        cookie: 0x0123_4567_89ab_cdef,
        sequence: 3,
    };

    fn v4_header(to: [u8; 4]) -> Vec<u8> {
        let mut header = vec![0x45, 0, 0, 84, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1];
        header.extend(to);
        header
    }

    #[test]
    fn an_answer_is_recognised_and_a_request_is_not() {
        for (framing, request, answer) in [(Framing::V4, 8, 0), (Framing::V6, 128, 129)] {
            let mut packet = encode(framing, 7, PROBE);
            assert_eq!(packet[0], request);
            assert_eq!(decode(framing, &packet), None, "our own request");
            packet[0] = answer;
            assert_eq!(decode(framing, &packet), Some(Seen::Answer(PROBE)));
            assert_eq!(decode(framing, &packet[..15]), None, "too short");
        }
    }

    #[test]
    fn a_checksum_makes_the_sum_all_ones() {
        let packet = encode(Framing::V4, 7, PROBE);
        assert_eq!(checksum(&packet), 0);
    }

    #[test]
    fn a_router_that_complains_is_told_with_the_address_it_could_not_reach() {
        let mut packet = v4_header([10, 0, 0, 1]);
        packet.extend([3, 1, 0, 0, 0, 0, 0, 0]);
        packet.extend(v4_header([192, 0, 2, 9]));
        packet.extend(encode(Framing::V4, 7, PROBE));
        let to = IpAddr::from([192, 0, 2, 9]);
        let seen = Seen::Unreachable(PROBE, to, "host unreachable");
        assert_eq!(decode(Framing::V4WithHeader, &packet), Some(seen));

        let to = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9);
        let mut packet = vec![1, 1, 0, 0, 0, 0, 0, 0];
        packet.extend([0; 24]);
        packet.extend(to.octets());
        packet.extend(encode(Framing::V6, 7, PROBE));
        let seen = Seen::Unreachable(PROBE, to.into(), "forbidden by a firewall");
        assert_eq!(decode(Framing::V6, &packet), Some(seen));
    }

    proptest! {
        #[test]
        fn no_bytes_from_outside_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            for framing in [Framing::V4WithHeader, Framing::V4, Framing::V6] {
                let _ = decode(framing, &bytes);
            }
        }
    }
}
