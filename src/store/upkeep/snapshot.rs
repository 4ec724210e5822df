//! A copy of the history as it is at one moment, made while rows come in. Any DuckDB opens it: the
//! views find their files by the snapshot's own path.
//!
//! Hot rows and all that is small go into a database file of their own; sealed files never change,
//! so they get a second name where the file system allows it.

use std::path::{Path, PathBuf};

use duckdb::Connection;
use serde::Serialize;

use super::super::open::{self, FILE};
use super::super::schema::{ident, literal};
use super::super::sealed::Tier;
use super::super::sealed::manifest::{self, Entry};
use super::super::sealed::table;
use super::super::{Store, StoreError};
use super::place::{self, Draft, link_or_copy, make_directory};
use super::{Tell, step};

/// Set to the directory of a snapshot that was moved, so that its views find their files.
const VARIABLE: &str = "eider_snapshot";
/// What the directory of the sealed files is called in a snapshot.
pub(super) const SEALED: &str = "sealed";
/// What the directory of users, tokens and host keys is called in a snapshot that has one.
pub(super) const STATE: &str = "state";
const ABOUT: &str = "README.txt";

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Made {
    version: u32,
    directory: PathBuf,
    hot_rows: i64,
    files: usize,
    bytes: i64,
    /// How many of the files got a second name; the others were copied.
    linked: usize,
}

/// What is asked for.
pub(super) struct Wanted<'a> {
    pub(super) directory: &'a Path,
    pub(super) copy: bool,
    pub(super) state: bool,
}

pub(super) fn make(store: &Store, wanted: &Wanted<'_>, tell: Tell<'_>) -> Result<Made, StoreError> {
    let shared = &store.shared;
    let (Some(folder), Some(data), Some(export)) = (&shared.sealed, &shared.data, &shared.export)
    else {
        return Err(StoreError::Other("a history in memory has no files".into()));
    };
    let draft = Draft::of(wanted.directory)?;
    // Files that are replaced meanwhile stay until they have been copied.
    let _pinned = folder.pin();
    let hot = Hot(export.join(format!("snapshot-{:016x}", rand::random::<u64>())));
    make_directory(&hot.0)?;
    let connection = shared.pool.connection()?;
    connection.execute_batch("SET TimeZone = 'UTC'; BEGIN TRANSACTION READ ONLY")?;
    let entries = manifest::read(&connection)?;
    let plan = Plan::read(&connection)?;
    let steps = plan.tables.len() * 2 + entries.len();
    let mut made = Made {
        version: 1,
        directory: draft.target().into(),
        ..Made::default()
    };
    for (done, name) in plan.tables.iter().map(|(name, _)| name).enumerate() {
        step(tell, done, steps, name)?;
        connection.execute_batch(&format!(
            "COPY (SELECT * FROM raw.{}) TO {} (FORMAT parquet, COMPRESSION lz4)",
            ident(name),
            literal(&hot.file(name).to_string_lossy())
        ))?;
    }
    connection.execute_batch("ROLLBACK")?;
    drop(connection);
    for (done, entry) in entries.iter().enumerate() {
        step(tell, plan.tables.len() + done, steps, &entry.path)?;
        let to = draft.path().join(SEALED).join(&entry.path);
        made.linked += usize::from(link_or_copy(&folder.file(&entry.path), &to, wanted.copy)?);
        made.files += 1;
        made.bytes += entry.bytes;
    }
    for set in plan.sets() {
        let name = format!("empty/{set}.parquet");
        let to = draft.path().join(SEALED).join(&name);
        link_or_copy(&folder.file(&name), &to, wanted.copy)?;
    }
    if wanted.state {
        copy_state(&data.join(STATE), &draft.path().join(STATE))?;
    }
    let mut tell = |done: usize, what: &str| {
        step(
            &mut *tell,
            plan.tables.len() + entries.len() + done,
            steps,
            what,
        )
    };
    made.hot_rows = plan.write(&draft, &hot, &entries, &mut tell)?;
    write_about(&draft)?;
    sync_all(draft.path())?;
    draft.keep()?;
    Ok(made)
}

/// The tables' rows on their way, gone when dropped.
struct Hot(PathBuf);

impl Hot {
    fn file(&self, table: &str) -> PathBuf {
        self.0.join(format!("{table}.parquet"))
    }
}

impl Drop for Hot {
    fn drop(&mut self) {
        // What cannot be removed goes at the next start.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the new database is made of.
struct Plan {
    /// Each table of schema raw with the statement that makes it.
    tables: Vec<(String, String)>,
    /// The views `hist.*`, then those of people, as SQL.
    views: Vec<String>,
    comments: Vec<String>,
}

impl Plan {
    fn read(connection: &Connection) -> Result<Plan, StoreError> {
        let texts = |sql: &str| -> Result<Vec<String>, StoreError> {
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect::<Result<_, _>>().map_err(StoreError::from)
        };
        let raw = table::relations(connection, "raw")?;
        let tables = raw
            .iter()
            .map(|table| (table.name.clone(), table::make(table)));
        Ok(Plan {
            tables: tables.collect(),
            views: texts(
                "SELECT sql FROM duckdb_views() WHERE schema_name IN ('hist', 'main')
                   AND NOT internal AND database_name = current_database()
                 ORDER BY schema_name = 'main', view_oid",
            )?,
            comments: texts(
                "SELECT 'COMMENT ON VIEW main.\"' || view_name || '\" IS ''' || replace(comment, '''', '''''') || ''''
                 FROM duckdb_views() WHERE schema_name = 'main' AND comment IS NOT NULL
                   AND NOT internal AND database_name = current_database()
                 UNION ALL
                 SELECT 'COMMENT ON COLUMN main.\"' || table_name || '\".\"' || column_name || '\" IS ''' || replace(comment, '''', '''''') || ''''
                 FROM duckdb_columns() WHERE schema_name = 'main' AND comment IS NOT NULL
                   AND NOT internal AND database_name = current_database()",
            )?,
        })
    }

    /// The sets of sealed files that the views read.
    fn sets(&self) -> Vec<String> {
        let mut sets: Vec<String> = self.views.iter().flat_map(|sql| sets_of(sql)).collect();
        sets.sort();
        sets.dedup();
        sets
    }

    /// Makes the database. Returns how many rows in time are in it.
    fn write(
        &self,
        draft: &Draft,
        hot: &Hot,
        entries: &[Entry],
        tell: &mut dyn FnMut(usize, &str) -> Result<(), StoreError>,
    ) -> Result<i64, StoreError> {
        let connection = open::plain(&draft.path().join(FILE))?;
        connection.execute_batch(&format!(
            "SET TimeZone = 'UTC'; CREATE SCHEMA raw; CREATE SCHEMA hist;
             SET VARIABLE {VARIABLE} = {}",
            literal(&draft.path().to_string_lossy())
        ))?;
        let mut hot_rows = 0;
        for (done, (name, create)) in self.tables.iter().enumerate() {
            tell(done, name)?;
            connection.execute_batch(create)?;
            let file = literal(&hot.file(name).to_string_lossy());
            let sql = format!(
                "INSERT INTO raw.{} BY NAME SELECT * FROM read_parquet({file})",
                ident(name)
            );
            let rows = connection.execute(&sql, [])?;
            if create.contains("\"ts\" ") && create.contains("\"host_id\" ") {
                hot_rows += i64::try_from(rows).unwrap_or(i64::MAX);
            }
        }
        let filled: Vec<&str> = entries
            .iter()
            .filter_map(|entry| entry.path.split('/').next())
            .collect();
        for sql in &self.views {
            let sql = relocated(sql, draft.target(), &filled);
            connection.execute_batch(&reached(sql, entries))?;
        }
        connection.execute_batch(&self.comments.join(";\n"))?;
        // Whoever restores it makes the views anew.
        connection.execute_batch("DELETE FROM raw.meta WHERE key = 'shape'; CHECKPOINT")?;
        Ok(hot_rows)
    }
}

const GET: &str = "getvariable('sealed_";
const OPEN: &str = "getvariable('open_";

/// The sets whose variables a view's SQL reads.
fn sets_of(sql: &str) -> Vec<String> {
    names(sql, GET)
}

/// What stands behind each `get` in the SQL.
fn names(sql: &str, get: &str) -> Vec<String> {
    sql.split(get)
        .skip(1)
        .filter_map(|rest| rest.split_once("')"))
        .map(|(set, _)| set.to_owned())
        .collect()
}

/// The view's SQL with the snapshot's own files in place of the variables that the daemon sets.
fn relocated(sql: &str, directory: &Path, filled: &[&str]) -> String {
    let base = format!(
        "coalesce(getvariable('{VARIABLE}'), {})",
        literal(&directory.to_string_lossy())
    );
    let mut out = sql.to_owned();
    for set in sets_of(sql) {
        let mut files = vec![format!("{base} || '/{SEALED}/empty/{set}.parquet'")];
        if filled.contains(&set.as_str()) {
            files.push(format!("{base} || '/{SEALED}/{set}/*.parquet'"));
        }
        out = out.replace(&format!("{GET}{set}')"), &format!("[{}]", files.join(", ")));
    }
    out
}

/// The view's SQL with the moment up to which there are files of its rollup.
fn reached(mut sql: String, entries: &[Entry]) -> String {
    for set in names(&sql, OPEN) {
        let (table, tier) = Tier::of_set(&set);
        let files = entries
            .iter()
            .filter(|entry| entry.table == table && entry.tier == tier);
        let to = files.map(|entry| entry.to).max().unwrap_or(0);
        sql = sql.replace(
            &format!("{OPEN}{set}')"),
            &format!("CAST(to_timestamp({to}) AS TIMESTAMPTZ)"),
        );
    }
    sql
}

/// Users, tokens, host keys, counter baselines, mails that wait: small files, replaced as a whole.
fn copy_state(from: &Path, to: &Path) -> Result<(), StoreError> {
    make_directory(to)?;
    let entries = std::fs::read_dir(from).map_err(|e| place::failed(from, "read", &e))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            link_or_copy(&path, &to.join(name), true)?;
        }
    }
    Ok(())
}

fn write_about(draft: &Draft) -> Result<(), StoreError> {
    let directory = draft.target().display();
    let text = format!(
        "A snapshot of Eider's history.\n\n\
         Open it with DuckDB 1.5 or later, from any program:\n\n\
         \x20   duckdb -readonly {directory}/{FILE}\n\
         \x20   SELECT * FROM interface WHERE ts > now() - INTERVAL 1 DAY;\n\n\
         The views read the Parquet files beside it. After moving this directory, tell them first:\n\n\
         \x20   SET VARIABLE {VARIABLE} = '/the/new/place';\n\n\
         Back into Eider: eider db restore DIRECTORY\n"
    );
    let path = draft.path().join(ABOUT);
    std::fs::write(&path, text).map_err(|e| place::failed(&path, "written", &e))
}

/// fsyncs every directory, and the files that were not copied one by one.
fn sync_all(directory: &Path) -> Result<(), StoreError> {
    place::sync(&directory.join(FILE))?;
    place::sync(&directory.join(ABOUT))?;
    let entries = std::fs::read_dir(directory.join(SEALED));
    for path in entries.into_iter().flatten().flatten() {
        place::sync(&path.path())?;
    }
    for name in [SEALED, STATE] {
        let path = directory.join(name);
        if path.is_dir() {
            place::sync(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_find_the_files_of_the_snapshot() {
        let sql = "CREATE VIEW hist.cpu AS SELECT * FROM read_parquet(getvariable('sealed_cpu'), union_by_name => 't') UNION ALL BY NAME SELECT * FROM raw.cpu";
        assert_eq!(sets_of(sql), ["cpu"]);
        let base = "coalesce(getvariable('eider_snapshot'), '/a''b')";
        let expected = sql.replace(
            "getvariable('sealed_cpu')",
            &format!("[{base} || '/sealed/empty/cpu.parquet', {base} || '/sealed/cpu/*.parquet']"),
        );
        assert_eq!(relocated(sql, Path::new("/a'b"), &["cpu"]), expected);
        assert!(!relocated(sql, Path::new("/x"), &[]).contains("*.parquet"));
        assert_eq!(
            relocated("CREATE VIEW a AS SELECT 1", Path::new("/x"), &[]),
            "CREATE VIEW a AS SELECT 1"
        );
    }
}
