//! The filters of our own.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind};

use super::catalogue::Catalogue;
use super::{duration, number};
pub(super) use crate::query::segment;
use crate::reading::UnixSeconds;

/// What the filters of one rendering know.
pub(super) struct Scope {
    words: Catalogue,
    zone: TimeZone,
    now: Option<UnixSeconds>,
}

impl Scope {
    pub(super) fn new(words: Catalogue, timezone: &str, now: Option<UnixSeconds>) -> Scope {
        Scope {
            words,
            zone: TimeZone::get(timezone).unwrap_or(TimeZone::UTC),
            now,
        }
    }

    fn ago(&self, then: &Value) -> Result<String, Error> {
        let Some(then) = seconds(then) else {
            return Ok(number::NOTHING.into());
        };
        let now = self.now.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidOperation,
                "`ago` needs `now` in the context",
            )
        })?;
        let length = duration::short(now - then, &self.words);
        Ok(self.words.text("duration.ago").replace("{time}", &length))
    }

    fn duration(&self, length: &Value) -> String {
        seconds(length).map_or_else(
            || number::NOTHING.into(),
            |length| duration::long(length, &self.words),
        )
    }

    fn datetime(&self, at: &Value, format: Option<&str>) -> String {
        let format = match format {
            None => "%Y-%m-%d %H:%M:%S %:z",
            Some("minute") => "%Y-%m-%d %H:%M",
            Some("short") => "%m-%d %H:%M:%S",
            Some("day") => "%Y-%m-%d",
            Some("clock") => "%H:%M:%S",
            Some("iso") => "%Y-%m-%dT%H:%M:%S%:z",
            Some(_) => "%Y-%m-%d %H:%M:%S %:z",
        };
        seconds(at)
            .and_then(|at| Timestamp::from_second(at).ok())
            .map_or_else(
                || number::NOTHING.into(),
                |at| at.to_zoned(self.zone.clone()).strftime(format).to_string(),
            )
    }

    fn unit(&self, value: &Value, unit: &str) -> String {
        let Some(value) = float(value) else {
            return number::NOTHING.into();
        };
        if unit == "s" && value.abs() >= 120.0 {
            return duration::long(value as i64, &self.words);
        }
        match (unit, value as i64) {
            ("weekday", day @ 1..=7) => self.words.text(&format!("weekday.{day}")).to_owned(),
            ("hour", hour @ 0..=23) => format!("{hour:02}:00"),
            _ => number::with_unit(value, unit),
        }
    }

    fn translate(&self, key: &str, holes: &Kwargs) -> Result<String, Error> {
        let mut text = self.words.text(key).to_owned();
        for name in holes.args() {
            let value: Value = holes.get(name)?;
            text = text.replace(&format!("{{{name}}}"), &value.to_string());
        }
        Ok(text)
    }
}

pub(super) fn register(environment: &mut Environment<'static>, scope: Scope) {
    let scope = Arc::new(scope);
    let s = Arc::clone(&scope);
    environment.add_filter("ago", move |then: Value| s.ago(&then));
    let s = Arc::clone(&scope);
    environment.add_filter("duration", move |length: Value| s.duration(&length));
    let s = Arc::clone(&scope);
    environment.add_filter("datetime", move |at: Value, format: Option<String>| {
        s.datetime(&at, format.as_deref())
    });
    let s = Arc::clone(&scope);
    environment.add_filter("unit", move |value: Value, unit: Option<String>| {
        s.unit(&value, unit.as_deref().unwrap_or_default())
    });
    environment.add_filter("day", |at: Value| day(&at));
    environment.add_filter("nominal", |value: Value, unit: String| {
        float(&value).map_or_else(|| number::NOTHING.into(), |v| number::axis(v, &unit))
    });
    let s = Arc::clone(&scope);
    environment.add_filter("t", move |key: String, holes: Kwargs| {
        s.translate(&key, &holes)
    });
    environment.add_test("translated", move |key: String| scope.words.has(&key));
    environment.add_filter("segment", |text: String| segment(&text));
}

/// A calendar day given as its midnight in UTC: no zone moves it.
fn day(at: &Value) -> String {
    seconds(at)
        .and_then(|at| Timestamp::from_second(at).ok())
        .map_or_else(
            || number::NOTHING.into(),
            |at| at.strftime("%Y-%m-%d").to_string(),
        )
}

fn float(value: &Value) -> Option<f64> {
    if value.is_number() {
        f64::try_from(value.clone()).ok()
    } else {
        None
    }
}

fn seconds(value: &Value) -> Option<i64> {
    float(value).map(|seconds| seconds as i64)
}
