//! The pages and the API: one route table behind one gate.
//!
//! A request passes [`listen`] (limits of connections and heads), [`gate`] (host, origin, login,
//! body) and [`routes`]; handlers give a response or a [`fault`].

mod adhoc;
mod api;
mod ask;
mod auth;
mod db;
mod fault;
mod gate;
mod health;
mod listen;
mod live;
mod login;
mod page;
mod pages;
mod percent;
mod push;
mod range;
mod records;
mod routes;
mod running;
mod site;
mod state_file;
mod statics;
mod tokens;
mod users;
mod visit;

pub use listen::WebError;
pub use tokens::{Token, TokensError, TokensFile};
pub use users::{UsersError, UsersFile};

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, broadcast, mpsc, watch};

use crate::home::{Folder, Home};
use crate::render::Renderer;
use crate::signal::{Changed, Counters, Loaded, PollNow, Pushed, ReportOrder};
use crate::store::Store;
use crate::store::adhoc::Desk;
use crate::store::upkeep::Order;

/// The ends of everything that pages need. `app` makes it.
#[derive(Clone)]
pub struct Parts {
    pub home: Home,
    /// The data directory.
    pub data: PathBuf,
    pub store: Store,
    /// Where SQL of people is answered.
    pub desk: Desk,
    pub loaded: watch::Receiver<Arc<Loaded>>,
    pub poll_now: mpsc::Sender<PollNow>,
    /// Asks for a reload; the answer is the next value of `loaded`.
    pub reload: mpsc::Sender<()>,
    /// Where pushed collections go.
    pub pushed: mpsc::Sender<Pushed>,
    /// Where upkeep of the history is asked for.
    pub upkeep: mpsc::Sender<Order>,
    /// Asks for a report.
    pub reports: mpsc::Sender<ReportOrder>,
    pub changed: broadcast::Sender<Changed>,
    pub counters: Arc<Counters>,
    pub started: Instant,
}

/// The name of the command line's socket in the data directory.
const SOCKET_NAME: &str = "eider.sock";

/// The pages and the API, bound to their addresses and not yet served.
pub struct Server {
    parts: Parts,
    tcp: Vec<TcpListener>,
    unix: (UnixListener, u32),
    addresses: Vec<SocketAddr>,
}

/// Takes the addresses and the socket `eider.sock` of the data directory, which must exist. An
/// address that other machines reach needs a password file.
pub async fn bind(parts: Parts, listen: &[SocketAddr]) -> Result<Server, WebError> {
    if let Some(reachable) = listen.iter().find(|address| !address.ip().is_loopback())
        && !auth::Auth::new(&parts.data).has_users()?
    {
        return Err(WebError::NoUsers(*reachable));
    }
    let tcp = listen::tcp(listen).await?;
    let addresses = tcp
        .iter()
        .filter_map(|listener| listener.local_addr().ok())
        .collect();
    let unix = listen::unix(&parts.data.join(SOCKET_NAME))?;
    Ok(Server {
        parts,
        tcp,
        unix,
        addresses,
    })
}

fn renderer(home: &Home) -> Renderer {
    let home = home.clone();
    Renderer::new(move |name| home.asset(Folder::Templates, name))
}

impl Server {
    /// The addresses, with the real port where 0 was asked for.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves until `stop` turns true, then lets open requests end for at most 4 s.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let socket = self.parts.data.join(SOCKET_NAME);
        let site = Arc::new(site::Site {
            renderer: renderer(&self.parts.home),
            auth: auth::Auth::new(&self.parts.data),
            tokens: tokens::Tokens::of(&self.parts.data),
            asking: Semaphore::new(site::MAX_ASKING),
            running: running::Running::default(),
            usage: tokio::sync::Mutex::default(),
            listen: self.addresses,
            stop: stop.clone(),
            parts: self.parts,
        });
        let house = Arc::new(gate::House {
            routes: routes::all(&site),
            site,
        });
        listen::run(house, self.tcp, self.unix, stop).await;
        // A stale socket would make the command line wait for an answer that never comes.
        let _ = std::fs::remove_file(socket);
    }
}
