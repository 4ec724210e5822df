//! Asking for known objects, as many at once as the device bears.

use std::borrow::Cow;
use std::ops::Range;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::exchange::{Line, Trouble};
use super::message::{self, Ask, Malformed, Response};
use super::oid::Oid;
use super::value::Datum;

const TOO_BIG: u32 = 1;
const NO_SUCH_NAME: u32 = 2;

/// Estimated envelope of a reply, and of the frames around each value in it.
const ENVELOPE: usize = 60;

/// A list of objects to ask for, encoded as it is sent.
#[derive(Default)]
pub(super) struct Items {
    varbinds: Vec<u8>,
    items: Vec<Item>,
}

/// Where one begins, where in it its name does, its expected length in the reply, and its group.
struct Item {
    start: u32,
    name: u8,
    reply: u16,
    group: u8,
}

impl Items {
    /// An empty list with room for so many.
    pub(super) fn with_capacity(items: usize) -> Items {
        const USUAL_OCTETS: usize = 20;
        Items {
            varbinds: Vec::with_capacity(items * USUAL_OCTETS),
            items: Vec::with_capacity(items),
        }
    }

    /// Adds the object `root` + `index`, whose value will take about `value` octets. A device of
    /// version 1 that lacks the first of a group other than 0 lacks the rest of it too.
    pub(super) fn push(&mut self, root: &[u32], index: &[u32], value: usize, group: u8) {
        let start = self.varbinds.len();
        let name = message::push_name(root, index, &mut self.varbinds);
        self.items.push(Item {
            start: start as u32,
            name: name as u8,
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
        let next = self.items.get(item + 1);
        let end = next.map_or(self.varbinds.len(), |next| next.start as usize);
        self.items[item].start as usize..end
    }

    /// The content octets of the item's name.
    fn name_octets(&self, item: usize) -> &[u8] {
        const NO_VALUE: usize = 2;
        let octets = self.octets(item);
        let name = usize::from(self.items[item].name);
        &self.varbinds[octets.start + name..octets.end - NO_VALUE]
    }

    /// The name of an item, for people.
    fn name(&self, item: usize) -> String {
        Oid::from_ber(self.name_octets(item)).map_or_else(|_| String::new(), |oid| oid.to_string())
    }
}

enum Answer {
    Values(Vec<Datum>),
    Error { status: u32, index: usize },
}

/// One request's share of the items.
struct Batch<'i> {
    asked: Vec<usize>,
    varbinds: Cow<'i, [u8]>,
}

/// The values of all items in their order, `Absent` where the device has none.
///
/// # Errors
/// When any part stays without an answer: never part of the values.
pub(super) async fn get(line: &mut Line<'_>, items: &Items) -> Result<Vec<Datum>, Trouble> {
    let begun = Instant::now();
    let retries = line.effort.retries;
    let mut values: Vec<Option<Datum>> = vec![None; items.len()];
    // Before it all items have a value.
    let mut open = 0;
    let mut rounds = 0;
    loop {
        let answered = values[open..].iter().take_while(|v| v.is_some()).count();
        open += answered;
        let batches = pack(line, items, &values, open);
        if batches.is_empty() {
            break;
        }
        rounds += 1;
        let course = line.course();
        let asking = batches.iter().map(|b| {
            let read = |r: &Response<'_>| read(r, items, &b.asked);
            course.ask(Ask::Get, &b.varbinds, read)
        });
        let answers = together(asking).await;
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

/// The results of all; one alone, as nearly always, needs no room of its own.
async fn together<F: Future>(mut futures: impl ExactSizeIterator<Item = F>) -> Vec<F::Output> {
    if futures.len() > 1 {
        return join_all(futures).await;
    }
    match futures.next() {
        Some(only) => vec![only.await],
        None => Vec::new(),
    }
}

/// The next requests: items from `open` on without a value, as many at once as the device bears.
fn pack<'i>(
    line: &Line<'_>,
    items: &'i Items,
    values: &[Option<Datum>],
    open: usize,
) -> Vec<Batch<'i>> {
    let packing = line.device.packing;
    let mut batches: Vec<Batch<'i>> = Vec::with_capacity(1);
    let mut bytes = usize::MAX;
    let left = values.iter().enumerate().skip(open);
    for (item, _) in left.filter(|(_, v)| v.is_none()) {
        let reply = usize::from(items.items[item].reply);
        let full = batches
            .last()
            .is_none_or(|b| b.asked.len() >= packing.varbinds);
        if full || bytes.saturating_add(reply) > packing.bytes {
            if batches.len() == line.device.pace.window() {
                break;
            }
            batches.push(Batch {
                asked: Vec::with_capacity(packing.varbinds),
                varbinds: Cow::Borrowed(&[]),
            });
            bytes = ENVELOPE;
        }
        bytes += reply;
        if let Some(batch) = batches.last_mut() {
            batch.add(item, items);
        }
    }
    batches
}

impl<'i> Batch<'i> {
    /// Items behind one another are sent as they lie there.
    fn add(&mut self, item: usize, items: &'i Items) {
        let octets = items.octets(item);
        let run = self.asked.first().zip(self.asked.last());
        match (&mut self.varbinds, run) {
            (varbinds, None) => *varbinds = Cow::Borrowed(&items.varbinds[octets]),
            (Cow::Borrowed(run), Some((first, last))) if last + 1 == item => {
                *run = &items.varbinds[items.octets(*first).start..octets.end];
            }
            (varbinds, _) => varbinds.to_mut().extend_from_slice(&items.varbinds[octets]),
        }
        self.asked.push(item);
    }
}

/// Accepts exactly the names that were asked, in their order.
fn read(response: &Response<'_>, items: &Items, asked: &[usize]) -> Result<Answer, Malformed> {
    let index = response.error_index as usize;
    if response.error_status != 0 {
        if index > asked.len() {
            return Err(Malformed("an error about a varbind that was not asked for"));
        }
        return Ok(Answer::Error {
            status: response.error_status,
            index,
        });
    }
    let mut values = Vec::with_capacity(asked.len());
    for varbind in response.varbinds() {
        let (name, value) = varbind?;
        let expected = asked.get(values.len());
        let expected = expected.ok_or(Malformed("more varbinds than asked for"))?;
        if name != items.name_octets(*expected) {
            return Err(Malformed("another object than asked for"));
        }
        values.push(value);
    }
    if values.len() < asked.len() {
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
