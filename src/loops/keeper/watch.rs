//! Looks after the disk and the clock: says when space runs short, lets the oldest rows go first, keeps
//! a ballast for bad times, and tells when the clock was set.

use std::time::{Duration, Instant};

use super::super::poller::unix_now;
use super::Keeper;
use crate::reading::UnixSeconds;
use crate::render::number::with_unit;
use crate::signal::Space;
use crate::store::sealed::{Expired, UNLINK_AFTER};
use crate::store::{Ballast, Room, StoreError};

/// How often the disk and the clock are looked at.
pub(super) const EVERY: Duration = Duration::from_secs(5);
/// Files that were let go are unlinked by then; before that, nobody knows what it has brought.
const CUT_WAITS: Duration = Duration::from_secs(30);
/// The newest rows never go.
const NEWEST: UnixSeconds = 2 * 86_400;
/// With less than this the ballast goes before something breaks.
const LAST_BYTES: u64 = 16 << 20;
/// A clock that is off by less between two looks was not set.
const STEP: i64 = 3;

/// What was seen last.
pub(super) struct Watch {
    clock: (Instant, UnixSeconds),
    short: bool,
    cut: Option<Cut>,
}

#[derive(Clone, Copy)]
struct Cut {
    at: Instant,
    to: UnixSeconds,
    bytes: i64,
}

impl Watch {
    pub(super) fn new() -> Watch {
        Watch {
            clock: (Instant::now(), unix_now()),
            short: false,
            cut: None,
        }
    }

    /// Looks once.
    pub(super) async fn look(&mut self, parts: &Keeper) {
        if let Err(error) = self.clock(parts).await {
            tracing::warn!("the change of the clock is not in the history: {error}");
        }
        if let Err(error) = self.space(parts).await {
            tracing::warn!("looking after the disk: {error}; it is tried again");
        }
    }

    /// A clock that was set makes rows look late or early: that is told, nothing else.
    async fn clock(&mut self, parts: &Keeper) -> Result<(), StoreError> {
        let (then, wall) = self.clock;
        let now = (Instant::now(), unix_now());
        self.clock = now;
        let passed = i64::try_from((now.0 - then).as_secs()).unwrap_or(0);
        let Some(words) = step(now.1 - wall - passed) else {
            return Ok(());
        };
        tracing::warn!("{words}");
        parts.tell("clock_step", words).await
    }

    async fn space(&mut self, parts: &Keeper) -> Result<(), StoreError> {
        let data = parts.data.clone();
        let room = tokio::task::spawn_blocking(move || Room::of(&data)).await;
        let room = match room {
            Ok(Ok(room)) => room,
            Ok(Err(error)) => return Err(StoreError::Other(error.to_string())),
            Err(error) => return Err(StoreError::Other(error.to_string())),
        };
        let min_free = parts.loaded.borrow().inventory.settings.min_free;
        let wanted = min_free.bytes(room.total_bytes);
        self.ballast(parts, room, wanted);
        let short = room.free_bytes < wanted;
        if short != self.short {
            self.short = short;
            self.turn(parts, room, wanted).await?;
        }
        if short
            && self
                .cut
                .is_none_or(|cut| cut.at.elapsed() >= UNLINK_AFTER + CUT_WAITS)
        {
            self.cut(parts, wanted - room.free_bytes).await?;
        }
        parts.counters.set_space(Space {
            free_bytes: room.free_bytes,
            total_bytes: room.total_bytes,
            wanted_bytes: wanted,
            cut_to: self.cut.map(|cut| cut.to),
            cut_bytes: self.cut.map_or(0, |cut| cut.bytes),
        });
        Ok(())
    }

    /// Space ran short, or there is enough again.
    async fn turn(&self, parts: &Keeper, room: Room, wanted: u64) -> Result<(), StoreError> {
        let bytes = |bytes: u64| with_unit(bytes as f64, "B");
        let (kind, words) = if self.short {
            let words = format!(
                "{} free on the disk of the history, {} are wanted: the oldest rows go first",
                bytes(room.free_bytes),
                bytes(wanted)
            );
            tracing::error!("{words}");
            ("disk_short", words)
        } else {
            let words = format!(
                "{} free on the disk of the history again",
                bytes(room.free_bytes)
            );
            tracing::info!("{words}");
            ("disk_ok", words)
        };
        parts.tell(kind, words).await
    }

    /// Lets the oldest files go, as many as bring the space that is missing.
    async fn cut(&mut self, parts: &Keeper, missing: u64) -> Result<(), StoreError> {
        let store = parts.store.clone();
        let before = unix_now() - NEWEST;
        let oldest = tokio::task::spawn_blocking(move || store.oldest_raw(missing, before)).await;
        let oldest: Vec<Expired> =
            oldest.unwrap_or_else(|e| Err(StoreError::Other(e.to_string())))?;
        let Some(to) = oldest.iter().map(|file| file.before).max() else {
            return Ok(());
        };
        let files = oldest.len();
        let bytes: i64 = oldest.iter().map(|file| file.bytes).sum();
        parts
            .writer
            .run(move |recorder| recorder.forget(&oldest))
            .await?;
        self.cut = Some(Cut {
            at: Instant::now(),
            to,
            bytes: bytes + self.cut.map_or(0, |cut| cut.bytes),
        });
        let day = jiff::Timestamp::from_second(to).unwrap_or_default();
        let words = format!(
            "the disk is short of space: {files} files with rows as collected from before {} were dropped ({}); rollups stay",
            day.strftime("%Y-%m-%d %H:%M UTC"),
            with_unit(bytes as f64, "B")
        );
        tracing::error!("{words}");
        parts.tell("history_cut", words).await
    }

    /// Given up when the database has trouble or nearly nothing is left, taken again with space to
    /// spare.
    fn ballast(&self, parts: &Keeper, room: Room, wanted: u64) {
        let ballast = Ballast::of(&parts.data, room);
        let trouble = !parts.counters.store_trouble().is_empty();
        let last = room.free_bytes < LAST_BYTES || (trouble && room.free_bytes < ballast.bytes());
        if last {
            match ballast.release() {
                Ok(true) => tracing::error!(
                    "the disk is full: the ballast of {} is given up",
                    with_unit(ballast.bytes() as f64, "B")
                ),
                Ok(false) => {}
                Err(error) => tracing::error!("the ballast cannot be given up: {error}"),
            }
        } else if !ballast.is_there()
            && !trouble
            && room.free_bytes > wanted.saturating_add(2 * ballast.bytes())
            && let Err(error) = ballast.fill()
        {
            tracing::warn!("no ballast for bad times: {error}");
        }
    }
}

/// Says that the clock was set, when it was.
fn step(seconds: i64) -> Option<String> {
    let words = |way: &str| {
        format!(
            "the clock of this machine was set {way} by {} s",
            seconds.abs()
        )
    };
    match seconds {
        STEP.. => Some(words("forward")),
        _ if seconds <= -STEP => Some(words("back")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_told() {
        assert_eq!(step(0), None);
        assert_eq!(step(-2), None);
        let day = step(86_400).unwrap();
        assert_eq!(day, "the clock of this machine was set forward by 86400 s");
        assert!(step(-3600).unwrap().contains("back by 3600 s"));
    }
}
