//! Sealing killed at every step: each row is there exactly once, and no file too many.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use eider::store::sealed::{Switched, Work};
use eider::store::{Recorder, Store};

use super::batch::{T0, inventory, number, numbered, open};

/// Tells the child process what to seal; without it, [`sealer`] does nothing.
const VARIABLE: &str = "EIDER_TEST_SEALER";
const CRASH: &str = "EIDER_CRASH_AT";
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const TABLES: [&str; 4] = ["event", "interface", "memory", "poll"];
/// Rows of each table: one every ten minutes of a day and two hours.
const ROWS: i64 = 26 * 6;

/// Not a test by itself: the process that the test below kills.
#[test]
fn sealer() {
    let Some(directory) = std::env::var_os(VARIABLE) else {
        return;
    };
    let (store, mut recorder) = open(Path::new(&directory)).expect("the file opens");
    seal_all(&store, &mut recorder);
}

/// Seals hour after hour, then the day.
fn seal_all(store: &Store, recorder: &mut Recorder) {
    for now in [23 * HOUR + 300, DAY + HOUR + 300, DAY + 2 * HOUR] {
        for stretch in store.stretches(T0 + now, false).expect("a plan") {
            // Two of the hours will do.
            if stretch.work == Work::Piece && (HOUR..23 * HOUR).contains(&(stretch.from - T0)) {
                continue;
            }
            let prepared = store.prepare(&stretch).expect("files are written");
            let switched = recorder.switch(&prepared).expect("a transaction");
            assert_eq!(switched, Switched::Done);
        }
        store.unlink_replaced(Duration::ZERO);
    }
}

fn seed(directory: &Path) {
    let (store, mut recorder) = open(directory).expect("a new file");
    recorder
        .sync_hosts(&inventory(), T0)
        .expect("hosts are stored");
    let batches: Vec<_> = (0..ROWS)
        .map(|n| {
            let mut batch = numbered(n + 1);
            batch.ts = T0 + n * 600;
            batch
        })
        .collect();
    recorder.append(&batches).expect("a commit");
    drop(store);
    recorder.close().expect("an orderly end");
}

/// `None`: the child came to its end.
fn run(directory: &Path, place: &str, visit: usize) -> Option<()> {
    let status = Command::new(std::env::current_exe().expect("this binary has a path"))
        .args(["--exact", "store::seal::sealer", "--nocapture"])
        .env(VARIABLE, directory)
        .env(CRASH, format!("{place}:{visit}"))
        .stdout(Stdio::null())
        .status()
        .expect("this binary starts");
    use std::os::unix::process::ExitStatusExt;
    match (status.success(), status.signal()) {
        (true, _) => None,
        (_, Some(libc::SIGKILL)) => Some(()),
        _ => panic!("{place}:{visit}: {status}"),
    }
}

fn each_row_once(store: &Store, when: &str) {
    for table in TABLES {
        let rows = number(store, &format!("SELECT count(*) FROM {table}"));
        let distinct = number(store, &format!("SELECT count(DISTINCT ts) FROM {table}"));
        assert_eq!((rows, distinct), (ROWS, ROWS), "{when}: {table}");
    }
}

/// No row is in two rollups; at the end each is in one.
fn rolled_up_once(store: &Store, when: &str, sealed: bool) {
    for set in [
        "interface_5min",
        "interface_hourly",
        "memory_hourly",
        "poll_hourly",
    ] {
        let rows = number(store, &format!("SELECT sum(samples)::BIGINT FROM {set}"));
        assert!(
            rows == ROWS || !sealed && rows < ROWS,
            "{when}: {set} {rows}"
        );
    }
    let twice = "SELECT count(*) - count(DISTINCT (interface, ts)) FROM interface_hourly";
    assert_eq!(number(store, twice), 0, "{when}");
    if sealed {
        let sum = number(store, "SELECT sum(in_octets)::BIGINT FROM interface_hourly");
        assert_eq!(sum, ROWS * (ROWS + 1) / 2, "{when}");
    }
}

/// The files below `data/sealed` and those of the manifest.
fn files(directory: &Path, store: &Store) -> (i64, i64) {
    let mut on_disk = 0;
    for folder in std::fs::read_dir(directory.join("sealed")).expect("the folder is there") {
        let folder = folder.expect("a name").path();
        if !folder.ends_with("empty") {
            on_disk += std::fs::read_dir(folder).expect("it is there").count() as i64;
        }
    }
    (
        on_disk,
        number(store, "SELECT count(*) FROM raw.sealed_file"),
    )
}

#[test]
fn kills_at_every_step_of_sealing_leave_each_row_exactly_once() {
    let seeded = tempfile::tempdir().expect("the temporary directory is writable");
    seed(seeded.path());
    let mut kills = 0;
    for place in ["copied", "written", "switching", "switched", "unlinked"] {
        for visit in [1, 2, 3, 6, 9, 13, 17, 21] {
            let directory = tempfile::tempdir().expect("the temporary directory is writable");
            let copy = directory.path().join("eider.duckdb");
            std::fs::copy(seeded.path().join("eider.duckdb"), &copy).expect("a copy");
            let killed = run(directory.path(), place, visit);
            let when = format!("{place}:{visit}");
            let (store, mut recorder) = open(directory.path()).expect("it opens after a kill");
            each_row_once(&store, &when);
            rolled_up_once(&store, &when, false);
            let (on_disk, known) = files(directory.path(), &store);
            assert_eq!(on_disk, known, "{when}: no file too many");
            // Begun anew, it comes to its end.
            seal_all(&store, &mut recorder);
            each_row_once(&store, &when);
            rolled_up_once(&store, &when, true);
            let hot = number(&store, "SELECT count(*) FROM raw.interface");
            let day = "SELECT count(*) FROM raw.sealed_file WHERE table_name = 'interface'
                       AND tier = 'raw' AND from_ts = '2026-11-23 00:00:00+00'";
            assert_eq!((hot, number(&store, day)), (6, 1), "{when}");
            if killed.is_none() {
                break;
            }
            kills += 1;
        }
    }
    assert!(
        kills >= 28,
        "only {kills} kills: the places are not visited"
    );
}
