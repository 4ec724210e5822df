//! Who may log in: `data/state/users`, a line `name:hash` each. Written by `eider user`, read anew
//! by the daemon whenever it changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};

use super::state_file::{StateFile, Watched};

/// Shorter passwords are refused.
pub(super) const MIN_PASSWORD_CHARS: usize = 8;
/// Longer ones too: hashing them would be work for nothing.
pub(super) const MAX_PASSWORD_BYTES: usize = 1024;

/// One line of the file. The hash is an Argon2id string with its parameters and salt.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) hash: String,
}

/// Why the users could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    #[error("cannot read or write {path}: {why}")]
    File { path: PathBuf, why: std::io::Error },
    #[error("{path}, line {line}: not `name:hash`; remove the line and add the user again")]
    Line { path: PathBuf, line: usize },
    #[error("a user name has 1 to 64 characters out of a-z A-Z 0-9 . _ - @")]
    Name,
    #[error(
        "a password has at least {MIN_PASSWORD_CHARS} characters and at most {MAX_PASSWORD_BYTES} bytes"
    )]
    Password,
    #[error("there is no user {0}")]
    Unknown(String),
    #[error("cannot hash the password: {0}")]
    Hash(String),
}

/// The file, for `eider user`.
#[derive(Clone, Debug)]
pub struct UsersFile {
    file: StateFile,
}

impl UsersFile {
    /// The file in a data directory; it need not exist.
    pub fn of(data: &Path) -> UsersFile {
        UsersFile {
            file: StateFile::of(data, "users"),
        }
    }

    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The names, in the order of the file.
    pub fn names(&self) -> Result<Vec<String>, UsersError> {
        Ok(self.read()?.into_iter().map(|user| user.name).collect())
    }

    /// Adds a user or changes the password. Returns whether the user is new.
    pub fn set(&self, name: &str, password: &str) -> Result<bool, UsersError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
            return Err(UsersError::Name);
        }
        if password.chars().count() < MIN_PASSWORD_CHARS || password.len() > MAX_PASSWORD_BYTES {
            return Err(UsersError::Password);
        }
        let hash = hash(password)?;
        let mut users = self.read()?;
        let known = users.iter_mut().find(|user| user.name == name);
        let new = known.is_none();
        match known {
            Some(user) => user.hash = hash,
            None => users.push(User {
                name: name.into(),
                hash,
            }),
        }
        self.write(&users)?;
        Ok(new)
    }

    pub fn remove(&self, name: &str) -> Result<(), UsersError> {
        let mut users = self.read()?;
        let before = users.len();
        users.retain(|user| user.name != name);
        if users.len() == before {
            return Err(UsersError::Unknown(name.into()));
        }
        self.write(&users)
    }

    pub(super) fn read(&self) -> Result<Vec<User>, UsersError> {
        let text = self.file.text().map_err(|why| self.broken(why))?;
        let mut users = Vec::new();
        for (position, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, hash) = line
                .split_once(':')
                .filter(|(name, hash)| !name.is_empty() && PasswordHash::new(hash).is_ok())
                .ok_or_else(|| UsersError::Line {
                    path: self.path().to_owned(),
                    line: position + 1,
                })?;
            users.push(User {
                name: name.into(),
                hash: hash.into(),
            });
        }
        Ok(users)
    }

    fn write(&self, users: &[User]) -> Result<(), UsersError> {
        let line = |user: &User| format!("{}:{}", user.name, user.hash);
        let lines: Vec<String> = users.iter().map(line).collect();
        self.file.write(&lines).map_err(|why| self.broken(why))
    }

    fn broken(&self, why: std::io::Error) -> UsersError {
        UsersError::File {
            path: self.path().to_owned(),
            why,
        }
    }
}

/// The hash of a password, with a salt of its own.
pub(super) fn hash(password: &str) -> Result<String, UsersError> {
    let salt: [u8; 16] = rand::random();
    Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|error| UsersError::Hash(error.to_string()))
}

/// Whether the password is the one behind the hash. Takes tens of milliseconds and 19 MiB.
pub(super) fn verify(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    })
}

/// The users as of now, read again when the file is another one.
pub(super) struct Users {
    file: UsersFile,
    seen: Watched<User>,
}

impl Users {
    pub(super) fn of(data: &Path) -> Users {
        Users {
            file: UsersFile::of(data),
            seen: Watched::default(),
        }
    }

    /// An error means that nobody can be let in: a file that cannot be read is not an empty one.
    pub(super) fn current(&self) -> Result<Arc<Vec<User>>, UsersError> {
        let file = &self.file;
        self.seen
            .current(&file.file, || file.read(), |why| file.broken(why))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn users_come_and_go_and_the_reader_notices() {
        let data = tempfile::tempdir().unwrap();
        let file = UsersFile::of(data.path());
        let users = Users::of(data.path());
        assert!(users.current().unwrap().is_empty());
        assert!(file.set("ada", "correct horse").unwrap());
        assert!(!file.set("ada", "battery staple").unwrap());
        let now = users.current().unwrap();
        assert_eq!(now.len(), 1);
        assert!(verify("battery staple", &now[0].hash));
        assert!(!verify("correct horse", &now[0].hash));
        let mode = std::fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        file.set("bob@example.net", "long enough").unwrap();
        assert_eq!(file.names().unwrap(), ["ada", "bob@example.net"]);
        file.remove("ada").unwrap();
        assert!(matches!(file.remove("ada"), Err(UsersError::Unknown(_))));
        assert_eq!(users.current().unwrap().len(), 1);
    }

    #[test]
    fn odd_names_short_passwords_and_torn_files_are_refused() {
        let data = tempfile::tempdir().unwrap();
        let file = UsersFile::of(data.path());
        for name in ["", "a:b", "a\nb", "a b", "ünal"] {
            assert!(matches!(
                file.set(name, "long enough"),
                Err(UsersError::Name)
            ));
        }
        assert!(matches!(file.set("a", "short"), Err(UsersError::Password)));
        file.set("a", "long enough").unwrap();
        std::fs::write(file.path(), "a:$argon2id$broken\n").unwrap();
        let error = Users::of(data.path()).current().err().unwrap();
        assert!(error.to_string().contains("line 1"), "{error}");
    }
}
