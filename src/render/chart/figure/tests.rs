//! What is drawn of which answer.

use super::*;
use crate::query::AnswerColumn;
use crate::render::chart::png;

const FRONT: &str = "/*---
title: A
columns:
  used_pct: {unit: \"%\", warn: 80, crit: 90, title: {en: Used, zh-CN: 已用}}
  in_bps: {unit: bit/s}
CHART
---*/
SELECT 1
";

fn figure(chart: &str, names: &[&str], rows: Vec<Vec<Cell>>) -> Option<Figure> {
    let query = Query::parse("queries/a.sql", &FRONT.replace("CHART", chart)).unwrap();
    let answer = Answer {
        columns: names
            .iter()
            .map(|name| AnswerColumn {
                name: (*name).into(),
                sql_type: String::new(),
            })
            .collect(),
        rows,
        truncated: false,
    };
    let frame = Frame {
        query: &query,
        range: Range {
            from: 1_795_392_000,
            to: 1_795_478_400,
        },
        timezone: "Asia/Shanghai",
        language: "zh-CN",
    };
    Figure::of(frame, &answer)
}

fn drawing(figure: Option<Figure>) -> Drawing {
    match figure {
        Some(Figure::Drawing(drawing)) => {
            look_at(&drawing);
            drawing
        }
        other => panic!("no drawing but {other:?}"),
    }
}

/// With EIDER_PICTURES=DIRECTORY the pictures are left there, for people to look at.
fn look_at(drawing: &Drawing) {
    let picture = png(drawing).unwrap();
    assert!(picture.png.len() > 500);
    if let Ok(directory) = std::env::var("EIDER_PICTURES") {
        let name = format!("{}x{}.png", picture.width, picture.height);
        std::fs::write(std::path::Path::new(&directory).join(name), picture.png).unwrap();
    }
}

fn rects(drawing: &Drawing) -> Vec<(f64, &'static str)> {
    let each = drawing.shapes.iter();
    each.filter_map(|shape| match shape {
        Shape::Rect { w, ink, .. } => Some((*w, *ink)),
        _ => None,
    })
    .collect()
}

fn texts(drawing: &Drawing) -> Vec<&str> {
    let each = drawing.shapes.iter();
    each.filter_map(|shape| match shape {
        Shape::Text { text, .. } => Some(text.as_str()),
        _ => None,
    })
    .collect()
}

fn host(name: &str, value: f64) -> Vec<Cell> {
    vec![Cell::Text(name.into()), Cell::Float(value)]
}

#[test]
fn bars_are_as_long_as_their_share_and_warn_in_colour() {
    let drawn = drawing(figure(
        "chart: {type: bar, x: host, y: used_pct}",
        &["host", "used_pct"],
        vec![host("web01", 25.0), host("db01", 85.0), host("db02", 50.0)],
    ));
    let rects = rects(&drawn);
    let widths: Vec<f64> = rects
        .iter()
        .map(|r| (r.0 / rects[0].0 * 10.0).round())
        .collect();
    assert_eq!(widths, [10.0, 34.0, 20.0]);
    assert_eq!(
        rects.iter().map(|r| r.1).collect::<Vec<_>>(),
        ["c0", "warn", "c0"]
    );
    assert_eq!(texts(&drawn)[..2], ["web01", "25.0 %"]);
    assert!(drawn.legend.is_empty() && !drawn.cut);
}

#[test]
fn several_columns_stand_side_by_side_and_have_a_legend() {
    let rows = (0..20)
        .map(|n| {
            vec![
                Cell::Text(format!("Gi0/{n}")),
                Cell::Text("sw-core01.example.net".into()),
                Cell::Int(1_000_000 * (20 - n)),
                Cell::Null,
            ]
        })
        .collect();
    let drawn = drawing(figure(
        "chart: {type: bar, x: port, y: [in_bps, out_bps], series: host}",
        &["port", "host", "in_bps", "out_bps"],
        rows,
    ));
    assert!(drawn.cut, "twenty rows are too many for a drawing");
    assert_eq!(drawn.legend.len(), 2);
    assert!(texts(&drawn).contains(&"20.0 Mbit/s"));
    assert_eq!(texts(&drawn)[0], "sw-core01.example.… Gi0/0");
}

fn over_time(kind: &str) -> Option<Figure> {
    let mut rows = Vec::new();
    for n in 0..48_i64 {
        let at = Cell::Time((1_795_392_000 + n * 1800) * 1_000_000);
        for host in ["a", "b"] {
            let value = if (20..26).contains(&n) {
                Cell::Null
            } else {
                Cell::Float(20.0 + n as f64)
            };
            rows.push(vec![at.clone(), Cell::Text(host.into()), value]);
        }
    }
    let chart = format!("chart: {{type: {kind}, x: ts, y: used_pct, series: host}}");
    figure(&chart, &["ts", "host", "used_pct"], rows)
}

#[test]
fn lines_have_gaps_and_piles_stand_on_each_other() {
    let drawn = drawing(over_time("line"));
    let lines: Vec<&String> = drawn
        .shapes
        .iter()
        .filter_map(|shape| match shape {
            Shape::Line { d, .. } => Some(d),
            _ => None,
        })
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        lines[0].matches('M').count(),
        2,
        "the gap stays a gap: {}",
        lines[0]
    );
    assert_eq!(drawn.legend[1].name, "b");
    assert!(texts(&drawn).contains(&"11-24"), "{:?}", texts(&drawn));
    let piled = drawing(over_time("stacked"));
    let areas = piled
        .shapes
        .iter()
        .filter(|s| matches!(s, Shape::Area { .. }));
    assert_eq!(areas.count(), 2);
}

#[test]
fn a_heat_map_has_a_cell_for_each_hour_and_day() {
    let mut rows = Vec::new();
    for day in 1..=7_i64 {
        for hour in (0..24_i64).rev() {
            let value = (hour * 4).min(if day > 5 { 10 } else { 96 });
            rows.push(vec![
                Cell::Int(day.into()),
                Cell::Int(hour.into()),
                Cell::Float(value as f64),
            ]);
        }
    }
    let drawn = drawing(figure(
        "chart: {type: heatmap, x: hour, y: used_pct, series: weekday}",
        &["weekday", "hour", "used_pct"],
        rows,
    ));
    assert_eq!(rects(&drawn).len(), 7 * 24 + 5, "with its scale");
    let texts = texts(&drawn);
    assert_eq!(texts[7..9], ["0", "2"], "hours in their order: {texts:?}");
}

#[test]
fn numbers_alone_and_nothing_at_all() {
    let stats = figure(
        "chart: {type: stat, y: used_pct}",
        &["used_pct"],
        vec![vec![Cell::Float(95.0)]],
    );
    let Some(Figure::Stats(stats)) = stats else {
        panic!("{stats:?}");
    };
    assert_eq!(
        (stats[0].title.as_str(), stats[0].text.as_str()),
        ("已用", "95.0 %")
    );
    assert_eq!(stats[0].level, "crit");
    for (chart, names, rows) in [
        (
            "chart: {type: bar, x: host, y: used_pct}",
            ["host", "used_pct"],
            Vec::new(),
        ),
        (
            "chart: {type: bar, x: host, y: gone}",
            ["host", "used_pct"],
            vec![host("a", 1.0)],
        ),
        ("tags: []", ["host", "used_pct"], vec![host("a", 1.0)]),
    ] {
        assert_eq!(figure(chart, &names, rows), None, "{chart}");
    }
}
