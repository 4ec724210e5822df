//! Informs: answered once they are on disk, stored once however often they are sent again.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use crate::collect::snmp::trap::Answer;
use crate::loops::writer::Writer;
use crate::reading::Happening;
use crate::signal::Counters;

/// Informs that wait for the disk; the senders of more send them again.
const MOST_WAITING: usize = 256;
/// Informs that are remembered.
const MOST_KNOWN: usize = 4_096;

/// Who sent which inform.
type Mark = (SocketAddr, u64);

pub(super) struct Informs {
    writer: Writer,
    counters: Arc<Counters>,
    waiting: JoinSet<(Mark, bool)>,
    /// The oldest first; with whether it is stored.
    known: VecDeque<(Mark, bool)>,
}

impl Informs {
    pub(super) fn new(writer: Writer, counters: Arc<Counters>) -> Informs {
        Informs {
            writer,
            counters,
            waiting: JoinSet::new(),
            known: VecDeque::new(),
        }
    }

    /// Whether it came before.
    pub(super) fn is_known(&self, from: SocketAddr, answer: &Answer) -> bool {
        self.find((from, answer.mark)).is_some()
    }

    /// Whether it came before and was stored.
    pub(super) fn is_stored(&self, from: SocketAddr, answer: &Answer) -> bool {
        self.find((from, answer.mark)) == Some(true)
    }

    /// Stores it and sends the answer then.
    pub(super) fn store(
        &mut self,
        happening: Happening,
        answer: Answer,
        socket: Arc<UdpSocket>,
        to: SocketAddr,
    ) {
        if self.waiting.len() >= MOST_WAITING {
            let suppressed = &self.counters.traps_suppressed;
            suppressed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mark = (to, answer.mark);
        if self.known.len() >= MOST_KNOWN {
            self.known.pop_front();
        }
        self.known.push_back((mark, false));
        let writer = self.writer.clone();
        let counters = self.counters.clone();
        self.waiting.spawn(async move {
            let stored = writer.tell_and_wait(happening).await.is_ok();
            if stored {
                counters.traps_stored.fetch_add(1, Ordering::Relaxed);
                // An answer that is lost is asked for again.
                let _ = socket.try_send_to(&answer.datagram, to);
            }
            (mark, stored)
        });
    }

    /// Waits for the next one to be stored and notes it; for ever when none is under way.
    pub(super) async fn stored(&mut self) {
        let Some(done) = self.waiting.join_next().await else {
            return std::future::pending().await;
        };
        let Ok((mark, stored)) = done else {
            return;
        };
        if stored {
            let found = self.known.iter_mut().rev().find(|(m, _)| *m == mark);
            if let Some((_, is_stored)) = found {
                *is_stored = true;
            }
        } else {
            // Sent again, it has another try.
            self.known.retain(|(m, _)| *m != mark);
        }
    }

    fn find(&self, mark: Mark) -> Option<bool> {
        let mut known = self.known.iter().rev();
        known.find(|(m, _)| *m == mark).map(|(_, stored)| *stored)
    }
}
