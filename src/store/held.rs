//! What the tables that a question reads hold, to say why its answer is empty.

use std::time::Instant;

use super::sealed::{scope, table};
use super::{Question, Store, StoreError, ask};
use crate::reading::UnixSeconds;

/// A table that grows with every collection, and the time that its rows cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub table: String,
    /// First and last row; `None` while it has none.
    pub rows: Option<(UnixSeconds, UnixSeconds)>,
}

impl Store {
    /// The tables that the question reads, by name. Empty when it reads none that grow, or when that
    /// cannot be told.
    pub async fn held(&self, question: Question) -> Result<Vec<Held>, StoreError> {
        self.in_background(question.timeout, move |store| {
            store.held_blocking(&question)
        })
        .await
    }

    pub(super) fn held_blocking(&self, question: &Question) -> Result<Vec<Held>, StoreError> {
        let deadline = Instant::now() + question.timeout;
        ask::with_reader(&self.shared, question, deadline, |lease, _| {
            let Some(scope::Scope::Sets(sets)) = lease.twin().map(|twin| scope::of(twin, question))
            else {
                return Ok(Vec::new());
            };
            let mut held = Vec::new();
            for timed in table::all(lease)? {
                if sets.contains_key(&timed.name) {
                    held.push(Held {
                        rows: span(lease, &timed.name)?,
                        table: timed.name,
                    });
                }
            }
            Ok(held)
        })
    }
}

/// First and last row of a table. Sealed rows are known from the list of files.
fn span(
    connection: &duckdb::Connection,
    name: &str,
) -> Result<Option<(UnixSeconds, UnixSeconds)>, StoreError> {
    let sql = format!(
        "SELECT epoch(min(a))::BIGINT, epoch(max(b))::BIGINT FROM (
             SELECT min(first_ts) AS a, max(last_ts) AS b FROM raw.sealed_file WHERE table_name = ? AND tier = 'raw'
             UNION ALL SELECT min(ts), max(ts) FROM raw.{})",
        super::schema::ident(name)
    );
    let (first, last): (Option<i64>, Option<i64>) =
        connection.query_row(&sql, [name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(first.zip(last))
}
