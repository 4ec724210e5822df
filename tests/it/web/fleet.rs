//! A fleet that nobody polls: its history is made up, taken in and stored by the real parts, and
//! served by the real pages, all within the test's own process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eider::alert::ledger::{Action, Entry};
use eider::alert::notice::Reason;
use eider::alert::{Alert, AlertKey, AlertState, Observed};
use eider::home::Home;
use eider::intake::Intake;
use eider::inventory::{AlertSeverity, Inventory};
use eider::signal::{Changed, Counters, Loaded, PollNow};
use eider::store::adhoc::Desk;
use eider::store::{Recorder, Store};
use eider::web::{self, Parts, UsersFile};
use tokio::sync::{broadcast, mpsc, watch};

use super::history::collection;

/// How one host of the fleet is.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) group: &'static str,
    pub(super) mood: Mood,
    /// Stands in every text that a device may set.
    pub(super) text: &'static str,
    pub(super) interfaces: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mood {
    Well,
    /// Full disk, high load.
    Ill,
    /// The last polls failed.
    Down,
    /// No poll at all for the last quarter of an hour.
    Silent,
    /// Good polls, a part of which failed.
    Partly,
}

impl Member {
    pub(super) fn well(name: &'static str, group: &'static str) -> Member {
        Member {
            name,
            group,
            mood: Mood::Well,
            text: "",
            interfaces: 2,
        }
    }

    pub(super) fn feeling(self, mood: Mood) -> Member {
        Member { mood, ..self }
    }
}

/// Pages over the fleet's history.
pub(super) struct Fleet {
    pub(super) url: String,
    pub(super) changed: broadcast::Sender<Changed>,
    pub(super) data: tempfile::TempDir,
    pub(super) polls: std::sync::Mutex<mpsc::Receiver<PollNow>>,
    loaded: watch::Sender<Arc<Loaded>>,
    stop: watch::Sender<bool>,
    runtime: Option<tokio::runtime::Runtime>,
    _recorder: Recorder,
}

impl Fleet {
    pub(super) fn start(members: &[Member], minutes: i64) -> Fleet {
        Fleet::start_on(members, minutes, ([127, 0, 0, 1], 0).into()).expect("the pages start")
    }

    pub(super) fn start_on(
        members: &[Member],
        minutes: i64,
        listen: SocketAddr,
    ) -> Result<Fleet, eider::web::WebError> {
        let data = tempfile::tempdir().expect("a directory");
        let home = Home::at(data.path()).expect("a home");
        write_inventory(data.path(), members);
        let (_, examined) = home.load().expect("the files can be read");
        let inventory = examined
            .inventory
            .unwrap_or_else(|| panic!("{:?}", examined.problems));
        let (store, mut recorder) = Store::in_memory().expect("a store");
        let now = now();
        fill(&mut recorder, &inventory, members, now, minutes);
        let loaded = watch::channel(Arc::new(Loaded {
            inventory: Arc::new(inventory),
            loaded_at: now - minutes * 60,
            ..Loaded::default()
        }))
        .0;
        let (poll_now, polls) = mpsc::channel(4);
        let parts = Parts {
            home,
            data: data.path().to_owned(),
            desk: Desk::open(&store, data.path()).expect("a desk"),
            store,
            loaded: loaded.subscribe(),
            poll_now,
            reload: mpsc::channel(1).0,
            pushed: tokio::sync::mpsc::channel(1).0,
            upkeep: tokio::sync::mpsc::channel(1).0,
            reports: mpsc::channel(1).0,
            changed: broadcast::channel(64).0,
            counters: Arc::new(Counters::default()),
            started: Instant::now(),
        };
        let changed = parts.changed.clone();
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let server = runtime.block_on(web::bind(parts, &[listen]))?;
        let url = format!("http://{}", server.addresses()[0]);
        runtime.spawn(server.run(stopped));
        Ok(Fleet {
            url,
            changed,
            data,
            polls: std::sync::Mutex::new(polls),
            loaded,
            stop,
            runtime: Some(runtime),
            _recorder: recorder,
        })
    }

    pub(super) fn users(&self) -> UsersFile {
        UsersFile::of(self.data.path())
    }

    /// What the pages say when the files on disk are broken.
    pub(super) fn reject(&self, text: &str) {
        let text = text.to_owned();
        self.loaded.send_modify(|loaded| {
            let mut broken = Loaded::clone(loaded);
            broken.rejected_text = text;
            *loaded = Arc::new(broken);
        });
    }

    /// Asks the pages to stop.
    pub(super) fn stop(&self) {
        let _ = self.stop.send(true);
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn write_inventory(home: &std::path::Path, members: &[Member]) {
    let mut groups: Vec<&str> = members.iter().map(|member| member.group).collect();
    groups.dedup();
    let mut yaml = String::from("version: 1\ndefaults: {interval: 60s}\ngroups:\n");
    for group in groups {
        yaml.push_str(&format!("  {group}:\n    collect: [local]\n    hosts:\n"));
        for member in members.iter().filter(|member| member.group == group) {
            yaml.push_str(&format!("      {}: {{address: 192.0.2.7}}\n", member.name));
        }
    }
    let folder = home.join("inventory");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("hosts.yaml"), yaml).expect("a file");
    std::fs::write(
        folder.join("settings.yaml"),
        "server: {timezone: Asia/Shanghai}\n",
    )
    .expect("a file");
}

fn fill(
    recorder: &mut Recorder,
    inventory: &Inventory,
    members: &[Member],
    now: i64,
    minutes: i64,
) {
    let begin = now - minutes * 60;
    let ids = recorder.sync_hosts(inventory, begin).expect("hosts");
    let mut intake = Intake::default();
    intake.sync(inventory, ids);
    let mut batch = Vec::new();
    for minute in 0..=minutes {
        for (position, member) in members.iter().enumerate() {
            let collection = collection(member, position as i64, begin, minute, minutes);
            batch.extend(collection.and_then(|collection| intake.take(collection)));
        }
        if batch.len() > 500 || minute == minutes {
            recorder.append(&batch).expect("rows are stored");
            batch.clear();
        }
    }
    tell(recorder, members, now);
}

/// An open alert of every host that is not well, and the decision whom to tell.
fn tell(recorder: &mut Recorder, members: &[Member], now: i64) {
    let unwell = members.iter().filter(|member| member.mood != Mood::Well);
    let alerts: Vec<Alert> = unwell
        .zip(1..)
        .map(|(member, id)| {
            let down = member.mood == Mood::Down;
            let severity = if down {
                AlertSeverity::Critical
            } else {
                AlertSeverity::Warning
            };
            Alert {
                id,
                key: AlertKey {
                    rule: if down { "host-down" } else { "disk-full" }.into(),
                    host: member.name.into(),
                    entity: if down {
                        String::new()
                    } else {
                        format!("/var{}", member.text)
                    },
                },
                state: AlertState::Firing,
                severity,
                peak: severity,
                value: Observed::Number(93.4),
                since: now - 480,
                observed_at: now,
                stale: false,
                detail: format!("local: timeout{}", member.text),
                fired_at: Some(now - 300),
                resolved_at: None,
                closed: None,
                changed_at: now - 300,
                revision: 2,
                summary: if down {
                    format!("{} has not answered for 8 min{}", member.name, member.text)
                } else {
                    format!("{}: /var{} 93.4 % full", member.name, member.text)
                },
            }
        })
        .collect();
    recorder
        .save_alerts(&alerts, &[])
        .expect("alerts are stored");
    let entries: Vec<Entry> = alerts
        .iter()
        .map(|alert| Entry {
            at: now - 290,
            alert: alert.id,
            rule: alert.key.rule.clone(),
            host: alert.key.host.to_string(),
            entity: alert.key.entity.clone(),
            receiver: "ops".into(),
            recipient: "ops@example.net".into(),
            action: Action::Sent,
            reason: Reason::Fired,
            note: format!("250 ok{}", alert.key.entity),
            mail: "1.1".into(),
        })
        .collect();
    recorder
        .save_ledger(&entries, &[])
        .expect("entries are stored");
}
