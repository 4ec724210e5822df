//! Whether a device offers anything below an object identifier: one GETNEXT for several at once.

use std::collections::HashMap;

use super::System;
use crate::collect::snmp::exchange::{Line, Trouble};
use crate::collect::snmp::message::{self, Ask, Malformed, Response};
use crate::collect::snmp::oid;
use crate::profile::{Arcs, ProfileSet};

/// Asked in one request: each answer may hold a long text.
const AT_ONCE: usize = 10;

/// What must be known to judge the profiles that sysObjectID and sysDescr allow.
pub(super) async fn ask(
    line: &mut Line<'_>,
    set: &ProfileSet,
    system: &System,
) -> Result<HashMap<Arcs, bool>, Trouble> {
    let mut wanted: Vec<Arcs> = Vec::new();
    let matchings = set.profiles.iter().filter_map(|p| p.matching.as_ref());
    for matching in matchings.filter(|_| !set.pinned) {
        if matching.allows(&system.object_id, &system.descr).is_ok() {
            wanted.extend(matching.asked().cloned());
        }
    }
    wanted.sort();
    wanted.dedup();
    let mut known = HashMap::new();
    let mut at_once = AT_ONCE;
    while !wanted.is_empty() {
        let count = wanted.len().min(at_once);
        let batch = &wanted[..count];
        let mut varbinds = Vec::new();
        for oid in batch {
            message::push_name(oid, &[], &mut varbinds);
        }
        let step = line.ask(Ask::GetNext, &varbinds, |r| take(r, batch)).await;
        match step {
            Ok(Step::Answers(answers)) => {
                known.extend(wanted.drain(..count).zip(answers));
            }
            // Version 1: the view ends behind this one.
            Ok(Step::Refused(index)) if (1..=count).contains(&index) => {
                known.insert(wanted.remove(index - 1), false);
            }
            Ok(Step::Refused(_)) | Err(Trouble::Silence { .. })
                if count > 1 && line.answered > 0 =>
            {
                at_once = (count / 2).max(1);
            }
            // It does not answer this one: not known, so neither there nor not there.
            Ok(Step::Refused(_)) => {
                wanted.remove(0);
            }
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(known)
}

enum Step {
    /// In the order asked.
    Answers(Vec<bool>),
    /// Error, 1-based index or 0.
    Refused(usize),
}

fn take(response: &Response<'_>, asked: &[Arcs]) -> Result<Step, Malformed> {
    if response.error_status != 0 {
        return Ok(Step::Refused(response.error_index as usize));
    }
    let mut answers = Vec::with_capacity(asked.len());
    let mut arcs = Vec::new();
    for varbind in response.varbinds() {
        let (name, value) = varbind?;
        let root = asked
            .get(answers.len())
            .ok_or(Malformed("more varbinds than asked for"))?;
        oid::decode(name, &mut arcs)?;
        answers.push(!value.is_absent() && arcs.len() > root.len() && arcs.starts_with(root));
    }
    if answers.len() < asked.len() {
        return Err(Malformed("fewer varbinds than asked for"));
    }
    Ok(Step::Answers(answers))
}
