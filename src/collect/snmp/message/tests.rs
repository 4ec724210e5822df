//! The encoder and decoder against snmp2's as a second opinion, and against nasty octets.

use proptest::prelude::*;
use snmp2::{MessageType, Pdu, Value};

use super::*;
use crate::collect::snmp::testing::{self, tlv};

const UPTIME: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 3];

fn request(version: SnmpVersion, ask: Ask, id: u32, names: &[&[u32]]) -> Vec<u8> {
    let mut varbinds = Vec::new();
    for name in names {
        push_name(name, &[0], &mut varbinds);
    }
    let mut out = Vec::new();
    encode(version, b"public", ask, id, &varbinds, &mut out);
    out
}

#[test]
fn snmp2_reads_what_we_write() {
    let long: Vec<u32> = [1, 3].into_iter().chain(vec![u32::MAX; 100]).collect();
    let asks = [
        (Ask::Get, MessageType::GetRequest, 0),
        (Ask::GetNext, MessageType::GetNextRequest, 0),
        (
            Ask::GetBulk {
                max_repetitions: 25,
            },
            MessageType::GetBulkRequest,
            25,
        ),
    ];
    for (ask, kind, repetitions) in asks {
        for id in [1, 127, 128, 0x7fff, 0x8000, 0x7fff_ffff] {
            for names in [&[UPTIME; 1][..], &[UPTIME; 60], &[&long, UPTIME]] {
                let datagram = request(SnmpVersion::V2c, ask, id, names);
                let pdu = Pdu::from_bytes(&datagram).unwrap();
                assert_eq!(pdu.version(), Ok(snmp2::Version::V2C));
                assert_eq!(pdu.community, b"public");
                assert_eq!(pdu.message_type, kind);
                assert_eq!(pdu.req_id, id as i32);
                assert_eq!((pdu.error_status, pdu.error_index), (0, repetitions));
                let read: Vec<_> = pdu.varbinds.collect();
                assert_eq!(read.len(), names.len());
                for ((oid, value), name) in read.iter().zip(names) {
                    let mut expected = Vec::new();
                    oid::encode(name, &[0], &mut expected);
                    assert_eq!(oid.as_bytes(), expected);
                    assert!(matches!(value, Value::Null));
                }
            }
        }
    }
}

#[test]
fn version_1_says_so() {
    let datagram = request(SnmpVersion::V1, Ask::Get, 5, &[UPTIME]);
    assert_eq!(
        Pdu::from_bytes(&datagram).unwrap().version(),
        Ok(snmp2::Version::V1)
    );
}

#[test]
fn we_read_what_snmp2_reads() {
    let varbinds: Vec<testing::TestVarbind<'_>> = vec![
        (UPTIME, 0x43, vec![1, 0]),
        (UPTIME, 0x41, vec![0, 0xff, 0xff, 0xff, 0xff]),
        (
            UPTIME,
            0x46,
            vec![0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ),
        (UPTIME, 0x42, vec![0x7f]),
        (UPTIME, 0x02, vec![0xff, 0xfe]),
        (UPTIME, 0x04, b"text".to_vec()),
        (UPTIME, 0x40, vec![10, 1, 2, 3]),
        (UPTIME, 0x82, vec![]),
        (UPTIME, 0x81, vec![]),
    ];
    let datagram = testing::message(1, b"c", 0xa2, 77, 0, 0, &varbinds);
    let theirs = Pdu::from_bytes(&datagram).unwrap();
    let ours = Response::decode(&datagram).unwrap();
    assert_eq!(
        (ours.id, ours.community, ours.version),
        (77, theirs.community, 1)
    );
    let ours: Vec<_> = ours.varbinds().collect::<Result<_, _>>().unwrap();
    let theirs: Vec<_> = theirs.varbinds.collect();
    assert_eq!(ours.len(), varbinds.len());
    for ((name, value), (their_name, their_value)) in ours.iter().zip(&theirs) {
        assert_eq!(*name, their_name.as_bytes());
        assert!(same(value, their_value), "{value:?}");
    }
}

fn same(ours: &Datum, theirs: &Value<'_>) -> bool {
    match (ours, theirs) {
        (Datum::Integer(a), Value::Integer(b)) => a == b,
        (Datum::Ticks(a), Value::Timeticks(b))
        | (Datum::Counter32(a), Value::Counter32(b))
        | (Datum::Gauge(a), Value::Unsigned32(b)) => a == b,
        (Datum::Counter64(a), Value::Counter64(b)) => a == b,
        (Datum::Bytes(a), Value::OctetString(b)) => **a == **b,
        (Datum::Ip(a), Value::IpAddress(b)) => a == b,
        (Datum::Oid(a), Value::ObjectIdentifier(b)) => {
            let mut octets = Vec::new();
            oid::encode(a.arcs(), &[], &mut octets);
            octets == b.as_bytes()
        }
        (Datum::Absent, Value::NoSuchInstance | Value::NoSuchObject)
        | (Datum::Null, Value::Null)
        | (Datum::EndOfView, Value::EndOfMibView) => true,
        _ => false,
    }
}

/// All varbinds, or none.
fn read(datagram: &[u8]) -> Result<Vec<Datum>, Malformed> {
    let response = Response::decode(datagram)?;
    response.varbinds().map(|v| v.map(|(_, d)| d)).collect()
}

#[test]
fn one_odd_value_spoils_no_other() {
    let varbinds: Vec<testing::TestVarbind<'_>> = vec![
        (UPTIME, 0x02, vec![1]),
        (UPTIME, 0x02, vec![]),
        (UPTIME, 0x47, vec![9]),
        (UPTIME, 0x40, vec![0; 16]),
        (UPTIME, 0x43, vec![0; 9]),
        (UPTIME, 0x30, tlv(0x30, &tlv(0x30, &[]))),
        (UPTIME, 0x02, vec![2]),
    ];
    let datagram = testing::message(1, b"c", 0xa2, 1, 0, 0, &varbinds);
    let odd = Datum::Unreadable;
    let expected = vec![
        Datum::Integer(1),
        odd.clone(),
        Datum::Gauge(9),
        odd.clone(),
        odd.clone(),
        odd,
        Datum::Integer(2),
    ];
    assert_eq!(read(&datagram), Ok(expected));
    // The crate's own iterator stops at the second and calls it the end.
    assert_eq!(Pdu::from_bytes(&datagram).unwrap().varbinds.count(), 1);
}

#[test]
fn broken_frames_are_no_answer() {
    let body = |list: &[u8]| {
        let pdu = [&[2, 1, 9, 2, 1, 0, 2, 1, 0][..], &tlv(0x30, list)].concat();
        let message = [&[2, 1, 1, 4, 1, b'c'][..], &tlv(0xa2, &pdu)].concat();
        tlv(0x30, &message)
    };
    let name = tlv(0x06, &[0x2b, 6]);
    let pair = tlv(0x30, &[&name[..], &[2, 1, 7]].concat());
    assert_eq!(read(&body(&pair)), Ok(vec![Datum::Integer(7)]));
    let nasty = [
        body(&[&pair[..], &[0x30]].concat()),
        body(&[&pair[..], &[0x30, 5, 6, 1]].concat()),
        body(&[&pair[..], &[0x31, 0]].concat()),
        body(&[&pair[..], &[0, 0]].concat()),
        body(&tlv(0x30, &name)),
        body(&tlv(0x30, &[&name[..], &[2, 1, 7, 5, 0]].concat())),
        body(&tlv(0x30, &[&[6, 0][..], &[2, 1, 7]].concat())),
        body(&tlv(0x30, &[&name[..], &[2, 0x80, 7]].concat())),
        body(&tlv(
            0x30,
            &[&name[..], &[2, 0x84, 0xff, 0xff, 0xff, 0xff]].concat(),
        )),
        [body(&pair), vec![0]].concat(),
        body(&pair)[..body(&pair).len() - 1].to_vec(),
        vec![],
        vec![0x30],
        vec![0x30, 0x80],
        vec![0x30; 65_507],
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        testing::message(1, b"c", 0xa0, 1, 0, 0, &[]),
        testing::message(1, b"c", 0xa8, 1, 0, 0, &[]),
        testing::message(3, b"c", 0xa2, 1, 0, 0, &[]),
        testing::message(1, b"c", 0xa2, 0xffff_ffff, 0, 0, &[]),
    ];
    for datagram in nasty {
        assert!(
            read(&datagram).is_err(),
            "{:02x?}",
            &datagram[..datagram.len().min(60)]
        );
    }
}

proptest! {
    /// Whatever happens to a reply on its way: we read all of it or nothing.
    #[test]
    fn damage_never_yields_part_of_an_answer(
        numbers in proptest::collection::vec(any::<u32>(), 1..20),
        damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..4),
        cut in any::<usize>(),
    ) {
        let varbinds: Vec<testing::TestVarbind<'_>> = numbers
            .iter()
            .map(|n| (UPTIME, 0x42, [&[0], &n.to_be_bytes()[..]].concat()))
            .collect();
        let mut datagram = testing::message(1, b"public", 0xa2, 1, 0, 0, &varbinds);
        for (place, octet) in damage {
            let place = place % datagram.len();
            datagram[place] = octet;
        }
        if cut % 4 == 0 {
            datagram.truncate(cut % datagram.len());
        }
        if let Ok(values) = read(&datagram) {
            prop_assert_eq!(values.len(), numbers.len());
        }
    }

    #[test]
    fn garbage_never_panics(datagram in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&datagram);
    }
}
