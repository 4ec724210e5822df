//! What would be stored of collections.

use crate::intake::{Intake, Stored};
use crate::reading::Collection;
use crate::signal::{Polled, PolledTable};

/// Shows collections as [`Polled`], by an intake of the caller's choice.
pub fn preview(intake: &mut Intake, collections: Vec<Collection>) -> Vec<Polled> {
    collections
        .into_iter()
        .map(|collection| {
            let (way, took, effort) = (collection.way.clone(), collection.took, collection.effort);
            let outcome = collection.outcome.as_ref();
            let problems = outcome.map(|r| r.problems.clone()).unwrap_or_default();
            let failure = outcome.err().cloned();
            let stored = intake.take(collection);
            let tables = stored.map(|s| polled_tables(intake, &s));
            Polled {
                way,
                took_ms: took.as_millis() as i64,
                effort,
                problems,
                outcome: match failure {
                    Some(failure) => Err(failure),
                    None => Ok(tables.unwrap_or_default()),
                },
            }
        })
        .collect()
}

fn polled_tables(intake: &Intake, stored: &Stored) -> Vec<PolledTable> {
    stored
        .tables
        .iter()
        .map(|table| PolledTable {
            table: table.table,
            rows: table
                .rows
                .iter()
                .map(|row| {
                    let name = row
                        .entity_id
                        .and_then(|id| intake.entity_name(stored.host_id, table.table.name, id));
                    (name.map(str::to_string), row.elapsed_ms, row.values.clone())
                })
                .collect(),
        })
        .collect()
}
