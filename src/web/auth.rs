//! Logging in: passwords against the users file, sessions in memory, both with limits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use super::users::{self, User, Users, UsersError};

/// A session that nobody used for so long is over.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// And after so long in any case.
pub(super) const LONGEST: Duration = Duration::from_secs(12 * 3600);
const MAX_SESSIONS: usize = 1000;
/// Failed logins per minute, for one name and for one address.
const FAILURES_PER_NAME: usize = 5;
const FAILURES_PER_ADDRESS: usize = 20;
const MINUTE: Duration = Duration::from_secs(60);
/// Names and addresses whose failures are remembered at once.
const MAX_REMEMBERED: usize = 10_000;
/// Password hashes computed at once: each takes 19 MiB and a core.
const MAX_HASHING: usize = 2;

/// The name of the cookie that holds a session's token.
pub(super) const COOKIE: &str = "eider_session";

pub(super) struct Auth {
    users: Users,
    sessions: Mutex<HashMap<[u8; 32], Session>>,
    failures: Mutex<HashMap<String, Vec<Instant>>>,
    hashing: Arc<Semaphore>,
}

struct Session {
    user: User,
    made: Instant,
    used: Instant,
}

/// Why a login failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// The name or the password is wrong; which one is not told.
    Wrong,
    /// Too many failures within a minute.
    TooMany,
}

impl Auth {
    pub(super) fn new(data: &std::path::Path) -> Auth {
        Auth {
            users: Users::of(data),
            sessions: Mutex::default(),
            failures: Mutex::default(),
            hashing: Arc::new(Semaphore::new(MAX_HASHING)),
        }
    }

    /// Whether any user exists. An unreadable file counts as users nobody can log in as.
    pub(super) fn has_users(&self) -> Result<bool, UsersError> {
        Ok(!self.users.current()?.is_empty())
    }

    /// The user of a session, and a sign of life for it.
    pub(super) fn session(&self, token: &str, now: Instant) -> Option<String> {
        let users = self.users.current().ok()?;
        let mut sessions = lock(&self.sessions);
        let key = digest(token);
        let session = sessions.get_mut(&key)?;
        // A removed user and a changed password end the session.
        if !alive(session, now) || !users.contains(&session.user) {
            sessions.remove(&key);
            return None;
        }
        session.used = now;
        Some(session.user.name.clone())
    }

    /// Checks the password. `address` is who asks, for the limits. Returns the token of a new session.
    pub(super) async fn log_in(
        &self,
        name: &str,
        password: &str,
        address: &str,
        now: Instant,
    ) -> Result<String, Denied> {
        let user = self.check(name, password, address, now).await?;
        let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        self.remember(&token, user, now);
        Ok(token)
    }

    /// The user of an `Authorization: Basic` header. A header that was right is remembered like a
    /// session, so that a scraper does not cost a hash each time.
    pub(super) async fn basic(
        &self,
        header: &str,
        address: &str,
        now: Instant,
    ) -> Result<String, Denied> {
        let key = format!("basic {header}");
        if let Some(user) = self.session(&key, now) {
            return Ok(user);
        }
        let decoded = header
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|(_, credentials)| STANDARD.decode(credentials.trim()).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or(Denied::Wrong)?;
        let (name, password) = decoded.split_once(':').ok_or(Denied::Wrong)?;
        let user = self.check(name, password, address, now).await?;
        let name = user.name.clone();
        self.remember(&key, user, now);
        Ok(name)
    }

    pub(super) fn log_out(&self, token: &str) {
        lock(&self.sessions).remove(&digest(token));
    }

    async fn check(
        &self,
        name: &str,
        password: &str,
        address: &str,
        now: Instant,
    ) -> Result<User, Denied> {
        let name = name.chars().take(64).collect::<String>();
        let keys = [
            (format!("name {name}"), FAILURES_PER_NAME),
            (format!("address {address}"), FAILURES_PER_ADDRESS),
        ];
        if password.len() > users::MAX_PASSWORD_BYTES {
            return Err(Denied::Wrong);
        }
        // A failure is noted before the check and taken back after a good one, so that many
        // attempts at once do not get past the limit.
        self.note(&keys, now)?;
        let user = self
            .users
            .current()
            .ok()
            .and_then(|users| users.iter().find(|user| user.name == name).cloned());
        let hash = user.as_ref().map_or_else(nobody, |user| user.hash.clone());
        let password = password.to_owned();
        let permit = Arc::clone(&self.hashing).acquire_owned().await;
        let right = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            users::verify(&password, &hash)
        })
        .await
        .unwrap_or(false);
        match user {
            Some(user) if right => {
                let mut failures = lock(&self.failures);
                for (key, _) in &keys {
                    if let Some(times) = failures.get_mut(key) {
                        times.pop();
                    }
                }
                Ok(user)
            }
            _ => Err(Denied::Wrong),
        }
    }

    fn note(&self, keys: &[(String, usize)], now: Instant) -> Result<(), Denied> {
        let mut failures = lock(&self.failures);
        if failures.len() > MAX_REMEMBERED {
            failures.retain(|_, times| {
                times.retain(|time| now.duration_since(*time) < MINUTE);
                !times.is_empty()
            });
            if failures.len() > MAX_REMEMBERED {
                return Err(Denied::TooMany);
            }
        }
        for (key, most) in keys {
            let times = failures.entry(key.clone()).or_default();
            times.retain(|time| now.duration_since(*time) < MINUTE);
            if times.len() >= *most {
                return Err(Denied::TooMany);
            }
        }
        for (key, _) in keys {
            failures.entry(key.clone()).or_default().push(now);
        }
        Ok(())
    }

    fn remember(&self, token: &str, user: User, now: Instant) {
        let mut sessions = lock(&self.sessions);
        if sessions.len() >= MAX_SESSIONS {
            sessions.retain(|_, session| alive(session, now));
        }
        if sessions.len() >= MAX_SESSIONS {
            let oldest = sessions
                .iter()
                .min_by_key(|(_, session)| session.used)
                .map(|(key, _)| *key);
            if let Some(oldest) = oldest {
                sessions.remove(&oldest);
            }
        }
        sessions.insert(
            digest(token),
            Session {
                user,
                made: now,
                used: now,
            },
        );
    }
}

fn alive(session: &Session, now: Instant) -> bool {
    now.duration_since(session.used) < IDLE && now.duration_since(session.made) < LONGEST
}

/// Tokens are kept as their hash: who reads the memory of the process later finds no token.
fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The hash of a password that nobody knows: an unknown name takes as long as a known one.
fn nobody() -> String {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let password = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        users::hash(&password).unwrap_or_default()
    })
    .clone()
}

/// A panic elsewhere while the lock was held leaves the map as it is: usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex.lock() {
        Ok(guard) => guard,
        Err(poisoned) => poisoned.into_inner(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::users::UsersFile;

    fn with_ada() -> (tempfile::TempDir, UsersFile, Auth) {
        let data = tempfile::tempdir().unwrap();
        let file = UsersFile::of(data.path());
        file.set("ada", "correct horse").unwrap();
        let auth = Auth::new(data.path());
        (data, file, auth)
    }

    #[tokio::test]
    async fn a_session_lives_until_idle_old_or_the_password_changed() {
        let (_data, file, auth) = with_ada();
        let now = Instant::now();
        let token = auth.log_in("ada", "correct horse", "a", now).await.unwrap();
        assert_eq!(auth.session(&token, now).as_deref(), Some("ada"));
        assert_eq!(auth.session("guess", now), None);
        let mut later = now;
        while later < now + LONGEST - MINUTE {
            assert!(auth.session(&token, later).is_some());
            later += IDLE - MINUTE;
        }
        assert_eq!(auth.session(&token, now + LONGEST), None);
        let token = auth.log_in("ada", "correct horse", "a", now).await.unwrap();
        assert_eq!(auth.session(&token, now + IDLE), None);
        let token = auth.log_in("ada", "correct horse", "a", now).await.unwrap();
        file.set("ada", "battery staple").unwrap();
        assert_eq!(auth.session(&token, now), None);
    }

    #[tokio::test]
    async fn the_sixth_failure_within_a_minute_is_not_even_checked() {
        let (_data, _file, auth) = with_ada();
        let now = Instant::now();
        for _ in 0..FAILURES_PER_NAME {
            let denied = auth.log_in("ada", "wrong wrong", "a", now).await;
            assert_eq!(denied, Err(Denied::Wrong));
        }
        let denied = auth.log_in("ada", "correct horse", "a", now).await;
        assert_eq!(denied, Err(Denied::TooMany));
        auth.log_in("ada", "correct horse", "a", now + MINUTE)
            .await
            .unwrap();
        for n in 0..FAILURES_PER_ADDRESS {
            let _ = auth.log_in(&format!("u{n}"), "wrong wrong", "b", now).await;
        }
        let denied = auth.log_in("someone", "wrong wrong", "b", now).await;
        assert_eq!(denied, Err(Denied::TooMany));
    }

    #[tokio::test]
    async fn basic_is_checked_once_and_then_remembered() {
        let (_data, _file, auth) = with_ada();
        let now = Instant::now();
        let right = format!("Basic {}", STANDARD.encode("ada:correct horse"));
        for _ in 0..10 {
            assert_eq!(auth.basic(&right, "a", now).await.as_deref(), Ok("ada"));
        }
        let wrong = format!("Basic {}", STANDARD.encode("ada:no"));
        assert_eq!(auth.basic(&wrong, "a", now).await, Err(Denied::Wrong));
        assert_eq!(auth.basic("Bearer x", "a", now).await, Err(Denied::Wrong));
    }
}
