//! Which columns a rollup has, and the SQL that computes each of the rows `t`.

use std::collections::HashSet;

use super::super::schema::ident;
use super::super::sealed::Tier;
use super::super::view::with_unit;
use super::shape::{Role, Shape};
use crate::table::{Column, Derived, Kind};

/// One column of a rollup's rows.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) name: String,
    /// An aggregate over the rows `t`.
    pub(super) sql: String,
    /// `None`: only the view's own SQL needs it.
    pub(super) comment: Option<String>,
    pub(super) float: bool,
}

/// Which role a derived column can play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It follows from sums: the view computes it of the rollup's row.
    Rate,
    /// It follows from gauges: each row's value is rolled up.
    Gauge,
    /// Nothing that a rollup could say of it.
    None,
}

pub(super) fn made(shape: &Shape, tier: Tier) -> Vec<Made> {
    let mut list = List::default();
    let rows = "How many rows this one is made of.".to_owned();
    list.add("samples", "count(*)".into(), Some(rows));
    for (column, role) in &shape.columns {
        match role {
            Role::Gauge => list.gauge(column),
            Role::Sum => list.sum(column, shape.elapsed),
            Role::Truth => list.truth(column),
            Role::Last => list.last(column),
        }
    }
    if shape.elapsed {
        let sum = "TRY_CAST(sum(t.elapsed_ms) AS BIGINT)".to_owned();
        let comment = "Time that the counters cover: the sum over the rows. [ms]".to_owned();
        list.add("elapsed_ms", sum, Some(comment));
    }
    // Of five minutes the mean is what matters; peaks within them are in the rows.
    if tier == Tier::Hourly {
        for derived in shape.derived {
            list.derived(shape, derived);
        }
    }
    list.all
}

#[derive(Default)]
struct List {
    all: Vec<Made>,
    names: HashSet<String>,
}

impl List {
    fn add(&mut self, name: &str, sql: String, comment: Option<String>) {
        // DuckDB's names know no upper case; a profile's `x_max` beside `x` has its own way to say it.
        if self.names.insert(name.to_lowercase()) {
            self.all.push(Made {
                name: name.into(),
                float: sql.ends_with("DOUBLE)") || sql.ends_with("FLOAT)"),
                sql,
                comment,
            });
        }
    }

    fn gauge(&mut self, column: &Column) {
        let value = format!("t.{}", ident(column.name));
        let told = |what: &str| {
            Some(format!(
                "{what}: {}",
                with_unit(column.comment, column.unit)
            ))
        };
        let mean = match column.kind {
            Kind::Pct => format!("CAST(round(avg({value}), 2) AS DOUBLE)"),
            _ => format!("CAST(avg({value}) AS DOUBLE)"),
        };
        let kept = |what: &str| match column.kind {
            Kind::Int => format!("{what}({value})"),
            _ => format!("CAST({what}({value}) AS DOUBLE)"),
        };
        let name = |what: &str| format!("{}_{what}", column.name);
        let count = told("How many values there are");
        self.add(&name("count"), format!("count({value})"), count);
        self.add(&name("min"), kept("min"), told("Least"));
        self.add(&name("avg"), mean, told("Mean"));
        self.add(&name("max"), kept("max"), told("Greatest"));
        self.add(&name("last"), newest(&value), told("Last"));
    }

    /// The sum, or NULL where it does not fit; and the time of rows that have no value.
    fn sum(&mut self, column: &Column, elapsed: bool) {
        let value = format!("t.{}", ident(column.name));
        let sum = format!("TRY_CAST(sum({value}) AS BIGINT)");
        let comment = with_unit(column.comment, column.unit);
        self.add(column.name, sum, Some(format!("Sum: {comment}")));
        if elapsed {
            let gap = format!(
                "TRY_CAST(coalesce(sum(t.elapsed_ms) FILTER ({value} IS NULL), 0) AS BIGINT)"
            );
            self.add(&gap_of(column.name), gap, None);
        }
    }

    fn truth(&mut self, column: &Column) {
        let value = format!("t.{}", ident(column.name));
        let name = |what: &str| format!("{}_{what}", column.name);
        let told = |what: &str| Some(format!("{what}: {}", column.comment));
        let count = format!("count(*) FILTER ({value})");
        self.add(&name("true"), count, told("How often it was true"));
        self.add(&name("last"), newest(&value), told("Last"));
    }

    fn last(&mut self, column: &Column) {
        let value = format!("t.{}", ident(column.name));
        let name = format!("{}_last", column.name);
        let told = format!("Last: {}", with_unit(column.comment, column.unit));
        self.add(&name, newest(&value), Some(told));
    }

    fn derived(&mut self, shape: &Shape, derived: &Derived) {
        let part = part(shape, derived);
        if part == Part::None || mentions(derived.sql, shape.facts.iter().map(|f| f.name)) {
            return;
        }
        let value = format!("TRY_CAST(({}) AS DOUBLE)", derived.sql);
        let told = |what: &str| {
            let comment = with_unit(derived.comment, derived.unit);
            Some(format!("{what}, of single rows: {comment}"))
        };
        let name = |what: &str| format!("{}_{what}", derived.name);
        // Seven digits will do for a peak.
        let few = |what: &str| format!("TRY_CAST({what}({value}) AS FLOAT)");
        self.add(&name("min"), few("min"), told("Least"));
        if part == Part::Gauge {
            let mean = format!("CAST(avg({value}) AS DOUBLE)");
            self.add(&name("avg"), mean, told("Mean"));
        }
        self.add(&name("max"), few("max"), told("Greatest"));
    }
}

/// The value of the newest row that has one.
fn newest(value: &str) -> String {
    format!("arg_max({value}, t.ts)")
}

/// The column that says how much of `elapsed_ms` a counter does not cover.
pub(super) fn gap_of(counter: &str) -> String {
    format!("{counter}_gap_ms")
}

pub(super) fn part(shape: &Shape, derived: &Derived) -> Part {
    // A quoted name could be anything.
    if derived.sql.contains('"') {
        return Part::None;
    }
    let roles: Vec<Role> = words(derived.sql)
        .filter_map(|(_, word)| shape.kind_of(word))
        .collect();
    if roles.is_empty() {
        Part::None
    } else if shape.elapsed && roles.iter().all(|role| *role == Role::Sum) {
        Part::Rate
    } else if roles.contains(&Role::Last) || roles.contains(&Role::Truth) {
        Part::None
    } else {
        Part::Gauge
    }
}

/// The SQL of a rate over a rollup's row `t`: the time is that which its counters cover.
pub(super) fn rate(shape: &Shape, derived: &Derived) -> String {
    let gaps: Vec<String> = words(derived.sql)
        .filter(|(_, word)| shape.kind_of(word) == Some(Role::Sum))
        .map(|(_, word)| format!("t.{}", ident(&gap_of(word))))
        .collect();
    let covered = format!("(t.elapsed_ms - greatest({}))", gaps.join(", "));
    let mut sql = String::new();
    let mut copied = 0;
    for (start, word) in words(derived.sql) {
        if word == "elapsed_ms" {
            let before = &derived.sql[copied..start];
            sql.push_str(before.strip_suffix("t.").unwrap_or(before));
            sql.push_str(&covered);
            copied = start + word.len();
        }
    }
    sql.push_str(&derived.sql[copied..]);
    sql
}

fn mentions<'n>(sql: &str, names: impl Iterator<Item = &'n str>) -> bool {
    let names: HashSet<&str> = names.collect();
    words(sql).any(|(_, word)| names.contains(word))
}

/// The words of an SQL text that could be names, with their places.
fn words(sql: &str) -> impl Iterator<Item = (usize, &str)> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + sql[rest..].find(part)?;
        let length = sql[start..].find(|c| !part(c));
        let end = length.map_or(sql.len(), |length| start + length);
        rest = end;
        Some((start, &sql[start..end]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{DISK, INTERFACE, PROCESS};

    fn named(shape: &Shape, name: &str) -> &'static Derived {
        let found = shape.derived.iter().find(|d| d.name == name);
        found.expect("a derived column")
    }

    #[test]
    fn rates_are_taken_over_the_time_that_their_counters_cover() {
        let shape = Shape::of(&DISK);
        assert_eq!(
            rate(&shape, named(&shape, "read_bytes_per_s")),
            "t.read_bytes * 1000.0 / nullif((t.elapsed_ms - greatest(t.\"read_bytes_gap_ms\")), 0)"
        );
        assert_eq!(part(&shape, named(&shape, "await_ms")), Part::Rate);
        let ports = Shape::of(&INTERFACE);
        assert_eq!(part(&ports, named(&ports, "in_util_pct")), Part::Rate);
        let names: Vec<String> = made(&ports, Tier::Hourly)
            .into_iter()
            .map(|made| made.name)
            .collect();
        assert!(names.contains(&"in_bps_max".into()), "{names:?}");
        assert!(!names.contains(&"in_util_pct_max".into()), "{names:?}");
    }

    #[test]
    fn of_processes_the_program_and_its_user_stay() {
        let shape = Shape::of(&PROCESS);
        let keys: Vec<&str> = shape.keys.iter().map(|key| key.name).collect();
        assert_eq!(keys, ["name", "user_name"]);
        let made = made(&shape, Tier::Hourly);
        assert!(made.iter().all(|made| !made.name.starts_with("pid")));
    }

    #[test]
    fn derived_columns_of_gauges_are_rolled_up_row_by_row() {
        let gauge = Column {
            name: "used",
            kind: Kind::Int,
            unit: "B",
            comment: "Used.",
        };
        let derived = |sql| Derived {
            name: "d",
            sql,
            unit: "%",
            comment: "D.",
        };
        let shape = Shape {
            columns: vec![(gauge, Role::Gauge)],
            ..Shape::poll()
        };
        assert_eq!(part(&shape, &derived("t.used * 2")), Part::Gauge);
        assert_eq!(part(&shape, &derived("t.\"used\" * 2")), Part::None);
        assert_eq!(part(&shape, &derived("1 + 1")), Part::None);
    }
}
