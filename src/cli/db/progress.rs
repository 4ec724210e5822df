//! A bar on the terminal while a task runs; nothing where nobody looks.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use super::super::output::visible;
use crate::store::upkeep::Progress;

/// Drawn no more often than this.
const EVERY: Duration = Duration::from_millis(100);
const WIDTH: usize = 24;
/// Longer names are cut.
const NAME: usize = 36;

pub(super) struct Bar {
    word: &'static str,
    shown: bool,
    drawn: Option<Instant>,
}

impl Bar {
    pub(super) fn new(word: &'static str) -> Bar {
        Bar {
            word,
            shown: std::io::stderr().is_terminal(),
            drawn: None,
        }
    }

    pub(super) fn draw(&mut self, step: &Progress) {
        if !self.shown || self.drawn.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        self.drawn = Some(Instant::now());
        // A terminal that has gone is no reason to stop the work.
        let _ = write!(std::io::stderr(), "\r\x1b[K{}", line(self.word, step));
    }

    /// Leaves an empty line.
    pub(super) fn clear(&mut self) {
        if self.drawn.take().is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

/// `verify  [######------------------]  25 %  12 of 48  interface/2026-11-23.parquet`
fn line(word: &str, step: &Progress) -> String {
    let share = if step.of == 0 {
        1.0
    } else {
        (step.done as f64 / step.of as f64).clamp(0.0, 1.0)
    };
    let full = (share * WIDTH as f64) as usize;
    let name: String = visible(&step.what).chars().take(NAME).collect();
    format!(
        "{word}  [{}{}] {:>3} %  {} of {}  {name}",
        "#".repeat(full),
        "-".repeat(WIDTH - full),
        (share * 100.0) as u32,
        step.done,
        step.of
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills() {
        let step = |done, of| Progress {
            done,
            of,
            what: "cpu/x".into(),
        };
        let half = line("verify", &step(1, 2));
        assert_eq!(
            half,
            "verify  [############------------]  50 %  1 of 2  cpu/x"
        );
        assert!(line("seal", &step(0, 0)).contains("100 %"));
        assert!(line("seal", &step(9, 3)).contains("100 %"));
    }
}
