//! The ledger of telling people, on its way into the history: it never holds up a mail.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::alert::ledger::Entry;
use crate::loops::writer::Writer;
use crate::report::run::Run;

/// Rows that wait for the history; beyond that the oldest are dropped.
const WAITING: usize = 20_000;
/// Rows written at once, and how long a failed write waits.
const BATCH: usize = 2_000;
const RETRY: Duration = Duration::from_secs(30);

/// One row.
#[derive(Clone, Debug)]
pub(super) enum Line {
    /// Of `notification`.
    Notification(Entry),
    /// Of `report_run`.
    Report(Run),
}

/// Where rows are handed in.
pub(super) struct Ledger {
    lines: mpsc::Sender<Vec<Line>>,
}

impl Ledger {
    /// A ledger, and what [`keep`] reads from.
    pub(super) fn new() -> (Ledger, mpsc::Receiver<Vec<Line>>) {
        let (lines, kept) = mpsc::channel(64);
        (Ledger { lines }, kept)
    }

    /// Adds rows, without ever waiting for the history.
    pub(super) fn note(&self, lines: impl IntoIterator<Item = Line>) {
        let lines: Vec<Line> = lines.into_iter().collect();
        if !lines.is_empty() && self.lines.try_send(lines).is_err() {
            tracing::warn!("rows of the notification ledger are dropped: the history is too slow");
        }
    }
}

/// Writes in batches; what the history refuses is kept and tried again.
pub(super) async fn keep(writer: Writer, mut lines: mpsc::Receiver<Vec<Line>>) {
    let mut waiting: Vec<Line> = Vec::new();
    let mut open = true;
    while open {
        match tokio::time::timeout(RETRY, lines.recv()).await {
            Ok(Some(more)) => waiting.extend(more),
            Ok(None) => open = false,
            Err(_) => {}
        }
        while let Ok(more) = lines.try_recv() {
            waiting.extend(more);
        }
        let excess = waiting.len().saturating_sub(WAITING);
        if excess > 0 {
            tracing::warn!(rows = excess, "rows of the notification ledger are dropped");
            waiting.drain(..excess);
        }
        while !waiting.is_empty() {
            let count = waiting.len().min(BATCH);
            let (mut entries, mut runs) = (Vec::new(), Vec::new());
            for line in &waiting[..count] {
                match line {
                    Line::Notification(entry) => entries.push(entry.clone()),
                    Line::Report(run) => runs.push(run.clone()),
                }
            }
            let written = writer.run(move |r| r.save_ledger(&entries, &runs)).await;
            if let Err(error) = written {
                tracing::error!(%error, "the notification ledger cannot be written");
                break;
            }
            waiting.drain(..count);
        }
    }
}
