//! Profiles: which ones are for a device, what they ask it, and the rows that come out.
//!
//! A section is learned by walking its tables once; from then on its known instances are asked with
//! everything else. Sections are learned after the built-in objects are read, as far as the time
//! goes, so that a device too slow for all of them is read all the same and learned poll by poll.

mod index;
mod learn;
mod mapping;
mod merge;
mod offers;
mod row;
mod section;
mod trial;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::exchange::{Line, Trouble};
use super::get::{self, Items};
use super::plan::Values;
use crate::profile::{Fills, Profile, ProfileSet, Verdict};
use crate::reading::{EntityKey, Facts, Row, Value};
use crate::table::{HOST_FACTS, Table};

pub(super) use merge::Merged;
use section::Learned;
pub use trial::{Trial, TrialObject, TrialProfile, TrialSection};

/// A section is learned anew after this long, and sooner when rows came or went.
const LASTS: Duration = Duration::from_secs(1_800);
/// After a walk that did not reach its end, or when rows went: not at every poll.
const SOON: Duration = Duration::from_secs(300);
/// What the device did not offer is looked for again after this long.
const ABSENT_FOR: Duration = Duration::from_secs(3_600);
/// Learning begins only with this much time left.
const LEAST_TIME: Duration = Duration::from_millis(500);

/// What the device says of itself, for matching and as a source.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct System {
    pub(super) object_id: Vec<u32>,
    pub(super) descr: Arc<str>,
    pub(super) name: Arc<str>,
}

impl System {
    /// From the facts of the host as the built-in objects give them.
    pub(super) fn of(facts: &[(&'static str, String)]) -> System {
        let fact = |name| {
            facts
                .iter()
                .find(|(n, _)| *n == name)
                .map_or("", |(_, v)| v.as_str())
        };
        System {
            object_id: crate::profile::arcs(fact("sys_object_id")).map_or_else(Vec::new, Vec::from),
            descr: fact("sys_descr").into(),
            name: fact("sys_name").into(),
        }
    }
}

/// One section of a profile that is for the device, and how far it is.
struct Part {
    profile: Arc<Profile>,
    section: usize,
    state: State,
}

enum State {
    New,
    /// The device had none of it.
    Absent(Instant),
    /// It could not be walked.
    Failed(Instant),
    Learned(Box<Learned>),
}

/// What one device's profiles are, kept from poll to poll.
#[derive(Default)]
pub(super) struct Profiles {
    set: ProfileSet,
    system: System,
    judged: Option<Instant>,
    /// Of every profile there is; kept for people to look at, for they are long.
    verdicts: Vec<(Arc<Profile>, Verdict)>,
    parts: Vec<Part>,
    /// Changes with what is to be asked in every poll.
    pub(super) version: u64,
    /// Answers are kept for people to look at.
    pub(super) trial: bool,
}

/// The rows and facts of one part.
pub(super) struct Given {
    rank: u8,
    profile: Arc<str>,
    fills: Fills,
    rows: Vec<Row>,
    facts: Vec<(&'static str, String)>,
}

impl Profiles {
    /// Follows the inventory; a profile that changed is learned anew.
    pub(super) fn follow(&mut self, set: &ProfileSet) {
        if self.set != *set {
            self.set = set.clone();
            self.judged = None;
        }
    }

    /// Looks at everything anew at the next opportunity: the device restarted.
    pub(super) fn suspect(&mut self) {
        self.judged = None;
        for part in &mut self.parts {
            match &mut part.state {
                State::Learned(learned) => learned.outdated = true,
                state => *state = State::New,
            }
        }
    }

    /// Adds what is asked in every poll.
    pub(super) fn push(&self, items: &mut Items) {
        for part in &self.parts {
            if let State::Learned(learned) = &part.state
                && learned.in_every_poll()
            {
                learned.push(&part.profile.sections[part.section], items);
            }
        }
    }

    /// What is asked in every poll was too much for the device: it is left alone for a while.
    pub(super) fn give_up(&mut self) {
        for part in &mut self.parts {
            if matches!(&part.state, State::Learned(learned) if learned.in_every_poll()) {
                part.state = State::Failed(Instant::now());
            }
        }
        self.version += 1;
    }

    /// Takes the answers to what [`Profiles::push`] asked.
    pub(super) fn take(&mut self, values: &mut Values) -> Vec<Given> {
        let mut given = Vec::new();
        for part in &mut self.parts {
            let State::Learned(learned) = &mut part.state else {
                continue;
            };
            if learned.in_every_poll() {
                let rows = learned.take(&part.profile.sections[part.section], &self.system, values);
                given.push(part.profile.given(part.section, rows));
            } else if learned.is_fact() {
                given.push(part.profile.given(part.section, learned.kept.clone()));
            }
        }
        given
    }

    /// Asks what is due less often, walks what is walked each time, and learns what is not learned
    /// yet, while there is time. What goes wrong is a problem of the collection, not its failure.
    pub(super) async fn catch_up(
        &mut self,
        line: &mut Line<'_>,
        facts: &[(&'static str, String)],
    ) -> Vec<Given> {
        let system = System::of(facts);
        if self.system != system {
            self.system = system;
            self.judged = None;
        }
        let mut given = Vec::new();
        if self.set.profiles.is_empty() {
            self.parts.clear();
            self.verdicts.clear();
            return given;
        }
        let untold = self.trial && self.verdicts.is_empty();
        if (untold || self.judged.is_none_or(|at| at.elapsed() > LASTS))
            && let Err(trouble) = self.judge(line).await
        {
            let why = line.failure(&trouble).message;
            line.note(format!("profiles: {why}"));
            return given;
        }
        for place in 0..self.parts.len() {
            if line.deadline.saturating_duration_since(Instant::now()) < LEAST_TIME {
                if !self.parts[place].is_settled() {
                    line.note("profiles: not everything could be looked at in time; it goes on with the next poll".into());
                }
                break;
            }
            match self.advance(place, line).await {
                Ok(Some(more)) => given.push(more),
                Ok(None) => {}
                Err(trouble) => {
                    let part = &mut self.parts[place];
                    let why = line.failure(&trouble).message;
                    line.note(format!(
                        "profile {}, {}: {why}",
                        part.profile.name,
                        part.name()
                    ));
                    if !matches!(part.state, State::Learned(_)) {
                        part.state = State::Failed(Instant::now());
                    }
                }
            }
        }
        given
    }

    /// Decides which profiles are for the device. What was learned of one that stays is kept.
    async fn judge(&mut self, line: &mut Line<'_>) -> Result<(), Trouble> {
        let offers = offers::ask(line, &self.set, &self.system).await?;
        let known = |oid: &[u32]| offers.get(oid).copied();
        let mut before = std::mem::take(&mut self.parts);
        self.verdicts.clear();
        for profile in self.set.profiles.iter() {
            let verdict = profile.judge(
                &self.system.object_id,
                &self.system.descr,
                self.set.pinned,
                &known,
            );
            if verdict.used {
                for section in 0..profile.sections.len() {
                    let same = |p: &Part| p.section == section && p.profile == *profile;
                    let state = match before.iter().position(same) {
                        Some(place) => before.swap_remove(place).state,
                        None => State::New,
                    };
                    let profile = profile.clone();
                    self.parts.push(Part {
                        profile,
                        section,
                        state,
                    });
                }
            }
            if self.trial {
                self.verdicts.push((profile.clone(), verdict));
            }
        }
        self.parts.shrink_to_fit();
        self.judged = Some(Instant::now());
        self.version += 1;
        Ok(())
    }

    /// One part, a step further.
    async fn advance(
        &mut self,
        place: usize,
        line: &mut Line<'_>,
    ) -> Result<Option<Given>, Trouble> {
        let part = &mut self.parts[place];
        let section = &part.profile.sections[part.section];
        let look = match &mut part.state {
            State::New => true,
            State::Absent(since) => since.elapsed() > ABSENT_FOR,
            State::Failed(since) => since.elapsed() > SOON,
            State::Learned(learned) => {
                learned.is_old() || (section.walk && learned.is_due(section))
            }
        };
        if look {
            let found =
                learn::learn(line, &part.profile.name, section, &self.system, self.trial).await?;
            self.version += 1;
            let Some((learned, rows)) = found else {
                // A device that has just started may offer it soon.
                let state = if line.device.young {
                    State::Failed
                } else {
                    State::Absent
                };
                part.state = state(Instant::now());
                return Ok(None);
            };
            part.state = State::Learned(Box::new(learned));
            return Ok(Some(part.profile.given(part.section, rows)));
        }
        let State::Learned(learned) = &mut part.state else {
            return Ok(None);
        };
        if learned.in_every_poll() || learned.is_fact() || !learned.is_due(section) {
            return Ok(None);
        }
        let mut items = Items::default();
        learned.push(section, &mut items);
        let answers = get::get(line, &items).await?;
        let rows = learned.take(section, &self.system, &mut Values::of(answers));
        Ok(Some(part.profile.given(part.section, rows)))
    }
}

impl Part {
    fn name(&self) -> &'static str {
        self.profile.sections[self.section].name()
    }

    fn is_settled(&self) -> bool {
        !matches!(self.state, State::New)
    }
}

impl Profile {
    fn given(&self, section: usize, rows: Vec<Row>) -> Given {
        let fills = self.sections[section].fills;
        let mut given = Given {
            rank: self.rank,
            profile: self.name.clone(),
            fills,
            rows: Vec::new(),
            facts: Vec::new(),
        };
        match fills {
            Fills::Table(_) => given.rows = rows,
            Fills::Host => {
                for (fact, value) in rows
                    .iter()
                    .flat_map(|row| HOST_FACTS.iter().zip(&row.values))
                {
                    if let Value::Text(text) = value {
                        given.facts.push((fact.name, text.to_string()));
                    }
                }
            }
        }
        given
    }
}

/// An empty row of what a section fills.
fn blank(fills: Fills, entity: Option<Arc<EntityKey>>) -> Row {
    match fills {
        Fills::Table(table) => Row::shared(table, entity),
        Fills::Host => Row {
            entity: None,
            values: vec![Value::Null; HOST_FACTS.len()],
            facts: Facts::default(),
            discontinuity: None,
        },
    }
}

/// The table that a section fills, unless it is the host.
fn table_of(fills: Fills) -> Option<&'static Table> {
    match fills {
        Fills::Table(table) => Some(table),
        Fills::Host => None,
    }
}
