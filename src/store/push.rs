//! The senders' names of pushed collections, stored in the transaction of their rows: what was taken
//! once is never taken again, whatever happens in between.

use duckdb::Connection;

use super::StoreError;
use super::append::{Slot, flush, put};
use crate::intake::{HostId, Stored};

/// A sender that has no answer yet sends again within this time.
const KEPT: &str = "INTERVAL 2 DAY";
/// Keys remembered of one host: 16 hours of a collection per minute.
pub const KEYS_PER_HOST: usize = 1_000;

pub(super) fn append(connection: &Connection, batch: &[Stored]) -> Result<(), StoreError> {
    if batch.iter().all(|stored| stored.push_key.is_none()) {
        return Ok(());
    }
    let mut appender = connection.appender_to_db("push_key", "raw")?;
    for stored in batch {
        if let Some(push) = stored.push_key {
            let row = [
                Slot::Small(stored.host_id),
                Slot::Int(push.key),
                Slot::at(push.taken_at),
            ];
            put(&mut appender, &row)?;
        }
    }
    flush(appender)
}

pub(super) fn known(connection: &Connection) -> Result<Vec<(HostId, i64)>, StoreError> {
    let oldest = format!("(SELECT max(taken_at) - {KEPT} FROM raw.push_key)");
    connection.execute_batch(&format!(
        "DELETE FROM raw.push_key WHERE taken_at < {oldest}"
    ))?;
    let mut statement = connection.prepare(&format!(
        "SELECT host_id, key FROM raw.push_key
         QUALIFY row_number() OVER (PARTITION BY host_id ORDER BY taken_at DESC, rowid DESC) <= {KEYS_PER_HOST}
         ORDER BY taken_at, rowid"
    ))?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect::<Result<_, _>>().map_err(StoreError::from)
}
