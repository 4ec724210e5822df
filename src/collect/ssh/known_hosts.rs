//! OpenSSH's own list of host keys, read only when someone asks for it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::host_keys::HostKey;

/// What a known_hosts file says about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// The host is listed with this very key.
    Same,
    /// The host is listed with another key of this type.
    Other,
    /// The key is marked `@revoked` for the host.
    Revoked,
    /// Only a certificate authority (`@cert-authority`) vouches for the host. Certificates of hosts
    /// are not asked for, so the key must be compared by hand.
    Authority,
    /// The host is not listed with a key of this type.
    No,
}

/// Looks one host up in the text of a known_hosts file, as sshd(8) describes it: plain, `[host]:port`
/// and hashed names, patterns with `*`, `?` and `!`, the marks `@revoked` and `@cert-authority`. A
/// line that cannot be read says nothing.
pub fn listed(text: &str, names: &[&str], port: u16, key: &HostKey) -> Listed {
    let mut found = Listed::No;
    for line in text.lines().filter_map(Line::read) {
        if !names.iter().any(|name| line.is_about(name, port)) {
            continue;
        }
        let same = line.blob == key.blob;
        match line.mark {
            Some("@revoked") if same => return Listed::Revoked,
            Some("@cert-authority") if found == Listed::No => found = Listed::Authority,
            None if same => found = Listed::Same,
            None if line.kind == key.kind && found != Listed::Same => found = Listed::Other,
            _ => {}
        }
    }
    found
}

struct Line<'a> {
    mark: Option<&'a str>,
    hosts: &'a str,
    kind: &'a str,
    blob: Vec<u8>,
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Option<Line<'a>> {
        let mut words = line.split_ascii_whitespace();
        let first = words.next().filter(|word| !word.starts_with('#'))?;
        let mark = first.starts_with('@').then_some(first);
        let hosts = if mark.is_some() { words.next()? } else { first };
        Some(Line {
            mark,
            hosts,
            kind: words.next()?,
            blob: STANDARD.decode(words.next()?).ok()?,
        })
    }

    fn is_about(&self, name: &str, port: u16) -> bool {
        let name = name.to_ascii_lowercase();
        let place = match port {
            22 => name,
            port => format!("[{name}]:{port}"),
        };
        if let Some(hashed) = self.hosts.strip_prefix("|1|") {
            return is_hash_of(hashed, &place).unwrap_or(false);
        }
        let mut about = false;
        for pattern in self.hosts.split(',') {
            match pattern.strip_prefix('!') {
                Some(pattern) if matches(&pattern.to_ascii_lowercase(), &place) => return false,
                Some(_) => {}
                None => about |= matches(&pattern.to_ascii_lowercase(), &place),
            }
        }
        about
    }
}

/// `SALT|HASH` in base64: HMAC-SHA1 of the name, with the salt as key.
fn is_hash_of(hashed: &str, place: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&STANDARD.decode(salt).ok()?).ok()?;
    mac.update(place.as_bytes());
    Some(mac.verify_slice(&STANDARD.decode(hash).ok()?).is_ok())
}

/// `*` stands for any characters, `?` for one. Takes time with the product of both lengths at most:
/// after a mismatch only the last `*` takes one character more.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, from)) = star else {
                    return false;
                };
                star = Some((at, from + 1));
                p = at + 1;
                t = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIBWSt+CVwepxoSWS4YyDTmL+E+d/3k6OrXDI6n0A1tB0";

    fn key() -> HostKey {
        let blob = STANDARD.decode(KEY);
        HostKey::of_blob(&blob.unwrap()).unwrap()
    }

    #[test]
    fn plain_and_hashed_names_with_and_without_port() {
        let other = KEY.replace("BWSt", "BWSu");
        let text = format!(
            "# comment\nnonsense\nweb01,192.0.2.1 ssh-ed25519 {KEY}\n[web02]:2222 ssh-ed25519 {KEY} me\nweb03 ssh-ed25519 {other}\n"
        );
        for (name, port, expected) in [
            ("web01", 22, Listed::Same),
            ("192.0.2.1", 22, Listed::Same),
            ("web02", 2222, Listed::Same),
            ("web02", 22, Listed::No),
            ("web03", 22, Listed::Other),
            ("web04", 22, Listed::No),
            ("WEB01", 22, Listed::Same),
            ("a\0b", 22, Listed::No),
        ] {
            assert_eq!(
                listed(&text, &[name], port, &key()),
                expected,
                "{name}:{port}"
            );
        }
        // ssh-keygen -H of `web05`.
        let hashed = hashed("web05");
        assert_eq!(listed(&hashed, &["web05"], 22, &key()), Listed::Same);
        assert_eq!(listed(&hashed, &["web01"], 22, &key()), Listed::No);
    }

    fn hashed(name: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("known_hosts");
        std::fs::write(&path, format!("{name} ssh-ed25519 {KEY}\n")).unwrap();
        let status = std::process::Command::new("ssh-keygen")
            .args(["-q", "-H", "-f"])
            .arg(&path)
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("|1|"), "{text}");
        text
    }

    #[test]
    fn a_revoked_key_is_never_the_same() {
        let text = format!("web01 ssh-ed25519 {KEY}\n@revoked * ssh-ed25519 {KEY}\n");
        assert_eq!(listed(&text, &["web01"], 22, &key()), Listed::Revoked);
    }

    #[test]
    fn patterns_marks_and_lines_of_nonsense() {
        let other = KEY.replace("BWSt", "BWSu");
        for (line, name, port, expected) in [
            (
                format!("*.example.net ssh-ed25519 {KEY}"),
                "web01.example.net",
                22,
                Listed::Same,
            ),
            (
                format!("web?.example.net ssh-ed25519 {KEY}"),
                "web1.example.net",
                22,
                Listed::Same,
            ),
            (
                format!("web?.example.net ssh-ed25519 {KEY}"),
                "web10.example.net",
                22,
                Listed::No,
            ),
            (
                format!("*.example.net,!db.example.net ssh-ed25519 {KEY}"),
                "db.example.net",
                22,
                Listed::No,
            ),
            (format!("!db*,* ssh-ed25519 {KEY}"), "web", 22, Listed::Same),
            (
                format!("[*.example.net]:2222 ssh-ed25519 {KEY}"),
                "a.example.net",
                2222,
                Listed::Same,
            ),
            (
                format!("*.example.net ssh-ed25519 {KEY}"),
                "a.example.net",
                2222,
                Listed::No,
            ),
            (
                format!("@cert-authority *.example.net ssh-ed25519 {other}"),
                "a.example.net",
                22,
                Listed::Authority,
            ),
            (
                format!("@cert-authority * ssh-ed25519 {KEY}"),
                "a",
                22,
                Listed::Authority,
            ),
            (
                format!("@revoked *.example.net ssh-ed25519 {KEY}"),
                "a.example.net",
                22,
                Listed::Revoked,
            ),
            (
                format!("@revoked other ssh-ed25519 {KEY}"),
                "a",
                22,
                Listed::No,
            ),
            (format!("@strange a ssh-ed25519 {KEY}"), "a", 22, Listed::No),
            ("a ssh-ed25519 !!!!".into(), "a", 22, Listed::No),
            (
                "|1|only-one-part ssh-ed25519 AAAA".into(),
                "a",
                22,
                Listed::No,
            ),
            (
                format!("{} ssh-ed25519 {KEY}", "*a".repeat(2_000)),
                "a",
                22,
                Listed::No,
            ),
        ] {
            assert_eq!(
                listed(&line, &[name], port, &key()),
                expected,
                "{line} for {name}:{port}"
            );
        }
    }
}
