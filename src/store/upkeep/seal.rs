//! Seals what is over, without waiting until it is due.

use std::collections::HashSet;

use serde::Serialize;

use super::super::sealed::{Stretch, Switched, UNLINK_AFTER};
use super::super::{Store, StoreError};
use super::{Frame, Hand, Tell, step};

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Sealed {
    stretches: usize,
    rows: i64,
    /// Stretches that changed meanwhile: the next sealing takes them.
    again: usize,
}

pub(super) fn all(
    store: &Store,
    hand: &mut impl Hand,
    frame: &Frame,
    tell: Tell<'_>,
) -> Result<Sealed, StoreError> {
    if store.shared.sealed.is_none() {
        return Err(StoreError::Other(
            "a history in memory is not sealed".into(),
        ));
    }
    let mut sealed = Sealed::default();
    // Days that were sealed may complete a month; nothing follows from that.
    for _ in 0..2 {
        let stretches = store.stretches(frame.now, true)?;
        if sealed.again > 0 || stretches.is_empty() {
            break;
        }
        each(store, hand, &stretches, &mut sealed, tell)?;
    }
    store.unlink_replaced(UNLINK_AFTER);
    Ok(sealed)
}

fn each(
    store: &Store,
    hand: &mut impl Hand,
    stretches: &[Stretch],
    sealed: &mut Sealed,
    tell: Tell<'_>,
) -> Result<(), StoreError> {
    // Nothing of a table is sealed beyond a stretch of it that waits.
    let mut waiting = HashSet::new();
    for (done, stretch) in stretches.iter().enumerate() {
        step(tell, done, stretches.len(), &stretch.table)?;
        if waiting.contains(&stretch.table) {
            continue;
        }
        let prepared = store.prepare(stretch)?;
        let rows = prepared.rows();
        match hand.run(move |recorder| recorder.switch(&prepared))? {
            Switched::Done => {
                sealed.stretches += 1;
                sealed.rows += rows;
            }
            Switched::Again => {
                sealed.again += 1;
                waiting.insert(&stretch.table);
            }
        }
    }
    Ok(())
}
