//! The other side of the wire, for whoever answers: requests out of octets, replies into octets.

use snmp2::AsnReader;
use snmp2::asn1::{TYPE_OBJECTIDENTIFIER, TYPE_OCTETSTRING, TYPE_SEQUENCE};
use snmp2::snmp::{MSG_GET, MSG_GET_BULK, MSG_GET_NEXT, MSG_RESPONSE};

use super::message::{
    Malformed, Varbinds, frame, header_length, integer_length, number, push_header, push_integer,
    push_octets, used_up,
};
use super::oid;
use super::value::{self, Datum};

pub(crate) use super::usm::{Heard, LocalEngine, LocalUser, Seal};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    Get,
    GetNext,
    GetBulk {
        non_repeaters: u32,
        max_repetitions: u32,
    },
}

/// A request of version 1 (0 on the wire), 2c (1) or 3.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) version: u32,
    pub(crate) community: &'a [u8],
    pub(crate) question: Question,
    pub(crate) id: u32,
    /// The list of varbinds as it came.
    pub(crate) varbinds: &'a [u8],
    /// The BER content octets of the names.
    pub(crate) names: Vec<&'a [u8]>,
}

impl<'a> Request<'a> {
    /// `None` for whatever is not wholly a GET, GETNEXT or GETBULK of version 1 or 2c.
    pub(crate) fn decode(datagram: &'a [u8]) -> Option<Request<'a>> {
        Request::read(datagram).ok()
    }

    fn read(datagram: &'a [u8]) -> Result<Request<'a>, Malformed> {
        let mut outer = AsnReader::from_bytes(datagram);
        let mut message = AsnReader::from_bytes(frame(&mut outer, TYPE_SEQUENCE)?);
        used_up(&outer)?;
        let version = number(&mut message)?;
        let community = frame(&mut message, TYPE_OCTETSTRING)?;
        let tag = message
            .peek_byte()
            .map_err(|_| Malformed("a message without a request"))?;
        let pdu = frame(&mut message, tag)?;
        used_up(&message)?;
        if version > 1 {
            return Err(Malformed("a request of another version"));
        }
        Request::read_pdu((version, community), tag, pdu)
    }

    /// What a message of version 3 asks, by the tag and the content of its PDU.
    pub(crate) fn of_pdu(tag: u8, pdu: &'a [u8]) -> Option<Request<'a>> {
        Request::read_pdu((3, &[]), tag, pdu).ok()
    }

    fn read_pdu(
        (version, community): (u32, &'a [u8]),
        tag: u8,
        pdu: &'a [u8],
    ) -> Result<Request<'a>, Malformed> {
        let mut pdu = AsnReader::from_bytes(pdu);
        let id = number(&mut pdu)?;
        let non_repeaters = number(&mut pdu)?;
        let max_repetitions = number(&mut pdu)?;
        let varbinds = frame(&mut pdu, TYPE_SEQUENCE)?;
        used_up(&pdu)?;
        let question = match (tag, version) {
            (MSG_GET, _) => Question::Get,
            (MSG_GET_NEXT, _) => Question::GetNext,
            (MSG_GET_BULK, 1..) => Question::GetBulk {
                non_repeaters,
                max_repetitions,
            },
            _ => return Err(Malformed("a request of another kind or version")),
        };
        Ok(Request {
            version,
            community,
            question,
            id,
            varbinds,
            names: names(varbinds)?,
        })
    }
}

fn names(varbinds: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    let mut names = Vec::new();
    let mut list = AsnReader::from_bytes(varbinds);
    while list.bytes_left() > 0 {
        let mut pair = AsnReader::from_bytes(frame(&mut list, TYPE_SEQUENCE)?);
        names.push(frame(&mut pair, TYPE_OBJECTIDENTIFIER)?);
        let tag = pair
            .peek_byte()
            .map_err(|_| Malformed("a varbind without a value"))?;
        frame(&mut pair, tag)?;
        used_up(&pair)?;
    }
    Ok(names)
}

/// Replaces `arcs` by those that the content octets of a name stand for; `false` when they stand
/// for none.
pub(crate) fn read_name(content: &[u8], arcs: &mut Vec<u32>) -> bool {
    oid::decode(content, arcs).is_ok()
}

/// The whole number that a value stands for, read as leniently as everywhere else; `None` when it is
/// none.
pub(crate) fn read_number(tag: u8, content: &[u8]) -> Option<i128> {
    match value::decode(tag, content) {
        Datum::Integer(v) => Some(v.into()),
        Datum::Counter32(v) | Datum::Gauge(v) | Datum::Ticks(v) => Some(v.into()),
        Datum::Counter64(v) => Some(v.into()),
        _ => None,
    }
}

/// Appends the content octets of a name.
pub(crate) fn push_name(arcs: &[u32], out: &mut Vec<u8>) {
    oid::encode(arcs, &[], out);
}

/// Appends a varbind: the content octets of its name, tag and content octets of its value.
pub(crate) fn push_varbind(name: &[u8], tag: u8, value: &[u8], out: &mut Vec<u8>) {
    let content = header_length(name.len()) + name.len() + header_length(value.len()) + value.len();
    push_header(TYPE_SEQUENCE, content, out);
    push_header(TYPE_OBJECTIDENTIFIER, name.len(), out);
    out.extend_from_slice(name);
    push_header(tag, value.len(), out);
    out.extend_from_slice(value);
}

/// What is answered, with everything that can be wrong about it.
#[derive(Clone, Debug)]
pub(crate) struct Reply<'a> {
    pub(crate) version: u32,
    pub(crate) community: &'a [u8],
    /// The tag of the PDU.
    pub(crate) tag: u8,
    pub(crate) id: u32,
    pub(crate) status: u32,
    pub(crate) index: u32,
    /// As [`push_varbind`] made them, at most 65,000 octets.
    pub(crate) varbinds: &'a [u8],
}

impl<'a> Reply<'a> {
    pub(crate) fn to(
        request: &Request<'a>,
        (status, index): (u32, u32),
        varbinds: &'a [u8],
    ) -> Reply<'a> {
        Reply {
            version: request.version,
            community: request.community,
            tag: MSG_RESPONSE,
            id: request.id,
            status,
            index,
            varbinds,
        }
    }

    /// Appends the whole message of version 1 or 2c; of version 3 the PDU alone.
    pub(crate) fn push(&self, out: &mut Vec<u8>) {
        let integers =
            integer_length(self.id) + integer_length(self.status) + integer_length(self.index);
        let pdu = integers + header_length(self.varbinds.len()) + self.varbinds.len();
        if self.version < 3 {
            let community = header_length(self.community.len()) + self.community.len();
            let message = integer_length(self.version) + community + header_length(pdu) + pdu;
            push_header(TYPE_SEQUENCE, message, out);
            push_integer(self.version, out);
            push_octets(self.community, out);
        }
        push_header(self.tag, pdu, out);
        push_integer(self.id, out);
        push_integer(self.status, out);
        push_integer(self.index, out);
        push_header(TYPE_SEQUENCE, self.varbinds.len(), out);
        out.extend_from_slice(self.varbinds);
    }
}

/// Appends the whole reply to `request`; to one of version 3 its PDU.
pub(crate) fn push_reply(
    request: &Request<'_>,
    error: (u32, u32),
    varbinds: &[u8],
    out: &mut Vec<u8>,
) {
    Reply::to(request, error, varbinds).push(out);
}

/// Takes a list of varbinds apart: name, tag and content octets of each.
pub(crate) fn varbinds(list: &[u8]) -> Vec<(Vec<u8>, u8, Vec<u8>)> {
    let mut read = Varbinds::of(list);
    let next = || read.next_raw().and_then(Result::ok);
    std::iter::from_fn(next)
        .map(|(name, tag, content)| (name.to_vec(), tag, content.to_vec()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::message::{self, Ask, Response};
    use super::*;
    use crate::inventory::SnmpVersion;

    fn ask(version: SnmpVersion, ask: Ask) -> Vec<u8> {
        let (mut varbinds, mut out) = (Vec::new(), Vec::new());
        message::push_name(&[1, 3, 6, 1], &[2], &mut varbinds);
        message::push_name(&[1, 3, 6, 1, 70_000], &[], &mut varbinds);
        message::encode(version, b"c", ask, 7, &varbinds, &mut out);
        out
    }

    #[test]
    fn reads_what_we_ask_and_writes_what_we_read() {
        let datagram = ask(SnmpVersion::V2c, Ask::GetBulk { max_repetitions: 9 });
        let request = Request::decode(&datagram).unwrap();
        let bulk = Question::GetBulk {
            non_repeaters: 0,
            max_repetitions: 9,
        };
        assert_eq!((request.question, request.id), (bulk, 7));
        let mut arcs = Vec::new();
        assert!(read_name(request.names[1], &mut arcs));
        assert_eq!(arcs, [1, 3, 6, 1, 70_000]);

        let mut varbinds = Vec::new();
        push_varbind(request.names[0], 0x04, &[b'x'; 300], &mut varbinds);
        let mut out = Vec::new();
        push_reply(&request, (0, 0), &varbinds, &mut out);
        let response = Response::decode(&out).unwrap();
        assert_eq!((response.id, response.version), (7, 1));
        let read: Vec<_> = response.varbinds().map(Result::unwrap).collect();
        assert_eq!(read[0].0, request.names[0]);
        assert_eq!(read[0].1, Datum::Bytes([b'x'; 300].into()));
    }

    #[test]
    fn refuses_what_is_no_request() {
        assert!(Request::decode(&ask(SnmpVersion::V1, Ask::Get)).is_some());
        let bulk = ask(SnmpVersion::V1, Ask::GetBulk { max_repetitions: 9 });
        assert!(Request::decode(&bulk).is_none(), "not of version 1");
        let whole = ask(SnmpVersion::V2c, Ask::Get);
        for end in 0..whole.len() {
            assert!(Request::decode(&whole[..end]).is_none(), "{end}");
        }
        let mut longer = whole.clone();
        longer.push(0);
        assert!(Request::decode(&longer).is_none());
    }
}
