//! Which time a report tells of: a calendar period that is over, or one that lasts until now.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};

use crate::query::{Range, parse_time};
use crate::reading::UnixSeconds;

/// `last_week`, `this_month`, `now-7d`, …
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Period {
    /// The whole one before, or the one under way up to now.
    Calendar { unit: Unit, over: bool },
    /// From this time on up to now: `now-30d`, `now-1d/d`.
    Since(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// What the settings may say.
const WORDS: [(&str, Unit, bool); 13] = [
    ("last_hour", Unit::Hour, true),
    ("last_day", Unit::Day, true),
    ("yesterday", Unit::Day, true),
    ("last_week", Unit::Week, true),
    ("last_month", Unit::Month, true),
    ("last_quarter", Unit::Quarter, true),
    ("last_year", Unit::Year, true),
    ("this_day", Unit::Day, false),
    ("today", Unit::Day, false),
    ("this_week", Unit::Week, false),
    ("this_month", Unit::Month, false),
    ("this_quarter", Unit::Quarter, false),
    ("this_year", Unit::Year, false),
];

/// The words for calendar periods.
pub const PERIOD_WORDS: [&str; 13] = {
    let mut words = [""; 13];
    let mut place = 0;
    while place < words.len() {
        words[place] = WORDS[place].0;
        place += 1;
    }
    words
};

impl Period {
    /// Reads a period. `Err`: a sentence.
    pub fn read(text: &str) -> Result<Period, String> {
        if let Some((_, unit, over)) = WORDS.iter().find(|(word, ..)| *word == text) {
            return Ok(Period::Calendar {
                unit: *unit,
                over: *over,
            });
        }
        const SOME_TIME: UnixSeconds = 1_800_000_000;
        match parse_time(text, SOME_TIME, "UTC") {
            Ok(from) if text.starts_with("now") && from < SOME_TIME => {
                Ok(Period::Since(text.into()))
            }
            _ => Err(format!(
                "`{text}` is no period: write last_day, last_week, last_month, last_quarter, last_year, this_month or now-7d"
            )),
        }
    }

    /// From when to when, seen from `at`. Weeks begin on Monday.
    pub fn range(&self, at: UnixSeconds, timezone: &str) -> Result<Range, String> {
        let (unit, over) = match self {
            Period::Since(from) => return Range::of(from, "now", at, timezone),
            Period::Calendar { unit, over } => (*unit, *over),
        };
        let outside = |_| "the period is outside of the calendar".to_owned();
        let zone = TimeZone::get(timezone).map_err(|error| error.to_string())?;
        let now = Timestamp::from_second(at).map_err(outside)?.to_zoned(zone);
        let start = start(&now, unit).map_err(outside)?;
        let (from, to) = if over {
            let before = start.datetime().checked_sub(span(unit)).map_err(outside)?;
            let before = resolve(before, &now).map_err(outside)?;
            (
                before.timestamp().as_second(),
                start.timestamp().as_second(),
            )
        } else {
            (start.timestamp().as_second(), at)
        };
        // At the very start of a period there is nothing of it yet.
        Ok(Range {
            from,
            to: to.max(from + 1),
        })
    }
}

fn span(unit: Unit) -> jiff::Span {
    match unit {
        Unit::Hour => 1.hour(),
        Unit::Day => 1.day(),
        Unit::Week => 1.week(),
        Unit::Month => 1.month(),
        Unit::Quarter => 3.months(),
        Unit::Year => 1.year(),
    }
}

/// The start of the unit that `now` is in.
fn start(now: &Zoned, unit: Unit) -> Result<Zoned, jiff::Error> {
    let date = now.date();
    let first = match unit {
        Unit::Hour => {
            let past = i64::from(now.minute()) * 60 + i64::from(now.second());
            return now.checked_sub(past.seconds());
        }
        Unit::Day => date,
        Unit::Week => date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days())?,
        Unit::Month => date.first_of_month(),
        Unit::Quarter => {
            let month = (date.month() - 1) / 3 * 3 + 1;
            jiff::civil::Date::new(date.year(), month, 1)?
        }
        Unit::Year => date.first_of_year(),
    };
    resolve(first.at(0, 0, 0, 0), now)
}

/// The wall time in the zone of `now`; a midnight that the clocks skip is the first moment after it.
fn resolve(wall: DateTime, now: &Zoned) -> Result<Zoned, jiff::Error> {
    wall.to_zoned(now.time_zone().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(period: &str, at: &str, timezone: &str) -> (String, String) {
        let at = at.parse::<Timestamp>().unwrap().as_second();
        let range = Period::read(period).unwrap().range(at, timezone).unwrap();
        let text = |time| Timestamp::from_second(time).unwrap().to_string();
        (text(range.from), text(range.to))
    }

    /// Period, from and to for a Monday, 2026-11-23 08:00 in Shanghai.
    #[test]
    fn calendar_periods_are_those_of_the_zone() {
        for (period, from, to) in [
            ("last_hour", "2026-11-22T23:00:00Z", "2026-11-23T00:00:00Z"),
            ("last_day", "2026-11-21T16:00:00Z", "2026-11-22T16:00:00Z"),
            ("yesterday", "2026-11-21T16:00:00Z", "2026-11-22T16:00:00Z"),
            ("last_week", "2026-11-15T16:00:00Z", "2026-11-22T16:00:00Z"),
            ("last_month", "2026-09-30T16:00:00Z", "2026-10-31T16:00:00Z"),
            (
                "last_quarter",
                "2026-06-30T16:00:00Z",
                "2026-09-30T16:00:00Z",
            ),
            ("last_year", "2024-12-31T16:00:00Z", "2025-12-31T16:00:00Z"),
            ("today", "2026-11-22T16:00:00Z", "2026-11-23T00:00:00Z"),
            ("this_week", "2026-11-22T16:00:00Z", "2026-11-23T00:00:00Z"),
            ("this_month", "2026-10-31T16:00:00Z", "2026-11-23T00:00:00Z"),
            (
                "this_quarter",
                "2026-09-30T16:00:00Z",
                "2026-11-23T00:00:00Z",
            ),
            ("now-7d", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"),
            ("now-1d/d", "2026-11-21T16:00:00Z", "2026-11-23T00:00:00Z"),
        ] {
            let found = shown(period, "2026-11-23T00:00:00Z", "Asia/Shanghai");
            assert_eq!(found, (from.to_owned(), to.to_owned()), "{period}");
        }
    }

    #[test]
    fn days_have_23_and_25_hours_where_the_clocks_change() {
        let day = |at| {
            let (from, to) = shown("last_day", at, "Europe/Berlin");
            let at = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
            (at(&to) - at(&from)) / 3600
        };
        assert_eq!(day("2027-03-29T10:00:00Z"), 23);
        assert_eq!(day("2026-10-26T10:00:00Z"), 25);
        let week = shown("last_week", "2026-10-26T10:00:00Z", "Europe/Berlin");
        assert_eq!(week.0, "2026-10-18T22:00:00Z");
        assert_eq!(week.1, "2026-10-25T23:00:00Z");
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for text in [
            "",
            "last",
            "now",
            "now+1d",
            "2026-11-01",
            "last_decade",
            "now-1x",
        ] {
            assert!(Period::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_period_that_begins_now_is_not_empty() {
        let (from, to) = shown("this_month", "2026-11-01T00:00:00Z", "UTC");
        assert_eq!(from, "2026-11-01T00:00:00Z");
        assert_eq!(to, "2026-11-01T00:00:01Z");
    }
}
