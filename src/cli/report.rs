//! `eider report`: lists the reports, or makes one now.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::{client, output};
use crate::home::{Folder, Home};
use crate::inventory::Inventory;
use crate::loops::notifier::parcel::About;
use crate::loops::poller::unix_now;
use crate::loops::reporter::{Maker, Press};
use crate::mail::Mailer;
use crate::query::parse_time;
use crate::reading::UnixSeconds;
use crate::render::Renderer;
use crate::report::{Cron, Recipient, Report};
use crate::store::{Options, Store};

/// A page of many queries, each of which may take a minute.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The report; without it all are listed
    name: Option<String>,
    /// Write it as an HTML file that needs nothing beside it (- for stdout)
    #[arg(long, value_name = "FILE", requires = "name", conflicts_with_all = ["to", "text"])]
    html: Option<PathBuf>,
    /// Mail it to this address; may be repeated
    #[arg(
        long,
        value_name = "ADDRESS",
        requires = "name",
        conflicts_with = "text"
    )]
    to: Vec<String>,
    /// Print it as plain text, as it is without --html and --to
    #[arg(long, requires = "name")]
    text: bool,
    /// As of this time: 2026-11-23, 2026-11-23T08:00, now-7d, …
    #[arg(
        long,
        value_name = "TIME",
        requires = "name",
        allow_hyphen_values = true
    )]
    at: Option<String>,
    /// en or zh-CN; the server's, unless said otherwise
    #[arg(long, value_name = "LANGUAGE", value_parser = ["en", "zh-CN"])]
    lang: Option<String>,
}

/// Lists or makes. A report whose query failed is made all the same; then the exit code is 1.
pub(super) fn run(home: &Home, args: &Args) -> anyhow::Result<u8> {
    let (files, examined) = home.load().map_err(|e| anyhow::anyhow!(e))?;
    let Some(inventory) = examined.inventory else {
        let colour = std::io::stderr().is_terminal();
        eprint!(
            "{}",
            crate::inventory::render(&examined.problems, &files, colour)
        );
        return Ok(super::EXIT_CONFIG);
    };
    let Some(name) = &args.name else {
        output::print(&list(&inventory, unix_now()))?;
        return Ok(super::EXIT_OK);
    };
    let settings = &inventory.settings;
    let Some(report) = settings.report(name) else {
        let names = settings.reports.iter().map(|r| r.name.as_str());
        let likely = crate::inventory::nearest(name, names);
        let hint = likely.map_or_else(String::new, |l| format!("; did you mean `{l}`?"));
        eprintln!(
            "error: there is no report `{}` in inventory/settings.yaml{hint}",
            output::visible(name)
        );
        return Ok(super::EXIT_SOME_FAILED);
    };
    let at = match &args.at {
        None => None,
        Some(text) => Some(parse_time(text, unix_now(), &report.zone).map_err(anyhow::Error::msg)?),
    };
    let language = args.lang.clone();
    let language = language.unwrap_or_else(|| settings.language.clone());
    let said = match client::of_home(home) {
        Some(daemon) => by_daemon(&daemon, args, name, at, &language)?,
        None => by_ourselves(home, args, &inventory, report, at, &language)?,
    };
    match said {
        Ok(said) => deliver(args, &said),
        Err(words) => {
            eprintln!("error: {}", output::visible_lines(&words));
            Ok(super::EXIT_SOME_FAILED)
        }
    }
}

/// What came of it: the document, or who it was sent to.
struct Said {
    text: String,
    troubles: u64,
}

fn deliver(args: &Args, said: &Said) -> anyhow::Result<u8> {
    match &args.html {
        Some(file) if file.as_os_str() != "-" => std::fs::write(file, &said.text)
            .with_context(|| format!("{} cannot be written", file.display()))?,
        Some(_) => output::print(&said.text)?,
        None => output::print(&output::visible_lines(&said.text))?,
    }
    Ok(if said.troubles > 0 {
        eprintln!("warning: {} of its queries failed", said.troubles);
        super::EXIT_SOME_FAILED
    } else {
        super::EXIT_OK
    })
}

/// Names, titles, when the next one is due and for how many.
fn list(inventory: &Inventory, now: UnixSeconds) -> String {
    let reports = &inventory.settings.reports;
    if reports.is_empty() {
        return "no reports: put one into inventory/settings.yaml, under `reports:` (docs/reports.md)\n"
            .into();
    }
    let rows: Vec<_> = reports
        .iter()
        .map(|report| {
            let next = next_of(report, now);
            json!([
                report.name,
                report.title.get(&inventory.settings.language),
                report.cron.as_ref().map_or("-", Cron::as_str),
                next.unwrap_or_else(|| "-".into()),
                report.to.len(),
            ])
        })
        .collect();
    let heads = json!(["report", "title", "schedule", "next", "recipients"]);
    output::table_of(&heads, &json!(rows))
}

/// `2026-11-30 08:00 +08:00`
fn next_of(report: &Report, now: UnixSeconds) -> Option<String> {
    let zone = TimeZone::get(&report.zone).ok()?;
    let next = report.cron.as_ref()?.next(now, &zone)?;
    let next = Timestamp::from_second(next).ok()?.to_zoned(zone);
    Some(next.strftime("%Y-%m-%d %H:%M %:z").to_string())
}

fn by_daemon(
    daemon: &client::Client,
    args: &Args,
    name: &str,
    at: Option<UnixSeconds>,
    language: &str,
) -> anyhow::Result<Result<Said, String>> {
    let format = if args.html.is_some() { "html" } else { "text" };
    let body = json!({"at": at, "language": language, "format": format, "to": args.to});
    let path = format!("/api/v1/reports/{}", client::encode(name));
    let reply = daemon.post(&path, &body, PATIENCE)?;
    Ok(match reply.good() {
        Ok(reply) => {
            let value = reply.json()?;
            Ok(Said {
                text: value["text"].as_str().unwrap_or_default().to_owned(),
                troubles: value["troubles"].as_u64().unwrap_or(0),
            })
        }
        Err(words) => Err(words.to_string()),
    })
}

/// Opens the history and makes it here.
fn by_ourselves(
    home: &Home,
    args: &Args,
    inventory: &Inventory,
    report: &Report,
    at: Option<UnixSeconds>,
    language: &str,
) -> anyhow::Result<Result<Said, String>> {
    let data = home.resolve(&inventory.settings.data);
    if let Some(words) = client::closed(&data) {
        anyhow::bail!(words);
    }
    if !Store::exists(&data) {
        anyhow::bail!(
            "there is no history in {} yet: start `eider serve`",
            data.display()
        );
    }
    let options = Options {
        memory_bytes: inventory.settings.store_memory_bytes,
    };
    let (store, recorder) = Store::open(&data, &options)?;
    let templates = home.clone();
    let maker = Maker {
        store,
        home: home.clone(),
        renderer: Renderer::new(move |name| templates.asset(Folder::Templates, name)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let now = unix_now();
    let said = runtime.block_on(async {
        let press = Press::of(
            &maker,
            Arc::new(inventory.clone()),
            report,
            at.unwrap_or(now),
        )
        .await;
        if args.to.is_empty() {
            let html = args.html.is_some();
            return press.write(language, html).await.map(|text| Said {
                text,
                troubles: press.troubles(),
            });
        }
        send(
            &press,
            args,
            inventory,
            (report, at.unwrap_or(now)),
            (now, language),
        )
        .await
    });
    drop(runtime);
    drop(maker);
    recorder.close()?;
    Ok(said)
}

/// Sends at once, past the outbox: no daemon is there to try again.
async fn send(
    press: &Press,
    args: &Args,
    inventory: &Inventory,
    (report, at): (&Report, UnixSeconds),
    (now, language): (UnixSeconds, &str),
) -> Result<Said, String> {
    let settings = inventory.settings.mail.as_ref();
    let settings = settings.ok_or("there is no `mail:` in inventory/settings.yaml")?;
    let mailer = Mailer::new(settings).map_err(|error| error.to_string())?;
    let about = About {
        report: report.name.clone(),
        due_at: at,
        made_at: now,
        by: "command line".into(),
    };
    let to = args.to.iter().map(|address| Recipient {
        address: address.clone(),
        language: Some(language.to_owned()),
    });
    for address in &args.to {
        crate::mail::check_address(address).map_err(|error| error.to_string())?;
    }
    let (mails, _) = press.mails(about.clone(), to.collect()).await?;
    let mut text = String::new();
    for mail in mails {
        for to in &mail.to {
            let parcel = mail.parcel.clone();
            let letter = parcel.letter(&about, (&mail.name, to), mailer.domain());
            let said = mailer.send(&letter).await;
            let said = said.map_err(|error| format!("{to}: {error}"))?;
            text += &format!("{} took the report to {to}: {said}\n", mailer.server());
        }
    }
    Ok(Said {
        text,
        troubles: press.troubles(),
    })
}
