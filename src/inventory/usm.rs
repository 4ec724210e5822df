//! Who we are to a device of SNMP version 3: a user, and how messages are signed and encrypted
//! (the user-based security model of RFC 3414).

use super::Outside;
use super::credential::{self, CredentialKind, Secret};
use super::fields;
use super::problem::Problems;
use super::yaml::{Map, Mark};

/// A user of SNMP version 3. What it says of authentication and privacy is a minimum: messages with
/// less are refused.
#[derive(Clone, Debug, PartialEq)]
pub struct UsmUser {
    pub name: String,
    /// The context that objects are asked in; nearly always empty.
    pub context: String,
    /// `None`: neither signed nor encrypted (noAuthNoPriv).
    pub auth: Option<UsmAuth>,
}

/// How messages are signed.
#[derive(Clone, Debug, PartialEq)]
pub struct UsmAuth {
    pub protocol: AuthProtocol,
    /// At least 8 octets.
    pub secret: Secret,
    /// `None`: signed only (authNoPriv).
    pub privacy: Option<UsmPrivacy>,
}

/// How messages are encrypted.
#[derive(Clone, Debug, PartialEq)]
pub struct UsmPrivacy {
    pub protocol: PrivProtocol,
    /// At least 8 octets.
    pub secret: Secret,
}

/// The hash behind the signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthProtocol {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl AuthProtocol {
    pub const ALL: [AuthProtocol; 6] = [
        AuthProtocol::Md5,
        AuthProtocol::Sha1,
        AuthProtocol::Sha224,
        AuthProtocol::Sha256,
        AuthProtocol::Sha384,
        AuthProtocol::Sha512,
    ];

    /// The word of `auth:`.
    pub fn as_str(self) -> &'static str {
        match self {
            AuthProtocol::Md5 => "md5",
            AuthProtocol::Sha1 => "sha1",
            AuthProtocol::Sha224 => "sha224",
            AuthProtocol::Sha256 => "sha256",
            AuthProtocol::Sha384 => "sha384",
            AuthProtocol::Sha512 => "sha512",
        }
    }
}

/// The cipher. Keys of 192 and 256 bits exist in two kinds, since two drafts stretch a short hash
/// to a long key in two ways and neither became a standard: Blumenthal's (net-snmp and most), and
/// Reeder's (`…c`: Cisco and others).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrivProtocol {
    Des,
    Aes128,
    Aes192,
    Aes256,
    Aes192C,
    Aes256C,
}

impl PrivProtocol {
    pub const ALL: [PrivProtocol; 6] = [
        PrivProtocol::Des,
        PrivProtocol::Aes128,
        PrivProtocol::Aes192,
        PrivProtocol::Aes256,
        PrivProtocol::Aes192C,
        PrivProtocol::Aes256C,
    ];

    /// The word of `priv:`.
    pub fn as_str(self) -> &'static str {
        match self {
            PrivProtocol::Des => "des",
            PrivProtocol::Aes128 => "aes128",
            PrivProtocol::Aes192 => "aes192",
            PrivProtocol::Aes256 => "aes256",
            PrivProtocol::Aes192C => "aes192c",
            PrivProtocol::Aes256C => "aes256c",
        }
    }
}

/// The keys of a credential of type snmp-v3.
pub(super) const KEYS: &[&str] = &[
    "type",
    "user",
    "auth",
    "auth_secret",
    "priv",
    "priv_secret",
    "context",
];

const NONE: &str = "none";
/// RFC 3414 section 11.2: shorter ones must not be accepted.
const SHORTEST_SECRET: usize = 8;
/// RFC 3411: a security name, and so a user's, has at most 32 octets.
const LONGEST_NAME: usize = 32;

/// Reads a credential of type snmp-v3; `None` after a mistake, which is reported. Every key is
/// read, so that all mistakes are.
pub(super) fn read(
    name: &str,
    mark: Mark,
    map: &Map,
    outside: &dyn Outside,
    problems: &mut Problems<'_>,
) -> Option<CredentialKind> {
    let mut reader = Reader {
        name,
        mark,
        map,
        outside,
        problems,
    };
    let user = reader.user();
    let context = reader.context();
    let auth = reader.protocol("auth", &AuthProtocol::ALL.map(|p| (p.as_str(), p)));
    let privacy = reader.protocol("priv", &PrivProtocol::ALL.map(|p| (p.as_str(), p)));
    let auth_secret = reader.secret("auth", &auth);
    let priv_secret = reader.secret("priv", &privacy);
    if let (Ok(None), Ok(Some(_))) = (&auth, &privacy) {
        let at = map.get("priv").map_or(mark, |entry| entry.value.mark);
        reader
            .problems
            .error(
                "usm",
                at,
                "`priv` needs `auth`: what is not signed cannot be encrypted",
            )
            .help("add `auth: sha256` and `auth_secret`, or remove `priv`");
        return None;
    }
    let privacy = match (privacy.ok()?, priv_secret.ok()?) {
        (Some(protocol), Some(secret)) => Some(UsmPrivacy { protocol, secret }),
        _ => None,
    };
    let auth = match (auth.ok()?, auth_secret.ok()?) {
        (Some(protocol), Some(secret)) => Some(UsmAuth {
            protocol,
            secret,
            privacy,
        }),
        _ => None,
    };
    Some(CredentialKind::SnmpV3(UsmUser {
        name: user?,
        context: context?,
        auth,
    }))
}

/// What is reported already.
struct Reported;

struct Reader<'r, 'f> {
    name: &'r str,
    mark: Mark,
    map: &'r Map,
    outside: &'r dyn Outside,
    problems: &'r mut Problems<'f>,
}

impl Reader<'_, '_> {
    fn missing(&mut self, key: &str, help: &str) {
        let of = format!("the credential `{}`", self.name);
        fields::missing(self.mark, &of, key, help, self.problems);
    }

    fn user(&mut self) -> Option<String> {
        let Some(entry) = self.map.get("user") else {
            self.missing("user", "add `user: monitor`");
            return None;
        };
        let user = fields::text(&entry.value, "user", self.problems)?;
        if user.value.len() <= LONGEST_NAME {
            return Some(user.value);
        }
        let message = format!(
            "`user` has {} octets, but SNMP allows 32 at most",
            user.value.len()
        );
        self.problems.error("bad-value", user.mark, message);
        None
    }

    fn context(&mut self) -> Option<String> {
        match self.map.get("context") {
            Some(entry) => fields::text(&entry.value, "context", self.problems).map(|t| t.value),
            None => Some(String::new()),
        }
    }

    /// The protocol of that key; `None` when there is none.
    fn protocol<P: Copy>(
        &mut self,
        key: &str,
        protocols: &[(&'static str, P)],
    ) -> Result<Option<P>, Reported> {
        let of_secret = format!("{key}_secret");
        let Some(entry) = self.map.get(key) else {
            if self.map.get(&of_secret).is_none() {
                return Ok(None);
            }
            let words: Vec<&str> = protocols.iter().map(|(word, _)| *word).collect();
            let help = format!("`{of_secret}` is for one of {}", fields::either(&words));
            self.missing(key, &help);
            return Err(Reported);
        };
        let mut words = vec![NONE];
        words.extend(protocols.iter().map(|(word, _)| *word));
        let word = fields::word(&entry.value, key, &words, self.problems).ok_or(Reported)?;
        let found = protocols.iter().find(|(known, _)| *known == word.value);
        Ok(found.map(|(_, protocol)| *protocol))
    }

    /// The secret that belongs to the protocol of that key.
    fn secret<P>(
        &mut self,
        key: &str,
        protocol: &Result<Option<P>, Reported>,
    ) -> Result<Option<Secret>, Reported> {
        let key = format!("{key}_secret");
        let Some(entry) = self.map.get(&key) else {
            if let Ok(Some(_)) = protocol {
                self.missing(&key, &format!("add `{key}: \"env:NAME\"`"));
                return Err(Reported);
            }
            return Ok(None);
        };
        let secret = credential::secret(&key, &entry.value, self.outside, self.problems);
        let secret = secret.ok_or(Reported)?;
        if self.outside.reads_secrets() && secret.expose().len() < SHORTEST_SECRET {
            let message = format!("`{key}` is shorter than 8 characters");
            self.problems
                .error("short-secret", entry.value.mark, message)
                .help("SNMPv3 does not allow shorter ones: set a longer one on the device too");
            return Err(Reported);
        }
        Ok(Some(secret))
    }
}
