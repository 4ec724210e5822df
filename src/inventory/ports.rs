//! Which interfaces of a device are watched, and how fast they are where it lies:
//! `snmp: {interfaces: {only: up, name: …, alias: …, type: …, exclude: …, speed: …}}`.

use regex::{Regex, RegexBuilder};

use super::fields::{self, Keys};
use super::problem::Problems;
use super::yaml::{Kind, Node};

const KEYS: [&str; 6] = ["only", "name", "alias", "type", "exclude", "speed"];
const REGEX_BYTES: usize = 1 << 18;
/// ifType by the words that people have for them; every other one by its number.
const TYPES: [(&str, &[u32]); 8] = [
    ("ethernet", &[6, 62, 69, 117]),
    ("ppp", &[23]),
    ("loopback", &[24]),
    ("virtual", &[53]),
    ("wifi", &[71]),
    ("tunnel", &[131]),
    ("vlan", &[135, 136]),
    ("lag", &[161]),
];

/// What is said of interfaces; the default keeps all of them.
#[derive(Clone, Debug, Default)]
pub struct PortFilter {
    /// Those that were never seen up are left out.
    pub only_up: bool,
    keep: Words,
    exclude: Words,
    /// bit/s by name.
    speeds: Vec<(String, i64)>,
}

/// Empty lists say nothing.
#[derive(Clone, Debug, Default)]
struct Words {
    name: Vec<Regex>,
    alias: Vec<Regex>,
    types: Vec<u32>,
}

impl PortFilter {
    /// Whether the interface is to be watched. `kind` is its ifType.
    pub fn keeps(&self, name: &str, alias: &str, kind: Option<u32>) -> bool {
        let any = |list: &[Regex], text: &str| list.iter().any(|regex| regex.is_match(text));
        let is = |types: &[u32]| kind.is_some_and(|kind| types.contains(&kind));
        let (keep, exclude) = (&self.keep, &self.exclude);
        (keep.name.is_empty() || any(&keep.name, name))
            && (keep.alias.is_empty() || any(&keep.alias, alias))
            && (keep.types.is_empty() || is(&keep.types))
            && !any(&exclude.name, name)
            && !any(&exclude.alias, alias)
            && !is(&exclude.types)
    }

    /// The speed in bit/s that the inventory gives an interface.
    pub fn speed(&self, name: &str) -> Option<i64> {
        let found = self.speeds.iter().find(|(known, _)| known == name);
        found.map(|(_, speed)| *speed)
    }

    /// As `eider host NAME` tells it.
    pub fn describe(&self) -> String {
        let mut parts = Vec::new();
        if self.only_up {
            parts.push("only: up".to_owned());
        }
        self.keep.describe(&mut parts);
        let mut excluded = Vec::new();
        self.exclude.describe(&mut excluded);
        if !excluded.is_empty() {
            parts.push(format!("exclude: {{{}}}", excluded.join(", ")));
        }
        let speeds = self
            .speeds
            .iter()
            .map(|(name, bps)| format!("{name}: {bps}"));
        let speeds: Vec<String> = speeds.collect();
        if !speeds.is_empty() {
            parts.push(format!("speed: {{{}}}", speeds.join(", ")));
        }
        format!("{{{}}}", parts.join(", "))
    }
}

/// Two that say the same are the same.
impl PartialEq for PortFilter {
    fn eq(&self, other: &PortFilter) -> bool {
        self.describe() == other.describe()
    }
}

impl Words {
    fn describe(&self, parts: &mut Vec<String>) {
        for (key, list) in [("name", &self.name), ("alias", &self.alias)] {
            let list: Vec<&str> = list.iter().map(Regex::as_str).collect();
            if !list.is_empty() {
                parts.push(format!("{key}: [{}]", list.join(", ")));
            }
        }
        if !self.types.is_empty() {
            let list: Vec<String> = self.types.iter().map(u32::to_string).collect();
            parts.push(format!("type: [{}]", list.join(", ")));
        }
    }
}

/// Reads `interfaces:`; what is wrong is reported.
pub(super) fn read(node: &Node, problems: &mut Problems<'_>) -> Option<PortFilter> {
    let map = fields::map(node, "interfaces", problems)?;
    Keys::new("interfaces", &KEYS).check(map, problems);
    let mut filter = PortFilter::default();
    for entry in &map.entries {
        let (key, node) = (entry.key.value.as_str(), &entry.value);
        match key {
            "only" => {
                filter.only_up = fields::word(node, "only", &["up"], problems).is_some();
            }
            "exclude" => exclude(node, &mut filter.exclude, problems),
            "speed" => filter.speeds = speeds(node, problems),
            key => words(key, node, &mut filter.keep, problems),
        }
    }
    Some(filter)
}

/// `exclude: "^Vl"` is about names; a mapping has the same keys as what is kept.
fn exclude(node: &Node, into: &mut Words, problems: &mut Problems<'_>) {
    let Kind::Map(map) = &node.kind else {
        return words("name", node, into, problems);
    };
    Keys::new("exclude", &["name", "alias", "type"]).check(map, problems);
    for entry in &map.entries {
        words(&entry.key.value, &entry.value, into, problems);
    }
}

fn words(key: &str, node: &Node, into: &mut Words, problems: &mut Problems<'_>) {
    if !["name", "alias", "type"].contains(&key) {
        return;
    }
    let Some(list) = fields::texts(node, key, problems) else {
        return;
    };
    for word in list.value {
        if key == "type" {
            match types(&word.value) {
                Some(types) => into.types.extend(types),
                None => {
                    let known: Vec<&str> = TYPES.iter().map(|(word, _)| *word).collect();
                    let message = format!("`{}` is no type of an interface", word.value);
                    problems
                        .error("bad-value", word.mark, message)
                        .help(format!(
                            "write {}, or the number of ifType",
                            known.join(", ")
                        ));
                }
            }
            continue;
        }
        match RegexBuilder::new(&word.value)
            .size_limit(REGEX_BYTES)
            .build()
        {
            Ok(regex) if key == "name" => into.name.push(regex),
            Ok(regex) => into.alias.push(regex),
            Err(error) => {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default().trim().to_owned();
                let message = format!("`{}` is no regular expression", word.value);
                problems.error("bad-regex", word.mark, message).help(why);
            }
        }
    }
}

fn types(word: &str) -> Option<Vec<u32>> {
    let known = TYPES.iter().find(|(known, _)| *known == word);
    let known = known.map(|(_, types)| types.to_vec());
    known.or_else(|| word.parse().ok().filter(|n| *n > 0).map(|n| vec![n]))
}

/// `speed: {Gi0/1: 100M}`
fn speeds(node: &Node, problems: &mut Problems<'_>) -> Vec<(String, i64)> {
    let Some(map) = fields::map(node, "speed", problems) else {
        return Vec::new();
    };
    let mut speeds = Vec::new();
    for entry in &map.entries {
        let Some(written) = fields::text(&entry.value, "speed", problems) else {
            continue;
        };
        match speed(&written.value) {
            Some(bps) => speeds.push((entry.key.value.clone(), bps)),
            None => {
                let message = format!("`{}` is no speed", written.value);
                problems
                    .error("bad-value", written.mark, message)
                    .help("write bit/s, for example 100M, 2.5G or 64000");
            }
        }
    }
    speeds
}

/// bit/s; the letters count in thousands.
fn speed(text: &str) -> Option<i64> {
    let (digits, factor) = match text.trim().char_indices().last()? {
        (at, 'k' | 'K') => (&text.trim()[..at], 1e3),
        (at, 'M') => (&text.trim()[..at], 1e6),
        (at, 'G') => (&text.trim()[..at], 1e9),
        (at, 'T') => (&text.trim()[..at], 1e12),
        _ => (text.trim(), 1.0),
    };
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number: f64 = digits.parse().ok().filter(|_| plain(digits))?;
    let bps = (number * factor).round();
    (1.0..=1e15).contains(&bps).then_some(bps as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_by_hand() {
        let all = ["100M", "2.5G", "64000", "1T", "56k"].map(speed);
        let wanted = [
            100_000_000,
            2_500_000_000,
            64_000,
            1_000_000_000_000,
            56_000,
        ];
        assert_eq!(all, wanted.map(Some));
        for bad in ["", "M", "fast", "-1", "0", "1e9", "100 Mbit", "∞"] {
            assert_eq!(speed(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_kept_and_what_is_excluded() {
        let regex = |text: &str| vec![Regex::new(text).unwrap()];
        let filter = PortFilter {
            keep: Words {
                name: regex("^(Gi|Te)"),
                ..Words::default()
            },
            exclude: Words {
                alias: regex("(?i)spare"),
                types: types("loopback").unwrap(),
                ..Words::default()
            },
            ..PortFilter::default()
        };
        assert!(filter.keeps("Gi0/1", "uplink", Some(6)));
        assert!(!filter.keeps("Vl7", "", Some(6)), "another name");
        assert!(!filter.keeps("Gi0/2", "Spare", Some(6)), "alias");
        assert!(!filter.keeps("Gi0/3", "", Some(24)), "type");
        assert!(PortFilter::default().keeps("lo", "", None));
    }
}
