//! The writer follows the inventory.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Thread, pushed};
use crate::intake::Intake;
use crate::inventory::Inventory;
use crate::loops::poller::unix_now;
use crate::reading::Method;
use crate::store::StoreError;

impl Thread {
    /// Brings the store in line with the inventory; the first time, and after a lost batch, also
    /// reads what the store knows.
    pub(super) fn sync(&mut self, inventory: Arc<Inventory>) -> Result<(), StoreError> {
        let now = unix_now();
        if !self.intake.has_tables(&inventory.tables) && self.inventory.is_some() {
            // What waits was made for the tables as they were.
            self.commit_unless_waiting();
        }
        let ids = self.parts.recorder.sync_hosts(&inventory, now)?;
        if self.inventory.is_none() || !self.intake.has_tables(&inventory.tables) {
            let first =
                self.batch.is_empty() && self.parts.counters.commits.load(Ordering::Relaxed) == 0;
            let before = std::mem::take(&mut self.intake);
            self.intake = match self.inventory {
                Some(_) => before.renewed(&inventory.tables),
                None => Intake::of_tables(&inventory.tables),
            };
            let known = self.parts.recorder.known()?;
            for e in known.entities {
                self.intake
                    .know_entity(e.host_id, &e.table, e.id, e.key, e.facts);
            }
            self.pushed = pushed::Book::default();
            for (host, key) in self.parts.recorder.push_keys()? {
                self.pushed.know(host, key);
            }
            for (host, way, ts) in &known.newest {
                if way.method == Method::Push {
                    self.pushed.know_newest(*host, *ts);
                }
            }
            for (host, name, value) in known.host_facts {
                self.intake.know_host_fact(host, name, value);
            }
            if first && self.inventory.is_none() {
                self.restore_baselines(known.newest);
            }
        }
        self.intake.sync(&inventory, ids);
        self.inventory = Some(inventory);
        Ok(())
    }
}
