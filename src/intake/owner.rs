//! Which target of a host fills a table, or tells a fact, when several could.

use std::sync::Arc;

use super::{Intake, Origin};
use crate::inventory::{Host, Target};
use crate::reading::UnixSeconds;

/// A target's place among those of its host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// In `collect:`.
    rank: usize,
    /// That of the first target of its method.
    method_rank: usize,
    interval_s: UnixSeconds,
}

/// Each target with its place.
pub(super) fn places(host: &Host) -> impl Iterator<Item = (&Arc<Target>, Place)> {
    host.targets.iter().enumerate().map(|(rank, target)| {
        let method = target.way.method;
        let mut methods = host.targets.iter().map(|t| t.way.method);
        let place = Place {
            rank,
            method_rank: methods.position(|m| m == method).unwrap_or(rank),
            interval_s: target.interval.as_secs() as UnixSeconds,
        };
        (target, place)
    })
}

impl Intake {
    /// Two methods on one host may offer the same table or host fact; rows of both would count
    /// everything twice, and two wordings of one fact would change with every poll. The first of
    /// `collect:` that delivers `what` fills it, the next one only when that one has fallen silent.
    ///
    /// `shared`: the targets of one method fill it together, as each port of `tcp` has its row.
    pub(super) fn owns(&mut self, of: &Origin, what: &'static str, shared: bool) -> bool {
        let (rank, interval) = match self.targets.get(&of.target) {
            Some(place) if shared => (place.method_rank, place.interval_s),
            Some(place) => (place.rank, place.interval_s),
            None => (usize::MAX, 0),
        };
        let owner = self.owners.entry((of.target.0, what));
        let owner = owner.or_insert((rank, of.ts));
        let interval = interval.max(self.tables.slowest_s(what));
        let silent = of.ts - owner.1 > (interval * 5 / 2).max(1);
        if rank > owner.0 && !silent {
            return false;
        }
        *owner = (rank, of.ts);
        true
    }
}
