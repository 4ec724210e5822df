//! Drops what has been kept long enough, without waiting for the sealer's next turn.

use serde::Serialize;

use super::super::sealed::Expired;
use super::super::{Store, StoreError};
use super::{Frame, Hand};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Retained {
    version: u32,
    /// Nothing was dropped.
    dry_run: bool,
    rows: i64,
    bytes: i64,
    expired: Vec<Expired>,
}

pub(super) fn all(
    store: &Store,
    hand: &mut impl Hand,
    frame: &Frame,
    dry_run: bool,
) -> Result<Retained, StoreError> {
    let expired = store.expired(&frame.keep, frame.now)?;
    if !dry_run && !expired.is_empty() {
        let gone = expired.clone();
        hand.run(move |recorder| recorder.forget(&gone))?;
    }
    Ok(Retained {
        version: 1,
        dry_run,
        rows: expired.iter().map(|one| one.rows).sum(),
        bytes: expired.iter().map(|one| one.bytes).sum(),
        expired,
    })
}
