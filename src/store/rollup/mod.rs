//! Rollups: what stays of many rows in short. Five minutes for `interface`, one hour for every
//! table: how many rows, least, mean, greatest and last value of gauges, exact sums of counters with
//! the time that they cover, the last text.
//!
//! They are made when a stretch is sealed ([`super::sealed`]) and lie in files of their own. The
//! view `hist.<table>_hourly` is those files and, from `open_<set>` on, what is not yet in them,
//! computed as it is asked: nobody sees a hole at the newest hour. Rows that come late for an hour
//! that is rolled up wait for the night, when their hour is computed anew.

mod columns;
mod shape;
mod view;

use duckdb::Connection;

use super::schema::ident;
use super::sealed::{Folder, Tier, table::variable};
use super::{StoreError, remember};
use crate::table::Tables;
use columns::Made;
use shape::Shape;

/// One rollup of one table.
#[derive(Clone, Debug)]
pub(super) struct Rollup {
    shape: Shape,
    pub(super) tier: Tier,
    made: Vec<Made>,
}

/// Every rollup of these tables and of `poll`.
pub(super) fn all(tables: &Tables) -> Vec<Rollup> {
    let taken = |name: &str| tables.find(name).is_some();
    let shapes = tables.iter().map(Shape::of).chain([Shape::poll()]);
    let mut all = Vec::new();
    for shape in shapes {
        for tier in tiers(&shape.name) {
            // A profile of an earlier version may have made a table of that name.
            if !taken(&tier.set(&shape.name)) {
                all.push(Rollup::new(shape.clone(), *tier));
            }
        }
    }
    all
}

/// The rollups of a table of this file, whichever profile made it; none of a table that nobody
/// knows any more.
pub(super) fn of_table(connection: &Connection, name: &str) -> Result<Vec<Rollup>, StoreError> {
    let tables = remember::all(connection, &Tables::default())?;
    let mut all = all(&tables);
    all.retain(|rollup| rollup.table() == name);
    Ok(all)
}

/// How finely a table is rolled up.
fn tiers(table: &str) -> &'static [Tier] {
    match table {
        "interface" => &[Tier::Minutes5, Tier::Hourly],
        _ => &[Tier::Hourly],
    }
}

impl Rollup {
    fn new(shape: Shape, tier: Tier) -> Rollup {
        let made = columns::made(&shape, tier);
        Rollup { shape, tier, made }
    }

    pub(super) fn table(&self) -> &str {
        &self.shape.name
    }

    /// `interface_hourly`: the view, the directory of its files, the session's variables.
    pub(super) fn set(&self) -> String {
        self.tier.set(self.table())
    }

    /// The order within a file: first as the table's own files are sorted.
    pub(super) fn order(&self) -> String {
        let mut keys = self.keys();
        let things = keys.len() - self.shape.keys.len();
        keys.insert(things, ident("ts"));
        keys.join(", ")
    }

    /// Whether any of its columns is packed better with a dictionary.
    pub(super) fn has_floats(&self) -> bool {
        self.made.iter().any(|made| made.float)
    }

    fn keys(&self) -> Vec<String> {
        let mut keys = vec![ident("host_id")];
        if self.shape.entity.is_some() {
            keys.push(ident("entity_id"));
        }
        keys.extend(self.shape.keys.iter().map(|key| ident(key.name)));
        keys
    }

    /// Its columns, in order.
    fn names(&self) -> Vec<String> {
        let mut names = vec![ident("ts")];
        names.extend(self.keys());
        names.extend(self.made.iter().map(|made| ident(&made.name)));
        names
    }

    /// Its rows, computed of those of `from`: what follows FROM, with the rows called `t`.
    pub(super) fn select(&self, from: &str) -> String {
        let micros = self.tier.seconds() * 1_000_000;
        let mut columns = vec![format!(
            "make_timestamptz(epoch_us(t.ts) // {micros} * {micros}) AS ts"
        )];
        columns.extend(self.keys().iter().map(|key| format!("t.{key}")));
        let made = self.made.iter();
        columns.extend(made.map(|made| format!("{} AS {}", made.sql, ident(&made.name))));
        format!("SELECT {} FROM {from} GROUP BY ALL", columns.join(", "))
    }

    /// Its rows out of files that have been written, perhaps before some of its columns were known.
    pub(super) fn read(&self, files: &str) -> String {
        // A file from before a column has none of it: the empty part brings all of them.
        format!(
            "SELECT {} FROM (SELECT * FROM read_parquet({files}, union_by_name = true) UNION ALL BY NAME {})",
            self.names().join(", "),
            self.select(&format!("raw.{} t WHERE false", ident(self.table())))
        )
    }

    /// What an empty file of it holds.
    pub(super) fn nothing(&self) -> String {
        self.select(&format!("raw.{} t WHERE false", ident(self.table())))
    }

    /// The statement that makes `hist.<set>`.
    pub(super) fn whole(&self, folder: Option<&Folder>) -> String {
        let set = self.set();
        let base = ident(self.table());
        let rows = if folder.is_some() {
            let open = format!(
                "hist.{base} t WHERE t.ts >= getvariable('{}')",
                open_variable(&set)
            );
            format!(
                "SELECT * FROM read_parquet(getvariable('{}'), union_by_name = true) UNION ALL BY NAME {}",
                variable(&set),
                self.select(&open)
            )
        } else {
            self.select(&format!("hist.{base} t"))
        };
        format!(
            "CREATE OR REPLACE VIEW hist.{} AS SELECT {} FROM ({rows})",
            ident(&set),
            self.names().join(", ")
        )
    }
}

pub(super) use view::views;

/// The session's variable that says from when on a rollup is computed as it is asked.
pub(super) fn open_variable(set: &str) -> String {
    format!("open_{set}")
}
