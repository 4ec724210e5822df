//! What profiles made of a device, for people who write them.

use super::row::RowData;
use super::{Profiles, State};
use crate::collect::snmp::text;
use crate::collect::snmp::value::Datum;
use crate::profile::{Object, Section, dotted};

/// What became of every profile.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    pub profiles: Vec<TrialProfile>,
}

#[derive(Clone, Debug)]
pub struct TrialProfile {
    pub name: String,
    pub used: bool,
    /// What made it match, or what kept it from matching.
    pub why: String,
    pub sections: Vec<TrialSection>,
}

#[derive(Clone, Debug)]
pub struct TrialSection {
    /// The table, or `host`.
    pub fills: &'static str,
    pub entry: Option<String>,
    /// `read`, `nothing there`, `failed`, `not reached in time`.
    pub outcome: &'static str,
    /// Rows of the device, and those that `where` kept.
    pub rows: usize,
    pub kept: usize,
    pub objects: Vec<TrialObject>,
}

#[derive(Clone, Debug)]
pub struct TrialObject {
    pub oid: String,
    /// How many rows have it.
    pub found: usize,
    /// The first value, shown safely.
    pub sample: String,
}

/// How often each object of the section was there, and one value of it.
pub(super) fn objects<'r>(
    section: &Section,
    rows: &(impl Iterator<Item = &'r RowData> + Clone),
) -> Vec<TrialObject> {
    let objects = section.objects.iter().enumerate().map(|(place, object)| {
        let values = rows
            .clone()
            .filter_map(|row| row.values.get(place))
            .filter(|d| !d.is_absent());
        let oid = match object {
            Object::Whole(oid) => dotted(oid).to_string(),
            Object::Column(column) => {
                format!(
                    "{}.{}",
                    dotted(section.entry.as_deref().unwrap_or_default()),
                    dotted(column)
                )
            }
            Object::Joined { join, column } => {
                let entry = section.joins.get(*join).map_or(&[][..], |j| &j.entry);
                format!("{}.{}", dotted(entry), dotted(column))
            }
        };
        TrialObject {
            oid,
            found: values.clone().count(),
            sample: values.into_iter().next().map_or_else(String::new, shown),
        }
    });
    objects.collect()
}

fn shown(datum: &Datum) -> String {
    let text = match datum {
        Datum::Bytes(octets) => format!("'{}'", text::shown(octets)),
        Datum::Oid(oid) => oid.to_string(),
        Datum::Ip(octets) => octets.map(|o| o.to_string()).join("."),
        Datum::Float(v) => v.to_string(),
        Datum::Counter64(v) => format!("{v} (counter of 64 bits)"),
        Datum::Counter32(v) => format!("{v} (counter)"),
        datum => datum
            .int()
            .map_or_else(|| format!("{datum:?}"), |n| n.to_string()),
    };
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

impl Profiles {
    /// What became of every profile at the last collection.
    pub(in crate::collect::snmp) fn trial(&self) -> Trial {
        let profiles = self.verdicts.iter().map(|(profile, verdict)| TrialProfile {
            name: profile.name.to_string(),
            used: verdict.used,
            why: verdict.why.clone(),
            sections: self
                .parts
                .iter()
                .filter(|part| std::sync::Arc::ptr_eq(&part.profile, profile))
                .map(|part| section(&part.profile.sections[part.section], &part.state))
                .collect(),
        });
        Trial {
            profiles: profiles.collect(),
        }
    }
}

fn section(section: &Section, state: &State) -> TrialSection {
    let mut told = TrialSection {
        fills: section.name(),
        entry: section
            .entry
            .as_deref()
            .map(|entry| dotted(entry).to_string()),
        outcome: "not reached in time",
        rows: 0,
        kept: 0,
        objects: Vec::new(),
    };
    match state {
        State::New => {}
        State::Absent(_) => told.outcome = "nothing there",
        State::Failed(_) => told.outcome = "failed",
        State::Learned(learned) => {
            told.outcome = "read";
            told.rows = learned.rows.len();
            told.kept = learned.rows.iter().filter(|row| row.kept).count();
            told.objects.clone_from(&learned.trial);
        }
    }
    told
}
