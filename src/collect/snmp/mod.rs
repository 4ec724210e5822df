//! SNMP v1 and v2c over a few shared sockets.

use std::time::Instant;

use super::Attempt;
use crate::inventory::{SnmpAccess, Target};
use crate::reading::{Cause, Effort, Failure};

/// The shared sockets and the in-flight table.
pub struct Engine {}

impl Engine {
    /// Opens the sockets and starts the receiving tasks. Must be called inside a tokio runtime.
    pub fn start() -> std::io::Result<Engine> {
        Ok(Engine {})
    }

    /// Polls one device.
    pub async fn collect(
        &self,
        target: &Target,
        access: &SnmpAccess,
        deadline: Instant,
    ) -> Attempt {
        let _ = (target, access, deadline);
        (
            Effort::default(),
            Err(Failure::new(Cause::Internal, "not built")),
        )
    }

    /// Datagrams that matched no request under way: late, duplicate or foreign.
    pub fn stale_replies(&self) -> u64 {
        0
    }
}
