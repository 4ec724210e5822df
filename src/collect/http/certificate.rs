//! How long the server's certificate holds.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::Response;
use reqwest::tls::TlsInfo;

const DAY_S: i64 = 86_400;

/// Whole days until the certificate of the server ends, negative when it has. `None` without TLS.
pub(super) fn days_left(response: &Response, now: SystemTime) -> Option<i64> {
    let info = response.extensions().get::<TlsInfo>()?;
    let end = ends_at(info.peer_certificate()?)?;
    let now = now.duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some((end - i64::try_from(now).ok()?).div_euclid(DAY_S))
}

/// The end of a certificate (DER) in seconds since 1970.
fn ends_at(der: &[u8]) -> Option<i64> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_has_no_end() {
        for octets in [
            &b""[..],
            b"\x30\x82\xff\xff",
            b"-----BEGIN CERTIFICATE-----",
        ] {
            assert_eq!(ends_at(octets), None);
        }
    }
}
