//! http: one endpoint asked over HTTP, what its answer says of the machine, and how it answered.

mod answer;
mod certificate;
mod failure;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Client, Response, redirect};

use super::Attempt;
use crate::inventory::{Access, HttpAccess, HttpAuth, HttpFormat, Target};
use crate::reading::{Cause, Effort, EntityKey, Failure, Readings, Row, TableReadings, Value};
use crate::table::HTTP;
use answer::Body;

/// Octets of a body, unpacked; a longer one is an answer that is not what it should be.
const MAX_BODY: u64 = 32 * 1024 * 1024;
/// Redirects followed, within the same scheme, host and port.
const MAX_REDIRECTS: usize = 5;
const ACCEPT: &str =
    "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// Asks endpoints.
#[derive(Default)]
pub(super) struct Asker {
    /// By the target's id: a client holds what its TLS trusts.
    clients: Mutex<HashMap<String, (Trust, Client)>>,
}

/// What decides which servers are trusted.
#[derive(Clone, Debug, PartialEq)]
struct Trust {
    /// The certificates of `ca:` as they are now.
    ca: Option<Arc<[u8]>>,
    verify: bool,
}

impl Asker {
    /// Asks once; any answer is good, and its row in `http` says what it was worth.
    pub(super) async fn collect(
        &self,
        target: &Target,
        access: &HttpAccess,
        deadline: Instant,
    ) -> Attempt {
        let mut effort = Effort::default();
        let client = match self.client(target, access).await {
            Ok(client) => client,
            Err(failure) => return (effort, Err(failure)),
        };
        effort.requests = 1;
        let asked = ask(&client, access, (deadline, target.timeout));
        let left = deadline.saturating_duration_since(Instant::now());
        let outcome = match tokio::time::timeout(left, asked).await {
            Ok(outcome) => outcome,
            Err(_) => Err(failure::timeout(access, target.timeout)),
        };
        if let Ok((bytes, _)) = &outcome {
            effort.bytes = *bytes;
        }
        (effort, outcome.map(|(_, readings)| readings))
    }

    /// Forgets the clients of targets that are gone.
    pub(super) fn keep_only(&self, targets: &[Arc<Target>]) {
        let wanted = targets
            .iter()
            .filter(|t| matches!(t.access, Access::Http(_)));
        let ids: std::collections::HashSet<String> = wanted.map(|t| t.id()).collect();
        self.clients().retain(|id, _| ids.contains(id));
    }

    async fn client(&self, target: &Target, access: &HttpAccess) -> Result<Client, Failure> {
        let ca = match &access.ca {
            Some(path) => Some(authorities(path).await?),
            None => None,
        };
        let trust = Trust {
            ca,
            verify: access.verify,
        };
        let id = target.id();
        if let Some((known, client)) = self.clients().get(&id)
            && *known == trust
        {
            return Ok(client.clone());
        }
        let client = build(&trust)?;
        self.clients().insert(id, (trust, client.clone()));
        Ok(client)
    }

    fn clients(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Trust, Client)>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn authorities(path: &str) -> Result<Arc<[u8]>, Failure> {
    let read = tokio::fs::read(path).await;
    let octets = read.map_err(|error| {
        let message = format!("cannot read the certificates of `ca: {path}`: {error}");
        Failure::new(Cause::Internal, message)
    })?;
    Ok(octets.into())
}

fn build(trust: &Trust) -> Result<Client, Failure> {
    let internal = |error: &dyn std::fmt::Display| {
        Failure::new(Cause::Internal, format!("cannot begin to ask: {error}"))
    };
    // The process has one provider of cryptography; whoever comes second finds it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("eider/", env!("CARGO_PKG_VERSION")))
        .tls_info(true)
        // Each poll connects anew: what is timed is what a user would wait for, and a new certificate
        // is seen at once.
        .pool_max_idle_per_host(0)
        // What the inventory names is asked itself.
        .no_proxy()
        .redirect(redirect::Policy::custom(same_origin));
    if let Some(octets) = &trust.ca {
        let certificates = reqwest::Certificate::from_pem_bundle(octets)
            .map_err(|error| internal(&format!("`ca` holds no certificates: {error}")))?;
        builder = builder.tls_certs_only(certificates);
    }
    if !trust.verify {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    builder.build().map_err(|error| internal(&error))
}

/// A redirect to elsewhere ends there: credentials and trust are for this server alone.
fn same_origin(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let origin = attempt.previous().first().map(|url| url.origin());
    let same = origin.as_ref() == Some(&attempt.url().origin());
    match same && attempt.previous().len() <= MAX_REDIRECTS {
        true => attempt.follow(),
        false => attempt.stop(),
    }
}

async fn ask(
    client: &Client,
    access: &HttpAccess,
    (deadline, within): (Instant, Duration),
) -> Result<(u64, Readings), Failure> {
    let begun = Instant::now();
    let left = deadline.saturating_duration_since(begun);
    let mut request = client
        .get(&access.url)
        .header("Accept", ACCEPT)
        .timeout(left);
    request = match &access.auth {
        HttpAuth::None => request,
        HttpAuth::Bearer(token) => request.bearer_auth(token.expose()),
        HttpAuth::Basic { user, password } => request.basic_auth(user, Some(password.expose())),
    };
    let response = request
        .send()
        .await
        .map_err(|e| failure::of(&e, access, within))?;
    let status = response.status();
    let days_left = certificate::days_left(&response, std::time::SystemTime::now());
    let mut body = Body::new(match status.is_success() {
        true => access.format,
        false => HttpFormat::None,
    });
    let problem = take(response, &mut body)
        .await
        .map_err(|e| failure::of(&e, access, within))?;
    let took = begun.elapsed();
    let bytes = body.bytes();
    let (mut readings, unreadable) = body.finish(access);
    let refused = (!status.is_success()).then(|| failure::status(status));
    let wrong = refused.or(problem).or(unreadable);
    readings.tables.push(TableReadings {
        table: &HTTP,
        rows: vec![row(
            access,
            took,
            status.as_u16(),
            wrong.is_none(),
            bytes,
            days_left,
        )],
    });
    readings.problems.splice(0..0, wrong);
    Ok((bytes, readings))
}

/// Reads the body piece by piece; what is wrong with its length is told.
async fn take(mut response: Response, body: &mut Body) -> Result<Option<String>, reqwest::Error> {
    while let Some(piece) = response.chunk().await? {
        if body.bytes() + piece.len() as u64 > MAX_BODY {
            body.give_up();
            return Ok(Some(format!(
                "the answer is longer than {} MiB",
                MAX_BODY >> 20
            )));
        }
        body.feed(&piece);
    }
    Ok(None)
}

fn row(
    access: &HttpAccess,
    took: Duration,
    status: u16,
    ok: bool,
    bytes: u64,
    days_left: Option<i64>,
) -> Row {
    let mut row = Row::new(&HTTP, Some(EntityKey::named(&*access.name)));
    // The microsecond is as far as the clock is to be believed, and packs well.
    let ms = (took.as_secs_f64() * 1e6).round() / 1e3;
    row.set(&HTTP, "response_ms", Value::Float(ms));
    row.set(&HTTP, "status", Value::Int(status.into()));
    row.set(&HTTP, "ok", Value::Bool(ok));
    row.set(&HTTP, "body_bytes", Value::Int(bytes as i64));
    row.set(&HTTP, "certificate_days_left", days_left.into());
    row.set_fact(&HTTP, "url", Value::text(&access.url));
    row
}
