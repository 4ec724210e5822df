//! What the queries of a report found: asked once, shown in every language.

use std::time::{Duration, Instant};

use crate::home::Home;
use crate::inventory::Localized;
use crate::query::{Answer, Asked, Query, Range};
use crate::reading::UnixSeconds;
use crate::render::Renderer;
use crate::report::{Asking, Attach, Report, Section};
use crate::store::format::Format;
use crate::store::{Question, Store, StoreError};

/// Time that one query of a report may take: nobody waits before a page.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Rows of an attached CSV. Parquet holds all.
const CSV_ROWS: usize = 100_000;

/// What reports are made from.
#[derive(Clone)]
pub struct Maker {
    pub store: Store,
    pub home: Home,
    pub renderer: Renderer,
}

/// A report's queries with their answers.
pub(crate) struct Findings {
    pub(crate) report: Report,
    /// The time that it is the report of.
    pub(crate) at: UnixSeconds,
    pub(crate) parts: Vec<Finding>,
    pub(crate) took: Duration,
}

pub(crate) enum Finding {
    Text(Localized),
    Query(Box<Found>),
}

/// One query's answer, or what was wrong with it.
pub(crate) struct Found {
    pub(crate) asking: Asking,
    /// `None` when there is none of that name, or its file is broken.
    pub(crate) query: Option<Query>,
    pub(crate) range: Option<Range>,
    pub(crate) asked: Asked,
    pub(crate) outcome: Result<Answer, String>,
    pub(crate) parquet: Option<Result<Vec<u8>, String>>,
}

impl Maker {
    /// Asks every query of the report as of `at`. What goes wrong is a finding too.
    pub(crate) async fn find(&self, report: &Report, at: UnixSeconds) -> Findings {
        let begun = Instant::now();
        let mut parts = Vec::new();
        for section in &report.sections {
            parts.push(match section {
                Section::Text(text) => Finding::Text(text.clone()),
                Section::Query(asking) => {
                    Finding::Query(Box::new(self.ask(report, asking, at).await))
                }
            });
        }
        Findings {
            report: report.clone(),
            at,
            parts,
            took: begun.elapsed(),
        }
    }

    async fn ask(&self, report: &Report, asking: &Asking, at: UnixSeconds) -> Found {
        let mut found = Found {
            asking: asking.clone(),
            query: None,
            range: None,
            asked: Asked {
                params: asking
                    .params
                    .iter()
                    .map(|(name, value, _)| (name.clone(), value.clone()))
                    .collect(),
                timezone: report.zone.clone(),
                ..Asked::default()
            },
            outcome: Ok(Answer::default()),
            parquet: None,
        };
        let question = match prepare(&mut found, report, at, &self.home) {
            Ok(question) => question,
            Err(words) => {
                found.outcome = Err(words);
                return found;
            }
        };
        if report.attach == Some(Attach::Parquet) {
            found.parquet = Some(self.parquet(question.clone()).await);
        }
        let answer = self.store.ask(question).await;
        if let Ok(answer) = &answer
            && let Some(query) = found.query.take()
        {
            found.query = Some(query.shown(&found.asked, answer));
        }
        found.outcome = answer.map_err(|error| error.to_string());
        found
    }

    async fn parquet(&self, question: Question) -> Result<Vec<u8>, String> {
        let store = self.store.clone();
        let written = tokio::task::spawn_blocking(move || store.ask_as(&question, Format::Parquet));
        let written = written.await.unwrap_or_else(|error| {
            Err(StoreError::Other(format!(
                "the question ended oddly: {error}"
            )))
        });
        written
            .map(|(bytes, _)| bytes)
            .map_err(|error| error.to_string())
    }
}

/// The question of one query, with its range and parameters noted in what is found.
fn prepare(
    found: &mut Found,
    report: &Report,
    at: UnixSeconds,
    home: &Home,
) -> Result<Question, String> {
    let query = home.query(&found.asking.query)?;
    let query = found.query.insert(query);
    let period = found.asking.period.as_ref().or(report.period.as_ref());
    if let Some(period) = period {
        let range = period.range(at, &report.zone)?;
        found.asked.from = Some(range.from.to_string());
        found.asked.to = Some(range.to.to_string());
    }
    let call = query.bind(&found.asked, at).map_err(|m| m.join("; "))?;
    found.range = Some(call.range);
    // As it stands here, whoever follows the link later sees the same time.
    found.asked.from = Some(call.range.from.to_string());
    found.asked.to = Some(call.range.to.to_string());
    let mut question = Question::of(query, &found.asked, at).map_err(|m| m.join("; "))?;
    question.timeout = TIMEOUT;
    question.max_rows = match report.attach {
        Some(Attach::Csv) => CSV_ROWS,
        _ => found.asking.rows.unwrap_or(report.rows) + 1,
    };
    Ok(question)
}

impl Findings {
    fn queries(&self) -> impl Iterator<Item = &Found> {
        self.parts.iter().filter_map(|part| match part {
            Finding::Query(found) => Some(&**found),
            Finding::Text(_) => None,
        })
    }

    /// No query has a row. One that failed is not empty: it must be told.
    pub(crate) fn is_empty(&self) -> bool {
        self.queries()
            .all(|found| found.outcome.as_ref().is_ok_and(|a| a.rows.is_empty()))
    }

    /// What went wrong, one sentence for each query.
    pub(crate) fn troubles(&self) -> Vec<String> {
        let failed = self.queries().filter_map(|found| {
            let words = found.outcome.as_ref().err()?;
            Some(format!("{}: {words}", found.asking.query))
        });
        failed.collect()
    }
}
