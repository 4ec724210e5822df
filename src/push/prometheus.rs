//! Prometheus' text: what a node_exporter would answer, sent by the host itself.

use super::{Body, Circumstances, Delivery};
use crate::prometheus::{Parser, node};

/// The whole body is one collection of now.
pub(super) fn read(text: &str, about: &Circumstances<'_>, body: &mut Body) {
    let mut parser = Parser::default();
    parser.feed(text.as_bytes());
    let found = parser.finish();
    for (line, why) in &found.told {
        body.wrong(*line, "", *why);
    }
    body.more_mistakes += found.bad_lines - found.told.len() + found.dropped;
    if !node::is_node(&found) {
        let why =
            "no families of a node_exporter: others are collected with `http:NAME` and a profile";
        return body.wrong(1, "", why);
    }
    body.deliveries.push(Delivery {
        ts: about.now,
        readings: node::readings(&found),
        ..Delivery::default()
    });
}
