//! Files that are damaged, newer, older or in use.

use std::path::Path;

use super::*;

const OPTIONS: Options = Options {
    memory_bytes: Some(128 << 20),
};

fn open(directory: &Path) -> Result<(Store, Recorder), StoreError> {
    Store::open(directory, &OPTIONS)
}

/// A file with some rows in its write-ahead log, as a kill leaves it.
fn killed() -> tempfile::TempDir {
    let alive = tempfile::tempdir().unwrap();
    let dead = tempfile::tempdir().unwrap();
    let (_store, mut recorder) = open(alive.path()).unwrap();
    recorder
        .sync_hosts(&inventory([host("a", &[])]), T0)
        .unwrap();
    for minute in 0..10 {
        recorder.append(&[stored(1, T0 + minute * 60)]).unwrap();
    }
    for file in ["eider.duckdb", "eider.duckdb.wal"] {
        std::fs::copy(alive.path().join(file), dead.path().join(file)).unwrap();
    }
    dead
}

fn polls(directory: &Path) -> Cell {
    let (store, recorder) = open(directory).unwrap();
    let count = one(&store, "SELECT count(*) FROM poll");
    drop(store);
    recorder.close().unwrap();
    count
}

#[test]
fn a_killed_writer_leaves_everything_and_a_cut_log_its_beginning() {
    let directory = killed();
    assert_eq!(polls(directory.path()), Cell::Int(10));
    let directory = killed();
    let wal = directory.path().join("eider.duckdb.wal");
    let bytes = std::fs::read(&wal).unwrap();
    std::fs::write(&wal, &bytes[..bytes.len() - 20]).unwrap();
    assert_eq!(polls(directory.path()), Cell::Int(9));
}

type Damage = fn(&mut Vec<u8>);

/// A flipped bit, or zeros at the end as a power cut leaves them: the commits before are saved, the
/// log is kept as it was, the loss is told.
#[test]
fn a_damaged_log_is_cut_at_the_damage_and_kept() {
    let zeroed = |bytes: &mut Vec<u8>| {
        let end = bytes.len();
        bytes[end - 300..].fill(0);
    };
    let flipped = |bytes: &mut Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x40;
    };
    let lengthened = |bytes: &mut Vec<u8>| bytes.extend([0; 4096]);
    let damages: [(&str, Damage, i128); 3] = [
        ("zeroed", zeroed, 8),
        ("flipped", flipped, 1),
        ("lengthened", lengthened, 10),
    ];
    for (name, damage, least) in damages {
        let directory = killed();
        let wal = directory.path().join("eider.duckdb.wal");
        let mut bytes = std::fs::read(&wal).unwrap();
        damage(&mut bytes);
        std::fs::write(&wal, &bytes).unwrap();
        let Cell::Int(saved) = polls(directory.path()) else {
            panic!()
        };
        assert!(saved >= least, "{name}: {saved} of 10");
        let files = std::fs::read_dir(directory.path()).unwrap();
        let copies: Vec<_> = files
            .map(|f| f.unwrap().path())
            .filter(|p| p.to_string_lossy().contains(".wal.corrupt-"))
            .collect();
        let kept = copies
            .iter()
            .any(|copy| std::fs::read(copy).unwrap() == bytes);
        assert!(kept, "{name}: {copies:?}");
        let (store, _recorder) = open(directory.path()).unwrap();
        let told = "SELECT count(*) FROM event WHERE kind = 'wal_repaired' AND host IS NULL";
        assert_eq!(one(&store, told), Cell::Int(copies.len() as i128), "{name}");
    }
}

#[test]
fn a_log_that_cannot_be_cut_is_left_alone() {
    let directory = killed();
    let wal = directory.path().join("eider.duckdb.wal");
    // The very first entry tells which file the log belongs to.
    let bytes = vec![0xff; 200];
    std::fs::write(&wal, &bytes).unwrap();
    let Err(error) = open(directory.path()) else {
        // Newer engines may know how to read on.
        return;
    };
    let words = error.to_string();
    assert!(words.contains("eider.duckdb.wal is damaged"), "{words}");
    assert!(!words.contains('\n'), "{words}");
    assert_eq!(std::fs::read(&wal).unwrap(), bytes, "nothing was changed");
}

#[test]
fn a_newer_file_is_refused_with_one_sentence_and_an_older_one_grows() {
    let directory = tempfile::tempdir().unwrap();
    let (store, recorder) = open(directory.path()).unwrap();
    drop(store);
    let older =
        "ALTER TABLE raw.memory DROP COLUMN formula; ALTER TABLE raw.poll DROP COLUMN problems;
        UPDATE raw.meta SET value = 'other' WHERE key = 'shape'";
    // What a view uses cannot be dropped below it.
    let sql = format!("DROP VIEW main.memory; DROP VIEW main.poll; {older}");
    recorder.connection.execute_batch(&sql).unwrap();
    recorder.close().unwrap();
    let (store, mut recorder) = open(directory.path()).unwrap();
    let memory = table::find("memory").unwrap();
    let values = [("formula", Value::text("MemAvailable"))];
    let batch = with_rows(
        stored(1, T0),
        memory,
        vec![row(memory, None, None, &values)],
    );
    recorder
        .sync_hosts(&inventory([host("a", &[])]), T0)
        .unwrap();
    recorder.append(&[batch]).unwrap();
    assert_eq!(
        one(&store, "SELECT formula FROM memory"),
        text("MemAvailable")
    );
    assert_eq!(
        one(&store, "SELECT count(problems) FROM poll"),
        Cell::Int(0)
    );

    drop(store);
    let sql = "UPDATE raw.meta SET value = '99' WHERE key = 'schema'";
    recorder.connection.execute_batch(sql).unwrap();
    recorder.close().unwrap();
    let error = open(directory.path()).err().unwrap();
    assert!(
        matches!(
            error,
            StoreError::Newer {
                found: 99,
                known: schema::VERSION,
                ..
            }
        ),
        "{error}"
    );
    let words = error.to_string();
    assert!(words.contains("written by a newer eider"), "{words}");
}

#[test]
fn a_file_is_opened_once() {
    let directory = tempfile::tempdir().unwrap();
    let (_store, _recorder) = open(directory.path()).unwrap();
    let error = open(directory.path()).err().unwrap();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
}

#[test]
fn what_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("eider.duckdb"), [7; 9000]).unwrap();
    let error = open(directory.path()).err().unwrap().to_string();
    assert!(error.contains("cannot be opened"), "{error}");
    let words = open(Path::new("/proc/nowhere")).err().unwrap().to_string();
    assert!(words.contains("the data directory"), "{words}");
}

#[test]
fn a_closed_history_answers_no_more_and_stops_what_runs() {
    let (store, recorder) = Store::in_memory().unwrap();
    let asking = store.clone();
    let (started, running) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let sql =
            "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 7";
        let mut question = Question::new(sql);
        question.timeout = Duration::from_secs(600);
        started.send(()).unwrap();
        asking.ask_blocking(&question)
    });
    running.recv().unwrap();
    recorder.close().unwrap();
    assert!(thread.join().unwrap().is_err());
    let error = store.ask_blocking(&Question::new("SELECT 1")).unwrap_err();
    assert_eq!(error.to_string(), "the history is closed");
}
