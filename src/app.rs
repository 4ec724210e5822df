//! Wiring: builds the parts, starts the loops, stops them. No logic of its own.

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{broadcast, mpsc, watch};

use crate::collect::Collectors;
use crate::home::{Folder, Home};
use crate::inventory::{Inventory, Problem};
use crate::loops::{evaluator, notifier, poller, reloader, writer};
use crate::render::Renderer;
use crate::signal::{Changed, Counters, Loaded};
use crate::store::{Options, Recorder, Store, StoreError};
use crate::web;

/// A starting daemon waits this long for a verb that has the file open.
const WAIT_FOR_VERB: Duration = Duration::from_secs(30);

/// What the command line says beside the settings.
pub struct Serve {
    /// Overrides `server.listen`.
    pub listen: Vec<SocketAddr>,
    /// How often the rules are evaluated.
    pub rules_every: Duration,
}

/// Runs the daemon until SIGTERM or SIGINT.
pub fn serve(
    home: Home,
    inventory: Inventory,
    warnings: Vec<Problem>,
    options: &Serve,
) -> anyhow::Result<()> {
    let data = home.resolve(&inventory.settings.data);
    let state = data.join("state");
    make_private(&state)?;
    let (store, recorder) = open_store(&data, &inventory)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 4)))
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let loaded = Arc::new(Loaded {
        inventory: Arc::new(inventory),
        loaded_at: poller::unix_now(),
        warnings,
        ..Loaded::default()
    });
    let daemon = Daemon {
        home,
        data,
        state,
        loaded: watch::channel(loaded).0,
        counters: Arc::new(Counters::default()),
        changed: broadcast::channel(1_024).0,
    };
    let (writer, thread) = writer::start(writer::Parts {
        recorder,
        store: store.clone(),
        state: daemon.state.clone(),
        changed: daemon.changed.clone(),
        counters: Arc::clone(&daemon.counters),
    })
    .context("starting the writer")?;
    let result = runtime.block_on(daemon.run(store, writer, options));
    // Polls under way hold ends of the writer; they are given up here, then the writer closes.
    runtime.shutdown_timeout(Duration::from_secs(3));
    if thread.join().is_err() {
        anyhow::bail!("the writer panicked; this is a defect of eider");
    }
    result
}

struct Daemon {
    home: Home,
    data: PathBuf,
    state: PathBuf,
    loaded: watch::Sender<Arc<Loaded>>,
    counters: Arc<Counters>,
    changed: broadcast::Sender<Changed>,
}

impl Daemon {
    async fn run(
        self,
        store: Store,
        writer: writer::Writer,
        options: &Serve,
    ) -> anyhow::Result<()> {
        let inventory = self.loaded.borrow().inventory.clone();
        writer
            .sync(Arc::clone(&inventory))
            .await
            .context("reading the history")?;
        let collectors = Collectors::start(&self.state, poller::unix_now() as u64 * 1_000)
            .context("opening the SNMP sockets")?;
        let (poll_now, asks) = mpsc::channel(64);
        let (reload, asked) = mpsc::channel(4);
        let (stop, stopped) = watch::channel(false);
        let listen = if options.listen.is_empty() {
            inventory.settings.listen.clone()
        } else {
            options.listen.clone()
        };
        let server = web::bind(
            web::Parts {
                home: self.home.clone(),
                data: self.data.clone(),
                store: store.clone(),
                loaded: self.loaded.subscribe(),
                poll_now,
                reload,
                changed: self.changed.clone(),
                counters: Arc::clone(&self.counters),
                started: Instant::now(),
            },
            &listen,
        )
        .await?;
        for address in server.addresses() {
            println!(
                "eider watches {} hosts: http://{address}/",
                inventory.hosts.len()
            );
        }
        let home = self.home.clone();
        let renderer = Renderer::new(move |name| home.asset(Folder::Templates, name));
        let (notifier, alerts) = notifier::open(
            notifier::Parts {
                writer: writer.clone(),
                loaded: self.loaded.subscribe(),
                renderer: renderer.clone(),
                counters: Arc::clone(&self.counters),
            },
            &self.state,
        )
        .context("opening the outbox of the mails")?;
        let tasks = [
            tokio::spawn(evaluator::run(
                evaluator::Evaluator {
                    store: store.clone(),
                    writer: writer.clone(),
                    loaded: self.loaded.subscribe(),
                    renderer,
                    notifier: alerts,
                    counters: Arc::clone(&self.counters),
                    every: options.rules_every,
                },
                stopped.clone(),
            )),
            tokio::spawn(notifier::run(notifier, stopped.clone())),
            tokio::spawn(reloader::run(
                reloader::Reloader {
                    home: self.home.clone(),
                    writer: writer.clone(),
                    loaded: self.loaded.clone(),
                    asked,
                    counters: Arc::clone(&self.counters),
                },
                stopped.clone(),
            )),
            tokio::spawn(poller::run(
                poller::Poller {
                    collectors: Arc::new(collectors),
                    writer: writer.clone(),
                    loaded: self.loaded.subscribe(),
                    asks,
                    counters: Arc::clone(&self.counters),
                },
                stopped.clone(),
            )),
            tokio::spawn(server.run(stopped.clone())),
        ];
        wait_for_signal().await?;
        tracing::info!("stopping");
        let _ = stop.send(true);
        for task in tasks {
            // Bounded: a page that somebody holds open must not hold up the end.
            let _ = tokio::time::timeout(Duration::from_secs(5), task).await;
        }
        Ok(())
    }
}

/// Opens the history; waits for a verb that has it open, and says so.
fn open_store(data: &Path, inventory: &Inventory) -> anyhow::Result<(Store, Recorder)> {
    let options = Options {
        memory_bytes: inventory.settings.store_memory_bytes,
    };
    let begun = Instant::now();
    let mut told = false;
    loop {
        match Store::open(data, &options) {
            Err(StoreError::InUse { pid, .. }) if begun.elapsed() < WAIT_FOR_VERB => {
                if !told {
                    eprintln!("waiting for process {pid}, which has the history open …");
                    told = true;
                }
                std::thread::sleep(Duration::from_millis(200));
            }
            other => return Ok(other?),
        }
    }
}

/// Makes a directory that only its owner may look into.
fn make_private(directory: &Path) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .with_context(|| format!("cannot make the data directory {}", directory.display()))
}

async fn wait_for_signal() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
