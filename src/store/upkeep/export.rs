//! Tables as files: DuckDB writes them into `data/export`, the only directory that it may write to;
//! whoever asked moves them from there.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::super::ask::{describe, explain, read_only, with_reader};
use super::super::export::exported;
use super::super::schema::{ident, literal};
use super::super::sealed::{Tier, manifest};
use super::super::{Cell, Question, Shared, Store, StoreError};
use super::{Progress, Tell};
use crate::reading::UnixSeconds;

/// A table takes this long at most.
const TIME_MAX: Duration = Duration::from_secs(6 * 3600);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Bytes of an exported row for one of a sealed row: names and rates stand in it, too. Only the bar
/// depends on it.
const LARGER: f64 = 2.0;
/// A table is not done before it is done.
const ALMOST: f64 = 0.98;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    Parquet,
    Csv,
}

impl ExportFormat {
    /// The ending of a file's name.
    pub fn ending(self) -> &'static str {
        match self {
            ExportFormat::Parquet => "parquet",
            ExportFormat::Csv => "csv",
        }
    }

    fn options(self) -> &'static str {
        match self {
            ExportFormat::Parquet => "FORMAT parquet, COMPRESSION zstd",
            ExportFormat::Csv => "FORMAT csv, HEADER",
        }
    }
}

/// What is to be exported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// Views; all of them when it is empty.
    pub tables: Vec<String>,
    /// From, inclusive, to, exclusive: of views that have a `ts`.
    pub from: Option<UnixSeconds>,
    pub to: Option<UnixSeconds>,
    pub format: ExportFormat,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exported {
    pub table: String,
    /// Where it lies until it is moved.
    pub path: PathBuf,
    pub rows: u64,
    pub bytes: u64,
}

pub(super) fn run(
    store: &Store,
    wanted: &Export,
    tell: Tell<'_>,
) -> Result<Vec<Exported>, StoreError> {
    let Some(directory) = &store.shared.export else {
        return Err(StoreError::Other(
            "a history in memory writes no files".into(),
        ));
    };
    let views = views(store, &wanted.tables)?;
    let mut done = Vec::new();
    for (number, view) in views.iter().enumerate() {
        let name = format!("{:032x}.{}", rand::random::<u128>(), wanted.format.ending());
        let file = Unlinked(directory.join(name));
        let expected = expected_bytes(store, &view.name, wanted)?;
        let mut look = |bytes: u64| {
            let share = (bytes as f64 / expected.max(1.0)).min(ALMOST);
            tell(Progress {
                done: ((number as f64 + share) * 1000.0) as u64,
                of: views.len() as u64 * 1000,
                what: view.name.clone(),
            })
        };
        let rows = write(&store.shared, view, wanted, &file.0, &mut look)?;
        done.push((file, view.name.clone(), rows));
    }
    // Whole, or not at all: an error before this has removed every file.
    Ok(done
        .into_iter()
        .map(|(file, table, rows)| file.keep(table, rows))
        .collect())
}

struct View {
    name: String,
    has_ts: bool,
}

/// The views that are asked for, or all.
fn views(store: &Store, asked: &[String]) -> Result<Vec<View>, StoreError> {
    let sql = "SELECT table_name, bool_or(column_name = 'ts') FROM duckdb_columns()
               WHERE schema_name = 'main' AND NOT internal AND database_name = current_database()
               GROUP BY table_name ORDER BY table_name";
    let rows = store.ask_blocking(&Question::new(sql))?.rows;
    let mut all = Vec::new();
    for row in rows {
        if let [Cell::Text(name), has_ts] = &row[..] {
            all.push(View {
                name: name.clone(),
                has_ts: *has_ts == Cell::Bool(true),
            });
        }
    }
    for name in asked {
        if !all.iter().any(|view| view.name == *name) {
            let names: Vec<&str> = all.iter().map(|view| view.name.as_str()).collect();
            return Err(StoreError::Query(format!(
                "there is no table `{name}`; these there are: {}",
                names.join(", ")
            )));
        }
    }
    if !asked.is_empty() {
        all.retain(|view| asked.contains(&view.name));
    }
    Ok(all)
}

/// What the file will take, about.
fn expected_bytes(store: &Store, view: &str, wanted: &Export) -> Result<f64, StoreError> {
    let connection = store.shared.pool.connection()?;
    let from = wanted.from.unwrap_or(i64::MIN);
    let to = wanted.to.unwrap_or(i64::MAX);
    let files = manifest::read(&connection)?;
    let bytes: i64 = files
        .iter()
        .filter(|entry| entry.tier == Tier::Raw && entry.table == view)
        .filter(|entry| entry.to > from && entry.from < to)
        .map(|entry| entry.bytes)
        .sum();
    Ok(bytes as f64 * LARGER)
}

/// Writes one view, while `look` hears of the file's size; `false` from it ends the work.
fn write(
    shared: &Shared,
    view: &View,
    wanted: &Export,
    path: &Path,
    look: &mut dyn FnMut(u64) -> bool,
) -> Result<u64, StoreError> {
    let question = question(view, wanted);
    let options = wanted.format.options();
    let (begin, begun) = channel();
    let (end, ended) = channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let deadline = Instant::now() + TIME_MAX;
            let result = with_reader(shared, &question, deadline, |lease, sql| {
                // The other side may have given up already.
                let _ = begin.send(lease.interrupt_handle());
                read_only(shared, lease, &question, |connection| {
                    let columns = describe(connection, &sql, &[])?;
                    let selected = columns
                        .iter()
                        .enumerate()
                        .map(|(i, (name, kind, _))| column(i + 1, name, kind, wanted.format));
                    let selected: Vec<String> = selected.collect();
                    let copy = format!(
                        "COPY (SELECT {} FROM ({sql})) TO {} ({options})",
                        selected.join(", "),
                        literal(&path.to_string_lossy())
                    );
                    let rows = connection.execute(&copy, []).map_err(|e| explain(&e))?;
                    Ok(rows as u64)
                })
            });
            let _ = end.send(result);
        });
        let handle = begun.recv().ok();
        loop {
            match ended.recv_timeout(LOOK_EVERY) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) => {
                    let bytes = std::fs::metadata(path).map_or(0, |found| found.len());
                    if !look(bytes)
                        && let Some(handle) = &handle
                    {
                        handle.interrupt();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(StoreError::Other("the export ended oddly".into()));
                }
            }
        }
    })
}

/// Constants instead of parameters: COPY takes the former only where it plans.
fn question(view: &View, wanted: &Export) -> Question {
    let mut conditions = Vec::new();
    if view.has_ts {
        let bound = |sign: &str, at: UnixSeconds| format!("ts {sign} to_timestamp({at})");
        conditions.extend(wanted.from.map(|from| bound(">=", from)));
        conditions.extend(wanted.to.map(|to| bound("<", to)));
    }
    let mut sql = format!("SELECT * FROM main.{}", ident(&view.name));
    if !conditions.is_empty() {
        sql += &format!(" WHERE {}", conditions.join(" AND "));
    }
    Question {
        timeout: TIME_MAX,
        ..Question::new(sql)
    }
}

/// One column of the file. In CSV, text that a spreadsheet would run is made harmless.
fn column(place: usize, name: &str, kind: &str, format: ExportFormat) -> String {
    if format == ExportFormat::Csv && kind == "VARCHAR" {
        return format!(
            "CASE WHEN regexp_matches(#{place}, '^[=+@\\t\\r-]') THEN '''' || #{place} ELSE #{place} END AS {}",
            ident(name)
        );
    }
    exported(place, name, kind)
}

/// Removes its file when dropped.
struct Unlinked(PathBuf);

impl Unlinked {
    fn keep(mut self, table: String, rows: u64) -> Exported {
        let path = std::mem::take(&mut self.0);
        Exported {
            table,
            bytes: std::fs::metadata(&path).map_or(0, |found| found.len()),
            path,
            rows,
        }
    }
}

impl Drop for Unlinked {
    fn drop(&mut self) {
        // It may never have been made.
        let _ = std::fs::remove_file(&self.0);
    }
}
