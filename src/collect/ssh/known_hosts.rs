//! OpenSSH's own list of host keys, read only when someone asks for it.

use ssh2::{CheckResult, KnownHostFileKind, Session};

use super::host_keys::HostKey;

/// What a known_hosts file says about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// The host is listed with this very key.
    Same,
    /// The key is marked `@revoked`.
    Revoked,
    /// The host is not listed with this key.
    No,
}

/// Looks one host up in the text of a known_hosts file: plain, `[host]:port` and hashed names; lines
/// with patterns or for certificate authorities match nothing.
pub fn listed(text: &str, names: &[&str], port: u16, key: &HostKey) -> Listed {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD.encode(&key.blob);
    let lines = || text.lines().map(str::trim).filter(|l| !l.is_empty());
    let revoked = |l: &str| l.starts_with("@revoked") && l.contains(&base64);
    if lines().any(revoked) {
        return Listed::Revoked;
    }
    let same = || {
        let session = Session::new().ok()?;
        let mut hosts = session.known_hosts().ok()?;
        for line in lines().filter(|l| !l.starts_with(['#', '@'])) {
            // A line that libssh2 cannot read is not this host's.
            let _ = hosts.read_str(line, KnownHostFileKind::OpenSSH);
        }
        let is_same = |name: &&str| {
            !name.contains('\0')
                && matches!(hosts.check_port(name, port, &key.blob), CheckResult::Match)
        };
        names.iter().any(is_same).then_some(())
    };
    same().map_or(Listed::No, |()| Listed::Same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIBWSt+CVwepxoSWS4YyDTmL+E+d/3k6OrXDI6n0A1tB0";

    fn key() -> HostKey {
        let blob = base64::engine::general_purpose::STANDARD.decode(KEY);
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
            ("web03", 22, Listed::No),
            ("web04", 22, Listed::No),
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
}
