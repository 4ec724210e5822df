//! Sends the oldest documents, in order, until the spool is empty; waits when the server cannot.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, StatusCode, Url};
use tokio::sync::watch;

use super::{Plan, Shared, Token, unix_now};
use crate::inventory::Secret;

/// Documents in one request, and their octets: half of what the server takes.
const BATCH: usize = 50;
const PACKED_MAX: u64 = 512 * 1024;
const UNPACKED_MAX: u64 = 4 * 1024 * 1024;
/// The first pause after a failure, doubled each time up to the last.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// The server may ask for more, but not for more than this.
const PAUSE_ASKED_MAX: Duration = Duration::from_secs(300);
const REQUEST_MAX: Duration = Duration::from_secs(30);
/// Characters of an answer that are told.
const TOLD_MAX: usize = 300;

pub(super) struct Sender {
    client: Client,
    url: Url,
    token: Token,
}

/// What became of a request.
enum Outcome {
    /// The server has all of it that it will ever have; what it refused, in words.
    Taken { refused: u64, why: String },
    /// Smaller pieces, please.
    TooLarge,
    /// Again later.
    Later {
        why: String,
        asked: Option<Duration>,
    },
}

impl Sender {
    pub(super) fn new(plan: &Plan) -> anyhow::Result<Sender> {
        let mut url: Url = plan.url.parse().context("--push is not a URL")?;
        anyhow::ensure!(
            matches!(url.scheme(), "http" | "https") && url.has_host(),
            "--push must be a URL of http or https, like https://eider.example.net"
        );
        anyhow::ensure!(
            url.username().is_empty() && url.password().is_none() && url.query().is_none(),
            "--push holds no user, password or query: the token stands in --token-file"
        );
        let path = url.path().trim_end_matches('/').to_owned();
        if !path.ends_with("/api/v1/push") {
            url.set_path(&format!("{path}/api/v1/push"));
        }
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("eider-agent/", env!("CARGO_PKG_VERSION")))
            .timeout(REQUEST_MAX)
            .redirect(reqwest::redirect::Policy::none());
        if let Some(path) = &plan.ca {
            let shown = path.display();
            let octets = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&octets)
                .with_context(|| format!("{shown} holds no certificates"))?;
            builder = builder.tls_certs_only(certificates);
        }
        let local = url.host_str().is_some_and(|host| {
            host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(is_loopback)
        });
        if url.scheme() == "http" && !local {
            tracing::warn!("the token goes over the network in the clear: use https");
        }
        Ok(Sender {
            client: builder.build().context("cannot begin to send")?,
            url,
            token: match &plan.token {
                Token::Known(secret) => Token::Known(secret.clone()),
                Token::File(path) => Token::File(path.clone()),
            },
        })
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Sends what waits and what comes; after the sign to stop, what waits, once.
    pub(super) async fn run(self, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
        let mut pause = PAUSE_MIN;
        let mut count = BATCH;
        loop {
            let stopping = *stop.borrow();
            let batch = shared.spool().oldest(count, PACKED_MAX, UNPACKED_MAX);
            let Some(batch) = batch else {
                if stopping {
                    return;
                }
                tokio::select! {
                    () = shared.fresh.notified() => {}
                    _ = stop.changed() => {}
                }
                continue;
            };
            if batch.broken > 0 {
                tracing::warn!(
                    files = batch.broken,
                    "the spool held files that are no whole documents; they are gone"
                );
                shared.note(|status| status.dropped += batch.broken);
            }
            if batch.numbers.is_empty() {
                continue;
            }
            match self.send(batch.packed).await {
                Outcome::Taken { refused, why } => {
                    shared.spool().remove(&batch.numbers);
                    self.taken(&shared, batch.numbers.len() as u64, refused, why);
                    (pause, count) = (PAUSE_MIN, BATCH);
                }
                Outcome::TooLarge if batch.numbers.len() > 1 => {
                    count = (batch.numbers.len() / 2).max(1)
                }
                Outcome::TooLarge => {
                    shared.spool().remove(&batch.numbers);
                    self.taken(
                        &shared,
                        1,
                        1,
                        "one document is larger than the server takes".into(),
                    );
                }
                Outcome::Later { why, asked } => {
                    if stopping {
                        return;
                    }
                    tracing::warn!("not sent, {why}");
                    shared.note(|status| status.trouble(&why));
                    let wait = asked
                        .unwrap_or_default()
                        .clamp(jittered(pause), PAUSE_ASKED_MAX);
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        _ = stop.changed() => {}
                    }
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    fn taken(&self, shared: &Shared, count: u64, refused: u64, why: String) {
        if refused > 0 {
            tracing::warn!(documents = refused, "the server refused for good: {why}");
        } else if !why.is_empty() {
            tracing::warn!("the server left out a part: {why}");
        }
        tracing::debug!(count, "sent");
        shared.note(|status| {
            status.sent += count.saturating_sub(refused);
            status.refused += refused;
            status.last_sent = Some(unix_now());
            status.error = why;
        });
    }

    async fn send(&self, packed: Vec<u8>) -> Outcome {
        let later = |why: String| Outcome::Later { why, asked: None };
        let token = match self.token() {
            Ok(token) => token,
            Err(why) => return later(why),
        };
        let sent = self
            .client
            .post(self.url.clone())
            .bearer_auth(token.expose())
            .header("Content-Type", "application/x-ndjson")
            .header("Content-Encoding", "gzip")
            .body(packed)
            .send();
        let response = match sent.await {
            Ok(response) => response,
            Err(error) => return later(chain(&error.without_url())),
        };
        let status = response.status();
        let asked = response.headers().get(RETRY_AFTER);
        let asked = asked.and_then(|v| v.to_str().ok()?.parse().ok());
        let body = answer(response).await;
        let told = told(&body);
        match status {
            StatusCode::OK => {
                let number = |key: &str| body[key].as_u64().unwrap_or(0);
                if number("stored") + number("duplicates") == 0 {
                    // A proxy's page, not our server.
                    return later("the answer is not Eider's: is the URL right?".into());
                }
                Outcome::Taken {
                    refused: refusals(&body),
                    why: told,
                }
            }
            StatusCode::BAD_REQUEST if body.get("errors").is_some() => {
                let refused = refusals(&body).max(1);
                Outcome::Taken { refused, why: told }
            }
            StatusCode::PAYLOAD_TOO_LARGE => Outcome::TooLarge,
            StatusCode::UNAUTHORIZED => later(format!(
                "the token is not known to the server ({told}): `eider token add HOST` there makes one"
            )),
            status if status.is_redirection() => later(format!(
                "HTTP {status}: give --push the address that it leads to"
            )),
            status => Outcome::Later {
                why: format!("HTTP {status} {told}"),
                asked: asked.map(Duration::from_secs),
            },
        }
    }

    fn token(&self) -> Result<Secret, String> {
        match &self.token {
            Token::Known(secret) => Ok(secret.clone()),
            Token::File(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.map_err(|e| format!("cannot read {}: {e}", path.display()))?;
                match text.trim() {
                    "" => Err(format!("{} is empty", path.display())),
                    token => Ok(Secret::new(token)),
                }
            }
        }
    }
}

fn is_loopback(address: std::net::IpAddr) -> bool {
    address.is_loopback()
}

/// Half of it to all of it, so that many agents do not come back at once.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + rand::random::<f64>() / 2.0)
}

/// The answer as JSON, NULL when it is none; never more than a little of it.
async fn answer(mut response: reqwest::Response) -> serde_json::Value {
    let mut octets = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        octets.extend_from_slice(&piece);
        if octets.len() > 64 * 1024 {
            break;
        }
    }
    serde_json::from_slice(&octets).unwrap_or_default()
}

/// Documents that the server will never take: those errors that are not about a line.
fn refusals(body: &serde_json::Value) -> u64 {
    let errors = body["errors"].as_array().map_or(&[][..], Vec::as_slice);
    errors.iter().filter(|e| e.get("line").is_none()).count() as u64
}

/// What the server says is wrong, cut and harmless.
fn told(body: &serde_json::Value) -> String {
    let first = body["errors"].get(0).and_then(|e| e["error"].as_str());
    let text = body["detail"].as_str().or(first).unwrap_or_default();
    text.chars()
        .filter(|c| !c.is_control())
        .take(TOLD_MAX)
        .collect()
}

fn chain(error: &reqwest::Error) -> String {
    use std::error::Error as _;
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let words = inner.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        source = inner.source();
    }
    text
}
