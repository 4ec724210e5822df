//! The ledger: one row of `notification` for every decision about telling somebody, so that "why did
//! I get no mail?" is a query.

use super::notice::{Notice, Reason, Withheld};
use super::{Alert, AlertId};
use crate::reading::UnixSeconds;

/// What became of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A mail was put into the outbox, this alert first in it.
    Queued,
    /// This alert goes along in a mail with others.
    Grouped,
    /// Nobody is told, for a reason.
    Suppressed,
    /// The mail server took it.
    Sent,
    /// It did not leave; it is tried again.
    Retried,
    /// It will not be tried again.
    Failed,
}

impl Action {
    /// The word of `notification.action`.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Queued => "queued",
            Action::Grouped => "grouped",
            Action::Suppressed => "suppressed",
            Action::Sent => "sent",
            Action::Retried => "retried",
            Action::Failed => "failed",
        }
    }
}

/// One row of `notification`.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub at: UnixSeconds,
    pub alert: AlertId,
    pub rule: String,
    pub host: String,
    pub entity: String,
    pub receiver: String,
    /// The address; empty while the mail is not addressed yet.
    pub recipient: String,
    pub action: Action,
    pub reason: Reason,
    /// The host that is down, or what the mail server said.
    pub note: String,
    /// What ties the rows of one mail together; empty without a mail.
    pub mail: String,
}

impl Entry {
    fn about(alert: &Alert, at: UnixSeconds, action: Action, reason: Reason) -> Entry {
        Entry {
            at,
            alert: alert.id,
            rule: alert.key.rule.clone(),
            host: alert.key.host.to_string(),
            entity: alert.key.entity.clone(),
            receiver: String::new(),
            recipient: String::new(),
            action,
            reason,
            note: String::new(),
            mail: String::new(),
        }
    }

    /// The row of an alert that somebody is not told of.
    pub fn suppressed(alert: &Alert, withheld: &Withheld, at: UnixSeconds) -> Entry {
        Entry {
            receiver: withheld.receiver.clone(),
            note: withheld.by.clone(),
            ..Entry::about(alert, at, Action::Suppressed, withheld.reason)
        }
    }

    /// The rows of a mail that was put into the outbox under the name `mail`, one per alert listed.
    pub fn queued(notice: &Notice, mail: &str) -> Vec<Entry> {
        let actions = std::iter::once(Action::Queued).chain(std::iter::repeat(Action::Grouped));
        let items = notice.alerts.iter().zip(actions);
        items
            .map(|(item, action)| Entry {
                receiver: notice.receiver.clone(),
                mail: mail.into(),
                ..Entry::about(&item.alert, notice.at, action, item.reason)
            })
            .collect()
    }

    /// The row of an attempt to deliver a mail to one address; `None` for a mail about nothing.
    pub fn delivery(
        notice: &Notice,
        mail: &str,
        recipient: &str,
        at: UnixSeconds,
        action: Action,
        note: &str,
    ) -> Option<Entry> {
        let first = notice.alerts.first()?;
        Some(Entry {
            receiver: notice.receiver.clone(),
            recipient: recipient.into(),
            note: note.into(),
            mail: mail.into(),
            ..Entry::about(&first.alert, at, action, first.reason)
        })
    }
}
