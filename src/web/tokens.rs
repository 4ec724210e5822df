//! Who may push: `data/state/tokens`, a line each of hash, host, name and the day it was made, parted
//! by tabs. A token is 256 random bits, so its plain SHA-256 tells nothing of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::state_file::{StateFile, Watched};

/// People know a secret of ours by its beginning.
const PREFIX: &str = "eider_";

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    hash: String,
    /// The host that it lets push, and no other.
    pub host: String,
    /// What people call it.
    pub name: String,
    /// The day it was made.
    pub made: String,
}

impl Token {
    /// Enough of the hash to name it on the command line.
    pub fn id(&self) -> &str {
        self.hash.get(..8).unwrap_or(&self.hash)
    }
}

/// Why the tokens could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    #[error("cannot read or write {path}: {why}")]
    File { path: PathBuf, why: std::io::Error },
    #[error("{path}, line {line}: not a token; remove the line and make the token again")]
    Line { path: PathBuf, line: usize },
    #[error("the name of a token has 1 to 64 characters, none of them a control character")]
    Name,
    #[error("there is no token {0}; `eider token list` shows them")]
    Unknown(String),
}

/// The file, for `eider token`.
#[derive(Clone, Debug)]
pub struct TokensFile {
    file: StateFile,
}

impl TokensFile {
    /// The file in a data directory; it need not exist.
    pub fn of(data: &Path) -> TokensFile {
        TokensFile {
            file: StateFile::of(data, "tokens"),
        }
    }

    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Every token, in the order of the file.
    pub fn list(&self) -> Result<Vec<Token>, TokensError> {
        let text = self.file.text().map_err(|why| self.broken(why))?;
        let lines = text.lines().enumerate();
        lines
            .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
            .map(|(position, line)| {
                parse(line).ok_or_else(|| TokensError::Line {
                    path: self.path().to_owned(),
                    line: position + 1,
                })
            })
            .collect()
    }

    /// Makes a token for a host and returns it: this is the only time that it can be seen.
    pub fn add(&self, host: &str, name: &str, made: &str) -> Result<String, TokensError> {
        let long = name.is_empty() || name.chars().count() > 64;
        if long || name.chars().any(char::is_control) {
            return Err(TokensError::Name);
        }
        let secret = format!(
            "{PREFIX}{}",
            URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
        );
        let mut tokens = self.list()?;
        tokens.push(Token {
            hash: digest(&secret),
            host: host.to_owned(),
            name: name.to_owned(),
            made: made.to_owned(),
        });
        self.write(&tokens)?;
        Ok(secret)
    }

    /// Takes a token away, by the beginning of its id. Returns it.
    pub fn revoke(&self, id: &str) -> Result<Token, TokensError> {
        let mut tokens = self.list()?;
        let mut fitting = tokens
            .iter()
            .enumerate()
            .filter(|(_, t)| t.hash.starts_with(id));
        let found = fitting.next().map(|(position, _)| position);
        let only = fitting.next().is_none();
        match found.filter(|_| only && id.len() >= 4) {
            Some(position) => {
                let gone = tokens.remove(position);
                self.write(&tokens)?;
                Ok(gone)
            }
            None => Err(TokensError::Unknown(id.to_owned())),
        }
    }

    fn write(&self, tokens: &[Token]) -> Result<(), TokensError> {
        let line = |t: &Token| format!("{}\t{}\t{}\t{}", t.hash, t.host, t.name, t.made);
        let lines: Vec<String> = tokens.iter().map(line).collect();
        self.file.write(&lines).map_err(|why| self.broken(why))
    }

    fn broken(&self, why: std::io::Error) -> TokensError {
        TokensError::File {
            path: self.path().to_owned(),
            why,
        }
    }
}

fn parse(line: &str) -> Option<Token> {
    let mut parts = line.split('\t').map(str::to_owned);
    let token = Token {
        hash: parts.next()?,
        host: parts.next()?,
        name: parts.next()?,
        made: parts.next()?,
    };
    let good = token.hash.len() == 64 && token.hash.bytes().all(|b| b.is_ascii_hexdigit());
    (good && parts.next().is_none()).then_some(token)
}

fn digest(secret: &str) -> String {
    let hash = Sha256::digest(secret.as_bytes());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The tokens as of now.
pub(super) struct Tokens {
    file: TokensFile,
    seen: Watched<Token>,
}

impl Tokens {
    pub(super) fn of(data: &Path) -> Tokens {
        Tokens {
            file: TokensFile::of(data),
            seen: Watched::default(),
        }
    }

    /// The host that the secret lets push; `None` when there is no such token.
    pub(super) fn host(&self, secret: &str) -> Result<Option<String>, TokensError> {
        let file = &self.file;
        let tokens: Arc<Vec<Token>> =
            self.seen
                .current(&file.file, || file.list(), |why| file.broken(why))?;
        // Equal hashes mean equal secrets; how far two hashes agree tells nothing of a secret.
        let wanted = digest(secret);
        let found = tokens.iter().find(|token| token.hash == wanted);
        Ok(found.map(|token| token.host.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_token_lets_its_host_push_until_it_is_revoked() {
        let data = tempfile::tempdir().unwrap();
        let file = TokensFile::of(data.path());
        let tokens = Tokens::of(data.path());
        assert_eq!(tokens.host("eider_x").unwrap(), None);
        let first = file.add("web1", "agent", "2026-03-01").unwrap();
        let second = file.add("web2", "agent", "2026-03-01").unwrap();
        assert_eq!(tokens.host(&first).unwrap().as_deref(), Some("web1"));
        assert_eq!(tokens.host(&second).unwrap().as_deref(), Some("web2"));
        assert_eq!(tokens.host(&first[..20]).unwrap(), None);
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(!text.contains(&first), "the secret itself is not kept");
        let mode = std::fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let id = file.list().unwrap()[0].id().to_owned();
        assert_eq!(file.revoke(&id).unwrap().host, "web1");
        assert_eq!(tokens.host(&first).unwrap(), None);
        assert!(matches!(file.revoke(&id), Err(TokensError::Unknown(_))));
        assert!(matches!(file.revoke(""), Err(TokensError::Unknown(_))));
    }

    #[test]
    fn a_torn_file_lets_nobody_in() {
        let data = tempfile::tempdir().unwrap();
        let file = TokensFile::of(data.path());
        let token = file.add("web1", "agent", "2026-03-01").unwrap();
        std::fs::write(file.path(), "abc\tweb1\n").unwrap();
        let error = Tokens::of(data.path()).host(&token).unwrap_err();
        assert!(error.to_string().contains("line 1"), "{error}");
    }
}
