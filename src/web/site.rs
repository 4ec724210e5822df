//! What all routes share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};
use tracing::error;

use super::Parts;
use super::auth::Auth;
use super::running::Running;
use super::tokens::Tokens;
use crate::reading::UnixSeconds;
use crate::render::Renderer;
use crate::signal::Loaded;
use crate::store::upkeep::Usage;

/// Named queries and SQL answered at once; others wait.
pub(super) const MAX_ASKING: usize = 3;

pub(super) struct Site {
    pub(super) parts: Parts,
    pub(super) renderer: Renderer,
    pub(super) auth: Auth,
    pub(super) tokens: Tokens,
    /// The bound addresses.
    pub(super) listen: Vec<SocketAddr>,
    /// Turns of named queries and SQL, which may take long; the pages' own questions do not wait
    /// behind them.
    pub(super) asking: Semaphore,
    /// SQL of people under way.
    pub(super) running: Running,
    /// How large the history was, and when that was counted.
    pub(super) usage: tokio::sync::Mutex<Option<(Instant, Arc<Usage>)>>,
    /// Turns true when the daemon stops.
    pub(super) stop: watch::Receiver<bool>,
}

impl Site {
    pub(super) fn loaded(&self) -> Arc<Loaded> {
        self.parts.loaded.borrow().clone()
    }

    pub(super) fn public_url(&self) -> Option<String> {
        self.loaded().inventory.settings.public_url.clone()
    }

    pub(super) fn language(&self) -> String {
        self.loaded().inventory.settings.language.clone()
    }

    pub(super) fn timezone(&self) -> String {
        self.loaded().inventory.settings.timezone.clone()
    }

    /// Everyone who gets here may see everything: nobody has a password and only this machine
    /// reaches us. A users file that cannot be read closes the door.
    pub(super) fn is_open(&self) -> bool {
        match self.auth.has_users() {
            Ok(users) => !users && self.listen.iter().all(|own| own.ip().is_loopback()),
            Err(error) => {
                error!(%error, "nobody can log in");
                false
            }
        }
    }
}

/// The wall clock. Everything below the routes gets the time as an argument.
pub(super) fn now() -> UnixSeconds {
    Timestamp::now().as_second()
}
