//! Being let in: by key, by password, by the keys of an agent. Only ever after the host key is known
//! to be right.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ssh2::{KeyboardInteractivePrompt, Prompt, Session};

use super::failure;
use super::host_keys::HostKey;
use crate::inventory::{Secret, SshAuth};
use crate::machine::clean;
use crate::reading::{Cause, Failure};

/// A private key is a few kilobytes; more is not one.
const KEY_FILE_MAX: u64 = 64 * 1024;

/// What to show, read before the first packet is sent: a key file that cannot be used must not cost
/// the host a connection.
pub(super) enum Proof<'a> {
    Key {
        text: Secret,
        /// What the file beside it with `-cert.pub` at the end of its name says, as OpenSSH looks
        /// for it.
        certificate: Option<String>,
        file: &'a str,
        passphrase: Option<&'a Secret>,
    },
    Password(&'a Secret),
    Agent,
}

/// Why nobody was let in.
#[derive(Debug)]
pub(super) enum Denied {
    /// The server said no: to be tried again later and later.
    Refused(String),
    /// The connection ended or hung.
    Broken(ssh2::Error),
}

impl<'a> Proof<'a> {
    /// Reads the key file. The failure says what is wrong with it.
    pub(super) fn prepare(auth: &'a SshAuth) -> Result<Proof<'a>, Failure> {
        let wrong = |message: String| Err(Failure::new(Cause::Auth, message));
        match auth {
            SshAuth::Password(password) => Ok(Proof::Password(password)),
            SshAuth::Agent if std::env::var_os("SSH_AUTH_SOCK").is_none() => {
                wrong("no ssh-agent: SSH_AUTH_SOCK is not set where eider runs".into())
            }
            SshAuth::Agent => Ok(Proof::Agent),
            SshAuth::Key {
                key_file: file,
                passphrase,
            } => match read_key(file) {
                Err(message) => wrong(message),
                Ok(text) if passphrase.is_none() && is_encrypted(text.expose()) => wrong(format!(
                    "key file {file} needs its passphrase (passphrase: in the credential)"
                )),
                Ok(text) => Ok(Proof::Key {
                    text,
                    certificate: read_certificate(file),
                    file,
                    passphrase: passphrase.as_ref(),
                }),
            },
        }
    }

    /// Logs in.
    pub(super) fn show(&self, session: &Session, user: &str) -> Result<(), Denied> {
        // The list of methods costs one "none" request, as every OpenSSH client sends it.
        let offered = session.auth_methods(user).map(str::to_owned);
        if session.authenticated() {
            return Ok(());
        }
        let offered = offered.map_err(Denied::Broken)?;
        let offers = |method: &str| offered.split(',').any(|o| o == method);
        let method = match self {
            Proof::Password(_) if offers("password") => "password",
            Proof::Password(_) => "keyboard-interactive",
            _ => "publickey",
        };
        let user_shown = clean(user);
        if !offers(method) {
            let offered = clean(&offered.replace(',', ", "));
            return Err(Denied::Refused(format!(
                "authentication refused for user {user_shown} (not tried: {method}): the server offers only {offered}"
            )));
        }
        let mut tried = method.to_owned();
        let outcome = match self {
            Proof::Key {
                text,
                certificate,
                file,
                passphrase,
            } => {
                let by_key = |certificate: Option<&str>| {
                    let passphrase = passphrase.map(Secret::expose);
                    session.userauth_pubkey_memory(user, certificate, text.expose(), passphrase)
                };
                let mut outcome = by_key(certificate.as_deref());
                // The bare key may be let in where the certificate is not, or has run out.
                if certificate.is_some() && outcome.as_ref().is_err_and(|error| !is_end(error)) {
                    tried = "publickey, with and without its certificate".to_owned();
                    outcome = by_key(None);
                }
                match outcome {
                    Err(error) if failure::is_key_file(&error) => {
                        return Err(Denied::Refused(unreadable(file, *passphrase)));
                    }
                    outcome => outcome,
                }
            }
            Proof::Password(password) if method == "password" => {
                session.userauth_password(user, password.expose())
            }
            Proof::Password(password) => {
                session.userauth_keyboard_interactive(user, &mut Answer(Some(password)))
            }
            Proof::Agent => {
                let (outcome, count) = by_agent(session, user)?;
                tried = format!("publickey, {count} keys of the agent");
                outcome
            }
        };
        match outcome {
            Ok(()) if session.authenticated() => Ok(()),
            Err(error) if is_end(&error) => Err(Denied::Broken(error)),
            _ => Err(Denied::Refused(format!(
                "authentication refused for user {user_shown} (tried: {tried})"
            ))),
        }
    }
}

fn is_end(error: &ssh2::Error) -> bool {
    failure::is_timeout(error) || failure::is_disconnect(error)
}

/// Tries each key of the agent; returns the last outcome and how many keys there are.
fn by_agent(session: &Session, user: &str) -> Result<(Result<(), ssh2::Error>, usize), Denied> {
    let no_agent = |error: ssh2::Error| {
        Denied::Refused(format!("no ssh-agent answers: {}", clean(error.message())))
    };
    let mut agent = session.agent().map_err(no_agent)?;
    agent.connect().map_err(no_agent)?;
    agent.list_identities().map_err(no_agent)?;
    let identities = agent.identities().map_err(no_agent)?;
    let mut outcome = Err(ssh2::Error::unknown());
    for identity in &identities {
        outcome = agent.userauth(user, identity);
        if outcome.as_ref().map_or_else(is_end, |()| true) {
            break;
        }
    }
    Ok((outcome, identities.len()))
}

/// Gives the password to the first hidden question and nothing to any further one.
struct Answer<'a>(Option<&'a Secret>);

impl KeyboardInteractivePrompt for Answer<'_> {
    fn prompt<'b>(&mut self, _user: &str, _text: &str, prompts: &[Prompt<'b>]) -> Vec<String> {
        let mut answer = |prompt: &Prompt<'_>| {
            let password = if prompt.echo { None } else { self.0.take() };
            password.map_or_else(String::new, |p| p.expose().to_owned())
        };
        prompts.iter().map(&mut answer).collect()
    }
}

fn read_key(path: &str) -> Result<Secret, String> {
    let wrong = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("key file {path}: no such file"),
        std::io::ErrorKind::PermissionDenied => {
            format!("key file {path}: permission denied for the user that eider runs as")
        }
        _ => format!("key file {path}: {error}"),
    };
    let file = File::open(path).map_err(wrong)?;
    let mode = file.metadata().map_err(wrong)?.permissions().mode() & 0o777;
    if mode & 0o007 != 0 {
        return Err(format!(
            "key file {path} is open to every user of this machine (mode {mode:04o}): run `chmod 600 {path}`"
        ));
    }
    let mut text = String::new();
    let read = file.take(KEY_FILE_MAX + 1).read_to_string(&mut text);
    let is_key = read.is_ok() && text.len() as u64 <= KEY_FILE_MAX;
    if !is_key || !text.contains("PRIVATE KEY-----") {
        return Err(format!(
            "key file {path}: not a private key (a .pub file is the public half)"
        ));
    }
    Ok(Secret::new(text))
}

/// The certificate of a key, if it has one.
fn read_certificate(key_file: &str) -> Option<String> {
    let file = File::open(format!("{key_file}-cert.pub")).ok()?;
    let mut text = String::new();
    file.take(KEY_FILE_MAX).read_to_string(&mut text).ok()?;
    let kind = text.split_ascii_whitespace().next()?;
    kind.ends_with("-cert-v01@openssh.com").then_some(text)
}

/// The public half of a key as it stands in authorized_keys (`ssh-ed25519 AAAA…`): from the file
/// beside it with `.pub` at the end of its name, else from the key file, where OpenSSH's own form
/// tells it without the passphrase.
///
/// # Errors
/// What is missing, in words.
pub fn public_key(key_file: &str) -> Result<String, String> {
    let beside = format!("{key_file}.pub");
    if let Ok(text) = std::fs::read_to_string(&beside) {
        let words: Vec<&str> = text.split_ascii_whitespace().take(2).collect();
        let blob = words.get(1).and_then(|word| STANDARD.decode(word).ok());
        let key = blob.and_then(|blob| HostKey::of_blob(&blob));
        return match key {
            Some(key) if words.first() == Some(&key.kind.as_str()) => Ok(words.join(" ")),
            _ => Err(format!("{beside}: not a public key")),
        };
    }
    let text = read_key(key_file)?;
    let inner = openssh_body(text.expose());
    let public = inner.and_then(|bytes| {
        let mut rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
        // Cipher, kind and options of the passphrase's key, then one: the number of keys.
        for _ in 0..3 {
            rest = string(rest)?.1;
        }
        let blob = string(rest.strip_prefix(&1u32.to_be_bytes())?)?.0;
        HostKey::of_blob(blob)
    });
    match public {
        Some(key) => Ok(format!("{} {}", key.kind, STANDARD.encode(&key.blob))),
        None => Err(format!(
            "{key_file} does not tell its public half: run `ssh-keygen -y -f {key_file} > {beside}`"
        )),
    }
}

/// A string of RFC 4251 and what follows it.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

/// The bytes of a key file in OpenSSH's own form.
fn openssh_body(text: &str) -> Option<Vec<u8>> {
    let body: String = text
        .lines()
        .skip_while(|l| !l.contains("BEGIN OPENSSH PRIVATE KEY"))
        .skip(1)
        .take_while(|l| !l.starts_with('-'))
        .map(str::trim)
        .collect();
    STANDARD.decode(body).ok()
}

/// Whether a passphrase is needed: said in the head of PEM files, inside of OpenSSH's own form.
fn is_encrypted(text: &str) -> bool {
    if text.contains("ENCRYPTED") {
        return true;
    }
    let bytes = openssh_body(text).unwrap_or_default();
    let cipher = bytes
        .strip_prefix(b"openssh-key-v1\0")
        .and_then(|rest| rest.get(4..8));
    cipher.is_some_and(|c| c != b"none")
}

fn unreadable(file: &str, passphrase: Option<&Secret>) -> String {
    match passphrase {
        Some(_) => format!("key file {file}: the passphrase is wrong, or the format is not known"),
        None => format!("key file {file}: the format is not known (ed25519, ecdsa and rsa are)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};

    fn key_auth(path: &std::path::Path, passphrase: Option<&str>) -> SshAuth {
        SshAuth::Key {
            key_file: path.display().to_string(),
            passphrase: passphrase.map(Secret::new),
        }
    }

    fn refusal(auth: &SshAuth) -> String {
        let Err(failure) = Proof::prepare(auth) else {
            panic!("accepted");
        };
        assert_eq!(failure.cause, Cause::Auth);
        failure.message
    }

    #[test]
    fn what_is_wrong_with_a_key_file_is_said_before_connecting() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        assert!(refusal(&key_auth(&path, None)).ends_with("key: no such file"));
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n";
        fs::write(&path, pem).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(refusal(&key_auth(&path, None)).contains("mode 0644"));
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert!(refusal(&key_auth(&path, None)).contains("needs its passphrase"));
        assert!(Proof::prepare(&key_auth(&path, Some("x"))).is_ok());
        fs::write(&path, "ssh-ed25519 AAAA").unwrap();
        assert!(refusal(&key_auth(&path, None)).contains("not a private key"));
    }

    #[test]
    fn an_openssh_key_tells_whether_it_is_encrypted() {
        let form = |cipher: &[u8]| {
            let mut bytes = b"openssh-key-v1\0".to_vec();
            bytes.extend_from_slice(&(cipher.len() as u32).to_be_bytes());
            bytes.extend_from_slice(cipher);
            let body = STANDARD.encode(bytes);
            format!(
                "-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n"
            )
        };
        assert!(!is_encrypted(&form(b"none")));
        assert!(is_encrypted(&form(b"aes256-ctr")));
        assert!(!is_encrypted("-----BEGIN PRIVATE KEY-----\nAAAA\n"));
    }
}
