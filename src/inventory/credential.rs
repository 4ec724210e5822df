//! How to be let in.

use std::fmt;

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
    /// `type: ssh-key`
    SshKey {
        user: String,
        /// Absolute, or relative to the home.
        key_file: String,
        passphrase: Option<Secret>,
    },
    /// `type: ssh-password`
    SshPassword { user: String, password: Secret },
    /// `type: ssh-agent`
    SshAgent { user: String },
}
