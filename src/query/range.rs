//! Times as people write them: `now-30d`, `2026-11-23`, `2026-11-23T10:00`, `1795392000000`.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

use crate::reading::UnixSeconds;

/// Pieces that a chart's range is cut into at most.
const PIECES: i64 = 500;

/// From here up to, not including, there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub from: UnixSeconds,
    pub to: UnixSeconds,
}

/// The two times of a written range: `now-7d` reaches up to now, `now-1M/M to now/M` does not.
pub fn split_range(text: &str) -> (&str, &str) {
    let (from, to) = text.split_once(" to ").unwrap_or((text, "now"));
    (from.trim(), to.trim())
}

impl Range {
    /// The range between two written times. `Err`: a sentence.
    pub fn of(from: &str, to: &str, now: UnixSeconds, timezone: &str) -> Result<Range, String> {
        let range = Range {
            from: parse_time(from, now, timezone)?,
            to: parse_time(to, now, timezone)?,
        };
        if range.from >= range.to {
            return Err(format!(
                "the range is empty: `from` ({from}) is not before `to` ({to})"
            ));
        }
        Ok(range)
    }

    /// A round step that cuts the range into at most 500 pieces, a minute at least.
    pub fn step_s(self) -> i64 {
        const ROUND: [i64; 13] = [
            60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800,
        ];
        let wanted = (self.to - self.from).max(1).div_euclid(PIECES);
        ROUND
            .into_iter()
            .find(|step| *step >= wanted)
            .unwrap_or(604_800)
    }
}

/// A written time as Unix seconds. Wall-clock times and whole days are those of the time zone; a
/// time without a zone that the clocks skip or repeat is taken as the earlier reading allows.
pub fn parse_time(text: &str, now: UnixSeconds, timezone: &str) -> Result<UnixSeconds, String> {
    let zone = TimeZone::get(timezone).map_err(|_| {
        format!("unknown time zone `{timezone}`: give an IANA name such as Asia/Shanghai")
    })?;
    let text = text.trim();
    let wrong = || {
        format!("`{text}` is no time: write now-6h, now-30d, 2026-11-23 or 2026-11-23T10:00+08:00")
    };
    if let Some(rest) = text.strip_prefix("now") {
        let now = Timestamp::from_second(now).map_err(|_| wrong())?;
        return relative(rest, now.to_zoned(zone)).ok_or_else(wrong);
    }
    if let Ok(number) = text.parse::<i64>() {
        // Grafana sends milliseconds.
        let instant = if number.unsigned_abs() >= 100_000_000_000 {
            Timestamp::from_millisecond(number)
        } else {
            Timestamp::from_second(number)
        };
        return instant.map(Timestamp::as_second).map_err(|_| wrong());
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant.as_second());
    }
    let wall = text.parse::<jiff::civil::DateTime>().or_else(|_| {
        text.parse::<jiff::civil::Date>()
            .map(|date| date.at(0, 0, 0, 0))
    });
    let zoned = wall.and_then(|wall| wall.to_zoned(zone));
    zoned
        .map(|z| z.timestamp().as_second())
        .map_err(|_| wrong())
}

/// `-1d`, `+2h`, `-1M/M`: steps from now, at the end cut down to the start of an hour, a day, a week
/// (its Monday), a month or a year.
fn relative(steps: &str, now: Zoned) -> Option<UnixSeconds> {
    let (steps, cut) = match steps.split_once('/') {
        Some((steps, cut)) => (steps, Some(cut)),
        None => (steps, None),
    };
    let mut at = now;
    let mut rest = steps;
    while !rest.is_empty() {
        let back = match rest.as_bytes()[0] {
            b'-' => true,
            b'+' => false,
            _ => return None,
        };
        let (amount, unit, after) = number_and_unit(&rest[1..])?;
        let span = span(amount, unit)?;
        at = if back {
            at.checked_sub(span).ok()?
        } else {
            at.checked_add(span).ok()?
        };
        rest = after;
    }
    let at = match cut {
        None => at,
        Some("d") => at.start_of_day().ok()?,
        Some("h") => {
            let second = at.timestamp().as_second();
            let past = i64::from(at.minute()) * 60 + i64::from(at.second());
            return Some(second - past);
        }
        Some("w") => {
            let since_monday = i64::from(at.weekday().to_monday_zero_offset());
            let monday = at.checked_sub(Span::new().try_days(since_monday).ok()?);
            monday.ok()?.start_of_day().ok()?
        }
        Some("M") => at.first_of_month().ok()?.start_of_day().ok()?,
        Some("y") => at.first_of_year().ok()?.start_of_day().ok()?,
        Some(_) => return None,
    };
    Some(at.timestamp().as_second())
}

fn span(amount: i64, unit: &str) -> Option<Span> {
    let span = Span::new();
    match unit {
        "s" => span.try_seconds(amount),
        "m" => span.try_minutes(amount),
        "h" => span.try_hours(amount),
        "d" => span.try_days(amount),
        "w" => span.try_weeks(amount),
        "M" => span.try_months(amount),
        "y" => span.try_years(amount),
        _ => return None,
    }
    .ok()
}

/// `30d-1h` → (30, `d`, `-1h`)
fn number_and_unit(text: &str) -> Option<(i64, &str, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let letters = text[digits..]
        .bytes()
        .take_while(u8::is_ascii_alphabetic)
        .count();
    let unit = &text[digits..digits + letters];
    let number = text[..digits].parse().ok()?;
    Some((number, unit, &text[digits + letters..]))
}

/// `90s`, `5m`, `1h30m`, `2d` in seconds; more than nothing.
pub(super) fn duration_s(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    let mut total = 0_i64;
    while !rest.is_empty() {
        let (amount, unit, after) = number_and_unit(rest)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return None,
        };
        total = total.checked_add(amount.checked_mul(seconds)?)?;
        rest = after;
    }
    // A century is enough for everybody and keeps all sums in range.
    (total > 0 && total <= 3_155_760_000).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T10:20:30Z
    const NOW: UnixSeconds = 1_795_429_230;

    #[test]
    fn times_are_read_as_people_write_them() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        let cases = [
            ("now", "UTC", "2026-11-23T10:20:30Z"),
            ("now-6h", "UTC", "2026-11-23T04:20:30Z"),
            ("now-30d", "Asia/Shanghai", "2026-10-24T10:20:30Z"),
            ("now-1d+1h-5m", "UTC", "2026-11-22T11:15:30Z"),
            ("now/d", "Asia/Shanghai", "2026-11-22T16:00:00Z"),
            ("now-1d/d", "UTC", "2026-11-22T00:00:00Z"),
            ("now/h", "Asia/Kolkata", "2026-11-23T09:30:00Z"),
            // 2026-11-23 is a Monday.
            ("now/w", "UTC", "2026-11-23T00:00:00Z"),
            ("now-1d/w", "Asia/Shanghai", "2026-11-15T16:00:00Z"),
            ("now/M", "UTC", "2026-11-01T00:00:00Z"),
            // The month begins before the clocks are set back, the year long before.
            ("now/M", "America/New_York", "2026-11-01T04:00:00Z"),
            ("now-1M/M", "Asia/Shanghai", "2026-09-30T16:00:00Z"),
            ("now/y", "America/New_York", "2026-01-01T05:00:00Z"),
            ("now-1M", "UTC", "2026-10-23T10:20:30Z"),
            // Three weeks back the clocks of New York were an hour ahead: the same wall time.
            ("now-30d", "America/New_York", "2026-10-24T09:20:30Z"),
            ("2026-11-23", "Asia/Shanghai", "2026-11-22T16:00:00Z"),
            ("2026-11-23T10:00", "Asia/Shanghai", "2026-11-23T02:00:00Z"),
            ("2026-11-23 10:00:05", "UTC", "2026-11-23T10:00:05Z"),
            (
                "2026-11-23T10:00:00+02:00",
                "Asia/Shanghai",
                "2026-11-23T08:00:00Z",
            ),
            (
                "2026-11-23T10:00:00Z",
                "Asia/Shanghai",
                "2026-11-23T10:00:00Z",
            ),
            ("1795429230000", "UTC", "2026-11-23T10:20:30Z"),
            ("1795429230", "UTC", "2026-11-23T10:20:30Z"),
        ];
        for (text, zone, want) in cases {
            assert_eq!(parse_time(text, NOW, zone), Ok(at(want)), "{text} {zone}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "now-",
            "now-6",
            "now-6x",
            "now6h",
            "now/x",
            "now-é",
            "2026-13-01",
            "now-99999999999999999999d",
            "now-9999999999y",
            "10:00",
            "99999999999999999",
            "-9223372036854775808",
        ] {
            assert!(parse_time(text, NOW, "UTC").is_err(), "{text}");
        }
        assert!(parse_time("now", NOW, "Mars/Olympus").is_err());
        assert!(Range::of("now", "now", NOW, "UTC").is_err());
    }

    #[test]
    fn steps_are_round() {
        let step = |seconds| {
            Range {
                from: 0,
                to: seconds,
            }
            .step_s()
        };
        assert_eq!(step(3600), 60);
        assert_eq!(step(86_400), 300);
        assert_eq!(step(7 * 86_400), 1800);
        assert_eq!(step(30 * 86_400), 7200);
        assert_eq!(step(100 * 365 * 86_400), 604_800);
    }

    #[test]
    fn durations() {
        assert_eq!(duration_s("90s"), Some(90));
        assert_eq!(duration_s("1h30m"), Some(5400));
        for text in ["", "0s", "5", "m", "-5m", "99999999999d", "5m x"] {
            assert_eq!(duration_s(text), None, "{text}");
        }
    }
}
