//! Asks one question on a reader's connection.

use std::time::Instant;

use duckdb::core::LogicalTypeId;
use duckdb::{Connection, Statement, params_from_iter};

use super::pool::Lease;
use super::sealed::{Folder, files, scope};
use super::{
    Answer, AnswerColumn, Cell, Question, Shared, StoreError, cell, gate, lex, mistake, open,
};

/// An answer larger than this in memory is cut.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Takes a reader, checks the question, runs it in a READ ONLY transaction and rolls that back.
pub(super) fn ask(shared: &Shared, question: &Question) -> Result<Answer, StoreError> {
    let deadline = Instant::now() + question.timeout;
    with_reader(shared, question, deadline, |lease, sql| {
        read_only(shared, lease, question, |connection| {
            let mut collected = Collected::of(question);
            run(connection, &sql, question, &mut collected)?;
            Ok(collected.answer)
        })
    })
}

/// Leases a reader in the question's time zone and hands it over with the SQL, which has passed the
/// gate and has its parameters cast.
pub(super) fn with_reader<T>(
    shared: &Shared,
    question: &Question,
    deadline: Instant,
    work: impl FnOnce(&mut Lease<'_>, String) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    check_timezone(&question.timezone)?;
    let Some(mut lease) = shared.pool.lease(deadline)? else {
        return Err(StoreError::Timeout(question.timeout));
    };
    let watched = lease.watch(deadline);
    let result = lease
        .set_timezone(&question.timezone)
        .map_err(|e| explain(&e))
        .and_then(|()| gate::check(&lease, &question.sql).map_err(StoreError::Query))
        .and_then(|()| work(&mut lease, prepared_sql(question)))
        .map_err(|error| mistake::placed(lease.kept(), question, error));
    drop(watched);
    match result {
        Err(StoreError::Query(text)) if interrupted(&text) && Instant::now() >= deadline => {
            Err(StoreError::Timeout(question.timeout))
        }
        result => result,
    }
}

/// Runs `work` between BEGIN TRANSACTION READ ONLY and ROLLBACK; it sees the sealed files that the
/// question needs.
pub(super) fn read_only<T>(
    shared: &Shared,
    lease: &mut Lease<'_>,
    question: &Question,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let sealed = shared.sealed.as_ref();
    let scope = lease.twin().map(|twin| scope::of(twin, question));
    let scope = scope.unwrap_or(scope::Scope::All);
    lease
        .execute_batch("BEGIN TRANSACTION READ ONLY")
        .map_err(|e| explain(&e))?;
    let mut named = Vec::new();
    let opened = sealed.map_or(Ok(()), |folder| {
        named = files::open(lease, folder, &scope)?;
        Ok(())
    });
    let result = opened.and_then(|()| work(lease));
    let closed = sealed.map_or(Ok(()), |folder| close(lease, folder, &named));
    if closed.is_err() {
        lease.discard();
        return result;
    }
    if lease.execute_batch("ROLLBACK").is_err() {
        lease.discard();
    }
    result
}

/// The next question does not look for these files, which may be gone by then.
fn close(connection: &Connection, folder: &Folder, named: &[String]) -> duckdb::Result<()> {
    let empty: Vec<String> = named.iter().map(|set| files::none(folder, set)).collect();
    connection.execute_batch(&empty.join("; "))
}

fn prepared_sql(question: &Question) -> String {
    lex::cast_parameters(&question.sql, |name| {
        let (_, value) = question.params.iter().find(|(n, _)| n == name)?;
        cell::cast(value)
    })
}

/// Takes an answer as it comes.
pub(super) trait Sink {
    /// Comes once, first.
    fn columns(&mut self, columns: Vec<AnswerColumn>) -> Result<(), StoreError>;
    /// `false`: no more rows, please.
    fn row(&mut self, row: Vec<Cell>) -> Result<bool, StoreError>;
}

/// An answer in memory, cut where it gets too large.
struct Collected {
    answer: Answer,
    max_rows: usize,
    bytes: usize,
}

impl Collected {
    fn of(question: &Question) -> Collected {
        Collected {
            answer: Answer::default(),
            max_rows: question.max_rows,
            bytes: 0,
        }
    }
}

impl Sink for Collected {
    fn columns(&mut self, columns: Vec<AnswerColumn>) -> Result<(), StoreError> {
        self.answer.columns = columns;
        Ok(())
    }

    fn row(&mut self, row: Vec<Cell>) -> Result<bool, StoreError> {
        if self.answer.rows.len() >= self.max_rows || self.bytes > MAX_ANSWER_BYTES {
            self.answer.truncated = true;
            return Ok(false);
        }
        self.bytes += row.iter().map(cell::size).sum::<usize>();
        self.answer.rows.push(row);
        Ok(true)
    }
}

/// Runs the SQL. Columns of types that have no cell of their own come as DuckDB prints them: then
/// the SQL runs again inside a SELECT that casts them.
pub(super) fn run(
    connection: &Connection,
    sql: &str,
    question: &Question,
    sink: &mut dyn Sink,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare(sql).map_err(|e| explain(&e))?;
    let values = bound(&statement, question)?;
    let types = match start(&mut statement, &values) {
        Ok(types) => types,
        // The client library refuses to hold some types at all.
        Err(StoreError::Query(text)) if text.contains("decoding Variant") => {
            drop(statement);
            return run_as_text(connection, sql, question, &values, sink);
        }
        Err(error) => return Err(error),
    };
    if types.iter().all(|t| t.is_some_and(cell::is_plain)) {
        return fetch(&statement, &[], sink);
    }
    drop(statement);
    run_as_text(connection, sql, question, &values, sink)
}

fn run_as_text(
    connection: &Connection,
    sql: &str,
    question: &Question,
    values: &[Cell],
    sink: &mut dyn Sink,
) -> Result<(), StoreError> {
    let sql = sql.trim_end().trim_end_matches(';');
    let described = describe(connection, sql, values)?;
    let columns: Vec<String> = described
        .iter()
        .enumerate()
        .map(|(i, (name, _, plain))| {
            let name = super::schema::ident(name);
            let place = i + 1;
            if *plain {
                format!("#{place} AS {name}")
            } else {
                format!("CAST(#{place} AS VARCHAR) AS {name}")
            }
        })
        .collect();
    let wrapped = format!("SELECT {} FROM ({sql}\n)", columns.join(", "));
    let mut statement = connection.prepare(&wrapped).map_err(|e| explain(&e))?;
    let values = bound(&statement, question)?;
    start(&mut statement, &values)
        .and_then(|_| fetch(&statement, &described, sink))
        .map_err(unplaced)
}

/// The place of a mistake in a statement that is not the question's own says nothing.
pub(super) fn unplaced(error: StoreError) -> StoreError {
    match error {
        StoreError::Mistake { message, .. } => StoreError::Query(message),
        error => error,
    }
}

/// Name, type and whether it is plain, of each column of the result.
pub(super) fn describe(
    connection: &Connection,
    sql: &str,
    values: &[Cell],
) -> Result<Vec<(String, String, bool)>, StoreError> {
    let mut statement = connection
        .prepare(&format!("DESCRIBE {sql}"))
        .map_err(|e| explain(&e))?;
    let mut rows = statement
        .query(params_from_iter(values))
        .map_err(|e| explain(&e))?;
    let mut columns = Vec::new();
    while let Some(row) = rows.next().map_err(|e| explain(&e))? {
        let name: String = row.get(0).map_err(|e| explain(&e))?;
        let sql_type: String = row.get(1).map_err(|e| explain(&e))?;
        let plain = is_plain_name(&sql_type);
        columns.push((name, sql_type, plain));
    }
    Ok(columns)
}

fn is_plain_name(sql_type: &str) -> bool {
    let scalar = [
        "BOOLEAN",
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "HUGEINT",
        "FLOAT",
        "DOUBLE",
        "VARCHAR",
        "UUID",
        "DATE",
        "TIMESTAMP WITH TIME ZONE",
    ];
    scalar.contains(&sql_type)
}

/// The statement's parameters in its own order.
pub(super) fn bound(
    statement: &Statement<'_>,
    question: &Question,
) -> Result<Vec<Cell>, StoreError> {
    (1..=statement.parameter_count())
        .map(|place| {
            let name = statement.parameter_name(place).map_err(|e| explain(&e))?;
            let given = question.params.iter().find(|(n, _)| *n == name);
            given.map(|(_, value)| value.clone()).ok_or_else(|| {
                StoreError::Query(format!("the parameter ${name} was not given a value"))
            })
        })
        .collect()
}

/// Starts the statement, rows to be fetched as they come, and tells the columns' types.
fn start(
    statement: &mut Statement<'_>,
    values: &[Cell],
) -> Result<Vec<Option<LogicalTypeId>>, StoreError> {
    let stream = statement.stream_arrow(params_from_iter(values));
    // The rows are fetched from the statement: the iterator here panics on errors.
    drop(stream.map_err(|e| explain(&e))?);
    Ok((0..statement.column_count())
        .map(|i| statement.column_logical_type(i).try_id().ok())
        .collect())
}

/// The rows of a started statement. `described`: what its columns were before they were cast.
fn fetch(
    statement: &Statement<'_>,
    described: &[(String, String, bool)],
    sink: &mut dyn Sink,
) -> Result<(), StoreError> {
    let mut columns = Vec::new();
    let mut types = Vec::new();
    for (i, name) in statement.column_names().into_iter().enumerate() {
        let handle = statement.column_logical_type(i);
        let id = handle.try_id().unwrap_or(LogicalTypeId::Varchar);
        let original = described.get(i);
        let sql_type = original.map_or_else(|| cell::type_name(&handle, id), |(_, t, _)| t.clone());
        types.push((id, original.is_some_and(|(_, _, plain)| !plain)));
        columns.push(AnswerColumn { name, sql_type });
    }
    sink.columns(columns)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|e| explain(&e))? {
        let mut cells = Vec::with_capacity(types.len());
        for (i, (id, other)) in types.iter().enumerate() {
            let value = row.get_ref(i).map_err(|e| explain(&e))?;
            cells.push(cell::read(value, *id, *other));
        }
        if !sink.row(cells)? {
            break;
        }
    }
    Ok(())
}

fn check_timezone(name: &str) -> Result<(), StoreError> {
    if jiff::tz::TimeZone::get(name).is_ok() {
        return Ok(());
    }
    Err(StoreError::Query(format!(
        "unknown time zone `{name}`: give an IANA name such as Asia/Shanghai"
    )))
}

/// DuckDB's error about a question.
pub(super) fn explain(error: &duckdb::Error) -> StoreError {
    let text = error.to_string();
    if text.contains("database has been invalidated") || text.starts_with("FATAL") {
        return StoreError::Invalidated(open::first_line(&text));
    }
    if let Some(told) = mistake::read(&text) {
        return told;
    }
    StoreError::Query(clean(&text))
}

/// DuckDB's words without what helps nobody.
pub(super) fn clean(text: &str) -> String {
    let kept: Vec<&str> = text
        .lines()
        .filter(|l| !l.contains("https://duckdb.org") && !l.contains("errors.duckdb.org"))
        .collect();
    kept.join("\n").trim().to_owned()
}

fn interrupted(text: &str) -> bool {
    text.contains("INTERRUPT") || text.contains("Interrupted")
}
