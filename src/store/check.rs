//! Whether query files would run: each is prepared and asked against an empty history.

use crate::inventory::{Inventory, Problem, SourceFile};
use crate::query::{AnswerColumn, Asked, IMPLICIT, Kind, Param, Query, place, problem};
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
    let mut problems = Vec::new();
    let mut queries = Vec::new();
    for file in files {
        match Query::parse(&file.path, &file.text) {
            Ok(query) => queries.push(query),
            Err(found) => problems.push(found),
        }
    }
    let known: Vec<_> = queries
        .iter()
        .map(|query| (query.name.as_str(), query.params.as_slice()))
        .collect();
    let mut good = Vec::new();
    for query in &queries {
        let found = match store.check(query) {
            Ok(columns) => query.check_shown(&columns, &known),
            Err(found) => found,
        };
        if found.is_empty() {
            good.push(query.clone());
        }
        problems.extend(found);
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
    /// The columns of the answer; or what is wrong with the query: parameters declared but not used, or
    /// used but not declared, and what DuckDB says to it.
    fn check(&self, query: &Query) -> Result<Vec<AnswerColumn>, Vec<Problem>> {
        let used = lex::parameters(&query.sql);
        let mut problems = Vec::new();
        for param in &query.params {
            let name = &param.name;
            if !used
                .iter()
                .any(|(at, end)| query.sql[at + 1..*end] == *name)
            {
                problems.push(problem(
                    &query.path,
                    place::of_key(&query.sql, "params", name),
                    "unused-parameter",
                    format!("the parameter `{name}` is declared but the SQL does not use it"),
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
                    place::of_byte(&query.sql, at),
                    "unknown-parameter",
                    format!("the SQL uses `${name}`, which `params:` does not declare"),
                ));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        self.try_out(query).map_err(|problem| vec![problem])
    }

    fn try_out(&self, query: &Query) -> Result<Vec<AnswerColumn>, Problem> {
        let asked = Asked {
            params: query.params.iter().filter_map(sample).collect(),
            from: None,
            to: None,
            timezone: "UTC".into(),
        };
        let here = |at, words: String| problem(&query.path, at, "bad-sql", words);
        let question = Question::of(query, &asked, 1_800_000_000)
            .map_err(|mistakes| here((1, 1), mistakes.join("; ")))?;
        let answer = self.ask_blocking(&question).map_err(|error| {
            let error = error.to_string();
            let at = place::of_error(&query.sql, &error);
            let line = || place::line_of_error(&error).unwrap_or(1);
            let words: Vec<&str> = error
                .lines()
                .map(str::trim)
                .take_while(|l| !l.starts_with("LINE "))
                .filter(|l| !l.is_empty())
                .collect();
            here(at.unwrap_or_else(|| (line(), 1)), words.join(" "))
        })?;
        Ok(answer.columns)
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
