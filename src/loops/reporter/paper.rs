//! From findings to what people read: a page, a mail, a text.

mod words;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::files::{Files, Left};
use super::findings::{Finding, Findings, Found};
use crate::inventory::Inventory;
use crate::loops::notifier::parcel::Parcel;
use crate::loops::notifier::wording::public_url;
use crate::mail::{Enclosure, one_line};
use crate::query::Answer;
use crate::render::chart::{Figure, Frame, Picture, png};
use crate::render::{RenderError, Renderer, cells};
use crate::store::format::{self, Format};
use words::{first_lines, head, link, paragraphs, period_text};

pub(super) use words::written;

/// Pictures of one mail, in bytes.
const PICTURES_BYTES_MAX: usize = 3 << 20;
/// Rows of a table in plain text.
const TEXT_ROWS: usize = 20;
/// The HTML of a mail; a longer one has fewer rows.
const HTML_BYTES_MAX: usize = 1 << 20;

/// A report in one language.
pub(crate) struct Paper<'a> {
    pub(crate) findings: &'a Findings,
    pub(crate) inventory: &'a Inventory,
    pub(crate) renderer: &'a Renderer,
    pub(crate) language: &'a str,
}

/// How drawings are shown.
enum Drawn<'p> {
    /// As shapes, which the page's template draws.
    Shapes,
    /// As pictures, by the place of the section; the text goes before their name.
    Pictures(&'p [Option<Picture>], Source),
}

#[derive(Clone, Copy)]
enum Source {
    /// Beside the HTML, in the mail.
    Cid,
    /// Within the HTML.
    Data,
}

impl Paper<'_> {
    /// What the page's template takes.
    pub(crate) fn page(&self) -> Value {
        self.context(&Drawn::Shapes, "/", None, usize::MAX)
    }

    /// A document that needs nothing beside it.
    pub(crate) fn html(&self) -> Result<String, RenderError> {
        let pictures = self.pictures();
        let drawn = Drawn::Pictures(&pictures, Source::Data);
        let context = self.context(&drawn, &public_url(self.inventory), None, usize::MAX);
        self.render("mail/report.html", &context)
    }

    /// The same as plain text.
    pub(crate) fn text(&self) -> Result<String, RenderError> {
        let context = self.context(
            &Drawn::Shapes,
            &public_url(self.inventory),
            None,
            usize::MAX,
        );
        self.render("mail/report.txt", &context)
    }

    /// The mail, and what was left out of it. Templates may be anybody's: when they fail, plain words
    /// take their place.
    pub(crate) fn parcel(&self) -> (Parcel, Vec<String>) {
        let files = Files::of(self.findings);
        let pictures = self.pictures();
        let notes = files.notes();
        let (text, html) = self.bodies(&pictures, &files).unwrap_or_else(|error| {
            tracing::error!(%error, "the report's template failed; plain words are sent instead");
            self.plain()
        });
        let named = pictures.into_iter().enumerate();
        let pictures = named.filter_map(|(place, picture)| {
            Some(Enclosure {
                name: picture_name(place),
                content_type: "image/png".into(),
                bytes: picture?.png,
            })
        });
        let parcel = Parcel {
            subject: self.subject(),
            text,
            html,
            pictures: pictures.collect(),
            files: files.taken,
        };
        (parcel, notes)
    }

    fn bodies(
        &self,
        pictures: &[Option<Picture>],
        files: &Files,
    ) -> Result<(String, String), RenderError> {
        let url = public_url(self.inventory);
        let drawn = Drawn::Pictures(pictures, Source::Cid);
        let mut html = String::new();
        // A mail of many tables gets shorter ones.
        for rows in [usize::MAX, 20, 5, 0] {
            let context = self.context(&drawn, &url, Some(files), rows);
            html = self.render("mail/report.html", &context)?;
            if html.len() <= HTML_BYTES_MAX {
                break;
            }
        }
        let context = self.context(&Drawn::Shapes, &url, Some(files), usize::MAX);
        Ok((self.render("mail/report.txt", &context)?, html))
    }

    /// A mail without templates.
    fn plain(&self) -> (String, String) {
        let report = &self.findings.report;
        let zone = &report.zone;
        let mut text = format!("{}\n", report.title.get(self.language));
        for part in &self.findings.parts {
            let Finding::Query(found) = part else {
                continue;
            };
            text += &format!("\n{}\n", self.title(found));
            text += &match &found.outcome {
                Ok(answer) => format::text(&head(answer, TEXT_ROWS), Format::Table, zone),
                Err(words) => format!("{words}\n"),
            };
        }
        let escaped = crate::loops::notifier::wording::escape(&text);
        let html = format!("<pre>{escaped}</pre>");
        (text, html)
    }

    /// `Weekly capacity: 2026-11-16 – 2026-11-22`
    pub(crate) fn subject(&self) -> String {
        let title = self.findings.report.title.get(self.language);
        let subject = self.renderer.translate(self.language, "report.subject");
        let subject = subject.replace("{title}", title);
        one_line(&subject.replace("{period}", &self.period()))
    }

    /// The time that the whole report tells of; the day of its making where each query has its own.
    fn period(&self) -> String {
        let report = &self.findings.report;
        let at = self.findings.at;
        let range = report.period.as_ref();
        let range = range.and_then(|period| period.range(at, &report.zone).ok());
        range.map_or_else(
            || written(at, &report.zone, "%Y-%m-%d"),
            |range| period_text(range, &report.zone),
        )
    }

    fn render(&self, template: &str, context: &Value) -> Result<String, RenderError> {
        let zone = &self.findings.report.zone;
        self.renderer.render(template, self.language, zone, context)
    }

    fn context(&self, drawn: &Drawn<'_>, url: &str, files: Option<&Files>, rows: usize) -> Value {
        let report = &self.findings.report;
        let parts = self.findings.parts.iter().enumerate();
        let sections: Vec<Value> = parts
            .map(|(place, part)| match part {
                Finding::Text(text) => json!({
                    "kind": "text",
                    "paragraphs": paragraphs(text, self.language),
                }),
                Finding::Query(found) => self.section(place, found, drawn, url, files, rows),
            })
            .collect();
        json!({
            "name": report.name,
            "title": report.title.get(self.language),
            "subject": self.subject(),
            "period": self.period(),
            "at": self.findings.at,
            "now": self.findings.at,
            "zone": report.zone,
            "sections": sections,
            "empty": self.findings.is_empty(),
            "troubles": self.findings.troubles().len(),
            "url": url,
            "eider": env!("CARGO_PKG_VERSION"),
        })
    }

    fn section(
        &self,
        place: usize,
        found: &Found,
        drawn: &Drawn<'_>,
        url: &str,
        files: Option<&Files>,
        rows: usize,
    ) -> Value {
        let report = &self.findings.report;
        let nothing = Answer::default();
        let answer = found.outcome.as_ref().unwrap_or(&nothing);
        let rows = rows.min(found.asking.rows.unwrap_or(report.rows));
        let shown = head(answer, rows);
        let count = shown.rows.len();
        let table = self.text_table(found, answer, rows.min(TEXT_ROWS));
        let (heads, cells) = match &found.query {
            Some(query) => cells::show(query, shown, self.language),
            None => (Vec::new(), Vec::new()),
        };
        let figure = self.figure(found);
        let (taken, left) = files.map_or((None, None), |files| files.of_place(place));
        let description = found.query.as_ref().map(|query| &query.description);
        let text = found.asking.text.as_ref().or(description);
        json!({
            "kind": "query",
            "query": found.asking.query,
            "title": self.title(found),
            "paragraphs": text.map_or_else(Vec::new, |text| paragraphs(text, self.language)),
            "period": found.range.map(|range| period_text(range, &report.zone)),
            "heads": heads,
            "rows": cells,
            "table": table,
            "text_rows": count.min(TEXT_ROWS),
            "count": count,
            "all": answer.rows.len(),
            "more": answer.rows.len() > count || answer.truncated,
            "problem": found.outcome.as_ref().err().map(|words| first_lines(words)),
            "stats": match &figure {
                Some(Figure::Stats(stats)) => json!(stats),
                _ => Value::Null,
            },
            "figure": match drawn {
                Drawn::Shapes => json!(figure),
                Drawn::Pictures(..) => Value::Null,
            },
            "legend": match &figure {
                Some(Figure::Drawing(drawing)) => json!(drawing.legend),
                _ => json!([]),
            },
            "picture": picture(place, drawn),
            "attached": taken,
            "left_out": left.map(Left::as_str),
            "link": link(found, url, ""),
            "download": link(found, url, ".csv"),
        })
    }

    fn title(&self, found: &Found) -> String {
        let own = found.asking.title.as_ref();
        let of_query = found.query.as_ref().map(|query| &query.title);
        own.or(of_query).map_or_else(
            || found.asking.query.clone(),
            |title| title.get(self.language).to_owned(),
        )
    }

    fn figure(&self, found: &Found) -> Option<Figure> {
        let answer = found.outcome.as_ref().ok()?;
        let frame = Frame {
            query: found.query.as_ref()?,
            range: found.range?,
            timezone: &self.findings.report.zone,
            language: self.language,
        };
        Figure::of(frame, answer)
    }

    /// The drawings as pictures, by the places of their sections, as many as a mail can carry.
    fn pictures(&self) -> Vec<Option<Picture>> {
        let mut bytes = 0;
        let each = self.findings.parts.iter().map(|part| {
            let Finding::Query(found) = part else {
                return None;
            };
            let Some(Figure::Drawing(drawing)) = self.figure(found) else {
                return None;
            };
            match png(&drawing) {
                Ok(picture) => {
                    bytes += picture.png.len();
                    (bytes <= PICTURES_BYTES_MAX).then_some(picture)
                }
                Err(error) => {
                    tracing::error!(query = found.asking.query, error, "no picture can be made");
                    None
                }
            }
        });
        each.collect()
    }

    /// The rows as text, under the titles of their columns.
    fn text_table(&self, found: &Found, answer: &Answer, rows: usize) -> String {
        let mut answer = head(answer, rows);
        answer.truncated = false;
        for column in &mut answer.columns {
            let show = found.query.as_ref().and_then(|q| q.show(&column.name));
            if let Some(title) = show.and_then(|show| show.title.as_ref()) {
                column.name = title.get(self.language).to_owned();
            }
        }
        format::text(&answer, Format::Table, &self.findings.report.zone)
    }
}

fn picture_name(place: usize) -> String {
    format!("chart{}.png", place + 1)
}

fn picture(place: usize, drawn: &Drawn<'_>) -> Value {
    let Drawn::Pictures(pictures, source) = drawn else {
        return Value::Null;
    };
    let Some(Some(picture)) = pictures.get(place) else {
        return Value::Null;
    };
    let src = match source {
        Source::Cid => format!("cid:{}", picture_name(place)),
        Source::Data => format!("data:image/png;base64,{}", STANDARD.encode(&picture.png)),
    };
    json!({
        "src": src,
        "width": picture.width,
        "height": picture.height,
        "signs": picture.signs,
    })
}
