//! How much one sender may say, and what was suppressed. The time is an argument, in milliseconds
//! of a clock that never goes back.

/// A bucket that gains one token in every `every_ms` and holds at most `burst` of them.
#[derive(Clone, Debug)]
pub struct Bucket {
    every_ms: u64,
    full_ms: u64,
    credit_ms: u64,
    at_ms: u64,
}

impl Bucket {
    /// A full one.
    pub fn new(every_ms: u64, burst: u64, now_ms: u64) -> Bucket {
        let every_ms = every_ms.max(1);
        let full_ms = every_ms.saturating_mul(burst.max(1));
        Bucket {
            every_ms,
            full_ms,
            credit_ms: full_ms,
            at_ms: now_ms,
        }
    }

    /// Takes a token; `false` when there is none.
    pub fn take(&mut self, now_ms: u64) -> bool {
        let gained = now_ms.saturating_sub(self.at_ms);
        self.at_ms = self.at_ms.max(now_ms);
        self.credit_ms = self.credit_ms.saturating_add(gained).min(self.full_ms);
        let there = self.credit_ms >= self.every_ms;
        if there {
            self.credit_ms -= self.every_ms;
        }
        there
    }

    /// Whether it is full again, so that forgetting it changes nothing.
    pub fn is_full(&self, now_ms: u64) -> bool {
        let gained = now_ms.saturating_sub(self.at_ms);
        self.credit_ms.saturating_add(gained) >= self.full_ms
    }
}

/// A flood is over after this long without a suppressed trap.
const QUIET_MS: u64 = 10_000;
/// A flood that does not end is told of this often.
const LONGEST_MS: u64 = 3_600_000;

/// The traps of one host: how many may pass, and how many did not.
#[derive(Clone, Debug)]
pub struct Flood {
    bucket: Bucket,
    suppressed: u64,
    since_ms: u64,
    last_ms: u64,
}

impl Flood {
    /// `per_second` traps may pass, and ten times as many at once.
    pub fn new(per_second: u32, now_ms: u64) -> Flood {
        let per_second = u64::from(per_second.max(1));
        Flood {
            bucket: Bucket::new(1_000 / per_second, per_second * 10, now_ms),
            suppressed: 0,
            since_ms: 0,
            last_ms: 0,
        }
    }

    /// Whether one more trap may pass; one that may not is counted.
    pub fn pass(&mut self, now_ms: u64) -> bool {
        if self.bucket.take(now_ms) {
            return true;
        }
        if self.suppressed == 0 {
            self.since_ms = now_ms;
        }
        self.suppressed += 1;
        self.last_ms = now_ms;
        false
    }

    /// How many were suppressed within how many seconds, once when that is over; `at_once` does not
    /// wait for the end.
    pub fn ended(&mut self, now_ms: u64, at_once: bool) -> Option<(u64, u64)> {
        let quiet = now_ms.saturating_sub(self.last_ms) >= QUIET_MS;
        let long = now_ms.saturating_sub(self.since_ms) >= LONGEST_MS;
        if self.suppressed == 0 || !(quiet || long || at_once) {
            return None;
        }
        let seconds = (self.last_ms - self.since_ms).div_ceil(1_000).max(1);
        Some((std::mem::take(&mut self.suppressed), seconds))
    }

    /// Whether forgetting it changes nothing.
    pub fn is_idle(&self, now_ms: u64) -> bool {
        self.suppressed == 0 && self.bucket.is_full(now_ms)
    }
}
