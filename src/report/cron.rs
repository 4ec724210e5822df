//! When something is due: the five fields of cron, in a time zone.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use croner::parser::{CronParser, Seconds, Year};

use crate::reading::UnixSeconds;

/// Longer expressions are refused.
const MAX_CHARS: usize = 100;
/// The fields: what each is called, and what it may be.
const FIELDS: [(&str, &str); 5] = [
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31"),
    ("month", "1 to 12 or JAN to DEC"),
    ("day of the week", "0 to 7 or SUN to SAT"),
];
const NICKNAMES: [&str; 6] = [
    "@hourly",
    "@daily",
    "@weekly",
    "@monthly",
    "@yearly",
    "@annually",
];

/// A schedule: `0 8 * * MON`, `*/15 9-17 * * 1-5`, `@daily`.
///
/// A time that the clocks skip in spring counts as the first moment after the gap; one that they
/// repeat in autumn counts once, at its first passing. What is due every so many minutes or hours
/// goes by the hours that pass.
#[derive(Clone, Debug)]
pub struct Cron {
    text: String,
    parsed: croner::Cron,
}

impl PartialEq for Cron {
    fn eq(&self, other: &Cron) -> bool {
        self.text == other.text
    }
}

impl Cron {
    /// Reads an expression. `Err`: a sentence that names the field.
    pub fn read(text: &str) -> Result<Cron, String> {
        let text = text.trim();
        if text.len() > MAX_CHARS || !text.is_ascii() {
            return Err(format!(
                "a cron expression has at most {MAX_CHARS} plain characters"
            ));
        }
        if text.starts_with('@') {
            if !NICKNAMES.contains(&text.to_ascii_lowercase().as_str()) {
                let known = NICKNAMES.join(", ");
                return Err(format!("`{text}` is no schedule: there are {known}"));
            }
        } else {
            check_fields(text)?;
        }
        let parsed = parse(text).map_err(|error| format!("`{text}` is no schedule: {error}"))?;
        let cron = Cron {
            text: text.into(),
            parsed,
        };
        // 2024 is a leap year: what does not come in the years after it never does.
        if cron.next(1_704_067_200, &TimeZone::UTC).is_none() {
            return Err(format!("`{text}` never comes: there is no such day"));
        }
        Ok(cron)
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first time after `after`.
    pub fn next(&self, after: UnixSeconds, zone: &TimeZone) -> Option<UnixSeconds> {
        let found = self.parsed.find_next_occurrence(&at(after, zone)?, false);
        found.ok().map(|time| time.timestamp().as_second())
    }

    /// The last time that is not after `now`.
    pub fn latest(&self, now: UnixSeconds, zone: &TimeZone) -> Option<UnixSeconds> {
        let found = self.parsed.find_previous_occurrence(&at(now, zone)?, true);
        let found = found.ok().map(|time| time.timestamp().as_second());
        found.filter(|time| *time <= now)
    }
}

fn at(time: UnixSeconds, zone: &TimeZone) -> Option<Zoned> {
    let instant = Timestamp::from_second(time).ok()?;
    Some(instant.to_zoned(zone.clone()))
}

fn parse(text: &str) -> Result<croner::Cron, croner::errors::CronError> {
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
        .parse(text)
}

/// Each field by itself, so that the wrong one can be named.
fn check_fields(text: &str) -> Result<(), String> {
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(format!(
            "`{text}` has {} fields: a schedule has five (minute, hour, day, month, day of the week), for example \"0 8 * * MON\"",
            fields.len()
        ));
    }
    for (place, (field, (name, may))) in fields.iter().zip(FIELDS).enumerate() {
        let mut alone = ["*"; 5];
        alone[place] = field;
        if parse(&alone.join(" ")).is_err() {
            return Err(format!("`{field}` is no {name}: it is {may}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn seconds(text: &str) -> UnixSeconds {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    /// The next times after the first, as UTC.
    fn times(cron: &str, place: &str, after: &str, count: usize) -> Vec<String> {
        let cron = Cron::read(cron).unwrap();
        let mut at = seconds(after);
        (0..count)
            .map(|_| {
                at = cron.next(at, &zone(place)).unwrap();
                Timestamp::from_second(at).unwrap().to_string()
            })
            .collect()
    }

    #[test]
    fn five_fields_names_ranges_steps_and_nicknames() {
        let cases = [
            ("0 8 * * MON", "Asia/Shanghai", "2026-11-30T00:00:00Z"),
            ("0 8 * * mon-fri", "UTC", "2026-11-24T08:00:00Z"),
            ("*/15 9-17 * * 1-5", "UTC", "2026-11-23T12:45:00Z"),
            ("5,35 * * * *", "UTC", "2026-11-23T12:35:00Z"),
            ("0 6 1 JAN,jul *", "UTC", "2027-01-01T06:00:00Z"),
            ("0 0 29 2 *", "UTC", "2028-02-29T00:00:00Z"),
            ("0 0 * * 7", "UTC", "2026-11-29T00:00:00Z"),
            // Either of the two days, as cron has always done it.
            ("0 0 13 * FRI", "UTC", "2026-11-27T00:00:00Z"),
            ("0 7 L * *", "UTC", "2026-11-30T07:00:00Z"),
            ("@daily", "Asia/Shanghai", "2026-11-23T16:00:00Z"),
            ("@Weekly", "UTC", "2026-11-29T00:00:00Z"),
            ("@monthly", "UTC", "2026-12-01T00:00:00Z"),
            ("@hourly", "Asia/Kolkata", "2026-11-23T13:30:00Z"),
        ];
        for (cron, place, want) in cases {
            let found = times(cron, place, "2026-11-23T12:34:56Z", 1);
            assert_eq!(found, [want], "{cron} {place}");
        }
    }

    #[test]
    fn the_clocks_skip_and_repeat_an_hour() {
        // In Berlin 02:30 is not there on 2027-03-28 and twice there on 2026-10-25.
        assert_eq!(
            times("30 2 * * *", "Europe/Berlin", "2027-03-26T12:00:00Z", 3),
            [
                "2027-03-27T01:30:00Z",
                "2027-03-28T01:00:00Z",
                "2027-03-29T00:30:00Z"
            ]
        );
        assert_eq!(
            times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
        // Every hour is every hour that passes, in both nights.
        assert_eq!(
            times("0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 4),
            [
                "2026-10-25T00:00:00Z",
                "2026-10-25T01:00:00Z",
                "2026-10-25T02:00:00Z",
                "2026-10-25T03:00:00Z"
            ]
        );
        assert_eq!(
            times("0 * * * *", "Europe/Berlin", "2027-03-27T23:30:00Z", 3),
            [
                "2027-03-28T00:00:00Z",
                "2027-03-28T01:00:00Z",
                "2027-03-28T02:00:00Z"
            ]
        );
        // Midnight is not there on 2026-09-06 in Santiago.
        assert_eq!(
            times("@daily", "America/Santiago", "2026-09-05T12:00:00Z", 2),
            ["2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"]
        );
    }

    #[test]
    fn the_latest_is_the_one_that_next_found() {
        for (text, place) in [
            ("30 2 * * *", "Europe/Berlin"),
            ("0 * * * *", "Europe/Berlin"),
            ("*/20 * * * *", "America/New_York"),
            ("@daily", "America/Santiago"),
            ("0 8 * * MON", "Asia/Shanghai"),
        ] {
            let cron = Cron::read(text).unwrap();
            let zone = zone(place);
            for begin in [
                "2026-10-24T12:00:00Z",
                "2027-03-27T12:00:00Z",
                "2026-09-05T00:00:00Z",
            ] {
                let mut at = seconds(begin);
                for _ in 0..60 {
                    let next = cron.next(at, &zone).unwrap();
                    assert!(next > at);
                    assert_eq!(
                        cron.latest(next, &zone),
                        Some(next),
                        "{text} {place} {next}"
                    );
                    assert!(cron.latest(next - 1, &zone).unwrap() <= at.max(next - 1));
                    at = next;
                }
            }
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        for (text, words) in [
            ("0 25 * * *", "`25` is no hour: it is 0 to 23"),
            ("60 * * * *", "`60` is no minute"),
            ("0 8 32 * *", "`32` is no day of the month"),
            ("0 8 * 13 *", "`13` is no month"),
            ("0 8 * * MUN", "`MUN` is no day of the week"),
            ("0 8 * *", "has 4 fields"),
            ("0 0 8 * * *", "has 6 fields"),
            ("", "has 0 fields"),
            ("@reboot", "there are @hourly"),
            ("0 0 30 2 *", "never comes"),
            ("0 8 * * 周一", "plain characters"),
            ("*/0 * * * *", "`*/0` is no minute"),
        ] {
            let said = Cron::read(text).unwrap_err();
            assert!(said.contains(words), "{text}: {said}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text in "[ -~]{0,30}") {
            let _ = Cron::read(&text);
        }

        #[test]
        fn near_expressions_are_survived(text in "[0-9*/,@LW#A-Z-]{0,6}( [0-9*/,LW#MONJAN-]{1,5}){4}") {
            if let Ok(cron) = Cron::read(&text) {
                let next = cron.next(1_800_000_000, &TimeZone::UTC);
                proptest::prop_assert!(next.is_none_or(|next| next > 1_800_000_000));
            }
        }
    }
}
