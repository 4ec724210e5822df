//! The pages and the API: one route table.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{broadcast, mpsc, watch};

use crate::home::Home;
use crate::signal::{Changed, Counters, Loaded, PollNow};
use crate::store::Store;

/// The ends of everything that pages need. `app` makes it.
#[derive(Clone)]
pub struct Parts {
    pub home: Home,
    /// The data directory.
    pub data: PathBuf,
    pub store: Store,
    pub loaded: watch::Receiver<Arc<Loaded>>,
    pub poll_now: mpsc::Sender<PollNow>,
    /// Asks for a reload; the answer is the next value of `loaded`.
    pub reload: mpsc::Sender<()>,
    pub changed: broadcast::Sender<Changed>,
    pub counters: Arc<Counters>,
    pub started: Instant,
}
