//! Two readings of a counter → what happened between them, or the reason why that cannot be told.
//!
//! A reset, a wrap that cannot be told from a reset, a gap in order or a lying device never becomes
//! a number: it becomes NULL and is counted.

use crate::reading::{Uptime, Value};

/// No interface counts more than this many bits per second today; a 64-bit counter that claims more
/// was reset or lies.
const MAX_BITS_PER_SECOND: f64 = 10e12;
/// A raw 0 after a raw value above this, with no other sign of a reset, is a broken agent's answer.
const BROKEN_ZERO_ABOVE: u64 = 1 << 24;
/// sysUpTime counts hundredths in 32 bits: it wraps after this many milliseconds.
const UPTIME_WRAP_MS: u64 = (1 << 32) * 10;
/// How far the device's clock and ours may differ over one interval before we trust only ours: 10 %
/// or 2 s, whichever is more.
const CLOCK_SLACK_MS: u64 = 2_000;

/// Why there is no delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDelta {
    /// No earlier reading, or the column was missing in it.
    First,
    /// The device or the counter started anew.
    Reset,
    /// A 32-bit counter fell and a wrap is not plausible.
    Ambiguous,
    /// The earlier reading is not earlier.
    Disorder,
    /// A 0 that cannot be: the former reading stays the baseline.
    BrokenZero,
}

/// What the time between two collections of one target was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Span {
    /// The counters ran on for this many milliseconds.
    Continuous { elapsed_ms: u64 },
    /// The owner of the counters started anew in between.
    Restarted { elapsed_ms: u64 },
    /// The second reading is not later than the first.
    Disorder,
}

impl Span {
    /// Milliseconds between the readings, `None` when they are out of order.
    pub fn elapsed_ms(self) -> Option<u64> {
        match self {
            Span::Continuous { elapsed_ms } | Span::Restarted { elapsed_ms } => Some(elapsed_ms),
            Span::Disorder => None,
        }
    }
}

/// When counters were read: by our monotonic clock, and by the device's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    pub read_at_ms: u64,
    pub uptime: Option<Uptime>,
}

/// Compares two moments of one target.
///
/// The device's own clock gives the elapsed time when it is sane, which removes the jitter of the
/// network; else ours does. A restart shows by another boot number or by an uptime that fell,
/// unless it is the 497.1-day wrap of a 32-bit clock (as much as our clock says is missing).
pub fn span(before: &Moment, after: &Moment) -> Span {
    let ours = after.read_at_ms.saturating_sub(before.read_at_ms);
    if after.read_at_ms <= before.read_at_ms {
        return Span::Disorder;
    }
    let (Some(a), Some(b)) = (before.uptime, after.uptime) else {
        return Span::Continuous { elapsed_ms: ours };
    };
    if a.boot != 0 && b.boot != 0 && a.boot != b.boot {
        return Span::Restarted { elapsed_ms: ours };
    }
    let slack = CLOCK_SLACK_MS.max(ours / 10);
    if b.ms >= a.ms {
        let theirs = b.ms - a.ms;
        return if theirs.abs_diff(ours) <= slack && theirs > 0 {
            Span::Continuous { elapsed_ms: theirs }
        } else if theirs.saturating_add(slack) < ours && b.ms < ours.saturating_add(slack) {
            // The device has run for less than our interval, yet longer than when we last saw it: it
            // restarted in between.
            Span::Restarted { elapsed_ms: ours }
        } else {
            Span::Continuous { elapsed_ms: ours }
        };
    }
    if a.wraps && b.wraps {
        let theirs = (b.ms + UPTIME_WRAP_MS).saturating_sub(a.ms);
        if theirs.abs_diff(ours) <= slack {
            return Span::Continuous { elapsed_ms: theirs };
        }
    }
    Span::Restarted { elapsed_ms: ours }
}

/// Whether the device's own clock alone proves that nothing was missed between the two moments: it
/// advanced by as much as ours did, under the same boot. Needed after a restart of our own.
pub fn proven(before: &Moment, after: &Moment) -> bool {
    let (Some(a), Some(b)) = (before.uptime, after.uptime) else {
        return false;
    };
    let theirs = if b.ms < a.ms && a.wraps && b.wraps {
        b.ms.saturating_add(UPTIME_WRAP_MS)
    } else {
        b.ms
    };
    let ours = after.read_at_ms.saturating_sub(before.read_at_ms);
    let slack = CLOCK_SLACK_MS.max(ours / 10);
    a.boot == b.boot && theirs > a.ms && (theirs - a.ms).abs_diff(ours) <= slack
}

/// What happened between two raw readings of one counter.
///
/// `bits_per_unit` says how the counter relates to a link's speed: 8 for octets, 0 when a speed
/// means nothing for it. `speed_bps` judges only whether a fallen 32-bit counter wrapped
/// (`Δ·8/Δt ≤ 1.25·speed`): the nominal speed lies too often to judge anything else.
pub fn delta(
    before: &Value,
    after: &Value,
    span: Span,
    bits_per_unit: f64,
    speed_bps: Option<i64>,
) -> Result<i64, NoDelta> {
    let elapsed_ms = match span {
        Span::Disorder => return Err(NoDelta::Disorder),
        Span::Restarted { .. } => return Err(NoDelta::Reset),
        Span::Continuous { elapsed_ms } => elapsed_ms,
    };
    match (before, after) {
        (Value::Counter64(a), Value::Counter64(b)) => {
            if *b == 0 && *a > BROKEN_ZERO_ABOVE {
                return Err(NoDelta::BrokenZero);
            }
            let difference = b.checked_sub(*a).ok_or(NoDelta::Reset)?;
            let bits = difference as f64 * bits_per_unit;
            if bits_per_unit > 0.0 && bits * 1000.0 / elapsed_ms as f64 > MAX_BITS_PER_SECOND {
                return Err(NoDelta::Reset);
            }
            i64::try_from(difference).map_err(|_| NoDelta::Reset)
        }
        (Value::Counter32(a), Value::Counter32(b)) => {
            if b >= a {
                return Ok(i64::from(b - a));
            }
            if *b == 0 && u64::from(*a) > BROKEN_ZERO_ABOVE {
                return Err(NoDelta::BrokenZero);
            }
            let wrapped = i64::from(b.wrapping_sub(*a));
            if plausible_wrap(wrapped, elapsed_ms, bits_per_unit, speed_bps) {
                Ok(wrapped)
            } else {
                Err(NoDelta::Ambiguous)
            }
        }
        // Another width (an agent's new firmware) or a missing reading is a new beginning.
        _ => Err(NoDelta::First),
    }
}

/// Whether a 32-bit counter can have come this far over its end. Without a speed to judge by, less
/// than half of its range counts as a wrap: more is likelier a reset near its start.
fn plausible_wrap(
    wrapped: i64,
    elapsed_ms: u64,
    bits_per_unit: f64,
    speed_bps: Option<i64>,
) -> bool {
    match speed_bps.filter(|s| *s > 0 && bits_per_unit > 0.0) {
        Some(speed) => {
            wrapped as f64 * bits_per_unit * 1000.0 / elapsed_ms as f64 <= 1.25 * speed as f64
        }
        None => wrapped < i64::from(u32::MAX / 2),
    }
}

#[cfg(test)]
mod tests;
