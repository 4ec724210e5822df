//! Asking for known objects, as many at once as the device bears.

use std::ops::Range;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::exchange::{Line, Trouble};
use super::message::{self, Ask, Malformed, Response, Varbinds};
use super::oid::Oid;
use super::value::Datum;

const TOO_BIG: u32 = 1;
const NO_SUCH_NAME: u32 = 2;

/// Estimated envelope of a reply, and of the frames around each value in it.
const ENVELOPE: usize = 60;

/// A list of objects to ask for, encoded once and asked in every poll.
#[derive(Default)]
pub(super) struct Items {
    varbinds: Vec<u8>,
    /// Where each ends, its expected length in the reply, and its group.
    items: Vec<Item>,
}

struct Item {
    end: u32,
    reply: u16,
    group: u8,
}

impl Items {
    /// Adds the object `root` + `index`, whose value will take about `value` octets. A device of
    /// version 1 that lacks the first of a group other than 0 lacks the rest of it too.
    pub(super) fn push(&mut self, root: &[u32], index: &[u32], value: usize, group: u8) {
        let start = self.varbinds.len();
        message::push_name(root, index, &mut self.varbinds);
        self.items.push(Item {
            end: self.varbinds.len() as u32,
            reply: (self.varbinds.len() - start + value) as u16,
            group,
        });
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// The items behind `item` in its group, when it is the group's first.
    fn rest_of_group(&self, item: usize) -> Range<usize> {
        let group = self.items[item].group;
        if group == 0 || (item > 0 && self.items[item - 1].group == group) {
            return item..item;
        }
        let rest = self.items[item..].iter().take_while(|i| i.group == group);
        item + 1..item + rest.count()
    }

    fn octets(&self, item: usize) -> Range<usize> {
        let start = match item {
            0 => 0,
            _ => self.items[item - 1].end as usize,
        };
        start..self.items[item].end as usize
    }

    /// The name of an item, for people.
    fn name(&self, item: usize) -> String {
        Varbinds::of(&self.varbinds[self.octets(item)])
            .next()
            .and_then(|v| v.ok())
            .and_then(|(name, _)| Oid::from_ber(name).ok())
            .map_or_else(String::new, |oid| oid.to_string())
    }
}

enum Answer {
    Values(Vec<Datum>),
    Error { status: u32, index: usize },
}

/// One request's share of the items.
struct Batch {
    asked: Vec<usize>,
    varbinds: Vec<u8>,
}

/// The values of all items in their order, `Absent` where the device has none.
///
/// # Errors
/// When any part stays without an answer: never part of the values.
pub(super) async fn get(line: &mut Line<'_>, items: &Items) -> Result<Vec<Datum>, Trouble> {
    let begun = Instant::now();
    let retries = line.effort.retries;
    let mut values: Vec<Option<Datum>> = vec![None; items.len()];
    let mut rounds = 0;
    loop {
        let batches = pack(line, items, &values);
        if batches.is_empty() {
            break;
        }
        rounds += 1;
        let course = line.course();
        let asking = batches.iter().map(|b| {
            let read = |r: &Response<'_>| read(r, &b.varbinds, b.asked.len());
            course.ask(Ask::Get, &b.varbinds, read)
        });
        let answers = join_all(asking).await;
        for (batch, (answer, cost)) in batches.iter().zip(answers) {
            line.charge(&cost, answer.is_ok());
            take(line, items, &mut values, &batch.asked, answer)?;
        }
    }
    let clean = line.effort.retries == retries;
    line.device.pace.widen(clean, rounds, begun.elapsed());
    Ok(values.into_iter().map(Option::unwrap_or_default).collect())
}

fn take(
    line: &mut Line<'_>,
    items: &Items,
    values: &mut [Option<Datum>],
    asked: &[usize],
    answer: Result<Answer, Trouble>,
) -> Result<(), Trouble> {
    match answer {
        Ok(Answer::Values(read)) => {
            for (item, value) in asked.iter().zip(read) {
                values[*item] = Some(value);
            }
        }
        Ok(Answer::Error { status, index }) => {
            refused(line, items, values, asked, status, index);
        }
        // It answers less: perhaps a long datagram does not get through, or not several at once.
        Err(Trouble::Silence { .. }) if asked.len() > 1 && line.answered > 0 => {
            line.device.pace.widen(false, 0, Duration::ZERO);
            line.device.packing.halve(asked.len());
        }
        Err(trouble) => return Err(trouble),
    }
    Ok(())
}

/// The next requests: items without a value, as many at once as the device bears.
fn pack(line: &Line<'_>, items: &Items, values: &[Option<Datum>]) -> Vec<Batch> {
    let packing = line.device.packing;
    let mut batches: Vec<Batch> = Vec::new();
    let mut bytes = usize::MAX;
    for (item, _) in values.iter().enumerate().filter(|(_, v)| v.is_none()) {
        let reply = usize::from(items.items[item].reply);
        let full = batches
            .last()
            .is_none_or(|b| b.asked.len() >= packing.varbinds);
        if full || bytes.saturating_add(reply) > packing.bytes {
            if batches.len() == line.device.pace.window() {
                break;
            }
            batches.push(Batch {
                asked: Vec::new(),
                varbinds: Vec::new(),
            });
            bytes = ENVELOPE;
        }
        bytes += reply;
        if let Some(batch) = batches.last_mut() {
            batch.asked.push(item);
            batch
                .varbinds
                .extend_from_slice(&items.varbinds[items.octets(item)]);
        }
    }
    batches
}

/// Accepts exactly the names that were asked, in their order.
fn read(response: &Response<'_>, asked: &[u8], count: usize) -> Result<Answer, Malformed> {
    let index = response.error_index as usize;
    if response.error_status != 0 {
        if index > count {
            return Err(Malformed("an error about a varbind that was not asked for"));
        }
        return Ok(Answer::Error {
            status: response.error_status,
            index,
        });
    }
    let mut values = Vec::with_capacity(count);
    let mut asked = Varbinds::of(asked);
    for varbind in response.varbinds() {
        let (name, value) = varbind?;
        let (expected, _) = asked
            .next()
            .ok_or(Malformed("more varbinds than asked for"))??;
        if name != expected {
            return Err(Malformed("another object than asked for"));
        }
        values.push(value);
    }
    if values.len() < count {
        return Err(Malformed("fewer varbinds than asked for"));
    }
    Ok(Answer::Values(values))
}

/// Makes the next request smaller, or leaves out what the device refuses.
fn refused(
    line: &mut Line<'_>,
    items: &Items,
    values: &mut [Option<Datum>],
    asked: &[usize],
    status: u32,
    index: usize,
) {
    if status == TOO_BIG && asked.len() > 1 {
        line.device.packing.halve(asked.len());
        return;
    }
    if index == 0 && asked.len() > 1 {
        line.device.packing.halve(asked.len());
        return;
    }
    let item = asked[index.max(1) - 1];
    values[item] = Some(Datum::Absent);
    if status == NO_SUCH_NAME {
        for other in items.rest_of_group(item) {
            values[other].get_or_insert(Datum::Absent);
        }
    } else {
        let name = items.name(item);
        line.note(format!("{name} refused with error {status}"));
    }
}
