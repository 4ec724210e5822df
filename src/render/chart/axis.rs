//! Round values and round moments.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::Range;
use crate::reading::UnixSeconds;

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;
/// Distances of labels of time, seconds.
const STEPS: [i64; 18] = [
    60,
    300,
    600,
    900,
    1800,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    5 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
    90 * DAY,
    365 * DAY,
];

/// The end of the scale and the distance of its lines: 2 to 5 lines at round values.
pub(super) fn scale(top: f64, unit: &str) -> (f64, f64) {
    if unit == "%" && top <= 100.0 {
        return (100.0, 25.0);
    }
    let top = if top > 0.0 { top } else { 1.0 };
    // Bytes count in powers of 1024: 512 MiB is round, 500 MB is not.
    let base = if unit.starts_with('B') {
        1024_f64.powi((top.log2() / 10.0).floor().max(0.0) as i32)
    } else {
        1.0
    };
    let rough = top / base / 4.0;
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .find(|factor| factor * power >= rough * 0.999)
        .unwrap_or(10.0);
    let rise = factor * power * base;
    ((top / rise * 0.999).ceil() * rise, rise)
}

/// Round moments of the zone within the range, with their labels.
pub(super) fn moments(range: Range, timezone: &str) -> Vec<(UnixSeconds, String)> {
    let zone = TimeZone::get(timezone).unwrap_or(TimeZone::UTC);
    let length = range.to - range.from;
    let step = STEPS
        .into_iter()
        .find(|step| length / step <= 7)
        .unwrap_or(STEPS[STEPS.len() - 1]);
    let Ok(from) = Timestamp::from_second(range.from) else {
        return Vec::new();
    };
    let Ok(mut day) = from.to_zoned(zone).start_of_day() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    // From midnight to midnight, so that a day of 23 or 25 hours keeps its round hours.
    while day.timestamp().as_second() < range.to && found.len() < 12 {
        let Ok(next) = day.checked_add((step / DAY).max(1).days()) else {
            break;
        };
        let mut time = day.timestamp().as_second();
        while time < next.timestamp().as_second().min(range.to) {
            if time >= range.from
                && let Ok(at) = Timestamp::from_second(time)
            {
                let local = at.to_zoned(day.time_zone().clone());
                let midnight = local.hour() == 0 && local.minute() == 0;
                let format = if step >= DAY || midnight {
                    "%m-%d"
                } else {
                    "%H:%M"
                };
                found.push((time, local.strftime(format).to_string()));
            }
            time += step;
        }
        day = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(hours: i64) -> Range {
        let to = 1_763_870_400;
        Range {
            from: to - hours * HOUR,
            to,
        }
    }

    #[test]
    fn scales_are_round_in_their_units() {
        assert_eq!(scale(40.0, "%"), (100.0, 25.0));
        assert_eq!(scale(0.0, "bit/s"), (1.0, 0.25));
        assert_eq!(scale(930e6, "bit/s"), (1e9, 2.5e8));
        let gib = 1024_f64.powi(3);
        assert_eq!(scale(7.0 * gib, "B"), (8.0 * gib, 2.0 * gib));
        for top in [1e-3, 0.7, 3.0, 99.0, 1e12] {
            for unit in ["", "B", "B/s", "bit/s"] {
                let (ceiling, rise) = scale(top, unit);
                let lines = ceiling / rise;
                assert!(ceiling >= top * 0.999, "{top} {unit}");
                assert!((1.9..=6.1).contains(&lines), "{top} {unit} {lines}");
            }
        }
    }

    #[test]
    fn moments_are_round_and_few() {
        for hours in [1, 6, 24, 7 * 24, 30 * 24, 900 * 24] {
            let found = moments(back(hours), "America/New_York");
            assert!((2..=12).contains(&found.len()), "{hours}: {found:?}");
        }
        let found = moments(back(24), "Asia/Shanghai");
        assert!(found.iter().any(|(_, label)| label == "11-23"), "{found:?}");
    }
}
