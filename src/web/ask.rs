//! `POST /api/v1/sql` and `POST /api/v1/q/{name}`: questions to the history, answered in the asked
//! format.

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use hyper::body::Bytes;
use warp::Reply as _;

use super::fault::Fault;
use super::gate::Peer;
use super::routes::Response;
use super::site::{self, Site};
use super::visit::Visit;
use crate::home::Folder;
use crate::query::{Query, name_of};
use crate::store::{Request, TRUNCATED};

/// SQL as typed by a person. Only our own user, over the socket: what it may read is all that the
/// daemon knows, and what it may cost is bounded in time only.
pub(super) async fn sql(
    site: Arc<Site>,
    visit: Arc<Visit>,
    body: Bytes,
) -> Result<Response, Fault> {
    if visit.peer != Peer::Owner {
        return Err(Fault::new(
            StatusCode::FORBIDDEN,
            "free SQL is answered over the Unix socket only: `eider query -e`",
        ));
    }
    let request = request(&body)?;
    let query = request.query()?;
    answer(&site, request, query).await
}

/// A query of `queries/`.
pub(super) async fn named(
    site: Arc<Site>,
    _visit: Arc<Visit>,
    name: String,
    body: Bytes,
) -> Result<Response, Fault> {
    let request = request(&body)?;
    let file = format!("{name}.sql");
    let text = name_of(&file).and_then(|_| site.parts.home.asset(Folder::Queries, &file));
    let Some(text) = text else {
        return Err(Fault::not_found(format!(
            "there is no query `{name}`; `eider queries` lists them"
        )));
    };
    let query = Query::parse(&format!("queries/{file}"), &text).map_err(|problem| {
        let line = problem.places.first().map_or(1, |p| p.line);
        let words = format!("queries/{file}:{line}: {}", problem.message);
        Fault::new(StatusCode::INTERNAL_SERVER_ERROR, words)
    })?;
    answer(&site, request, query).await
}

fn request(body: &Bytes) -> Result<Request, Fault> {
    if body.is_empty() {
        return Ok(Request::default());
    }
    serde_json::from_slice(body)
        .map_err(|e| Fault::new(StatusCode::BAD_REQUEST, format!("the body: {e}")))
}

async fn answer(site: &Site, request: Request, query: Query) -> Result<Response, Fault> {
    let timezone = site.timezone();
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
