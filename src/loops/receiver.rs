//! Hands what hosts send by themselves from the web to the writer, in the order of its coming.

use tokio::sync::{mpsc, watch};

use super::writer::Writer;
use crate::signal::Pushed;

/// Runs until `stop` is set. Whoever has not been answered by then sends again.
pub async fn run(
    writer: Writer,
    mut pushed: mpsc::Receiver<Pushed>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            next = pushed.recv() => match next {
                Some(next) => writer.push(next).await,
                // The web has ended first; the others follow.
                None => { let _ = stop.changed().await; return }
            }
        }
    }
}
