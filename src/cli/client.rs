//! Talks to the running daemon: HTTP over its Unix socket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

/// The socket's name in the data directory.
pub(crate) const SOCKET_NAME: &str = "eider.sock";

/// Takes an answer as it comes.
pub(super) type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> anyhow::Result<()>;

/// One daemon that answered.
pub(super) struct Client {
    socket: PathBuf,
}

/// What the daemon said.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Bytes,
    /// The daemon says that the answer was cut.
    pub(super) truncated: bool,
    /// Why the answer broke off.
    pub(super) failure: Option<String>,
}

impl Reply {
    /// The body as JSON.
    pub(super) fn json(&self) -> anyhow::Result<serde_json::Value> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// The body when the status is good, else the daemon's own words as an error.
    pub(super) fn good(self) -> anyhow::Result<Reply> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let problem: Option<serde_json::Value> = serde_json::from_slice(&self.body).ok();
        let text = problem
            .as_ref()
            .and_then(|p| p.get("detail").or_else(|| p.get("title")))
            .and_then(|v| v.as_str())
            .map_or_else(
                || String::from_utf8_lossy(&self.body).trim().to_string(),
                str::to_string,
            );
        anyhow::bail!("{text}")
    }
}

type Driver = tokio::task::JoinHandle<Result<(), hyper::Error>>;

impl Client {
    /// The daemon that serves this data directory, `None` when none does.
    pub(super) fn connect(data: &Path) -> Option<Client> {
        let socket = data.join(SOCKET_NAME);
        std::os::unix::net::UnixStream::connect(&socket)
            .ok()
            .map(|_| Client { socket })
    }

    /// GET of a path that begins with `/`.
    pub(super) fn get(&self, path: &str, limit: Duration) -> anyhow::Result<Reply> {
        self.send("GET", path, Vec::new(), limit, None)
    }

    /// POST of a JSON body.
    pub(super) fn post(
        &self,
        path: &str,
        body: &serde_json::Value,
        limit: Duration,
    ) -> anyhow::Result<Reply> {
        self.send("POST", path, serde_json::to_vec(body)?, limit, None)
    }

    /// As [`Client::post`]; the body of a good answer goes to `sink` as it comes, and the reply has
    /// none.
    pub(super) fn post_to(
        &self,
        path: &str,
        body: &serde_json::Value,
        limit: Duration,
        sink: Sink<'_>,
    ) -> anyhow::Result<Reply> {
        self.send("POST", path, serde_json::to_vec(body)?, limit, Some(sink))
    }

    /// POST of a JSON body whose answer comes line by line, for as long as it takes. Each line that
    /// is not empty is handed over; `limit` is the longest silence.
    pub(super) fn follow(
        &self,
        path: &str,
        body: &serde_json::Value,
        limit: Duration,
        line: impl FnMut(&str) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let body = serde_json::to_vec(body)?;
        runtime.block_on(self.lines(path, body, limit, line))
    }

    async fn lines(
        &self,
        path: &str,
        body: Vec<u8>,
        limit: Duration,
        mut line: impl FnMut(&str) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let silent = || anyhow::anyhow!("the daemon has not said anything for {limit:?}");
        let asked = tokio::time::timeout(limit, self.ask("POST", path, body));
        let (response, driver) = asked.await.map_err(|_| silent())??;
        let status = response.status().as_u16();
        let mut body = response.into_body();
        let mut text = Vec::new();
        loop {
            let frame = tokio::time::timeout(limit, body.frame());
            let Some(frame) = frame.await.map_err(|_| silent())? else {
                break;
            };
            if let Ok(data) = frame?.into_data() {
                text.extend_from_slice(&data);
            }
            while let Some(end) = text.iter().position(|byte| *byte == b'\n')
                && status == 200
            {
                let whole: Vec<u8> = text.drain(..=end).collect();
                let whole = String::from_utf8_lossy(&whole);
                if !whole.trim().is_empty() {
                    line(whole.trim())?;
                }
            }
        }
        driver.abort();
        let rest = Reply {
            status,
            body: text.into(),
            truncated: false,
            failure: None,
        };
        rest.good().map(|_| ())
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        body: Vec<u8>,
        limit: Duration,
        sink: Option<Sink<'_>>,
    ) -> anyhow::Result<Reply> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            tokio::time::timeout(limit, self.exchange(method, path, body, sink))
                .await
                .map_err(|_| anyhow::anyhow!("the daemon did not answer within {limit:?}"))?
        })
    }

    async fn exchange(
        &self,
        method: &str,
        path: &str,
        body: Vec<u8>,
        mut sink: Option<Sink<'_>>,
    ) -> anyhow::Result<Reply> {
        let (response, driver) = self.ask(method, path, body).await?;
        let status = response.status().as_u16();
        let mut truncated = response.headers().contains_key(crate::store::TRUNCATED);
        let mut failure = None;
        let mut kept = Vec::new();
        let mut incoming = response.into_body();
        while let Some(frame) = incoming.frame().await {
            let frame = frame.context("the answer broke off")?;
            if let Some(data) = frame.data_ref() {
                match &mut sink {
                    Some(sink) if (200..300).contains(&status) => sink(data)?,
                    _ => kept.extend_from_slice(data),
                }
            }
            if let Some(trailers) = frame.trailers_ref() {
                truncated |= trailers.contains_key(crate::store::TRUNCATED);
                failure = trailers
                    .get(crate::store::FAILED)
                    .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            }
        }
        let body = Bytes::from(kept);
        driver.abort();
        Ok(Reply {
            status,
            body,
            truncated,
            failure,
        })
    }

    /// The head of the answer, and the task that drives the connection.
    async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<(hyper::Response<hyper::body::Incoming>, Driver)> {
        let stream = UnixStream::connect(&self.socket).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(connection);
        let request = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .header("te", "trailers")
            .body(Full::new(Bytes::from(body)))?;
        Ok((sender.send_request(request).await?, driver))
    }
}

/// What to say when nobody answers.
const NO_DAEMON: &str =
    "no daemon runs on this home: start it with `eider serve` (another home: --home DIR)";

/// The daemon of this home, `None` when none runs. A home whose files are broken still finds its
/// daemon, in the usual place.
pub(super) fn of_home(home: &crate::home::Home) -> Option<Client> {
    Client::connect(&data_of(home))
}

/// What to say when [`of_home`] found none: there is none, or this user may not look.
pub(super) fn why_none(home: &crate::home::Home) -> String {
    closed(&data_of(home)).unwrap_or_else(|| NO_DAEMON.to_owned())
}

/// One sentence when this user may not look into that data directory.
pub(super) fn closed(data: &Path) -> Option<String> {
    let error = std::fs::metadata(data.join("eider.sock")).err()?;
    (error.kind() == std::io::ErrorKind::PermissionDenied).then(|| {
        format!(
            "{} is closed to this user: ask as the user that eider runs as, for example with sudo -u",
            data.display()
        )
    })
}

/// The data directory of this home.
pub(super) fn data_of(home: &crate::home::Home) -> PathBuf {
    home.resolve(&settings_of(home).data)
}

/// The settings of this home; the built-in ones when its files are broken.
pub(super) fn settings_of(home: &crate::home::Home) -> crate::inventory::Settings {
    let read = home
        .load()
        .ok()
        .and_then(|(_, examined)| examined.inventory);
    read.map(|inventory| inventory.settings).unwrap_or_default()
}

/// A name as one segment of a path.
pub(super) fn encode(name: &str) -> String {
    name.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(b).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}
