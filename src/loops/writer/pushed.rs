//! What the writer remembers of collections that hosts sent by themselves: which ones it has, and
//! how new the newest is.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Instant;

use tokio::sync::oneshot;

use super::{Thread, Waiting};
use crate::intake::{HostId, PushKey};
use crate::reading::UnixSeconds;
use crate::signal::{Pushed, Refused, Taken};
use crate::store::KEYS_PER_HOST;

/// Entities that one host may add in one day: whoever invents names must not fill the history.
const NEW_ENTITIES_PER_DAY: usize = 1_000;
const DAY_S: UnixSeconds = 86_400;

/// Of every host that pushes.
#[derive(Debug, Default)]
pub(super) struct Book(HashMap<HostId, Page>);

#[derive(Debug, Default)]
struct Page {
    keys: HashSet<i64>,
    /// The keys in the order of their coming.
    order: VecDeque<i64>,
    newest: UnixSeconds,
    /// The day, and how many entities came on it.
    added: (UnixSeconds, usize),
}

impl Book {
    /// Takes over what the store knows of a key.
    pub(super) fn know(&mut self, host: HostId, key: i64) {
        self.0.entry(host).or_default().remember(key);
    }

    /// Takes over the time of the newest collection.
    pub(super) fn know_newest(&mut self, host: HostId, ts: UnixSeconds) {
        let page = self.0.entry(host).or_default();
        page.newest = page.newest.max(ts);
    }

    pub(super) fn has(&self, host: HostId, key: i64) -> bool {
        self.0
            .get(&host)
            .is_some_and(|page| page.keys.contains(&key))
    }

    /// Notes a collection as taken. Returns whether a newer one was there before it.
    pub(super) fn note(&mut self, host: HostId, key: Option<i64>, ts: UnixSeconds) -> bool {
        let page = self.0.entry(host).or_default();
        if let Some(key) = key {
            page.remember(key);
        }
        let late = ts < page.newest;
        page.newest = page.newest.max(ts);
        late
    }

    /// Whether the host may add so many entities today; counts them when it may.
    pub(super) fn may_add(&mut self, host: HostId, count: usize, now: UnixSeconds) -> bool {
        let page = self.0.entry(host).or_default();
        let today = now.div_euclid(DAY_S);
        if page.added.0 != today {
            page.added = (today, 0);
        }
        let good = page.added.1 + count <= NEW_ENTITIES_PER_DAY;
        if good {
            page.added.1 += count;
        }
        good
    }
}

impl Thread {
    pub(super) fn take_pushed(&mut self, pushed: Pushed) {
        let Pushed {
            collection,
            key,
            reply,
        } = pushed;
        let refuse = |reply: oneshot::Sender<_>, why: String| {
            // Whoever sent it may have gone.
            let _ = reply.send(Err(Refused::Forever(why)));
        };
        if !self.freshen() {
            let why = "the history cannot be read now".to_owned();
            let _ = reply.send(Err(Refused::ForNow(why)));
            return;
        }
        let Some(host) = self.intake.host_id(&collection.host) else {
            let why = format!("{} is not in the inventory", collection.host);
            return refuse(reply, why);
        };
        if key.is_some_and(|key| self.pushed.has(host, key)) {
            // It may be in the batch that is not on disk yet.
            self.waiting.push(Waiting::Sender(reply, Taken::Duplicate));
            self.since.get_or_insert_with(Instant::now);
            return;
        }
        let now = crate::loops::poller::unix_now();
        let new = self.intake.unknown_entities(&collection);
        if !self.pushed.may_add(host, new, now) {
            let why = format!("{} adds too many new names today", collection.host);
            return refuse(reply, why);
        }
        let late = self.pushed.note(host, key, collection.ts);
        let name = collection.host.clone();
        let stored = match late {
            true => self.intake.take_late(collection),
            false => self.intake.take(collection),
        };
        let Some(mut stored) = stored else {
            return refuse(reply, format!("{name} is not in the inventory"));
        };
        stored.push_key = key.map(|key| PushKey { key, taken_at: now });
        self.waiting.push(Waiting::Sender(reply, Taken::Stored));
        self.add(stored, &name);
    }
}

impl Page {
    fn remember(&mut self, key: i64) {
        if self.keys.insert(key) {
            self.order.push_back(key);
        }
        if self.order.len() > KEYS_PER_HOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.keys.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_until_a_thousand_newer_ones_came() {
        let mut book = Book::default();
        for key in 0..KEYS_PER_HOST as i64 + 5 {
            book.note(1, Some(key), key);
        }
        assert!(!book.has(1, 4));
        assert!(book.has(1, 5));
        assert!(!book.has(2, 5), "another host's");
    }

    #[test]
    fn what_is_older_than_the_newest_is_late() {
        let mut book = Book::default();
        assert!(!book.note(1, None, 100));
        assert!(!book.note(1, None, 100), "two senders in one second");
        assert!(book.note(1, None, 99));
        book.know_newest(2, 500);
        assert!(book.note(2, None, 499));
    }

    #[test]
    fn the_allowance_begins_anew_each_day() {
        let mut book = Book::default();
        assert!(book.may_add(1, NEW_ENTITIES_PER_DAY, 10));
        assert!(!book.may_add(1, 1, 20));
        assert!(book.may_add(2, 1, 20));
        assert!(book.may_add(1, 1, DAY_S));
    }
}
