//! Version 3: the engines of the fleet, each with the one user of it.

use std::collections::HashMap;

use super::invented::Moment;
use crate::collect::snmp::codec::{Heard, LocalEngine, LocalUser, Seal};
use crate::inventory::UsmUser;

/// More engines than this are not kept; to make one anew takes microseconds.
const MOST_KEPT: usize = 100_000;

/// The engines met so far.
pub(super) struct Engines {
    user: LocalUser,
    known: HashMap<u32, LocalEngine>,
}

impl Engines {
    /// `None` when there is no user, or one with an empty password.
    pub(super) fn of(user: Option<&UsmUser>) -> Option<Engines> {
        Some(Engines {
            user: LocalUser::new(user?.clone())?,
            known: HashMap::new(),
        })
    }

    /// What a datagram is to the device, and how it is to be answered; `None`: not at all.
    pub(super) fn hear(
        &mut self,
        datagram: &[u8],
        moment: &Moment<'_>,
    ) -> Option<(&LocalEngine, Heard, Seal)> {
        if self.known.len() > MOST_KEPT {
            self.known.clear();
        }
        let engine = self.known.entry(moment.device).or_insert_with(|| {
            // RFC 3411: an enterprise, and that text follows.
            let name = format!("sim-{:05}", moment.device + 1);
            let id = [b"\x80\x00\x1f\x88\x04", name.as_bytes()].concat();
            LocalEngine::new(&self.user, id)
        });
        let (boots, time) = moment.engine_clock();
        let heard = engine.hear(datagram, (boots, time))?;
        let mut seal = Seal {
            boots,
            time,
            ..Seal::default()
        };
        match &heard {
            Heard::Question { id, context, .. } => {
                seal.id = *id;
                seal.context.clone_from(context);
                (seal.signed, seal.encrypted) = (engine.signs(), engine.encrypts());
            }
            Heard::Report { id, signed, .. } => {
                seal.id = *id;
                seal.signed = *signed;
            }
        }
        Some((engine, heard, seal))
    }
}
