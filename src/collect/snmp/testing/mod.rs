//! Replies as a device would write them, spelled out by hand so that the tests do not lean on the
//! encoder that they test.

pub(super) mod agent;

/// Name, tag, content of a varbind.
pub(super) type TestVarbind<'a> = (&'a [u32], u8, Vec<u8>);

/// A frame of any tag.
pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        n @ 0..0x80 => out.push(n as u8),
        n => out.extend([0x82, (n >> 8) as u8, n as u8]),
    }
    out.extend(content);
    out
}

fn integer(value: u32) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend(value.to_be_bytes());
    tlv(0x02, &bytes)
}

/// The content octets of an object identifier.
pub(super) fn oid(arcs: &[u32]) -> Vec<u8> {
    let mut out = vec![(arcs[0] * 40 + arcs[1]) as u8];
    for arc in &arcs[2..] {
        let mut groups = vec![(arc & 0x7f) as u8];
        let mut rest = arc >> 7;
        while rest > 0 {
            groups.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        out.extend(groups.iter().rev());
    }
    out
}

/// A whole message.
pub(super) fn message(
    version: u32,
    community: &[u8],
    pdu: u8,
    id: u32,
    error_status: u32,
    error_index: u32,
    varbinds: &[TestVarbind<'_>],
) -> Vec<u8> {
    let list: Vec<u8> = varbinds
        .iter()
        .flat_map(|(name, tag, content)| {
            let mut pair = tlv(0x06, &oid(name));
            pair.extend(tlv(*tag, content));
            tlv(0x30, &pair)
        })
        .collect();
    let mut body = integer(id);
    body.extend(integer(error_status));
    body.extend(integer(error_index));
    body.extend(tlv(0x30, &list));
    let mut out = integer(version);
    out.extend(tlv(0x04, community));
    out.extend(tlv(pdu, &body));
    tlv(0x30, &out)
}

/// A Response without varbinds.
pub(super) fn answer(version: u32, community: &[u8], id: u32) -> Vec<u8> {
    message(version, community, 0xa2, id, 0, 0, &[])
}
