//! When the disk will be full, by what each table grows and by how long its rows are kept.

use serde::Serialize;

const DAY: f64 = 86_400.0;
/// Nobody plans further than that.
const DAYS_MAX: f64 = 36_500.0;

/// One table's growth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Growth {
    pub(super) day_bytes: f64,
    /// How many bytes it will still gain until what comes and what goes are the same; `None` when
    /// nothing of it goes.
    pub(super) rest_bytes: Option<f64>,
}

impl Growth {
    fn after(&self, days: f64) -> f64 {
        let gained = self.day_bytes * days;
        self.rest_bytes.map_or(gained, |rest| gained.min(rest))
    }
}

/// What will become of the free space.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Forecast {
    /// The history is too young to tell.
    TooYoung,
    /// Nothing is free at this time, if it goes on as now.
    FullIn { seconds: i64 },
    /// It fits: what is kept long enough goes, and the sealed files stop growing at this size.
    LevelsOff { bytes: i64 },
}

/// When the growth has eaten what is free.
pub(super) fn of(free: u64, sealed: i64, growth: &[Growth]) -> Forecast {
    if growth.is_empty() {
        return Forecast::TooYoung;
    }
    let gained = |days: f64| growth.iter().map(|one| one.after(days)).sum::<f64>();
    let free = free as f64;
    if gained(DAYS_MAX) <= free {
        return Forecast::LevelsOff {
            bytes: sealed.saturating_add(gained(DAYS_MAX) as i64),
        };
    }
    let (mut low, mut high) = (0.0, DAYS_MAX);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if gained(middle) > free {
            high = middle;
        } else {
            low = middle;
        }
    }
    Forecast::FullIn {
        seconds: (high * DAY) as i64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grows(day_bytes: f64, rest_bytes: Option<f64>) -> Growth {
        Growth {
            day_bytes,
            rest_bytes,
        }
    }

    #[test]
    fn the_day_on_which_the_disk_is_full() {
        assert_eq!(of(100, 5, &[]), Forecast::TooYoung);
        // 10 a day for ever: 100 are gone after ten days.
        let days = |forecast| match forecast {
            Forecast::FullIn { seconds } => (seconds as f64 / DAY).round(),
            other => panic!("{other:?}"),
        };
        assert_eq!(days(of(100, 0, &[grows(10.0, None)])), 10.0);
        // One of two stops after 4 days at 20: then 5 a day have to take the other 60.
        let two = [grows(5.0, Some(20.0)), grows(5.0, None)];
        assert_eq!(days(of(100, 0, &two)), 16.0);
        // Both stop before it is full.
        let both = [grows(5.0, Some(20.0)), grows(5.0, Some(79.0))];
        assert_eq!(of(100, 7, &both), Forecast::LevelsOff { bytes: 106 });
        assert_eq!(
            of(100, 7, &[grows(0.0, None)]),
            Forecast::LevelsOff { bytes: 7 }
        );
    }
}
