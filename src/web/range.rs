//! The stretch of time that a page shows: `?from=now-6h&to=now`, as queries take it.

use serde::Serialize;

use crate::query::parse_time;
use crate::reading::UnixSeconds;

/// Points of one line of a chart, at most.
const MAX_POINTS: i64 = 300;
/// Steps that people can count in, seconds.
const STEPS: [i64; 17] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, DAY,
];
const DAY: i64 = 86_400;
/// The shortest and longest range that is shown.
const SHORTEST: i64 = 60;
const LONGEST: i64 = 5 * 366 * DAY;

/// The presets of the menu: what `from` says.
pub(super) const PRESETS: [&str; 6] = [
    "now-1h", "now-6h", "now-24h", "now-7d", "now-30d", "now-365d",
];

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Range {
    pub(super) from: UnixSeconds,
    pub(super) to: UnixSeconds,
    /// As asked, for links.
    pub(super) from_text: String,
    pub(super) to_text: String,
}

impl Range {
    /// The range of two parameters; what is missing or makes no sense becomes the default
    /// (`default_from` to now).
    pub(super) fn parse(
        from: Option<&str>,
        to: Option<&str>,
        default_from: &str,
        now: UnixSeconds,
        timezone: &str,
    ) -> Range {
        let moment = |text: &str| parse_time(text, now, timezone).ok();
        let read = |text: Option<&str>| {
            let text = text?.trim();
            Some((moment(text)?, text.to_owned()))
        };
        let (to, to_text) = read(to).unwrap_or_else(|| (now, "now".into()));
        let (from, from_text) = read(from).unwrap_or_else(|| {
            let default = moment(default_from).unwrap_or(now - 6 * 3600);
            (default, default_from.into())
        });
        let to = to.clamp(0, now + DAY);
        Range {
            from: from.clamp((to - LONGEST).max(0), (to - SHORTEST).max(0)),
            to,
            from_text,
            to_text,
        }
    }

    /// As queries and charts take it.
    pub(super) fn span(&self) -> crate::query::Range {
        crate::query::Range {
            from: self.from,
            to: self.to,
        }
    }

    /// Seconds per point: never finer than `interval`, never more than 300 points.
    pub(super) fn step(&self, interval: i64) -> i64 {
        let least = ((self.to - self.from) / MAX_POINTS + 1).max(interval);
        STEPS
            .into_iter()
            .find(|step| *step >= least)
            .unwrap_or(DAY * (least / DAY + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_763_870_400;

    fn range(from: &str, to: &str) -> (i64, i64) {
        let range = Range::parse(Some(from), Some(to), "now-6h", NOW, "UTC");
        (range.from - NOW, range.to - NOW)
    }

    #[test]
    fn ranges_are_read_and_bounded() {
        assert_eq!(range("now-6h", "now"), (-21_600, 0));
        assert_eq!(range("1763866800", "1763870400000"), (-3600, 0));
        assert_eq!(range("2025-11-23T03:00:00Z", "now"), (-3600, 0));
        assert_eq!(range("nonsense", ""), (-21_600, 0));
        assert_eq!(range("now", "now-1h"), (-3660, -3600));
        assert_eq!(range("now-9000d", "now"), (-LONGEST, 0));
        assert_eq!(range("now-6h", "4102444800").1, DAY);
    }

    #[test]
    fn steps_keep_the_points_few() {
        for from in PRESETS.into_iter().chain(["now-1000d"]) {
            let range = Range::parse(Some(from), None, "now-6h", NOW, "UTC");
            let step = range.step(60);
            assert!(step >= 60);
            assert!(
                (range.to - range.from) / step <= MAX_POINTS,
                "{from} {step}"
            );
        }
    }
}
