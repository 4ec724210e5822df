//! Queries: SQL files with a front matter that says what they are called, which parameters they take
//! and how their columns are shown.
//!
//! Pure: the text of the file comes in, the [`Query`] or all its problems come out; a call's
//! parameters come in, typed values come out; the answer is rows of [`Cell`]s.

mod answer;
mod check;
mod file;
mod front;
mod param;
pub mod place;
mod range;
mod show;

pub use answer::{Answer, AnswerColumn, Cell};
pub use check::Known;
pub use param::{Asked, Bound, Call, Kind, Param};
pub use range::{Range, parse_time, split_range};
pub use show::{hole, holes, segment};

use crate::inventory::{Localized, Place, Problem, ProblemSeverity};

/// Parameters that every query has: the asked range, a step that cuts it into at most 500 pieces,
/// the time zone's name.
pub const IMPLICIT: [&str; 4] = ["from", "to", "step", "tz"];

/// Names that links of pages and downloads use for themselves.
const TAKEN: [&str; 4] = ["lang", "format", "max_rows", "sort"];

/// One query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The file's name without `.sql`.
    pub name: String,
    /// As shown to people: `queries/top_cpu.sql`.
    pub path: String,
    pub title: Localized,
    pub description: Localized,
    pub tags: Vec<String>,
    /// The time it looks at unless asked otherwise: `now-30d`, `now-1M/M to now/M`.
    pub range: String,
    /// In the order in which they are declared.
    pub params: Vec<Param>,
    /// How columns are shown; columns that need nothing special are not in it.
    pub columns: Vec<(String, Show)>,
    pub chart: Option<Chart>,
    /// The whole file. The front matter is a comment to SQL, so line numbers in errors are true.
    pub sql: String,
}

/// How one column of the answer is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Show {
    pub title: Option<Localized>,
    /// `%`, `B`, `bit/s`, `d`, …; `{column}` where a column of the answer tells it.
    pub unit: Option<String>,
    /// A path with `{column}`, `{$parameter}`, `{$from}`, `{$to}` in it.
    pub link: Option<String>,
    /// Draw the number as a bar too.
    pub bar: bool,
    /// Marked as a warning or as critical from here on; upwards, or downwards when `crit` is below
    /// `warn`.
    pub warn: Option<f64>,
    pub crit: Option<f64>,
    /// Digits after the point.
    pub digits: Option<u8>,
}

/// What is drawn of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    pub kind: ChartKind,
    pub x: String,
    pub y: Vec<String>,
    /// The column whose values tell the lines apart.
    pub series: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartKind {
    Line,
    Area,
    Bar,
    Stacked,
    Heatmap,
    Stat,
}

impl Query {
    /// Reads a query file. `path` as shown to people; `Err`: what is wrong with it, and where.
    pub fn parse(path: &str, text: &str) -> Result<Query, Problem> {
        file::parse(path, text)
    }

    /// SQL without a front matter, as typed by a person: every parameter given is taken, as a
    /// number when it looks like one.
    pub fn ad_hoc(sql: &str) -> Query {
        Query {
            name: String::new(),
            path: String::new(),
            title: Localized::default(),
            description: Localized::default(),
            tags: Vec::new(),
            range: "now-24h".into(),
            params: Vec::new(),
            columns: Vec::new(),
            chart: None,
            sql: sql.into(),
        }
    }

    /// A query file or SQL, told apart by the front matter.
    pub fn read(path: &str, text: &str) -> Result<Query, Problem> {
        if file::has_front_matter(text) {
            Query::parse(path, text)
        } else {
            Ok(Query::ad_hoc(text))
        }
    }

    /// The parameter of that name.
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|p| p.name == name)
    }

    /// How that column is shown.
    pub fn show(&self, column: &str) -> Option<&Show> {
        let found = self.columns.iter().find(|(name, _)| name == column);
        found.map(|(_, show)| show)
    }
}

/// The name of a query from its file's name; `None` for a file that is no query.
pub fn name_of(file: &str) -> Option<&str> {
    let name = file.strip_suffix(".sql")?;
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (!name.is_empty() && name.chars().all(good)).then_some(name)
}

/// A problem of a query file.
pub fn problem(
    path: &str,
    (line, column): (usize, usize),
    code: &'static str,
    message: impl Into<String>,
) -> Problem {
    Problem {
        severity: ProblemSeverity::Error,
        code,
        message: message.into(),
        places: vec![Place {
            path: path.into(),
            line,
            column,
            length: 1,
        }],
        help: None,
    }
}
