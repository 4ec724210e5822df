//! A question as it travels: the body of `POST /api/v1/sql` and `POST /api/v1/q/{name}`, sent by
//! the command line, answered by the daemon, or by the command line itself when none runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::query::{Asked, Query};
use crate::reading::UnixSeconds;

use super::adhoc::Output;
use super::format::Format;
use super::{MAX_ROWS, Question, Store, StoreError, TIMEOUT};

/// The header, or the trailer field, that stands on an answer that was cut.
pub const TRUNCATED: &str = "x-eider-truncated";
/// The trailer field that says why an answer broke off.
pub const FAILED: &str = "x-eider-error";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// SQL, or the text of a query file with its front matter. Not used when a query is named.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sql: String,
    /// Texts, numbers or truth values by name.
    pub params: BTreeMap<String, Value>,
    /// `now-6h`, `2026-11-23`, …; without it the query's own range.
    pub from: Option<String>,
    pub to: Option<String>,
    /// IANA name; without it the daemon's own.
    #[serde(alias = "timezone")]
    pub tz: Option<String>,
    /// A word of [`Format::WORDS`]; `json` without it.
    pub format: Option<String>,
    /// At most [`MAX_ROWS`] anyway. Parquet holds all rows.
    pub max_rows: Option<usize>,
    /// Every row, as a file.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// A name for this one question, by which its progress can be seen and it can be cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// The answer as bytes in the asked format.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub bytes: Vec<u8>,
    pub content_type: &'static str,
    /// There were more rows than these.
    pub truncated: bool,
}

impl Request {
    /// As [`Request::answer`], on a blocking thread.
    pub async fn ask(
        self,
        store: &Store,
        query: Query,
        timezone: String,
        now: UnixSeconds,
    ) -> Result<Reply, StoreError> {
        store
            .in_background(TIMEOUT, move |store| {
                self.answer(store, &query, &timezone, now)
            })
            .await
    }

    /// Asks the query; this blocks. A mistake of the one who asked is a [`StoreError::Query`].
    pub fn answer(
        &self,
        store: &Store,
        query: &Query,
        timezone: &str,
        now: UnixSeconds,
    ) -> Result<Reply, StoreError> {
        let (question, format) = self.question(query, timezone, now)?;
        let (bytes, truncated) = store.ask_as(&question, format)?;
        Ok(Reply {
            bytes,
            content_type: format.content_type(),
            truncated,
        })
    }

    /// The query bound to the call's parameters, and the format of the answer.
    pub fn question(
        &self,
        query: &Query,
        timezone: &str,
        now: UnixSeconds,
    ) -> Result<(Question, Format), StoreError> {
        let word = self.format.as_deref().unwrap_or("json");
        let format = Format::from_word(word).ok_or_else(|| {
            let words = Format::WORDS.join(", ");
            StoreError::Query(format!("unknown format `{word}`: it is one of {words}"))
        })?;
        let asked = Asked {
            params: self.texts()?,
            from: self.from.clone(),
            to: self.to.clone(),
            timezone: self.tz.clone().unwrap_or_else(|| timezone.to_owned()),
        };
        let question = Question::of(query, &asked, now);
        let mut question = question.map_err(|m| StoreError::Query(m.join("\n")))?;
        let most = match self.output(format) {
            Output::File(_) => usize::MAX,
            _ => MAX_ROWS,
        };
        question.max_rows = self.max_rows.unwrap_or(most).clamp(1, most);
        Ok((question, format))
    }

    /// How a child is to answer in that format. A table is for the eye and never a file of its own:
    /// all its rows must be known before the first is written.
    pub fn output(&self, format: Format) -> Output {
        if format == Format::Parquet || (self.all && format != Format::Table) {
            Output::File(format)
        } else {
            Output::Stream(format)
        }
    }

    /// The SQL of the request as a query.
    pub fn query(&self) -> Result<Query, StoreError> {
        Query::read("query.sql", &self.sql).map_err(|problem| {
            let line = problem.places.first().map_or(1, |p| p.line);
            StoreError::Query(format!("line {line}: {}", problem.message))
        })
    }

    fn texts(&self) -> Result<Vec<(String, String)>, StoreError> {
        let text = |(name, value): (&String, &Value)| match value {
            Value::String(text) => Ok((name.clone(), text.clone())),
            Value::Bool(_) | Value::Number(_) => Ok((name.clone(), value.to_string())),
            _ => Err(StoreError::Query(format!(
                "the parameter `{name}` is neither text, number nor truth value"
            ))),
        };
        self.params.iter().map(text).collect()
    }
}
