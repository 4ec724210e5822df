//! Reports that somebody asks for, past the schedule.

use std::sync::Arc;

use super::findings::Maker;
use super::press::Press;
use crate::inventory::Inventory;
use crate::loops::notifier::parcel::{About, Postbox, Sheaf};
use crate::loops::poller::unix_now;
use crate::report::{Recipient, Report};
use crate::signal::{ReportOrder, ReportReply, ReportWant};

/// Makes what is asked for and answers.
pub(super) async fn obey(
    order: ReportOrder,
    maker: &Maker,
    postbox: &Postbox,
    inventory: Arc<Inventory>,
) {
    let ReportOrder {
        name,
        at,
        language,
        want,
        reply,
    } = order;
    let done = async {
        let report = inventory
            .settings
            .report(&name)
            .ok_or_else(|| format!("there is no report `{name}` in `reports:`"))?;
        let now = unix_now();
        let at = at.unwrap_or(now);
        let press = Press::of(maker, Arc::clone(&inventory), report, at).await;
        let troubles = press.troubles();
        match want {
            ReportWant::Page => {
                let page = press.print(language, |paper| paper.page()).await?;
                Ok(ReportReply::Page(page))
            }
            ReportWant::Html => {
                let text = press.write(&language, true).await?;
                Ok(ReportReply::Text { text, troubles })
            }
            ReportWant::Text => {
                let text = press.write(&language, false).await?;
                Ok(ReportReply::Text { text, troubles })
            }
            ReportWant::Mail { to, by } => {
                let about = About {
                    report: name.clone(),
                    due_at: at,
                    made_at: now,
                    by,
                };
                let to = recipients(report, &inventory, to, &language)?;
                mail(&press, postbox, about, to).await
            }
        }
    };
    // Whoever asked may have gone.
    let _ = reply.send(done.await);
}

/// The report's own recipients, or these addresses; those in the language that was asked for.
fn recipients(
    report: &Report,
    inventory: &Inventory,
    to: Vec<String>,
    language: &str,
) -> Result<Vec<Recipient>, String> {
    if inventory.settings.mail.is_none() {
        return Err("there is no `mail:` in the settings".into());
    }
    if to.is_empty() {
        if report.to.is_empty() {
            return Err(format!("the report `{}` has no recipients", report.name));
        }
        return Ok(report.to.clone());
    }
    to.into_iter()
        .map(|address| {
            crate::mail::check_address(&address).map_err(|error| error.to_string())?;
            Ok(Recipient {
                address,
                language: Some(language.to_owned()),
            })
        })
        .collect()
}

async fn mail(
    press: &Press,
    postbox: &Postbox,
    about: About,
    to: Vec<Recipient>,
) -> Result<ReportReply, String> {
    let addresses = to.iter().map(|to| to.address.clone()).collect();
    let (mails, runs) = press.mails(about.clone(), to).await?;
    postbox
        .post(Sheaf {
            about,
            mails,
            seen: None,
            runs,
        })
        .await?;
    Ok(ReportReply::Posted {
        to: addresses,
        troubles: press.troubles(),
    })
}
