//! A real OpenSSH `sshd` on its own port, with a key of its own to log in as the user of the tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::home::finish;
use super::process::{Log, Process, Program, uid, user_name};
use super::{PATIENCE, Port, wait_until};

/// Lets the user who runs the tests in by the key of [`Sshd::user_key`], and nobody by password.
#[derive(Debug)]
pub(crate) struct Sshd {
    process: Option<Process>,
    port: Port,
    directory: TempDir,
    host_key: PathBuf,
    extra: String,
}

impl Sshd {
    pub(crate) fn start() -> Sshd {
        Sshd::start_with("")
    }

    /// With more lines of `sshd_config`.
    pub(crate) fn start_with(extra: &str) -> Sshd {
        let directory = tempfile::tempdir().expect("the temporary directory is writable");
        let user_key = directory.path().join("user_key");
        make_key(&user_key, "ed25519");
        let authorized = std::fs::read(user_key.with_extension("pub")).expect("just made");
        std::fs::write(directory.path().join("authorized_keys"), authorized).expect("writable");
        let host_key = directory.path().join("host_key");
        make_key(&host_key, "ed25519");
        let mut sshd = Sshd {
            process: None,
            port: Port::free(),
            directory,
            host_key,
            extra: extra.into(),
        };
        sshd.restart();
        sshd
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    /// Whom to log in as.
    pub(crate) fn user(&self) -> String {
        user_name()
    }

    /// The private key that is let in (OpenSSH format, no passphrase).
    pub(crate) fn user_key(&self) -> PathBuf {
        self.directory.path().join("user_key")
    }

    /// `SHA256:…` of the host key in force.
    pub(crate) fn fingerprint(&self) -> String {
        let mut command = Program::find("ssh-keygen").command();
        let outcome = finish(command.arg("-lf").arg(&self.host_key));
        let fingerprint = outcome.stdout.split(' ').nth(1);
        fingerprint.expect("ssh-keygen prints it second").to_owned()
    }

    /// The public half of the host key in force: `ssh-ed25519 AAAA…`.
    pub(crate) fn host_key_line(&self) -> String {
        let text = std::fs::read_to_string(self.host_key.with_extension("pub")).expect("just made");
        text.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    /// What it has logged since its last start, at level DEBUG1.
    pub(crate) fn log(&self) -> &Log {
        self.process.as_ref().expect("it runs").log()
    }

    /// Refuses connections from now on and drops the open sessions.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// The same port answers with another host key of this type (ed25519, ecdsa, rsa) from now on.
    pub(crate) fn change_host_key(&mut self, kind: &str) {
        self.stop();
        self.host_key = self.directory.path().join(format!("host_key_{kind}_new"));
        let _ = std::fs::remove_file(&self.host_key);
        make_key(&self.host_key, kind);
        self.restart();
    }

    /// Stops it if it runs and starts it on the same port; returns when it accepts.
    pub(crate) fn restart(&mut self) {
        self.stop();
        if uid() == 0 {
            // Privilege separation wants it; a machine whose sshd never ran does not have it.
            std::fs::create_dir_all("/run/sshd").expect("root may write /run");
        }
        let program = Program::find("sshd");
        let config = self.directory.path().join("sshd_config");
        let newer = self.config(&program, true);
        std::fs::write(&config, newer).expect("writable");
        if finish(program.command().args(["-t", "-f"]).arg(&config)).code != 0 {
            std::fs::write(&config, self.config(&program, false)).expect("writable");
        }
        let mut process = Process::start(
            "sshd",
            program.command().args(["-D", "-e", "-f"]).arg(&config),
        );
        wait_until("sshd listens", PATIENCE, || {
            if let Some(status) = process.ended() {
                panic!("sshd ended by itself ({status}):\n{}", process.log().text());
            }
            process.log().count("Server listening on") > 0
        });
        self.process = Some(process);
    }

    /// `newer`: with options that OpenSSH before 9.8 refuses.
    fn config(&self, program: &Program, newer: bool) -> String {
        let file = |name: &str| self.directory.path().join(name).display().to_string();
        let mut lines = vec![
            format!("ListenAddress 127.0.0.1:{}", self.port()),
            format!("HostKey {}", self.host_key.display()),
            format!("AuthorizedKeysFile {}", file("authorized_keys")),
            "PidFile none".into(),
            "StrictModes no".into(),
            format!(
                "UsePAM {}",
                if is_locked(&self.user()) { "yes" } else { "no" }
            ),
            "PasswordAuthentication no".into(),
            "KbdInteractiveAuthentication no".into(),
            "PermitRootLogin yes".into(),
            "LogLevel DEBUG1".into(),
        ];
        if newer {
            // Tests of refused logins would otherwise lock 127.0.0.1 out.
            lines.push("PerSourcePenalties no".into());
            if let Some(root) = &program.unpacked {
                let session = root.join("usr/lib/openssh/sshd-session");
                lines.push(format!("SshdSessionPath {}", session.display()));
            }
        }
        // The first value of an option wins.
        format!("{}\n{}\n", self.extra, lines.join("\n"))
    }
}

/// Makes an OpenSSH key pair without a passphrase.
pub(crate) fn make_key(path: &Path, kind: &str) {
    let mut command: Command = Program::find("ssh-keygen").command();
    command
        .args(["-q", "-N", "", "-t", kind, "-C", "test", "-f"])
        .arg(path);
    let outcome = finish(&mut command);
    assert_eq!(outcome.code, 0, "ssh-keygen: {}", outcome.stderr);
}

/// Whether the account's password field begins with `!`, as Debian's installer leaves root's beside
/// sudo. Without PAM sshd lets nobody into such an account, not even with a key; with PAM it does.
/// Only root can read the field, and only root's sshd can use PAM.
fn is_locked(user: &str) -> bool {
    let shadow = std::fs::read_to_string("/etc/shadow").unwrap_or_default();
    shadow.lines().any(|line| {
        let field = line.strip_prefix(user).and_then(|l| l.strip_prefix(':'));
        field.is_some_and(|f| f.starts_with('!'))
    })
}
