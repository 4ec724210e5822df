//! `POST /api/v1/sql`: SQL of people, answered by a child as its rows come.
//!
//! A short answer is held back until it is whole, so that its headers tell everything. A longer one
//! is streamed; what is known at its end only stands in trailer fields. When it breaks off, a client
//! that reads trailers is told why, and for any other the connection breaks off, too: half an answer
//! must not look like a whole one.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{Stream, StreamExt as _, stream};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TRAILER};
use http::{Response as HttpResponse, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use warp::Reply as _;

use super::ask;
use super::fault::Fault;
use super::routes::Response;
use super::running::Ticket;
use super::site::{self, Site};
use super::visit::Visit;
use crate::query::Query;
use crate::store::adhoc::{Event, Limits, MAX_BYTES, MAX_FILE_BYTES, Output, Run};
use crate::store::format::Format;
use crate::store::{FAILED, MAX_ROWS, Question, Request, StoreError, TRUNCATED};

/// An answer that is shorter is held back until it is whole.
const HOLD: usize = 64 << 10;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// The body of every response.
pub(super) type Outgoing = UnsyncBoxBody<Bytes, BoxError>;
type Body = std::pin::Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, BoxError>> + Send>>;

/// The body of a response that comes as it is made, on its way past the web framework, which knows
/// no trailers.
#[derive(Clone)]
struct Streamed(Arc<Mutex<Option<Body>>>);

/// The response with the body that it shall have.
pub(super) fn outgoing(mut response: Response) -> HttpResponse<Outgoing> {
    let streamed = response.extensions_mut().remove::<Streamed>();
    let body = streamed.and_then(|s| s.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    match body {
        Some(body) => response.map(|_| StreamBody::new(body).boxed_unsync()),
        None => response.map(|body| body.map_err(BoxError::from).boxed_unsync()),
    }
}

/// `POST /api/v1/sql`
pub(super) async fn sql(
    site: Arc<Site>,
    visit: Arc<Visit>,
    body: Bytes,
) -> Result<Response, Fault> {
    let request = ask::read(&body)?;
    let query = request.query()?;
    answer(&site, &visit, &request, &query).await
}

/// `GET /api/v1/sql/{id}`: how far a question is.
pub(super) async fn progress(
    site: Arc<Site>,
    visit: Arc<Visit>,
    id: String,
) -> Result<Response, Fault> {
    let state = site.running.of(&id, visit.user.as_deref());
    let state = state.ok_or_else(none_such)?;
    let elapsed = state.begun.elapsed();
    Ok(warp::reply::json(&json!({
        "elapsed_ms": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        "rows": state.rows.load(Ordering::Relaxed),
    }))
    .into_response())
}

/// `DELETE /api/v1/sql/{id}`: ends a question; its child is killed.
pub(super) async fn cancel(
    site: Arc<Site>,
    visit: Arc<Visit>,
    id: String,
) -> Result<Response, Fault> {
    if site.running.cancel(&id, visit.user.as_deref()) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Err(none_such())
}

fn none_such() -> Fault {
    Fault::not_found("no question of that id is under way")
}

/// Has a child answer the query.
pub(super) async fn answer(
    site: &Arc<Site>,
    visit: &Visit,
    request: &Request,
    query: &Query,
) -> Result<Response, Fault> {
    let (question, format) = request.question(query, &site.timezone(), site::now())?;
    let output = request.output(format);
    let mut caps = Caps::of(&question, output);
    let asked = Asked::start(site, visit, request.id.as_deref(), question, output).await?;
    caps.as_of = asked.run.as_of;
    let mut response = match output {
        Output::File(_) => file(asked).await?,
        _ => streamed(asked, visit.takes_trailers).await?,
    };
    dress(response.headers_mut(), format, &caps);
    Ok(response)
}

/// One question under way.
pub(super) struct Asked {
    run: Run,
    ticket: Ticket,
}

impl Asked {
    /// Waits for a turn and starts a child.
    pub(super) async fn start(
        site: &Arc<Site>,
        visit: &Visit,
        id: Option<&str>,
        question: Question,
        output: Output,
    ) -> Result<Asked, Fault> {
        let ticket = site
            .running
            .begin(id, visit.user.as_deref())
            .map_err(|words| Fault::new(StatusCode::BAD_REQUEST, words))?;
        let limits = Limits::of(&site.loaded().inventory.settings.sql);
        let starting = site.parts.desk.ask(question, output, &limits);
        let run = tokio::select! {
            run = starting => run?,
            () = ticket.state.cancelled() => return Err(cancelled().into()),
        };
        Ok(Asked { run, ticket })
    }

    /// What comes next; progress stays here.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, StoreError> {
        loop {
            let event = tokio::select! {
                event = self.run.next() => event?,
                () = self.ticket.state.cancelled() => return Err(cancelled()),
            };
            match event {
                Some(Event::Progress(rows)) => self.ticket.state.set_rows(rows),
                Some(Event::End(end)) => {
                    self.ticket.state.set_rows(end.rows);
                    return Ok(Some(Event::End(end)));
                }
                event => return Ok(event),
            }
        }
    }

    /// The moment whose rows the answer shows.
    pub(super) fn as_of(&self) -> i64 {
        self.run.as_of
    }
}

fn cancelled() -> StoreError {
    StoreError::Limit("cancelled".into())
}

/// What the headers announce.
struct Caps {
    rows: Option<usize>,
    bytes: u64,
    as_of: i64,
}

impl Caps {
    fn of(question: &Question, output: Output) -> Caps {
        match output {
            Output::File(_) => Caps {
                rows: Some(question.max_rows).filter(|rows| *rows < usize::MAX),
                bytes: MAX_FILE_BYTES,
                as_of: 0,
            },
            _ => Caps {
                rows: Some(question.max_rows.min(MAX_ROWS)),
                bytes: MAX_BYTES,
                as_of: 0,
            },
        }
    }
}

fn dress(headers: &mut HeaderMap, format: Format, caps: &Caps) {
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(format.content_type()),
    );
    let mut set = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    if let Some(rows) = caps.rows {
        set("x-eider-max-rows", rows.to_string());
    }
    set("x-eider-max-bytes", caps.bytes.to_string());
    if let Ok(as_of) = jiff::Timestamp::from_second(caps.as_of) {
        set("x-eider-as-of", as_of.to_string());
    }
}

/// Waits for the whole file, then sends it: its child has ended by then, however slow the client.
async fn file(mut asked: Asked) -> Result<Response, Fault> {
    let mut truncated = false;
    while let Some(event) = asked.next().await? {
        if let Event::End(end) = event {
            truncated = end.truncated;
        }
    }
    let file = tokio::fs::File::from_std(asked.run.file()?);
    drop(asked);
    let chunks = stream::unfold(Some(file), |file| async {
        let mut file = file?;
        let mut buffer = vec![0; HOLD];
        match file.read(&mut buffer).await {
            Ok(0) => None,
            Ok(read) => {
                buffer.truncate(read);
                Some((Ok(Frame::data(Bytes::from(buffer))), Some(file)))
            }
            Err(error) => Some((Err(BoxError::from(error)), None)),
        }
    });
    let mut response = with_body(Box::pin(chunks));
    if truncated {
        response
            .headers_mut()
            .insert(TRUNCATED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Sends what comes as it comes.
async fn streamed(mut asked: Asked, takes_trailers: bool) -> Result<Response, Fault> {
    let mut first = Vec::new();
    while let Some(event) = asked.next().await? {
        match event {
            Event::Data(bytes) => first.extend_from_slice(&bytes),
            Event::End(end) => {
                let mut response = first.into_response();
                if end.truncated {
                    response
                        .headers_mut()
                        .insert(TRUNCATED, HeaderValue::from_static("true"));
                }
                return Ok(response);
            }
            _ => {}
        }
        if first.len() >= HOLD {
            break;
        }
    }
    let begin = stream::iter([Ok(Frame::data(Bytes::from(first)))]);
    let rest = stream::unfold(Some(asked), move |asked| async move {
        let mut asked = asked?;
        loop {
            return match asked.next().await {
                Ok(Some(Event::Data(bytes))) => {
                    Some((Ok(Frame::data(Bytes::from(bytes))), Some(asked)))
                }
                Ok(Some(Event::End(end))) if end.truncated => {
                    Some((Ok(trailers(TRUNCATED, "true")), None))
                }
                Ok(Some(Event::End(_)) | None) => None,
                Ok(Some(_)) => continue,
                Err(error) if takes_trailers => {
                    Some((Ok(trailers(FAILED, &error.to_string())), None))
                }
                Err(error) => Some((Err(BoxError::from(error)), None)),
            };
        }
    });
    let mut response = with_body(Box::pin(begin.chain(rest)));
    response.headers_mut().insert(
        TRAILER,
        HeaderValue::from_static("x-eider-truncated, x-eider-error"),
    );
    Ok(response)
}

fn trailers(name: &'static str, text: &str) -> Frame<Bytes> {
    let one_line: String = text
        .chars()
        .map(|c| {
            if c.is_ascii() && !c.is_control() {
                c
            } else {
                ' '
            }
        })
        .collect();
    let mut fields = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&one_line) {
        fields.insert(HeaderName::from_static(name), value);
    }
    Frame::trailers(fields)
}

fn with_body(body: Body) -> Response {
    let mut response = StatusCode::OK.into_response();
    let body = Arc::new(Mutex::new(Some(body)));
    response.extensions_mut().insert(Streamed(body));
    response
}
