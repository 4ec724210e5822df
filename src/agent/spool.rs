//! Documents on disk until the server has them: one file each, in order, within limits of size and age.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::reading::UnixSeconds;

/// A document is smaller than this, unpacked.
const DOCUMENT_MAX: u64 = 4 * 1024 * 1024;
const ENDING: &str = ".json.gz";

/// What the spool may hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    pub bytes: u64,
    pub age: Duration,
}

/// The documents that wait.
pub(super) struct Spool {
    folder: PathBuf,
    limits: Limits,
    /// Oldest first.
    waiting: VecDeque<Waiting>,
    bytes: u64,
    /// Held as long as the agent runs.
    _lock: File,
}

struct Waiting {
    /// What the file is called by: grows with every document.
    number: u64,
    ts: UnixSeconds,
    bytes: u64,
}

/// Documents to be sent together: gzip members side by side, which are one gzip.
pub(super) struct Batch {
    pub(super) packed: Vec<u8>,
    pub(super) numbers: Vec<u64>,
    /// Files that held no whole document and are gone.
    pub(super) broken: u64,
}

impl Spool {
    /// Opens the spool of a folder, made when it is not there. A second agent on it is an error.
    pub(super) fn open(folder: &Path, limits: Limits) -> anyhow::Result<Spool> {
        let folder = folder.join("spool");
        let shown = folder.display();
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder
            .create(&folder)
            .with_context(|| format!("cannot make {shown}"))?;
        let lock = File::create(folder.join("lock"))
            .with_context(|| format!("cannot write below {shown}"))?;
        lock.try_lock()
            .map_err(|_| anyhow::anyhow!("another eider agent uses {shown}"))?;
        let mut waiting = Vec::new();
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {shown}"))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            match parse(&name) {
                Some((number, ts)) => waiting.push(Waiting {
                    number,
                    ts,
                    bytes: entry.metadata().map_or(0, |m| m.len()),
                }),
                // The agent was killed while it wrote: the document was never whole.
                None if name.ends_with(".new") => fs::remove_file(entry.path())?,
                None => {}
            }
        }
        waiting.sort_unstable_by_key(|w| w.number);
        Ok(Spool {
            folder,
            limits,
            bytes: waiting.iter().map(|w| w.bytes).sum(),
            waiting: waiting.into(),
            _lock: lock,
        })
    }

    /// How many documents and octets wait.
    pub(super) fn size(&self) -> (usize, u64) {
        (self.waiting.len(), self.bytes)
    }

    /// The time of the newest document that waits.
    pub(super) fn newest(&self) -> Option<UnixSeconds> {
        self.waiting.back().map(|w| w.ts)
    }

    /// Writes a document so that it is there whole or not at all, then makes room. Returns how many of
    /// the oldest had to go.
    pub(super) fn add(&mut self, document: &str, ts: UnixSeconds) -> io::Result<u64> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(document.as_bytes())?;
        packed.write_all(b"\n")?;
        let packed = packed.finish()?;
        let number = self.waiting.back().map_or(0, |w| w.number) + 1;
        let waiting = Waiting {
            number,
            ts,
            bytes: packed.len() as u64,
        };
        let mut dropped = 0;
        while let Err(error) = self.write(&waiting, &packed) {
            // A full disk: the oldest goes for the newest.
            let _ = fs::remove_file(self.path(&waiting).with_extension("new"));
            if error.kind() != io::ErrorKind::StorageFull || !self.drop_oldest() {
                return Err(error);
            }
            dropped += 1;
        }
        self.bytes += waiting.bytes;
        self.waiting.push_back(waiting);
        let oldest_ts = ts - i64::try_from(self.limits.age.as_secs()).unwrap_or(i64::MAX / 2);
        while self.waiting.len() > 1
            && (self.bytes > self.limits.bytes
                || self.waiting.front().is_some_and(|w| w.ts < oldest_ts))
        {
            self.drop_oldest();
            dropped += 1;
        }
        Ok(dropped)
    }

    fn write(&self, waiting: &Waiting, packed: &[u8]) -> io::Result<()> {
        let path = self.path(waiting);
        let fresh = path.with_extension("new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(packed)?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        File::open(&self.folder)?.sync_all()
    }

    fn drop_oldest(&mut self) -> bool {
        let Some(oldest) = self.waiting.pop_front() else {
            return false;
        };
        self.bytes -= oldest.bytes;
        let _ = fs::remove_file(self.path(&oldest));
        true
    }

    /// The oldest documents, at most so many, of at most so many octets packed and unpacked; at least
    /// one. `None` when nothing waits.
    pub(super) fn oldest(&mut self, count: usize, packed: u64, unpacked: u64) -> Option<Batch> {
        let mut batch = Batch {
            packed: Vec::new(),
            numbers: Vec::new(),
            broken: 0,
        };
        let mut size = 0;
        let mut at = 0;
        while at < self.waiting.len() && batch.numbers.len() < count {
            let waiting = &self.waiting[at];
            let Some((octets, length)) = read(&self.path(waiting)) else {
                let broken = self.waiting.remove(at);
                self.bytes -= broken.as_ref().map_or(0, |w| w.bytes);
                let path = broken.map(|w| self.path(&w));
                let _ = path.map(fs::remove_file);
                batch.broken += 1;
                continue;
            };
            let full =
                batch.packed.len() + octets.len() > packed as usize || size + length > unpacked;
            if full && !batch.numbers.is_empty() {
                break;
            }
            batch.packed.extend_from_slice(&octets);
            batch.numbers.push(waiting.number);
            size += length;
            at += 1;
        }
        (batch.broken > 0 || !batch.numbers.is_empty()).then_some(batch)
    }

    /// The server has these, or never will.
    pub(super) fn remove(&mut self, numbers: &[u64]) {
        let (gone, stays): (Vec<Waiting>, Vec<Waiting>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|w| numbers.contains(&w.number));
        self.waiting = stays.into();
        for waiting in gone {
            self.bytes -= waiting.bytes;
            let _ = fs::remove_file(self.path(&waiting));
        }
    }

    fn path(&self, waiting: &Waiting) -> PathBuf {
        let Waiting { number, ts, .. } = waiting;
        self.folder.join(format!("{number:012}-{ts}{ENDING}"))
    }
}

/// Number and time of a file's name.
fn parse(name: &str) -> Option<(u64, UnixSeconds)> {
    let (number, ts) = name.strip_suffix(ENDING)?.split_once('-')?;
    Some((number.parse().ok()?, ts.parse().ok()?))
}

/// The octets of a whole document as they are, and its length unpacked.
fn read(path: &Path) -> Option<(Vec<u8>, u64)> {
    let octets = fs::read(path).ok()?;
    let mut unpacked = MultiGzDecoder::new(&octets[..]).take(DOCUMENT_MAX + 1);
    let length = io::copy(&mut unpacked, &mut io::sink()).ok()?;
    (length > 0 && length <= DOCUMENT_MAX).then_some((octets, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        bytes: 1 << 20,
        age: Duration::from_secs(3_600),
    };
    const MUCH: u64 = 1 << 30;

    fn text(batch: &Batch) -> String {
        let mut text = String::new();
        let mut reader = MultiGzDecoder::new(&batch.packed[..]);
        reader.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn order_survives_a_restart_and_what_was_sent_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(folder.path(), LIMITS).unwrap();
        for n in 0..12 {
            assert_eq!(spool.add(&format!("d{n}"), 1_000 + n).unwrap(), 0);
        }
        assert!(Spool::open(folder.path(), LIMITS).is_err(), "two agents");
        let batch = spool.oldest(2, MUCH, MUCH).unwrap();
        assert_eq!(text(&batch), "d0\nd1\n");
        spool.remove(&batch.numbers);
        drop(spool);
        fs::write(folder.path().join("spool/000000000099-5.json.new"), "half").unwrap();
        let mut spool = Spool::open(folder.path(), LIMITS).unwrap();
        assert_eq!(spool.size().0, 10);
        spool.add("last", 2_000).unwrap();
        let batch = spool.oldest(100, MUCH, MUCH).unwrap();
        assert_eq!(text(&batch).lines().count(), 11);
        assert!(text(&batch).starts_with("d2\n") && text(&batch).ends_with("d11\nlast\n"));
        assert!(spool.oldest(100, 60, MUCH).unwrap().numbers.len() < 3);
        assert_eq!(spool.oldest(100, MUCH, 1).unwrap().numbers.len(), 1);
    }

    #[test]
    fn the_oldest_goes_when_it_is_too_much_or_too_old() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits {
            bytes: 100,
            ..LIMITS
        };
        let mut spool = Spool::open(folder.path(), limits).unwrap();
        let dropped: u64 = (0..10).map(|n| spool.add("document", n).unwrap()).sum();
        assert_eq!(dropped + spool.size().0 as u64, 10);
        assert!(spool.size().1 <= 100);
        let before = spool.size().0 as u64;
        assert_eq!(spool.add("young", 10_000).unwrap(), before);
        assert_eq!(text(&spool.oldest(9, MUCH, MUCH).unwrap()), "young\n");
    }

    #[test]
    fn a_broken_file_costs_itself() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(folder.path(), LIMITS).unwrap();
        spool.add("a", 1).unwrap();
        spool.add("b", 2).unwrap();
        let first = spool.path(&spool.waiting[0]);
        fs::write(&first, b"\x1f\x8bnot gzip").unwrap();
        let batch = spool.oldest(9, MUCH, MUCH).unwrap();
        assert_eq!((text(&batch).as_str(), batch.broken), ("b\n", 1));
        assert!(!first.exists());
    }
}
