//! Prints findings: in each language once, on a thread of its own, since pictures take time.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::findings::{Findings, Maker};
use super::millis;
use super::paper::Paper;
use crate::inventory::Inventory;
use crate::loops::notifier::parcel::{About, Addressed, Parcel};
use crate::reading::UnixSeconds;
use crate::render::Renderer;
use crate::report::run::{Event, Run};
use crate::report::{Recipient, Report};

/// What is printed, and by which words.
#[derive(Clone)]
pub(crate) struct Press {
    renderer: Renderer,
    inventory: Arc<Inventory>,
    findings: Arc<Findings>,
}

impl Press {
    pub(super) fn new(maker: &Maker, inventory: Arc<Inventory>, findings: Findings) -> Press {
        Press {
            renderer: maker.renderer.clone(),
            inventory,
            findings: Arc::new(findings),
        }
    }

    /// Asks the report's queries as of `at`.
    pub(crate) async fn of(
        maker: &Maker,
        inventory: Arc<Inventory>,
        report: &Report,
        at: UnixSeconds,
    ) -> Press {
        Press::new(maker, inventory, maker.find(report, at).await)
    }

    /// How many of its queries failed.
    pub(crate) fn troubles(&self) -> u64 {
        self.findings.troubles().len() as u64
    }

    /// A document that stands alone, or plain text.
    pub(crate) async fn write(&self, language: &str, html: bool) -> Result<String, String> {
        let written = self.print(language.to_owned(), move |paper| {
            if html { paper.html() } else { paper.text() }
        });
        written.await?.map_err(|error| error.to_string())
    }

    /// Works on the report in one language.
    pub(super) async fn print<T: Send + 'static>(
        &self,
        language: String,
        work: impl FnOnce(&Paper<'_>) -> T + Send + 'static,
    ) -> Result<T, String> {
        let press = self.clone();
        let printed = tokio::task::spawn_blocking(move || {
            work(&Paper {
                findings: &press.findings,
                inventory: &press.inventory,
                renderer: &press.renderer,
                language: &language,
            })
        });
        printed
            .await
            .map_err(|error| format!("the report's making ended oddly: {error}"))
    }

    /// The mails to these people, and what the delivery log says of them.
    pub(crate) async fn mails(
        &self,
        about: About,
        to: Vec<Recipient>,
    ) -> Result<(Vec<Addressed>, Vec<Run>), String> {
        let mut languages: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for recipient in to {
            let own = &self.inventory.settings.language;
            let language = recipient.language.unwrap_or_else(|| own.clone());
            let addresses = languages.entry(language).or_default();
            addresses.push(recipient.address);
        }
        let (mut mails, mut runs) = (Vec::new(), Vec::new());
        for (language, to) in languages {
            let name = about.name(&language);
            let (parcel, notes) = self.print(language, |paper| paper.parcel()).await?;
            for address in &to {
                runs.push(self.queued(&about, (&name, address), &parcel, &notes));
            }
            mails.push(Addressed { name, parcel, to });
        }
        Ok((mails, runs))
    }

    fn queued(
        &self,
        about: &About,
        (mail, recipient): (&str, &str),
        parcel: &Parcel,
        notes: &[String],
    ) -> Run {
        let troubles = self.findings.troubles();
        let said: Vec<&str> = troubles.iter().chain(notes).map(String::as_str).collect();
        Run {
            at: about.made_at,
            report: about.report.clone(),
            due_at: about.due_at,
            by: about.by.clone(),
            event: Event::Queued,
            recipient: recipient.into(),
            note: said.join("; "),
            mail: mail.into(),
            took_ms: Some(millis(self.findings.took)),
            size_bytes: i64::try_from(parcel.size()).ok(),
        }
    }
}
