//! What became of a report: one row of `report_run` for everything that happened to it, so that "why
//! did the report not come?" is a query.

use crate::reading::UnixSeconds;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was made and put into the outbox for this address.
    Queued,
    /// It has no rows, and is sent only with some.
    Skipped,
    /// Its time passed while nobody could make it.
    Missed,
    /// The mail server took it.
    Sent,
    /// It did not leave; it is tried again.
    Retried,
    /// It could not be made, or will not be tried again.
    Failed,
}

impl Event {
    /// The word of `report_run.action`, the same as in `notification`.
    pub fn as_str(self) -> &'static str {
        match self {
            Event::Queued => "queued",
            Event::Skipped => "skipped",
            Event::Missed => "missed",
            Event::Sent => "sent",
            Event::Retried => "retried",
            Event::Failed => "failed",
        }
    }
}

/// One row of `report_run`.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub at: UnixSeconds,
    pub report: String,
    /// The time that it is the report of.
    pub due_at: UnixSeconds,
    /// Who wanted it: `schedule`, or the name of a user, or `command line`.
    pub by: String,
    pub event: Event,
    /// The address; empty where no single one is meant.
    pub recipient: String,
    /// What was left out, what went wrong, what the mail server said.
    pub note: String,
    /// What ties the rows of one mail together; its Message-ID begins with it.
    pub mail: String,
    /// How long it took to make, in milliseconds.
    pub took_ms: Option<i64>,
    /// The size of its parts before they are encoded for the way.
    pub size_bytes: Option<i64>,
}
