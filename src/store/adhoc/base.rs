//! The copy as a store: the same tables and views, read from files.

use duckdb::{Config, Connection};

use super::super::schema::{ident, literal};
use super::super::sealed::{Folder, files};
use super::super::{Store, StoreError, open};
use super::copy::{CopiedTable, Plan};
use super::frame::Order;

/// Processors that a child uses: the polls need some, too.
const THREADS: i64 = 2;

/// Opens the copy that the order names, in memory: nothing can be written.
pub(super) fn open(order: &Order) -> Result<Store, StoreError> {
    let plan = Plan::read(&order.copy)?;
    let connection = connect(order)?;
    connection.execute_batch("CREATE SCHEMA raw; CREATE SCHEMA hist")?;
    for table in &plan.tables {
        connection.execute_batch(&table.make(order))?;
    }
    let folder = Folder::at(order.sealed.clone());
    // A view that reads no file at all cannot be made.
    let empty: Vec<String> = plan
        .sets
        .iter()
        .map(|set| files::none(&folder, set))
        .collect();
    connection.execute_batch(&empty.join("; "))?;
    make_all(&connection, &plan.hist)?;
    make_all(&connection, &plan.main)?;
    if asks_for_comments(&order.question.sql) {
        connection.execute_batch(&plan.comments.join(";\n"))?;
    }
    let twin = open::twin(&connection)?;
    let first = files::all_empty(&connection, &folder)?;
    let (store, _recorder) = open::finish(connection, Some(twin), first, |shared| {
        shared.sealed = Some(folder);
    })?;
    Ok(store)
}

/// Makes the views, whichever of them read others.
fn make_all(connection: &Connection, views: &[String]) -> Result<(), StoreError> {
    let mut left: Vec<&String> = views.iter().collect();
    while !left.is_empty() {
        let mut later = Vec::new();
        let mut why = None;
        for view in &left {
            if let Err(error) = connection.execute_batch(view) {
                why = Some(error);
                later.push(*view);
            }
        }
        if let Some(error) = why.filter(|_| later.len() == left.len()) {
            return Err(error.into());
        }
        left = later;
    }
    Ok(())
}

fn connect(order: &Order) -> Result<Connection, StoreError> {
    let limits = &order.limits;
    let config = Config::default()
        .threads(THREADS)
        .and_then(|c| c.max_memory(&format!("{}MB", (limits.memory_bytes / 1_000_000).max(64))))
        .and_then(|c| c.with("autoinstall_known_extensions", "false"))
        .and_then(|c| c.with("autoload_known_extensions", "false"))
        .and_then(|c| c.with("allow_community_extensions", "false"))?;
    let connection = Connection::open_in_memory_with_flags(config)?;
    let spill = literal(&order.private.join("spill").to_string_lossy());
    connection.execute_batch(&format!(
        "SET temp_directory = {spill};
         SET max_temp_directory_size = '{}MB';
         SET parquet_metadata_cache = true;
         SET GLOBAL errors_as_json = true",
        limits.spill_bytes / 1_000_000
    ))?;
    open::lock_down(&connection, &[&order.copy, &order.sealed, &order.private])?;
    Ok(connection)
}

impl CopiedTable {
    /// The statement that makes it of its file.
    fn make(&self, order: &Order) -> String {
        let name = ident(&self.name);
        if let Some(file) = &self.file {
            let path = literal(&order.copy.join(file).to_string_lossy());
            return format!("CREATE VIEW raw.{name} AS SELECT * FROM read_parquet({path})");
        }
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|(column, kind)| format!("{} {kind}", ident(column)))
            .collect();
        format!("CREATE TABLE raw.{name} ({})", columns.join(", "))
    }
}

/// A thousand comments take a while to make; only the catalogue's own functions and tables show
/// them.
fn asks_for_comments(sql: &str) -> bool {
    let lower = sql.to_lowercase();
    ["comment", "duckdb_", "pg_", "information_schema"]
        .iter()
        .any(|word| lower.contains(word))
}
