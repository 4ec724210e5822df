//! What is attached to a report's mail, and what is too large for it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::findings::{Finding, Findings};
use super::paper::written;
use crate::mail::Enclosure;
use crate::report::Attach;
use crate::store::format::{self, Format};

/// All attachments of one mail, in bytes; on the way they grow by a third, and many servers take no
/// more than 10 MB.
pub(crate) const FILES_BYTES_MAX: usize = 5 << 20;
/// Excel takes CSV for UTF-8 only with this before it.
const BOM: &str = "\u{feff}";

/// Attachments by the place of their section.
pub(super) struct Files {
    pub(super) taken: Vec<Enclosure>,
    places: BTreeMap<usize, Fate>,
    troubles: Vec<String>,
}

enum Fate {
    /// The position in `taken`.
    Taken(usize),
    Left(Left),
}

/// Why a file is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    TooLarge,
    Failed,
}

impl Left {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Left::TooLarge => "too_large",
            Left::Failed => "failed",
        }
    }
}

impl Files {
    pub(super) fn of(findings: &Findings) -> Files {
        let mut files = Files {
            taken: Vec::new(),
            places: BTreeMap::new(),
            troubles: Vec::new(),
        };
        let Some(attach) = findings.report.attach else {
            return files;
        };
        let mut bytes_taken = 0;
        for (place, part) in findings.parts.iter().enumerate() {
            let Finding::Query(found) = part else {
                continue;
            };
            let Ok(answer) = &found.outcome else { continue };
            if answer.rows.is_empty() {
                continue;
            }
            let query = &found.asking.query;
            let bytes = match (attach, &found.parquet) {
                (Attach::Csv, _) => {
                    let csv = format::text(answer, Format::Csv, &findings.report.zone);
                    format!("{BOM}{csv}").into_bytes()
                }
                (Attach::Parquet, Some(Ok(bytes))) => bytes.clone(),
                (Attach::Parquet, other) => {
                    if let Some(Err(words)) = other {
                        files.troubles.push(format!("{query}: no Parquet: {words}"));
                    }
                    files.places.insert(place, Fate::Left(Left::Failed));
                    continue;
                }
            };
            if bytes_taken + bytes.len() > FILES_BYTES_MAX {
                let megabytes = bytes.len() as f64 / 1e6;
                let words = format!("{query}: {megabytes:.1} MB are too much to attach");
                files.troubles.push(words);
                files.places.insert(place, Fate::Left(Left::TooLarge));
                continue;
            }
            bytes_taken += bytes.len();
            files.places.insert(place, Fate::Taken(files.taken.len()));
            let name = files.name(query, findings, attach);
            files.taken.push(Enclosure {
                name,
                content_type: match attach {
                    Attach::Csv => Format::Csv.content_type().into(),
                    Attach::Parquet => Format::Parquet.content_type().into(),
                },
                bytes,
            });
        }
        files
    }

    /// `top_cpu-2026-11-23.csv`; a query that is asked twice gets a number.
    fn name(&self, query: &str, findings: &Findings, attach: Attach) -> String {
        let day = written(findings.at, &findings.report.zone, "%Y-%m-%d");
        let ending = attach.as_str();
        let name = |number: usize| match number {
            1 => format!("{query}-{day}.{ending}"),
            number => format!("{query}-{day}-{number}.{ending}"),
        };
        let free = |name: &String| !self.taken.iter().any(|file| file.name == *name);
        (1..=self.taken.len() + 1)
            .map(name)
            .find(free)
            .unwrap_or_else(|| name(0))
    }

    /// What a template says of the file of a section: name and size, or why there is none.
    pub(super) fn of_place(&self, place: usize) -> (Option<Value>, Option<Left>) {
        match self.places.get(&place) {
            Some(Fate::Taken(position)) => {
                let file = self.taken.get(*position);
                let told = file.map(|f| json!({"name": f.name, "bytes": f.bytes.len()}));
                (told, None)
            }
            Some(Fate::Left(left)) => (None, Some(*left)),
            None => (None, None),
        }
    }

    /// What was left out, for the delivery log.
    pub(super) fn notes(&self) -> Vec<String> {
        self.troubles.clone()
    }
}
