//! `inventory/settings.yaml`: from nodes to settings.

use std::net::SocketAddr;
use std::time::Duration;

use super::Outside;
use super::credential::secret;
use super::fields::{self, Keys};
use super::layer::is_word;
use super::problem::Problems;
use super::settings::{MailSettings, MailTls, NotifySettings, Settings};
use super::yaml::{Map, Mark, Node, Written};

const LANGUAGES: [&str; 2] = ["en", "zh-CN"];
/// Top-level keys and keys of `storage` that the design knows and this version does not. They are
/// ignored with a warning: the daemon can well run without.
const LATER: [&str; 4] = ["routes", "reports", "poller", "sql"];
const STORAGE_LATER: [&str; 5] = ["raw", "m5", "h1", "process", "watermark"];
const MEMORY_BYTES_MIN: u64 = 64 << 20;
const WAIT_MAX: Duration = Duration::from_secs(86_400);
const REPEAT_MIN: Duration = Duration::from_secs(60);
const REPEAT_MAX: Duration = Duration::from_secs(30 * 86_400);

/// Reads the file over the defaults.
pub(super) fn read(root: &Node, outside: &dyn Outside, problems: &mut Problems<'_>) -> Settings {
    let mut settings = Settings::default();
    let Some(map) = fields::map(root, "the file", problems) else {
        return settings;
    };
    let mut known = vec!["version", "server", "storage", "mail", "notify"];
    known.extend(LATER);
    Keys {
        of: "settings.yaml",
        known: &known,
        later: &[],
    }
    .check(map, problems);
    warn_later(map, &LATER, problems);
    for entry in &map.entries {
        let (key, node) = (entry.key.value.as_str(), &entry.value);
        match key {
            "version" => {
                fields::whole(node, key, (1, 1), problems);
            }
            "server" => server(node, &mut settings, problems),
            "storage" => storage(node, &mut settings, problems),
            "mail" => settings.mail = mail(entry.key.mark, node, outside, problems),
            "notify" => notify(node, &mut settings, problems),
            _ => {}
        }
    }
    if let (Some(entry), None) = (map.get("notify"), map.get("mail")) {
        if !settings.notify.is_empty() {
            problems
                .error("missing-key", entry.key.mark, "`notify` has receivers but there is no `mail`")
                .help("add `mail: {smtp: \"smtps://user@mail.example.net:465\", password: \"env:NAME\", from: \"Eider <eider@example.net>\"}`");
        }
    }
    settings
}

fn warn_later(map: &Map, later: &[&str], problems: &mut Problems<'_>) {
    for entry in &map.entries {
        let key = entry.key.value.as_str();
        if later.contains(&key) {
            let message = format!("`{key}` is not in this version yet: it has no effect");
            problems.warning("not-yet", entry.key.mark, message);
        }
    }
}

fn server(node: &Node, settings: &mut Settings, problems: &mut Problems<'_>) {
    let Some(map) = fields::map(node, "server", problems) else {
        return;
    };
    Keys {
        of: "server",
        known: &["listen", "public_url", "language", "timezone"],
        later: &["tls", "socket_group"],
    }
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
                if let Some(zone) = fields::text(node, key, problems) {
                    timezone(zone, settings, problems);
                }
            }
            _ => {}
        }
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
        let numeric = match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => text.to_owned(),
        };
        match numeric.parse::<SocketAddr>() {
            Ok(address) => addresses.push(address),
            Err(_) => {
                problems
                    .error(
                        "bad-value",
                        written.mark,
                        format!("`{text}` is not an address and a port"),
                    )
                    .help("write \"127.0.0.1:8080\", \"0.0.0.0:8080\" or \"[::]:8080\"");
            }
        }
    }
    if !addresses.is_empty() {
        settings.listen = addresses;
    }
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

fn timezone(zone: Written<String>, settings: &mut Settings, problems: &mut Problems<'_>) {
    if jiff::tz::TimeZone::get(&zone.value).is_ok() {
        settings.timezone = zone.value;
        return;
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
}

fn storage(node: &Node, settings: &mut Settings, problems: &mut Problems<'_>) {
    let Some(map) = fields::map(node, "storage", problems) else {
        return;
    };
    let mut known = vec!["path", "memory"];
    known.extend(STORAGE_LATER);
    Keys {
        of: "storage",
        known: &known,
        later: &[],
    }
    .check(map, problems);
    warn_later(map, &STORAGE_LATER, problems);
    if let Some(entry) = map.get("path") {
        if let Some(path) = fields::text(&entry.value, "path", problems) {
            settings.data = path.value;
        }
    }
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

/// `512MB`, `2GB`, `1GiB`; SI units are powers of 1000.
fn parse_bytes(text: &str) -> Option<u64> {
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

fn mail(
    mark: Mark,
    node: &Node,
    outside: &dyn Outside,
    problems: &mut Problems<'_>,
) -> Option<MailSettings> {
    let map = fields::map(node, "mail", problems)?;
    if map.entries.is_empty() {
        return None;
    }
    Keys {
        of: "mail",
        known: &["smtp", "password", "from"],
        later: &["subject_style"],
    }
    .check(map, problems);
    let smtp = match map.get("smtp") {
        Some(entry) => {
            fields::text(&entry.value, "smtp", problems).and_then(|url| smtp(&url, problems))
        }
        None => {
            let help = "add `smtp: \"smtps://user@mail.example.net:465\"`";
            fields::missing(mark, "mail", "smtp", help, problems);
            None
        }
    };
    let password = map
        .get("password")
        .map(|entry| secret("password", &entry.value, outside, problems));
    let from = match map.get("from") {
        Some(entry) => fields::text(&entry.value, "from", problems)
            .filter(|text| check_mailbox(text, problems)),
        None => {
            let help = "add `from: \"Eider <eider@example.net>\"`";
            fields::missing(mark, "mail", "from", help, problems);
            None
        }
    };
    let (tls, user, host, port) = smtp?;
    if let (Some(entry), None) = (map.get("password"), &user) {
        problems
            .error("bad-value", entry.key.mark, "a password needs a user")
            .help("put the user into the address: `smtps://user@mail.example.net:465`");
        return None;
    }
    Some(MailSettings {
        host,
        port,
        tls,
        user,
        password: match password {
            Some(found) => Some(found?),
            None => None,
        },
        from: from?.value,
    })
}

type Smtp = (MailTls, Option<String>, String, u16);

/// `smtps://user@mail.example.net:465`.
fn smtp(url: &Written<String>, problems: &mut Problems<'_>) -> Option<Smtp> {
    let bad = |problems: &mut Problems<'_>, message: &str| {
        problems.error("bad-value", url.mark, message).help(
            "write smtps://user@mail.example.net:465 (TLS), smtp+starttls://user@mail.example.net:587 or smtp://mail.example.net:25 (no TLS)",
        );
        None
    };
    let (tls, standard, rest) = match url.value.split_once("://") {
        Some(("smtps", rest)) => (MailTls::Tls, 465, rest),
        Some(("smtp+starttls", rest)) => (MailTls::StartTls, 587, rest),
        Some(("smtp", rest)) => (MailTls::None, 25, rest),
        _ => return bad(problems, "`smtp` is not the address of a mail server"),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (user, server) = match rest.rsplit_once('@') {
        Some((user, server)) => (Some(user), server),
        None => (None, rest),
    };
    if user.is_some_and(|user| user.contains(':')) {
        problems
            .error("bad-value", url.mark, "`smtp` holds a password")
            .help("put it under `password:`, best as \"env:NAME\" or \"file:/path\"");
        return None;
    }
    let (host, port) = match server.rsplit_once(':') {
        // An IPv6 address without a port ends with its bracket.
        Some((host, port)) if !server.ends_with(']') => match port.parse::<u16>() {
            Ok(port) if port > 0 => (host, port),
            _ => return bad(problems, "`smtp` has no good port"),
        },
        _ => (server, standard),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let allowed = |c: char| c.is_alphanumeric() || "-._:".contains(c);
    if host.is_empty() || !host.chars().all(allowed) || user.is_some_and(str::is_empty) {
        return bad(problems, "`smtp` is not the address of a mail server");
    }
    let user = user.map(|user| user.replace("%40", "@"));
    Some((tls, user, host.to_owned(), port))
}

fn check_mailbox(text: &Written<String>, problems: &mut Problems<'_>) -> bool {
    let good = mailbox(&text.value);
    if !good {
        let message = format!("`{}` is not one mail address", text.value);
        problems
            .error("bad-address", text.mark, message)
            .help("write ops@example.net or \"Eider <eider@example.net>\"");
    }
    good
}

/// Whether the text is one address, with or without a name before it.
fn mailbox(text: &str) -> bool {
    let address = match text.split_once('<') {
        Some((name, rest)) => match rest.strip_suffix('>') {
            Some(address) if !name.contains(['>', '@', ',', ';']) => address,
            _ => return false,
        },
        None => text,
    };
    let Some((local, domain)) = address.rsplit_once('@') else {
        return false;
    };
    let word = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\\\"@".contains(c);
    let whole = |part: &str| {
        !part.is_empty() && part.split('.').all(|s| !s.is_empty()) && part.chars().all(word)
    };
    address.len() <= 254 && whole(local) && whole(domain)
}

fn notify(node: &Node, settings: &mut Settings, problems: &mut Problems<'_>) {
    let Some(map) = fields::map(node, "notify", problems) else {
        return;
    };
    for entry in &map.entries {
        let name = &entry.key;
        if !is_word(&name.value) {
            let message = format!("`{}` cannot be the name of a receiver", name.value);
            problems.error("bad-name", name.mark, message);
        }
        if let Some(receiver) = receiver(name, &entry.value, problems) {
            settings.notify.insert(name.value.clone(), receiver);
        }
    }
}

fn receiver(
    name: &Written<String>,
    node: &Node,
    problems: &mut Problems<'_>,
) -> Option<NotifySettings> {
    let map = fields::map(node, &name.value, problems)?;
    Keys {
        of: "a receiver",
        known: &["to", "language", "group_wait", "repeat"],
        later: &["quiet", "webhook", "escalate"],
    }
    .check(map, problems);
    let mut receiver = NotifySettings {
        to: Vec::new(),
        language: None,
        group_wait: Duration::from_secs(30),
        repeat: Duration::from_secs(4 * 3600),
    };
    if map.get("to").is_none() {
        let of = format!("the receiver `{}`", name.value);
        fields::missing(
            name.mark,
            &of,
            "to",
            "add `to: [ops@example.net]`",
            problems,
        );
    }
    for entry in &map.entries {
        let (key, node) = (entry.key.value.as_str(), &entry.value);
        match key {
            "to" => {
                let list = fields::texts(node, key, problems);
                let addresses = list.map_or_else(Vec::new, |list| list.value);
                receiver.to = addresses
                    .into_iter()
                    .filter(|address| check_mailbox(address, problems))
                    .map(|address| address.value)
                    .collect();
            }
            "language" => {
                let word = fields::word(node, key, &LANGUAGES, problems);
                receiver.language = word.map(|word| word.value);
            }
            "group_wait" => {
                let bounds = (Duration::ZERO, WAIT_MAX);
                if let Some(wait) = fields::duration(node, key, bounds, problems) {
                    receiver.group_wait = wait.value;
                }
            }
            "repeat" => {
                let bounds = (REPEAT_MIN, REPEAT_MAX);
                if let Some(repeat) = fields::duration(node, key, bounds, problems) {
                    receiver.repeat = repeat.value;
                }
            }
            _ => {}
        }
    }
    Some(receiver)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_text() {
        for good in [
            "a@b.c",
            "Eider <eider@example.net>",
            "值班 <ops@example.net>",
            "x+y@localhost",
        ] {
            assert!(mailbox(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@",
            "@b",
            "a@b, c@d",
            "a b@c",
            "A <a@b> x",
            "<a@b",
            "a@b..c",
            "a@b\nBcc: x@y",
            "A <a@b>, B <c@d>",
        ] {
            assert!(!mailbox(bad), "{bad}");
        }
    }

    #[test]
    fn amounts_of_memory() {
        assert_eq!(parse_bytes("512MB"), Some(512_000_000));
        assert_eq!(parse_bytes("2 GiB"), Some(2 << 30));
        for bad in ["", "MB", "512", "-1MB", "1.5GB", "99999999999999999TB"] {
            assert_eq!(parse_bytes(bad), None, "{bad}");
        }
    }
}
