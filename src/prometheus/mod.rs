//! Prometheus' text format: read as a stream within limits, and node_exporter's families as rows of
//! the core tables.
//!
//! Pure: bytes in, [`Exposition`] out. OpenMetrics is taken too (`# EOF`, exemplars, quoted names).

mod line;
pub mod node;
mod text;

pub use text::{Exposition, Parser, Sample};

/// Samples kept of one exposition; the others are counted.
pub const MAX_SAMPLES: usize = 100_000;
/// Octets of a line; a longer one is a mistake.
pub const MAX_LINE: usize = 16 * 1024;
/// Labels of one sample.
const MAX_LABELS: usize = 64;
/// Mistakes told of one exposition; the others are counted.
const MAX_TOLD: usize = 5;

#[cfg(test)]
mod tests;
