//! This machine, by sysinfo and /proc.

use std::sync::Arc;
use std::time::Instant;

use super::Attempt;
use crate::reading::{Cause, Effort, Failure};

/// Reads this machine.
pub struct Sampler {}

impl Sampler {
    #[allow(clippy::new_without_default)]
    pub fn new() -> Sampler {
        Sampler {}
    }

    /// Reads everything on a blocking thread.
    pub async fn collect(self: Arc<Self>, deadline: Instant) -> Attempt {
        let _ = deadline;
        (
            Effort::default(),
            Err(Failure::new(Cause::Internal, "not built")),
        )
    }
}
