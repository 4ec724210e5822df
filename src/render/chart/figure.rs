//! What is drawn of a query's answer, by the `chart:` of its front matter.

use std::collections::BTreeMap;

use serde::Serialize;

use super::drawing::{Drawing, Legend, Shape, WIDTH, round, short};
use super::{Filled, Line, Name, Plan, bars, draw, heat};
use crate::query::{Answer, Cell, Chart, ChartKind, Query, Range, Show};
use crate::reading::UnixSeconds;
use crate::render::number;

/// Lines of one drawing: more than there are colours tell nothing.
const LINES: usize = 5;
/// The legend's names are cut to so many letters.
const NAME_LETTERS: usize = 60;

/// A drawing, or numbers that stand for themselves.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    Drawing(Drawing),
    Stats(Vec<Stat>),
}

/// One large number.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stat {
    pub title: String,
    pub text: String,
    /// `warn`, `crit` or empty.
    pub level: &'static str,
}

/// What the drawing of an answer needs beside it.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    pub query: &'a Query,
    pub range: Range,
    pub timezone: &'a str,
    pub language: &'a str,
}

impl Figure {
    /// The figure of an answer; `None` where the query wants none, the columns that it names are not
    /// there, or there is nothing to draw.
    pub fn of(frame: Frame<'_>, answer: &Answer) -> Option<Figure> {
        let chart = frame.query.chart.as_ref()?;
        let data = Data::of(frame, chart, answer)?;
        if chart.kind == ChartKind::Stat {
            return data.stats().map(Figure::Stats);
        }
        let drawing = match chart.kind {
            ChartKind::Heatmap => heat::draw(&data),
            ChartKind::Bar => bars::draw(&data, false),
            _ if !data.is_over_time() => bars::draw(&data, chart.kind == ChartKind::Stacked),
            _ => data.lines(),
        };
        drawing.map(Figure::Drawing)
    }
}

/// An answer with the places of the columns that are drawn.
pub(super) struct Data<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) kind: ChartKind,
    pub(super) rows: &'a [Vec<Cell>],
    pub(super) x: Option<usize>,
    pub(super) series: Option<usize>,
    pub(super) ys: Vec<Measure<'a>>,
}

/// A column of numbers.
pub(super) struct Measure<'a> {
    pub(super) place: usize,
    pub(super) title: &'a str,
    pub(super) show: Option<&'a Show>,
}

impl<'a> Data<'a> {
    fn of(frame: Frame<'a>, chart: &'a Chart, answer: &'a Answer) -> Option<Data<'a>> {
        let ys = chart.y.iter().filter_map(|name| {
            let show = frame.query.show(name);
            let title = show.and_then(|show| show.title.as_ref());
            Some(Measure {
                place: answer.column(name)?,
                title: title.map_or(name, |title| title.get(frame.language)),
                show,
            })
        });
        let ys: Vec<Measure<'_>> = ys.collect();
        let data = Data {
            frame,
            kind: chart.kind,
            rows: &answer.rows,
            x: answer.column(&chart.x),
            series: chart.series.as_ref().and_then(|name| answer.column(name)),
            ys,
        };
        let seen = data.rows.iter().any(|row| {
            let mut numbers = data.ys.iter().map(|y| y.number(row));
            numbers.any(|number| number.is_some())
        });
        seen.then_some(data)
    }

    fn is_over_time(&self) -> bool {
        let Some(x) = self.x else { return false };
        let mut cells = self.rows.iter().filter_map(|row| row.get(x));
        cells.all(|cell| matches!(cell, Cell::Time(_) | Cell::Date(_)))
    }

    /// The unit of the first column, which the scale is in.
    pub(super) fn unit(&self) -> &'a str {
        let show = self.ys.first().and_then(|y| y.show);
        show.and_then(|show| show.unit.as_deref()).unwrap_or("")
    }

    /// A cell as a label.
    pub(super) fn label(&self, row: &[Cell], place: Option<usize>) -> String {
        let Some(cell) = place.and_then(|place| row.get(place)) else {
            return String::new();
        };
        match cell {
            Cell::Int(day @ 1..=7) if self.unit_of(place) == "weekday" => {
                weekday(*day as usize, self.frame.language).into()
            }
            Cell::Null => number::NOTHING.into(),
            Cell::Bool(value) => value.to_string(),
            Cell::Int(value) => value.to_string(),
            Cell::Float(value) => number::with_unit(*value, ""),
            Cell::Text(text) | Cell::Other(text) => text.clone(),
            Cell::Time(micros) => moment(micros.div_euclid(1_000_000), self.frame.timezone),
            Cell::Date(days) => day(*days),
        }
    }

    /// The unit of the column that tells the lines or the places apart.
    fn unit_of(&self, place: Option<usize>) -> &'a str {
        let Some(chart) = self.frame.query.chart.as_ref() else {
            return "";
        };
        let name = match &chart.series {
            Some(series) if place == self.series => series,
            _ => &chart.x,
        };
        let show = self.frame.query.show(name);
        show.and_then(|show| show.unit.as_deref()).unwrap_or("")
    }

    /// Lines over the range that was asked for.
    fn lines(&self) -> Option<Drawing> {
        let x = self.x?;
        let mut lines: BTreeMap<(usize, usize), Line> = BTreeMap::new();
        let mut names: Vec<String> = Vec::new();
        let mut cut = false;
        for row in self.rows {
            let Some(time) = row.get(x).and_then(seconds) else {
                continue;
            };
            let series = self.label(row, self.series);
            let position = names.iter().position(|name| *name == series);
            let position = position.unwrap_or_else(|| {
                names.push(series.clone());
                names.len() - 1
            });
            for (place, y) in self.ys.iter().enumerate() {
                if position * self.ys.len() + place >= LINES {
                    cut = true;
                    continue;
                }
                let line = lines.entry((position, place)).or_insert_with(|| Line {
                    name: Name::Text(match (self.series, self.ys.len()) {
                        (None, _) => y.title.to_owned(),
                        (Some(_), 1) => series.clone(),
                        (Some(_), _) => format!("{series} {}", y.title),
                    }),
                    points: Vec::new(),
                });
                line.points.push((time, y.number(row)));
            }
        }
        let mut lines: Vec<Line> = lines.into_values().collect();
        for line in &mut lines {
            line.points.sort_by_key(|(time, _)| *time);
        }
        let stacked = self.kind == ChartKind::Stacked;
        if stacked {
            pile_up(&mut lines);
        }
        let step = lines.iter().map(|line| step(&line.points)).max();
        let plan = Plan {
            title: "",
            unit: self.unit(),
            at_least: 0.0,
            filled: match self.kind {
                ChartKind::Stacked => Filled::All,
                ChartKind::Area => Filled::First,
                _ => Filled::None,
            },
            range: self.frame.range,
            step: step.unwrap_or(60),
        };
        let mut drawing = self.drawn(&plan, lines, stacked);
        drawing.cut = cut;
        Some(drawing)
    }

    fn drawn(&self, plan: &Plan<'_>, lines: Vec<Line>, stacked: bool) -> Drawing {
        let names: Vec<String> = lines.iter().map(|line| line.name.text()).collect();
        let chart = draw(plan, lines, self.frame.timezone);
        let scale = WIDTH / chart.width;
        let mut shapes = Vec::new();
        for tick in &chart.rows {
            shapes.push(Shape::Grid {
                x1: chart.left * scale,
                y1: round(tick.at * scale),
                x2: chart.right * scale,
                y2: round(tick.at * scale),
            });
            shapes.push(Shape::Text {
                x: chart.left * scale - 6.0,
                y: round(tick.at * scale + 4.0),
                text: tick.label.clone(),
                anchor: "end",
                tone: "soft",
            });
        }
        for tick in &chart.columns {
            shapes.push(Shape::Text {
                x: round(tick.at * scale),
                y: chart.height * scale - 5.0,
                text: tick.label.clone(),
                anchor: "middle",
                tone: "soft",
            });
        }
        let order: Vec<usize> = match stacked {
            // The highest pile first, the others over it.
            true => (0..chart.lines.len()).rev().collect(),
            false => (0..chart.lines.len()).collect(),
        };
        for place in order {
            let (line, ink) = (&chart.lines[place], super::drawing::INKS[place % LINES]);
            if let Some(fill) = &line.fill {
                shapes.push(Shape::Area {
                    d: scaled(fill, scale),
                    ink,
                    strength: if stacked { 0.85 } else { 0.15 },
                });
            }
            shapes.push(Shape::Line {
                d: scaled(&line.path, scale),
                ink,
            });
        }
        let legend = names
            .into_iter()
            .enumerate()
            .map(|(place, name)| Legend::of(place, short(&name, NAME_LETTERS)));
        Drawing {
            width: WIDTH,
            height: round(chart.height * scale),
            shapes,
            legend: legend.collect(),
            cut: false,
        }
    }

    /// The numbers of the first row.
    fn stats(&self) -> Option<Vec<Stat>> {
        let row = self.rows.first()?;
        let stats = self.ys.iter().map(|y| Stat {
            title: y.title.to_owned(),
            text: y
                .number(row)
                .map_or_else(|| number::NOTHING.into(), |value| y.text(value)),
            level: y.number(row).map_or("", |value| y.level(value)),
        });
        Some(stats.collect())
    }
}

impl Measure<'_> {
    pub(super) fn number(&self, row: &[Cell]) -> Option<f64> {
        row.get(self.place)?.number()
    }

    /// The number as its column shows it.
    pub(super) fn text(&self, value: f64) -> String {
        let unit = self.show.and_then(|show| show.unit.as_deref());
        let unit = unit.unwrap_or("");
        match self.show.and_then(|show| show.digits) {
            Some(digits) => {
                let digits = usize::from(digits.min(9));
                format!("{value:.digits$} {unit}").trim_end().to_owned()
            }
            None => number::with_unit(value, unit),
        }
    }

    pub(super) fn level(&self, value: f64) -> &'static str {
        self.show
            .map_or("", |show| crate::render::cells::level(value, show))
    }
}

/// Each line stands on those before it.
fn pile_up(lines: &mut [Line]) {
    let mut below: BTreeMap<UnixSeconds, f64> = BTreeMap::new();
    for line in lines {
        for (time, value) in &mut line.points {
            let sum = below.entry(*time).or_insert(0.0);
            *sum += value.unwrap_or(0.0);
            *value = Some(*sum);
        }
    }
}

/// The usual distance of the points: half of them stand no farther apart.
fn step(points: &[(UnixSeconds, Option<f64>)]) -> i64 {
    let mut pauses: Vec<i64> = points.windows(2).map(|w| w[1].0 - w[0].0).collect();
    pauses.retain(|pause| *pause > 0);
    pauses.sort_unstable();
    pauses.get(pauses.len() / 2).copied().unwrap_or(60)
}

/// A path of absolute moves and lines, larger.
fn scaled(path: &str, scale: f64) -> String {
    let mut out = String::with_capacity(path.len() + 8);
    let mut number = String::new();
    for c in path.chars().chain([' ']) {
        if c.is_ascii_digit() || c == '.' || c == '-' {
            number.push(c);
            continue;
        }
        if let Ok(value) = number.parse::<f64>() {
            out.push_str(&round(value * scale).to_string());
        }
        number.clear();
        out.push(c);
    }
    out.trim_end().to_owned()
}

fn seconds(cell: &Cell) -> Option<UnixSeconds> {
    match cell {
        Cell::Time(micros) => Some(micros.div_euclid(1_000_000)),
        Cell::Date(days) => Some(i64::from(*days) * 86_400),
        _ => None,
    }
}

/// 1 is Monday.
fn weekday(day: usize, language: &str) -> &'static str {
    const EN: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const ZH: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];
    let words = if language == "zh-CN" { ZH } else { EN };
    words.get(day - 1).copied().unwrap_or_default()
}

pub(super) fn moment(time: UnixSeconds, timezone: &str) -> String {
    let zone = jiff::tz::TimeZone::get(timezone).unwrap_or(jiff::tz::TimeZone::UTC);
    jiff::Timestamp::from_second(time).map_or_else(
        |_| number::NOTHING.into(),
        |at| at.to_zoned(zone).strftime("%m-%d %H:%M").to_string(),
    )
}

fn day(days: i32) -> String {
    jiff::Timestamp::from_second(i64::from(days) * 86_400).map_or_else(
        |_| number::NOTHING.into(),
        |at| at.strftime("%Y-%m-%d").to_string(),
    )
}

#[cfg(test)]
mod tests;
