//! What every request passes before a route sees it: the host it names, where it comes from, who
//! sends it, how long its body is. And what every response carries.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts as Head;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use tower::ServiceExt as _;
use warp::filters::BoxedFilter;

use super::adhoc::{self, Outgoing};
use super::auth::{self, Denied};
use super::fault::Fault;
use super::push;
use super::routes::{self, Response};
use super::site::Site;
use super::visit::Visit;

const MAX_BODY_BYTES: usize = 1 << 20;
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Scripts, styles, images and connections from here only; nothing inline, no frames, no plugins.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// Our own user, over the Unix socket.
    Owner,
    Network(SocketAddr),
}

/// What is behind the gate.
pub(super) struct House {
    pub(super) site: Arc<Site>,
    pub(super) routes: BoxedFilter<(Response,)>,
}

/// Answers one request; an error becomes a page or a problem document.
pub(super) async fn answer(
    house: Arc<House>,
    peer: Peer,
    request: Request<Incoming>,
) -> Result<http::Response<Outgoing>, Infallible> {
    let (mut head, body) = request.into_parts();
    // HEAD is GET without the body, which hyper leaves away by itself.
    if head.method == Method::HEAD {
        head.method = Method::GET;
    }
    let site = &house.site;
    let mut visit = Visit::of(site, peer, &head);
    let outcome = pass(site, &mut visit, head, body).await;
    let visit = Arc::new(visit);
    let mut response = match outcome {
        Ok(mut request) => {
            request.extensions_mut().insert(Arc::clone(&visit));
            let routes = warp::service(house.routes.clone());
            let Ok(response) = routes.oneshot(request).await;
            match response.extensions().get::<routes::Unrouted>() {
                Some(unrouted) => unrouted.fault().respond(site, &visit).await,
                None => response,
            }
        }
        Err(fault) => fault.respond(site, &visit).await,
    };
    dress(&visit, response.headers_mut());
    Ok(adhoc::outgoing(response))
}

/// Lets the request through with its whole body, or says why not.
async fn pass(
    site: &Site,
    visit: &mut Visit,
    head: Head,
    body: Incoming,
) -> Result<Request<Full<Bytes>>, Fault> {
    if let Peer::Network(address) = visit.peer
        && !push::is_push(&visit.path)
    {
        if visit.path != "/healthz" {
            check_host(site, visit)?;
        }
        if !matches!(head.method, Method::GET | Method::OPTIONS) {
            check_origin(site, visit, &head.headers)?;
        }
        identify(site, visit, &head.headers, address.ip()).await?;
    }
    if head.method == Method::GET
        && let Some(path) = visit.path.strip_suffix('/')
        && !path.is_empty()
        && !path.starts_with("//")
    {
        let query = head
            .uri
            .query()
            .map(|q| format!("?{q}"))
            .unwrap_or_default();
        return Err(Fault::elsewhere(
            StatusCode::PERMANENT_REDIRECT,
            format!("{path}{query}"),
        ));
    }
    let declared = head
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > MAX_BODY_BYTES) {
        return Err(too_long());
    }
    let reading = Limited::new(body, MAX_BODY_BYTES).collect();
    let body = match tokio::time::timeout(BODY_TIMEOUT, reading).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_long()),
        Ok(Err(_)) => {
            return Err(Fault::new(StatusCode::BAD_REQUEST, "the body broke off"));
        }
        Err(_) => {
            return Err(Fault::new(
                StatusCode::REQUEST_TIMEOUT,
                "the body took longer than 30 s",
            ));
        }
    };
    Ok(Request::from_parts(head, Full::new(body)))
}

fn too_long() -> Fault {
    Fault::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "the body is longer than 1 MiB",
    )
}

/// A name that an attacker's DNS points here must not be served: the attacker's script would read
/// the answer.
pub(super) fn check_host(site: &Site, visit: &Visit) -> Result<(), Fault> {
    let host = visit.host.as_deref().unwrap_or_default();
    let name = host_name(host);
    let ip: Option<IpAddr> = name.trim_matches(['[', ']']).parse().ok();
    let allowed = match ip {
        Some(ip) => {
            ip.is_loopback()
                || site
                    .listen
                    .iter()
                    .any(|own| own.ip() == ip || own.ip().is_unspecified())
        }
        None => name.eq_ignore_ascii_case("localhost"),
    };
    let public = site.public_url();
    let public_host = public.as_deref().and_then(authority).map(host_name);
    if allowed || public_host.is_some_and(|public| public.eq_ignore_ascii_case(name)) {
        return Ok(());
    }
    Err(Fault::new(
        StatusCode::MISDIRECTED_REQUEST,
        "this name is not ours: set server.public_url to the address that people use",
    ))
}

/// A request that changes something must come from our own pages.
fn check_origin(site: &Site, visit: &Visit, headers: &HeaderMap) -> Result<(), Fault> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let same = match text(header::ORIGIN) {
        Some(origin) => {
            let origin_host = authority(origin);
            let public = site.public_url();
            origin_host.is_some()
                && (origin_host == visit.host.as_deref()
                    || origin_host == public.as_deref().and_then(authority))
        }
        None => text(HeaderName::from_static("sec-fetch-site")) == Some("same-origin"),
    };
    if same {
        return Ok(());
    }
    Err(Fault::new(
        StatusCode::FORBIDDEN,
        "a request that changes something needs an Origin header that names this server; the command line uses data/eider.sock instead",
    ))
}

/// Finds out who asks. Without users everyone on this machine is let in.
async fn identify(
    site: &Site,
    visit: &mut Visit,
    headers: &HeaderMap,
    address: IpAddr,
) -> Result<(), Fault> {
    let now = Instant::now();
    if let Some(token) = &visit.session {
        visit.user = site.auth.session(token, now);
    }
    if visit.user.is_some() || is_open(&visit.path) || site.is_open() {
        return Ok(());
    }
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    if let Some(header) = authorization {
        return match site.auth.basic(header, &address.to_string(), now).await {
            Ok(user) => {
                visit.user = Some(user);
                Ok(())
            }
            Err(Denied::TooMany) => Err(Fault::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too many failed logins: wait a minute",
            )),
            Err(Denied::Wrong) => Err(Fault::new(
                StatusCode::UNAUTHORIZED,
                "the name or the password is wrong",
            )),
        };
    }
    if visit.wants_json() || visit.path == "/metrics" || visit.path == "/events" {
        return Err(Fault::new(StatusCode::UNAUTHORIZED, "log in first"));
    }
    let next = super::percent::encode(&visit.target);
    Err(Fault::elsewhere(
        StatusCode::SEE_OTHER,
        format!("/login?next={next}"),
    ))
}

/// Paths that need no login.
fn is_open(path: &str) -> bool {
    path == "/healthz" || path == "/login" || path.starts_with("/static/")
}

/// Headers of every response.
fn dress(visit: &Visit, headers: &mut HeaderMap) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if visit.language_chosen
        && let Ok(cookie) = HeaderValue::from_str(&format!(
            "eider_lang={}; Path=/; Max-Age=31536000; SameSite=Lax",
            visit.language
        ))
    {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// `example.net:8080` of `https://example.net:8080/x`.
fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?', '#']).next().filter(|a| !a.is_empty())
}

/// The name or address of `name:port`, brackets of IPv6 included.
fn host_name(authority: &str) -> &str {
    match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => &authority[..colon],
        _ => authority,
    }
}

/// The cookie that ends or holds a session.
pub(super) fn session_cookie(site: &Site, token: &str) -> String {
    let secure = site
        .public_url()
        .is_some_and(|url| url.starts_with("https://"));
    let age = if token.is_empty() {
        0
    } else {
        auth::LONGEST.as_secs()
    };
    format!(
        "{}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{}",
        auth::COOKIE,
        if secure { "; Secure" } else { "" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_authorities_are_cut_out() {
        assert_eq!(host_name("localhost:8080"), "localhost");
        assert_eq!(host_name("[::1]:8080"), "[::1]");
        assert_eq!(host_name("[::1]"), "[::1]");
        assert_eq!(host_name("a.example"), "a.example");
        assert_eq!(authority("https://a.example:1/x"), Some("a.example:1"));
        assert_eq!(authority("null"), None);
        assert_eq!(authority("file:///x"), None);
    }
}
