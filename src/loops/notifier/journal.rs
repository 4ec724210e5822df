//! An append-only file of records that survives kill -9, power cuts and a full disk.
//!
//! Two files take turns, each with its space reserved when it is made. Records are appended to the
//! one with the higher generation; when it grows too long, what still matters is written to the
//! other one, whose header then gets the next generation. A record counts only when its checksum,
//! which covers the generation, is right: what a file held in a former turn is never read again.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"EIDERLOG";
const HEADER: u64 = 24;
const RECORD_HEADER: usize = 8;
/// Reserved for each file, so that a full disk does not silence anybody.
const RESERVED: u64 = 4 << 20;
/// A file never grows beyond this; then appending fails.
const LIMIT: u64 = 64 << 20;
/// A record longer than this is damage.
const RECORD_MAX: usize = 16 << 20;

#[derive(Debug)]
pub(super) struct Journal {
    files: [File; 2],
    paths: [PathBuf; 2],
    active: usize,
    generation: u64,
    /// Where the next record goes.
    end: u64,
    /// Where the last rewriting ended: twice as much calls for another one.
    base: u64,
}

impl Journal {
    /// Opens or makes the journal in the directory, which is made too (0700). Returns every record
    /// in order.
    pub(super) fn open(directory: &Path) -> io::Result<(Journal, Vec<Vec<u8>>)> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
        let paths = [directory.join("a.journal"), directory.join("b.journal")];
        let files = [reserve(&paths[0])?, reserve(&paths[1])?];
        File::open(directory)?.sync_all()?;
        let generations = [generation(&files[0])?, generation(&files[1])?];
        let active = usize::from(generations[1] > generations[0]);
        let mut journal = Journal {
            files,
            paths,
            active,
            generation: generations[active],
            end: HEADER,
            base: HEADER,
        };
        if journal.generation == 0 {
            journal.rewrite(&[])?;
            return Ok((journal, Vec::new()));
        }
        let records = journal.read()?;
        Ok((journal, records))
    }

    /// Appends the records and returns when they are on disk.
    pub(super) fn append(&mut self, records: &[Vec<u8>]) -> io::Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let block = block(self.generation, records);
        if self.end + block.len() as u64 > LIMIT {
            let path = self.paths[self.active].display();
            return Err(io::Error::other(format!("{path} is full")));
        }
        let file = &self.files[self.active];
        file.write_all_at(&block, self.end)?;
        file.sync_data()?;
        self.end += block.len() as u64;
        Ok(())
    }

    /// Whether so much was appended that rewriting pays.
    pub(super) fn is_long(&self) -> bool {
        self.end > RESERVED / 2 && self.end > 2 * self.base
    }

    /// Replaces everything by these records.
    pub(super) fn rewrite(&mut self, records: &[Vec<u8>]) -> io::Result<()> {
        let other = 1 - self.active;
        let generation = self.generation + 1;
        let block = block(generation, records);
        let file = &self.files[other];
        file.write_all_at(&block, HEADER)?;
        file.sync_data()?;
        // Until this header is on disk the former file is the valid one.
        file.write_all_at(&header(generation), 0)?;
        file.sync_data()?;
        self.active = other;
        self.generation = generation;
        self.end = HEADER + block.len() as u64;
        self.base = self.end;
        Ok(())
    }

    /// Reads up to the first record that is not whole, and goes on writing from there.
    fn read(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let file = &self.files[self.active];
        let length = file.metadata()?.len();
        let mut records = Vec::new();
        while self.end + RECORD_HEADER as u64 <= length {
            let mut head = [0u8; RECORD_HEADER];
            file.read_exact_at(&mut head, self.end)?;
            let [a, b, c, d, sum @ ..] = head;
            let size = u32::from_le_bytes([a, b, c, d]) as usize;
            let next = self.end + (RECORD_HEADER + size) as u64;
            if size == 0 || size > RECORD_MAX || next > length {
                break;
            }
            let mut record = vec![0; size];
            file.read_exact_at(&mut record, self.end + RECORD_HEADER as u64)?;
            if checksum(self.generation, &record) != sum {
                break;
            }
            records.push(record);
            self.end = next;
        }
        self.base = self.end;
        Ok(records)
    }
}

/// Opens a file, and writes zeros into a new one: they hold its place on the disk.
fn reserve(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    let zeros = vec![0u8; 64 << 10];
    let mut at = file.metadata()?.len();
    while at < RESERVED {
        // Less than planned on a disk that is nearly full: better than no outbox.
        if let Err(error) = file.write_all_at(&zeros, at) {
            tracing::warn!(path = %path.display(), %error, "cannot reserve the outbox's space");
            break;
        }
        at += zeros.len() as u64;
    }
    file.sync_all()?;
    Ok(file)
}

fn header(generation: u64) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend(generation.to_le_bytes());
    header.extend(checksum(generation, MAGIC));
    header.extend([0; 4]);
    header
}

/// 0 for a file without a whole header.
fn generation(file: &File) -> io::Result<u64> {
    let mut found = [0u8; HEADER as usize];
    if file.metadata()?.len() < HEADER {
        return Ok(0);
    }
    file.read_exact_at(&mut found, 0)?;
    let mut number = [0u8; 8];
    number.copy_from_slice(&found[8..16]);
    let generation = u64::from_le_bytes(number);
    let whole = found[..] == header(generation)[..];
    Ok(if whole { generation } else { 0 })
}

fn block(generation: u64, records: &[Vec<u8>]) -> Vec<u8> {
    let mut block = Vec::new();
    for record in records {
        block.extend((record.len() as u32).to_le_bytes());
        block.extend(checksum(generation, record));
        block.extend(record);
    }
    block
}

fn checksum(generation: u64, record: &[u8]) -> [u8; 4] {
    let digest = Sha256::new()
        .chain_update(generation.to_le_bytes())
        .chain_update(record)
        .finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(numbers: std::ops::Range<u32>) -> Vec<Vec<u8>> {
        numbers
            .map(|n| format!("record {n}").into_bytes())
            .collect()
    }

    #[test]
    fn records_come_back_over_restarts_and_rewritings() {
        let directory = tempfile::tempdir().unwrap();
        let open = || Journal::open(directory.path()).unwrap();
        let (mut journal, found) = open();
        assert!(found.is_empty());
        journal.append(&records(0..5)).unwrap();
        journal.append(&records(5..9)).unwrap();
        drop(journal);
        let (mut journal, found) = open();
        assert_eq!(found, records(0..9));
        journal.rewrite(&records(7..9)).unwrap();
        journal.append(&records(9..10)).unwrap();
        drop(journal);
        let (mut journal, found) = open();
        assert_eq!(found, records(7..10));
        // Back in the first file, whose old records lie behind the new end.
        journal.rewrite(&records(9..10)).unwrap();
        drop(journal);
        assert_eq!(open().1, records(9..10));
    }

    #[test]
    fn a_torn_end_costs_the_last_record_only_and_is_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let open = || Journal::open(directory.path()).unwrap();
        let (mut journal, _) = open();
        journal.append(&records(0..3)).unwrap();
        let (end, active) = (journal.end, journal.active);
        journal.files[active].write_all_at(b"?", end - 1).unwrap();
        drop(journal);
        let (mut journal, found) = open();
        assert_eq!(found, records(0..2));
        journal.append(&records(5..6)).unwrap();
        drop(journal);
        assert_eq!(open().1, [records(0..2), records(5..6)].concat());
    }

    #[test]
    fn a_rewriting_without_its_header_did_not_happen() {
        let directory = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(directory.path()).unwrap();
        journal.append(&records(0..3)).unwrap();
        let other = 1 - journal.active;
        let next = block(journal.generation + 1, &records(8..9));
        journal.files[other].write_all_at(&next, HEADER).unwrap();
        drop(journal);
        let (_, found) = Journal::open(directory.path()).unwrap();
        assert_eq!(found, records(0..3));
    }
}
