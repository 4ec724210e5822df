//! Looking at a section's tables for the first time, and again when they changed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use tokio::time::Instant;

use super::row::{RowData, View};
use super::section::{Learned, LearnedRow, folded};
use super::{System, index, trial};
use crate::collect::snmp::exchange::{Line, Trouble};
use crate::collect::snmp::get::{self, Items};
use crate::collect::snmp::value::Datum;
use crate::collect::snmp::walk::{Walked, walk_roots};
use crate::profile::{Arcs, Fill, Fills, Object, On, Section, Source, dotted};
use crate::reading::{EntityKey, Facts, Row};

/// Rows of one section on one device; the rest is left out and told.
const ROWS_MAX: usize = 20_000;

/// A row as walked, before it is decided what to ask of it.
struct Found {
    data: RowData,
    joined: Box<[Option<Box<[u32]>>]>,
}

/// Walks what the section needs. `None` when the device has nothing of it; else what was learned, and
/// the rows that the walk itself gave.
pub(super) async fn learn(
    line: &mut Line<'_>,
    profile: &str,
    section: &Section,
    system: &System,
    on_trial: bool,
) -> Result<Option<(Learned, Vec<Row>)>, Trouble> {
    let mut blank = vec![Datum::Absent; section.objects.len()];
    let wholes = singles(line, section, &mut blank).await?;
    let mut complete = true;
    let found = match &section.entry {
        None if wholes == 0 && !section.objects.is_empty() && !tells_by_itself(section) => {
            return Ok(None);
        }
        None => vec![Found {
            data: RowData {
                index: Box::default(),
                values: blank,
            },
            joined: Box::default(),
        }],
        Some(entry) => {
            let walked = table(line, profile, entry, &columns_of(section)).await?;
            if walked.rows.is_empty() {
                return Ok(None);
            }
            let mut joins = Vec::with_capacity(section.joins.len());
            for (place, join) in section.joins.iter().enumerate() {
                let walked =
                    table(line, profile, &join.entry, &columns_of_join(section, place)).await?;
                complete &= walked.incomplete.is_none();
                joins.push(walked);
            }
            complete &= walked.incomplete.is_none();
            if walked.rows.len() > ROWS_MAX {
                line.note(format!(
                    "profile {profile}: {} has {} rows, only the first {ROWS_MAX} are read",
                    dotted(entry),
                    walked.rows.len()
                ));
            }
            rows_of(section, walked, &joins, &blank)
        }
    };
    let mut learned = Learned {
        at: Instant::now(),
        read_at: Instant::now(),
        complete: complete && !line.device.young,
        outdated: false,
        always: section.every.is_none() && !section.walk && section.fills != Fills::Host,
        facts: section.fills == Fills::Host,
        kept: Vec::new(),
        rows: Vec::new(),
        trial: Vec::new(),
    };
    if on_trial {
        learned.trial = trial::objects(section, &found.iter().map(|f| &f.data));
    }
    let rows = settle(section, system, found, &mut learned);
    if learned.facts {
        learned.kept.clone_from(&rows);
        learned.rows.clear();
    }
    Ok(Some((learned, rows)))
}

/// Facts of the host that come from what every device says, or stand in the profile, are told also
/// where none of the objects is there.
fn tells_by_itself(section: &Section) -> bool {
    let own = |source: &Source| matches!(source, Source::System(_) | Source::Text(_));
    let mut sources = section.reads.iter().flat_map(|read| &read.sources);
    section.fills == Fills::Host && sources.any(own)
}

/// Asks for the objects that the device has once; how many there are.
async fn singles(
    line: &mut Line<'_>,
    section: &Section,
    values: &mut [Datum],
) -> Result<usize, Trouble> {
    let mut items = Items::default();
    let mut asked = Vec::new();
    for (place, object) in section.objects.iter().enumerate() {
        if let Object::Whole(oid) = object {
            items.push(oid, &[], 16, 0);
            asked.push(place);
        }
    }
    let answers = get::get(line, &items).await?;
    let mut there = 0;
    for (place, answer) in asked.into_iter().zip(answers) {
        there += usize::from(!answer.is_absent());
        values[place] = answer;
    }
    Ok(there)
}

/// The columns of the entry that are walked: those asked for, then those that lead to joins.
fn columns_of(section: &Section) -> Vec<Arcs> {
    let mut columns: Vec<Arcs> = Vec::new();
    let objects = section.objects.iter().filter_map(|object| match object {
        Object::Column(column) => Some(column),
        _ => None,
    });
    let on = section
        .joins
        .iter()
        .flat_map(|j| &j.on)
        .filter_map(|on| match on {
            On::Column(column) => Some(column),
            _ => None,
        });
    for column in objects.chain(on) {
        if !columns.contains(column) {
            columns.push(column.clone());
        }
    }
    columns
}

fn columns_of_join(section: &Section, place: usize) -> Vec<Arcs> {
    let objects = section.objects.iter().filter_map(|object| match object {
        Object::Joined { join, column } if *join == place => Some(column.clone()),
        _ => None,
    });
    objects.collect()
}

async fn table(
    line: &mut Line<'_>,
    profile: &str,
    entry: &[u32],
    columns: &[Arcs],
) -> Result<Walked, Trouble> {
    if columns.is_empty() {
        return Ok(Walked::default());
    }
    let roots = columns
        .iter()
        .map(|column| [entry, column].concat())
        .collect();
    let walked = walk_roots(line, roots).await?;
    if let Some(why) = walked.incomplete {
        line.note(format!(
            "profile {profile}: walk of {} incomplete: {why}",
            dotted(entry)
        ));
    }
    Ok(walked)
}

/// The rows of the entry with what the joins say of each.
fn rows_of(section: &Section, walked: Walked, joins: &[Walked], blank: &[Datum]) -> Vec<Found> {
    let columns = columns_of(section);
    let join_columns: Vec<Vec<Arcs>> = (0..joins.len())
        .map(|j| columns_of_join(section, j))
        .collect();
    let mut found = Vec::new();
    let rows: BTreeMap<Vec<u32>, Vec<Datum>> = walked.rows;
    for (index, row) in rows.into_iter().take(ROWS_MAX) {
        let joined: Box<[Option<Box<[u32]>>]> = section
            .joins
            .iter()
            .map(|join| join_index(section, &join.on, &index, &columns, &row))
            .collect();
        let mut values = blank.to_vec();
        for (place, object) in section.objects.iter().enumerate() {
            let datum = match object {
                Object::Whole(_) => continue,
                Object::Column(column) => columns
                    .iter()
                    .position(|c| c == column)
                    .and_then(|c| row.get(c)),
                Object::Joined { join, column } => {
                    let of_join = joined[*join]
                        .as_deref()
                        .and_then(|index| joins[*join].rows.get(index));
                    let place = join_columns[*join].iter().position(|c| c == column);
                    of_join.zip(place).and_then(|(row, c)| row.get(c))
                }
            };
            values[place] = datum.cloned().unwrap_or_default();
        }
        found.push(Found {
            data: RowData {
                index: index.into(),
                values,
            },
            joined,
        });
    }
    found
}

/// The index of the row of a join; `None` when a part of it is not to be had.
fn join_index(
    section: &Section,
    on: &[On],
    index: &[u32],
    columns: &[Arcs],
    row: &[Datum],
) -> Option<Box<[u32]>> {
    if on.is_empty() {
        return Some(index.into());
    }
    let mut arcs = Vec::new();
    for part in on {
        match part {
            On::Index(part) => arcs.extend(index::arcs(&section.index, index, *part)?),
            On::Number(number) => arcs.push(*number),
            On::Column(column) => {
                let place = columns.iter().position(|c| c == column)?;
                match row.get(place)? {
                    Datum::Oid(oid) => arcs.extend(oid.arcs()),
                    datum => arcs.push(datum.int().and_then(|n| u32::try_from(n).ok())?),
                }
            }
        }
    }
    Some(arcs.into())
}

/// Decides what to ask of each row, names it, and gives the rows as they are now.
fn settle(
    section: &Section,
    system: &System,
    found: Vec<Found>,
    learned: &mut Learned,
) -> Vec<Row> {
    let wanted = wanted(section);
    let (mut deciding, mut naming) = (HashSet::new(), HashSet::new());
    if let Some(keep) = &section.keep {
        keep.reads(&mut |read, _| _ = deciding.insert(read));
    }
    if let Some(entity) = &section.entity {
        entity.reads(&mut |read, _| _ = naming.insert(read));
    }
    let folds = section.folds();
    let has_entity = super::table_of(section.fills).is_some_and(|t| t.entity.is_some());
    let mut names: HashMap<String, usize> = HashMap::new();
    let mut rows = Vec::new();
    let mut all = Vec::new();
    for Found { data, joined } in found {
        let view = View {
            section,
            system,
            index: &data.index,
            values: &data.values,
            all: &[],
        };
        let kept = view.is_kept();
        let mut asks = Vec::new();
        deciding
            .iter()
            .for_each(|read| view.sources(*read, &mut asks));
        let mut proof = Vec::new();
        if kept || folds {
            naming
                .iter()
                .for_each(|read| view.sources(*read, &mut proof));
            asks.extend(
                proof
                    .iter()
                    .filter(|o| !asks.contains(o))
                    .copied()
                    .collect::<Vec<_>>(),
            );
            wanted
                .iter()
                .for_each(|read| view.sources(*read, &mut asks));
        }
        asks.sort_unstable();
        let entity = (has_entity && kept)
            .then(|| Arc::new(EntityKey::named(numbered(view.entity(), &mut names))));
        let facts = if kept && !folds {
            view.facts()
        } else {
            Facts::default()
        };
        if kept && !folds {
            rows.extend(view.row(entity.clone(), facts.clone()));
        }
        learned.rows.push(LearnedRow {
            joined,
            entity,
            facts,
            asks: asks
                .iter()
                .map(|o| (*o, octets(&data.values[usize::from(*o)])))
                .collect(),
            proof: proof
                .iter()
                .map(|o| (*o, data.values[usize::from(*o)].clone()))
                .collect(),
            kept,
            index: data.index.clone(),
        });
        if folds {
            all.push(data);
        }
    }
    if folds {
        rows.extend(folded(section, system, &all));
    }
    rows
}

/// Names that stand twice: the second gets ` #2`.
fn numbered(name: String, names: &mut HashMap<String, usize>) -> String {
    let count = names.entry(name.clone()).or_default();
    *count += 1;
    match *count {
        1 => name,
        n => format!("{name} #{n}"),
    }
}

/// What the columns read.
fn wanted(section: &Section) -> Vec<usize> {
    let mut wanted = Vec::new();
    for fill in &section.columns {
        match fill {
            Fill::Counter { read, .. } => wanted.push(*read),
            Fill::Value { value, .. } => value.reads(&mut |read, _| wanted.push(read)),
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

/// About as long as the value will be next time.
fn octets(datum: &Datum) -> u16 {
    match datum {
        Datum::Bytes(octets) => u16::try_from(octets.len()).unwrap_or(1_400),
        Datum::Oid(oid) => u16::try_from(oid.arcs().len() + 4).unwrap_or(64),
        Datum::Counter64(_) | Datum::Float(_) => 9,
        _ => 5,
    }
}
