//! `http: {node: {port: 9100}}`: what `http:NAME` asks for.

mod resolve;

pub(super) use resolve::access;

use std::sync::Arc;

use super::credential::Secret;
use super::fields::{self, Keys};
use super::layer::is_word;
use super::problem::Problems;
use super::yaml::{Map, Node, Written};
use crate::profile::Profile;

const KEYS: [&str; 10] = [
    "url",
    "scheme",
    "port",
    "path",
    "format",
    "profiles",
    "profile",
    "credential",
    "ca",
    "verify",
];

/// One HTTP endpoint of a host, resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpAccess {
    /// As in `collect: [http:NAME]`.
    pub name: Arc<str>,
    /// `https://web01:9100/metrics`
    pub url: String,
    pub format: HttpFormat,
    /// Which say what other families and JSON fill.
    pub profiles: Vec<Arc<Profile>>,
    pub auth: HttpAuth,
    /// A file of certificates (PEM) to trust instead of the system's.
    pub ca: Option<String>,
    /// Whether the server's certificate is looked at.
    pub verify: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpFormat {
    /// Prometheus' text, or OpenMetrics.
    #[default]
    Prometheus,
    Json,
    /// The body does not matter: only whether and how it answers.
    None,
}

#[derive(Clone, Debug, PartialEq)]
pub enum HttpAuth {
    None,
    Bearer(Secret),
    Basic { user: String, password: Secret },
}

impl HttpAccess {
    /// What `eider host NAME` tells.
    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        let format = match self.format {
            HttpFormat::Prometheus => "prometheus",
            HttpFormat::Json => "json",
            HttpFormat::None => "none",
        };
        let mut lines = vec![("url", self.url.clone()), ("format", format.into())];
        if !self.profiles.is_empty() {
            let names: Vec<&str> = self.profiles.iter().map(|p| &*p.name).collect();
            lines.push(("profiles", names.join(", ")));
        }
        match &self.auth {
            HttpAuth::None => {}
            HttpAuth::Bearer(_) => lines.push(("token", "[redacted]".into())),
            HttpAuth::Basic { user, .. } => {
                lines.push(("user", user.clone()));
                lines.push(("password", "[redacted]".into()));
            }
        }
        lines.extend(self.ca.clone().map(|ca| ("ca", ca)));
        if !self.verify {
            lines.push(("verify", "false".into()));
        }
        lines
    }
}

/// An endpoint as written. Two of the same text are the same, wherever they stand.
#[derive(Clone, Debug, Default)]
pub(super) struct EndpointDraft {
    url: Option<Written<String>>,
    scheme: Option<String>,
    port: Option<u16>,
    path: Option<String>,
    format: HttpFormat,
    profiles: Vec<Written<String>>,
    credential: Option<Written<String>>,
    ca: Option<String>,
    insecure: bool,
    /// A mistake is reported.
    broken: bool,
}

impl PartialEq for EndpointDraft {
    fn eq(&self, other: &EndpointDraft) -> bool {
        let text = |written: &Option<Written<String>>| written.as_ref().map(|w| w.value.clone());
        let names = |draft: &EndpointDraft| -> Vec<String> {
            draft.profiles.iter().map(|p| p.value.clone()).collect()
        };
        text(&self.url) == text(&other.url)
            && (&self.scheme, self.port, &self.path) == (&other.scheme, other.port, &other.path)
            && (self.format, &self.ca, self.insecure) == (other.format, &other.ca, other.insecure)
            && text(&self.credential) == text(&other.credential)
            && names(self) == names(other)
    }
}

/// Reads all endpoints of a layer.
pub(super) fn read_all(
    node: &Node,
    problems: &mut Problems<'_>,
) -> Vec<(String, Written<EndpointDraft>)> {
    let Some(map) = fields::map(node, "http", problems) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for entry in &map.entries {
        let name = &entry.key;
        if !is_word(&name.value) {
            let message = format!("`{}` cannot be the name of an endpoint", name.value);
            problems
                .error("bad-name", name.mark, message)
                .help("use letters, digits, `_`, `-` and `.`: `http: {node: {port: 9100}}`");
            continue;
        }
        let draft = fields::map(&entry.value, &name.value, problems).map(|map| read(map, problems));
        let value = draft.unwrap_or(EndpointDraft {
            broken: true,
            ..EndpointDraft::default()
        });
        let mark = name.mark;
        all.push((name.value.clone(), Written { value, mark }));
    }
    all
}

fn read(map: &Map, problems: &mut Problems<'_>) -> EndpointDraft {
    let before = problems.errors();
    Keys::new("an endpoint", &KEYS).check(map, problems);
    let mut draft = EndpointDraft::default();
    for entry in &map.entries {
        let (key, node) = (entry.key.value.as_str(), &entry.value);
        match key {
            "url" => {
                draft.url = fields::text(node, key, problems).filter(|u| good_url(u, problems))
            }
            "scheme" => {
                let word = fields::word(node, key, &["http", "https"], problems);
                draft.scheme = word.map(|w| w.value);
            }
            "port" => {
                draft.port = fields::whole(node, key, (1, u16::MAX), problems).map(|w| w.value);
            }
            "path" => {
                draft.path = fields::text(node, key, problems).and_then(|w| path(w, problems))
            }
            "format" => {
                let word = fields::word(node, key, &["prometheus", "json", "none"], problems);
                draft.format = match word.as_ref().map(|w| w.value.as_str()) {
                    Some("json") => HttpFormat::Json,
                    Some("none") => HttpFormat::None,
                    _ => HttpFormat::Prometheus,
                };
            }
            "profile" | "profiles" => {
                let names = fields::texts(node, key, problems);
                draft
                    .profiles
                    .extend(names.map_or_else(Vec::new, |n| n.value));
            }
            "credential" => draft.credential = fields::text(node, key, problems),
            "ca" => {
                let file = fields::text(node, key, problems);
                if let Some(odd) = file.as_ref().filter(|f| !f.value.starts_with('/')) {
                    problems
                        .error("bad-value", odd.mark, "`ca` must be an absolute path")
                        .help("a file of certificates in PEM form: `ca: /etc/eider/ca.pem`");
                }
                draft.ca = file.map(|f| f.value);
            }
            "verify" => {
                let word = fields::word(node, key, &["true", "false"], problems);
                draft.insecure = word.is_some_and(|w| w.value == "false");
            }
            _ => {}
        }
    }
    let parts = ["scheme", "port", "path"]
        .iter()
        .find_map(|key| map.get(key));
    if let (Some(url), Some(part)) = (map.get("url"), parts) {
        let message = format!("`url` and `{}` both stand here", part.key.value);
        let marks = [url.key.mark, part.key.mark];
        problems
            .error_at("two-keys", &marks, message)
            .help("write the whole `url`, or its parts with the host's address");
    }
    draft.broken = problems.errors() > before;
    draft
}

/// An absolute URL without a user: secrets stand in credentials.
fn good_url(written: &Written<String>, problems: &mut Problems<'_>) -> bool {
    let text = &written.value;
    let help = "write it like `https://web01.example.net:9100/metrics`";
    let parsed = text.parse::<http::Uri>().ok();
    let parsed = parsed.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
    let Some(authority) = parsed.as_ref().and_then(http::Uri::authority) else {
        let message = "`url` is not a URL of http or https";
        problems
            .error("bad-value", written.mark, message)
            .help(help);
        return false;
    };
    if authority.as_str().contains('@') {
        problems
            .error("bad-value", written.mark, "a URL holds no user or password")
            .help("make a credential of type http-basic and name it with `credential:`");
        return false;
    }
    true
}

fn path(written: Written<String>, problems: &mut Problems<'_>) -> Option<String> {
    let good = written.value.starts_with('/') && written.value.parse::<http::Uri>().is_ok();
    if !good {
        let message = format!("`{}` is not a path", written.value);
        problems
            .error("bad-value", written.mark, message)
            .help("write it like `/metrics`");
    }
    good.then_some(written.value)
}
