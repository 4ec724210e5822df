//! What people say of alerts and hosts: that somebody looks after an alert, that a host is down as
//! planned.

use std::sync::Arc;

use super::AlertId;
use crate::reading::UnixSeconds;

/// Somebody looks after an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    pub alert: AlertId,
    pub at: UnixSeconds,
    /// Who said it: a user's name or a mail address.
    pub by: String,
    pub note: String,
}

/// A stretch of time in which a host may be down: it is agreed upon, so it counts neither for nor
/// against its availability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downtime {
    pub host: Arc<str>,
    pub from: UnixSeconds,
    /// Exclusive; `None`: until further notice.
    pub to: Option<UnixSeconds>,
    pub reason: String,
    pub by: String,
    pub said_at: UnixSeconds,
}
