//! A database that DuckDB has invalidated is opened again, with nothing lost and nothing twice.
//!
//! The fault is real: a checkpoint of a process whose files may not grow. It needs a process of its own.

use super::*;

/// Tells the child process where its history is; without it, [`child`] does nothing.
const VARIABLE: &str = "EIDER_TEST_REOPEN";

#[allow(unsafe_code)]
fn limit_files(bytes: Option<u64>) {
    let limit = libc::rlimit {
        rlim_cur: bytes.unwrap_or(libc::RLIM_INFINITY),
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: the limit outlives the call; SIG_IGN is no function of ours.
    let done = unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit)
    };
    assert_eq!(done, 0);
}

/// Not a test by itself: the process of the one below.
#[test]
fn child() {
    let Some(directory) = std::env::var_os(VARIABLE) else {
        return;
    };
    let options = Options {
        memory_bytes: Some(128 << 20),
    };
    let (store, mut recorder) = Store::open(Path::new(&directory), &options).unwrap();
    recorder
        .sync_hosts(&inventory([host("a", &[])]), T0)
        .unwrap();
    for minute in 0..200 {
        recorder.append(&[stored(1, T0 + minute * 60)]).unwrap();
    }
    let polls = |store: &Store| one(store, "SELECT count(*) FROM poll");
    assert_eq!(polls(&store), Cell::Int(200));
    limit_files(Some(4096));
    let error = recorder.connection.execute_batch("CHECKPOINT").unwrap_err();
    println!("the checkpoint said: {error}");
    // The batch that comes now finds it invalid; the next try opens it again, and is refused while
    // nothing can be written.
    let batch = [stored(1, T0 + 200 * 60)];
    let error = recorder.append(&batch).unwrap_err();
    assert!(matches!(error, StoreError::Invalidated(_)), "{error}");
    assert!(recorder.lost);
    let error = recorder.append(&batch).unwrap_err().to_string();
    assert!(error.contains("Could not write"), "{error}");
    limit_files(None);
    // A reader that asks meanwhile waits for the new one.
    let reader = {
        let store = store.clone();
        std::thread::spawn(move || one(&store, "SELECT count(*) FROM poll"))
    };
    recorder.append(&batch).unwrap();
    assert!(!recorder.lost);
    let read = reader.join().unwrap();
    assert!(read == Cell::Int(200) || read == Cell::Int(201), "{read:?}");
    assert_eq!(polls(&store), Cell::Int(201));
    recorder.append(&[stored(1, T0 + 201 * 60)]).unwrap();
    assert_eq!(polls(&store), Cell::Int(202));
    drop(store);
    recorder.close().unwrap();
    let (store, _recorder) = Store::open(Path::new(&directory), &options).unwrap();
    assert_eq!(polls(&store), Cell::Int(202));
    println!("all is there");
}

#[test]
fn an_invalidated_database_is_opened_again_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let out = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::reopen::child", "--nocapture"])
        .env(VARIABLE, directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{text}\n{errors}");
    assert!(text.contains("all is there"), "{text}\n{errors}");
}

/// A commit whose outcome was not heard may be on disk: the same batch again changes nothing then.
#[test]
fn a_batch_that_is_on_disk_already_is_not_stored_twice() {
    let (store, mut recorder) = Store::in_memory().unwrap();
    recorder
        .sync_hosts(&inventory([host("a", &[])]), T0)
        .unwrap();
    let batch = [stored(1, T0), stored(1, T0 + 60)];
    recorder.append(&batch[..1]).unwrap();
    recorder.doubtful = true;
    // Half of it is there from before: it is another batch.
    recorder.append(&batch).unwrap();
    assert_eq!(one(&store, "SELECT count(*) FROM poll"), Cell::Int(3));
    recorder.doubtful = true;
    recorder.append(&batch).unwrap();
    assert_eq!(one(&store, "SELECT count(*) FROM poll"), Cell::Int(3));
    recorder.append(&batch).unwrap();
    assert_eq!(one(&store, "SELECT count(*) FROM poll"), Cell::Int(5));
}
