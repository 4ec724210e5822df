//! The first words with an address that may be a device: who are you?

use super::device::Device;
use super::get::{self, Items};
use super::value::Datum;
use super::{Engine, text};
use crate::inventory::{SnmpAccess, Target};
use crate::reading::Failure;

const SYS_DESCR: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 1];
const SYS_OBJECT_ID: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 2];
const SYS_UP_TIME: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 3];
const SYS_NAME: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 5];

/// What a device says of itself (SNMPv2-MIB, RFC 3418). Texts are made harmless to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Greeting {
    pub descr: String,
    /// Empty where the device has none.
    pub object_id: Vec<u32>,
    pub name: String,
    /// Hundredths of a second since its SNMP agent started.
    pub uptime: Option<u32>,
}

impl Engine {
    /// Asks who is there. Remembers nothing of it. Never takes longer than to `deadline`.
    ///
    /// # Errors
    /// When nobody answers, or we are not let in.
    pub async fn greet(
        &self,
        target: &Target,
        access: &SnmpAccess,
        deadline: std::time::Instant,
    ) -> Result<Greeting, Failure> {
        let mut device = Device::default();
        let deadline = tokio::time::Instant::from_std(deadline);
        let mut line = self.open(target, access, &mut device, deadline).await?;
        let mut items = Items::default();
        for root in [SYS_DESCR, SYS_OBJECT_ID, SYS_UP_TIME, SYS_NAME] {
            items.push(root, &[0], 64, 0);
        }
        let values = get::get(&mut line, &items).await;
        let values = values.map_err(|trouble| line.failure(&trouble))?;
        let shown = |value: &Datum| value.bytes().map(text::shown).unwrap_or_default();
        let [descr, object_id, uptime, name] = &values[..] else {
            return Ok(Greeting::default());
        };
        Ok(Greeting {
            descr: shown(descr),
            object_id: match object_id {
                Datum::Oid(oid) => oid.arcs().to_vec(),
                _ => Vec::new(),
            },
            name: shown(name),
            uptime: match uptime {
                Datum::Ticks(ticks) => Some(*ticks),
                _ => None,
            },
        })
    }
}
