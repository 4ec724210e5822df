//! An answer as an Arrow stream, batch by batch.

use std::io::Write;
use std::time::Instant;

use arrow_ipc::writer::StreamWriter;
use duckdb::arrow::record_batch::RecordBatch;
use duckdb::{Connection, params_from_iter};

use super::ask::{bound, explain, read_only, with_reader};
use super::{Question, Store, StoreError};

/// How much was written.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    pub(super) rows: u64,
    pub(super) truncated: bool,
}

impl Store {
    /// Writes the answer as an Arrow stream: at most `question.max_rows`, and no batch more once
    /// `max_bytes` are reached. `progress` hears how many rows there are so far.
    pub(super) fn arrow(
        &self,
        question: &Question,
        to: &mut dyn Write,
        max_bytes: usize,
        progress: &dyn Fn(u64),
    ) -> Result<Outcome, StoreError> {
        let deadline = Instant::now() + question.timeout;
        with_reader(&self.shared, question, deadline, |lease, sql| {
            read_only(&self.shared, lease, question, |connection| {
                write(connection, &sql, question, to, max_bytes, progress)
            })
        })
    }
}

fn write(
    connection: &Connection,
    sql: &str,
    question: &Question,
    to: &mut dyn Write,
    max_bytes: usize,
    progress: &dyn Fn(u64),
) -> Result<Outcome, StoreError> {
    let broken = |e: &dyn std::fmt::Display| StoreError::Other(format!("the Arrow stream: {e}"));
    let mut statement = connection.prepare(sql).map_err(|e| explain(&e))?;
    let values = bound(&statement, question)?;
    // The batches are taken from the statement: the iterator here panics on errors.
    drop(
        statement
            .stream_arrow(params_from_iter(&values))
            .map_err(|e| explain(&e))?,
    );
    let mut counted = Counted { to, bytes: 0 };
    let schema = statement.schema();
    let mut writer = StreamWriter::try_new(&mut counted, &schema).map_err(|e| broken(&e))?;
    let mut outcome = Outcome::default();
    while let Some(array) = statement.step().map_err(|e| explain(&e))? {
        let batch = RecordBatch::from(&array);
        let left = question.max_rows.saturating_sub(outcome.rows as usize);
        if (left == 0 && batch.num_rows() > 0)
            || writer.get_ref().bytes + batch.get_array_memory_size() > max_bytes
        {
            outcome.truncated = true;
            break;
        }
        let kept = batch.slice(0, batch.num_rows().min(left));
        writer.write(&kept).map_err(|e| broken(&e))?;
        outcome.rows += kept.num_rows() as u64;
        progress(outcome.rows);
        if kept.num_rows() < batch.num_rows() {
            outcome.truncated = true;
            break;
        }
    }
    writer.finish().map_err(|e| broken(&e))?;
    Ok(outcome)
}

/// Counts what goes through.
struct Counted<'a> {
    to: &'a mut dyn Write,
    bytes: usize,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.bytes += written;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}
