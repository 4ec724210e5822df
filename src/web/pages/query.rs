//! Queries as pages: the list of them, and the answer of one under a form of its parameters.

mod empty;
mod form;
mod order;

use std::collections::BTreeSet;
use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;

use super::super::ask;
use super::super::fault::Fault;
use super::super::page;
use super::super::percent;
use super::super::routes::Response;
use super::super::site::{self, Site};
use super::super::visit::Visit;
use crate::home::Folder;
use crate::query::{Answer, Asked, Query, name_of};
use crate::render::cells::{self, Head, Shown};
use crate::render::chart::{Figure, Frame};
use crate::store::Question;
use empty::Empty;
use form::{Field, Preset};
use order::Order;

/// Rows of a page; exports hold more.
const MAX_ROWS: usize = 1000;

#[derive(Serialize)]
struct List {
    queries: Vec<Entry>,
    broken: Vec<String>,
    /// Every tag that there is.
    tags: BTreeSet<String>,
    /// The one that was chosen; empty: all queries.
    tag: String,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    title: String,
    description: String,
    tags: Vec<String>,
}

pub(in crate::web) async fn list(site: Arc<Site>, visit: Arc<Visit>) -> Result<Response, Fault> {
    let mut queries = Vec::new();
    let mut broken = Vec::new();
    for file in site.parts.home.asset_names(Folder::Queries) {
        let Some(name) = name_of(&file) else { continue };
        match ask::find(&site, name) {
            Ok(query) => queries.push(Entry {
                title: query.title.get(visit.language).to_owned(),
                description: query.description.get(visit.language).to_owned(),
                tags: query.tags,
                name: query.name,
            }),
            Err(fault) => broken.push(fault.detail().to_owned()),
        }
    }
    let tags = queries.iter().flat_map(|q| q.tags.clone()).collect();
    let tag = visit.param("tag").unwrap_or_default().to_owned();
    if !tag.is_empty() {
        queries.retain(|query| query.tags.contains(&tag));
    }
    let list = List {
        queries,
        broken,
        tags,
        tag,
    };
    page::html(&site, &visit, "queries.html", list).await
}

#[derive(Serialize)]
struct QueryPage {
    name: String,
    title: String,
    description: String,
    from: String,
    to: String,
    presets: Vec<Preset>,
    fields: Vec<Field>,
    mistakes: Vec<String>,
    /// Titles of parameters that must be given and are not yet.
    missing: Vec<String>,
    columns: Vec<Column>,
    rows: Vec<Vec<Shown>>,
    empty: Option<Empty>,
    figure: Option<Figure>,
    truncated: bool,
    took_ms: f64,
    sql: String,
    /// The query string of this page, for downloads.
    link: String,
}

#[derive(Serialize)]
struct Column {
    #[serde(flatten)]
    head: Head,
    /// This page, sorted by this column.
    sort: String,
    /// `up`, `down` or empty.
    sorted: &'static str,
}

pub(in crate::web) async fn page(
    site: Arc<Site>,
    visit: Arc<Visit>,
    name: String,
) -> Result<Response, Fault> {
    let query = ask::find(&site, &name)?;
    let asked = asked(&site, &visit);
    let inventory = Arc::clone(&site.loaded().inventory);
    let missing = form::missing(&query, &asked, visit.language);
    let begun = std::time::Instant::now();
    let (mut answer, mistakes, empty) = if missing.is_empty() {
        answer(&site, &query, &asked).await
    } else {
        (Answer::default(), Vec::new(), None)
    };
    let took_ms = begun.elapsed().as_secs_f64() * 1000.0;
    let order = Order::of(visit.param("sort"), &answer);
    let truncated = answer.truncated;
    let query = query.shown(&asked, &answer);
    // Drawn in the query's own order, whatever the reader sorts by.
    let figure = figure(&query, &asked, &answer, visit.language);
    order.apply(&mut answer);
    let (heads, rows) = cells::show(&query, answer, visit.language);
    let columns = heads.into_iter().enumerate().map(|(place, head)| Column {
        sort: order.link(&visit, place, &head.name),
        sorted: order.word(place),
        head,
    });
    let bad = !mistakes.is_empty();
    let (from, to) = query.written_range(&asked);
    let body = QueryPage {
        title: query.title.get(visit.language).to_owned(),
        description: query.description.get(visit.language).to_owned(),
        presets: form::presets(&query, &asked, &visit),
        from: from.to_owned(),
        to: to.to_owned(),
        fields: form::fields(&query, &asked, &inventory, visit.language),
        mistakes,
        missing,
        columns: columns.collect(),
        empty: empty.map(|empty| empty.or_unknown(&query, &asked, &inventory)),
        figure,
        rows,
        truncated,
        took_ms,
        sql: query.sql,
        link: percent::query(visit.query.iter().filter(|(name, _)| name != "lang")),
        name,
    };
    let mut response = page::html(&site, &visit, "query.html", body).await?;
    if bad {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(response)
}

/// What is drawn of the answer.
fn figure(query: &Query, asked: &Asked, answer: &Answer, language: &str) -> Option<Figure> {
    let call = query.bind(asked, site::now()).ok()?;
    let frame = Frame {
        query,
        range: call.range,
        timezone: &asked.timezone,
        language,
    };
    Figure::of(frame, answer)
}

fn asked(site: &Site, visit: &Visit) -> Asked {
    let request = ask::from_link(visit);
    let params = request.params.iter();
    Asked {
        params: params
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
        from: request.from,
        to: request.to,
        timezone: request.tz.unwrap_or_else(|| site.timezone()),
    }
}

/// The answer, or what is wrong with the call; and where there are no rows, why.
async fn answer(site: &Site, query: &Query, asked: &Asked) -> (Answer, Vec<String>, Option<Empty>) {
    let mut question = match Question::of(query, asked, site::now()) {
        Ok(question) => question,
        Err(mistakes) => return (Answer::default(), mistakes, None),
    };
    question.max_rows = MAX_ROWS;
    let _turn = site.asking.acquire().await;
    match site.parts.store.ask(question.clone()).await {
        Ok(answer) if answer.rows.is_empty() => {
            let empty = empty::why(site, query, asked, question).await;
            (answer, Vec::new(), Some(empty))
        }
        Ok(answer) => (answer, Vec::new(), None),
        Err(error) => (Answer::default(), vec![error.to_string()], None),
    }
}
