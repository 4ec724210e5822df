//! Percent-encoding, for path segments and query strings.

use std::fmt::Write as _;
use std::str::FromStr;

/// One decoded segment of a path. warp hands segments over as they came; a host named `Büro/1`
/// arrives as `B%C3%BCro%2F1`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Segment(pub(super) String);

impl FromStr for Segment {
    type Err = ();

    fn from_str(raw: &str) -> Result<Segment, ()> {
        decode(raw, false).map(Segment).ok_or(())
    }
}

/// The pairs of a query string or a form body, in order; a pair that is not UTF-8 is left out.
pub(super) fn pairs(raw: &str) -> Vec<(String, String)> {
    raw.split('&')
        .filter(|pair| !pair.is_empty())
        .take(MAX_PAIRS)
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name, true)?, decode(value, true)?))
        })
        .collect()
}

/// More pairs than any form of ours has.
const MAX_PAIRS: usize = 200;

/// The text behind `%XX`; `None` when it is malformed or not UTF-8.
fn decode(raw: &str, plus_is_space: bool) -> Option<String> {
    let mut bytes = raw.bytes();
    let mut out = Vec::with_capacity(raw.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

/// Encodes a value of a query string.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A query string of these pairs.
pub(super) fn query<'a>(pairs: impl Iterator<Item = &'a (String, String)>) -> String {
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_browsers_send() {
        assert_eq!(
            "web%2001%E4%B8%AD+x".parse(),
            Ok(Segment("web 01中+x".into()))
        );
        assert_eq!("%zz".parse::<Segment>(), Err(()));
        assert_eq!("%ff".parse::<Segment>(), Err(()));
        assert_eq!("%4".parse::<Segment>(), Err(()));
        assert_eq!(
            pairs("a=1&b=x+y%26&c&a=2"),
            [("a", "1"), ("b", "x y&"), ("c", ""), ("a", "2")]
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
        );
        assert_eq!(pairs(&encode("x=&?中")), [("x=&?中".into(), String::new())]);
    }
}
