//! What the mails of the outbox are about.

use std::sync::Arc;

use crate::alert::AlertId;
use crate::alert::notice::Notice;
use crate::loops::notifier::parcel::About;
use crate::reading::UnixSeconds;

/// What a mail is about.
#[derive(Clone, Debug)]
pub(in crate::loops::notifier) enum Content {
    /// Alerts: the words are found when it is sent.
    Notice(Arc<Notice>),
    /// A report, made and lying in the spool.
    Parcel(Arc<About>),
}

impl Content {
    pub(super) fn alerts(&self) -> impl Iterator<Item = AlertId> {
        let alerts = match self {
            Content::Notice(notice) => notice.alerts.as_slice(),
            Content::Parcel(_) => &[],
        };
        alerts.iter().map(|item| item.alert.id)
    }

    pub(super) fn at(&self) -> UnixSeconds {
        match self {
            Content::Notice(notice) => notice.at,
            Content::Parcel(about) => about.made_at,
        }
    }
}
