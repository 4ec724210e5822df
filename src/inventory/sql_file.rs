//! `sql:` of `settings.yaml`: what a question of a person may use, at most.

use std::time::Duration;

use super::fields::{self, Keys};
use super::problem::Problems;
use super::settings::SqlSettings;
use super::settings_file::parse_bytes;
use super::yaml::Node;

/// Sealed files that were replaced stay for two minutes, and a copy of the history serves for one: a
/// question that took longer could miss its files.
const TIMEOUT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
const MEMORY_BYTES: std::ops::RangeInclusive<u64> = 64 << 20..=2 << 30;

/// Reads the section.
pub(super) fn sql(node: &Node, problems: &mut Problems<'_>) -> SqlSettings {
    let mut settings = SqlSettings::default();
    let Some(map) = fields::map(node, "sql", problems) else {
        return settings;
    };
    Keys::new("sql", &["timeout", "memory"]).check(map, problems);
    if let Some(entry) = map.get("timeout") {
        let time = fields::duration(&entry.value, "timeout", TIMEOUT, problems);
        settings.timeout = time.map(|time| time.value);
    }
    if let Some(entry) = map.get("memory")
        && let Some(text) = fields::text(&entry.value, "memory", problems)
    {
        settings.memory_bytes = parse_bytes(&text.value).filter(|b| MEMORY_BYTES.contains(b));
        if settings.memory_bytes.is_none() {
            let message = format!("`{}` is not an amount of memory for a question", text.value);
            problems
                .error("bad-value", text.mark, message)
                .help("write 64MiB to 2GiB, like 512MB");
        }
    }
    settings
}
