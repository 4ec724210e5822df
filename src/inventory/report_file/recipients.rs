//! `to` of a report: who gets it, in which language.

use crate::inventory::fields::{self, Keys};
use crate::inventory::mail_file::check_mailbox;
use crate::inventory::nearest;
use crate::inventory::problem::Problems;
use crate::inventory::settings::Settings;
use crate::inventory::settings_file::LANGUAGES;
use crate::inventory::yaml::{Kind, Map, Node};
use crate::report::Recipient;

const RECIPIENTS_MAX: usize = 200;

/// Everybody whom `to` means, each once.
pub(super) fn recipients(
    node: &Node,
    settings: &Settings,
    problems: &mut Problems<'_>,
) -> Vec<Recipient> {
    let items = match &node.kind {
        Kind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut found: Vec<Recipient> = Vec::new();
    for item in items {
        for recipient in recipient(item, settings, problems) {
            if !found.iter().any(|known| known.address == recipient.address) {
                found.push(recipient);
            }
        }
    }
    if items.is_empty() {
        problems
            .error("bad-value", node.mark, "`to` names nobody")
            .help("add an address, or the name of a receiver of `notify:`");
    }
    if found.len() > RECIPIENTS_MAX {
        let message = format!("more than {RECIPIENTS_MAX} recipients");
        problems
            .error("bad-value", node.mark, message)
            .help("send it to the address of a mailing list");
    }
    found
}

/// An address, an address with its language, or everybody behind the name of a receiver.
fn recipient(node: &Node, settings: &Settings, problems: &mut Problems<'_>) -> Vec<Recipient> {
    if let Kind::Map(map) = &node.kind {
        return addressed(node, map, problems).into_iter().collect();
    }
    let Some(text) = fields::text(node, "to", problems) else {
        return Vec::new();
    };
    if text.value.contains('@') {
        let good = check_mailbox(&text, problems);
        return good
            .then_some(Recipient {
                address: text.value,
                language: None,
            })
            .into_iter()
            .collect();
    }
    let Some(receiver) = settings.notify.get(&text.value) else {
        let message = format!("there is no receiver `{}` in `notify:`", text.value);
        let names = settings.notify.keys().map(String::as_str);
        let likely = nearest(&text.value, names);
        let problem = problems.error("unknown-receiver", text.mark, message);
        match likely {
            Some(likely) => problem.did_you_mean(Some(likely)),
            None => problem.help("write a mail address, or the name of a receiver of `notify:`"),
        };
        return Vec::new();
    };
    let each = receiver.to.iter().map(|address| Recipient {
        address: address.clone(),
        language: receiver.language.clone(),
    });
    each.collect()
}

fn addressed(node: &Node, map: &Map, problems: &mut Problems<'_>) -> Option<Recipient> {
    Keys::new("a recipient", &["address", "language"]).check(map, problems);
    let Some(entry) = map.get("address") else {
        let help = "write `{address: ops@example.net, language: zh-CN}`";
        fields::missing(node.mark, "a recipient", "address", help, problems);
        return None;
    };
    let address = fields::text(&entry.value, "address", problems)?;
    let language = map.get("language").and_then(|entry| {
        let word = fields::word(&entry.value, "language", &LANGUAGES, problems);
        word.map(|word| word.value)
    });
    check_mailbox(&address, problems).then_some(Recipient {
        address: address.value,
        language,
    })
}
