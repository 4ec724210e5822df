//! How to be let in.

use std::fmt;

use super::fields::{self, Keys};
use super::nearest::nearest;
use super::problem::Problems;
use super::usm::{self, UsmUser};
use super::yaml::{Kind, Map, Mark, Node, Written};
use super::{Outside, SecretRef};

/// A value that never prints.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// The value itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// One entry of `credentials:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Credential {
    pub name: String,
    pub kind: CredentialKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum CredentialKind {
    /// `type: snmp-v1`
    SnmpV1 { community: Secret },
    /// `type: snmp-v2c`
    SnmpV2c { community: Secret },
    /// `type: snmp-v3`
    SnmpV3(UsmUser),
    /// `type: ssh-key`
    SshKey {
        user: String,
        /// Absolute.
        key_file: String,
        passphrase: Option<Secret>,
    },
    /// `type: ssh-password`
    SshPassword { user: String, password: Secret },
    /// `type: ssh-agent`
    SshAgent { user: String },
    /// `type: http-bearer`
    HttpBearer { token: Secret },
    /// `type: http-basic`
    HttpBasic { user: String, password: Secret },
}

/// The types and the keys of each.
const TYPES: [(&str, &[&str]); 8] = [
    ("snmp-v1", &["type", "community"]),
    ("snmp-v2c", &["type", "community"]),
    ("snmp-v3", usm::KEYS),
    ("ssh-key", &["type", "user", "key_file", "passphrase"]),
    ("ssh-password", &["type", "user", "password"]),
    ("ssh-agent", &["type", "user"]),
    ("http-bearer", &["type", "token"]),
    ("http-basic", &["type", "user", "password"]),
];

/// The code of a problem whose line may hold a secret anywhere behind the place.
pub(super) const CREDENTIAL_IS_TEXT: &str = "bad-credential";

/// A credential as written.
pub(super) struct CredentialDraft {
    pub(super) mark: Mark,
    /// The word of `type:`; `None` after a mistake in it.
    pub(super) kind_word: Option<String>,
    /// `None` after a mistake, which is reported.
    pub(super) kind: Option<CredentialKind>,
}

/// Reads one entry of `credentials:`.
pub(super) fn read(
    name: &Written<String>,
    node: &Node,
    outside: &dyn Outside,
    problems: &mut Problems<'_>,
) -> CredentialDraft {
    let mut draft = CredentialDraft {
        mark: name.mark,
        kind_word: None,
        kind: None,
    };
    let map = match &node.kind {
        Kind::Map(map) => map,
        Kind::Null => &Map::default(),
        // Perhaps the secret itself: the value must not be shown.
        _ => {
            let message = format!("the credential `{}` must be a mapping", name.value);
            problems
                .error(CREDENTIAL_IS_TEXT, name.mark, message)
                .help("write it like `{type: snmp-v2c, community: \"env:NAME\"}`");
            return draft;
        }
    };
    let words = TYPES.map(|(word, _)| word);
    let Some(entry) = map.get("type") else {
        let help = format!("add `type: …`: {}", fields::either(&words));
        let of = format!("the credential `{}`", name.value);
        fields::missing(name.mark, &of, "type", &help, problems);
        return draft;
    };
    let Some(word) = fields::text(&entry.value, "type", problems) else {
        return draft;
    };
    draft.kind_word = Some(word.value.clone());
    let Some((_, known)) = TYPES.iter().find(|(known, _)| *known == word.value) else {
        unknown_type(&word, &words, problems);
        return draft;
    };
    Keys::new(&format!("a credential of type {}", word.value), known).check(map, problems);
    let mut reader = Reader {
        name,
        map,
        outside,
        problems,
    };
    draft.kind = reader.kind(&word.value);
    draft
}

fn unknown_type(word: &Written<String>, words: &[&str], problems: &mut Problems<'_>) {
    let message = format!("unknown type of credential `{}`", word.value);
    let problem = problems.error("unknown-type", word.mark, message);
    match nearest(&word.value, words.iter().copied()) {
        Some(likely) => problem.did_you_mean(Some(likely)),
        None => problem.help(format!("the types are {}", words.join(", "))),
    };
}

struct Reader<'r, 'p, 'f> {
    name: &'r Written<String>,
    map: &'r Map,
    outside: &'r dyn Outside,
    problems: &'p mut Problems<'f>,
}

impl Reader<'_, '_, '_> {
    /// Every key is read before the first missing one ends it, so that all are reported.
    fn kind(&mut self, word: &str) -> Option<CredentialKind> {
        Some(match word {
            "snmp-v1" => CredentialKind::SnmpV1 {
                community: self.needed_secret("community")?,
            },
            "snmp-v2c" => CredentialKind::SnmpV2c {
                community: self.needed_secret("community")?,
            },
            "snmp-v3" => {
                let Written { value, mark } = self.name;
                return usm::read(value, *mark, self.map, self.outside, self.problems);
            }
            "ssh-key" => {
                let user = self.needed("user", "user: monitor");
                let file = self.needed("key_file", "key_file: ~/.ssh/id_ed25519");
                let passphrase = self
                    .map
                    .get("passphrase")
                    .map(|entry| secret("passphrase", &entry.value, self.outside, self.problems));
                CredentialKind::SshKey {
                    key_file: file.and_then(|file| self.key_file(&file))?,
                    user: user?.value,
                    passphrase: match passphrase {
                        Some(found) => Some(found?),
                        None => None,
                    },
                }
            }
            "ssh-password" => {
                let user = self.needed("user", "user: monitor");
                let password = self.needed_secret("password");
                CredentialKind::SshPassword {
                    user: user?.value,
                    password: password?,
                }
            }
            "http-bearer" => CredentialKind::HttpBearer {
                token: self.needed_secret("token")?,
            },
            "http-basic" => {
                let user = self.needed("user", "user: monitor");
                let password = self.needed_secret("password");
                CredentialKind::HttpBasic {
                    user: user?.value,
                    password: password?,
                }
            }
            _ => CredentialKind::SshAgent {
                user: self.needed("user", "user: monitor")?.value,
            },
        })
    }

    fn needed(&mut self, key: &str, example: &str) -> Option<Written<String>> {
        match self.map.get(key) {
            Some(entry) => fields::text(&entry.value, key, self.problems),
            None => {
                self.missing(key, example);
                None
            }
        }
    }

    fn needed_secret(&mut self, key: &str) -> Option<Secret> {
        match self.map.get(key) {
            Some(entry) => secret(key, &entry.value, self.outside, self.problems),
            None => {
                self.missing(key, &format!("{key}: \"env:NAME\""));
                None
            }
        }
    }

    fn missing(&mut self, key: &str, example: &str) {
        let of = format!("the credential `{}`", self.name.value);
        let help = format!("add `{example}`");
        fields::missing(self.name.mark, &of, key, &help, self.problems);
    }

    fn key_file(&mut self, written: &Written<String>) -> Option<String> {
        match self.outside.key_file(&written.value) {
            Ok(path) => Some(path),
            Err(why) => {
                self.problems.error("key-file", written.mark, why);
                None
            }
        }
    }
}

/// A secret: a reference, or the value itself, which a file that others can read must not hold.
pub(super) fn secret(
    key: &str,
    node: &Node,
    outside: &dyn Outside,
    problems: &mut Problems<'_>,
) -> Option<Secret> {
    let reference = match &node.kind {
        Kind::Map(map) => match &map.entries[..] {
            [entry] if entry.key.value == "cmd" => {
                let words = fields::texts(&entry.value, "cmd", problems)?;
                SecretRef::Cmd(words.value.into_iter().map(|word| word.value).collect())
            }
            _ => {
                problems
                    .error("wrong-type", node.mark, format!("`{key}` must be a secret"))
                    .help("write \"env:NAME\", \"file:/path\", \"cred:NAME\" or {cmd: [program, argument]}");
                return None;
            }
        },
        _ => {
            let text = fields::text(node, key, problems)?;
            match text.value.split_once(':') {
                Some(("env", rest)) => SecretRef::Env(rest.to_owned()),
                Some(("file", rest)) => SecretRef::File(rest.to_owned()),
                Some(("cred", rest)) => SecretRef::Cred(rest.to_owned()),
                Some(("cmd", rest)) => {
                    SecretRef::Cmd(rest.split_whitespace().map(str::to_owned).collect())
                }
                _ => {
                    warn_literal(key, node.mark, problems);
                    return Some(Secret::new(text.value));
                }
            }
        }
    };
    match outside.secret(&reference) {
        Ok(secret) => Some(secret),
        Err(why) => {
            let message = format!("cannot get `{key}`: {why}");
            problems.error("secret", node.mark, message);
            None
        }
    }
}

fn warn_literal(key: &str, mark: Mark, problems: &mut Problems<'_>) {
    if problems.is_private(mark.file) {
        return;
    }
    let path = problems.path(mark.file).to_owned();
    problems
        .warning(
            "literal-secret",
            mark,
            format!("`{key}` is a secret in a file that others may read"),
        )
        .help(format!(
            "use \"env:NAME\", \"file:/path\" or \"cred:NAME\", or run `chmod 600 {path}`"
        ));
}
