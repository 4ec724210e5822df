//! Privacy: keys and ciphers (RFC 3414 section 8 for DES, RFC 3826 for AES, and the two drafts that
//! stretch short keys for AES-192 and AES-256).

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use aes::cipher::array::Array;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use des::Des;

use super::auth::{self, Key};
use crate::inventory::{AuthProtocol, PrivProtocol};

const DES_BLOCK: usize = 8;
/// Both kinds of cipher send 8 octets that make the start of every message different.
const SALT: usize = 8;
/// The constructor's keys and vectors have the ciphers' lengths.
const FITS: &str = "key and vector have the cipher's lengths";

/// Never twice the same in this process, and somewhere else after each start.
static SALTS: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(rand::random()));

/// Runs the expression with the cipher of AES as a type.
macro_rules! with_aes {
    ($protocol:expr, $aes:ident => $body:expr) => {
        match $protocol {
            PrivProtocol::Aes192 | PrivProtocol::Aes192C => {
                type $aes = Aes192;
                $body
            }
            PrivProtocol::Aes256 | PrivProtocol::Aes256C => {
                type $aes = Aes256;
                $body
            }
            PrivProtocol::Aes128 | PrivProtocol::Des => {
                type $aes = Aes128;
                $body
            }
        }
    };
}

/// What encrypts the messages of one user to one engine.
#[derive(Clone, Debug)]
pub(in crate::collect::snmp) struct Cipher {
    protocol: PrivProtocol,
    key: Key,
}

impl Cipher {
    /// Whether to make the key takes long: another megabyte to be hashed.
    pub(super) fn is_slow(protocol: PrivProtocol, localised: &Key) -> bool {
        is_reeder(protocol) && localised.0.len() < key_length(protocol)
    }

    /// Out of the privacy password's key for the engine, made with the hash of the authentication
    /// protocol.
    pub(super) fn new(
        hash: AuthProtocol,
        protocol: PrivProtocol,
        localised: Key,
        engine_id: &[u8],
    ) -> Cipher {
        let mut key = localised;
        let needed = key_length(protocol);
        while key.0.len() < needed {
            // draft-reeder-snmpv3-usm-3desede-00, 2.1: the key so far, taken as a password.
            let reeder = match is_reeder(protocol) {
                true => auth::master(hash, &key.0),
                false => None,
            };
            let more = match reeder {
                Some(master) => auth::localise(hash, &master, engine_id),
                // draft-blumenthal-aes-usm-04, 3.1.2.1: the hash of the key so far.
                None => auth::hash(hash, &[&key.0]),
            };
            key.0.extend(more.0);
        }
        key.0.truncate(needed);
        Cipher { protocol, key }
    }

    /// Encrypts in place and returns the salt to send. `boots` and `time` are those of the message.
    pub(super) fn encrypt(&self, boots: u32, time: u32, text: &mut Vec<u8>) -> [u8; SALT] {
        let number = SALTS.fetch_add(1, Ordering::Relaxed);
        if self.protocol == PrivProtocol::Des {
            // RFC 3414 8.1.1.1: the engine's boots and a counter of 32 bits.
            let salt = halves(boots, number as u32);
            text.resize(text.len().next_multiple_of(DES_BLOCK), 0);
            let (key, iv) = self.des(salt);
            let mut des = cbc::Encryptor::<Des>::new_from_slices(key, &iv).expect(FITS);
            des.encrypt_blocks(Array::slice_as_chunks_mut(text).0);
            return salt;
        }
        let salt = number.to_be_bytes();
        let iv = aes_vector(boots, time, salt);
        with_aes!(self.protocol, Aes => {
            let aes = cfb_mode::Encryptor::<Aes>::new_from_slices(&self.key.0, &iv).expect(FITS);
            aes.encrypt(text);
        });
        salt
    }

    /// The text, with the cipher's padding behind it; `None` when salt or length cannot be.
    pub(super) fn decrypt(
        &self,
        boots: u32,
        time: u32,
        salt: &[u8],
        encrypted: &[u8],
    ) -> Option<Vec<u8>> {
        let salt: [u8; SALT] = salt.try_into().ok()?;
        let mut text = encrypted.to_vec();
        if self.protocol == PrivProtocol::Des {
            if !text.len().is_multiple_of(DES_BLOCK) {
                return None;
            }
            let (key, iv) = self.des(salt);
            let mut des = cbc::Decryptor::<Des>::new_from_slices(key, &iv).expect(FITS);
            des.decrypt_blocks(Array::slice_as_chunks_mut(&mut text).0);
            return Some(text);
        }
        let iv = aes_vector(boots, time, salt);
        with_aes!(self.protocol, Aes => {
            let aes = cfb_mode::Decryptor::<Aes>::new_from_slices(&self.key.0, &iv).expect(FITS);
            aes.decrypt(&mut text);
        });
        Some(text)
    }

    /// RFC 3414 8.1.1.1: half of the key is the cipher's, the other half and the salt make the
    /// vector.
    fn des(&self, salt: [u8; SALT]) -> (&[u8], [u8; DES_BLOCK]) {
        let (key, before) = self.key.0.split_at(DES_BLOCK);
        (key, std::array::from_fn(|i| before[i] ^ salt[i]))
    }
}

fn is_reeder(protocol: PrivProtocol) -> bool {
    matches!(protocol, PrivProtocol::Aes192C | PrivProtocol::Aes256C)
}

/// In octets; that of DES with what its vectors are made of.
fn key_length(protocol: PrivProtocol) -> usize {
    match protocol {
        PrivProtocol::Des | PrivProtocol::Aes128 => 16,
        PrivProtocol::Aes192 | PrivProtocol::Aes192C => 24,
        PrivProtocol::Aes256 | PrivProtocol::Aes256C => 32,
    }
}

fn halves(first: u32, second: u32) -> [u8; SALT] {
    (u64::from(first) << 32 | u64::from(second)).to_be_bytes()
}

/// RFC 3826 3.1.2.1.
fn aes_vector(boots: u32, time: u32, salt: [u8; SALT]) -> [u8; 16] {
    let engine = halves(boots, time);
    std::array::from_fn(|i| if i < SALT { engine[i] } else { salt[i - SALT] })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGINE: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

    fn cipher(hash: AuthProtocol, protocol: PrivProtocol) -> Cipher {
        let master = auth::master(hash, b"maplesyrup").unwrap();
        let localised = auth::localise(hash, &master, &ENGINE);
        Cipher::new(hash, protocol, localised, &ENGINE)
    }

    #[test]
    fn what_is_encrypted_comes_back() {
        for hash in AuthProtocol::ALL {
            for protocol in PrivProtocol::ALL {
                let cipher = cipher(hash, protocol);
                for length in [0, 1, 7, 8, 9, 15, 16, 17, 1_400] {
                    let text: Vec<u8> = (0..length).map(|i| i as u8).collect();
                    let mut sent = text.clone();
                    let salt = cipher.encrypt(7, 4_711, &mut sent);
                    assert!(length < 8 || sent[..length] != text);
                    let back = cipher.decrypt(7, 4_711, &salt, &sent).unwrap();
                    assert_eq!(back[..length], text);
                    assert!(back.len() - length < 8);
                }
            }
        }
    }

    #[test]
    fn no_salt_serves_twice() {
        for protocol in PrivProtocol::ALL {
            let cipher = cipher(AuthProtocol::Sha256, protocol);
            let salts: std::collections::HashSet<_> = (0..1_000)
                .map(|_| cipher.encrypt(1, 1, &mut vec![0; 8]))
                .collect();
            assert_eq!(salts.len(), 1_000);
        }
    }

    #[test]
    fn odd_salts_and_lengths_are_refused() {
        for protocol in PrivProtocol::ALL {
            let cipher = cipher(AuthProtocol::Md5, protocol);
            for length in [0, 1, 7, 9, 40_000] {
                assert_eq!(cipher.decrypt(1, 1, &vec![0; length], &[0; 16]), None);
            }
            let odd = cipher.decrypt(1, 1, &[0; 8], &[0; 13]);
            assert_eq!(odd.is_none(), protocol == PrivProtocol::Des);
            assert_eq!(cipher.decrypt(1, 1, &[0; 8], &[]), Some(Vec::new()));
        }
    }

    /// NIST SP 800-38A F.3.13, the first block of CFB128-AES128; the vector of RFC 3826 is the
    /// engine's boots and time, then the salt.
    #[test]
    fn aes_is_that_of_the_standard() {
        let key = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128;
        let cipher = Cipher {
            protocol: PrivProtocol::Aes128,
            key: Key(key.to_be_bytes().to_vec()),
        };
        let encrypted = 0x3b3f_d92e_b72d_ad20_3334_49f8_e83c_fb4a_u128;
        let salt = 0x0809_0a0b_0c0d_0e0f_u64.to_be_bytes();
        let text = cipher.decrypt(0x0001_0203, 0x0405_0607, &salt, &encrypted.to_be_bytes());
        let plain = 0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a_u128;
        assert_eq!(text.unwrap(), plain.to_be_bytes());
    }

    /// draft-reeder-snmpv3-usm-3desede-00 B.2 gives both halves for MD5 and this password; the
    /// first 32 octets of them are a key for AES-256.
    #[test]
    fn long_keys_are_those_of_the_drafts() {
        let reeder = cipher(AuthProtocol::Md5, PrivProtocol::Aes256C);
        let expected = [
            0x526f_5eed_9fcc_e26f_8964_c293_0787_d82b_u128.to_be_bytes(),
            0x79ef_f44a_9065_0ee0_a3a4_0abf_ac5a_cc12_u128.to_be_bytes(),
        ];
        assert_eq!(reeder.key.0, expected.concat());
        let blumenthal = cipher(AuthProtocol::Md5, PrivProtocol::Aes256);
        let hashed = auth::hash(AuthProtocol::Md5, &[&expected[0]]);
        assert_eq!(blumenthal.key.0, [&expected[0], &hashed.0[..]].concat());
        for (hash, length) in [(AuthProtocol::Sha1, 20), (AuthProtocol::Sha224, 28)] {
            let (one, other) = (PrivProtocol::Aes256, PrivProtocol::Aes256C);
            let (one, other) = (cipher(hash, one).key, cipher(hash, other).key);
            assert_eq!(one.0[..length], other.0[..length]);
            assert_ne!(one, other);
        }
    }
}
