//! Names the files that the views `hist.*` of a session read.

use std::collections::{BTreeMap, BTreeSet};

use duckdb::Connection;

use super::super::rollup::{self, Rollup, open_variable};
use super::super::schema::{ident, literal};
use super::super::{StoreError, remember};
use super::scope::{Scope, Span};
use super::table::{self, Timed, variable};
use super::{Folder, Tier, copy};
use crate::table::Tables;

/// Where the empty files lie, below the folder: a view needs one file at least to have columns.
const EMPTY: &str = "empty";

/// Makes the empty file of a table anew: its columns are those of the table now.
pub(in crate::store) fn make_empty(
    connection: &Connection,
    folder: &Folder,
    table: &Timed,
) -> Result<(), StoreError> {
    let nothing = format!("SELECT * FROM raw.{} LIMIT 0", ident(&table.name));
    let path = folder.file(&empty(&table.name));
    copy::write_again(connection, &path, &nothing)
}

/// The same of a rollup.
pub(in crate::store) fn make_empty_rollup(
    connection: &Connection,
    folder: &Folder,
    rollup: &Rollup,
) -> Result<(), StoreError> {
    let path = folder.file(&empty(&rollup.set()));
    copy::write_again(connection, &path, &rollup.nothing())
}

/// Makes the empty files that are missing or torn, as after a restore or a power cut.
pub(in crate::store) fn complete(
    connection: &Connection,
    folder: &Folder,
) -> Result<(), StoreError> {
    for table in table::all(connection)? {
        if !copy::is_whole(&folder.file(&empty(&table.name))) {
            make_empty(connection, folder, &table)?;
        }
    }
    for rollup in rollup::all(&remember::all(connection, &Tables::default())?) {
        if !copy::is_whole(&folder.file(&empty(&rollup.set()))) {
            make_empty_rollup(connection, folder, &rollup)?;
        }
    }
    Ok(())
}

fn empty(set: &str) -> String {
    format!("{EMPTY}/{set}.parquet")
}

/// The statements that let a set be empty.
pub(in crate::store) fn none(folder: &Folder, set: &str) -> String {
    let files = set_variable(folder, set, &[]);
    if Tier::of_set(set).1 == Tier::Raw {
        return files;
    }
    format!("{files}; {}", set_open(set, None))
}

/// The statements that let every set be empty.
pub(in crate::store) fn all_empty(
    connection: &Connection,
    folder: &Folder,
) -> Result<String, StoreError> {
    let all: Vec<String> = sets(connection)?
        .iter()
        .map(|set| none(folder, set))
        .collect();
    Ok(all.join("; "))
}

/// Every set that a view reads: each table that is sealed, and each rollup.
fn sets(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT view_name FROM duckdb_views()
         WHERE schema_name = 'hist' AND database_name = current_database() ORDER BY view_name",
    )?;
    let names = statement.query_map([], |row| row.get(0))?;
    names.collect::<Result<_, _>>().map_err(StoreError::from)
}

/// Gives every set of the session its empty file.
pub(in crate::store) fn clear(connection: &Connection, folder: &Folder) -> Result<(), StoreError> {
    connection
        .execute_batch(&all_empty(connection, folder)?)
        .map_err(StoreError::from)
}

/// Names the files of the scope, as the manifest of the open transaction has them. Returns the sets
/// that were named.
pub(in crate::store) fn open(
    connection: &Connection,
    folder: &Folder,
    scope: &Scope,
) -> Result<Vec<String>, StoreError> {
    let all;
    let wanted = match scope {
        Scope::Sets(sets) => sets,
        Scope::All => {
            let sets = sets(connection)?.into_iter();
            all = sets.map(|set| (set, Span::default())).collect();
            &all
        }
    };
    let mut files: BTreeMap<&str, BTreeSet<(i64, String)>> = BTreeMap::new();
    let mut statements = Vec::new();
    for (set, span) in wanted {
        let (table, tier) = Tier::of_set(set);
        let found = within(connection, table, tier, *span)?;
        files.entry(set).or_default().extend(found);
        if tier == Tier::Raw {
            continue;
        }
        let rest = rest(connection, table, tier, *span)?;
        if let Some(rest) = rest {
            let found = within(connection, table, Tier::Raw, rest)?;
            files.entry(table).or_default().extend(found);
        }
        statements.push(set_open(set, rest.and_then(|rest| rest.from)));
    }
    for (set, paths) in &files {
        let paths: Vec<&str> = paths.iter().map(|(_, path)| path.as_str()).collect();
        statements.push(set_variable(folder, set, &paths));
    }
    let named = files.into_keys().map(str::to_owned).collect();
    connection.execute_batch(&statements.join("; "))?;
    Ok(named)
}

/// The stretch of a span that the rollup's files do not reach: it is computed of the rows. `None`
/// when they reach all of it.
fn rest(
    connection: &Connection,
    table: &str,
    tier: Tier,
    span: Span,
) -> Result<Option<Span>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT epoch_us(max(to_ts)) FROM raw.sealed_file WHERE table_name = ? AND tier = ?",
    )?;
    let reached: Option<i64> =
        statement.query_row(duckdb::params![table, tier.as_str()], |row| row.get(0))?;
    let micros = tier.seconds() * 1_000_000;
    let begin = |at: i64| at.div_euclid(micros) * micros;
    let reached = reached.unwrap_or(0);
    let from = span.from.map_or(reached, |from| begin(from).max(reached));
    // What begins before the end of the span may have rows until later.
    let to = span.to.map(|to| to.saturating_add(micros));
    let open = span.to.is_none_or(|to| to >= from);
    Ok(open.then_some(Span {
        from: Some(from),
        to,
    }))
}

/// The files of a table that may hold rows of the span, with the time of their first row.
fn within(
    connection: &Connection,
    table: &str,
    tier: Tier,
    span: Span,
) -> Result<Vec<(i64, String)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT epoch_us(first_ts), path FROM raw.sealed_file
         WHERE table_name = ? AND tier = ? AND epoch_us(last_ts) >= ? AND epoch_us(first_ts) <= ?",
    )?;
    let from = span.from.unwrap_or(i64::MIN);
    let to = span.to.unwrap_or(i64::MAX);
    let rows = statement.query_map(duckdb::params![table, tier.as_str(), from, to], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    rows.collect::<Result<_, _>>().map_err(StoreError::from)
}

/// The statement that says from when on a rollup is computed; `None`: never.
fn set_open(set: &str, from: Option<i64>) -> String {
    let name = ident(&open_variable(set));
    match from {
        Some(from) => format!("SET VARIABLE {name} = make_timestamptz({from})"),
        None => format!("SET VARIABLE {name} = 'infinity'::TIMESTAMPTZ"),
    }
}

fn set_variable(folder: &Folder, set: &str, paths: &[&str]) -> String {
    let fallback = empty(set);
    let fallback = [fallback.as_str()];
    let paths = if paths.is_empty() { &fallback } else { paths };
    let list: Vec<String> = paths
        .iter()
        .map(|path| literal(&folder.file(path).to_string_lossy()))
        .collect();
    format!(
        "SET VARIABLE {} = [{}]",
        ident(&variable(set)),
        list.join(", ")
    )
}
