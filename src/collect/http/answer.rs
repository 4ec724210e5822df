//! The body of an answer, taken piece by piece.

use crate::inventory::{HttpAccess, HttpFormat};
use crate::machine::table;
use crate::profile::http::{Filled, Filling};
use crate::prometheus::{Exposition, Parser, node};
use crate::reading::Readings;
use serde_json::Value as Json;

/// A body on its way.
pub(super) struct Body {
    kind: Kind,
    bytes: u64,
}

enum Kind {
    Prometheus(Box<Parser>),
    Json(Vec<u8>),
    Ignored,
}

impl Body {
    pub(super) fn new(format: HttpFormat) -> Body {
        Body {
            kind: match format {
                HttpFormat::Prometheus => Kind::Prometheus(Box::default()),
                HttpFormat::Json => Kind::Json(Vec::new()),
                HttpFormat::None => Kind::Ignored,
            },
            bytes: 0,
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn feed(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        match &mut self.kind {
            Kind::Prometheus(parser) => parser.feed(piece),
            Kind::Json(octets) => octets.extend_from_slice(piece),
            Kind::Ignored => {}
        }
    }

    /// Half an answer says nothing.
    pub(super) fn give_up(&mut self) {
        self.kind = Kind::Ignored;
    }

    /// What it says, and why it is not what it should be.
    pub(super) fn finish(self, access: &HttpAccess) -> (Readings, Option<String>) {
        match self.kind {
            Kind::Ignored => (Readings::default(), None),
            Kind::Prometheus(parser) => families(&parser.finish(), access),
            Kind::Json(octets) => match serde_json::from_slice::<Json>(&octets) {
                Ok(answer) => json(&answer, access),
                Err(error) => {
                    let why = format!("the answer is not JSON: {error}");
                    (Readings::default(), Some(why))
                }
            },
        }
    }
}

fn families(found: &Exposition, access: &HttpAccess) -> (Readings, Option<String>) {
    if found.count == 0 {
        let why = match found.told.first() {
            Some((line, why)) => {
                format!("the answer is no text of Prometheus (line {line}: {why})")
            }
            None => "the answer holds no samples".to_owned(),
        };
        return (Readings::default(), Some(why));
    }
    let mut readings = match node::is_node(found) {
        true => node::readings(found),
        false => Readings::default(),
    };
    readings.problems.extend(found.problems());
    fill(&mut readings, access, |filling| filling.of_families(found));
    (readings, None)
}

fn json(answer: &Json, access: &HttpAccess) -> (Readings, Option<String>) {
    let mut readings = Readings::default();
    fill(&mut readings, access, |filling| filling.of_json(answer));
    (readings, None)
}

/// What the profiles of the endpoint make of the answer.
fn fill(readings: &mut Readings, access: &HttpAccess, rows: impl Fn(&Filling) -> Filled) {
    for filling in access.profiles.iter().flat_map(|profile| &profile.http) {
        let filled = rows(filling);
        readings.problems.extend(filled.problem);
        if filled.rows.is_empty() {
            continue;
        }
        let known = readings
            .tables
            .iter_mut()
            .find(|t| t.table == filling.table);
        match known {
            Some(known) => known.rows.extend(filled.rows),
            None => readings.tables.push(table(filling.table, filled.rows)),
        }
    }
}
