//! What went wrong with a request: a page for people, a problem document (RFC 9457) for programs.

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use serde::Serialize;
use serde_json::json;
use tracing::error;
use warp::Reply as _;

use super::page;
use super::routes::Response;
use super::site::Site;
use super::visit::Visit;
use crate::render::RenderError;
use crate::store::StoreError;

#[derive(Clone, Debug)]
pub(super) struct Fault {
    status: StatusCode,
    detail: String,
    /// Not a fault but a way: the client shall go there.
    location: Option<String>,
}

#[derive(Serialize)]
struct ErrorPage {
    status: u16,
    detail: String,
}

impl Fault {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Fault {
        Fault {
            status,
            detail: detail.into(),
            location: None,
        }
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Fault {
        Fault::new(StatusCode::NOT_FOUND, detail)
    }

    /// Something of ours broke; logged here.
    pub(super) fn internal(error: &dyn std::error::Error) -> Fault {
        error!(%error, "a request failed");
        Fault::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "something broke; the daemon's log says what",
        )
    }

    pub(super) fn elsewhere(status: StatusCode, location: String) -> Fault {
        Fault {
            status,
            detail: String::new(),
            location: Some(location),
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong, in words.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    pub(super) async fn respond(&self, site: &Site, visit: &Visit) -> Response {
        if let Some(location) = &self.location
            && let Ok(location) = HeaderValue::from_str(location)
        {
            let mut response = self.status.into_response();
            response.headers_mut().insert(LOCATION, location);
            return response;
        }
        let mut response = if visit.wants_json() {
            self.problem()
        } else {
            let body = ErrorPage {
                status: self.status.as_u16(),
                detail: self.detail.clone(),
            };
            match page::html(site, visit, "error.html", body).await {
                Ok(response) => response,
                Err(_) => self.problem(),
            }
        };
        *response.status_mut() = self.status;
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"eider\""),
            );
        }
        response
    }

    fn problem(&self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = warp::reply::json(&body).into_response();
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        match error {
            StoreError::Query(_) | StoreError::Mistake { .. } => {
                Fault::new(StatusCode::BAD_REQUEST, error.to_string())
            }
            StoreError::Limit(_) => Fault::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
            StoreError::Busy(_) => Fault::new(StatusCode::TOO_MANY_REQUESTS, error.to_string()),
            StoreError::Timeout(_) => Fault::new(StatusCode::GATEWAY_TIMEOUT, error.to_string()),
            other => {
                error!(error = %other, "the history does not answer");
                Fault::new(StatusCode::SERVICE_UNAVAILABLE, other.to_string())
            }
        }
    }
}

impl From<RenderError> for Fault {
    fn from(error: RenderError) -> Fault {
        error!(%error, "a page cannot be made");
        Fault::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}
