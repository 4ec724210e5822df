//! Questions of programs by a query's name.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderValue;
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use hyper::body::Bytes;
use serde_json::Value;
use warp::Reply as _;

use super::adhoc;
use super::fault::Fault;
use super::routes::Response;
use super::site::{self, Site};
use super::visit::Visit;
use crate::home::Folder;
use crate::query::{Query, name_of};
use crate::store::format::Format;
use crate::store::{Request, TRUNCATED};

/// What every query takes beside its own parameters.
pub(super) const COMMON: [&str; 7] = ["from", "to", "tz", "lang", "format", "max_rows", "sort"];

/// `POST /api/v1/q/{name}`
pub(super) async fn named(
    site: Arc<Site>,
    visit: Arc<Visit>,
    name: String,
    body: Bytes,
) -> Result<Response, Fault> {
    let query = find(&site, &name)?;
    let request = read(&body)?;
    if request.all {
        return adhoc::answer(&site, &visit, &request, &query).await;
    }
    answer(&site, request, query).await
}

/// `GET /api/v1/q/{name}?…`, and `/q/{name}.{format}?…`
pub(super) async fn get(
    site: Arc<Site>,
    visit: Arc<Visit>,
    name: String,
    format: Option<Format>,
) -> Result<Response, Fault> {
    let query = find(&site, &name)?;
    let mut request = from_link(&visit);
    if let Some(format) = format {
        request.format = Some(format.as_str().into());
    }
    let file = format.map(|format| format!("{name}.{}", format.as_str()));
    let mut response = answer(&site, request, query).await?;
    if let Some(file) = file
        && let Ok(value) = HeaderValue::from_str(&format!("inline; filename=\"{file}\""))
    {
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// What the link of a page or of a download asks for.
pub(super) fn from_link(visit: &Visit) -> Request {
    let common = |name: &str| {
        visit
            .param(name)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let params: BTreeMap<String, Value> = visit
        .query
        .iter()
        .filter(|(name, _)| !COMMON.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    Request {
        params,
        from: common("from"),
        to: common("to"),
        tz: common("tz"),
        format: common("format"),
        max_rows: common("max_rows").and_then(|rows| rows.parse().ok()),
        ..Request::default()
    }
}

/// The query of that name; a broken file is told with its place.
pub(super) fn find(site: &Site, name: &str) -> Result<Query, Fault> {
    let file = format!("{name}.sql");
    let text = name_of(&file)
        .and_then(|_| site.parts.home.asset(Folder::Queries, &file))
        .ok_or_else(|| {
            Fault::not_found(format!(
                "there is no query `{name}`; `eider queries` lists them"
            ))
        })?;
    Query::parse(&format!("queries/{file}"), &text).map_err(|problem| {
        let place = problem.places.first();
        let place = place.map_or_else(String::new, |p| format!("{}:{}: ", p.path, p.line));
        Fault::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("{place}{}", problem.message),
        )
    })
}

pub(super) fn read(body: &Bytes) -> Result<Request, Fault> {
    if body.is_empty() {
        return Ok(Request::default());
    }
    serde_json::from_slice(body).map_err(|error| {
        Fault::new(
            StatusCode::BAD_REQUEST,
            format!("the body is not what this takes: {error}"),
        )
    })
}

async fn answer(site: &Site, request: Request, query: Query) -> Result<Response, Fault> {
    let timezone = site.timezone();
    let _turn = site.asking.acquire().await;
    let reply = request
        .ask(&site.parts.store, query, timezone, site::now())
        .await?;
    let mut response = reply.bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    if reply.truncated {
        headers.insert(TRUNCATED, HeaderValue::from_static("true"));
    }
    Ok(response)
}
