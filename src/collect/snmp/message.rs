//! SNMP v1 and v2c messages, and the part of v3 messages that is the same: requests into octets,
//! replies out of octets.
//!
//! snmp2's reader takes the frames apart. Its iterator over varbinds is not used: it ends silently
//! at the first value it cannot read, so that half an answer would pass for a whole one. Here every
//! frame must be used up to its last octet, or the message counts as malformed.

use snmp2::AsnReader;
use snmp2::asn1::{TYPE_INTEGER, TYPE_OBJECTIDENTIFIER, TYPE_OCTETSTRING, TYPE_SEQUENCE};
use snmp2::snmp::{MSG_GET, MSG_GET_BULK, MSG_GET_NEXT, MSG_RESPONSE};

use super::oid;
use super::value::{self, Datum};
use crate::inventory::SnmpVersion;

/// Why octets are not a message; said in words that fit after "malformed reply: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// What is asked of the device. Nothing here can change it: SET does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Get,
    GetNext,
    GetBulk { max_repetitions: u32 },
}

impl Ask {
    /// The tag, and the number that stands where a reply has its error index.
    fn parts(self) -> (u8, u32) {
        match self {
            Ask::Get => (MSG_GET, 0),
            Ask::GetNext => (MSG_GET_NEXT, 0),
            Ask::GetBulk { max_repetitions } => (MSG_GET_BULK, max_repetitions),
        }
    }
}

/// Appends one varbind with the name `root` + `index` and no value. Returns where in it the content
/// octets of the name begin; two octets behind them end it.
pub(super) fn push_name(root: &[u32], index: &[u32], out: &mut Vec<u8>) -> usize {
    let start = out.len();
    // The name's length is known only after it; nearly always one octet holds it.
    out.extend([TYPE_SEQUENCE, 0, TYPE_OBJECTIDENTIFIER, 0]);
    oid::encode(root, index, out);
    let name = out.len() - start - 4;
    let begins = if name < 0x7c {
        out[start + 1] = (name + 4) as u8;
        out[start + 3] = name as u8;
        4
    } else {
        let content = out.split_off(start + 4);
        out.truncate(start);
        out.push(TYPE_SEQUENCE);
        push_length(content.len() + header_length(content.len()) + 2, out);
        out.push(TYPE_OBJECTIDENTIFIER);
        push_length(content.len(), out);
        let begins = out.len() - start;
        out.extend(content);
        begins
    };
    out.extend([snmp2::asn1::TYPE_NULL, 0]);
    begins
}

/// Replaces `out` by a whole request. `varbinds` are as [`push_name`] made them; `id` is positive
/// and below 2^31, since some agents break on negative ones.
pub(super) fn encode(
    version: SnmpVersion,
    community: &[u8],
    ask: Ask,
    id: u32,
    varbinds: &[u8],
    out: &mut Vec<u8>,
) {
    let message = integer_length(0) + octets_length(community) + pdu_length(ask, id, varbinds);
    out.clear();
    push_header(TYPE_SEQUENCE, message, out);
    push_integer(version_number(version), out);
    push_octets(community, out);
    push_pdu(ask, id, varbinds, out);
}

/// Appends what is asked, as every version writes it.
pub(super) fn push_pdu(ask: Ask, id: u32, varbinds: &[u8], out: &mut Vec<u8>) {
    let (tag, repetitions) = ask.parts();
    push_header(tag, pdu_content(ask, id, varbinds), out);
    push_integer(id, out);
    push_integer(0, out);
    push_integer(repetitions, out);
    push_header(TYPE_SEQUENCE, varbinds.len(), out);
    out.extend_from_slice(varbinds);
}

/// How many octets [`push_pdu`] appends.
pub(super) fn pdu_length(ask: Ask, id: u32, varbinds: &[u8]) -> usize {
    let content = pdu_content(ask, id, varbinds);
    header_length(content) + content
}

fn pdu_content(ask: Ask, id: u32, varbinds: &[u8]) -> usize {
    let (_, repetitions) = ask.parts();
    let list = header_length(varbinds.len()) + varbinds.len();
    integer_length(id) + integer_length(0) + integer_length(repetitions) + list
}

/// The number that stands for the version on the wire.
pub(super) fn version_number(version: SnmpVersion) -> u32 {
    match version {
        SnmpVersion::V1 => 0,
        SnmpVersion::V2c => 1,
        SnmpVersion::V3 => 3,
    }
}

pub(super) fn push_header(tag: u8, length: usize, out: &mut Vec<u8>) {
    out.push(tag);
    push_length(length, out);
}

fn push_length(length: usize, out: &mut Vec<u8>) {
    match length {
        0..0x80 => out.push(length as u8),
        0x80..0x100 => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
}

/// How many octets tag and length take.
pub(super) fn header_length(length: usize) -> usize {
    match length {
        0..0x80 => 2,
        0x80..0x100 => 3,
        _ => 4,
    }
}

pub(super) fn push_integer(value: u32, out: &mut Vec<u8>) {
    let length = integer_length(value) - 2;
    out.extend([TYPE_INTEGER, length as u8]);
    out.extend(&u64::from(value).to_be_bytes()[8 - length..]);
}

/// How many octets an INTEGER takes with its header.
pub(super) fn integer_length(value: u32) -> usize {
    // One more bit than the value has, for the sign.
    2 + (33 - value.leading_zeros() as usize).div_ceil(8)
}

/// Appends an OCTET STRING.
pub(super) fn push_octets(octets: &[u8], out: &mut Vec<u8>) {
    push_header(TYPE_OCTETSTRING, octets.len(), out);
    out.extend_from_slice(octets);
}

/// How many octets [`push_octets`] appends.
pub(super) fn octets_length(octets: &[u8]) -> usize {
    header_length(octets.len()) + octets.len()
}

/// A reply whose envelope is sound; its varbinds are yet to be read.
#[derive(Clone, Copy)]
pub(super) struct Response<'a> {
    pub(super) version: u32,
    pub(super) community: &'a [u8],
    pub(super) id: u32,
    pub(super) error_status: u32,
    /// 1-based; 0 when the error is not about one varbind.
    pub(super) error_index: u32,
    varbinds: &'a [u8],
}

impl<'a> Response<'a> {
    /// The envelope of a v1 or v2c Response.
    pub(super) fn decode(datagram: &'a [u8]) -> Result<Response<'a>, Malformed> {
        let mut outer = AsnReader::from_bytes(datagram);
        let message = frame(&mut outer, TYPE_SEQUENCE)?;
        used_up(&outer)?;
        let mut message = AsnReader::from_bytes(message);
        let version = number(&mut message)?;
        if version > 1 {
            return Err(Malformed("another SNMP version"));
        }
        let community = frame(&mut message, TYPE_OCTETSTRING)?;
        let pdu = frame(&mut message, MSG_RESPONSE)?;
        used_up(&message)?;
        Response::of_pdu(version, community, pdu)
    }

    /// The content of a Response or a Report.
    pub(super) fn of_pdu(
        version: u32,
        community: &'a [u8],
        pdu: &'a [u8],
    ) -> Result<Response<'a>, Malformed> {
        let mut pdu = AsnReader::from_bytes(pdu);
        let id = number(&mut pdu)?;
        let error_status = number(&mut pdu)?;
        let error_index = number(&mut pdu)?;
        let varbinds = frame(&mut pdu, TYPE_SEQUENCE)?;
        used_up(&pdu)?;
        Ok(Response {
            version,
            community,
            id,
            error_status,
            error_index,
            varbinds,
        })
    }

    /// How many octets the varbinds take.
    pub(super) fn length(&self) -> usize {
        self.varbinds.len()
    }

    /// Every varbind, or the error that spoils the whole message.
    pub(super) fn varbinds(&self) -> Varbinds<'a> {
        Varbinds::of(self.varbinds)
    }
}

/// Walks over a list of varbinds; after an error it ends.
#[derive(Clone)]
pub(super) struct Varbinds<'a> {
    reader: AsnReader<'a>,
}

/// The BER content octets of the name, and the value.
pub(super) type Varbind<'a> = (&'a [u8], Datum);

/// The same with the value as it came: its tag and its content octets.
pub(super) type RawVarbind<'a> = (&'a [u8], u8, &'a [u8]);

impl<'a> Varbinds<'a> {
    pub(super) fn of(list: &'a [u8]) -> Varbinds<'a> {
        Varbinds {
            reader: AsnReader::from_bytes(list),
        }
    }

    /// As `next`, but leaves the value as it came.
    pub(super) fn next_raw(&mut self) -> Option<Result<RawVarbind<'a>, Malformed>> {
        if self.reader.bytes_left() == 0 {
            return None;
        }
        let read = self.read();
        if read.is_err() {
            self.reader = AsnReader::from_bytes(&[]);
        }
        Some(read)
    }

    fn read(&mut self) -> Result<RawVarbind<'a>, Malformed> {
        let mut pair = AsnReader::from_bytes(frame(&mut self.reader, TYPE_SEQUENCE)?);
        let name = frame(&mut pair, TYPE_OBJECTIDENTIFIER)?;
        if name.is_empty() {
            return Err(Malformed("a varbind without a name"));
        }
        let tag = pair
            .peek_byte()
            .map_err(|_| Malformed("a varbind without a value"))?;
        let content = frame(&mut pair, tag)?;
        used_up(&pair)?;
        Ok((name, tag, content))
    }
}

impl<'a> Iterator for Varbinds<'a> {
    type Item = Result<Varbind<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let decoded = |(name, tag, content)| (name, value::decode(tag, content));
        self.next_raw().map(|read| read.map(decoded))
    }
}

pub(super) fn frame<'a>(reader: &mut AsnReader<'a>, tag: u8) -> Result<&'a [u8], Malformed> {
    reader
        .read_raw(tag)
        .map_err(|_| Malformed("a frame of the wrong kind or length"))
}

pub(super) fn used_up(reader: &AsnReader<'_>) -> Result<(), Malformed> {
    if reader.bytes_left() == 0 {
        Ok(())
    } else {
        Err(Malformed("octets left over"))
    }
}

/// A non-negative INTEGER below 2^31.
pub(super) fn number(reader: &mut AsnReader<'_>) -> Result<u32, Malformed> {
    value::signed(frame(reader, TYPE_INTEGER)?)
        .filter(|v| (0..1 << 31).contains(v))
        .map(|v| v as u32)
        .ok_or(Malformed("a number out of range"))
}

#[cfg(test)]
mod tests;
