//! A page: the frame that all have (banner, language, clock) around the body of one.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use warp::Reply as _;

use super::fault::Fault;
use super::percent;
use super::routes::Response;
use super::site::{self, Site};
use super::visit::Visit;
use crate::reading::UnixSeconds;
use crate::signal::Space;

#[derive(Serialize)]
struct Page<B> {
    now: UnixSeconds,
    version: &'static str,
    /// `+08:00`
    utc_offset: String,
    user: Option<String>,
    /// What `eider check` says about the files on disk; empty while they are in force.
    rejected: String,
    /// Why the history cannot be written now; empty while it can.
    store_trouble: String,
    /// The disk of the history, while less of it is free than is wanted.
    space: Option<Short>,
    /// Settings that were changed and wait for a restart, by their keys.
    restart_for: String,
    loaded_at: UnixSeconds,
    /// The path as sent, to mark the place in the menu.
    path: String,
    /// This page in the other languages: name and link.
    languages: Vec<(&'static str, String)>,
    #[serde(flatten)]
    body: B,
}

#[derive(Serialize)]
struct Short {
    free_bytes: u64,
    wanted_bytes: u64,
    cut_to: Option<UnixSeconds>,
    cut_bytes: i64,
}

impl Short {
    fn of(space: Space) -> Option<Short> {
        space.is_short().then_some(Short {
            free_bytes: space.free_bytes,
            wanted_bytes: space.wanted_bytes,
            cut_to: space.cut_to,
            cut_bytes: space.cut_bytes,
        })
    }
}

/// Renders a page in the visitor's language and the server's time zone.
pub(super) async fn html(
    site: &Site,
    visit: &Visit,
    template: &'static str,
    body: impl Serialize + Send + 'static,
) -> Result<Response, Fault> {
    let loaded = site.loaded();
    let timezone = site.timezone();
    let now = site::now();
    let page = Page {
        now,
        version: env!("CARGO_PKG_VERSION"),
        utc_offset: utc_offset(&timezone, now),
        user: visit.user.clone(),
        rejected: loaded.rejected_text.clone(),
        store_trouble: site.parts.counters.store_trouble(),
        space: site.parts.counters.space().and_then(Short::of),
        restart_for: loaded.restart_for.join(", "),
        loaded_at: loaded.loaded_at,
        path: visit.path.clone(),
        languages: vec![
            ("English", in_language(visit, "en")),
            ("中文", in_language(visit, "zh-CN")),
        ],
        body,
    };
    let renderer = site.renderer.clone();
    let language = visit.language;
    // A page of many hosts takes a while: not on the threads that serve everyone.
    let text =
        tokio::task::spawn_blocking(move || renderer.render(template, language, &timezone, &page))
            .await
            .map_err(|error| Fault::internal(&error))??;
    Ok(warp::reply::html(text).into_response())
}

/// This page in another language, all else equal.
fn in_language(visit: &Visit, language: &str) -> String {
    let mut link = format!("{}?", visit.path);
    for (name, value) in &visit.query {
        if name != "lang" {
            link.push_str(&format!(
                "{}={}&",
                percent::encode(name),
                percent::encode(value)
            ));
        }
    }
    link.push_str("lang=");
    link.push_str(language);
    link
}

fn utc_offset(timezone: &str, now: UnixSeconds) -> String {
    let zone = TimeZone::get(timezone).unwrap_or(TimeZone::UTC);
    Timestamp::from_second(now).map_or_else(
        |_| String::new(),
        |now| now.to_zoned(zone).strftime("%:z").to_string(),
    )
}
