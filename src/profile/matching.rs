//! Whether a profile is for a device.

use regex::Regex;

use super::{Arcs, Profile, dotted};

/// What a device must be like; every key given must hold.
#[derive(Clone, Debug, Default)]
pub struct Matching {
    /// sysObjectID lies at or below one of them.
    pub sys_object_id: Vec<Arcs>,
    /// Any of them is found in sysDescr.
    pub sys_descr: Vec<Regex>,
    /// The device offers something at or below one of them.
    pub has: Vec<Arcs>,
    /// … nothing at or below any of them.
    pub has_not: Vec<Arcs>,
}

/// What is known of a device: whether it offers something at or below an object identifier.
/// `None`: not asked yet, or no answer.
pub type Offers<'a> = &'a dyn Fn(&[u32]) -> Option<bool>;

/// Whether a profile is used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub used: bool,
    /// A sentence: what made it match, or the first thing that kept it from matching.
    pub why: String,
}

impl Verdict {
    fn yes(why: impl Into<String>) -> Verdict {
        Verdict {
            used: true,
            why: why.into(),
        }
    }

    fn no(why: impl Into<String>) -> Verdict {
        Verdict {
            used: false,
            why: why.into(),
        }
    }
}

impl Matching {
    /// Whether sysObjectID and sysDescr allow it; only then it is worth asking what the device offers.
    pub fn allows(&self, object_id: &[u32], descr: &str) -> Result<Option<String>, String> {
        let mut because = None;
        if !self.sys_object_id.is_empty() {
            match self.sys_object_id.iter().find(|p| object_id.starts_with(p)) {
                Some(prefix) => {
                    because = Some(format!("sysObjectID begins with {}", dotted(prefix)))
                }
                None if object_id.is_empty() => return Err("the device has no sysObjectID".into()),
                None => return Err(format!("sysObjectID is {}", dotted(object_id))),
            }
        }
        if !self.sys_descr.is_empty() {
            match self.sys_descr.iter().find(|regex| regex.is_match(descr)) {
                Some(regex) => {
                    because = because.or_else(|| Some(format!("sysDescr matches `{regex}`")))
                }
                None => return Err("sysDescr does not match".into()),
            }
        }
        Ok(because)
    }

    /// Every object identifier below which the device must be looked at.
    pub fn asked(&self) -> impl Iterator<Item = &Arcs> {
        self.has.iter().chain(&self.has_not)
    }
}

impl Profile {
    /// Whether the profile is for the device.
    pub fn judge(
        &self,
        object_id: &[u32],
        descr: &str,
        pinned: bool,
        offers: Offers<'_>,
    ) -> Verdict {
        if pinned {
            return Verdict::yes("the host names it");
        }
        let Some(matching) = &self.matching else {
            return Verdict::no("it has no `match`: only for hosts that name it");
        };
        let mut because = match matching.allows(object_id, descr) {
            Ok(because) => because,
            Err(why) => return Verdict::no(why),
        };
        if !matching.has.is_empty() {
            match matching.has.iter().find(|oid| offers(oid) == Some(true)) {
                Some(oid) => {
                    because = because.or_else(|| Some(format!("the device offers {}", dotted(oid))))
                }
                None => {
                    let none: Vec<String> =
                        matching.has.iter().map(|o| dotted(o).to_string()).collect();
                    return Verdict::no(format!(
                        "the device offers nothing at {}",
                        none.join(", ")
                    ));
                }
            }
        }
        // Not to know is no reason: two profiles that fill the same would count everything twice.
        if let Some(oid) = matching
            .has_not
            .iter()
            .find(|oid| offers(oid) != Some(false))
        {
            return Verdict::no(format!("the device offers {}", dotted(oid)));
        }
        Verdict::yes(because.unwrap_or_else(|| "every device".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::arcs;

    fn profile(matching: Matching) -> Profile {
        Profile {
            name: "x".into(),
            comment: String::new(),
            path: String::new(),
            matching: Some(matching),
            rank: 50,
            http: Vec::new(),
            sections: Vec::new(),
            traps: Vec::new(),
            objects: Vec::new(),
            source: "".into(),
        }
    }

    #[test]
    fn every_key_must_hold_and_any_of_a_list() {
        let matching = Matching {
            sys_object_id: vec![
                arcs("1.3.6.1.4.1.9.1").unwrap(),
                arcs("1.3.6.1.4.1.9.12").unwrap(),
            ],
            sys_descr: vec![Regex::new("Cisco (IOS|NX-OS)").unwrap()],
            has: vec![arcs("1.2").unwrap(), arcs("1.3").unwrap()],
            has_not: vec![arcs("1.9").unwrap()],
        };
        let profile = profile(matching);
        let ios = "Cisco IOS Software";
        let judge = |object: &str, descr: &str, offered: &[&str]| {
            let offers = |oid: &[u32]| Some(offered.contains(&dotted(oid).to_string().as_str()));
            profile
                .judge(&arcs(object).unwrap(), descr, false, &offers)
                .used
        };
        assert!(judge("1.3.6.1.4.1.9.1.5", ios, &["1.3"]));
        assert!(judge("1.3.6.1.4.1.9.1", ios, &["1.2", "1.3"]));
        assert!(judge("1.3.6.1.4.1.9.12.7", "x Cisco NX-OS", &["1.3"]));
        assert!(!judge("1.3.6.1.4.1.9.10", ios, &["1.3"]), "whole arcs");
        assert!(!judge("1.3.6.1.4.1.9.1", "Linux", &["1.3"]));
        assert!(!judge("1.3.6.1.4.1.9.1", ios, &[]));
        assert!(!judge("1.3.6.1.4.1.9.1", ios, &["1.3", "1.9"]));
        let unknown = profile.judge(&arcs("1.3.6.1.4.1.9.1").unwrap(), ios, false, &|_| None);
        assert!(!unknown.used);
        assert!(profile.judge(&[], "", true, &|_| None).used, "named");
    }

    #[test]
    fn without_keys_it_is_for_every_device() {
        let verdict = profile(Matching::default()).judge(&[], "", false, &|_| None);
        assert_eq!(verdict, Verdict::yes("every device"));
        let mut unmatched = profile(Matching::default());
        unmatched.matching = None;
        assert!(!unmatched.judge(&[], "", false, &|_| None).used);
    }
}
