//! Watches the inventory files: a good save takes effect, a bad one is told and changes nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use notify::{RecursiveMode, Watcher};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use super::poller::unix_now;
use super::writer::Writer;
use crate::home::Home;
use crate::inventory::{self, Problem, Settings};
use crate::signal::{Counters, Loaded};

/// Editors save in several steps: this long after the last change the files are read.
const SETTLE: Duration = Duration::from_millis(500);

/// What the loop needs; `app` makes it.
pub struct Reloader {
    pub home: Home,
    pub writer: Writer,
    pub loaded: watch::Sender<Arc<Loaded>>,
    /// `eider reload` and the API.
    pub asked: mpsc::Receiver<()>,
    pub counters: Arc<Counters>,
}

/// Runs until `stop` is set.
pub async fn run(mut parts: Reloader, mut stop: watch::Receiver<bool>) {
    let (tell, mut changes) = mpsc::channel(1);
    let mut watched = parts.home.watched();
    // Kept alive for as long as the loop runs.
    let mut watcher = match watcher(&watched, tell) {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::warn!(
                "cannot watch the inventory ({error}); use `eider reload` after a change"
            );
            None
        }
    };
    let started_with = parts.loaded.borrow().inventory.clone();
    let Ok(mut hangups) = signal(SignalKind::hangup()) else {
        tracing::error!("cannot listen to SIGHUP");
        return;
    };
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            Some(()) = changes.recv() => {
                tokio::time::sleep(SETTLE).await;
                while changes.try_recv().is_ok() {
                    tokio::time::sleep(SETTLE).await;
                }
            }
            _ = hangups.recv() => {}
            Some(()) = parts.asked.recv() => {}
        }
        // Before the files are read: what is written into a new folder afterwards is seen.
        follow(watcher.as_mut(), &mut watched, parts.home.watched());
        parts.reload(&started_with.settings).await;
    }
}

/// Watches folders that were made since the last look, and forgets those that are gone.
fn follow(
    watcher: Option<&mut notify::RecommendedWatcher>,
    watched: &mut Vec<PathBuf>,
    now: Vec<PathBuf>,
) {
    let Some(watcher) = watcher else {
        return;
    };
    for folder in now.iter().filter(|folder| !watched.contains(folder)) {
        if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
            let folder = folder.display();
            tracing::warn!("cannot watch {folder} ({error}); use `eider reload` after a change");
        }
    }
    *watched = now;
}

fn watcher(
    folders: &[PathBuf],
    tell: mpsc::Sender<()>,
) -> notify::Result<notify::RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let reading = event.as_ref().is_ok_and(|e| e.kind.is_access());
        if !reading {
            // A full channel means that a reload is about to happen anyway.
            let _ = tell.try_send(());
        }
    })?;
    for folder in folders.iter().filter(|f| f.is_dir()) {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

impl Reloader {
    /// Reads the files. A good inventory takes effect once the store follows it; a bad one leaves
    /// the old one in force and is told on every page.
    async fn reload(&mut self, started_with: &Settings) {
        let home = self.home.clone();
        let Ok(read) = tokio::task::spawn_blocking(move || home.load()).await else {
            return;
        };
        let before = self.loaded.borrow().clone();
        let (files, examined) = match read {
            Ok(read) => read,
            Err(why) => return self.reject(&before, Vec::new(), why),
        };
        let problems = examined.problems;
        let Some(inventory) = examined.inventory else {
            let text = inventory::render(&problems, &files, false);
            return self.reject(&before, problems, text);
        };
        let inventory = Arc::new(inventory);
        if let Err(error) = self.writer.sync(Arc::clone(&inventory)).await {
            return self.reject(
                &before,
                Vec::new(),
                format!("the store cannot follow: {error}"),
            );
        }
        self.counters.reloads_good.fetch_add(1, Ordering::Relaxed);
        tracing::info!(hosts = inventory.hosts.len(), "inventory read");
        let restart_for = inventory.settings.needs_restart(started_with);
        if !restart_for.is_empty() && restart_for != before.restart_for {
            tracing::warn!(
                "{} changed: in force after a restart of eider",
                restart_for.join(", ")
            );
        }
        self.loaded.send_replace(Arc::new(Loaded {
            inventory,
            loaded_at: unix_now(),
            warnings: problems,
            restart_for,
            rejected: Vec::new(),
            rejected_text: String::new(),
        }));
    }

    fn reject(&self, before: &Loaded, rejected: Vec<Problem>, text: String) {
        self.counters
            .reloads_rejected
            .fetch_add(1, Ordering::Relaxed);
        tracing::error!(
            "the inventory on disk is not good; the one read before stays in force\n{text}"
        );
        self.loaded.send_replace(Arc::new(Loaded {
            rejected,
            rejected_text: text,
            ..before.clone()
        }));
    }
}
