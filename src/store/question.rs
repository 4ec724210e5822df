//! From a query and a call to a question.

use std::time::Duration;

use crate::query::{Asked, Bound, Query};
use crate::reading::UnixSeconds;

use super::{Cell, Question};

/// Rows that pages, the API and the command line get at most.
pub const MAX_ROWS: usize = 10_000;
/// Time that a question of a person may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);

impl Question {
    /// The query with the call's parameters, under the limits for questions of people. `Err`: every
    /// mistake of the call, one sentence each.
    pub fn of(query: &Query, asked: &Asked, now: UnixSeconds) -> Result<Question, Vec<String>> {
        let call = query.bind(asked, now)?;
        Ok(Question {
            sql: query.sql.clone(),
            params: call
                .params
                .into_iter()
                .map(|(n, v)| (n, v.into()))
                .collect(),
            timezone: asked.timezone.clone(),
            timeout: TIMEOUT,
            max_rows: MAX_ROWS,
        })
    }
}

impl From<Bound> for Cell {
    fn from(bound: Bound) -> Cell {
        match bound {
            Bound::Text(text) => Cell::Text(text),
            Bound::Int(v) => Cell::Int(v.into()),
            Bound::Float(v) => Cell::Float(v),
            Bound::Bool(v) => Cell::Bool(v),
            Bound::Time(micros) => Cell::Time(micros),
            Bound::Interval(seconds) => Cell::Other(format!("{seconds} seconds")),
        }
    }
}
