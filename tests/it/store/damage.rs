//! A write-ahead log that a power cut or a bad disk has damaged, at random places: the file opens,
//! what is there is a beginning of what was stored, and the damaged log is kept.

use std::path::Path;

use super::batch::{inventory, number, numbered, open};
use super::rounds;

const BATCHES: i64 = 25;

/// A file with some rows in its write-ahead log, as a kill leaves it.
fn killed(into: &Path) {
    let alive = tempfile::tempdir().expect("the temporary directory is writable");
    let (_store, mut recorder) = open(alive.path()).expect("a new file");
    recorder
        .sync_hosts(&inventory(), 0)
        .expect("hosts are stored");
    for batch in 1..=BATCHES {
        recorder.append(&[numbered(batch)]).expect("a commit");
    }
    for file in ["eider.duckdb", "eider.duckdb.wal"] {
        std::fs::copy(alive.path().join(file), into.join(file)).expect("a copy");
    }
}

/// The same numbers in every run.
struct Seed(u64);

impl Seed {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end.max(1)
    }
}

type Damage = fn(&mut Vec<u8>, &mut Seed);

fn cut(log: &mut Vec<u8>, seed: &mut Seed) {
    let end = log.len();
    log.truncate(seed.below(end));
}

#[expect(clippy::ptr_arg, reason = "every damage has one type")]
fn zero(log: &mut Vec<u8>, seed: &mut Seed) {
    let at = seed.below(log.len());
    log[at..].fill(0);
}

#[expect(clippy::ptr_arg, reason = "every damage has one type")]
fn flip(log: &mut Vec<u8>, seed: &mut Seed) {
    let at = seed.below(log.len());
    log[at] ^= 1 << seed.below(8);
}

#[expect(clippy::ptr_arg, reason = "every damage has one type")]
fn garbage(log: &mut Vec<u8>, seed: &mut Seed) {
    let at = seed.below(log.len());
    for byte in &mut log[at..] {
        *byte = seed.below(256) as u8;
    }
}

fn damaged(kind: &str, damage: Damage, times: u32) {
    let whole = tempfile::tempdir().expect("the temporary directory is writable");
    killed(whole.path());
    let log = std::fs::read(whole.path().join("eider.duckdb.wal")).expect("a log");
    let mut seed = Seed(kind.len() as u64);
    let (mut kept, mut refused) = (0, 0);
    for round in 0..times {
        let directory = tempfile::tempdir().expect("the temporary directory is writable");
        let mut spoilt = log.clone();
        damage(&mut spoilt, &mut seed);
        let database = directory.path().join("eider.duckdb");
        std::fs::copy(whole.path().join("eider.duckdb"), &database).expect("a copy");
        let wal = directory.path().join("eider.duckdb.wal");
        std::fs::write(&wal, &spoilt).expect("writable");
        let when = format!("{kind}, round {round}");
        let (store, recorder) = match open(directory.path()) {
            Ok(opened) => opened,
            // Its very head is gone: nothing says where to cut. It is told, and nothing is changed.
            Err(error) => {
                assert!(error.to_string().contains("is damaged"), "{when}: {error}");
                assert_eq!(std::fs::read(&wal).expect("a log"), spoilt, "{when}");
                refused += 1;
                continue;
            }
        };
        let rows = number(&store, "SELECT count(*) FROM poll");
        let last = number(&store, "SELECT coalesce(max(took_ms), 0)::BIGINT FROM poll");
        assert_eq!(rows, last, "{when}: a beginning");
        for table in ["interface", "memory", "event WHERE kind = 'entity_new'"] {
            let found = number(&store, &format!("SELECT count(*) FROM {table}"));
            assert_eq!(found, rows, "{when}: {table}");
        }
        let told = number(
            &store,
            "SELECT count(*) FROM event WHERE kind = 'wal_repaired'",
        );
        let copies = std::fs::read_dir(directory.path())
            .expect("a directory")
            .filter(|entry| {
                let name = entry.as_ref().expect("an entry").file_name();
                name.to_string_lossy().contains(".wal.corrupt-")
            })
            .count();
        assert_eq!(
            usize::try_from(told),
            Ok(copies),
            "{when}: each repair is told"
        );
        kept += copies.min(1);
        drop(store);
        recorder.close().expect("an orderly end");
    }
    // A flipped bit may hit the head; that is a few bytes of thousands.
    assert!(
        refused * 10 <= times,
        "{kind}: {refused} of {times} did not open"
    );
    assert!(kind == "cut" || kept > 0, "{kind}: nothing was damaged");
}

#[test]
fn a_cut_log_opens() {
    damaged("cut", cut, rounds(8, 200));
}

#[test]
fn a_log_with_zeros_at_its_end_opens() {
    damaged("zeros", zero, rounds(8, 120));
}

#[test]
fn a_log_with_a_flipped_bit_opens() {
    damaged("flipped", flip, rounds(8, 120));
}

#[test]
fn a_log_with_garbage_at_its_end_opens() {
    damaged("garbage", garbage, rounds(8, 120));
}
