//! Seals what is over, without waiting until it is due.

use std::collections::HashSet;

use serde::Serialize;

use super::super::sealed::{Switched, UNLINK_AFTER};
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
    let stretches = store.stretches(frame.now, true)?;
    let mut sealed = Sealed::default();
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
    store.unlink_replaced(UNLINK_AFTER);
    Ok(sealed)
}
