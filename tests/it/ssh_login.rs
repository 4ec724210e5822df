//! Logging in with every kind of key.

use std::path::Path;

use eider::collect::ssh::Pool;
use eider::inventory::{Secret, SshAuth};
use eider::reading::Cause;

use crate::ssh::{access, bad, good, of, rows, trust};
use crate::support::Sshd;
use crate::support::home::finish;
use crate::support::process::Program;

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_every_kind_with_and_without_a_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let authorized = folder.path().join("authorized");
    let mut keys = Vec::new();
    let mut public = String::new();
    for (kind, form) in [
        ("ed25519", "OpenSSH"),
        ("rsa", "OpenSSH"),
        ("ecdsa", "OpenSSH"),
        ("rsa", "PEM"),
        ("ecdsa", "PEM"),
        ("rsa", "PKCS8"),
    ] {
        for passphrase in [None, Some("open sesame")] {
            let length = passphrase.map_or(0, str::len);
            let path = folder.path().join(format!("{kind}-{form}-{length}"));
            make_key(&path, kind, form, passphrase.unwrap_or_default());
            public += &std::fs::read_to_string(path.with_extension("pub")).unwrap();
            keys.push((path, passphrase));
        }
    }
    std::fs::write(&authorized, public).unwrap();
    let sshd = Sshd::start_with(&format!("AuthorizedKeysFile {}", authorized.display()));
    trust(folder.path(), &sshd);
    let with = |path: &Path, passphrase: Option<&str>| {
        let mut target = of(&sshd);
        access(&mut target).auth = SshAuth::Key {
            key_file: path.display().to_string(),
            passphrase: passphrase.map(Secret::new),
        };
        target
    };
    let pool = Pool::start(folder.path());
    for (path, passphrase) in keys {
        let name = path.display();
        good(&pool, &with(&path, passphrase)).await;
        if passphrase.is_some() {
            let failure = bad(&pool, &with(&path, None)).await;
            assert_eq!(failure.cause, Cause::Auth);
            let words =
                format!("key file {name} needs its passphrase (passphrase: in the credential)");
            assert_eq!(failure.message, words);
            let failure = bad(&pool, &with(&path, Some("wrong"))).await;
            let words = format!(
                "key file {name}: the passphrase is wrong, or the format is not known; next try in 30 s"
            );
            assert_eq!((failure.cause, failure.message), (Cause::Auth, words));
        }
    }
}

fn make_key(path: &Path, kind: &str, form: &str, passphrase: &str) {
    let mut command = Program::find("ssh-keygen").command();
    command
        .args(["-q", "-N", passphrase, "-t", kind, "-f"])
        .arg(path);
    if form != "OpenSSH" {
        command.args(["-m", form]);
    }
    let outcome = finish(&mut command);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_not_shown_to_a_server_that_takes_none() {
    let state = tempfile::tempdir().unwrap();
    let sshd = Sshd::start();
    trust(state.path(), &sshd);
    let mut target = of(&sshd);
    access(&mut target).auth = SshAuth::Password(Secret::new("hunter2"));
    let failure = bad(&Pool::start(state.path()), &target).await;
    assert_eq!(failure.cause, Cause::Auth);
    let user = sshd.user();
    assert_eq!(
        failure.message,
        format!(
            "authentication refused for user {user} (not tried: keyboard-interactive): the server offers only publickey; next try in 30 s"
        )
    );
    assert_eq!(sshd.log().count("method password"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_once() {
    let state = tempfile::tempdir().unwrap();
    let sshd = Sshd::start_with("PasswordAuthentication yes");
    trust(state.path(), &sshd);
    let mut target = of(&sshd);
    access(&mut target).auth = SshAuth::Password(Secret::new("surely not the password"));
    let failure = bad(&Pool::start(state.path()), &target).await;
    let user = sshd.user();
    assert_eq!(
        failure.message,
        format!("authentication refused for user {user} (tried: password); next try in 30 s")
    );
    assert_eq!(sshd.log().count("method password"), 1);
}

/// The two ways of `docs/ssh.md` to bind a key to the probe.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_bound_to_one_command_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    make_key(&key, "ed25519", "OpenSSH", "");
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let script = folder.path().join("probe.sh");
    std::fs::write(&script, include_str!("../../src/collect/ssh/probe.sh")).unwrap();
    let authorized = folder.path().join("authorized");
    let copy = format!("sh {}", script.display());
    for command in ["/bin/sh -s", &copy] {
        let line = format!("restrict,from=\"127.0.0.1\",command=\"{command}\" {public}");
        std::fs::write(&authorized, line).unwrap();
        let sshd = Sshd::start_with(&format!("AuthorizedKeysFile {}", authorized.display()));
        trust(folder.path(), &sshd);
        let mut target = of(&sshd);
        access(&mut target).auth = SshAuth::Key {
            key_file: key.display().to_string(),
            passphrase: None,
        };
        let readings = good(&Pool::start(folder.path()), &target).await;
        assert_eq!(readings.problems, Vec::<String>::new(), "{command}");
        for table in eider::table::of_machine() {
            assert!(
                !rows(&readings, table.name).is_empty(),
                "{command}: {}",
                table.name
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_beside_the_key_lets_in() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, key) = (folder.path().join("authority"), folder.path().join("key"));
    for kind in ["ed25519", "ecdsa", "rsa"] {
        for path in [&authority, &key] {
            let _ = std::fs::remove_file(path);
            make_key(path, kind, "OpenSSH", "");
        }
        let user = Sshd::start().user();
        let mut sign = crate::support::process::Program::find("ssh-keygen").command();
        sign.args(["-q", "-I", "eider", "-n", &user, "-s"])
            .arg(&authority);
        let signed = crate::support::home::finish(sign.arg(key.with_extension("pub")));
        assert_eq!(signed.code, 0, "{}", signed.stderr);
        let sshd = Sshd::start_with(&format!(
            "TrustedUserCAKeys {}\nAuthorizedKeysFile none",
            authority.with_extension("pub").display()
        ));
        trust(folder.path(), &sshd);
        let mut target = of(&sshd);
        access(&mut target).auth = SshAuth::Key {
            key_file: key.display().to_string(),
            passphrase: None,
        };
        good(&Pool::start(folder.path()), &target).await;
        let log = sshd.log().text();
        let by_certificate = |l: &str| l.starts_with("Accepted publickey") && l.contains("-CERT ");
        assert!(log.lines().any(by_certificate), "{kind}:\n{log}");
        std::fs::remove_file(folder.path().join("key-cert.pub")).unwrap();
        let failure = bad(&Pool::start(folder.path()), &target).await;
        assert_eq!(failure.cause, eider::reading::Cause::Auth, "{kind}");
    }
}
