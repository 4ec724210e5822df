//! One request as the routes see it: who, in which language, asking for what.

use http::header;
use http::request::Parts as Head;

use super::auth;
use super::gate::Peer;
use super::percent;
use super::site::Site;
use crate::render::LANGUAGES;

#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub(super) peer: Peer,
    /// The `Host` header.
    pub(super) host: Option<String>,
    /// As sent, not decoded.
    pub(super) path: String,
    /// Path and query, as sent.
    pub(super) target: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) language: &'static str,
    /// The language came with this request's `lang`: a cookie shall keep it.
    pub(super) language_chosen: bool,
    pub(super) session: Option<String>,
    pub(super) user: Option<String>,
    accepts_json: bool,
    /// The client reads what comes after the body.
    pub(super) takes_trailers: bool,
}

impl Visit {
    pub(super) fn of(site: &Site, peer: Peer, head: &Head) -> Visit {
        let text = |name| {
            head.headers
                .get(name)
                .and_then(|value: &http::HeaderValue| value.to_str().ok())
        };
        let cookie = |wanted: &str| {
            text(header::COOKIE)?
                .split(';')
                .filter_map(|pair| pair.trim().split_once('='))
                .find(|(name, _)| *name == wanted)
                .map(|(_, value)| value.to_owned())
        };
        let query = percent::pairs(head.uri.query().unwrap_or_default());
        let asked = query
            .iter()
            .find(|(name, _)| name == "lang")
            .and_then(|(_, value)| language(value));
        let spoken = || {
            cookie("eider_lang")
                .and_then(|value| language(&value))
                .or_else(|| text(header::ACCEPT_LANGUAGE).and_then(preferred))
                .or_else(|| language(&site.language()))
                .unwrap_or(LANGUAGES[0])
        };
        Visit {
            peer,
            host: text(header::HOST).map(str::to_owned),
            path: head.uri.path().to_owned(),
            target: head
                .uri
                .path_and_query()
                .map_or_else(|| "/".into(), |target| target.as_str().to_owned()),
            query,
            language: asked.unwrap_or_else(spoken),
            language_chosen: asked.is_some(),
            session: cookie(auth::COOKIE),
            user: None,
            takes_trailers: text(header::TE).is_some_and(|te| te.contains("trailers")),
            accepts_json: text(header::ACCEPT)
                .is_some_and(|accept| accept.contains("json") && !accept.contains("html")),
        }
    }

    /// The first value of that name in the query.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }

    /// Errors shall be JSON.
    pub(super) fn wants_json(&self) -> bool {
        self.peer == Peer::Owner
            || self.path.starts_with("/api/")
            || self.path.ends_with(".json")
            || self.accepts_json
    }
}

/// The language of ours that a tag means: every Chinese is `zh-CN`.
fn language(tag: &str) -> Option<&'static str> {
    let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
    LANGUAGES.into_iter().find(|own| {
        own.split('-')
            .next()
            .unwrap_or(own)
            .eq_ignore_ascii_case(primary)
    })
}

/// The best of an `Accept-Language` header.
fn preferred(header: &str) -> Option<&'static str> {
    header
        .split(',')
        .filter_map(|part| {
            let (tag, weight) = part.split_once(";q=").unwrap_or((part, "1"));
            Some((language(tag)?, weight.trim().parse::<f32>().ok()?))
        })
        .filter(|(_, weight)| *weight > 0.0)
        // Of equal weights the first wins.
        .fold(None, |best: Option<(&str, f32)>, next| match best {
            Some(best) if best.1 >= next.1 => Some(best),
            _ => Some(next),
        })
        .map(|(language, _)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_is_found() {
        for (header, expected) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Some("zh-CN")),
            ("en-US,en;q=0.9,zh-CN;q=0.8", Some("en")),
            ("de,fr;q=0.5", None),
            ("de, zh-TW;q=0.5, en;q=0.4", Some("zh-CN")),
            ("en;q=0", None),
            ("*", None),
        ] {
            assert_eq!(preferred(header), expected, "{header}");
        }
    }
}
