//! From names to numbers and back.

use super::{EntityId, HostId, Intake};

impl Intake {
    /// The id of a host in the inventory.
    pub fn host_id(&self, name: &str) -> Option<HostId> {
        self.hosts.get(name).copied()
    }

    /// The name of an entity today.
    pub fn entity_name(&self, host: HostId, table: &'static str, id: EntityId) -> Option<&str> {
        self.identities.name(host, table, id)
    }
}
