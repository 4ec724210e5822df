//! `mail:` and `notify:` of the settings: where mails go out, and to whom.

use std::time::Duration;

use super::Outside;
use super::credential::secret;
use super::fields::{self, Keys};
use super::layer::is_word;
use super::problem::Problems;
use super::settings::{MailSettings, MailTls, NotifySettings, Settings};
use super::settings_file::LANGUAGES;
use super::yaml::{Mark, Node, Written};

const WAIT_MAX: Duration = Duration::from_secs(86_400);
const REPEAT_MIN: Duration = Duration::from_secs(60);
const REPEAT_MAX: Duration = Duration::from_secs(30 * 86_400);

pub(super) fn mail(
    mark: Mark,
    node: &Node,
    outside: &dyn Outside,
    problems: &mut Problems<'_>,
) -> Option<MailSettings> {
    let map = fields::map(node, "mail", problems)?;
    if map.entries.is_empty() {
        return None;
    }
    Keys::new("mail", &["smtp", "password", "from"])
        .later(&["subject_style"])
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

pub(super) fn check_mailbox(text: &Written<String>, problems: &mut Problems<'_>) -> bool {
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

pub(super) fn notify(node: &Node, settings: &mut Settings, problems: &mut Problems<'_>) {
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
    Keys::new("a receiver", &["to", "language", "group_wait", "repeat"])
        .later(&["quiet", "webhook", "escalate"])
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
}
