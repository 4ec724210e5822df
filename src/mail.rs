//! Sends mails by SMTP. Texts come in finished; who gets them and why is decided elsewhere.

use std::fmt;
use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::inventory::{MailSettings, MailTls};
use crate::reading::UnixSeconds;

/// For each command of the SMTP dialogue.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(20);
/// For the whole delivery, so that a server that drips holds nobody up.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(60);
/// Longer header texts are cut.
const HEADER_CHARS_MAX: usize = 300;

/// One mail to one address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Letter {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// With angle brackets.
    pub message_id: String,
    /// Ids of the thread's root and of what came before, each with angle brackets.
    pub references: Vec<String>,
    pub date: UnixSeconds,
    /// What `X-Eider-Alert` says; empty: no such header.
    pub about: String,
    /// What `X-Eider-Report` says; empty: no such header.
    pub report: String,
    /// Shown where the HTML says `cid:` and the picture's name.
    pub pictures: Vec<Enclosure>,
    /// Attached.
    pub files: Vec<Enclosure>,
}

/// A file that goes with a mail.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Enclosure {
    pub name: String,
    /// `text/csv; charset=utf-8`
    pub content_type: String,
    #[serde(with = "in_base64")]
    pub bytes: Vec<u8>,
}

/// Bytes as text, for JSON.
mod in_base64 {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD
            .decode(String::deserialize(from)?)
            .map_err(D::Error::custom)
    }
}

/// Why a mail did not leave.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// `mail:` or an address cannot work at all.
    #[error("{0}")]
    Settings(String),
    /// No answer from the server: it is away, or refuses the connection, TLS or the password.
    #[error("{server}: {what}")]
    Unreachable { server: String, what: String },
    /// The server says: not now (4xx).
    #[error("{server} put it off: {what}")]
    PutOff { server: String, what: String },
    /// The server says: never (5xx).
    #[error("{server} refused it: {what}")]
    Refused { server: String, what: String },
}

/// A configured SMTP server.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    server: String,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailer({})", self.server)
    }
}

impl Mailer {
    /// Prepares for a server; connects to nothing yet.
    pub fn new(settings: &MailSettings) -> Result<Mailer, MailError> {
        let server = format!("{}:{}", settings.host, settings.port);
        let bad = |error: lettre::transport::smtp::Error| {
            MailError::Settings(format!("mail.smtp: {server}: {error}"))
        };
        type Transport = AsyncSmtpTransport<Tokio1Executor>;
        let builder = match settings.tls {
            MailTls::None => Transport::builder_dangerous(&settings.host),
            MailTls::StartTls => Transport::starttls_relay(&settings.host).map_err(bad)?,
            MailTls::Tls => Transport::relay(&settings.host).map_err(bad)?,
        };
        let mut builder = builder.port(settings.port).timeout(Some(COMMAND_TIMEOUT));
        if let Some(user) = &settings.user {
            let password = settings.password.as_ref().map_or("", |p| p.expose());
            builder = builder.credentials(Credentials::new(user.clone(), password.to_owned()));
        }
        Ok(Mailer {
            transport: builder.build(),
            from: mailbox(&settings.from)?,
            server,
        })
    }

    /// `host:port` of the server.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The part of our own address behind the `@`, for message ids.
    pub fn domain(&self) -> &str {
        self.from.email.domain()
    }

    /// Delivers one mail. Returns what the server said when it took it.
    pub async fn send(&self, letter: &Letter) -> Result<String, MailError> {
        let message = compose(&self.from, letter)?;
        let delivery = tokio::time::timeout(DELIVERY_TIMEOUT, self.transport.send(message));
        let server = || self.server.clone();
        let Ok(result) = delivery.await else {
            return Err(MailError::Unreachable {
                server: server(),
                what: format!("no end after {} s", DELIVERY_TIMEOUT.as_secs()),
            });
        };
        let response = result.map_err(|error| {
            let what = chain(&error);
            if error.is_permanent() {
                MailError::Refused {
                    server: server(),
                    what,
                }
            } else if error.is_transient() {
                MailError::PutOff {
                    server: server(),
                    what,
                }
            } else {
                MailError::Unreachable {
                    server: server(),
                    what,
                }
            }
        })?;
        let lines: Vec<&str> = response.message().collect();
        Ok(one_line(&format!(
            "{} {}",
            response.code(),
            lines.join(" ")
        )))
    }
}

/// Checks one address as `mail.from` and `notify.*.to` have it: `ops@example.net` or
/// `Ops <ops@example.net>`.
pub fn check_address(text: &str) -> Result<(), MailError> {
    mailbox(text).map(|_| ())
}

/// A text fit for a header: one line, no control characters, not longer than 300 characters.
pub fn one_line(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if harmful(c) { ' ' } else { c })
        .take(HEADER_CHARS_MAX)
        .collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Control characters, and the marks that turn the direction of a text around.
fn harmful(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
        )
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
}

/// lettre panics on a line break in a display name: none gets that far.
fn mailbox(text: &str) -> Result<Mailbox, MailError> {
    let clean = one_line(text);
    let (name, address) = match clean.rsplit_once('<') {
        Some((name, rest)) => (
            Some(name.trim().trim_matches('"').to_owned()),
            rest.trim_end().trim_end_matches('>'),
        ),
        None => (None, clean.as_str()),
    };
    let address: Address = address
        .trim()
        .parse()
        .map_err(|_| MailError::Settings(format!("`{clean}` is not a mail address")))?;
    Ok(Mailbox::new(name.filter(|n| !n.is_empty()), address))
}

fn compose(from: &Mailbox, letter: &Letter) -> Result<Message, MailError> {
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(letter.date.max(0).unsigned_abs());
    let header = |name: &'static str, value: &str| {
        HeaderValue::new(HeaderName::new_from_ascii_str(name), one_line(value))
    };
    let mut builder = Message::builder()
        .from(from.clone())
        .to(mailbox(&letter.to)?)
        .subject(one_line(&letter.subject))
        .date(date)
        .message_id(Some(one_line(&letter.message_id)))
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Auto-Response-Suppress", "All"));
    if let Some(last) = letter.references.last() {
        let all: Vec<String> = letter.references.iter().map(|id| one_line(id)).collect();
        builder = builder
            .in_reply_to(one_line(last))
            .references(all.join(" "));
    }
    if !letter.about.is_empty() {
        builder = builder.raw_header(header("X-Eider-Alert", &letter.about));
    }
    if !letter.report.is_empty() {
        builder = builder.raw_header(header("X-Eider-Report", &letter.report));
    }
    builder
        .multipart(body(letter)?)
        .map_err(|error| MailError::Settings(format!("the mail cannot be built: {error}")))
}

/// mixed ─ alternative ─ text │ related ─ HTML + pictures, + files; layers that hold nothing more
/// than one part are left out.
fn body(letter: &Letter) -> Result<MultiPart, MailError> {
    let (text, html) = (letter.text.clone(), letter.html.clone());
    let content = if letter.pictures.is_empty() {
        MultiPart::alternative_plain_html(text, html)
    } else {
        let mut related = MultiPart::related().singlepart(SinglePart::html(html));
        for picture in &letter.pictures {
            let name = one_line(&picture.name);
            related = related.singlepart(
                Attachment::new_inline_with_name(name.clone(), name)
                    .body(picture.bytes.clone(), content_type(picture)?),
            );
        }
        MultiPart::alternative()
            .singlepart(SinglePart::plain(text))
            .multipart(related)
    };
    if letter.files.is_empty() {
        return Ok(content);
    }
    let mut mixed = MultiPart::mixed().multipart(content);
    for file in &letter.files {
        let part = Attachment::new(one_line(&file.name));
        mixed = mixed.singlepart(part.body(file.bytes.clone(), content_type(file)?));
    }
    Ok(mixed)
}

fn content_type(file: &Enclosure) -> Result<ContentType, MailError> {
    ContentType::parse(&file.content_type).map_err(|error| {
        MailError::Settings(format!(
            "`{}` is no content type: {error}",
            file.content_type
        ))
    })
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    one_line(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        Letter {
            to: "ops@example.net".into(),
            subject: "[CRIT] web01: /var 95 % full".into(),
            text: "text".into(),
            html: "<p>html</p>".into(),
            message_id: "<a.1@example.net>".into(),
            references: vec!["<root@example.net>".into()],
            date: 1_700_000_000,
            about: "disk-full; host=web01".into(),
            ..Letter::default()
        }
    }

    fn formatted(letter: &Letter) -> String {
        let from = mailbox("Monitor <eider@example.net>").unwrap();
        String::from_utf8(compose(&from, letter).unwrap().formatted()).unwrap()
    }

    fn header_names(mail: &str) -> Vec<String> {
        let head = mail.split("\r\n\r\n").next().unwrap();
        head.lines()
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split(':').next().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn line_breaks_from_outside_add_no_header() {
        let honest = header_names(&formatted(&letter()));
        let evil = "x\r\nBcc: evil@example.org\r\n\r\nbody\n.\r\n\u{2028}\0\u{202e}";
        let mail = formatted(&Letter {
            subject: evil.into(),
            about: evil.into(),
            message_id: format!("<{evil}@example.net>"),
            references: vec![evil.into()],
            ..letter()
        });
        assert_eq!(header_names(&mail), honest);
        assert!(honest.contains(&"Auto-Submitted".to_owned()));
        assert!(honest.contains(&"References".to_owned()));
    }

    #[test]
    fn a_display_name_with_a_line_break_does_not_panic() {
        let from = mailbox("Mon\r\nitor \"x\" <eider@example.net>").unwrap();
        assert_eq!(from.email.to_string(), "eider@example.net");
        assert!(!from.name.unwrap().contains('\n'));
        for bad in ["", "ops", "a@b, c@d", "a b@c", "Ops <ops>"] {
            assert!(check_address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn chinese_subjects_arrive_encoded() {
        let mail = formatted(&Letter {
            subject: "[严重] web01: /var 已用 95 %".into(),
            ..letter()
        });
        assert!(mail.contains("Subject: =?utf-8?b?"), "{mail}");
    }
}
