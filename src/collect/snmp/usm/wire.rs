//! SNMP v3 messages (RFC 3412, RFC 3414): the envelope around what is asked and answered.

use snmp2::AsnReader;
use snmp2::asn1::{TYPE_OCTETSTRING, TYPE_SEQUENCE};
use snmp2::snmp::{V3_MSG_FLAGS_AUTH, V3_MSG_FLAGS_PRIVACY, V3_MSG_FLAGS_REPORTABLE};

use super::Question;
use crate::collect::snmp::message::{
    self, Malformed, frame, header_length, integer_length, number, octets_length, push_header,
    push_integer, push_octets, used_up,
};

const VERSION: u32 = 3;
/// The user-based security model.
const USM: u32 = 3;
/// The longest message that we take.
pub(super) const OUR_MAX_SIZE: u32 = 65_507;
/// RFC 3412: nobody may take less than the first. More than the second does not exist over UDP.
const MAX_SIZE: (u32, u32) = (484, 65_507);
/// RFC 3411, SnmpEngineID; none in a question for it.
const ENGINE_ID: std::ops::RangeInclusive<usize> = 5..=32;

/// How a message is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::collect::snmp) struct Level {
    pub(in crate::collect::snmp) signed: bool,
    pub(in crate::collect::snmp) encrypted: bool,
}

/// What stands around the text of a message.
pub(super) struct Envelope<'a> {
    pub(super) id: u32,
    pub(super) level: Level,
    /// It expects an answer, be it a Report.
    pub(super) reportable: bool,
    pub(super) engine_id: &'a [u8],
    pub(super) boots: u32,
    pub(super) time: u32,
    pub(super) user: &'a [u8],
    /// Of the signature, whose place is filled with zeros.
    pub(super) tag_length: usize,
    pub(super) salt: &'a [u8],
    /// The longest message that the sender takes.
    pub(super) max_size: u32,
}

/// Replaces `out` by a whole message but for its signature, and returns where that goes. `text` is
/// the content of the scoped PDU, encrypted or not.
pub(super) fn encode(envelope: &Envelope<'_>, text: &[u8], out: &mut Vec<u8>) -> usize {
    let Level { signed, encrypted } = envelope.level;
    let mut flags = match envelope.reportable {
        true => V3_MSG_FLAGS_REPORTABLE,
        false => 0,
    };
    flags |= if signed { V3_MSG_FLAGS_AUTH } else { 0 };
    flags |= if encrypted { V3_MSG_FLAGS_PRIVACY } else { 0 };
    let tag = envelope.tag_length;
    let header = integer_length(envelope.id)
        + integer_length(envelope.max_size)
        + octets_length(&[flags])
        + integer_length(USM);
    let security = octets_length(envelope.engine_id)
        + integer_length(envelope.boots)
        + integer_length(envelope.time)
        + octets_length(envelope.user)
        + header_length(tag)
        + tag
        + octets_length(envelope.salt);
    let wrapped = header_length(security) + security;
    let content = integer_length(VERSION)
        + header_length(header)
        + header
        + header_length(wrapped)
        + wrapped
        + header_length(text.len())
        + text.len();
    out.clear();
    push_header(TYPE_SEQUENCE, content, out);
    push_integer(VERSION, out);
    push_header(TYPE_SEQUENCE, header, out);
    push_integer(envelope.id, out);
    push_integer(envelope.max_size, out);
    push_octets(&[flags], out);
    push_integer(USM, out);
    push_header(TYPE_OCTETSTRING, wrapped, out);
    push_header(TYPE_SEQUENCE, security, out);
    push_octets(envelope.engine_id, out);
    push_integer(envelope.boots, out);
    push_integer(envelope.time, out);
    push_octets(envelope.user, out);
    push_header(TYPE_OCTETSTRING, tag, out);
    let at = out.len();
    out.resize(at + tag, 0);
    push_octets(envelope.salt, out);
    let kind = if encrypted {
        TYPE_OCTETSTRING
    } else {
        TYPE_SEQUENCE
    };
    push_header(kind, text.len(), out);
    out.extend_from_slice(text);
    at
}

/// Replaces `out` by the content of a scoped PDU; with its frame when it is to be encrypted.
pub(super) fn encode_scoped(
    engine_id: &[u8],
    question: Question<'_>,
    framed: bool,
    out: &mut Vec<u8>,
) {
    let Question {
        ask,
        id,
        varbinds,
        context,
    } = question;
    out.clear();
    if framed {
        let length = octets_length(engine_id)
            + octets_length(context)
            + message::pdu_length(ask, id, varbinds);
        push_header(TYPE_SEQUENCE, length, out);
    }
    push_octets(engine_id, out);
    push_octets(context, out);
    message::push_pdu(ask, id, varbinds, out);
}

/// A message taken apart; nothing in it is to be believed yet.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) id: u32,
    /// The longest message that the sender takes.
    pub(super) max_size: u32,
    pub(super) level: Level,
    /// The sender expects an answer, be it a Report.
    pub(super) reportable: bool,
    /// Empty or of 5 to 32 octets.
    pub(super) engine_id: &'a [u8],
    pub(super) boots: u32,
    pub(super) time: u32,
    pub(super) user: &'a [u8],
    pub(super) tag_at: usize,
    pub(super) tag_length: usize,
    pub(super) salt: &'a [u8],
    /// The content of the scoped PDU, or of what it is encrypted to.
    pub(super) text: &'a [u8],
}

/// The id of a v3 message; `None` when it is none.
pub(in crate::collect::snmp) fn message_id(datagram: &[u8]) -> Option<u32> {
    let mut message = AsnReader::from_bytes(datagram);
    let mut message = AsnReader::from_bytes(frame(&mut message, TYPE_SEQUENCE).ok()?);
    if number(&mut message).ok()? != VERSION {
        return None;
    }
    let mut header = AsnReader::from_bytes(frame(&mut message, TYPE_SEQUENCE).ok()?);
    number(&mut header).ok()
}

/// Takes a message apart.
pub(super) fn decode(datagram: &[u8]) -> Result<Message<'_>, Malformed> {
    let mut outer = AsnReader::from_bytes(datagram);
    let content = frame(&mut outer, TYPE_SEQUENCE)?;
    used_up(&outer)?;
    let mut message = AsnReader::from_bytes(content);
    if number(&mut message)? != VERSION {
        return Err(Malformed("another SNMP version"));
    }
    let mut header = AsnReader::from_bytes(frame(&mut message, TYPE_SEQUENCE)?);
    let id = number(&mut header)?;
    let max_size = number(&mut header)?.clamp(MAX_SIZE.0, MAX_SIZE.1);
    let &[flags] = frame(&mut header, TYPE_OCTETSTRING)? else {
        return Err(Malformed("flags of a wrong length"));
    };
    if number(&mut header)? != USM {
        return Err(Malformed("another security model"));
    }
    used_up(&header)?;
    let level = Level {
        signed: flags & V3_MSG_FLAGS_AUTH != 0,
        encrypted: flags & V3_MSG_FLAGS_PRIVACY != 0,
    };
    let mut wrapped = AsnReader::from_bytes(frame(&mut message, TYPE_OCTETSTRING)?);
    let mut security = AsnReader::from_bytes(frame(&mut wrapped, TYPE_SEQUENCE)?);
    used_up(&wrapped)?;
    let engine_id = frame(&mut security, TYPE_OCTETSTRING)?;
    if !engine_id.is_empty() && !ENGINE_ID.contains(&engine_id.len()) {
        return Err(Malformed("an engine ID that has not 5 to 32 octets"));
    }
    let boots = number(&mut security)?;
    let time = number(&mut security)?;
    let user = frame(&mut security, TYPE_OCTETSTRING)?;
    let tag = frame(&mut security, TYPE_OCTETSTRING)?;
    let salt = frame(&mut security, TYPE_OCTETSTRING)?;
    used_up(&security)?;
    let kind = match level.encrypted {
        true => TYPE_OCTETSTRING,
        false => TYPE_SEQUENCE,
    };
    let text = frame(&mut message, kind)?;
    used_up(&message)?;
    Ok(Message {
        id,
        max_size,
        level,
        reportable: flags & V3_MSG_FLAGS_REPORTABLE != 0,
        engine_id,
        boots,
        time,
        user,
        // Both point into the same datagram.
        tag_at: tag.as_ptr() as usize - datagram.as_ptr() as usize,
        tag_length: tag.len(),
        salt,
        text,
    })
}

/// What is asked or answered, and in which context.
pub(in crate::collect::snmp) struct Scoped<'a> {
    /// Whose context it is.
    pub(super) engine_id: &'a [u8],
    pub(super) context: &'a [u8],
    pub(in crate::collect::snmp) tag: u8,
    pub(in crate::collect::snmp) pdu: &'a [u8],
}

/// The content of a scoped PDU.
pub(super) fn decode_scoped(content: &[u8]) -> Result<Scoped<'_>, Malformed> {
    let mut scoped = AsnReader::from_bytes(content);
    let engine_id = frame(&mut scoped, TYPE_OCTETSTRING)?;
    let context = frame(&mut scoped, TYPE_OCTETSTRING)?;
    let tag = scoped
        .peek_byte()
        .map_err(|_| Malformed("a message without content"))?;
    let pdu = frame(&mut scoped, tag)?;
    used_up(&scoped)?;
    Ok(Scoped {
        engine_id,
        context,
        tag,
        pdu,
    })
}

/// Takes the frame off a decrypted scoped PDU; the cipher's padding may follow it.
pub(super) fn unframe(text: &[u8]) -> Result<&[u8], Malformed> {
    let mut reader = AsnReader::from_bytes(text);
    let content = frame(&mut reader, TYPE_SEQUENCE)?;
    match reader.bytes_left() {
        0..8 => Ok(content),
        _ => Err(Malformed("octets left over")),
    }
}
