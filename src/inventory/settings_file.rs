//! `inventory/settings.yaml`: from nodes to settings.

use std::net::SocketAddr;

use super::Outside;
use super::fields::{self, Keys};
use super::mail_file::{mail, notify};
use super::problem::Problems;
use super::report_file::reports;
use super::retention;
use super::settings::{MinFree, Settings};
use super::source_file::sources;
use super::sql_file::sql;
use super::trap_file::traps;
use super::yaml::{Node, Written};

pub(super) const LANGUAGES: [&str; 2] = ["en", "zh-CN"];
/// Ignored with a warning: the daemon can well run without.
const LATER: [&str; 2] = ["routes", "poller"];
const STORAGE_LATER: [&str; 1] = ["watermark"];
const MEMORY_BYTES_MIN: u64 = 64 << 20;

/// Reads the file over the defaults.
pub(super) fn read(root: &Node, outside: &dyn Outside, problems: &mut Problems<'_>) -> Settings {
    let mut settings = Settings::default();
    let Some(map) = fields::map(root, "the file", problems) else {
        return settings;
    };
    Keys::new(
        "settings.yaml",
        &[
            "version", "server", "storage", "push", "mail", "notify", "traps", "reports", "sql",
            "sources",
        ],
    )
    .ignored(&LATER)
    .check(map, problems);
    for entry in &map.entries {
        let (key, node) = (entry.key.value.as_str(), &entry.value);
        match key {
            "version" => {
                fields::whole(node, key, (1, 1), problems);
            }
            "server" => server(node, &mut settings, problems),
            "storage" => storage(node, &mut settings, problems),
            "sql" => settings.sql = sql(node, problems),
            "push" => push(node, &mut settings, problems),
            "sources" => sources(node, &mut settings, problems),
            "mail" => settings.mail = mail(entry.key.mark, node, outside, problems),
            "notify" => notify(node, &mut settings, problems),
            "traps" => settings.traps = traps(entry.key.mark, node, outside, problems),
            _ => {}
        }
    }
    if let (Some(entry), None) = (map.get("notify"), map.get("mail"))
        && !settings.notify.is_empty()
    {
        problems
                .error("missing-key", entry.key.mark, "`notify` has receivers but there is no `mail`")
                .help("add `mail: {smtp: \"smtps://user@mail.example.net:465\", password: \"env:NAME\", from: \"Eider <eider@example.net>\"}`");
    }
    // Reports name receivers, and take their zone and language from the server.
    if let Some(entry) = map.get("reports") {
        reports(&entry.value, &mut settings, problems);
    }
    settings
}

fn server(node: &Node, settings: &mut Settings, problems: &mut Problems<'_>) {
    let Some(map) = fields::map(node, "server", problems) else {
        return;
    };
    Keys::new("server", &["listen", "public_url", "language", "timezone"])
        .later(&["tls", "socket_group"])
        .check(map, problems);
    for entry in &map.entries {
        let (key, node) = (entry.key.value.as_str(), &entry.value);
        match key {
            "listen" => listen(node, settings, problems),
            "public_url" => {
                if let Some(url) = fields::text(node, key, problems) {
                    settings.public_url = public_url(&url, problems);
                }
            }
            "language" => {
                if let Some(word) = fields::word(node, key, &LANGUAGES, problems) {
                    settings.language = word.value;
                }
            }
            "timezone" => {
                if let Some(zone) = fields::text(node, key, problems)
                    && is_timezone(&zone, problems)
                {
                    settings.timezone = zone.value;
                }
            }
            _ => {}
        }
    }
}

fn push(node: &Node, settings: &mut Settings, problems: &mut Problems<'_>) {
    let Some(map) = fields::map(node, "push", problems) else {
        return;
    };
    Keys::new("push", &["open"]).check(map, problems);
    if let Some(entry) = map.get("open")
        && let Some(word) = fields::word(&entry.value, "open", &["true", "false"], problems)
    {
        settings.push_open = word.value == "true";
    }
}

fn listen(node: &Node, settings: &mut Settings, problems: &mut Problems<'_>) {
    let Some(list) = fields::texts(node, "listen", problems) else {
        return;
    };
    let mut addresses = Vec::new();
    for written in &list.value {
        let text = written.value.as_str();
        if text.starts_with("unix:") {
            problems
                .warning(
                    "not-yet",
                    written.mark,
                    "a Unix socket for the pages is not in this version yet: it has no effect",
                )
                .help("the command line finds the daemon by `data/eider.sock` without it");
            continue;
        }
        let help = "write \"127.0.0.1:8080\", \"0.0.0.0:8080\" or \"[::]:8080\"";
        addresses.extend(address_and_port(written, help, problems));
    }
    if !addresses.is_empty() {
        settings.listen = addresses;
    }
}

/// An address to listen on.
pub(super) fn address_and_port(
    written: &Written<String>,
    help: &str,
    problems: &mut Problems<'_>,
) -> Option<SocketAddr> {
    let text = written.value.as_str();
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    let address = numeric.parse().ok();
    if address.is_none() {
        let message = format!("`{text}` is not an address and a port");
        problems
            .error("bad-value", written.mark, message)
            .help(help);
    }
    address
}

fn public_url(url: &Written<String>, problems: &mut Problems<'_>) -> Option<String> {
    let rest = url
        .value
        .strip_prefix("https://")
        .or_else(|| url.value.strip_prefix("http://"));
    let good = rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with('/')
            && rest
                .chars()
                .all(|c| !c.is_whitespace() && !"<>\"'?#@".contains(c))
    });
    if !good {
        problems
            .error(
                "bad-value",
                url.mark,
                format!("`{}` is not the address of a site", url.value),
            )
            .help("write it like https://eider.example.net/");
        return None;
    }
    Some(url.value.clone())
}

/// Whether there is such a time zone; else that is told.
pub(super) fn is_timezone(zone: &Written<String>, problems: &mut Problems<'_>) -> bool {
    if jiff::tz::TimeZone::get(&zone.value).is_ok() {
        return true;
    }
    let names: Vec<String> = jiff::tz::db()
        .available()
        .map(|name| name.to_string())
        .collect();
    let likely = super::nearest(&zone.value, names.iter().map(String::as_str));
    let problem = problems.error(
        "unknown-timezone",
        zone.mark,
        format!("there is no time zone `{}`", zone.value),
    );
    match likely {
        Some(likely) => problem.did_you_mean(Some(likely)),
        None => problem.help("use an IANA name like Asia/Shanghai or Europe/Berlin"),
    };
    false
}

fn storage(node: &Node, settings: &mut Settings, problems: &mut Problems<'_>) {
    let Some(map) = fields::map(node, "storage", problems) else {
        return;
    };
    let known: Vec<&str> = ["path", "memory", "min_free"]
        .into_iter()
        .chain(retention::KEYS)
        .collect();
    Keys::new("storage", &known)
        .ignored(&STORAGE_LATER)
        .check(map, problems);
    if let Some(entry) = map.get("path")
        && let Some(path) = fields::text(&entry.value, "path", problems)
    {
        settings.data = path.value;
    }
    if let Some(entry) = map.get("min_free") {
        min_free(&entry.value, settings, problems);
    }
    retention::read(map, &mut settings.keep, problems);
    let Some(entry) = map.get("memory") else {
        return;
    };
    let Some(text) = fields::text(&entry.value, "memory", problems) else {
        return;
    };
    match parse_bytes(&text.value) {
        Some(bytes) if bytes >= MEMORY_BYTES_MIN => settings.store_memory_bytes = Some(bytes),
        Some(_) => {
            problems.error("bad-value", text.mark, "`memory` must be at least 64MB");
        }
        None => {
            let message = format!("`{}` is not an amount of memory", text.value);
            problems
                .error("bad-value", text.mark, message)
                .help("write it like 512MB or 2GB");
        }
    }
}

fn min_free(node: &Node, settings: &mut Settings, problems: &mut Problems<'_>) {
    let Some(text) = fields::text(node, "min_free", problems) else {
        return;
    };
    let share = text
        .value
        .strip_suffix('%')
        .map(|share| share.trim().parse());
    settings.min_free = match (share, parse_bytes(&text.value)) {
        (Some(Ok(share @ 0..=50)), _) => MinFree::Percent(share),
        (None, Some(bytes)) => MinFree::Bytes(bytes),
        _ => {
            let message = format!("`{}` is not an amount of free space", text.value);
            problems
                .error("bad-value", text.mark, message)
                .help("write it like 2GB, or like 5% (at most 50%) of the disk");
            return;
        }
    };
}

/// `512MB`, `2GB`, `1GiB`; SI units are powers of 1000.
pub(super) fn parse_bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 6] = [
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
    ];
    // 64MB and 64MiB are both meant by the least.
    UNITS.iter().find_map(|(unit, size)| {
        let number: u64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
        number.checked_mul(*size)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_memory() {
        assert_eq!(parse_bytes("512MB"), Some(512_000_000));
        assert_eq!(parse_bytes("2 GiB"), Some(2 << 30));
        for bad in ["", "MB", "512", "-1MB", "1.5GB", "99999999999999999TB"] {
            assert_eq!(parse_bytes(bad), None, "{bad}");
        }
    }
}
