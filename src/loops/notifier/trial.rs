//! Mails that are made on the spot, past the outbox.

use crate::inventory::Inventory;
use crate::mail::{Letter, one_line};
use crate::reading::UnixSeconds;
use crate::render::Renderer;

use super::{outbox, wording};

/// The test mail of `eider mail test`.
pub(crate) fn test_letter(
    renderer: &Renderer,
    inventory: &Inventory,
    to: &str,
    domain: &str,
    now: UnixSeconds,
) -> Letter {
    let language = &inventory.settings.language;
    let text = renderer.translate(language, "mail.test.text");
    let subject = renderer.translate(language, "mail.test.subject");
    let url = wording::public_url(inventory);
    Letter {
        to: to.into(),
        subject: one_line(&subject),
        html: format!("<p>{text}</p><p>{}</p>", wording::escape(&url)),
        text: format!("{text}\n\n{url}\n"),
        message_id: outbox::message_id(&format!("test-{now}"), to, domain),
        date: now,
        ..Letter::default()
    }
}
