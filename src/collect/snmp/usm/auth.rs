//! Authentication: keys out of passwords, signatures and their verification (RFC 3414, RFC 7860).

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::inventory::AuthProtocol;

/// RFC 3414 appendix A.2: a password is repeated to this many octets.
const EXPANDED: usize = 1 << 20;
/// The longest signature, that of SHA-512.
const LONGEST_TAG: usize = 48;

/// Runs the expression with the protocol's hash as a type.
macro_rules! with_hash {
    ($protocol:expr, $hash:ident => $body:expr) => {
        match $protocol {
            AuthProtocol::Md5 => {
                type $hash = Md5;
                $body
            }
            AuthProtocol::Sha1 => {
                type $hash = Sha1;
                $body
            }
            AuthProtocol::Sha224 => {
                type $hash = Sha224;
                $body
            }
            AuthProtocol::Sha256 => {
                type $hash = Sha256;
                $body
            }
            AuthProtocol::Sha384 => {
                type $hash = Sha384;
                $body
            }
            AuthProtocol::Sha512 => {
                type $hash = Sha512;
                $body
            }
        }
    };
}

/// Key material; it never prints.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::collect::snmp) struct Key(pub(super) Vec<u8>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The key of a password for any engine (RFC 3414 A.2), for which a megabyte is hashed. The key of
/// an empty password does not exist.
pub(super) fn master(protocol: AuthProtocol, password: &[u8]) -> Option<Key> {
    if password.is_empty() {
        return None;
    }
    // Whole passwords, so that one piece follows the other without a seam.
    let piece = password.repeat(4_096_usize.div_ceil(password.len()));
    with_hash!(protocol, Hash => {
        let mut hash = Hash::new();
        let mut left = EXPANDED;
        while left > 0 {
            let taken = left.min(piece.len());
            hash.update(&piece[..taken]);
            left -= taken;
        }
        Some(Key(hash.finalize().to_vec()))
    })
}

/// The key for one engine (RFC 3414 A.2).
pub(super) fn localise(protocol: AuthProtocol, master: &Key, engine_id: &[u8]) -> Key {
    hash(protocol, &[&master.0, engine_id, &master.0])
}

/// The hash of the parts, one behind the other.
pub(super) fn hash(protocol: AuthProtocol, parts: &[&[u8]]) -> Key {
    with_hash!(protocol, Hash => {
        let mut hash = Hash::new();
        for part in parts {
            hash.update(part);
        }
        Key(hash.finalize().to_vec())
    })
}

/// What signs the messages of one user to one engine.
#[derive(Clone, Debug)]
pub(in crate::collect::snmp) struct Signer {
    pub(super) protocol: AuthProtocol,
    pub(super) key: Key,
}

impl Signer {
    /// How many octets a signature has: RFC 3414 6.3.1 and 7.3.1, RFC 7860 4.1.
    pub(super) fn tag_length(&self) -> usize {
        match self.protocol {
            AuthProtocol::Md5 | AuthProtocol::Sha1 => 12,
            AuthProtocol::Sha224 => 16,
            AuthProtocol::Sha256 => 24,
            AuthProtocol::Sha384 => 32,
            AuthProtocol::Sha512 => LONGEST_TAG,
        }
    }

    /// Writes the signature of the message into it, at `at`.
    pub(super) fn sign(&self, message: &mut [u8], at: usize) {
        let length = self.tag_length();
        with_hash!(self.protocol, Hash => {
            if let Some(mac) = mac::<Hmac<Hash>>(&self.key, message, at, length) {
                let tag = mac.finalize().into_bytes();
                message[at..at + length].copy_from_slice(&tag[..length]);
            }
        });
    }

    /// Whether the message's signature, the octets from `at` on of this length, is ours. Takes the
    /// same time wherever the first difference is.
    pub(super) fn verify(&self, message: &[u8], at: usize, length: usize) -> bool {
        let Some(tag) = message.get(at..at.saturating_add(length)) else {
            return false;
        };
        // A digest accepted at the length it comes with would let one octet suffice.
        if length != self.tag_length() {
            return false;
        }
        with_hash!(self.protocol, Hash => {
            mac::<Hmac<Hash>>(&self.key, message, at, length)
                .is_some_and(|mac| mac.verify_truncated_left(tag).is_ok())
        })
    }
}

/// The code of the message with zeros in the place of the signature.
fn mac<M: Mac + KeyInit>(key: &Key, message: &[u8], at: usize, length: usize) -> Option<M> {
    let (before, rest) = message.split_at_checked(at)?;
    let after = rest.get(length..)?;
    // Codes of this kind take a key of any length.
    let mut mac = <M as KeyInit>::new_from_slice(&key.0).ok()?;
    mac.update(before);
    mac.update(&[0; LONGEST_TAG][..length]);
    mac.update(after);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &[u8] = b"maplesyrup";
    const ENGINE: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
        let pairs = digits.chunks(2).map(|pair| pair.iter().collect::<String>());
        pairs.map(|p| u8::from_str_radix(&p, 16).unwrap()).collect()
    }

    /// RFC 3414 A.3.1 and A.3.2.
    #[test]
    fn keys_are_those_of_the_standard() {
        let cases = [
            (
                AuthProtocol::Md5,
                "9faf3283884e92834ebc9847d8edd963",
                "526f5eed9fcce26f8964c2930787d82b",
            ),
            (
                AuthProtocol::Sha1,
                "9fb5cc0381497b3793528939ff788d5d79145211",
                "6695febc9288e36282235fc7151f128497b38f3f",
            ),
        ];
        for (protocol, of_password, of_engine) in cases {
            let master = master(protocol, PASSWORD).unwrap();
            assert_eq!(master.0, hex(of_password));
            assert_eq!(localise(protocol, &master, &ENGINE).0, hex(of_engine));
        }
    }

    #[test]
    fn a_key_is_as_long_as_its_hash_and_a_signature_shorter() {
        let lengths = [(16, 12), (20, 12), (28, 16), (32, 24), (48, 32), (64, 48)];
        for (protocol, (of_key, of_tag)) in AuthProtocol::ALL.into_iter().zip(lengths) {
            let master = master(protocol, PASSWORD).unwrap();
            assert_eq!(master.0.len(), of_key);
            let key = localise(protocol, &master, &ENGINE);
            assert_eq!(key.0.len(), of_key);
            assert_eq!(Signer { protocol, key }.tag_length(), of_tag);
        }
    }

    #[test]
    fn passwords_of_every_length_have_a_key_but_the_empty_one() {
        assert_eq!(master(AuthProtocol::Md5, b""), None);
        for length in [1, 7, 4_095, 4_096, 4_097, 2_000_000] {
            let password: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let expanded: Vec<u8> = password.iter().copied().cycle().take(EXPANDED).collect();
            let expected = hash(AuthProtocol::Md5, &[&expanded]);
            assert_eq!(master(AuthProtocol::Md5, &password), Some(expected));
        }
    }

    /// RFC 2202 and RFC 4231, test case 2 of each: the codes that signatures are the beginning of.
    #[test]
    fn codes_are_those_of_the_standards() {
        let cases = [
            (AuthProtocol::Md5, "750c783e6ab0b503eaa86e310a5db738"),
            (
                AuthProtocol::Sha1,
                "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
            ),
            (
                AuthProtocol::Sha224,
                "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44",
            ),
            (
                AuthProtocol::Sha256,
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                AuthProtocol::Sha384,
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
            ),
            (
                AuthProtocol::Sha512,
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ];
        for (protocol, code) in cases {
            let key = Key(b"Jefe".to_vec());
            let message = b"what do ya want for nothing?";
            let made = with_hash!(protocol, Hash => {
                let mac = mac::<Hmac<Hash>>(&key, message, message.len(), 0).unwrap();
                mac.finalize().into_bytes().to_vec()
            });
            assert_eq!(made, hex(code), "{protocol:?}");
        }
    }

    #[test]
    fn a_signature_holds_for_this_message_and_this_key() {
        for protocol in AuthProtocol::ALL {
            let signer = |password: &[u8]| Signer {
                protocol,
                key: master(protocol, password).unwrap(),
            };
            let (ours, other) = (signer(PASSWORD), signer(b"maplesyrop"));
            let length = ours.tag_length();
            let mut message = vec![7; 100];
            ours.sign(&mut message, 30);
            assert!(ours.verify(&message, 30, length));
            assert!(!other.verify(&message, 30, length));
            for wrong in [0, 1, 11, length - 1, length + 1, 64, usize::MAX] {
                assert!(!ours.verify(&message, 30, wrong), "{wrong} octets");
            }
            for at in 0..message.len() {
                let mut changed = message.clone();
                changed[at] ^= 1;
                assert!(!ours.verify(&changed, 30, length), "octet {at}");
            }
        }
    }
}
