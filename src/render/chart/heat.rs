//! A heat map: one line of cells for each series, one column for each x.

use std::collections::{BTreeMap, HashMap};

use super::drawing::{Drawing, Shape, WIDTH, round, short};
use super::figure::Data;
use crate::query::Cell;
use crate::render::number;

/// What is drawn at most; the table has it all.
const LINES: usize = 30;
const COLUMNS: usize = 400;
const LABEL: f64 = 150.0;
const LABEL_LETTERS: usize = 23;
const LINE: f64 = 15.0;
const FOOT: f64 = 34.0;
/// The width of a letter of a label, about.
const LETTER: f64 = 6.6;
/// Steps of the scale that is drawn.
const STEPS: usize = 5;

/// Numbers stand in their order, everything else as it came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Place {
    Number(i128),
    Time(i64),
    Came(usize),
}

/// The cells by their line and their place in it.
#[derive(Default)]
struct Grid {
    lines: Vec<String>,
    columns: BTreeMap<Place, String>,
    cells: Vec<(usize, Place, f64)>,
    cut: bool,
}

impl Grid {
    fn of(data: &Data<'_>) -> Option<Grid> {
        let (measure, x) = (data.ys.first()?, data.x?);
        let mut grid = Grid::default();
        let mut came: HashMap<String, usize> = HashMap::new();
        for row in data.rows {
            let (Some(value), Some(cell)) = (measure.number(row), row.get(x)) else {
                continue;
            };
            let name = data.label(row, data.series);
            let line = grid.lines.iter().position(|known| *known == name);
            let line = line.unwrap_or_else(|| {
                grid.lines.push(name);
                grid.lines.len() - 1
            });
            let count = came.len();
            let place = match cell {
                Cell::Int(n) => Place::Number(*n),
                Cell::Time(micros) => Place::Time(*micros),
                Cell::Date(days) => Place::Time(i64::from(*days)),
                _ => Place::Came(*came.entry(data.label(row, Some(x))).or_insert(count)),
            };
            let full = grid.columns.len() >= COLUMNS && !grid.columns.contains_key(&place);
            if line >= LINES || full {
                grid.cut = true;
                continue;
            }
            let label = || data.label(row, Some(x));
            grid.columns.entry(place.clone()).or_insert_with(label);
            grid.cells.push((line, place, value));
        }
        grid.lines.truncate(LINES);
        Some(grid)
    }
}

pub(super) fn draw(data: &Data<'_>) -> Option<Drawing> {
    let measure = data.ys.first()?;
    let grid = Grid::of(data)?;
    let most = grid.cells.iter().map(|cell| cell.2).fold(0.0, f64::max);
    let most = match data.unit() {
        "%" if most <= 100.0 => 100.0,
        _ if most > 0.0 => most,
        _ => 1.0,
    };
    let places = grid.columns.keys().enumerate();
    let places: HashMap<&Place, usize> = places.map(|(i, place)| (place, i)).collect();
    let width = (WIDTH - LABEL - 4.0) / grid.columns.len().max(1) as f64;
    let mut shapes = Vec::new();
    for (line, name) in grid.lines.iter().enumerate() {
        let y = line as f64 * LINE + 11.0;
        shapes.push(text(LABEL - 6.0, y, short(name, LABEL_LETTERS), "end"));
    }
    for (line, at, value) in &grid.cells {
        let column = places.get(at).copied().unwrap_or_default() as f64;
        let level = measure.level(*value);
        shapes.push(Shape::Rect {
            x: round(LABEL + column * width),
            y: *line as f64 * LINE,
            w: round((width - if width > 4.0 { 1.0 } else { 0.0 }).max(0.5)),
            h: LINE - 1.0,
            ink: if level.is_empty() { "c0" } else { level },
            strength: strength(value / most),
        });
    }
    let bottom = grid.lines.len() as f64 * LINE;
    let longest = grid.columns.values().map(|label| label.chars().count());
    let room = longest.max().unwrap_or(0).min(12) as f64 * LETTER + LETTER;
    // No label reaches into the next one or beyond the edge.
    let every = (room / width).ceil().max(1.0) as usize;
    for (column, label) in grid.columns.values().enumerate().step_by(every) {
        let x = LABEL + column as f64 * width;
        if x + room <= WIDTH + LETTER {
            shapes.push(text(x, bottom + 12.0, short(label, 12), "start"));
        }
    }
    scale(&mut shapes, bottom + 17.0, most, data.unit());
    Some(Drawing {
        width: WIDTH,
        height: bottom + FOOT,
        shapes,
        legend: Vec::new(),
        cut: grid.cut,
    })
}

/// Also the least can be seen: nothing at all is no cell.
fn strength(share: f64) -> f64 {
    ((0.08 + 0.92 * share.clamp(0.0, 1.0)) * 100.0).round() / 100.0
}

/// What the colours mean: from nothing to the most.
fn scale(shapes: &mut Vec<Shape>, y: f64, most: f64, unit: &str) {
    let mut x = LABEL;
    shapes.push(text(x - 6.0, y + 11.0, number::axis(0.0, unit), "end"));
    for step in 0..STEPS {
        shapes.push(Shape::Rect {
            x,
            y: y + 2.0,
            w: 22.0,
            h: 10.0,
            ink: "c0",
            strength: strength(step as f64 / (STEPS - 1) as f64),
        });
        x += 22.0;
    }
    shapes.push(text(x + 6.0, y + 11.0, number::axis(most, unit), "start"));
}

fn text(x: f64, y: f64, text: String, anchor: &'static str) -> Shape {
    Shape::Text {
        x: round(x),
        y: round(y),
        text,
        anchor,
        tone: "soft",
    }
}
