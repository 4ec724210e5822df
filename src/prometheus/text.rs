//! From octets to samples by name.

use std::collections::HashMap;

use super::{MAX_LINE, MAX_SAMPLES, MAX_TOLD, line};

/// One value under its labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    pub labels: Vec<(Box<str>, Box<str>)>,
    pub value: f64,
}

impl Sample {
    /// The value of a label; empty when it has none, as Prometheus takes it.
    pub fn label(&self, name: &str) -> &str {
        let found = self.labels.iter().find(|(label, _)| **label == *name);
        found.map_or("", |(_, value)| value)
    }
}

/// What one scrape, or one pushed body, held.
#[derive(Debug, Default)]
pub struct Exposition {
    samples: HashMap<Box<str>, Vec<Sample>>,
    /// Samples kept.
    pub count: usize,
    /// Samples beyond [`MAX_SAMPLES`].
    pub dropped: usize,
    /// Lines that could not be read.
    pub bad_lines: usize,
    /// The first of those: number and reason.
    pub told: Vec<(usize, &'static str)>,
}

impl Exposition {
    /// The samples of a name, in the order of their lines.
    pub fn get(&self, name: &str) -> &[Sample] {
        self.samples.get(name).map_or(&[], Vec::as_slice)
    }

    /// The value of the first sample of a name that is a finite number.
    pub fn value(&self, name: &str) -> Option<f64> {
        let mut values = self.get(name).iter().map(|sample| sample.value);
        values.find(|value| value.is_finite())
    }

    /// What is wrong with it, in sentences.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some((number, why)) = self.told.first() {
            let more = match self.bad_lines {
                1 => String::new(),
                n => format!(" (and {} more)", n - 1),
            };
            problems.push(format!("line {number}: {why}{more}"));
        }
        if self.dropped > 0 {
            problems.push(format!(
                "more than {MAX_SAMPLES} samples: {} were left out",
                self.dropped
            ));
        }
        problems
    }
}

/// Reads a stream of octets, a piece at a time.
#[derive(Debug, Default)]
pub struct Parser {
    found: Exposition,
    /// The begin of a line whose end has not come yet.
    begun: Vec<u8>,
    /// The line is too long; what comes up to its end is thrown away.
    overlong: bool,
    lines: usize,
    ended: bool,
}

impl Parser {
    /// Takes the next piece.
    pub fn feed(&mut self, mut piece: &[u8]) {
        while let Some(end) = piece.iter().position(|octet| *octet == b'\n') {
            let (line, rest) = piece.split_at(end);
            piece = &rest[1..];
            if self.begun.is_empty() && !self.overlong {
                self.line(line);
            } else {
                self.keep(line);
                let whole = std::mem::take(&mut self.begun);
                self.line(&whole);
            }
            self.overlong = false;
        }
        self.keep(piece);
    }

    /// The end of the stream.
    pub fn finish(mut self) -> Exposition {
        if !self.begun.is_empty() || self.overlong {
            let last = std::mem::take(&mut self.begun);
            self.line(&last);
        }
        self.found
    }

    fn keep(&mut self, piece: &[u8]) {
        if self.begun.len() + piece.len() > MAX_LINE {
            self.overlong = true;
            self.begun.clear();
        }
        if !self.overlong {
            self.begun.extend_from_slice(piece);
        }
    }

    fn line(&mut self, line: &[u8]) {
        self.lines += 1;
        if self.overlong || line.len() > MAX_LINE {
            return self.wrong("the line is longer than 16 KiB");
        }
        let Ok(text) = std::str::from_utf8(line) else {
            return self.wrong("not UTF-8");
        };
        let text = text.trim();
        if text == "# EOF" {
            self.ended = true;
        }
        if text.is_empty() || text.starts_with('#') || self.ended {
            return;
        }
        match line::read(text) {
            Ok(_) if self.found.count == MAX_SAMPLES => self.found.dropped += 1,
            Ok(line) => self.add(line),
            Err(why) => self.wrong(why),
        }
    }

    fn add(&mut self, line: line::Line<'_>) {
        let labels = line.labels.into_iter();
        let sample = Sample {
            labels: labels
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            value: line.value,
        };
        self.found.count += 1;
        match self.found.samples.get_mut(&*line.name) {
            Some(samples) => samples.push(sample),
            None => {
                self.found.samples.insert(line.name.into(), vec![sample]);
            }
        }
    }

    fn wrong(&mut self, why: &'static str) {
        self.found.bad_lines += 1;
        if self.found.told.len() < MAX_TOLD {
            self.found.told.push((self.lines, why));
        }
    }
}
