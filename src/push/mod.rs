//! What others send us over HTTP, from bytes to [`Readings`]: our own JSON, the flat payload of small
//! psutil scripts, Influx line protocol, Prometheus' text of a node_exporter.
//!
//! Pure: a body and a few circumstances in, [`Delivery`]s and mistakes out. A mistake costs its own
//! cell, row or line, never the rest, and says where it is.

mod document;
mod line;
mod prometheus;
mod psutil;
mod rows;
mod telegraf;

pub use document::write;
pub(crate) use rows::{clean, value as cell};

use crate::reading::{Readings, UnixSeconds};
use crate::table::Table;

/// Rows in one request; more are refused.
pub const MAX_ROWS: usize = 10_000;
/// Mistakes told of one request; the others are counted.
pub const MAX_MISTAKES: usize = 20;
/// A time may be this far ahead of ours, in seconds: clocks differ.
pub const AHEAD_S: i64 = 60;
/// A time may be this far behind ours, in seconds: what a spool kept over a long week-end is history,
/// what is older is a clock that is wrong.
pub const BEHIND_S: i64 = 30 * 86_400;

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One document, or an array of them.
    Json,
    /// A document per line.
    Ndjson,
    /// Influx line protocol.
    Lines,
    /// Prometheus' text format, or OpenMetrics.
    Prometheus,
    /// The flat payload of psutil scripts.
    Psutil,
}

impl Format {
    /// The format of a `Content-Type`; a body without a known one is judged by its first character.
    pub fn of(content_type: Option<&str>, body: &[u8]) -> Format {
        let kind = content_type
            .and_then(|t| t.split(';').next())
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        match kind.as_str() {
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Format::Ndjson,
            "application/json" => Format::Json,
            "application/openmetrics-text" => Format::Prometheus,
            // `text/plain; version=0.0.4` is what exporters say; without a version it may be anything.
            "text/plain" if content_type.is_some_and(|t| t.contains("version=")) => {
                Format::Prometheus
            }
            "application/vnd.influx.lineprotocol" | "application/x-influx" => Format::Lines,
            _ => match body.iter().find(|b| !b.is_ascii_whitespace()) {
                Some(b'{' | b'[') => Format::Json,
                // Comments of line protocol begin with `#`, too.
                Some(b'#') if is_prometheus(body) => Format::Prometheus,
                _ => Format::Lines,
            },
        }
    }
}

fn is_prometheus(body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    body.starts_with(b"# HELP ") || body.starts_with(b"# TYPE ")
}

/// What is known of a request beside its body.
pub struct Circumstances<'a> {
    /// Our clock.
    pub now: UnixSeconds,
    /// Units of Influx times in a second: 1, 1,000, 1,000,000 or 1,000,000,000.
    pub per_second: i64,
    /// The tables there are.
    pub table: &'a dyn Fn(&str) -> Option<&'static Table>,
}

/// One collection as it was sent.
#[derive(Debug, Default)]
pub struct Delivery {
    /// The host it names itself; a token may say otherwise.
    pub host: Option<String>,
    /// When it was read.
    pub ts: UnixSeconds,
    /// The sender's name for it: the same name twice is the same collection.
    pub id: Option<String>,
    /// How long the sender took to read it.
    pub took_ms: u64,
    pub readings: Readings,
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Of the body, beginning with 1.
    pub line: usize,
    /// `tables.cpu[0].used_pct`, `measurement net`; empty when it is the whole line.
    pub place: String,
    pub why: String,
}

/// What a body held.
#[derive(Debug, Default)]
pub struct Body {
    pub deliveries: Vec<Delivery>,
    /// The first [`MAX_MISTAKES`].
    pub mistakes: Vec<Mistake>,
    /// Mistakes beyond those.
    pub more_mistakes: usize,
}

impl Body {
    fn wrong(&mut self, line: usize, place: impl Into<String>, why: impl Into<String>) {
        if self.mistakes.len() == MAX_MISTAKES {
            self.more_mistakes += 1;
            return;
        }
        self.mistakes.push(Mistake {
            line,
            place: place.into(),
            why: why.into(),
        });
    }
}

/// Reads a body.
pub fn read(format: Format, body: &[u8], about: &Circumstances<'_>) -> Body {
    let mut read = Body::default();
    let Ok(text) = std::str::from_utf8(body) else {
        read.wrong(1, "", "the body is not UTF-8");
        return read;
    };
    match format {
        Format::Json => document::read_all(text, about, &mut read),
        Format::Ndjson => document::read_lines(text, about, &mut read),
        Format::Lines => line::read(text, about, &mut read),
        Format::Prometheus => prometheus::read(text, about, &mut read),
        Format::Psutil => psutil::read(text, about, &mut read),
    }
    read.deliveries
        .retain(|d| !d.readings.tables.is_empty() || !d.readings.host_facts.is_empty());
    read
}

/// The time, when it is one that we take.
fn plausible(ts: UnixSeconds, now: UnixSeconds) -> Result<UnixSeconds, String> {
    if ts > now + AHEAD_S {
        return Err(format!(
            "the time lies {} s ahead of ours: set the sender's clock",
            ts - now
        ));
    }
    if ts < now - BEHIND_S {
        return Err(format!(
            "the time lies {} days behind ours; at most {} are taken",
            (now - ts) / 86_400,
            BEHIND_S / 86_400
        ));
    }
    Ok(ts)
}

#[cfg(test)]
mod tests;
