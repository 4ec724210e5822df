//! Wiring: builds the parts, starts the loops, stops them. No logic of its own.

mod descriptors;
mod reporting;

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::collect::Collectors;
use crate::collect::snmp::trap;
use crate::home::{Folder, Home};
use crate::inventory::{Inventory, Problem, TrapSettings};
use crate::loops::notifier::parcel::Postbox;
use crate::loops::{
    evaluator, keeper, notifier, poller, receiver, reloader, reporter, sealer, sourcer, trapper,
    writer,
};
use crate::render::Renderer;
use crate::signal::{Changed, Counters, Loaded, PollNow, Pushed, ReportOrder};
use crate::store::adhoc::Desk;
use crate::store::upkeep::Order;
use crate::store::{Options, Recorder, Store, StoreError};
use crate::web;

/// A starting daemon waits this long for a verb that has the file open.
const WAIT_FOR_VERB: Duration = Duration::from_secs(30);

/// How long the loops may take to end.
const STOP_TIME: Duration = Duration::from_secs(8);

/// How long what polls began may take to end.
const POLLS_END: Duration = Duration::from_secs(3);

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
    descriptors::ignore_file_limit();
    match descriptors::raise_limit() {
        Ok(limit) => tracing::debug!(limit, "open files"),
        Err(error) => tracing::warn!("the limit of open files cannot be raised: {error}"),
    }
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
        let (poll_now, asks) = mpsc::channel(64);
        let (reload, asked) = mpsc::channel(4);
        let (hasten, hastened) = mpsc::channel(64);
        let (push, pushed) = mpsc::channel(64);
        let (order, ordered) = mpsc::channel(8);
        let (upkeep, asked_upkeep) = mpsc::channel(8);
        let (stop, stopped) = watch::channel(false);
        let mut loops = JoinSet::new();
        // Before the pages answer: what is announced must be there.
        if let Some(settings) = &inventory.settings.traps {
            let trapper = self.trapper(settings, &writer, hasten)?;
            loops.spawn(trapper::run(trapper, stopped.clone()));
        }
        loops.spawn(sourcer::run(self.sourcer(reload.clone()), stopped.clone()));
        let server = web::bind(
            self.web(&store, poll_now, reload, push, upkeep, order)?,
            if options.listen.is_empty() {
                &inventory.settings.listen
            } else {
                &options.listen
            },
        )
        .await?;
        tell(&server, inventory.hosts.len());
        loops.spawn(server.run(stopped.clone()));
        let poller = self.start_poller(&writer, asks, hastened, stopped.clone())?;
        loops.spawn(async { drop(poller.await) });
        loops.spawn(receiver::run(writer.clone(), pushed, stopped.clone()));
        loops.spawn(reloader::run(
            self.reloader(&writer, asked),
            stopped.clone(),
        ));
        loops.spawn(sealer::run(
            sealer::Sealer {
                store: store.clone(),
                writer: writer.clone(),
                loaded: self.loaded.subscribe(),
            },
            stopped.clone(),
        ));
        loops.spawn(keeper::run(
            keeper::Keeper {
                store: store.clone(),
                writer: writer.clone(),
                loaded: self.loaded.subscribe(),
                orders: asked_upkeep,
                data: self.data.clone(),
                counters: Arc::clone(&self.counters),
            },
            stopped.clone(),
        ));
        let (evaluator, notifier, postbox) =
            self.alerting(store.clone(), writer, options.rules_every)?;
        let reporter = self.reporter(store, postbox, ordered);
        loops.spawn(evaluator::run(evaluator, stopped.clone()));
        loops.spawn(reporter::run(reporter, stopped.clone()));
        loops.spawn(notifier::run(notifier, stopped));
        let ended_early = tokio::select! {
            signal = wait_for_signal() => { signal?; false }
            _ = loops.join_next() => true,
        };
        tracing::info!("stopping");
        let _ = stop.send(true);
        // Bounded: a page that somebody holds open must not hold up the end.
        let _ = tokio::time::timeout(STOP_TIME, async {
            while loops.join_next().await.is_some() {}
        })
        .await;
        anyhow::ensure!(
            !ended_early,
            "a loop ended by itself; this is a defect of eider"
        );
        Ok(())
    }

    fn web(
        &self,
        store: &Store,
        poll_now: mpsc::Sender<PollNow>,
        reload: mpsc::Sender<()>,
        pushed: mpsc::Sender<Pushed>,
        upkeep: mpsc::Sender<Order>,
        reports: mpsc::Sender<ReportOrder>,
    ) -> anyhow::Result<web::Parts> {
        Ok(web::Parts {
            home: self.home.clone(),
            data: self.data.clone(),
            store: store.clone(),
            desk: Desk::open(store, &self.data)?,
            loaded: self.loaded.subscribe(),
            poll_now,
            reload,
            pushed,
            upkeep,
            reports,
            changed: self.changed.clone(),
            counters: Arc::clone(&self.counters),
            started: Instant::now(),
        })
    }

    /// The poller has a thread of its own: of its thousands of short waits none wakes up another
    /// thread. What comes back ends when the poller has.
    fn start_poller(
        &self,
        writer: &writer::Writer,
        asks: mpsc::Receiver<PollNow>,
        hastened: mpsc::Receiver<Arc<str>>,
        stopped: watch::Receiver<bool>,
    ) -> anyhow::Result<oneshot::Receiver<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("starting the poller's runtime")?;
        let within = runtime.enter();
        let poller = self.poller(writer, asks, hastened)?;
        drop(within);
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("poller".into())
            .spawn(move || {
                runtime.block_on(poller::run(poller, stopped));
                runtime.shutdown_timeout(POLLS_END);
                let _ = end.send(());
            })
            .context("starting the poller")?;
        Ok(ended)
    }

    fn poller(
        &self,
        writer: &writer::Writer,
        asks: mpsc::Receiver<PollNow>,
        hastened: mpsc::Receiver<Arc<str>>,
    ) -> anyhow::Result<poller::Poller> {
        let collectors = Collectors::start(&self.state, poller::unix_now() as u64 * 1_000)
            .context("opening the SNMP sockets")?;
        Ok(poller::Poller {
            collectors: Arc::new(collectors),
            writer: writer.clone(),
            loaded: self.loaded.subscribe(),
            asks,
            hastened,
            counters: Arc::clone(&self.counters),
        })
    }

    fn trapper(
        &self,
        settings: &TrapSettings,
        writer: &writer::Writer,
        hasten: mpsc::Sender<Arc<str>>,
    ) -> anyhow::Result<trapper::Trapper> {
        let desk = trap::Desk::open(&self.state).context("reading our SNMP engine ID")?;
        let sockets = settings.listen.iter().map(|address| trap::bind(*address));
        let sockets: Vec<_> = sockets
            .collect::<Result<_, _>>()
            .map_err(anyhow::Error::msg)?;
        tracing::info!(listen = ?settings.listen, engine_id = %desk.engine_id(), "waiting for traps");
        Ok(trapper::Trapper {
            sockets,
            desk,
            writer: writer.clone(),
            loaded: self.loaded.subscribe(),
            hasten,
            counters: Arc::clone(&self.counters),
        })
    }

    fn reloader(&self, writer: &writer::Writer, asked: mpsc::Receiver<()>) -> reloader::Reloader {
        reloader::Reloader {
            home: self.home.clone(),
            writer: writer.clone(),
            loaded: self.loaded.clone(),
            asked,
            counters: Arc::clone(&self.counters),
        }
    }

    fn sourcer(&self, reload: mpsc::Sender<()>) -> sourcer::Sourcer {
        sourcer::Sourcer {
            home: self.home.clone(),
            loaded: self.loaded.subscribe(),
            reload,
            counters: Arc::clone(&self.counters),
        }
    }

    fn alerting(
        &self,
        store: Store,
        writer: writer::Writer,
        every: Duration,
    ) -> anyhow::Result<(evaluator::Evaluator, notifier::Notifier, Postbox)> {
        let renderer = self.renderer();
        let (notifier, handle, postbox) = notifier::open(
            notifier::Parts {
                writer: writer.clone(),
                loaded: self.loaded.subscribe(),
                renderer: renderer.clone(),
                counters: Arc::clone(&self.counters),
            },
            &self.state,
        )
        .context("opening the outbox of the mails")?;
        let evaluator = evaluator::Evaluator {
            store,
            writer,
            loaded: self.loaded.subscribe(),
            renderer,
            notifier: handle,
            counters: Arc::clone(&self.counters),
            every,
        };
        Ok((evaluator, notifier, postbox))
    }

    fn renderer(&self) -> Renderer {
        let home = self.home.clone();
        Renderer::new(move |name| home.asset(Folder::Templates, name))
    }
}

/// The line that people, and whoever starts us, wait for.
fn tell(server: &web::Server, hosts: usize) {
    let word = if hosts == 1 { "host" } else { "hosts" };
    for address in server.addresses() {
        println!("eider watches {hosts} {word}: http://{address}/");
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
