//! A walk over all that a device shows, each object as it came: for recordings.
//!
//! It goes through one subtree after the other with one cursor, under the same guards as every walk.

use super::exchange::{Line, Trouble};
use super::message::{self, Ask, Malformed, Response};
use super::{oid, value};
use crate::inventory::SnmpVersion;

const NO_SUCH_NAME: u32 = 2;
/// The largest devices show a few million.
const MOST_OBJECTS: usize = 10_000_000;
const MOST_BYTES: usize = 1 << 30;
const MOST_REPETITIONS: usize = 50;

/// Takes an object: the arcs of its name, tag and content octets of its value.
pub type Keep<'k> = dyn FnMut(&[u32], u8, &[u8]) + 'k;

/// Walks the subtrees; returns why it ended before they did.
///
/// # Errors
/// When not even the first object came.
pub(super) async fn record(
    line: &mut Line<'_>,
    subtrees: &[Vec<u32>],
    keep: &mut Keep<'_>,
) -> Result<Option<String>, Trouble> {
    let mut walked = Walked {
        keep,
        objects: 0,
        bytes: 0,
    };
    for root in subtrees {
        match subtree(line, root, &mut walked).await {
            Ok(None) => {}
            Ok(Some(why)) => return Ok(Some(why.into())),
            Err(trouble) if walked.objects == 0 => return Err(trouble),
            Err(trouble) => return Ok(Some(line.failure(&trouble).message)),
        }
    }
    Ok(None)
}

struct Walked<'k, 'f> {
    keep: &'k mut Keep<'f>,
    objects: usize,
    bytes: usize,
}

impl Walked<'_, '_> {
    fn file(&mut self, step: &Step) {
        for (name, tag, content) in &step.objects {
            (self.keep)(name, *tag, content);
        }
        self.objects += step.objects.len();
        self.bytes += step.bytes;
    }
}

/// One reply, taken apart.
#[derive(Default)]
struct Step {
    objects: Vec<(Vec<u32>, u8, Vec<u8>)>,
    ended: bool,
    /// The device breaks the rules: end here.
    stop: Option<&'static str>,
    status: u32,
    varbinds: usize,
    bytes: usize,
}

async fn subtree(
    line: &mut Line<'_>,
    root: &[u32],
    walked: &mut Walked<'_, '_>,
) -> Result<Option<&'static str>, Trouble> {
    let mut last = root.to_vec();
    let mut varbinds = Vec::new();
    let before = walked.objects;
    loop {
        let (ask, most) = match line.version {
            SnmpVersion::V1 => (Ask::GetNext, 1),
            SnmpVersion::V2c | SnmpVersion::V3 => {
                let repetitions = line.device.packing.walked.clamp(1, MOST_REPETITIONS);
                let max_repetitions = repetitions as u32;
                (Ask::GetBulk { max_repetitions }, repetitions)
            }
        };
        varbinds.clear();
        message::push_name(&last, &[], &mut varbinds);
        let read = |r: &Response<'_>| take(r, root, Some(&last), most);
        let step = match line.ask(ask, &varbinds, read).await {
            Ok(step) => step,
            Err(Trouble::Silence { .. }) if most > 1 && line.answered > 0 => {
                line.device.packing.halve_walked(most);
                continue;
            }
            Err(trouble) => return Err(trouble),
        };
        walked.file(&step);
        let ended = match step.status {
            0 => step.ended,
            NO_SUCH_NAME if line.version == SnmpVersion::V1 => true,
            _ if most > 1 => {
                line.device.packing.halve_walked(most);
                continue;
            }
            _ => return Ok(Some("the device refuses to go on")),
        };
        if ended {
            if walked.objects == before {
                itself(line, root, walked).await?;
            }
            return Ok(None);
        }
        if let Some(why) = step.stop {
            return Ok(Some(why));
        }
        if walked.objects > MOST_OBJECTS {
            return Ok(Some("more than 10 million objects"));
        }
        if walked.bytes > MOST_BYTES {
            return Ok(Some("more than 1 GiB"));
        }
        if step.varbinds == most && most > 1 {
            line.device.packing.learn_walked(step.bytes, most);
        }
        if let Some((name, ..)) = step.objects.into_iter().next_back() {
            last = name;
        }
    }
}

/// Nothing is below the name: perhaps it is an object itself.
async fn itself(
    line: &mut Line<'_>,
    root: &[u32],
    walked: &mut Walked<'_, '_>,
) -> Result<(), Trouble> {
    let mut varbinds = Vec::new();
    message::push_name(root, &[], &mut varbinds);
    let step = line
        .ask(Ask::Get, &varbinds, |r| take(r, root, None, 1))
        .await?;
    walked.file(&step);
    Ok(())
}

/// Takes one reply apart; names must rise above `last`. Pure: a malformed one leaves no trace.
fn take(
    response: &Response<'_>,
    root: &[u32],
    last: Option<&[u32]>,
    most: usize,
) -> Result<Step, Malformed> {
    let mut step = Step {
        status: response.error_status,
        bytes: response.length(),
        ..Step::default()
    };
    if step.status != 0 {
        return Ok(step);
    }
    let mut list = response.varbinds();
    let mut arcs = Vec::new();
    while let Some(varbind) = list.next_raw() {
        let (name, tag, content) = varbind?;
        if step.varbinds == most {
            return Err(Malformed("more varbinds than asked for"));
        }
        step.varbinds += 1;
        if step.ended || step.stop.is_some() {
            continue;
        }
        oid::decode(name, &mut arcs)?;
        if value::decode(tag, content).is_absent() || !arcs.starts_with(root) {
            step.ended = true;
            continue;
        }
        let before = step.objects.last().map(|(name, ..)| &name[..]).or(last);
        if before.is_some_and(|before| arcs[..] <= *before) {
            step.stop = Some("the names do not increase");
            continue;
        }
        step.objects.push((arcs.clone(), tag, content.to_vec()));
    }
    if step.varbinds == 0 {
        step.stop = Some("an empty reply");
    }
    Ok(step)
}
