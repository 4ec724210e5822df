//! What hosts send by themselves: `POST /api/v1/push` and `POST /api/metrics`. Answered after the
//! commit; a token says whose numbers they are.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, ORIGIN, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use warp::Reply as _;

use super::fault::Fault;
use super::gate::{self, Peer};
use super::routes::Response;
use super::site::{self, Site};
use super::visit::Visit;
use crate::inventory::{Access, Inventory};
use crate::push::{self, Body, Circumstances, Delivery, Format};
use crate::reading::{Collection, Effort, Method, boot_hash};
use crate::signal::{Pushed, Refused, Taken};

/// A packed body may unfold to this.
const MAX_UNPACKED_BYTES: u64 = 8 << 20;
/// A commit takes milliseconds; the writer gives a full disk a minute.
const COMMIT_TIME: Duration = Duration::from_secs(75);

/// Paths that a token opens and nothing else: no cookie counts here, so no page of somebody else's
/// can use one.
pub(super) fn is_push(path: &str) -> bool {
    matches!(path, "/api/v1/push" | "/api/metrics" | "/api/metrics/")
}

/// Takes a body; `flat` is the payload of psutil scripts.
pub(super) async fn take(
    site: Arc<Site>,
    visit: Arc<Visit>,
    headers: HeaderMap,
    body: Bytes,
    flat: bool,
) -> Result<Response, Fault> {
    let counters = &site.parts.counters;
    let owner = match sender(&site, &visit, &headers) {
        Ok(owner) => owner,
        Err(fault) => {
            count(&counters.pushes_refused, 1);
            return Err(fault);
        }
    };
    let text = |name| {
        headers
            .get(name)
            .and_then(|v: &HeaderValue| v.to_str().ok())
    };
    let bytes = unpack(text(CONTENT_ENCODING), body)?;
    let format = match flat {
        true => Format::Psutil,
        false => Format::of(text(CONTENT_TYPE), &bytes),
    };
    let inventory = Arc::clone(&site.loaded().inventory);
    let precision = per_second(visit.param("precision"))?;
    let mut read = read(&inventory, format, &bytes, precision);
    let name = headers
        .get("idempotency-key")
        .and_then(|v| v.to_str().ok())
        .map(str::to_owned);
    read.deliveries.sort_by_key(|delivery| delivery.ts);
    let mut tally = Tally::default();
    let mut waiting = Vec::new();
    let share = bytes.len() as u64 / read.deliveries.len().max(1) as u64;
    for (position, delivery) in std::mem::take(&mut read.deliveries).into_iter().enumerate() {
        match addressed(&inventory, owner.as_deref(), delivery, share) {
            Ok((collection, id)) => {
                let id = id.or_else(|| name.as_ref().map(|n| format!("{n}#{position}")));
                waiting.push(hand_over(&site, collection, id).await?);
            }
            Err(why) => tally.refuse(why),
        }
    }
    for (answer, rows) in waiting {
        tally.note(answer, rows).await?;
    }
    count(&counters.pushes_taken, tally.stored);
    count(&counters.pushes_repeated, tally.duplicates);
    count(&counters.pushes_refused, tally.refused.len() as u64);
    tally.respond(&read)
}

fn read(inventory: &Inventory, format: Format, bytes: &[u8], per_second: i64) -> Body {
    let about = Circumstances {
        now: site::now(),
        per_second,
        table: &|name| inventory.tables.find(name),
    };
    push::read(format, bytes, &about)
}

fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

/// The host that the request speaks for; `None`: the body says it.
fn sender(site: &Site, visit: &Visit, headers: &HeaderMap) -> Result<Option<String>, Fault> {
    let bearer = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    if let Some(token) = bearer.or_else(|| visit.param("token")) {
        let known = site.tokens.host(token).map_err(|e| Fault::internal(&e))?;
        return match known {
            Some(host) => Ok(Some(host)),
            None => Err(unauthorized("this token is not known, or was revoked")),
        };
    }
    match visit.peer {
        Peer::Owner => Ok(None),
        Peer::Network(address) => {
            // A proxy on this machine lends its address to everyone.
            let direct =
                !headers.contains_key("x-forwarded-for") && !headers.contains_key("forwarded");
            let open = site.loaded().inventory.settings.push_open;
            if !(open && direct && address.ip().is_loopback()) {
                return Err(unauthorized(
                    "a token is needed: `eider token add HOST` makes one; send it as `Authorization: Bearer TOKEN` or `?token=TOKEN`",
                ));
            }
            // No page of somebody else's may push through the browser of whoever sits here.
            gate::check_host(site, visit)?;
            if headers.contains_key(ORIGIN) {
                let why = "a browser's page pushes with a token only";
                return Err(Fault::new(StatusCode::FORBIDDEN, why));
            }
            Ok(None)
        }
    }
}

fn unauthorized(why: &str) -> Fault {
    Fault::new(StatusCode::UNAUTHORIZED, why)
}

/// The body as it was before packing. What a packed body says of its length does not count.
fn unpack(encoding: Option<&str>, body: Bytes) -> Result<Bytes, Fault> {
    match encoding.map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "identity") => return Ok(body),
        Some("gzip") => {}
        Some(_) => {
            return Err(Fault::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "a body is plain or packed with gzip",
            ));
        }
    }
    let mut unpacked = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(&*body).take(MAX_UNPACKED_BYTES + 1);
    if reader.read_to_end(&mut unpacked).is_err() {
        let why = "the body is not whole gzip";
        return Err(Fault::new(StatusCode::BAD_REQUEST, why));
    }
    if unpacked.len() as u64 > MAX_UNPACKED_BYTES {
        let why = "the body unfolds to more than 8 MiB";
        return Err(Fault::new(StatusCode::PAYLOAD_TOO_LARGE, why));
    }
    Ok(unpacked.into())
}

/// Influx clients name the unit of their times; nanoseconds unless they do.
fn per_second(precision: Option<&str>) -> Result<i64, Fault> {
    Ok(match precision {
        None | Some("ns" | "n") => 1_000_000_000,
        Some("us" | "u") => 1_000_000,
        Some("ms") => 1_000,
        Some("s") => 1,
        Some(_) => {
            let why = "`precision` is s, ms, us or ns";
            return Err(Fault::new(StatusCode::BAD_REQUEST, why));
        }
    })
}

/// The delivery as a collection of its host, and the sender's name for it.
fn addressed(
    inventory: &Inventory,
    owner: Option<&str>,
    delivery: Delivery,
    bytes: u64,
) -> Result<(Collection, Option<String>), String> {
    let named = owner
        .or(delivery.host.as_deref())
        .ok_or("the body names no host: give `hostname`, or use the host's token")?;
    let short = named.split('.').next().unwrap_or(named);
    let hosts = &inventory.hosts;
    let host = hosts
        .get(named)
        .or_else(|| hosts.get(short))
        .ok_or_else(|| {
            format!("there is no host `{named}` in the inventory: add it with `collect: [push]`")
        })?;
    if !host.targets.iter().any(|t| t.access == Access::Push) {
        return Err(format!("`collect` of {named} does not name `push`: add it"));
    }
    let mut readings = delivery.readings;
    if let Some(own_name) = delivery.host.filter(|_| owner.is_some())
        && readings
            .host_facts
            .iter()
            .all(|(fact, _)| *fact != "sys_name")
    {
        readings.host_facts.push(("sys_name", own_name));
    }
    let collection = Collection {
        host: Arc::clone(&host.name),
        way: Method::Push.into(),
        ts: delivery.ts,
        took: Duration::from_millis(delivery.took_ms),
        read_at_ms: u64::try_from(delivery.ts).unwrap_or(0) * 1_000,
        effort: Effort {
            requests: 1,
            retries: 0,
            bytes,
        },
        outcome: Ok(readings),
    };
    Ok((collection, delivery.id))
}

type Answer = oneshot::Receiver<Result<Taken, Refused>>;

async fn hand_over(
    site: &Site,
    collection: Collection,
    id: Option<String>,
) -> Result<(Answer, u64), Fault> {
    let rows = collection
        .outcome
        .iter()
        .flat_map(|r| &r.tables)
        .map(|t| t.rows.len() as u64)
        .sum();
    let (reply, answer) = oneshot::channel();
    let pushed = Pushed {
        collection,
        key: id.map(|id| boot_hash(id.as_bytes()).cast_signed()),
        reply,
    };
    site.parts
        .pushed
        .send(pushed)
        .await
        .map_err(|_| stopping())?;
    Ok((answer, rows))
}

fn stopping() -> Fault {
    Fault::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "the daemon is stopping: send again",
    )
}

/// What became of the deliveries of one request.
#[derive(Default)]
struct Tally {
    stored: u64,
    duplicates: u64,
    rows: u64,
    refused: Vec<String>,
    later: Option<String>,
}

impl Tally {
    async fn note(&mut self, answer: Answer, rows: u64) -> Result<(), Fault> {
        match tokio::time::timeout(COMMIT_TIME, answer).await {
            Ok(Ok(Ok(Taken::Stored))) => {
                self.stored += 1;
                self.rows += rows;
            }
            Ok(Ok(Ok(Taken::Duplicate))) => self.duplicates += 1,
            Ok(Ok(Err(Refused::Forever(why)))) => self.refuse(why),
            Ok(Ok(Err(Refused::ForNow(why)))) => self.later = Some(why),
            Ok(Err(_)) => return Err(stopping()),
            Err(_) => self.later = Some("the history was not written in time".into()),
        }
        Ok(())
    }

    fn refuse(&mut self, why: String) {
        self.refused.push(why);
    }

    /// 200 when anything was stored or had been; 503 when it pays to come again; else 400.
    fn respond(mut self, read: &Body) -> Result<Response, Fault> {
        self.refused.dedup();
        let mistakes = read.mistakes.iter().map(
            |mistake| json!({"line": mistake.line, "place": mistake.place, "error": mistake.why}),
        );
        let refused = self.refused.iter().take(push::MAX_MISTAKES);
        let errors: Vec<Value> = mistakes
            .chain(refused.map(|why| json!({"error": why})))
            .collect();
        let status = match (&self.later, self.stored + self.duplicates) {
            (Some(_), _) => StatusCode::SERVICE_UNAVAILABLE,
            (None, 1..) => StatusCode::OK,
            (None, 0) => StatusCode::BAD_REQUEST,
        };
        let detail = match (&self.later, errors.first()) {
            (Some(why), _) => format!("the history cannot be written just now: {why}"),
            (None, Some(first)) if status == StatusCode::BAD_REQUEST => {
                first["error"].as_str().unwrap_or_default().to_owned()
            }
            (None, None) if status == StatusCode::BAD_REQUEST => {
                "the body holds nothing to store".to_owned()
            }
            _ => String::new(),
        };
        let mut reply = json!({
            "stored": self.stored,
            "duplicates": self.duplicates,
            "rows": self.rows,
            "errors": errors,
            "more_errors": read.more_mistakes,
        });
        if !detail.is_empty() {
            reply["detail"] = json!(detail);
        }
        let mut response = warp::reply::json(&reply).into_response();
        *response.status_mut() = status;
        if self.later.is_some() {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        Ok(response)
    }
}
