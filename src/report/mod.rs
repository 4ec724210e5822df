//! Reports: which questions stand on one page, over which period, when it is sent and to whom.
//!
//! Pure: the time comes in as an argument, the due time and the period come out.

mod cron;
mod due;
mod period;
pub mod run;

pub use cron::Cron;
pub use due::{Due, due};
pub use period::{PERIOD_WORDS, Period};

use std::time::Duration;

use crate::inventory::{Localized, Place};

/// One report: an entry of `reports:` in the settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub name: String,
    pub title: Localized,
    /// When it is sent; `None`: only when somebody asks for it.
    pub cron: Option<Cron>,
    /// An IANA name: of the schedule, of the periods and of the times shown.
    pub zone: String,
    /// Which time it tells of, unless a section says otherwise; `None`: each query's own range.
    pub period: Option<Period>,
    pub sections: Vec<Section>,
    pub to: Vec<Recipient>,
    /// Nothing is sent when no query has a row.
    pub skip_empty: bool,
    pub attach: Option<Attach>,
    /// Sent this long after its time at most.
    pub late: Duration,
    /// Rows of each table on the page and in the mail; attachments hold more.
    pub rows: usize,
    /// Where its name is written.
    pub place: Place,
}

/// A part of a report, in the order of the page.
#[derive(Clone, Debug, PartialEq)]
pub enum Section {
    /// Paragraphs, parted by empty lines.
    Text(Localized),
    Query(Box<Asking>),
}

/// A query on the page.
#[derive(Clone, Debug, PartialEq)]
pub struct Asking {
    /// The name of a file of `queries/`, without `.sql`.
    pub query: String,
    /// Name, value, and where it is written.
    pub params: Vec<(String, String, Place)>,
    pub period: Option<Period>,
    /// Instead of the query's own title and description.
    pub title: Option<Localized>,
    pub text: Option<Localized>,
    pub rows: Option<usize>,
    pub place: Place,
}

/// Who gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipient {
    /// `ops@example.net` or `Ops <ops@example.net>`.
    pub address: String,
    /// `en` or `zh-CN`; `None`: the server's.
    pub language: Option<String>,
}

/// What is attached of each query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attach {
    Csv,
    Parquet,
}

impl Attach {
    /// The word of the settings, and the ending of the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Attach::Csv => "csv",
            Attach::Parquet => "parquet",
        }
    }
}

impl Report {
    /// The queries in their order.
    pub fn askings(&self) -> impl Iterator<Item = &Asking> {
        self.sections.iter().filter_map(|section| match section {
            Section::Query(asking) => Some(&**asking),
            Section::Text(_) => None,
        })
    }

    /// What the schedule is; another one begins anew.
    pub fn schedule(&self) -> String {
        let cron = self.cron.as_ref().map_or("", Cron::as_str);
        format!("{cron} {}", self.zone)
    }
}
