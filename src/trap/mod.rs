//! Traps: what devices tell without being asked, put into words.
//!
//! Every version comes here in the form of version 2: what happened is one object identifier, its
//! details are varbinds. Pure: names, wording and limits; sockets and keys are elsewhere.

mod limit;
mod name;
mod standard;
mod wording;

use std::net::Ipv4Addr;

use crate::reading::InterfaceHint;

pub use limit::{Bucket, Flood};
pub use name::Names;
pub use wording::sentence;

/// ifEntry and ifXEntry: the last arc of their columns' instances is the ifIndex.
const IF_ENTRY: &[u32] = &[1, 3, 6, 1, 2, 1, 2, 2, 1];
const IFX_ENTRY: &[u32] = &[1, 3, 6, 1, 2, 1, 31, 1, 1, 1];

/// One trap or inform.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trap {
    /// What happened: the value of snmpTrapOID.0.
    pub oid: Vec<u32>,
    /// Without sysUpTime.0 and snmpTrapOID.0.
    pub varbinds: Vec<Varbind>,
    /// The address that a trap of version 1 gives for its sender. Nothing proves it.
    pub agent: Option<Ipv4Addr>,
}

/// One detail of a trap.
#[derive(Clone, Debug, PartialEq)]
pub struct Varbind {
    pub oid: Vec<u32>,
    pub content: Content,
}

/// A value as it may be shown: text and octets are bounded and hold nothing that acts.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    Int(i64),
    Unsigned(u64),
    Float(f64),
    /// Hundredths of a second.
    Ticks(u32),
    Text(String),
    Oid(Vec<u32>),
    Address(Ipv4Addr),
    Nothing,
}

impl Trap {
    /// The interface that it is about, as far as its varbinds tell.
    pub fn interface(&self) -> Option<InterfaceHint> {
        let mut hint = InterfaceHint::default();
        for varbind in &self.varbinds {
            let of = |entry: &[u32]| match varbind.oid.strip_prefix(entry) {
                Some([column, index]) => Some((*column, *index)),
                _ => None,
            };
            let (basic, extended) = (of(IF_ENTRY), of(IFX_ENTRY));
            let Some((_, index)) = basic.or(extended) else {
                continue;
            };
            hint.index.get_or_insert(i64::from(index));
            if let (Some((2, _)), _) | (_, Some((1, _))) = (basic, extended)
                && let Content::Text(name) = &varbind.content
                && !name.is_empty()
            {
                hint.names.push(name.clone());
            }
        }
        (hint != InterfaceHint::default()).then_some(hint)
    }
}

#[cfg(test)]
mod tests;
