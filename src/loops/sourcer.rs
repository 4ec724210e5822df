//! Asks the sources of hosts and keeps a hosts file for each of them. The reloader takes it from
//! there, so that what a source says stands where every other host stands, and stays when the source
//! is away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use crate::home::Home;
use crate::import::Source;
use crate::signal::{Counters, Loaded};

/// How often is looked whose turn it is.
const LOOK: Duration = Duration::from_secs(1);

/// What the loop needs; `app` makes it.
pub struct Sourcer {
    pub home: Home,
    pub loaded: watch::Receiver<Arc<Loaded>>,
    pub reload: mpsc::Sender<()>,
    pub counters: Arc<Counters>,
}

/// Runs until `stop` is set.
pub async fn run(parts: Sourcer, mut stop: watch::Receiver<bool>) {
    let mut asked: BTreeMap<String, (Source, Instant)> = BTreeMap::new();
    loop {
        let sources = parts.loaded.borrow().inventory.settings.sources.clone();
        let names: BTreeSet<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        asked.retain(|name, _| names.contains(name.as_str()));
        parts.counters.keep_sources(&names);
        for source in sources {
            let before = asked.get(&source.name);
            let due = before.is_none_or(|(known, at)| {
                // One that was changed is asked at once.
                *known != source || at.elapsed() >= source.every
            });
            if due {
                tokio::select! {
                    _ = stop.changed() => return,
                    () = parts.ask(&source) => {}
                }
                asked.insert(source.name.clone(), (source, Instant::now()));
            }
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

impl Sourcer {
    async fn ask(&self, source: &Source) {
        let (home, of) = (self.home.clone(), source.clone());
        let asking = tokio::task::spawn_blocking(move || home.follow(&of));
        let outcome = asking.await.unwrap_or_else(|error| Err(error.to_string()));
        match outcome {
            Ok(changed) => {
                self.counters.set_source_trouble(&source.name, None);
                if changed {
                    tracing::info!(source = source.name, "the hosts of the source changed");
                    // A full queue means that a reload is about to happen anyway.
                    let _ = self.reload.try_send(());
                }
            }
            Err(why) => {
                tracing::warn!(source = source.name, "the hosts stay as they were: {why}");
                self.counters.set_source_trouble(&source.name, Some(why));
            }
        }
    }
}
