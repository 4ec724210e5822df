//! How one address fares.

use crate::reading::UnixSeconds;

/// After a failure a mail waits this long, then twice as long, …
pub(super) const RETRY_FIRST_S: i64 = 30;
/// … up to this long.
const RETRY_MAX_S: i64 = 900;

/// How one address fares: it alone waits when its deliveries fail.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lane {
    pub(super) failed: u32,
    pub(super) next_at: UnixSeconds,
}

impl Lane {
    pub(super) fn fail(&mut self, now: UnixSeconds) {
        let wait = RETRY_FIRST_S << self.failed.min(10);
        self.failed += 1;
        self.next_at = now + wait.min(RETRY_MAX_S);
    }
}
