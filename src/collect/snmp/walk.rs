//! Walking tables, with guards against devices that never end.
//!
//! Several columns go side by side, each with its own cursor, so that a sparse column does not shift
//! the others. Version 2c uses GETBULK, version 1 GETNEXT.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::exchange::{Line, Trouble};
use super::message::{self, Ask, Malformed, Response};
use super::oid;
use super::value::Datum;
use crate::inventory::SnmpVersion;

const NO_SUCH_NAME: u32 = 2;
const MOST_VARBINDS: usize = 50_000;
const MOST_BYTES: usize = 8 << 20;
const MOST_REPETITIONS: usize = 50;
/// A table that was not there is looked for again after this long.
const ABSENT_FOR: Duration = Duration::from_secs(3_600);

/// A table of the device: its entry and the columns we want.
pub(super) struct TableSpec {
    pub(super) name: &'static str,
    pub(super) entry: &'static [u32],
    pub(super) columns: &'static [u32],
}

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// By index; values by the position in [`TableSpec::columns`], `Absent` where there is none.
    pub(super) rows: BTreeMap<Vec<u32>, Vec<Datum>>,
    /// Why the walk ended before the table did. Rows that are missing then may still exist.
    pub(super) incomplete: Option<&'static str>,
}

impl Walked {
    /// The rows whose index is a single number, as in nearly all tables.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (u32, &[Datum])> {
        self.rows.iter().filter_map(|(index, row)| match **index {
            [number] => Some((number, row.as_slice())),
            _ => None,
        })
    }
}

/// Walks a table, unless it was found absent within the last hour.
pub(super) async fn walk(line: &mut Line<'_>, spec: &TableSpec) -> Result<Walked, Trouble> {
    let absent = line.device.absent.get(spec.name);
    if absent.is_some_and(|since| since.elapsed() < ABSENT_FOR) {
        return Ok(Walked::default());
    }
    let walked = walk_always(line, spec).await?;
    if walked.rows.is_empty() && walked.incomplete.is_none() && !line.device.young {
        line.device.absent.insert(spec.name, Instant::now());
    } else {
        line.device.absent.remove(spec.name);
    }
    if let Some(why) = walked.incomplete {
        line.note(format!("walk of {} incomplete: {why}", spec.name));
    }
    Ok(walked)
}

struct Column {
    root: Vec<u32>,
    /// The last name seen; the root at first.
    last: Vec<u32>,
    open: bool,
}

/// One reply, taken apart.
#[derive(Default)]
struct Step {
    /// Column, name, value.
    cells: Vec<(usize, Vec<u32>, Datum)>,
    ended: Vec<usize>,
    /// The device breaks the rules: end here.
    stop: Option<&'static str>,
    error_status: u32,
    error_index: usize,
    varbinds: usize,
    bytes: usize,
}

async fn walk_always(line: &mut Line<'_>, spec: &TableSpec) -> Result<Walked, Trouble> {
    let root = |column: &u32| [spec.entry, &[*column]].concat();
    walk_roots(line, spec.columns.iter().map(root).collect()).await
}

/// Walks the columns below these names, side by side. Values of a row are in the order of the roots.
pub(super) async fn walk_roots(
    line: &mut Line<'_>,
    roots: Vec<Vec<u32>>,
) -> Result<Walked, Trouble> {
    let mut columns: Vec<Column> = roots.into_iter().map(Column::new).collect();
    let mut walked = Walked::default();
    let (mut seen, mut bytes) = (0, 0);
    let mut varbinds = Vec::new();
    loop {
        let width = line.device.packing.walked.max(1);
        let asked: Vec<usize> = (0..columns.len())
            .filter(|c| columns[*c].open)
            .take(width)
            .collect();
        if asked.is_empty() {
            return Ok(walked);
        }
        let repetitions = (width / asked.len()).clamp(1, MOST_REPETITIONS);
        let (ask, most) = match line.version {
            SnmpVersion::V1 => (Ask::GetNext, asked.len()),
            SnmpVersion::V2c | SnmpVersion::V3 => {
                let max_repetitions = repetitions as u32;
                (Ask::GetBulk { max_repetitions }, asked.len() * repetitions)
            }
        };
        varbinds.clear();
        for c in &asked {
            message::push_name(&columns[*c].last, &[], &mut varbinds);
        }
        let step = line
            .ask(ask, &varbinds, |r| take(r, &columns, &asked, most))
            .await;
        let step = match step {
            Ok(step) => step,
            Err(Trouble::Silence { .. }) if most > 1 && line.answered > 0 => {
                line.device.packing.halve_walked(most);
                continue;
            }
            Err(trouble) => return Err(trouble),
        };
        if step.error_status != 0 {
            walked.incomplete = refused(line, &mut columns, &asked, most, &step);
        } else if step.varbinds == most && most > 1 {
            line.device.packing.learn_walked(step.bytes, most);
        }
        seen += step.varbinds;
        bytes += step.bytes;
        walked.incomplete = walked.incomplete.or(step.stop);
        settle(&mut columns, &mut walked, step);
        if seen > MOST_VARBINDS {
            walked.incomplete = Some("more than 50,000 values");
        } else if bytes > MOST_BYTES {
            walked.incomplete = Some("more than 8 MiB");
        }
        if walked.incomplete.is_some() {
            return Ok(walked);
        }
    }
}

impl Column {
    fn new(root: Vec<u32>) -> Column {
        Column {
            last: root.clone(),
            root,
            open: true,
        }
    }
}

/// Takes one reply apart. Pure: a malformed one leaves no trace.
fn take(
    response: &Response<'_>,
    columns: &[Column],
    asked: &[usize],
    most: usize,
) -> Result<Step, Malformed> {
    let mut step = Step {
        error_status: response.error_status,
        error_index: response.error_index as usize,
        bytes: response.length(),
        ..Step::default()
    };
    if step.error_status != 0 {
        return Ok(step);
    }
    let mut last: Vec<Option<usize>> = vec![None; asked.len()];
    let mut arcs = Vec::new();
    for varbind in response.varbinds() {
        let (name, value) = varbind?;
        if step.varbinds == most {
            return Err(Malformed("more varbinds than asked for"));
        }
        let place = step.varbinds % asked.len();
        step.varbinds += 1;
        let c = asked[place];
        if step.stop.is_some() || step.ended.contains(&c) {
            continue;
        }
        oid::decode(name, &mut arcs)?;
        if value.is_absent() || !arcs.starts_with(&columns[c].root) {
            step.ended.push(c);
            continue;
        }
        let before = last[place].map_or(&columns[c].last, |i: usize| &step.cells[i].1);
        if arcs <= *before {
            step.stop = Some("the names do not increase");
            continue;
        }
        last[place] = Some(step.cells.len());
        step.cells.push((c, arcs.clone(), value));
    }
    if step.varbinds == 0 {
        step.stop = Some("an empty reply");
    }
    Ok(step)
}

/// Moves the cursors and files the values.
fn settle(columns: &mut [Column], walked: &mut Walked, step: Step) {
    let width = columns.len();
    for (c, name, value) in step.cells {
        let index = name[columns[c].root.len()..].to_vec();
        let row = walked
            .rows
            .entry(index)
            .or_insert_with(|| vec![Datum::Absent; width]);
        row[c] = value;
        columns[c].last = name;
    }
    for c in step.ended {
        columns[c].open = false;
    }
}

/// Asks for less, or ends the column that has no more; returns why nothing else is left to try.
fn refused(
    line: &mut Line<'_>,
    columns: &mut [Column],
    asked: &[usize],
    most: usize,
    step: &Step,
) -> Option<&'static str> {
    if step.error_status == NO_SUCH_NAME {
        // Version 1 says so at the end of the view.
        match (step.error_index, asked) {
            (0, [only]) => columns[*only].open = false,
            (0, _) => line.device.packing.halve_walked(asked.len()),
            (index, _) if index <= asked.len() => columns[asked[index - 1]].open = false,
            _ => return Some("an error about a name that was not asked for"),
        }
        return None;
    }
    if most > 1 {
        line.device.packing.halve_walked(most);
        return None;
    }
    Some("the device refuses even one value")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::snmp::testing;

    const ROOT: &[u32] = &[1, 3, 6, 1, 9];

    fn one(arcs: &[&[u32]]) -> Step {
        let mut column = Column::new(ROOT.to_vec());
        column.last.push(5);
        let varbinds: Vec<_> = arcs.iter().map(|a| (*a, 0x02, vec![1])).collect();
        let datagram = testing::message(1, b"x", 0xa2, 1, 0, 0, &varbinds);
        let response = Response::decode(&datagram).unwrap();
        take(&response, &[column], &[0], 10).unwrap()
    }

    #[test]
    fn goes_on_only_upwards_and_inside() {
        assert_eq!(
            one(&[&[1, 3, 6, 1, 9, 6], &[1, 3, 6, 1, 9, 7, 1]])
                .cells
                .len(),
            2
        );
        assert_eq!(one(&[&[1, 3, 6, 1, 10, 1], &[1, 3, 6, 1, 9, 7]]).ended, [0]);
        assert!(one(&[&[1, 3, 6, 1, 9, 5]]).stop.is_some(), "the same name");
        assert!(
            one(&[&[1, 3, 6, 1, 9, 4]]).stop.is_some(),
            "an earlier name"
        );
        assert!(one(&[&[1, 3, 6, 1, 9]]).stop.is_some(), "the root itself");
        assert!(
            one(&[&[1, 3, 6, 1, 9, 7], &[1, 3, 6, 1, 9, 6]])
                .stop
                .is_some()
        );
        assert!(one(&[]).stop.is_some(), "nothing at all");
    }
}
