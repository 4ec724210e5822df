//! `POST /api/v1/db`: upkeep of the history, for our own user. The answer comes line by line while
//! the work goes on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{StatusCode, header};
use hyper::body::Bytes;
use tokio::sync::mpsc;
use tokio_stream::wrappers::WatchStream;
use warp::Reply as _;

use super::fault::Fault;
use super::gate::Peer;
use super::routes::Response;
use super::site::Site;
use super::visit::Visit;
use crate::store::upkeep::{Order, Step, Task};

/// An empty line so often shows that somebody is still at work.
const BEAT: Duration = Duration::from_secs(5);
/// Steps that wait for a slow reader.
const STEPS: usize = 16;

pub(super) async fn run(
    site: Arc<Site>,
    visit: Arc<Visit>,
    body: Bytes,
) -> Result<Response, Fault> {
    if visit.peer != Peer::Owner {
        return Err(Fault::new(
            StatusCode::FORBIDDEN,
            "this is taken over the socket eider.sock only: use `eider db`",
        ));
    }
    let task: Task = serde_json::from_slice(&body).map_err(|error| {
        Fault::new(
            StatusCode::BAD_REQUEST,
            format!("the body is not what this takes: {error}"),
        )
    })?;
    let (told, steps) = mpsc::channel(STEPS);
    let order = Order { task, told };
    site.parts
        .upkeep
        .send(order)
        .await
        .map_err(|_| Fault::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping"))?;
    let stopped = WatchStream::new(site.stop.clone())
        .filter(|stop| std::future::ready(*stop))
        .into_future();
    let lines = stream::unfold(steps, next_line).take_until(stopped);
    let mut response = warp::reply::stream(lines).into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-ndjson"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

type Steps = mpsc::Receiver<Step>;

async fn next_line(mut steps: Steps) -> Option<(Result<Bytes, Infallible>, Steps)> {
    let line = match tokio::time::timeout(BEAT, steps.recv()).await {
        Ok(Some(step)) => serde_json::to_string(&step).unwrap_or_default() + "\n",
        Ok(None) => return None,
        Err(_) => "\n".to_owned(),
    };
    Some((Ok(line.into()), steps))
}
