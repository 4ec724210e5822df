//! A drawing: shapes with their places. A template shows it on a page, in the colours of the page;
//! [`Drawing::svg`] makes it stand alone, in colours for paper.

use std::fmt::Write as _;

use serde::Serialize;

/// The width of every drawing, in its own units.
pub(super) const WIDTH: f64 = 600.0;
/// Colours that tell lines and bars apart.
pub(super) const INKS: [&str; 5] = ["c0", "c1", "c2", "c3", "c4"];

/// What is drawn of an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drawing {
    pub width: f64,
    pub height: f64,
    pub shapes: Vec<Shape>,
    /// What the colours mean; empty where one needs no word.
    pub legend: Vec<Legend>,
    /// Some of the answer is not drawn.
    pub cut: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Legend {
    pub ink: &'static str,
    pub name: String,
    /// `#rrggbb`, for mails.
    pub colour: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Shape {
    /// A line of the grid.
    Grid {
        x1: f64,
        y1: f64,
        x2: f64,
        y2: f64,
    },
    Rect {
        x: f64,
        y: f64,
        w: f64,
        h: f64,
        ink: &'static str,
        /// 0 to 1.
        strength: f64,
    },
    Line {
        d: String,
        ink: &'static str,
    },
    Area {
        d: String,
        ink: &'static str,
        strength: f64,
    },
    Text {
        x: f64,
        y: f64,
        text: String,
        /// `start`, `middle` or `end`.
        anchor: &'static str,
        /// `soft` beside the scale, `ink` where it is what matters.
        tone: &'static str,
    },
}

impl Legend {
    pub(super) fn of(position: usize, name: String) -> Legend {
        let ink = INKS[position % INKS.len()];
        Legend {
            ink,
            name,
            colour: colour(ink),
        }
    }
}

impl Drawing {
    /// An SVG document of its own.
    pub fn svg(&self) -> String {
        let (width, height) = (self.width, self.height);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-family=\"{FONT}\" font-size=\"11\"><rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>"
        );
        for shape in &self.shapes {
            shape.write(&mut svg);
        }
        svg.push_str("</svg>");
        svg
    }

    /// Every text, to be replaced where a font cannot draw it.
    pub(super) fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        self.shapes.iter_mut().filter_map(|shape| match shape {
            Shape::Text { text, .. } => Some(text),
            _ => None,
        })
    }
}

/// The fonts that a drawing asks for, the embedded one first.
const FONT: &str = "DejaVu Sans, Noto Sans CJK SC, Noto Sans SC, WenQuanYi Micro Hei, sans-serif";

impl Shape {
    fn write(&self, svg: &mut String) {
        // Writing to a text does not fail.
        let _ = match self {
            Shape::Grid { x1, y1, x2, y2 } => write!(
                svg,
                "<path d=\"M{x1} {y1}L{x2} {y2}\" stroke=\"#e3e2dd\" stroke-width=\"1\"/>"
            ),
            Shape::Rect {
                x,
                y,
                w,
                h,
                ink,
                strength,
            } => write!(
                svg,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" fill=\"{}\" fill-opacity=\"{strength}\"/>",
                colour(ink)
            ),
            Shape::Line { d, ink } => write!(
                svg,
                "<path d=\"{d}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\" stroke-linejoin=\"round\" stroke-linecap=\"round\"/>",
                colour(ink)
            ),
            Shape::Area { d, ink, strength } => write!(
                svg,
                "<path d=\"{d}\" fill=\"{}\" fill-opacity=\"{strength}\"/>",
                colour(ink)
            ),
            Shape::Text {
                x,
                y,
                text,
                anchor,
                tone,
            } => write!(
                svg,
                "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"{}\">{}</text>",
                colour(tone),
                escape(text)
            ),
        };
    }
}

/// The colours of the light pages.
fn colour(ink: &str) -> &'static str {
    match ink {
        "c0" => "#1f6f78",
        "c1" => "#c06a1d",
        "c2" => "#7a5ba8",
        "c3" => "#4c7a2e",
        "c4" => "#a8456b",
        "warn" => "#d99a1c",
        "crit" => "#cf4436",
        "track" => "#f1f0ec",
        "soft" => "#5c6468",
        _ => "#1d2326",
    }
}

/// Text as XML; what XML cannot hold is left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// One digit after the point is as fine as anybody sees.
pub(super) fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The text, cut to about so many letters; a Chinese one is as wide as two.
pub(super) fn short(text: &str, letters: usize) -> String {
    use unicode_width::UnicodeWidthChar as _;
    let mut width = 0;
    let mut out = String::new();
    for c in text.chars().filter(|c| !c.is_control()) {
        width += c.width().unwrap_or(0);
        if width > letters {
            out.push('…');
            break;
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_device_stays_text() {
        let drawing = Drawing {
            width: 10.0,
            height: 10.0,
            shapes: vec![Shape::Text {
                x: 1.0,
                y: 2.0,
                text: "</text><script>&\u{0}".into(),
                anchor: "start",
                tone: "ink",
            }],
            legend: Vec::new(),
            cut: false,
        };
        let svg = drawing.svg();
        assert!(
            svg.contains("&lt;/text&gt;&lt;script&gt;&amp; </text>"),
            "{svg}"
        );
        assert_eq!(short("客户甲乙丙", 6), "客户甲…");
        assert_eq!(short("web01", 6), "web01");
    }
}
