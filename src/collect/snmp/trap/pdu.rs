//! The PDUs that come unasked: Trap-PDU of version 1, SNMPv2-Trap-PDU and InformRequest-PDU.

use std::net::Ipv4Addr;

use snmp2::AsnReader;
use snmp2::asn1::{TYPE_INTEGER, TYPE_OBJECTIDENTIFIER, TYPE_SEQUENCE};
use snmp2::snmp::{
    MSG_INFORM, MSG_REPORT, MSG_RESPONSE, MSG_TRAP, MSG_TRAP_V1, TYPE_COUNTER32, TYPE_IPADDRESS,
    TYPE_TIMETICKS,
};

use crate::collect::snmp::codec;
use crate::collect::snmp::message::{
    Malformed, Varbinds, frame, header_length, number, octets_length, push_header, push_integer,
    used_up,
};
use crate::collect::snmp::oid::Oid;
use crate::collect::snmp::text;
use crate::collect::snmp::value::{self, Datum};
use crate::trap::{Content, Trap, Varbind};

const SYS_UP_TIME: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 3, 0];
const SNMP_TRAP_OID: &[u32] = &[1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0];
/// snmpTraps: the generic traps of version 1, from coldStart on.
const SNMP_TRAPS: &[u32] = &[1, 3, 6, 1, 6, 3, 1, 1, 5];
/// The generic trap that is none.
const ENTERPRISE_SPECIFIC: u32 = 6;
/// More octets of one value are not shown.
const LONGEST_HEX: usize = 32;

/// What a PDU says.
pub(super) struct Told<'a> {
    pub(super) trap: Trap,
    /// Whoever sent an inform waits for an answer to this.
    pub(super) inform: Option<Inform<'a>>,
}

/// What the answer to an inform repeats.
#[derive(Clone, Copy)]
pub(super) struct Inform<'a> {
    /// The content octets of the request id: any 32 bits.
    pub(super) id: &'a [u8],
    varbinds: &'a [u8],
}

/// Reads the content of a PDU of this tag, as the version may send it unasked.
pub(super) fn read(version: u32, tag: u8, pdu: &[u8]) -> Result<Told<'_>, Malformed> {
    match (version, tag) {
        (0, MSG_TRAP_V1) => first_version(pdu),
        (1 | 3, MSG_TRAP | MSG_INFORM) => second_version(tag, pdu),
        _ => Err(Malformed("neither a trap nor an inform of its version")),
    }
}

/// RFC 1157, 4.1.6, translated by RFC 3584, 3.1.
fn first_version(pdu: &[u8]) -> Result<Told<'_>, Malformed> {
    let mut pdu = AsnReader::from_bytes(pdu);
    let enterprise = Oid::from_ber(frame(&mut pdu, TYPE_OBJECTIDENTIFIER)?)?;
    let agent = frame(&mut pdu, TYPE_IPADDRESS)?;
    let generic = number(&mut pdu)?;
    let specific = number(&mut pdu)?;
    frame(&mut pdu, TYPE_TIMETICKS)?;
    let varbinds = frame(&mut pdu, TYPE_SEQUENCE)?;
    used_up(&pdu)?;
    let oid = match generic {
        0..ENTERPRISE_SPECIFIC => [SNMP_TRAPS, &[generic + 1]].concat(),
        ENTERPRISE_SPECIFIC => [enterprise.arcs(), &[0, specific]].concat(),
        _ => return Err(Malformed("a generic trap that does not exist")),
    };
    let mut trap = Trap {
        oid,
        ..Trap::default()
    };
    for varbind in Varbinds::of(varbinds) {
        let (name, datum) = varbind?;
        trap.varbinds.push(Varbind {
            oid: Oid::from_ber(name)?.arcs().to_vec(),
            content: content(datum),
        });
    }
    let agent = <[u8; 4]>::try_from(agent).map(Ipv4Addr::from).ok();
    trap.agent = agent.filter(|address| !address.is_unspecified());
    Ok(Told { trap, inform: None })
}

/// RFC 3416, 4.2.6 and 4.2.7.
fn second_version(tag: u8, pdu: &[u8]) -> Result<Told<'_>, Malformed> {
    let mut pdu = AsnReader::from_bytes(pdu);
    let id = frame(&mut pdu, TYPE_INTEGER)?;
    let in_range = value::signed(id).is_some_and(|id| i32::try_from(id).is_ok());
    if !in_range {
        return Err(Malformed("a number out of range"));
    }
    // Error status and index mean nothing here; some senders leave something in them.
    frame(&mut pdu, TYPE_INTEGER)?;
    frame(&mut pdu, TYPE_INTEGER)?;
    let varbinds = frame(&mut pdu, TYPE_SEQUENCE)?;
    used_up(&pdu)?;
    let mut trap = Trap::default();
    for varbind in Varbinds::of(varbinds) {
        let (name, datum) = varbind?;
        let name = Oid::from_ber(name)?;
        match (name.arcs(), datum) {
            (SYS_UP_TIME, Datum::Ticks(_)) => {}
            (SNMP_TRAP_OID, Datum::Oid(oid)) if trap.oid.is_empty() => {
                trap.oid = oid.arcs().to_vec();
            }
            (name, datum) => trap.varbinds.push(Varbind {
                oid: name.to_vec(),
                content: content(datum),
            }),
        }
    }
    if trap.oid.is_empty() {
        return Err(Malformed("a trap without snmpTrapOID.0"));
    }
    let inform = (tag == MSG_INFORM).then_some(Inform { id, varbinds });
    Ok(Told { trap, inform })
}

/// The whole Response-PDU to an inform: what it said, and no error.
pub(super) fn response(inform: Inform<'_>) -> Vec<u8> {
    let list = header_length(inform.varbinds.len()) + inform.varbinds.len();
    let content = octets_length(inform.id) + 3 + 3 + list;
    let mut out = Vec::with_capacity(content + 4);
    push_header(MSG_RESPONSE, content, &mut out);
    push_header(TYPE_INTEGER, inform.id.len(), &mut out);
    out.extend_from_slice(inform.id);
    push_integer(0, &mut out);
    push_integer(0, &mut out);
    push_header(TYPE_SEQUENCE, inform.varbinds.len(), &mut out);
    out.extend_from_slice(inform.varbinds);
    out
}

/// The whole Report-PDU that says that this object was counted up, to `count`.
pub(super) fn report(object: &[u32], count: u32) -> Vec<u8> {
    let (mut name, mut varbinds) = (Vec::new(), Vec::new());
    codec::push_name(object, &mut name);
    let count = [&[0], &count.to_be_bytes()[..]].concat();
    codec::push_varbind(&name, TYPE_COUNTER32, &count, &mut varbinds);
    let content = 3 * 3 + header_length(varbinds.len()) + varbinds.len();
    let mut out = Vec::with_capacity(content + 4);
    push_header(MSG_REPORT, content, &mut out);
    for _ in 0..3 {
        push_integer(0, &mut out);
    }
    push_header(TYPE_SEQUENCE, varbinds.len(), &mut out);
    out.extend_from_slice(&varbinds);
    out
}

fn content(datum: Datum) -> Content {
    match datum {
        Datum::Integer(n) => Content::Int(n),
        Datum::Counter32(n) | Datum::Gauge(n) => Content::Int(i64::from(n)),
        Datum::Counter64(n) => Content::Unsigned(n),
        Datum::Ticks(n) => Content::Ticks(n),
        Datum::Float(n) => Content::Float(n),
        Datum::Bytes(octets) => Content::Text(octets_shown(&octets)),
        Datum::Oid(oid) => Content::Oid(oid.arcs().to_vec()),
        Datum::Ip(address) => Content::Address(Ipv4Addr::from(address)),
        Datum::Null | Datum::Absent | Datum::EndOfView | Datum::Unreadable => Content::Nothing,
    }
}

/// Text as text, anything else as hexadecimal octets.
fn octets_shown(octets: &[u8]) -> String {
    let end = octets.iter().rposition(|b| *b != 0).map_or(0, |i| i + 1);
    let is_text = std::str::from_utf8(&octets[..end]).is_ok_and(|text| {
        let acts = |c: char| c.is_control() && !c.is_whitespace();
        !text.is_empty() && !text.contains(acts)
    });
    if is_text || octets.is_empty() {
        let spaced: Vec<u8> = octets[..end]
            .iter()
            .map(|b| if b.is_ascii_whitespace() { b' ' } else { *b })
            .collect();
        return text::shown(spaced.trim_ascii());
    }
    let hex = octets.iter().take(LONGEST_HEX).map(|b| format!("{b:02x}"));
    let mut shown = hex.collect::<Vec<_>>().join(" ");
    if octets.len() > LONGEST_HEX {
        shown.push_str(&format!(" … ({} octets)", octets.len()));
    }
    shown
}
