//! Keys of passwords, each made once however many devices share it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OnceCell, Semaphore};

use super::auth::{self, Key};
use crate::inventory::{AuthProtocol, Secret, UsmUser};
use crate::reading::{Cause, Failure};

/// To hash a megabyte takes milliseconds: not where polls run, and not on all cores at once.
const AT_ONCE: usize = 2;

/// RFC 3414 section 11.2.
const SHORTEST_PASSWORD: usize = 8;

/// The keys of a user for any engine.
#[derive(Clone, Debug, Default)]
pub(super) struct UserKeys {
    pub(super) auth: Option<Key>,
    pub(super) privacy: Option<Key>,
}

type Cell = Arc<OnceCell<Key>>;

/// The keys made so far, by protocol and hash of the password.
pub(in crate::collect::snmp) struct Passwords {
    keys: Mutex<HashMap<(AuthProtocol, Vec<u8>), Cell>>,
    turns: Arc<Semaphore>,
}

impl Passwords {
    pub(in crate::collect::snmp) fn new() -> Passwords {
        Passwords {
            keys: Mutex::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Both keys of a user.
    pub(super) async fn of(&self, user: &UsmUser) -> Result<UserKeys, Failure> {
        let Some(auth) = &user.auth else {
            return Ok(UserKeys::default());
        };
        let privacy = match &auth.privacy {
            // The hash of the authentication protocol makes the keys for privacy too.
            Some(privacy) => Some(self.key(auth.protocol, &privacy.secret).await?),
            None => None,
        };
        Ok(UserKeys {
            auth: Some(self.key(auth.protocol, &auth.secret).await?),
            privacy,
        })
    }

    /// Forgets all of them; devices keep what they need.
    pub(in crate::collect::snmp) fn forget(&self) {
        self.cells().clear();
    }

    async fn key(&self, protocol: AuthProtocol, secret: &Secret) -> Result<Key, Failure> {
        let password = secret.expose().as_bytes().to_vec();
        if password.len() < SHORTEST_PASSWORD {
            let message = "the SNMPv3 password is shorter than 8 characters";
            return Err(Failure::new(Cause::Auth, message));
        }
        let name = auth::hash(AuthProtocol::Sha256, &[&password]).0;
        let cell = self.cells().entry((protocol, name)).or_default().clone();
        let make = || async {
            in_background(&self.turns, move || auth::master(protocol, &password))
                .await
                .flatten()
        };
        let made = cell.get_or_try_init(|| async { make().await.ok_or_else(no_key) });
        made.await.cloned()
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.cells().len()
    }

    fn cells(&self) -> std::sync::MutexGuard<'_, HashMap<(AuthProtocol, Vec<u8>), Cell>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs what takes long where no poll waits for it.
    pub(super) async fn in_background<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        in_background(&self.turns, work).await.ok_or_else(no_key)
    }
}

async fn in_background<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let turn = turns.clone().acquire_owned().await.ok()?;
    let work = move || {
        let made = work();
        drop(turn);
        made
    };
    tokio::task::spawn_blocking(work).await.ok()
}

fn no_key() -> Failure {
    Failure::new(
        Cause::Internal,
        "the keys of the SNMPv3 user could not be made",
    )
}
