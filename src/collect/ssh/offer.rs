//! What a server offers when there is nothing in common with it: libssh2 does not tell, so the first
//! two messages of the protocol are read once more, by hand.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ssh2::{MethodType, Session};

use super::session::HOST_KEY_METHODS;
use crate::machine::clean;

/// Lines before the server's version, and the message after it, are not longer than this.
const HEAD_MAX: usize = 16 * 1024;
const PACKET_MAX: usize = 64 * 1024;

/// A sentence that names the first kind of algorithm without a common one. `None` when the server
/// does not say it again.
pub(super) fn difference(stream: TcpStream, deadline: Instant) -> Option<String> {
    let payload = key_exchange_init(stream, deadline)?;
    let session = Session::new().ok()?;
    let ours = |kind| session.supported_algs(kind).unwrap_or_default();
    let lists = name_lists(&payload)?;
    let [kex, host_key, cipher, _, mac, ..] = lists.as_slice() else {
        return None;
    };
    let kinds = [
        ("key exchanges", kex, ours(MethodType::Kex)),
        ("host keys", host_key, HOST_KEY_METHODS.to_vec()),
        ("ciphers", cipher, ours(MethodType::CryptCs)),
        ("message codes", mac, ours(MethodType::MacCs)),
    ];
    let (kind, theirs, ours) = kinds
        .into_iter()
        .find(|(_, theirs, ours)| !theirs.iter().any(|name| ours.contains(name)))?;
    // Markers that are no algorithms would only confuse.
    let real = |name: &&&str| !name.starts_with("kex-strict") && !name.starts_with("ext-info");
    let join = |names: &[&str]| {
        names
            .iter()
            .filter(real)
            .copied()
            .collect::<Vec<_>>()
            .join(", ")
    };
    Some(format!(
        "the server offers none of our {kind}: it has {}; we have {}",
        clean(&join(theirs)),
        clean(&join(&ours))
    ))
}

/// The payload of the server's SSH_MSG_KEXINIT, which it sends unasked and in the clear.
fn key_exchange_init(mut stream: TcpStream, deadline: Instant) -> Option<Vec<u8>> {
    stream.write_all(b"SSH-2.0-eider\r\n").ok()?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(payload) = payload(&bytes) {
            return Some(payload.to_vec());
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if bytes.len() > HEAD_MAX + PACKET_MAX || left.is_zero() {
            return None;
        }
        stream
            .set_read_timeout(Some(left.max(Duration::from_millis(1))))
            .ok()?;
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
}

/// RFC 4253: lines until the one that begins with `SSH-`, then a packet of length, padding length,
/// payload, padding.
fn payload(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    loop {
        let end = rest.iter().position(|b| *b == b'\n')?;
        let is_version = rest.starts_with(b"SSH-");
        rest = &rest[end + 1..];
        if is_version {
            break;
        }
    }
    let length = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?) as usize;
    if length > PACKET_MAX {
        return None;
    }
    let packet = rest.get(4..4 + length)?;
    let padding = usize::from(*packet.first()?);
    packet.get(1..length.checked_sub(padding)?)
}

/// The ten name lists of SSH_MSG_KEXINIT (message 20, then 16 bytes of cookie).
fn name_lists(payload: &[u8]) -> Option<Vec<Vec<&str>>> {
    if payload.first() != Some(&20) {
        return None;
    }
    let mut rest = payload.get(17..)?;
    let mut lists = Vec::new();
    for _ in 0..10 {
        let length = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?) as usize;
        let list = rest.get(4..4usize.checked_add(length)?)?;
        let names = std::str::from_utf8(list).ok()?;
        lists.push(names.split(',').filter(|n| !n.is_empty()).collect());
        rest = &rest[4 + length..];
    }
    Some(lists)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message() -> Vec<u8> {
        let mut payload = vec![20];
        payload.extend_from_slice(&[7; 16]);
        for list in [
            "dh-old", "ssh-dss", "3des", "3des", "md5", "md5", "none", "none", "", "",
        ] {
            payload.extend_from_slice(&(list.len() as u32).to_be_bytes());
            payload.extend_from_slice(list.as_bytes());
        }
        payload.extend_from_slice(&[0; 5]);
        let mut bytes = b"hello\r\nSSH-2.0-old\r\n".to_vec();
        bytes.extend_from_slice(&((payload.len() + 5) as u32).to_be_bytes());
        bytes.push(4);
        bytes.extend_from_slice(&payload);
        bytes.extend_from_slice(&[0; 4]);
        bytes
    }

    #[test]
    fn the_lists_are_read() {
        let bytes = message();
        let lists = name_lists(payload(&bytes).unwrap()).unwrap();
        assert_eq!(lists.len(), 10);
        assert_eq!(lists[1], ["ssh-dss"]);
        assert!(lists[9].is_empty());
        assert_eq!(payload(&bytes[..bytes.len() - 1]), None);
    }

    proptest! {
        #[test]
        fn nonsense_never_panics(at in 0usize..200, byte: u8, cut in 0usize..200) {
            let mut bytes = message();
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(cut.max(1));
            let _ = payload(&bytes).and_then(name_lists);
        }
    }
}
