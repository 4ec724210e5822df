//! Requests spelled out by hand, and what a device must answer by RFC 3416 and RFC 1157.

use super::*;
use crate::simulate::Recording;
use crate::simulate::shape::Shape;

const GET: u8 = 0xa0;
const NEXT: u8 = 0xa1;
const BULK: u8 = 0xa5;

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag, 0x82];
    out.extend((content.len() as u16).to_be_bytes());
    out.extend(content);
    out
}

fn request(version: u8, pdu: u8, numbers: (u8, u8), names: &[&[u32]]) -> Vec<u8> {
    let mut list = Vec::new();
    for arcs in names {
        let mut name = Vec::new();
        codec::push_name(arcs, &mut name);
        let pair = [tlv(0x06, &name), vec![5, 0]].concat();
        list.extend(tlv(0x30, &pair));
    }
    let body = [
        vec![2, 1, 9, 2, 1, numbers.0, 2, 1, numbers.1],
        tlv(0x30, &list),
    ]
    .concat();
    let message = [vec![2, 1, version], tlv(4, b"c"), tlv(pdu, &body)].concat();
    tlv(0x30, &message)
}

/// Error status and index, and each varbind as name's last arc, tag, content.
type Read = ((u8, u8), Vec<(u32, u8, Vec<u8>)>);

fn ask(limit: usize, datagram: &[u8]) -> Read {
    let text = b"1.3.6.1|2|1\n1.3.6.2|4|two\n1.3.6.3|70|3\n1.3.6.4|2|4\n";
    let recording = Recording::parse(text).unwrap();
    let shape = Shape {
        seed: 1,
        ports: 1,
        counters32: false,
        reboot_every_ms: 0,
        renumber_every_ms: 0,
    };
    let agent = Agent {
        objects: &recording.objects,
        moment: Moment {
            shape: &shape,
            device: 0,
            elapsed_ms: 0,
        },
        limit,
    };
    let request = Request::decode(datagram).unwrap();
    let mut out = Vec::new();
    let mut scratch = Scratch::default();
    let error = agent.answer(&request, &mut scratch).unwrap();
    let fine = error.0 != TOO_BIG;
    codec::push_reply(&request, error, &scratch.varbinds, &mut out);
    assert!(out.len() <= limit.max(70), "{}", out.len());
    let read = read(&out);
    assert_eq!(fine, read.0.0 != 1);
    read
}

fn read(out: &[u8]) -> Read {
    // SEQUENCE, version, community, then the Response with id, status, index and the list.
    let at = |i: usize| out[i];
    let header = |i: usize| match at(i + 1) {
        0x82 => 4,
        0x81 => 3,
        _ => 2,
    };
    let pdu = header(0) + 6;
    assert_eq!(at(pdu), 0xa2);
    let body = pdu + header(pdu);
    assert_eq!(&out[body..body + 3], [2, 1, 9]);
    let (status, index) = (at(body + 5), at(body + 8));
    let mut rest = &out[body + 9 + header(body + 9)..];
    let mut varbinds = Vec::new();
    while !rest.is_empty() {
        if rest[1] == 0x82 {
            // Echoed as it came, in long frames.
            varbinds.push((0, 5, vec![]));
            rest = &rest[4 + usize::from(rest[3])..];
            continue;
        }
        let length = usize::from(rest[1]);
        let pair = &rest[2..2 + length];
        rest = &rest[2 + length..];
        let name = usize::from(pair[1]);
        let arc = u32::from(pair[1 + name]);
        varbinds.push((arc, pair[2 + name], pair[4 + name..].to_vec()));
    }
    ((status, index), varbinds)
}

#[test]
fn get_answers_each_name_by_itself() {
    let names: [&[u32]; 3] = [&[1, 3, 6, 2], &[1, 3, 6, 9], &[1, 3, 6, 3]];
    let (error, varbinds) = ask(1_472, &request(1, GET, (0, 0), &names));
    assert_eq!(error, (0, 0));
    let expected = [
        (2, 0x04, b"two".to_vec()),
        (9, 0x80, vec![]),
        (3, 0x46, vec![3]),
    ];
    assert_eq!(varbinds, expected);
    let (error, varbinds) = ask(1_472, &request(0, GET, (0, 0), &names));
    assert_eq!((error, varbinds.len()), ((2, 2), 3), "the whole fails");
}

#[test]
fn version_1_walks_past_wide_counters() {
    let (_, varbinds) = ask(1_472, &request(0, NEXT, (0, 0), &[&[1, 3, 6, 2]]));
    assert_eq!(varbinds, [(4, 2, vec![4])]);
    let (error, _) = ask(1_472, &request(0, GET, (0, 0), &[&[1, 3, 6, 3]]));
    assert_eq!(error, (2, 1));
    let (error, _) = ask(1_472, &request(0, NEXT, (0, 0), &[&[1, 3, 6, 4]]));
    assert_eq!(error, (2, 1), "the end");
    let (error, varbinds) = ask(1_472, &request(1, NEXT, (0, 0), &[&[1, 3, 6, 4]]));
    assert_eq!((error, varbinds), ((0, 0), vec![(4, 0x82, vec![])]));
}

#[test]
fn bulk_goes_on_to_the_end_and_says_so() {
    let names: [&[u32]; 2] = [&[1, 3], &[1, 3, 6, 2]];
    let arcs = |read: &Read| -> Vec<(u32, u8)> { read.1.iter().map(|v| (v.0, v.1)).collect() };
    let read = ask(1_472, &request(1, BULK, (1, 3), &names));
    assert_eq!(arcs(&read), [(1, 2), (3, 0x46), (4, 2), (4, 0x82)]);
    let read = ask(1_472, &request(1, BULK, (0, 2), &names));
    assert_eq!(arcs(&read), [(1, 2), (3, 0x46), (2, 4), (4, 2)]);
    let read = ask(1_472, &request(1, BULK, (0, 100), &[&[2, 5]]));
    assert_eq!(read.1.len(), 1, "nothing behind: said once");
    let read = ask(1_472, &request(1, BULK, (0, 0), &names));
    assert_eq!((read.0, read.1.len()), ((0, 0), 0));
}

#[test]
fn what_does_not_fit_is_cut_or_refused() {
    let names: [&[u32]; 3] = [&[1, 3, 6, 1], &[1, 3, 6, 2], &[1, 3, 6, 3]];
    let (error, varbinds) = ask(60, &request(1, GET, (0, 0), &names));
    assert_eq!((error, varbinds.len()), ((1, 0), 0));
    let (error, varbinds) = ask(60, &request(0, GET, (0, 0), &names[..2]));
    assert_eq!((error, varbinds.len()), ((1, 0), 2), "version 1 echoes");
    let (error, varbinds) = ask(60, &request(1, BULK, (0, 9), &[&[1, 3]]));
    assert_eq!((error, varbinds.len()), ((0, 0), 1));
}
