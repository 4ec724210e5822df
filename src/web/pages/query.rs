//! Queries as pages: the list of them, and the answer of one under a form of its parameters.

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
use crate::inventory::Inventory;
use crate::query::{Asked, Kind, Param, Query, name_of};
use crate::render::cells::{self, Head, Shown};
use crate::store::{Answer, Question};

/// Rows of a page; exports hold more.
const MAX_ROWS: usize = 1000;

#[derive(Serialize)]
struct List {
    queries: Vec<Entry>,
    broken: Vec<String>,
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
    page::html(&site, &visit, "queries.html", List { queries, broken }).await
}

#[derive(Serialize)]
struct QueryPage {
    name: String,
    title: String,
    description: String,
    from: String,
    to: String,
    fields: Vec<Field>,
    mistakes: Vec<String>,
    heads: Vec<Head>,
    rows: Vec<Vec<Shown>>,
    truncated: bool,
    took_ms: f64,
    sql: String,
    /// The query string of this page, for downloads.
    link: String,
}

/// One parameter in the form.
#[derive(Serialize)]
struct Field {
    name: String,
    title: String,
    value: String,
    unit: Option<String>,
    /// `number`, `text` or `select`.
    kind: &'static str,
    choices: Vec<String>,
    min: Option<f64>,
    max: Option<f64>,
}

pub(in crate::web) async fn page(
    site: Arc<Site>,
    visit: Arc<Visit>,
    name: String,
) -> Result<Response, Fault> {
    let query = ask::find(&site, &name)?;
    let request = ask::from_link(&visit);
    let timezone = site.timezone();
    let asked = Asked {
        params: request
            .params
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
        from: request.from,
        to: request.to,
        timezone: request.tz.unwrap_or(timezone),
    };
    let begun = std::time::Instant::now();
    let (answer, mistakes) = match Question::of(&query, &asked, site::now()) {
        Ok(mut question) => {
            question.max_rows = MAX_ROWS;
            let _turn = site.asking.acquire().await;
            match site.parts.store.ask(question).await {
                Ok(answer) => (answer, Vec::new()),
                Err(error) => (Answer::default(), vec![error.to_string()]),
            }
        }
        Err(mistakes) => (Answer::default(), mistakes),
    };
    let bad = !mistakes.is_empty();
    let inventory = Arc::clone(&site.loaded().inventory);
    let took_ms = begun.elapsed().as_secs_f64() * 1000.0;
    let truncated = answer.truncated;
    let (heads, rows) = cells::show(&query, answer, visit.language);
    let body = QueryPage {
        title: query.title.get(visit.language).to_owned(),
        description: query.description.get(visit.language).to_owned(),
        from: asked.from.clone().unwrap_or_else(|| query.range.clone()),
        to: asked.to.clone().unwrap_or_else(|| "now".into()),
        fields: fields(&query, &asked, &inventory, visit.language),
        mistakes,
        heads,
        rows,
        truncated,
        took_ms,
        sql: query.sql,
        link: link(&visit),
        name,
    };
    let mut response = page::html(&site, &visit, "query.html", body).await?;
    if bad {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(response)
}

fn fields(query: &Query, asked: &Asked, inventory: &Inventory, language: &str) -> Vec<Field> {
    let field = |param: &Param| {
        let given = asked
            .params
            .iter()
            .rev()
            .find(|(name, _)| *name == param.name);
        let value = given
            .map(|(_, value)| value.clone())
            .or_else(|| param.default.clone())
            .unwrap_or_default();
        let or_all = |names: Vec<String>| [String::new()].into_iter().chain(names).collect();
        let (kind, choices): (_, Vec<String>) = match param.kind {
            Kind::Int | Kind::Float => ("number", Vec::new()),
            Kind::Bool => ("select", vec!["true".into(), "false".into()]),
            Kind::Enum => ("select", param.values.clone()),
            Kind::Host => (
                "select",
                or_all(inventory.hosts.keys().map(ToString::to_string).collect()),
            ),
            Kind::Group => (
                "select",
                or_all(inventory.groups.iter().map(|g| g.name.clone()).collect()),
            ),
            _ => ("text", Vec::new()),
        };
        Field {
            title: param
                .title
                .as_ref()
                .map_or(param.name.as_str(), |title| title.get(language))
                .to_owned(),
            name: param.name.clone(),
            value,
            unit: param.unit.clone(),
            kind,
            choices,
            min: param.min,
            max: param.max,
        }
    };
    query.params.iter().map(field).collect()
}

fn link(visit: &Visit) -> String {
    let pairs: Vec<String> = visit
        .query
        .iter()
        .filter(|(name, _)| name != "lang")
        .map(|(name, value)| format!("{}={}", percent::encode(name), percent::encode(value)))
        .collect();
    pairs.join("&")
}
