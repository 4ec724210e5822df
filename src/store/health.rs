//! What is known of every target's latest collections: read once from `hist.poll`, then kept in step
//! by every commit.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::health::{self, HostHealth, Seen};
use crate::intake::{HostId, Stored};
use crate::inventory::Inventory;
use crate::reading::{UnixSeconds, Way};

use super::{Answer, Cell, Question, Shared, StoreError, ask};

/// How far back polls are looked at after a start. A target without any since then is silent anyway.
const WINDOW_S: i64 = 7 * 86_400;

/// The ledger of targets; empty until somebody asks.
#[derive(Default)]
pub(super) struct Watch {
    seen: Mutex<Option<HashMap<(HostId, Way), Seen>>>,
}

impl Watch {
    /// Takes a committed batch in.
    pub(super) fn note(&self, batch: &[Stored]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(seen) = seen.as_mut() else {
            return;
        };
        for stored in batch {
            let target = seen
                .entry((stored.host_id, stored.way.clone()))
                .or_default();
            take(target, stored);
        }
    }

    /// How every host of the inventory is.
    pub(super) fn states(
        &self,
        shared: &Shared,
        inventory: &Inventory,
        now: UnixSeconds,
    ) -> Result<Vec<HostHealth>, StoreError> {
        let hosts = hosts(shared)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_none() {
            // A commit while this reads waits for the lock; taking it in again changes nothing.
            *seen = Some(read(shared, now)?);
        }
        let nothing = Seen::default();
        let states = inventory.hosts.values().map(|host| {
            let row = hosts.get(&*host.name);
            let targets = host.targets.iter().map(|target| {
                let known = row.and_then(|(id, _)| seen.as_ref()?.get(&(*id, target.way.clone())));
                let known_since = row.map(|(_, first_seen)| *first_seen);
                health::target(
                    target.way.clone(),
                    target.interval,
                    known.unwrap_or(&nothing),
                    known_since,
                    now,
                )
            });
            health::host(host.name.clone(), targets.collect())
        });
        Ok(states.collect())
    }
}

/// One collection more. One that is not newer than the last is known already.
fn take(seen: &mut Seen, stored: &Stored) {
    if seen.last_ts.is_some_and(|last| stored.ts <= last) {
        return;
    }
    let failure = stored.poll.failure.as_ref();
    let was_good = seen.failures_in_row == 0;
    if seen.last_ts.is_none() || was_good != failure.is_none() {
        seen.run_since = Some(stored.ts);
    }
    seen.last_ts = Some(stored.ts);
    seen.cause = failure.map(|f| f.cause.as_str().to_owned());
    seen.error = failure.map(|f| f.message.clone());
    let problems = Some(stored.poll.problems.clone());
    seen.problems = problems.filter(|p| !p.is_empty());
    if failure.is_some() {
        seen.failures_in_row = seen.failures_in_row.saturating_add(1);
    } else {
        seen.failures_in_row = 0;
        seen.last_good_ts = Some(stored.ts);
    }
}

fn read(shared: &Shared, now: UnixSeconds) -> Result<HashMap<(HostId, Way), Seen>, StoreError> {
    let sql = "
        WITH p AS (
            SELECT host_id, method, coalesce(parameter, '') AS parameter, epoch(ts)::BIGINT AS ts, ok, cause, error, problems
            FROM hist.poll WHERE ts >= $from),
        l AS (
            SELECT host_id, method, parameter, max(ts) AS last, max(ts) FILTER (ok) AS good,
                   max(ts) FILTER (NOT ok) AS bad, max_by(cause, ts) AS cause,
                   max_by(error, ts) AS error, max_by(problems, ts) AS problems
            FROM p GROUP BY ALL)
        SELECT l.host_id, l.method, l.parameter, l.last, l.good,
               count(*) FILTER (NOT p.ok AND p.ts > coalesce(l.good, -1)) AS failures,
               min(p.ts) FILTER (CASE WHEN p.ok THEN p.ts > coalesce(l.bad, -1)
                                      ELSE p.ts > coalesce(l.good, -1) END) AS run_since,
               any_value(CASE WHEN l.last > coalesce(l.good, -1) THEN l.cause END),
               any_value(CASE WHEN l.last > coalesce(l.good, -1) THEN l.error END),
               any_value(CASE WHEN l.last = l.good THEN l.problems END)
        FROM p JOIN l USING (host_id, method, parameter)
        GROUP BY l.host_id, l.method, l.parameter, l.last, l.good";
    let from = Cell::Time((now - WINDOW_S).saturating_mul(1_000_000));
    let mut question = Question::new(sql).bind("from", from);
    question.timeout = Duration::from_secs(60);
    question.max_rows = usize::MAX - 1;
    let answer = ask::ask(shared, &question)?;
    Ok(answer.rows.iter().filter_map(|row| target(row)).collect())
}

fn target(row: &[Cell]) -> Option<((HostId, Way), Seen)> {
    let [
        host,
        method,
        parameter,
        last,
        good,
        failures,
        since,
        cause,
        error,
        problems,
    ] = row
    else {
        return None;
    };
    let parameter = text(parameter).filter(|parameter| !parameter.is_empty());
    let key = (
        HostId::try_from(int(host)?).ok()?,
        Way::from_words(&text(method)?, parameter.as_deref())?,
    );
    let seen = Seen {
        last_ts: int(last),
        last_good_ts: int(good),
        failures_in_row: int(failures).and_then(|n| u32::try_from(n).ok())?,
        run_since: int(since),
        cause: text(cause),
        error: text(error),
        problems: text(problems),
    };
    Some((key, seen))
}

/// Id and first sight of every host in the inventory, by name.
fn hosts(shared: &Shared) -> Result<HashMap<String, (HostId, UnixSeconds)>, StoreError> {
    let sql = "SELECT name, id, epoch(first_seen)::BIGINT FROM raw.host WHERE removed_at IS NULL";
    let mut question = Question::new(sql);
    question.max_rows = usize::MAX - 1;
    let Answer { rows, .. } = ask::ask(shared, &question)?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            let id = HostId::try_from(int(row.get(1)?)?).ok()?;
            Some((text(row.first()?)?, (id, int(row.get(2)?)?)))
        })
        .collect())
}

fn int(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Int(v) => i64::try_from(*v).ok(),
        _ => None,
    }
}

fn text(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(text.clone()),
        _ => None,
    }
}
