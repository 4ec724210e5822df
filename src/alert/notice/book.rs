//! What was told to whom, so that nobody is told twice, and nobody not at all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Kind, LIMIT_WINDOW_S, Notice, Reason, Withheld};
use crate::alert::AlertId;
use crate::inventory::AlertSeverity;
use crate::reading::UnixSeconds;

/// What one receiver knows of one alert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The severity that was told last; `None`: nothing was told.
    pub announced: Option<AlertSeverity>,
    /// When it was told last.
    pub at: UnixSeconds,
    /// It knows of the end, or need not.
    pub over: bool,
    /// The latest reason not to tell.
    pub withheld: Option<Because>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Because {
    pub reason: Reason,
    pub by: String,
    /// When this was last so.
    pub at: UnixSeconds,
}

/// What every receiver knows of every alert that is not finished.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Book {
    told: BTreeMap<AlertId, BTreeMap<String, Told>>,
    /// Times of the newest mails by receiver.
    mails: BTreeMap<String, Vec<UnixSeconds>>,
}

impl Book {
    pub fn told(&self, alert: AlertId, receiver: &str) -> Option<&Told> {
        self.told.get(&alert)?.get(receiver)
    }

    /// Every entry, to be kept over a restart.
    pub fn entries(&self) -> impl Iterator<Item = (AlertId, &str, &Told)> {
        self.told.iter().flat_map(|(alert, receivers)| {
            receivers
                .iter()
                .map(move |(name, told)| (*alert, name.as_str(), told))
        })
    }

    /// Puts an entry back as [`Book::entries`] gave it.
    pub fn restore(&mut self, alert: AlertId, receiver: &str, told: Told) {
        let receivers = self.told.entry(alert).or_default();
        receivers.insert(receiver.into(), told);
    }

    /// Notes that the mail of this notice is on its way.
    pub fn tell(&mut self, notice: &Notice) {
        let listed = notice.alerts.iter().map(|i| (i.alert.id, i.alert.peak));
        for (alert, severity) in listed.chain(notice.unlisted.iter().copied()) {
            let told = self.entry(alert, &notice.receiver);
            told.at = notice.at;
            match notice.kind {
                Kind::Problem | Kind::Reminder => told.announced = Some(severity),
                Kind::Recovery | Kind::Closed => told.over = true,
            }
        }
        let mails = self.mails.entry(notice.receiver.clone()).or_default();
        mails.retain(|at| *at > notice.at - LIMIT_WINDOW_S);
        mails.push(notice.at);
    }

    /// Notes that somebody is not told. Returns whether that is news: another reason than before.
    pub fn withhold(&mut self, withheld: &Withheld, now: UnixSeconds) -> bool {
        let told = self.entry(withheld.alert, &withheld.receiver);
        let news = told
            .withheld
            .as_ref()
            .is_none_or(|b| b.reason != withheld.reason || b.by != withheld.by);
        told.over |= withheld.reason == Reason::EndedUntold;
        told.withheld = Some(Because {
            reason: withheld.reason,
            by: withheld.by.clone(),
            at: now,
        });
        news
    }

    pub fn forget(&mut self, alert: AlertId) {
        self.told.remove(&alert);
    }

    /// Forgets every alert but those.
    pub fn retain(&mut self, known: impl Fn(AlertId) -> bool) {
        self.told.retain(|alert, _| known(*alert));
    }

    pub(super) fn mails_since(&self, receiver: &str, since: UnixSeconds) -> usize {
        let mails = self.mails.get(receiver);
        mails.map_or(0, |mails| mails.iter().filter(|at| **at > since).count())
    }

    fn entry(&mut self, alert: AlertId, receiver: &str) -> &mut Told {
        let receivers = self.told.entry(alert).or_default();
        receivers.entry(receiver.into()).or_default()
    }
}
