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

/// The pages, bound and ready to run.
pub struct Server {
    listeners: Vec<tokio::net::TcpListener>,
}

/// Binds every address.
pub async fn bind(parts: Parts, listen: &[std::net::SocketAddr]) -> std::io::Result<Server> {
    drop(parts);
    let mut listeners = Vec::new();
    for address in listen {
        listeners.push(tokio::net::TcpListener::bind(address).await?);
    }
    Ok(Server { listeners })
}

impl Server {
    /// The addresses that were bound, port 0 replaced by the real one.
    pub fn addresses(&self) -> Vec<std::net::SocketAddr> {
        self.listeners
            .iter()
            .filter_map(|l| l.local_addr().ok())
            .collect()
    }

    /// Serves until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let _ = stop.wait_for(|stop| *stop).await;
    }
}
