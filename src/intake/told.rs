//! What a host told by itself, and which of its interfaces it is about.

use super::{EntityId, HostId, Intake, Told};
use crate::reading::{Happening, InterfaceHint, Value};
use crate::table::INTERFACE;

impl Intake {
    /// What is to be stored of it; `None` when the host is not in the inventory any more.
    pub fn hear(&self, happening: &Happening) -> Option<Told> {
        let host_id = *self.hosts.get(&happening.host)?;
        let mut event = happening.event.clone();
        let hint = happening.interface.as_ref();
        let entity_id = hint.and_then(|hint| self.interface(host_id, hint));
        let name = match entity_id {
            Some(id) => self.identities.name(host_id, INTERFACE.name, id),
            None => hint.and_then(|hint| hint.names.first()).map(String::as_str),
        };
        if let Some(name) = name {
            event.subject = name.to_owned();
        }
        Some(Told {
            host_id,
            ts: happening.ts,
            entity_id,
            event,
        })
    }

    /// By its name, else by its ifIndex. An interface that is gone keeps the ifIndex that it had
    /// last: of several with one index the newest is meant.
    fn interface(&self, host: HostId, hint: &InterfaceHint) -> Option<EntityId> {
        let mut names = hint.names.iter();
        let named = names.find_map(|name| self.identities.find(host, INTERFACE.name, name));
        if named.is_some() {
            return named;
        }
        let index = Value::Int(hint.index?);
        let place = INTERFACE.fact_position("if_index")?;
        let has_index =
            |id: &EntityId| self.facts.get(id).and_then(|f| f.get(place)) == Some(&index);
        let members = self.identities.members(host, INTERFACE.name);
        members.filter(has_index).max()
    }
}
