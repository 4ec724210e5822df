//! Answers of the store as pages and programs want them.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::reading::UnixSeconds;
use crate::render::cells::for_template;
use crate::store::{Answer, Cell, Question, Store, StoreError};

/// A row by the names of its columns, for templates.
pub(super) type Record = Map<String, Value>;

/// A moment as a parameter.
pub(super) fn at(time: UnixSeconds) -> Cell {
    Cell::Time(time.saturating_mul(1_000_000))
}

/// Asks, and gives each row by the names of its columns.
pub(super) async fn ask(store: &Store, question: Question) -> Result<Vec<Record>, StoreError> {
    Ok(records(store.ask(question).await?))
}

/// Asks for rows that have a column `host`, and gives them by it.
pub(super) async fn by_host(
    store: &Store,
    question: Question,
) -> Result<HashMap<String, Record>, StoreError> {
    Ok(ask(store, question)
        .await?
        .into_iter()
        .filter_map(|record| Some((record.get("host")?.as_str()?.to_owned(), record)))
        .collect())
}

fn records(answer: Answer) -> Vec<Record> {
    let Answer { columns, rows, .. } = answer;
    rows.into_iter()
        .map(|row| {
            columns
                .iter()
                .zip(row)
                .map(|(column, cell)| (column.name.clone(), for_template(cell)))
                .collect()
        })
        .collect()
}

/// A number of a record, `None` when it is missing or NULL.
pub(super) fn number(record: &Record, column: &str) -> Option<f64> {
    record.get(column)?.as_f64()
}
