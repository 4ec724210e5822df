//! Charts as the server draws them: numbers in, lines and labels out; a template makes them SVG, or
//! [`png`] a picture for a mail.
//! A gap in the data stays a gap in the line.

mod axis;
mod bars;
mod drawing;
mod figure;
mod heat;
mod picture;

pub use drawing::{Drawing, Legend, Shape};
pub use figure::{Figure, Frame, Stat};
pub use picture::{Picture, png};

use serde::Serialize;

use super::number;
use crate::query::Range;
use crate::reading::UnixSeconds;

/// The size of a drawing, in its own units.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 150.0;
/// Room for the labels.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 6.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 18.0;

/// One line: a value, or none, at each moment, in rising order.
#[derive(Clone, Debug)]
pub struct Line {
    pub name: Name,
    pub points: Vec<(UnixSeconds, Option<f64>)>,
}

/// How the legend calls a line.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Name {
    /// A key of the catalogue.
    Word(&'static str),
    /// What a device calls it.
    Text(String),
}

/// Which lines are filled below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    None,
    First,
    All,
}

impl Name {
    fn text(&self) -> String {
        match self {
            Name::Word(key) => (*key).to_owned(),
            Name::Text(text) => text.clone(),
        }
    }
}

/// What a chart shows.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// Key of the title.
    pub title: &'static str,
    pub unit: &'a str,
    /// The scale always reaches up to here.
    pub at_least: f64,
    /// The first line is filled below, or all of them.
    pub filled: Filled,
    pub range: Range,
    /// Seconds between points; a longer pause than 2.5 of them is a gap.
    pub step: i64,
}

#[derive(Clone, Debug, Serialize)]
pub struct Chart {
    title: &'static str,
    unit: String,
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    lines: Vec<Drawn>,
    rows: Vec<Tick>,
    columns: Vec<Tick>,
    /// No line has a point.
    empty: bool,
}

#[derive(Clone, Debug, Serialize)]
struct Drawn {
    name: Name,
    path: String,
    fill: Option<String>,
    last: Option<f64>,
    mean: Option<f64>,
    most: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Tick {
    at: f64,
    label: String,
}

/// Draws the lines.
pub fn draw(plan: &Plan<'_>, lines: Vec<Line>, timezone: &str) -> Chart {
    let values = || {
        lines
            .iter()
            .flat_map(|line| line.points.iter().filter_map(|(_, value)| *value))
            .filter(|value| value.is_finite())
    };
    let top = values().fold(plan.at_least, f64::max);
    let empty = values().next().is_none();
    let (ceiling, rise) = axis::scale(top, plan.unit);
    let area = Area {
        range: plan.range,
        ceiling,
    };
    let rows = (0..=8)
        .map(|n| f64::from(n) * rise)
        .take_while(|value| *value <= ceiling * 1.0001)
        .map(|value| Tick {
            at: area.y(value),
            label: number::axis(value, plan.unit),
        })
        .collect();
    let columns = axis::moments(plan.range, timezone)
        .into_iter()
        .map(|(time, label)| Tick {
            at: round(area.x(time)),
            label,
        })
        .collect();
    let gap = plan.step * 5 / 2;
    let lines = lines
        .into_iter()
        .enumerate()
        .map(|(position, line)| {
            let filled = match plan.filled {
                Filled::None => false,
                Filled::First => position == 0,
                Filled::All => true,
            };
            area.line(line, gap, filled)
        })
        .collect();
    Chart {
        title: plan.title,
        unit: plan.unit.to_owned(),
        width: WIDTH,
        height: HEIGHT,
        left: LEFT,
        right: WIDTH - RIGHT,
        top: TOP,
        bottom: HEIGHT - BOTTOM,
        lines,
        rows,
        columns,
        empty,
    }
}

struct Area {
    range: Range,
    ceiling: f64,
}

impl Area {
    fn x(&self, time: UnixSeconds) -> f64 {
        let length = (self.range.to - self.range.from).max(1);
        let share = (time - self.range.from) as f64 / length as f64;
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value / self.ceiling).clamp(0.0, 1.0);
        round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP))
    }

    fn line(&self, line: Line, gap: i64, filled: bool) -> Drawn {
        let mut path = String::new();
        let mut fill = String::new();
        let mut run: Vec<(f64, f64)> = Vec::new();
        let mut last: Option<(UnixSeconds, f64)> = None;
        let (mut sum, mut count, mut most) = (0.0, 0.0, f64::NEG_INFINITY);
        for (time, value) in &line.points {
            let Some(value) = value.filter(|value| value.is_finite()) else {
                continue;
            };
            if last.is_some_and(|(before, _)| time - before > gap) {
                flush(&mut run, &mut path, filled.then_some(&mut fill));
            }
            run.push((round(self.x(*time)), self.y(value)));
            last = Some((*time, value));
            sum += value;
            count += 1.0;
            most = f64::max(most, value);
        }
        flush(&mut run, &mut path, filled.then_some(&mut fill));
        Drawn {
            name: line.name,
            path,
            fill: (!fill.is_empty()).then_some(fill),
            last: last.map(|(_, value)| value),
            mean: last.map(|_| sum / count),
            most: last.map(|_| most),
        }
    }
}

/// Ends a stretch without gaps: as a line, or as a short dash when it is a single point.
fn flush(run: &mut Vec<(f64, f64)>, path: &mut String, fill: Option<&mut String>) {
    let (Some(&(first, y)), Some(&(last, _))) = (run.first(), run.last()) else {
        return;
    };
    let mut stretch = format!("M{first} {y}");
    if run.len() == 1 {
        stretch.push_str("h1");
    }
    for (x, y) in &run[1..] {
        stretch.push_str(&format!("L{x} {y}"));
    }
    if let Some(fill) = fill {
        let floor = HEIGHT - BOTTOM;
        fill.push_str(&format!("{stretch}L{last} {floor}L{first} {floor}Z"));
    }
    path.push_str(&stretch);
    run.clear();
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(range: Range) -> Plan<'static> {
        Plan {
            title: "t",
            unit: "",
            at_least: 0.0,
            filled: Filled::First,
            range,
            step: 60,
        }
    }

    #[test]
    fn a_gap_stays_a_gap() {
        let range = Range {
            from: 1_763_866_800,
            to: 1_763_870_400,
        };
        let at = |n: i64| range.from + n * 60;
        let line = Line {
            name: Name::Text("x".into()),
            points: vec![
                (at(0), Some(1.0)),
                (at(1), Some(2.0)),
                (at(2), None),
                (at(3), Some(f64::NAN)),
                (at(4), Some(3.0)),
                (at(5), Some(4.0)),
                (at(30), Some(2.0)),
            ],
        };
        let chart = draw(&plan(range), vec![line], "UTC");
        let drawn = &chart.lines[0];
        assert_eq!(drawn.path.matches('M').count(), 3, "{}", drawn.path);
        assert_eq!(drawn.fill.as_ref().unwrap().matches('Z').count(), 3);
        assert_eq!((drawn.last, drawn.most), (Some(2.0), Some(4.0)));
        assert_eq!(drawn.mean, Some(2.4));
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let range = Range {
            from: 1_763_866_800,
            to: 1_763_870_400,
        };
        let chart = draw(&plan(range), Vec::new(), "UTC");
        assert!(chart.empty && chart.lines.is_empty());
    }
}
