//! Bars that lie, one group for each row: names are long, and read from left to right.

use super::drawing::{Drawing, INKS, Legend, Shape, WIDTH, round, short};
use super::figure::Data;
use crate::query::Cell;

/// Rows that are drawn; the table has them all.
const ROWS: usize = 15;
const LABEL: f64 = 185.0;
const LABEL_LETTERS: usize = 25;
/// Room for the number behind the longest bar.
const NUMBER: f64 = 82.0;
/// The height of one bar, and what parts the groups.
const BAR: f64 = 12.0;
const GAP: f64 = 8.0;

/// The first rows as bars, side by side or `stacked` end to end.
pub(super) fn draw(data: &Data<'_>, stacked: bool) -> Option<Drawing> {
    let shown: Vec<&Vec<Cell>> = data.rows.iter().take(ROWS).collect();
    let numbers = |row: &[Cell]| -> Vec<f64> {
        let each = data
            .ys
            .iter()
            .map(|y| y.number(row).unwrap_or(0.0).max(0.0));
        each.collect()
    };
    let size = |row: &&Vec<Cell>| {
        let numbers = numbers(row);
        if stacked {
            numbers.iter().sum()
        } else {
            numbers.into_iter().fold(0.0, f64::max)
        }
    };
    let most = shown.iter().map(size).fold(0.0, f64::max);
    // A share is of 100; of 3 % nobody should think that it is all.
    let most = match data.unit() {
        "%" if most <= 100.0 => 100.0,
        _ if most > 0.0 => most,
        _ => 1.0,
    };
    let room = WIDTH - LABEL - NUMBER;
    let mut shapes = Vec::new();
    let mut y = GAP / 2.0;
    for row in &shown {
        let height = if stacked {
            BAR
        } else {
            BAR * data.ys.len() as f64
        };
        shapes.push(Shape::Text {
            x: LABEL - 8.0,
            y: round(y + height / 2.0 + 4.0),
            text: label(data, row),
            anchor: "end",
            tone: "ink",
        });
        let mut end = LABEL;
        for (place, (measure, value)) in data.ys.iter().zip(numbers(row)).enumerate() {
            let width = round(value / most * room);
            let level = if stacked { "" } else { measure.level(value) };
            let top = if stacked { y } else { y + BAR * place as f64 };
            shapes.push(Shape::Rect {
                x: if stacked { round(end) } else { LABEL },
                y: round(top + 1.0),
                w: width.max(if value > 0.0 { 0.8 } else { 0.0 }),
                h: BAR - 2.0,
                ink: if level.is_empty() {
                    INKS[place % INKS.len()]
                } else {
                    level
                },
                strength: 1.0,
            });
            end += width;
            if !stacked && let Some(value) = measure.number(row) {
                shapes.push(number(LABEL + width, top, measure.text(value)));
            }
        }
        if stacked && let Some(measure) = data.ys.first() {
            shapes.push(number(end, y, measure.text(size(row))));
        }
        y += height + GAP;
    }
    // One kind of bars is what the title says.
    let legend = (data.ys.len() > 1).then(|| {
        let named = data.ys.iter().enumerate();
        named
            .map(|(place, y)| Legend::of(place, y.title.to_owned()))
            .collect()
    });
    Some(Drawing {
        width: WIDTH,
        height: round(y - GAP / 2.0),
        shapes,
        legend: legend.unwrap_or_default(),
        cut: data.rows.len() > ROWS,
    })
}

fn number(x: f64, top: f64, text: String) -> Shape {
    Shape::Text {
        x: round(x + 5.0),
        y: round(top + BAR - 2.0),
        text,
        anchor: "start",
        tone: "soft",
    }
}

/// `sw-core01… Gi0/1`: what tells the rows apart stands last and is cut last.
fn label(data: &Data<'_>, row: &[Cell]) -> String {
    use unicode_width::UnicodeWidthStr as _;
    let (series, x) = (data.label(row, data.series), data.label(row, data.x));
    if series.is_empty() {
        return short(&x, LABEL_LETTERS);
    }
    let x = short(&x, LABEL_LETTERS - 8);
    let room = LABEL_LETTERS.saturating_sub(x.width() + 2);
    format!("{} {x}", short(&series, room))
}
