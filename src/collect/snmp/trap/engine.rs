//! Who we are to those who send informs by version 3: an engine ID for ever, and how often we
//! started. Senders refuse an engine whose boots go back.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::collect::snmp::usm::hex;

/// Two lines: the engine ID in hexadecimal digits, and the boots.
const FILE: &str = "snmp-engine";
/// RFC 3411, SnmpEngineID: no enterprise's, and octets of the administrator's choice.
const PREFIX: [u8; 5] = [0x80, 0, 0, 0, 5];
const RANDOM: usize = 12;
/// An engine with more boots takes no signed message any more.
const MOST_BOOTS: u32 = i32::MAX as u32 - 1;

/// Reads our engine ID, or makes one up, and counts one boot more.
pub(super) fn start(state: &Path) -> io::Result<(Vec<u8>, u32)> {
    let path = state.join(FILE);
    let (id, before) = match fs::read_to_string(&path) {
        Ok(text) => match parse(&text) {
            Some(known) => known,
            None => {
                let aside = state.join(format!("{FILE}.damaged"));
                fs::rename(&path, &aside)?;
                tracing::warn!(
                    "{} was not readable and is now {}: a new SNMP engine ID is in use",
                    path.display(),
                    aside.display()
                );
                (fresh(), 0)
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => (fresh(), 0),
        Err(error) => return Err(error),
    };
    let (id, boots) = match before {
        0..MOST_BOOTS => (id, before + 1),
        _ => (fresh(), 1),
    };
    save(&path, &format!("{}\n{boots}\n", hex(&id)))?;
    Ok((id, boots))
}

fn fresh() -> Vec<u8> {
    let random: [u8; RANDOM] = rand::random();
    [&PREFIX[..], &random].concat()
}

fn parse(text: &str) -> Option<(Vec<u8>, u32)> {
    let (id, boots) = text.trim_end().split_once('\n')?;
    let digits = id.as_bytes();
    if !digits.is_ascii() || !(10..=64).contains(&digits.len()) || digits.len() % 2 != 0 {
        return None;
    }
    let octets = digits.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    Some((octets.collect::<Option<_>>()?, boots.parse().ok()?))
}

/// Replaces the file at once, or not at all.
fn save(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
