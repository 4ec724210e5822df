//! A clock that is set: rows may come in with times of yesterday or of tomorrow. None is lost, none
//! is there twice, and sealing copes.

use std::time::Duration;

use super::batch::{T0, inventory, number, numbered, open};
use super::rounds;
use eider::store::sealed::Switched;
use eider::store::upkeep::{Frame, Task};
use eider::store::{Recorder, Store};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn seal(store: &Store, recorder: &mut Recorder, now: i64) {
    for stretch in store.stretches(now, false).expect("a plan") {
        let prepared = store.prepare(&stretch).expect("files are written");
        let switched = recorder.switch(&prepared).expect("a transaction");
        assert_eq!(switched, Switched::Done);
    }
    store.unlink_replaced(Duration::ZERO);
}

/// Four hours as they are, then the clock is wrong for four hours, then right again; now and then the
/// sealer looks by the clock as it is.
fn history(wrong_by: i64) {
    let directory = tempfile::tempdir().expect("the temporary directory is writable");
    let (store, mut recorder) = open(directory.path()).expect("a new file");
    recorder
        .sync_hosts(&inventory(), T0)
        .expect("hosts are stored");
    let mut rows = 0;
    for hour in 0..34 {
        let off = if (4..8).contains(&hour) { wrong_by } else { 0 };
        for half in 0..2 {
            let mut batch = numbered(rows + 1);
            batch.ts = T0 + hour * HOUR + half * 1800 + off;
            recorder.append(&[batch]).expect("a commit");
            rows += 1;
        }
        if hour % 3 != 0 && off == 0 {
            continue;
        }
        seal(&store, &mut recorder, T0 + (hour + 1) * HOUR + 300 + off);
        for table in ["memory", "interface", "poll", "event"] {
            let found = number(&store, &format!("SELECT count(*) FROM {table}"));
            assert_eq!(
                found, rows,
                "{table} after hour {hour}, wrong by {wrong_by}"
            );
        }
    }
    let distinct = "SELECT count(DISTINCT used_bytes) FROM memory";
    assert_eq!(number(&store, distinct), rows);
    seal(&store, &mut recorder, T0 + 10 * DAY);
    assert_eq!(number(&store, "SELECT count(*) FROM raw.memory"), 0);
    assert_eq!(number(&store, "SELECT count(*) FROM memory"), rows);
    let frame = Frame {
        now: T0 + 10 * DAY,
        keep: Default::default(),
    };
    let task = Task::Verify { quick: false };
    let verified = task
        .run(&store, &mut recorder, &frame, &mut |_| true)
        .expect("it can be read");
    assert_eq!(verified["problems"], serde_json::json!([]), "{verified}");
}

#[test]
fn a_clock_set_forward_or_back_loses_nothing() {
    for wrong_by in [DAY, -DAY] {
        history(wrong_by);
    }
    for wrong_by in [HOUR, -HOUR].into_iter().take(rounds(0, 2) as usize) {
        history(wrong_by);
    }
}
