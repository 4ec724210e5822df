//! Server-sent events: "host X has new rows". Pages fetch themselves again when they hear one.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio_stream::wrappers::{BroadcastStream, WatchStream};
use warp::Reply as _;
use warp::sse::Event;

use super::routes::Response;
use super::site::Site;
use super::visit::Visit;

/// A comment now and then shows a dead connection to both ends.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a browser waits before it comes back.
const RETRY: Duration = Duration::from_secs(3);

/// `?host=NAME` limits the stream to one host. A listener that lags misses single events, which is
/// no harm: the next one makes it fetch everything.
pub(super) fn events(site: &Arc<Site>, visit: &Visit) -> Response {
    let wanted = visit.param("host").map(str::to_owned);
    let changes = BroadcastStream::new(site.parts.changed.subscribe()).filter_map(move |change| {
        let event = match change {
            Ok(change) if wanted.as_deref().is_none_or(|host| host == &*change.host) => Some(
                Event::default()
                    .event("changed")
                    .data(change.host.to_string()),
            ),
            _ => None,
        };
        std::future::ready(event.map(Ok::<Event, Infallible>))
    });
    // A first word at once, so that the browser knows that it is connected.
    let hello = stream::iter([Ok(Event::default().retry(RETRY).event("hello").data(""))]);
    let stopped = WatchStream::new(site.stop.clone())
        .filter(|stop| std::future::ready(*stop))
        .into_future();
    let events = hello.chain(changes).take_until(stopped);
    let events = warp::sse::keep_alive().interval(KEEP_ALIVE).stream(events);
    let mut response = warp::sse::reply(events).into_response();
    response
        .headers_mut()
        .insert("x-accel-buffering", http::HeaderValue::from_static("no"));
    response
}
