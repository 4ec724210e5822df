//! The style sheet, the script and the icon, from `templates/static/`.

use std::sync::Arc;

use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use sha2::{Digest as _, Sha256};
use warp::Reply as _;

use super::fault::Fault;
use super::routes::Response;
use super::site::Site;
use super::visit::Visit;
use crate::home::Folder;

pub(super) async fn file(
    site: Arc<Site>,
    _visit: Arc<Visit>,
    name: String,
) -> Result<Response, Fault> {
    let kind = match name.rsplit_once('.').map(|(_, suffix)| suffix) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => return Err(Fault::not_found("there is no such file")),
    };
    let text = site
        .parts
        .home
        .asset(Folder::Templates, &format!("static/{name}"))
        .ok_or_else(|| Fault::not_found("there is no such file"))?;
    let digest = Sha256::digest(text.as_bytes());
    let tag = digest[..8]
        .iter()
        .fold(String::from("\""), |tag, byte| tag + &format!("{byte:02x}"));
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // Always asked for again, so that an edited file and a new version show at once.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&(tag + "\"")) {
        headers.insert(ETAG, tag);
    }
    Ok(response)
}
