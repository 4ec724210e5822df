//! The outbox: which alerts somebody must still hear of, what was told, and which mails wait. All of
//! it is on disk, beside the history, before anything is sent.

mod content;
mod lane;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::journal::Journal;
use super::parcel::{About, Seen, Sheaf};
use lane::{Lane, RETRY_FIRST_S};

use crate::alert::notice::{Book, Kind, Notice, Told};
use crate::alert::{Alert, AlertId};
use crate::reading::UnixSeconds;
pub(super) use content::Content;

/// A mail is given up after this long.
const GIVE_UP_AFTER_S: i64 = 7 * 86_400;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    Alert(Alert),
    Told {
        alert: AlertId,
        receiver: String,
        told: Told,
    },
    Mail {
        name: String,
        notice: Notice,
        to: Vec<String>,
    },
    /// The mail itself lies in the spool.
    Parcel {
        name: String,
        about: About,
        to: Vec<String>,
    },
    /// Everything of a report's schedule up to here is settled.
    Seen {
        report: String,
        seen: Seen,
    },
    /// Delivered or given up.
    Done {
        mail: String,
        to: String,
    },
    Forget(AlertId),
}

/// A mail that has not reached everybody.
#[derive(Debug)]
pub(super) struct Waiting {
    /// What its message ids begin with, and its name in the ledger.
    pub(super) name: String,
    pub(super) content: Content,
    /// The addresses still to be served, and how often that failed.
    to: BTreeMap<String, u32>,
}

/// One delivery to be made now.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) content: Content,
    pub(super) to: String,
}

#[derive(Debug)]
pub(super) struct Outbox {
    journal: Arc<Mutex<Journal>>,
    /// Firing alerts, and resolved ones until everybody knows.
    pub(super) alerts: BTreeMap<AlertId, Alert>,
    pub(super) book: Book,
    /// By report.
    pub(super) seen: BTreeMap<String, Seen>,
    mails: BTreeMap<u64, Waiting>,
    next_number: u64,
    lanes: BTreeMap<String, Lane>,
}

impl Outbox {
    pub(super) fn open(directory: &Path) -> io::Result<Outbox> {
        let (journal, records) = Journal::open(directory)?;
        let mut outbox = Outbox {
            journal: Arc::new(Mutex::new(journal)),
            alerts: BTreeMap::new(),
            book: Book::default(),
            seen: BTreeMap::new(),
            mails: BTreeMap::new(),
            next_number: 1,
            lanes: BTreeMap::new(),
        };
        for record in records {
            match serde_json::from_slice(&record) {
                Ok(record) => outbox.apply(record),
                // Written by another version: the alert is told again rather than not at all.
                Err(error) => tracing::warn!(%error, "a record of the outbox cannot be read"),
            }
        }
        let alerts = &outbox.alerts;
        outbox.book.retain(|alert| alerts.contains_key(&alert));
        Ok(outbox)
    }

    fn apply(&mut self, record: Record) {
        match record {
            Record::Alert(alert) => {
                self.alerts.insert(alert.id, alert);
            }
            Record::Told {
                alert,
                receiver,
                told,
            } => self.book.restore(alert, &receiver, told),
            Record::Mail { name, notice, to } => {
                self.book.tell(&notice);
                self.wait(name, Content::Notice(Arc::new(notice)), to);
            }
            Record::Parcel { name, about, to } => {
                // Made twice because a crash came between: it is the same mail.
                if !self.mails.values().any(|waiting| waiting.name == name) {
                    self.wait(name, Content::Parcel(Arc::new(about)), to);
                }
            }
            Record::Seen { report, seen } => {
                self.seen.insert(report, seen);
            }
            Record::Done { mail, to } => {
                for waiting in self.mails.values_mut().filter(|w| w.name == mail) {
                    waiting.to.remove(&to);
                }
                self.mails.retain(|_, waiting| !waiting.to.is_empty());
            }
            Record::Forget(alert) => {
                self.alerts.remove(&alert);
                self.book.forget(alert);
            }
        }
    }

    fn wait(&mut self, name: String, content: Content, to: Vec<String>) {
        let waiting = Waiting {
            name,
            content,
            to: to.into_iter().map(|to| (to, 0)).collect(),
        };
        self.mails.insert(self.next_number, waiting);
        self.next_number += 1;
    }

    /// Takes over every alert that is newer than the known copy, and returns once that is on disk.
    /// A new value alone is not written down.
    pub(super) async fn note_alerts(&mut self, alerts: Vec<Alert>) -> io::Result<()> {
        let mut records = Vec::new();
        for alert in alerts {
            match self.alerts.get_mut(&alert.id) {
                Some(known) if known.revision >= alert.revision => {
                    if known.revision == alert.revision {
                        *known = alert;
                    }
                }
                _ => records.push(Record::Alert(alert)),
            }
        }
        self.write(records).await
    }

    /// Puts a mail in for these addresses, and returns its name once that is on disk.
    pub(super) async fn post(&mut self, notice: Notice, to: Vec<String>) -> io::Result<String> {
        let name = name(&notice);
        let record = Record::Mail {
            name: name.clone(),
            notice,
            to,
        };
        self.write(vec![record]).await?;
        Ok(name)
    }

    /// Puts finished mails in, whose files lie in the spool already, and settles the schedule's time.
    pub(super) async fn post_parcels(&mut self, sheaf: &Sheaf) -> io::Result<()> {
        let mails = sheaf.mails.iter().map(|mail| Record::Parcel {
            name: mail.name.clone(),
            about: sheaf.about.clone(),
            to: mail.to.clone(),
        });
        // The time comes last: should the end be lost, the mails are made again under their names.
        let seen = sheaf.seen.clone().map(|seen| Record::Seen {
            report: sheaf.about.report.clone(),
            seen,
        });
        let records = mails.chain(seen).collect();
        self.write(records).await
    }

    /// The names of the finished mails that wait.
    pub(super) fn parcels(&self) -> BTreeSet<&str> {
        let parcels = self.mails.values();
        let parcels = parcels.filter(|w| matches!(w.content, Content::Parcel(_)));
        parcels.map(|waiting| waiting.name.as_str()).collect()
    }

    /// Forgets alerts that everybody knows the end of.
    pub(super) async fn forget(&mut self, alerts: Vec<AlertId>) -> io::Result<()> {
        let records = alerts.into_iter().map(Record::Forget).collect();
        self.write(records).await
    }

    /// Marks a delivery as done: delivered, or given up.
    pub(super) async fn done(&mut self, delivery: &Delivery, now: UnixSeconds) -> io::Result<()> {
        self.lanes.remove(&delivery.to);
        // The server answers again: the other addresses need not wait out their time.
        for lane in self.lanes.values_mut() {
            lane.next_at = lane.next_at.min(now + RETRY_FIRST_S);
        }
        let record = Record::Done {
            mail: delivery.name.clone(),
            to: delivery.to.clone(),
        };
        self.write(vec![record]).await
    }

    /// Notes that a delivery failed for now.
    pub(super) fn failed(&mut self, delivery: &Delivery, now: UnixSeconds) {
        let waiting = self.mails.get_mut(&delivery.number);
        if let Some(failed) = waiting.and_then(|w| w.to.get_mut(&delivery.to)) {
            *failed += 1;
        }
        self.lanes.entry(delivery.to.clone()).or_default().fail(now);
    }

    /// Entries that wait: one per mail and address.
    pub(super) fn waiting(&self) -> usize {
        self.mails.values().map(|w| w.to.len()).sum()
    }

    /// What can be delivered now: at most `room`, one per address, and for each address the mails
    /// about one alert in their order. Of what is left, the one that failed least comes first, so
    /// that a mail that the server cannot bear holds up only those about the same alerts. `busy` are
    /// the addresses under way.
    pub(super) fn due(
        &self,
        now: UnixSeconds,
        busy: &BTreeSet<String>,
        room: usize,
    ) -> Vec<Delivery> {
        let ready = |to: &str| {
            !busy.contains(to) && self.lanes.get(to).is_none_or(|lane| lane.next_at <= now)
        };
        let mut before: BTreeMap<&str, BTreeSet<AlertId>> = BTreeMap::new();
        let mut best: BTreeMap<&str, (u32, u64)> = BTreeMap::new();
        for (number, waiting) in &self.mails {
            for (to, failed) in waiting.to.iter().filter(|(to, _)| ready(to)) {
                let mut ids = waiting.content.alerts();
                let earlier = before.entry(to).or_default();
                let in_order = !ids.any(|id| earlier.contains(&id));
                earlier.extend(waiting.content.alerts());
                let rank = (*failed, *number);
                if in_order && best.get(to.as_str()).is_none_or(|best| rank < *best) {
                    best.insert(to, rank);
                }
            }
        }
        let mut due: Vec<_> = best.into_iter().collect();
        due.sort_by_key(|(_, (_, number))| *number);
        let due = due.into_iter().take(room);
        due.filter_map(|(to, (_, number))| self.delivery(number, to))
            .collect()
    }

    fn delivery(&self, number: u64, to: &str) -> Option<Delivery> {
        self.mails.get(&number).map(|waiting| Delivery {
            number,
            name: waiting.name.clone(),
            content: waiting.content.clone(),
            to: to.into(),
        })
    }

    /// Deliveries that are too old to be tried on.
    pub(super) fn expired(&self, now: UnixSeconds) -> Vec<Delivery> {
        let old = self
            .mails
            .iter()
            .filter(|(_, w)| now - w.content.at() > GIVE_UP_AFTER_S);
        old.flat_map(|(number, waiting)| {
            let each = waiting.to.keys();
            each.filter_map(|to| self.delivery(*number, to))
        })
        .collect()
    }

    /// Applies the records and returns once they are on disk. They count in memory even when the
    /// disk refuses them: better one mail too many after a crash than none now.
    async fn write(&mut self, records: Vec<Record>) -> io::Result<()> {
        let mut lines = Vec::with_capacity(records.len());
        for record in records {
            lines.push(serde_json::to_vec(&record)?);
            self.apply(record);
        }
        let long = self.lock().is_long();
        let all = if long { self.everything()? } else { Vec::new() };
        let journal = Arc::clone(&self.journal);
        let work = move || {
            let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            if long {
                journal.rewrite(&all)
            } else {
                journal.append(&lines)
            }
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(io::Error::other)?
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The records that make this outbox out of an empty one.
    fn everything(&self) -> io::Result<Vec<Vec<u8>>> {
        let alerts = self.alerts.values().cloned().map(Record::Alert);
        let mails = self.mails.values().map(|waiting| {
            let (name, to) = (waiting.name.clone(), waiting.to.keys().cloned().collect());
            match &waiting.content {
                Content::Notice(notice) => Record::Mail {
                    name,
                    notice: (**notice).clone(),
                    to,
                },
                Content::Parcel(about) => Record::Parcel {
                    name,
                    about: (**about).clone(),
                    to,
                },
            }
        });
        let seen = self.seen.iter().map(|(report, seen)| Record::Seen {
            report: report.clone(),
            seen: seen.clone(),
        });
        // What was told comes last: it knows more than the mails that are still there.
        let told = self
            .book
            .entries()
            .map(|(alert, receiver, told)| Record::Told {
                alert,
                receiver: receiver.into(),
                told: told.clone(),
            });
        let all = alerts.chain(mails).chain(told).chain(seen);
        all.map(|record| serde_json::to_vec(&record).map_err(io::Error::from))
            .collect()
    }
}

/// The same mail always has the same name: should it be decided on twice, the ids are the same too.
fn name(notice: &Notice) -> String {
    let mut hash = Sha256::new();
    hash.update(&notice.receiver);
    hash.update(notice.kind.as_str());
    if notice.kind == Kind::Reminder {
        hash.update(notice.at.to_le_bytes());
    }
    for item in &notice.alerts {
        hash.update(item.alert.id.to_le_bytes());
        hash.update(item.alert.revision.to_le_bytes());
        hash.update(item.alert.since.to_le_bytes());
    }
    hex(&hash.finalize()[..8])
}

/// `<name.recipient@domain>`, fixed for a mail to one address.
pub(super) fn message_id(name: &str, to: &str, domain: &str) -> String {
    let recipient = hex(&Sha256::digest(to)[..4]);
    format!("<{name}.{recipient}@{domain}>")
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
