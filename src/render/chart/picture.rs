//! A drawing as a PNG: mail clients show no SVG.
//!
//! The embedded font draws Latin, Greek and Cyrillic. For other writing the fonts of this machine are
//! asked; what none of them can draw is replaced by a sign, and told beside the picture.

use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, fontdb};

use super::drawing::Drawing;

static FONT: &[u8] = include_bytes!("DejaVuSans.ttf");
/// Dots for each unit of the drawing: sharp on the screens of today.
const SCALE: f32 = 2.0;

/// A picture and what could not be written in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub png: Vec<u8>,
    /// The size at which it is to be shown.
    pub width: u32,
    pub height: u32,
    /// Signs in the picture and the words that they stand for.
    pub signs: Vec<(String, String)>,
}

/// Paints the drawing. `Err`: a sentence.
pub fn png(drawing: &Drawing) -> Result<Picture, String> {
    paint(drawing, system_fonts)
}

fn paint(drawing: &Drawing, more: impl Fn() -> Arc<fontdb::Database>) -> Result<Picture, String> {
    let mut drawing = drawing.clone();
    let own = embedded_fonts();
    let strange = drawing.texts_mut().any(|text| !can_write(&own, text));
    let fonts = if strange { more() } else { own };
    let mut signs: Vec<(String, String)> = Vec::new();
    if strange {
        for text in drawing.texts_mut() {
            if can_write(&fonts, text) {
                continue;
            }
            let known = signs.iter().find(|(_, words)| words == text);
            let sign = known.map_or_else(|| format!("#{}", signs.len() + 1), |(s, _)| s.clone());
            if known.is_none() {
                signs.push((sign.clone(), text.clone()));
            }
            *text = sign;
        }
    }
    let tree = tree(&drawing.svg(), &fonts)?;
    let (width, height) = (tree.size().width(), tree.size().height());
    let dots = |length: f32| (length * SCALE).ceil() as u32;
    let mut pixels = Pixmap::new(dots(width), dots(height))
        .ok_or_else(|| format!("a picture of {width} × {height} is too large"))?;
    resvg::render(
        &tree,
        Transform::from_scale(SCALE, SCALE),
        &mut pixels.as_mut(),
    );
    Ok(Picture {
        png: pixels.encode_png().map_err(|error| error.to_string())?,
        width: width.ceil() as u32,
        height: height.ceil() as u32,
        signs,
    })
}

fn tree(svg: &str, fonts: &Arc<fontdb::Database>) -> Result<usvg::Tree, String> {
    let options = usvg::Options {
        fontdb: Arc::clone(fonts),
        font_family: "DejaVu Sans".into(),
        ..usvg::Options::default()
    };
    usvg::Tree::from_str(svg, &options).map_err(|error| error.to_string())
}

/// Whether the fonts have every letter of the text.
fn can_write(fonts: &Arc<fontdb::Database>, text: &str) -> bool {
    let mut probe = Drawing {
        width: 10.0,
        height: 10.0,
        shapes: Vec::new(),
        legend: Vec::new(),
        cut: false,
    };
    if text.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return true;
    }
    probe.shapes.push(super::Shape::Text {
        x: 1.0,
        y: 9.0,
        text: text.to_owned(),
        anchor: "start",
        tone: "ink",
    });
    let drawn = tree(&probe.svg(), fonts).is_ok_and(|tree| whole(tree.root()));
    let mut strange = text.chars().filter(|c| !c.is_ascii() && !c.is_whitespace());
    drawn && strange.all(|c| leaves_ink(fonts, c))
}

/// Some fonts have a glyph that cannot be painted.
fn leaves_ink(fonts: &Arc<fontdb::Database>, letter: char) -> bool {
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"24\" height=\"24\" font-size=\"16\"><text x=\"4\" y=\"18\">{letter}</text></svg>"
    );
    let (Ok(tree), Some(mut pixels)) = (tree(&svg, fonts), Pixmap::new(24, 24)) else {
        return false;
    };
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    pixels.pixels().iter().any(|dot| dot.alpha() > 0)
}

/// No glyph is the one that stands for a missing one.
fn whole(group: &usvg::Group) -> bool {
    group.children().iter().all(|node| match node {
        usvg::Node::Group(inner) => whole(inner),
        usvg::Node::Text(text) => {
            let mut glyphs = text.layouted().iter().flat_map(|s| &s.positioned_glyphs);
            !text.layouted().is_empty() && glyphs.all(|glyph| glyph.id.0 != 0)
        }
        _ => true,
    })
}

fn embedded_fonts() -> Arc<fontdb::Database> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let fonts = FONTS.get_or_init(|| {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(FONT.to_vec());
        fonts.set_sans_serif_family("DejaVu Sans");
        Arc::new(fonts)
    });
    Arc::clone(fonts)
}

/// The embedded font and those of this machine, looked for once.
fn system_fonts() -> Arc<fontdb::Database> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let fonts = FONTS.get_or_init(|| {
        let mut fonts = fontdb::Database::clone(&embedded_fonts());
        fonts.load_system_fonts();
        Arc::new(fonts)
    });
    Arc::clone(fonts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::chart::Shape;

    fn drawing(text: &str) -> Drawing {
        Drawing {
            width: 200.0,
            height: 40.0,
            shapes: vec![Shape::Text {
                x: 10.0,
                y: 25.0,
                text: text.into(),
                anchor: "start",
                tone: "ink",
            }],
            legend: Vec::new(),
            cut: false,
        }
    }

    /// Dots that are not white.
    fn dark(picture: &Picture) -> usize {
        let pixels = Pixmap::decode_png(&picture.png).unwrap();
        assert_eq!((pixels.width(), pixels.height()), (400, 80));
        let dots = pixels.pixels().iter();
        dots.filter(|dot| dot.red() < 128).count()
    }

    #[test]
    fn letters_are_drawn_by_the_embedded_font_alone() {
        let none = || unreachable!("the embedded font is enough");
        for text in ["web01 95.2 %", "Größe Ω Ж – …", "5.00 KiB/s"] {
            let picture = paint(&drawing(text), none).unwrap();
            assert!(picture.signs.is_empty(), "{text}");
            assert!(dark(&picture) > 200, "{text}");
        }
    }

    #[test]
    fn what_no_font_can_draw_gets_a_sign() {
        let picture = paint(&drawing("客户甲 Gi0/1"), embedded_fonts).unwrap();
        assert_eq!(
            picture.signs,
            [("#1".to_owned(), "客户甲 Gi0/1".to_owned())]
        );
        let sign = paint(&drawing("#1"), embedded_fonts).unwrap();
        assert_eq!(dark(&picture), dark(&sign));
    }
}
