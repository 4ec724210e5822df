//! An answer as Parquet: DuckDB writes it into `data/export`, the only directory that it may touch.

use std::path::{Path, PathBuf};
use std::time::Instant;

use duckdb::params_from_iter;

use super::ask::{bound, describe, explain, read_only, unplaced, with_reader};
use super::format::{self, Format};
use super::schema::{ident, literal};
use super::{Question, Store, StoreError};

/// Parquet files larger than this are refused.
const MAX_BYTES: u64 = 1 << 30;

impl Store {
    /// The answer in that format, and whether rows were cut off.
    pub fn ask_as(
        &self,
        question: &Question,
        format: Format,
    ) -> Result<(Vec<u8>, bool), StoreError> {
        match format {
            Format::Parquet => self.parquet(question).map(|bytes| (bytes, false)),
            Format::Arrow => {
                let mut bytes = Vec::new();
                let outcome = self.arrow(question, &mut bytes, usize::MAX, &|_| {})?;
                Ok((bytes, outcome.truncated))
            }
            _ => {
                let answer = self.ask_blocking(question)?;
                let text = format::text(&answer, format, &question.timezone);
                Ok((text.into_bytes(), answer.truncated))
            }
        }
    }

    /// The whole answer as a Parquet file; its row cap does not hold, its deadline does.
    fn parquet(&self, question: &Question) -> Result<Vec<u8>, StoreError> {
        let Some(directory) = &self.shared.export else {
            return Err(StoreError::Other(
                "a history in memory writes no files".into(),
            ));
        };
        let file = Unlinked(directory.join(format!("{:032x}.parquet", rand::random::<u128>())));
        self.write_parquet(question, &file.0)?;
        let unreadable = |e: std::io::Error| {
            StoreError::Other(format!("{} cannot be read: {e}", file.0.display()))
        };
        let size = std::fs::metadata(&file.0).map_err(unreadable)?.len();
        if size > MAX_BYTES {
            return Err(StoreError::Query(
                "the answer is larger than 1 GiB: ask for a shorter range".into(),
            ));
        }
        std::fs::read(&file.0).map_err(unreadable)
    }

    /// Writes the whole answer to that file as Parquet. Returns how many rows it holds.
    pub(super) fn write_parquet(
        &self,
        question: &Question,
        file: &Path,
    ) -> Result<u64, StoreError> {
        let deadline = Instant::now() + question.timeout;
        with_reader(&self.shared, question, deadline, |lease, sql| {
            let target = literal(&file.to_string_lossy());
            read_only(&self.shared, lease, question, |connection| {
                let sql = sql.trim_end().trim_end_matches(';');
                let values = {
                    let statement = connection.prepare(sql).map_err(|e| explain(&e))?;
                    bound(&statement, question)?
                };
                let columns = describe(connection, sql, &values)?;
                let selected: Vec<String> = columns
                    .iter()
                    .enumerate()
                    .map(|(i, (name, sql_type, _))| exported(i + 1, name, sql_type))
                    .collect();
                let copy = format!(
                    "COPY (SELECT {} FROM ({sql}\n)) TO {target} (FORMAT parquet, COMPRESSION zstd)",
                    selected.join(", ")
                );
                let wrong = |e: duckdb::Error| unplaced(explain(&e));
                let mut statement = connection.prepare(&copy).map_err(wrong)?;
                let values = bound(&statement, question)?;
                let rows = statement
                    .execute(params_from_iter(&values))
                    .map_err(wrong)?;
                Ok(rows as u64)
            })
        })
    }
}

/// One column of the file. Parquet has no 128-bit integer and would make it a double.
pub(super) fn exported(place: usize, name: &str, sql_type: &str) -> String {
    let name = ident(name);
    match sql_type {
        "HUGEINT" | "UHUGEINT" => format!("CAST(#{place} AS DECIMAL(38,0)) AS {name}"),
        _ => format!("#{place} AS {name}"),
    }
}

/// Removes its file when dropped.
struct Unlinked(PathBuf);

impl Drop for Unlinked {
    fn drop(&mut self) {
        // It may never have been made.
        let _ = std::fs::remove_file(&self.0);
    }
}
