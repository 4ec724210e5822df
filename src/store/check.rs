//! Whether query files would run: each is prepared and asked against an empty history.

use crate::inventory::{Inventory, Problem, SourceFile};
use crate::query::{Asked, IMPLICIT, Kind, Param, Query, problem};
use crate::table::{self, Definition, Table, Tables};

use super::{Question, Store, StoreError, lex};

/// Every problem of these query files, found without any history but with these tables of profiles.
/// Returns the queries that are good, too.
pub fn check_queries(
    files: &[SourceFile],
    tables: &Tables,
) -> Result<(Vec<Query>, Vec<Problem>), StoreError> {
    let (store, mut recorder) = Store::in_memory()?;
    recorder.follow_tables(tables)?;
    let mut good = Vec::new();
    let mut problems = Vec::new();
    for file in files {
        match Query::parse(&file.path, &file.text) {
            Ok(query) => {
                let found = store.check(&query);
                if found.is_empty() {
                    good.push(query);
                }
                problems.extend(found);
            }
            Err(found) => problems.push(found),
        }
    }
    Ok((good, problems))
}

/// What is wrong with the SQL of the columns that profiles derive, found against empty tables; and
/// whether every table can be made at all.
pub fn check_tables(inventory: &Inventory) -> Result<Vec<Problem>, StoreError> {
    let (_store, mut recorder) = Store::in_memory()?;
    let plain: Vec<_> = inventory.tables.made().map(without_derived).collect();
    let Err(error) = recorder.follow_tables(&inventory.tables) else {
        return Ok(Vec::new());
    };
    // One is wrong: each by itself says which.
    let mut problems = Vec::new();
    let tables = Tables::with(plain.iter().filter_map(table::intern));
    recorder.follow_tables(&tables)?;
    for table in inventory.tables.made() {
        for derived in table.derived {
            let Err(why) = recorder.try_derived(table, derived) else {
                continue;
            };
            let path = inventory
                .profiles
                .iter()
                .find(|p| {
                    p.source.contains(derived.sql)
                        && p.sections.iter().any(|s| s.name() == table.name)
                })
                .map_or_else(String::new, |p| p.path.clone());
            let words = format!(
                "the SQL of `{}.{}` is wrong: {why}",
                table.name, derived.name
            );
            problems.push(problem(&path, (1, 1), "bad-sql", words));
        }
    }
    if problems.is_empty() {
        return Err(error);
    }
    Ok(problems)
}

fn without_derived(table: &'static Table) -> Definition {
    Definition {
        derived: Vec::new(),
        ..Definition::of(table)
    }
}

impl Store {
    /// What is wrong with the query: parameters declared but not used, or used but not declared, and
    /// what DuckDB says to it.
    fn check(&self, query: &Query) -> Vec<Problem> {
        let used = lex::parameters(&query.sql);
        let mut problems = Vec::new();
        for param in &query.params {
            if !used
                .iter()
                .any(|(at, end)| query.sql[at + 1..*end] == param.name)
            {
                problems.push(problem(
                    &query.path,
                    place(&query.sql, query.sql.find(&format!("{}:", param.name))),
                    "unused-parameter",
                    format!(
                        "the parameter `{}` is declared but the SQL does not use it",
                        param.name
                    ),
                ));
            }
        }
        let mut told = Vec::new();
        for (at, end) in used {
            let name = &query.sql[at + 1..end];
            if query.param(name).is_none() && !IMPLICIT.contains(&name) && !told.contains(&name) {
                told.push(name);
                problems.push(problem(
                    &query.path,
                    place(&query.sql, Some(at)),
                    "unknown-parameter",
                    format!("the SQL uses `${name}`, which `params:` does not declare"),
                ));
            }
        }
        if problems.is_empty() {
            problems.extend(self.try_out(query));
        }
        problems
    }

    fn try_out(&self, query: &Query) -> Option<Problem> {
        let asked = Asked {
            params: query.params.iter().filter_map(sample).collect(),
            from: None,
            to: None,
            timezone: "UTC".into(),
        };
        let here = |line, words: String| Some(problem(&query.path, (line, 1), "bad-sql", words));
        let question = match Question::of(query, &asked, 1_800_000_000) {
            Ok(question) => question,
            Err(mistakes) => return here(1, mistakes.join("; ")),
        };
        let error = self.ask_blocking(&question).err()?.to_string();
        let line = error
            .split("LINE ")
            .nth(1)
            .and_then(|rest| rest.split(':').next()?.parse().ok());
        let words: Vec<&str> = error
            .lines()
            .map(str::trim)
            .take_while(|l| !l.starts_with("LINE "))
            .filter(|l| !l.is_empty())
            .collect();
        here(line.unwrap_or(1), words.join(" "))
    }
}

/// A value for a parameter that has no default.
fn sample(param: &Param) -> Option<(String, String)> {
    if param.default.is_some() {
        return None;
    }
    let number = param.min.or(param.max).unwrap_or(1.0);
    let value = match param.kind {
        Kind::Int => format!("{}", number.ceil() as i64),
        Kind::Float => number.to_string(),
        Kind::Bool => "true".into(),
        Kind::Enum => param.values.first().cloned().unwrap_or_default(),
        Kind::Duration => "5m".into(),
        _ => "x".into(),
    };
    Some((param.name.clone(), value))
}

/// Line and column, from 1, of a byte.
fn place(text: &str, at: Option<usize>) -> (usize, usize) {
    let before = &text[..at.unwrap_or(0)];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |n| n + 1);
    (line, before[start..].chars().count() + 1)
}
