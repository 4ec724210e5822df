//! This machine, by sysinfo; what sysinfo does not tell (waiting for disks, stolen time, dropped
//! packets, inodes) comes from the kernel's own files where there are such.

mod kernel;
mod mounts;
mod sample;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::Attempt;
use crate::reading::{Cause, Effort, Failure};
use sample::Sources;

/// Reads this machine.
#[derive(Default)]
pub struct Sampler {
    /// Kept between readings: where there are no ticks, CPU use is a difference of two.
    sources: Mutex<Option<Sources>>,
    reading: AtomicBool,
}

impl Sampler {
    pub fn new() -> Sampler {
        Sampler::default()
    }

    /// Reads everything on a blocking thread. A mount that does not answer costs that one thread, and
    /// no further reading begins while it hangs.
    pub async fn collect(self: Arc<Self>, deadline: Instant) -> Attempt {
        if self.reading.swap(true, Ordering::AcqRel) {
            return failed(
                Cause::Limit,
                "the former reading of this machine has not ended yet (a mount that does not answer?)",
            );
        }
        let sampler = self.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let _done = Done(&sampler.reading);
            let mut sources = sampler
                .sources
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if sources.is_none() {
                *sources = Some(Sources::open()?);
            }
            match sources.as_mut() {
                Some(sources) => Ok(sources.read()),
                None => Err("sysinfo gave nothing".to_owned()),
            }
        });
        match tokio::time::timeout_at(deadline.into(), reading).await {
            Ok(Ok(Ok(readings))) => {
                let effort = Effort {
                    requests: 1,
                    ..Effort::default()
                };
                (effort, Ok(readings))
            }
            Ok(Ok(Err(message))) => failed(Cause::Internal, &message),
            Ok(Err(_)) => failed(Cause::Internal, "reading this machine broke off"),
            Err(_) => failed(
                Cause::Timeout,
                "this machine could not be read in time (a mount that does not answer?)",
            ),
        }
    }
}

/// Says that the reading is over, however it ends.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

fn failed(cause: Cause, message: &str) -> Attempt {
    (Effort::default(), Err(Failure::new(cause, message)))
}
