//! Mails that are finished when they are posted: reports. They lie in a spool beside the outbox's
//! journal until everybody has them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, oneshot};

use super::outbox::{Delivery, hex, message_id};
use crate::alert::ledger::Action;
use crate::mail::{Enclosure, Letter, MailError};
use crate::reading::UnixSeconds;
use crate::report::run::{Event, Run};

/// Finished mails that may wait at once.
const WAITING: usize = 500;
/// A larger file is none of ours.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// What a report's mail is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) report: String,
    /// The time that it is the report of.
    pub(crate) due_at: UnixSeconds,
    pub(crate) made_at: UnixSeconds,
    /// `schedule`, or who asked for it.
    pub(crate) by: String,
}

/// How far a report's schedule is settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) at: UnixSeconds,
    /// What the schedule was: another one begins anew.
    pub(crate) schedule: String,
}

/// A mail without its address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Parcel {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
    pub(crate) pictures: Vec<Enclosure>,
    pub(crate) files: Vec<Enclosure>,
}

/// A parcel and who gets it.
#[derive(Clone, Debug)]
pub(crate) struct Addressed {
    pub(crate) name: String,
    pub(crate) parcel: Parcel,
    pub(crate) to: Vec<String>,
}

/// Everything that comes of one report at one time. Kept as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Sheaf {
    pub(crate) about: About,
    pub(crate) mails: Vec<Addressed>,
    pub(crate) seen: Option<Seen>,
    /// Written into the history afterwards.
    pub(crate) runs: Vec<Run>,
}

impl About {
    /// The same mail always has the same name: should it be made twice, the ids are the same too.
    pub(crate) fn name(&self, language: &str) -> String {
        let mut hash = Sha256::new();
        for text in [&self.report, &self.by, language] {
            hash.update(text);
            hash.update([0]);
        }
        hash.update(self.due_at.to_le_bytes());
        // On schedule each time has one report; people may ask for the same one again.
        if self.by != SCHEDULE {
            hash.update(self.made_at.to_le_bytes());
        }
        hex(&hash.finalize()[..8])
    }

    /// The row of an attempt to deliver it.
    pub(super) fn run(
        &self,
        mail: &str,
        recipient: &str,
        at: UnixSeconds,
        action: Action,
        note: &str,
    ) -> Run {
        Run {
            at,
            report: self.report.clone(),
            due_at: self.due_at,
            by: self.by.clone(),
            event: match action {
                Action::Sent => Event::Sent,
                Action::Retried => Event::Retried,
                Action::Failed => Event::Failed,
                Action::Suppressed => Event::Skipped,
                Action::Queued | Action::Grouped => Event::Queued,
            },
            recipient: recipient.into(),
            note: note.into(),
            mail: mail.into(),
            took_ms: None,
            size_bytes: None,
        }
    }
}

/// Who wanted a report that nobody asked for.
pub(crate) const SCHEDULE: &str = "schedule";

impl Parcel {
    /// The bytes of its parts.
    pub(crate) fn size(&self) -> usize {
        let enclosed = self.pictures.iter().chain(&self.files);
        let enclosed: usize = enclosed.map(|file| file.bytes.len()).sum();
        enclosed + self.text.len() + self.html.len()
    }

    /// The mail to one address.
    pub(crate) fn letter(self, about: &About, (name, to): (&str, &str), domain: &str) -> Letter {
        Letter {
            to: to.into(),
            subject: self.subject,
            text: self.text,
            html: self.html,
            message_id: message_id(name, to, domain),
            date: about.made_at,
            report: format!("{}; due={}", about.report, about.due_at),
            pictures: self.pictures,
            files: self.files,
            ..Letter::default()
        }
    }
}

/// A sheaf on its way to the notifier.
pub(super) struct Post {
    pub(super) sheaf: Box<Sheaf>,
    pub(super) reply: oneshot::Sender<Result<(), String>>,
}

/// The reporter's end.
#[derive(Clone, Debug)]
pub struct Postbox {
    posts: mpsc::Sender<Post>,
    seen: BTreeMap<String, Seen>,
}

impl Postbox {
    pub(super) fn new(seen: BTreeMap<String, Seen>) -> (Postbox, mpsc::Receiver<Post>) {
        let (posts, inbox) = mpsc::channel(1);
        (Postbox { posts, seen }, inbox)
    }

    /// How far each schedule was settled at the start.
    pub(crate) fn seen(&self) -> BTreeMap<String, Seen> {
        self.seen.clone()
    }

    /// Returns once the mails are on disk, each to be sent.
    pub(crate) async fn post(&self, sheaf: Sheaf) -> Result<(), String> {
        let stopped = || "the notifier has stopped".to_owned();
        let (reply, answer) = oneshot::channel();
        let post = Post {
            sheaf: Box::new(sheaf),
            reply,
        };
        self.posts.send(post).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

/// The directory of the finished mails.
#[derive(Clone, Debug)]
pub(super) struct Spool {
    directory: PathBuf,
}

impl Spool {
    /// Opens or makes it (0700) and drops what nobody waits for.
    pub(super) fn open(directory: &Path, waiting: &BTreeSet<&str>) -> io::Result<Spool> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(directory)?;
        let spool = Spool {
            directory: directory.into(),
        };
        spool.sweep(waiting);
        Ok(spool)
    }

    /// Writes the parcels; when this returns they are on disk.
    pub(super) fn keep(&self, sheaf: &Sheaf) -> io::Result<()> {
        let kept = fs::read_dir(&self.directory)?.count();
        if kept + sheaf.mails.len() > WAITING && !sheaf.mails.is_empty() {
            return Err(io::Error::other(format!(
                "{kept} reports wait to be sent already"
            )));
        }
        for mail in &sheaf.mails {
            let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
            file.write_all(&serde_json::to_vec(&mail.parcel)?)?;
            file.as_file().sync_all()?;
            file.persist(self.path(&mail.name)).map_err(|e| e.error)?;
        }
        File::open(&self.directory)?.sync_all()
    }

    /// Removes the files of mails that nobody waits for.
    pub(super) fn sweep(&self, waiting: &BTreeSet<&str>) {
        let Ok(entries) = fs::read_dir(&self.directory) else {
            return;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let name = path.file_stem().and_then(|name| name.to_str());
            if !name.is_some_and(|name| waiting.contains(name)) {
                let _ = fs::remove_file(&path);
            }
        }
    }

    /// The mail of a delivery.
    pub(super) async fn letter(
        &self,
        about: &About,
        delivery: &Delivery,
        domain: &str,
    ) -> Result<Letter, MailError> {
        let path = self.path(&delivery.name);
        let read = tokio::task::spawn_blocking(move || read(&path)).await;
        let parcel = read
            .unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(|error| MailError::Settings(format!("the report is lost: {error}")))?;
        Ok(parcel.letter(about, (&delivery.name, &delivery.to), domain))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.json"))
    }
}

fn read(path: &Path) -> io::Result<Parcel> {
    if fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("{} is too large", path.display())));
    }
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}
