//! Which host keys we trust: a file of our own under `data/state/`, one key a line:
//! `host port keytype base64 first_seen source`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

/// A public host key as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`, …
    pub kind: String,
    /// In the form of RFC 4253, section 6.6.
    pub blob: Vec<u8>,
}

impl HostKey {
    /// `None` when the bytes do not begin with a plausible type.
    pub fn of_blob(blob: &[u8]) -> Option<HostKey> {
        let length = u32::from_be_bytes(blob.get(..4)?.try_into().ok()?);
        let kind = blob.get(4..4usize.checked_add(length as usize)?)?;
        let kind = std::str::from_utf8(kind).ok()?;
        let plausible = (1..=64).contains(&kind.len())
            && kind
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-@._".contains(&b));
        (plausible && blob.len() <= 16 * 1024).then(|| HostKey {
            kind: kind.to_owned(),
            blob: blob.to_vec(),
        })
    }

    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(&self.blob);
        format!("SHA256:{}", STANDARD_NO_PAD.encode(digest))
    }

    /// `ed25519`, `ecdsa`, `rsa`, …
    pub fn short_kind(&self) -> &str {
        match self.kind.as_str() {
            "ssh-ed25519" => "ed25519",
            "ssh-rsa" => "rsa",
            "ssh-dss" => "dsa",
            kind if kind.starts_with("ecdsa-") => "ecdsa",
            kind => kind,
        }
    }
}

/// A trusted key and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// The host's name in the inventory, or its address.
    pub host: String,
    pub port: u16,
    pub key: HostKey,
    /// RFC 3339.
    pub first_seen: String,
    /// `trust`, `tofu` or `known_hosts`.
    pub source: String,
}

impl Trusted {
    /// A key trusted from now on.
    pub fn now(host: &str, port: u16, key: &HostKey, source: &str) -> Trusted {
        Trusted {
            host: host.to_owned(),
            port,
            key: key.clone(),
            first_seen: jiff::Timestamp::now()
                .strftime("%Y-%m-%dT%H:%M:%SZ")
                .to_string(),
            source: source.to_owned(),
        }
    }
}

/// What the store says about a key that a server showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Trusted,
    /// No key of this host is known.
    Unknown,
    /// Other keys of this host are known. A key of another type counts: who cannot show the known
    /// key is not the known host.
    Changed(Vec<Trusted>),
}

/// The store. Reads the file again when it has changed, so that a key trusted by another process
/// counts at once.
pub struct HostKeys {
    path: PathBuf,
    read: Mutex<Option<Read>>,
}

struct Read {
    stamp: Option<Stamp>,
    keys: Vec<Trusted>,
}

/// Inode, size, modification time: a replaced file differs in the first.
type Stamp = (u64, u64, i64, i64);

impl HostKeys {
    /// The store in this directory (`data/state`). Nothing is read or made yet.
    pub fn at(state: &Path) -> HostKeys {
        HostKeys {
            path: state.join("host_keys"),
            read: Mutex::new(None),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keys trusted for any of these names at this port.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub fn known(&self, names: &[&str], port: u16) -> io::Result<Vec<Trusted>> {
        let keys = self.all()?;
        let ours = |t: &Trusted| t.port == port && names.contains(&t.host.as_str());
        Ok(keys.into_iter().filter(ours).collect())
    }

    /// Whether the key is trusted for any of these names at this port. Errors as [`HostKeys::known`].
    pub fn check(&self, names: &[&str], port: u16, key: &HostKey) -> io::Result<Verdict> {
        let known = self.known(names, port)?;
        Ok(if known.iter().any(|t| t.key == *key) {
            Verdict::Trusted
        } else if known.is_empty() {
            Verdict::Unknown
        } else {
            Verdict::Changed(known)
        })
    }

    /// Adds a key, durably. Errors when the directory cannot be written.
    pub fn trust(&self, trusted: &Trusted) -> io::Result<()> {
        self.change(|keys| {
            if !keys
                .iter()
                .any(|t| same_place(t, trusted) && t.key == trusted.key)
            {
                keys.push(trusted.clone());
            }
        })
    }

    /// Adds a key only while none is known for these names; returns whether it is trusted now.
    pub fn trust_first(&self, names: &[&str], trusted: &Trusted) -> io::Result<bool> {
        let mut good = false;
        self.change(|keys| {
            let known: Vec<&Trusted> = keys
                .iter()
                .filter(|t| t.port == trusted.port && names.contains(&t.host.as_str()))
                .collect();
            good = known.is_empty() || known.iter().any(|t| t.key == trusted.key);
            if known.is_empty() {
                keys.push(trusted.clone());
            }
        })?;
        Ok(good)
    }

    /// Forgets every key of these names at this port; returns how many there were.
    pub fn forget(&self, names: &[&str], port: u16) -> io::Result<usize> {
        let mut count = 0;
        self.change(|keys| {
            let before = keys.len();
            keys.retain(|t| t.port != port || !names.contains(&t.host.as_str()));
            count = before - keys.len();
        })?;
        Ok(count)
    }

    /// Every trusted key, in the order of the file.
    pub fn all(&self) -> io::Result<Vec<Trusted>> {
        let stamp = self.stamp()?;
        let mut read = self.lock();
        if let Some(read) = read.as_ref().filter(|r| r.stamp == stamp) {
            return Ok(read.keys.clone());
        }
        let keys = match fs::read_to_string(&self.path) {
            Ok(text) => text.lines().filter_map(parse).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        *read = Some(Read {
            stamp,
            keys: Vec::clone(&keys),
        });
        Ok(keys)
    }

    fn stamp(&self) -> io::Result<Option<Stamp>> {
        match fs::metadata(&self.path) {
            Ok(m) => Ok(Some((m.ino(), m.len(), m.mtime(), m.mtime_nsec()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Changes the file under a lock that other processes honour, by an atomic replace.
    fn change(&self, change: impl FnOnce(&mut Vec<Trusted>)) -> io::Result<()> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
        // Held until the function returns.
        let lock = private().open(directory.join("host_keys.lock"))?;
        lock.lock()?;
        *self.lock() = None;
        let mut keys = self.all()?;
        change(&mut keys);
        let blank = |t: &Trusted| t.host.is_empty() || t.host.contains(char::is_whitespace);
        if let Some(bad) = keys.iter().find(|t| blank(t)) {
            let message = format!("a host name with blanks cannot be kept: {:?}", bad.host);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let mut text = String::from("# host port keytype base64 first_seen source\n");
        for trusted in &keys {
            text.push_str(&line(trusted));
        }
        let fresh = directory.join("host_keys.new");
        let mut file = private().truncate(true).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        File::open(directory)?.sync_all()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Read>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options
}

fn same_place(a: &Trusted, b: &Trusted) -> bool {
    a.host == b.host && a.port == b.port
}

fn line(trusted: &Trusted) -> String {
    format!(
        "{} {} {} {} {} {}\n",
        trusted.host,
        trusted.port,
        trusted.key.kind,
        STANDARD.encode(&trusted.key.blob),
        trusted.first_seen,
        trusted.source
    )
}

/// A line that cannot be read trusts nothing.
fn parse(line: &str) -> Option<Trusted> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [host, port, kind, blob, first_seen, source] = words.as_slice() else {
        return None;
    };
    if host.starts_with('#') {
        return None;
    }
    let key = HostKey::of_blob(&STANDARD.decode(blob).ok()?)?;
    let port = port.parse().ok()?;
    (key.kind == *kind).then(|| Trusted {
        host: (*host).to_owned(),
        port,
        key,
        first_seen: (*first_seen).to_owned(),
        source: (*source).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn key(kind: &str, body: u8) -> HostKey {
        let mut blob = (kind.len() as u32).to_be_bytes().to_vec();
        blob.extend_from_slice(kind.as_bytes());
        blob.extend_from_slice(&[body; 36]);
        HostKey::of_blob(&blob).unwrap()
    }

    fn trusted(host: &str, key: &HostKey) -> Trusted {
        Trusted {
            host: host.into(),
            port: 22,
            key: key.clone(),
            first_seen: "2026-11-23T00:00:00Z".into(),
            source: "trust".into(),
        }
    }

    #[test]
    fn a_key_trusted_by_another_process_counts_at_once() {
        let state = tempfile::tempdir().unwrap();
        let (ours, theirs) = (HostKeys::at(state.path()), HostKeys::at(state.path()));
        let first = key("ssh-ed25519", 1);
        assert_eq!(
            ours.check(&["web01"], 22, &first).unwrap(),
            Verdict::Unknown
        );
        theirs.trust(&trusted("web01", &first)).unwrap();
        assert_eq!(
            ours.check(&["web01"], 22, &first).unwrap(),
            Verdict::Trusted
        );
        assert_eq!(
            ours.check(&["web01"], 2222, &first).unwrap(),
            Verdict::Unknown
        );
        assert_eq!(
            ours.check(&["web02", "web01"], 22, &first).unwrap(),
            Verdict::Trusted
        );
        let mode = fs::metadata(ours.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(theirs.forget(&["web01"], 22).unwrap(), 1);
        assert_eq!(
            ours.check(&["web01"], 22, &first).unwrap(),
            Verdict::Unknown
        );
    }

    #[test]
    fn another_key_or_another_type_is_a_change() {
        let state = tempfile::tempdir().unwrap();
        let keys = HostKeys::at(state.path());
        keys.trust(&trusted("web01", &key("ssh-ed25519", 1)))
            .unwrap();
        for other in [key("ssh-ed25519", 2), key("ssh-rsa", 1)] {
            let verdict = keys.check(&["web01"], 22, &other).unwrap();
            assert!(matches!(verdict, Verdict::Changed(known) if known.len() == 1));
            assert!(
                !keys
                    .trust_first(&["web01"], &trusted("web01", &other))
                    .unwrap()
            );
            assert!(keys.trust_first(&["x"], &trusted("x", &other)).unwrap());
            keys.forget(&["x"], 22).unwrap();
        }
        assert_eq!(keys.all().unwrap().len(), 1);
    }

    #[test]
    fn damaged_lines_trust_nothing() {
        for bad in [
            "",
            "# comment a b c d e",
            "web01 22 ssh-ed25519 !!! t s",
            "web01 22 ssh-ed25519 AAAA t s",
            "web01 22 ssh-ed25519",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
        let good = line(&trusted("web01", &key("ssh-rsa", 7)));
        assert_eq!(parse(&good).unwrap(), trusted("web01", &key("ssh-rsa", 7)));
        assert_eq!(parse(&good.replace("ssh-rsa", "ssh-dss")), None);
    }

    #[test]
    fn fingerprints_are_those_of_ssh_keygen() {
        // A key made for this test, and what `ssh-keygen -lf` said of it.
        let blob = STANDARD
            .decode("AAAAC3NzaC1lZDI1NTE5AAAAIBWSt+CVwepxoSWS4YyDTmL+E+d/3k6OrXDI6n0A1tB0")
            .unwrap();
        let key = HostKey::of_blob(&blob).unwrap();
        assert_eq!(key.short_kind(), "ed25519");
        assert_eq!(
            key.fingerprint(),
            "SHA256:lWz39OpH183mPqhVxFKhs3h1KaCnA5LlCYhGAt65I8M"
        );
    }
}
