//! What can be asked: every view with its columns, as their comments say.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::schema::ident;
use super::{Recorder, Store, StoreError};
use crate::inventory::Inventory;

/// One table as people see it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TableDoc {
    pub name: String,
    /// What it holds, and what a row of it is.
    pub comment: String,
    pub columns: Vec<ColumnDoc>,
    /// How it joins others, as SQL: `JOIN …`.
    pub joins: Vec<String>,
    /// A question that works.
    pub example: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnDoc {
    pub name: String,
    #[serde(rename = "type")]
    pub sql_type: String,
    /// `B`, `%`, `bit/s`, …; empty when it is none.
    pub unit: String,
    pub comment: String,
}

/// How a comment on the column that names a thing begins.
const WHICH: &str = "Which ";

impl Store {
    /// Every view of schema `main`, by name.
    pub fn catalog(&self) -> Result<Vec<TableDoc>, StoreError> {
        let connection = self.shared.pool.connection()?;
        let mut tables: Vec<TableDoc> = Vec::new();
        let mut statement = connection.prepare(
            "SELECT v.view_name, coalesce(v.comment, ''), c.column_name, c.data_type,
                    coalesce(c.comment, '')
             FROM duckdb_views() v JOIN duckdb_columns() c
               ON c.table_oid = v.view_oid AND c.database_oid = v.database_oid
             WHERE v.schema_name = 'main' AND NOT v.internal
               AND v.database_name = current_database()
             ORDER BY v.view_name, c.column_index",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            if tables.last().is_none_or(|last| last.name != name) {
                tables.push(TableDoc {
                    name,
                    comment: row.get(1)?,
                    ..TableDoc::default()
                });
            }
            if let Some(table) = tables.last_mut() {
                let comment: String = row.get(4)?;
                let (comment, unit) = with_unit(&comment);
                table.columns.push(ColumnDoc {
                    name: row.get(2)?,
                    sql_type: short_type(row.get(3)?),
                    unit,
                    comment,
                });
            }
        }
        let mut statement = connection.prepare(
            "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'",
        )?;
        let reserved = statement.query_map([], |row| row.get::<_, String>(0))?;
        let reserved: HashSet<String> = reserved.filter_map(Result::ok).collect();
        for table in &mut tables {
            table.joins = joins(table, &reserved);
            table.example = example(table, &reserved);
        }
        Ok(tables)
    }
}

/// The catalogue that a history of this inventory has, without any history.
pub fn catalog_of(inventory: &Inventory) -> Result<Vec<TableDoc>, StoreError> {
    let (store, mut recorder): (Store, Recorder) = Store::in_memory()?;
    recorder.follow_tables(&inventory.tables)?;
    store.catalog()
}

/// `Bytes received. [B]` → comment and unit.
fn with_unit(comment: &str) -> (String, String) {
    let parts = comment.strip_suffix(']').and_then(|c| c.rsplit_once('['));
    match parts {
        Some((text, unit)) if !unit.is_empty() && unit.len() <= 12 => {
            (text.trim_end().to_owned(), unit.to_owned())
        }
        _ => (comment.to_owned(), String::new()),
    }
}

fn short_type(name: String) -> String {
    if name == "TIMESTAMP WITH TIME ZONE" {
        return "TIMESTAMPTZ".into();
    }
    name
}

impl TableDoc {
    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|c| c.name == column)
    }

    /// The column that names the thing that a row is about.
    fn entity(&self) -> Option<&str> {
        let column = self.columns.get(2)?;
        (self.has("ts") && column.comment.starts_with(WHICH)).then_some(column.name.as_str())
    }

    /// The number that people most likely look at.
    fn measure(&self) -> Option<&str> {
        let rank = |name: &str| {
            let ends = ["_pct", "_bps", "_ms", "_per_s", "_bytes"];
            ends.iter()
                .position(|end| name.ends_with(end))
                .unwrap_or(ends.len())
        };
        let numbers = self.columns.iter().skip(2).filter(|c| {
            matches!(c.sql_type.as_str(), "DOUBLE" | "BIGINT")
                && c.name != "elapsed_ms"
                && Some(c.name.as_str()) != self.entity()
        });
        let names = numbers.map(|c| c.name.as_str());
        names.min_by_key(|name| rank(name))
    }
}

fn quoted(name: &str, reserved: &HashSet<String>) -> String {
    let plain = name
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if plain && !reserved.contains(name) {
        return name.to_owned();
    }
    ident(name)
}

fn joins(table: &TableDoc, reserved: &HashSet<String>) -> Vec<String> {
    let mut joins = Vec::new();
    let key = if table.name == "host" { "name" } else { "host" };
    if !table.has(key) {
        return joins;
    }
    if table.name != "host" {
        joins.push("JOIN host h ON h.name = t.host".to_owned());
    }
    if table.name != "host_group" {
        joins.push(format!("JOIN host_group g ON g.host = t.{key}"));
    }
    if table.name != "host_label" {
        joins.push(format!(
            "LEFT JOIN host_label l ON l.host = t.{key} AND l.label = 'site'"
        ));
    }
    if let Some(entity) = table.entity() {
        joins.push(format!(
            "JOIN entity e ON e.host = t.host AND e.table_name = '{}' AND e.name = t.{}",
            table.name.replace('\'', "''"),
            quoted(entity, reserved)
        ));
    }
    joins
}

fn example(table: &TableDoc, reserved: &HashSet<String>) -> String {
    let name = quoted(&table.name, reserved);
    if !table.has("ts") {
        return format!("SELECT *\nFROM {name}\nLIMIT 20");
    }
    let entity = table.entity().map(|entity| quoted(entity, reserved));
    let measure = table.measure().map(|measure| quoted(measure, reserved));
    // The delivery log of reports is of no host.
    let Some(measure) = measure.filter(|_| table.has("host")) else {
        return format!(
            "SELECT *\nFROM {name}\nWHERE ts > now() - INTERVAL 1 DAY\nORDER BY ts DESC\nLIMIT 20"
        );
    };
    match entity {
        Some(entity) => format!(
            "SELECT host, {entity}, avg({measure}) AS mean, max({measure}) AS most\nFROM {name}\n\
             WHERE ts > now() - INTERVAL 1 DAY\nGROUP BY ALL\nORDER BY most DESC\nLIMIT 20"
        ),
        None => format!(
            "SELECT time_bucket(INTERVAL 1 HOUR, ts) AS hour, host, avg({measure}) AS mean\nFROM {name}\n\
             WHERE ts > now() - INTERVAL 1 DAY\nGROUP BY ALL\nORDER BY hour, host"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Question;

    #[test]
    fn every_table_is_told_and_every_example_and_join_works() {
        let (store, _recorder) = Store::in_memory().unwrap();
        let tables = store.catalog().unwrap();
        assert!(tables.len() > 20);
        for table in &tables {
            assert!(!table.comment.is_empty(), "{}", table.name);
            for column in &table.columns {
                assert!(!column.comment.is_empty(), "{}.{}", table.name, column.name);
            }
            store.ask_blocking(&Question::new(&table.example)).unwrap();
            for join in &table.joins {
                let name = ident(&table.name);
                let sql = format!("SELECT count(*) FROM {name} t {join}");
                store.ask_blocking(&Question::new(sql)).unwrap();
            }
        }
        let interface = tables.iter().find(|t| t.name == "interface").unwrap();
        assert_eq!(interface.entity(), Some("interface"));
        assert!(
            interface.example.contains("GROUP BY ALL"),
            "{}",
            interface.example
        );
        let bps = interface
            .columns
            .iter()
            .find(|c| c.name == "in_bps")
            .unwrap();
        assert_eq!(bps.unit, "bit/s");
        let cpu = tables.iter().find(|t| t.name == "cpu").unwrap();
        assert!(cpu.example.contains("time_bucket"), "{}", cpu.example);
    }

    #[test]
    fn units_stand_at_the_end_of_a_comment() {
        assert_eq!(with_unit("Bytes. [B]"), ("Bytes.".into(), "B".into()));
        assert_eq!(
            with_unit("Bytes [a]."),
            ("Bytes [a].".into(), String::new())
        );
    }
}
