//! The login form and what comes of it.

use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;
use http::header::{HeaderValue, LOCATION, SET_COOKIE};
use hyper::body::Bytes;
use serde::Serialize;
use warp::Reply as _;

use super::auth::Denied;
use super::fault::Fault;
use super::gate::{Peer, session_cookie};
use super::page;
use super::percent;
use super::routes::Response;
use super::site::Site;
use super::visit::Visit;

#[derive(Serialize)]
struct Form {
    next: String,
    name: String,
    /// Key of the text that says why the last attempt failed.
    denied: Option<&'static str>,
}

pub(super) async fn form(site: Arc<Site>, visit: Arc<Visit>) -> Result<Response, Fault> {
    let next = visit.param("next").unwrap_or("/").to_owned();
    let body = Form {
        next,
        name: String::new(),
        denied: None,
    };
    page::html(&site, &visit, "login.html", body).await
}

pub(super) async fn log_in(
    site: Arc<Site>,
    visit: Arc<Visit>,
    body: Bytes,
) -> Result<Response, Fault> {
    let fields = percent::pairs(&String::from_utf8_lossy(&body));
    let field = |name: &str| {
        fields
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
            .unwrap_or_default()
    };
    let address = match visit.peer {
        Peer::Owner => String::new(),
        Peer::Network(address) => address.ip().to_string(),
    };
    let (name, next) = (field("name"), field("next"));
    let outcome = site
        .auth
        .log_in(name, field("password"), &address, Instant::now())
        .await;
    let (status, denied) = match outcome {
        Ok(token) => return Ok(away(&site, local_path(next), &token)),
        Err(Denied::Wrong) => (StatusCode::UNAUTHORIZED, "login.wrong"),
        Err(Denied::TooMany) => (StatusCode::TOO_MANY_REQUESTS, "login.too_many"),
    };
    tracing::warn!(%address, reason = denied, "a login failed");
    let body = Form {
        next: next.to_owned(),
        name: name.to_owned(),
        denied: Some(denied),
    };
    let mut response = page::html(&site, &visit, "login.html", body).await?;
    *response.status_mut() = status;
    Ok(response)
}

pub(super) async fn log_out(site: Arc<Site>, visit: Arc<Visit>) -> Result<Response, Fault> {
    if let Some(token) = &visit.session {
        site.auth.log_out(token);
    }
    Ok(away(&site, "/login", ""))
}

fn away(site: &Site, path: &str, token: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(
        LOCATION,
        HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/")),
    );
    if let Ok(cookie) = HeaderValue::from_str(&session_cookie(site, token)) {
        headers.append(SET_COOKIE, cookie);
    }
    response
}

/// The path if it stays on this server, else `/`.
fn local_path(next: &str) -> &str {
    let mut characters = next.chars();
    let first = characters.next() == Some('/');
    let second = characters.next();
    if first && !matches!(second, Some('/' | '\\')) && next.chars().all(|c| c.is_ascii_graphic()) {
        next
    } else {
        "/"
    }
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn a_login_never_leads_away() {
        assert_eq!(local_path("/hosts/a?from=now-6h"), "/hosts/a?from=now-6h");
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nb",
            "/\t/evil",
        ] {
            assert_eq!(local_path(bad), "/", "{bad}");
        }
    }
}
