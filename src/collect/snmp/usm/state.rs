//! What is known of one device's engine, and when it may be doubted.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::auth::Signer;
use super::clock::{Clock, Shift};
use super::privacy::Cipher;
use super::report::{Complaint, Reason, Report};
use super::wire::Level;
use crate::reading::Event;

/// An engine that seems to be another one is looked at anew once in this time.
const BETWEEN_RESETS: Duration = Duration::from_secs(60);
/// Events nobody has fetched yet.
const MOST_EVENTS: usize = 8;

/// What is known of it until now.
#[derive(Default)]
pub(super) struct State {
    pub(super) engine: Option<Arc<RemoteEngine>>,
    pub(super) clock: Option<Clock>,
    /// The engine of the last answer that was as secure as the user demands.
    pub(super) proven: Option<Vec<u8>>,
    /// This engine answered before.
    pub(super) answered: bool,
    /// When the engine was last doubted.
    pub(super) reset: Option<Instant>,
    /// The longest message that it takes.
    pub(super) max_size: Option<u32>,
    pub(super) events: Vec<Event>,
}

/// The engine of a device, with the user's keys for it.
#[derive(Debug)]
pub(in crate::collect::snmp) struct RemoteEngine {
    pub(super) id: Vec<u8>,
    pub(super) signer: Option<Signer>,
    pub(super) cipher: Option<Cipher>,
}

impl RemoteEngine {
    pub(super) fn level(&self) -> Level {
        Level {
            signed: self.signer.is_some(),
            encrypted: self.cipher.is_some(),
        }
    }
}

impl State {
    /// Takes over the time of a signed Report.
    pub(super) fn resynchronise(&mut self, report: &Report, now: Instant) -> Result<(), Complaint> {
        let (boots, time) = (report.boots, report.time);
        let mut clock = self.clock.unwrap_or(Clock::guess(boots, time, now));
        match clock.compare(boots, time, now) {
            Shift::Forward => {}
            Shift::AtTheEnd => return Err(Complaint::Reported(Reason::Clock)),
            // Against the letter of the standard, which would lock a replaced device out for ever.
            // The signature is right and the message's id is new: it is no recording.
            Shift::Earlier if self.may_reset(now) => {}
            Shift::Earlier => return Err(Complaint::Reported(Reason::Clock)),
            Shift::FewerBoots { before } if self.may_reset(now) => self.tell(format!(
                "the SNMP engine went back from {before} boots to {boots}: device replaced, or two devices with one engine ID"
            )),
            Shift::FewerBoots { .. } => return Err(Complaint::EngineChanged),
        }
        clock.set(boots, time, now);
        self.clock = Some(clock);
        Ok(())
    }

    /// Whether the engine may be doubted now; not more than once a minute.
    pub(super) fn may_reset(&mut self, now: Instant) -> bool {
        let recent = |last| now.saturating_duration_since(last) < BETWEEN_RESETS;
        if self.reset.is_some_and(recent) {
            return false;
        }
        self.reset = Some(now);
        true
    }

    pub(super) fn tell(&mut self, message: String) {
        if self.events.len() < MOST_EVENTS {
            self.events.push(Event {
                kind: "engine_changed",
                subject: String::new(),
                message,
            });
        }
    }
}
