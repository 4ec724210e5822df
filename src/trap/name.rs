//! Names of traps and of the objects in them: the standard ones are built in, profiles add more.

use std::collections::HashMap;
use std::sync::Arc;

use super::standard;
use crate::inventory::TrapNames;

/// What traps and objects are called.
#[derive(Clone, Debug, Default)]
pub struct Names {
    traps: HashMap<Box<[u32]>, Arc<str>>,
    objects: HashMap<Box<[u32]>, Object>,
}

/// An object that may stand in a trap.
#[derive(Clone, Debug)]
struct Object {
    name: Arc<str>,
    /// The words of an enumeration.
    words: HashMap<i64, Arc<str>>,
}

impl Names {
    /// Those of the standards.
    pub fn standard() -> Names {
        let mut names = Names::default();
        for (root, traps) in standard::TRAPS {
            for (rest, name) in *traps {
                names.add_trap(&[*root, *rest].concat(), name);
            }
        }
        for (root, objects) in standard::OBJECTS {
            for (rest, name, words) in *objects {
                let words = words.iter().map(|(n, word)| (*n, Arc::from(*word)));
                names.add_object(&[*root, *rest].concat(), name, words);
            }
        }
        for (n, name) in (1..).zip(standard::UPS_ALARMS) {
            let oid = [standard::UPS_WELL_KNOWN_ALARMS, &[n]].concat();
            names.add_object(&oid, name, []);
        }
        names
    }

    /// Those of the standards, and those that profiles give.
    pub fn with_profiles(profiles: &TrapNames) -> Names {
        let mut names = Names::standard();
        for (oid, trap) in &profiles.traps {
            names.add_trap(oid, &trap.name);
        }
        for (oid, name) in &profiles.objects {
            names.add_object(oid, name, []);
        }
        names
    }

    /// Names a trap; a former name of it goes.
    pub fn add_trap(&mut self, oid: &[u32], name: &str) {
        self.traps.insert(oid.into(), name.into());
    }

    /// Names an object (a scalar without its `.0`, or a column) and the words of its numbers.
    pub fn add_object(
        &mut self,
        oid: &[u32],
        name: &str,
        words: impl IntoIterator<Item = (i64, Arc<str>)>,
    ) {
        let object = Object {
            name: name.into(),
            words: words.into_iter().collect(),
        };
        self.objects.insert(oid.into(), object);
    }

    /// The name of a trap. One that was translated from version 1 has a zero before its last arc,
    /// which the definition may lack (RFC 3584, 3.1).
    pub fn trap(&self, oid: &[u32]) -> Option<&str> {
        let exact = self.traps.get(oid);
        let found = exact.or_else(|| match oid {
            [enterprise @ .., 0, specific] => {
                let short = [enterprise, &[*specific]].concat();
                self.traps.get(&*short)
            }
            _ => None,
        });
        found.map(|name| &**name)
    }

    /// The name of the object of which this is an instance, and the instance's index.
    pub fn object<'o>(&self, oid: &'o [u32]) -> Option<(&str, &'o [u32])> {
        let (object, index) = self.find(oid)?;
        Some((&*object.name, index))
    }

    /// The word for this number of the object.
    pub fn word(&self, oid: &[u32], number: i64) -> Option<&str> {
        let (object, _) = self.find(oid)?;
        object.words.get(&number).map(|word| &**word)
    }

    fn find<'o>(&self, oid: &'o [u32]) -> Option<(&Object, &'o [u32])> {
        (1..=oid.len()).rev().find_map(|length| {
            let (prefix, index) = oid.split_at(length);
            Some((self.objects.get(prefix)?, index))
        })
    }
}
