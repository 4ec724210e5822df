//! The words about alerts: summaries from the rules' templates, and whole mails.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::alert::notice::{Item, Kind, Notice};
use crate::alert::{Alert, Observed, operator, plain_number};
use crate::inventory::{Condition, Inventory, Literal, Origin, Rule};
use crate::mail::{Letter, one_line};
use crate::reading::UnixSeconds;
use crate::render::Renderer;
use crate::table::Tables;

use super::outbox::message_id;

/// References that a mail names at most.
const REFERENCES_MAX: usize = 20;

/// Turns notices into mails, by the inventory of now.
pub(crate) struct Wording<'a> {
    pub(crate) renderer: &'a Renderer,
    pub(crate) inventory: &'a Inventory,
}

impl Wording<'_> {
    /// What the alert's rule says of it, in one line. A template that fails gives way to a plain
    /// text: an alert without beauty is better than none.
    pub(crate) fn summary(&self, alert: &Alert, language: &str, now: UnixSeconds) -> String {
        let rule = self.rule(&alert.key.rule);
        let template = rule.map_or("", |rule| rule.summary.get(language));
        if template.is_empty() {
            return plain_summary(alert);
        }
        let timezone = &self.inventory.settings.timezone;
        let name = format!("rule {}", alert.key.rule);
        let context = self.summary_context(alert, rule, language, now);
        let rendered = self
            .renderer
            .render_text(&name, template, language, timezone, &context);
        match rendered {
            Ok(text) => one_line(&text),
            Err(error) => {
                tracing::warn!(rule = alert.key.rule, %error, "the rule's summary cannot be rendered");
                plain_summary(alert)
            }
        }
    }

    /// The names that a rule's summary may use.
    fn summary_context(
        &self,
        alert: &Alert,
        rule: Option<&Rule>,
        language: &str,
        now: UnixSeconds,
    ) -> Value {
        let mut context = Map::new();
        if let Some(host) = self.inventory.hosts.get(&alert.key.host) {
            context.insert("labels".into(), json!(host.labels));
            context.insert("groups".into(), json!(host.groups));
        }
        let entity = one_line(&alert.key.entity);
        let entity_column = rule
            .and_then(|rule| self.inventory.tables.find(&rule.when.table))
            .and_then(|table| table.entity);
        if let Some(column) = entity_column {
            context.insert(column.into(), json!(entity));
        }
        let active_for = self.duration(now - alert.since, language);
        for (name, value) in [
            ("host", json!(one_line(&alert.key.host))),
            ("rule", json!(alert.key.rule)),
            ("entity", json!(entity)),
            ("value", value(&alert.value)),
            ("severity", json!(alert.severity.as_str())),
            ("since", json!(alert.since)),
            ("active_for", json!(active_for)),
            ("now", json!(now)),
        ] {
            context.insert(name.into(), value);
        }
        Value::Object(context)
    }

    /// The mail of a notice to one address.
    pub(crate) fn letter(
        &self,
        notice: &Notice,
        name: &str,
        to: &str,
        domain: &str,
    ) -> Result<Letter, crate::render::RenderError> {
        let settings = &self.inventory.settings;
        let receiver = settings.notify.get(&notice.receiver);
        let language = receiver
            .and_then(|r| r.language.as_deref())
            .unwrap_or(&settings.language);
        let timezone = &settings.timezone;
        let context = self.context(notice, language);
        let render = |file| self.renderer.render(file, language, timezone, &context);
        let subject = render("mail/subject.txt")?;
        let (text, html) = (render("mail/alert.txt")?, render("mail/alert.html")?);
        let first = notice.alerts.first();
        Ok(Letter {
            to: to.into(),
            subject: one_line(&subject),
            text: plain_text(&text),
            html,
            message_id: message_id(name, to, domain),
            references: references(notice, domain),
            date: notice.at,
            about: first.map_or_else(String::new, about),
            ..Letter::default()
        })
    }

    /// A mail without templates.
    pub(crate) fn plain_letter(
        &self,
        notice: &Notice,
        name: &str,
        to: &str,
        domain: &str,
    ) -> Letter {
        let lines = notice.alerts.iter().map(|item| {
            let alert = &item.alert;
            let state = alert.state.as_str();
            format!(
                "{} {state}: {}",
                alert.severity.as_str(),
                plain_summary(alert)
            )
        });
        let lines: Vec<String> = lines.collect();
        let text = format!("{}\n\n{}\n", lines.join("\n"), public_url(self.inventory));
        let first = lines.first().map_or("", String::as_str);
        Letter {
            to: to.into(),
            subject: one_line(&format!("[EIDER] {first}")),
            html: format!("<pre>{}</pre>", escape(&text)),
            text,
            message_id: message_id(name, to, domain),
            references: references(notice, domain),
            date: notice.at,
            about: notice.alerts.first().map_or_else(String::new, about),
            ..Letter::default()
        }
    }

    fn context(&self, notice: &Notice, language: &str) -> Value {
        let settings = &self.inventory.settings;
        let items: Vec<Value> = notice
            .alerts
            .iter()
            .map(|item| self.item(item, notice.at, language))
            .collect();
        let rest = notice.unlisted.len();
        let worst = notice.alerts.iter().map(|i| match notice.kind {
            Kind::Problem | Kind::Reminder => i.alert.severity,
            Kind::Recovery | Kind::Closed => i.alert.peak,
        });
        let hosts: std::collections::BTreeSet<&str> =
            notice.alerts.iter().map(|i| &*i.alert.key.host).collect();
        let repeat = settings
            .notify
            .get(&notice.receiver)
            .map_or(0, |r| r.repeat.as_secs() as i64);
        let open = matches!(notice.kind, Kind::Problem | Kind::Reminder);
        json!({
            "now": notice.at,
            "kind": notice.kind.as_str(),
            "severity": worst.max().map_or("warning", |s| s.as_str()),
            "items": items,
            "count": items.len() + rest,
            "rest": rest,
            "hosts": hosts.len(),
            "digest": notice.rule.is_empty() && items.len() > 1,
            "group": one_line(&notice.group),
            "url": public_url(self.inventory),
            "receiver": notice.receiver,
            "next_reminder": (open && repeat > 0).then_some(notice.at + repeat),
            "version": env!("CARGO_PKG_VERSION"),
        })
    }

    fn item(&self, item: &Item, now: UnixSeconds, language: &str) -> Value {
        let alert = &item.alert;
        let rule = self.rule(&alert.key.rule);
        let end = alert.resolved_at.unwrap_or(now);
        json!({
            "severity": alert.severity.as_str(),
            "peak": alert.peak.as_str(),
            "host": one_line(&alert.key.host),
            "rule": alert.key.rule,
            "entity": one_line(&alert.key.entity),
            "summary": self.summary(alert, language, end),
            "value": value(&alert.value),
            "numeric": matches!(alert.value, Observed::Number(_)),
            "detail": one_line(&alert.detail),
            "unit": rule.map_or("", |rule| unit(&rule.when, &self.inventory.tables)),
            "limit": rule.map(|rule| condition(&rule.when, step(rule, alert), &self.inventory.tables)),
            "clears": rule.and_then(|r| r.clear_when.as_ref()).map(|c| condition(c, None, &self.inventory.tables)),
            "since": alert.since,
            "until": alert.resolved_at,
            "lasted_s": end - alert.since,
            "stale": alert.stale,
            "reason": item.reason.as_str(),
            "closed": alert.closed.map(|c| c.as_str()),
            "origin": rule.and_then(|rule| origin(&rule.origin)),
        })
    }

    fn rule(&self, name: &str) -> Option<&Rule> {
        self.inventory.rules.iter().find(|rule| rule.name == name)
    }

    fn duration(&self, seconds: i64, language: &str) -> String {
        let context = BTreeMap::from([("length", seconds)]);
        let source = "{{ length|duration }}";
        self.renderer
            .render_text("duration", source, language, "UTC", &context)
            .unwrap_or_else(|_| format!("{seconds} s"))
    }
}

/// How links in mails begin; ends with a slash.
pub(crate) fn public_url(inventory: &Inventory) -> String {
    let settings = &inventory.settings;
    let url = settings.public_url.clone().unwrap_or_else(|| {
        let listen = settings.listen.first();
        listen.map_or_else(String::new, |address| format!("http://{address}"))
    });
    format!("{}/", url.trim_end_matches('/'))
}

/// Text as HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Roots of the threads that the mail belongs to, the first alert's own one first: each alert is a
/// thread from its first mail to its recovery, and a mail about several joins them.
fn references(notice: &Notice, domain: &str) -> Vec<String> {
    let mut alerts: Vec<&Alert> = notice.alerts.iter().map(|i| &i.alert).collect();
    alerts.sort_by_key(|alert| alert.id);
    let ids = alerts.iter().take(REFERENCES_MAX);
    ids.map(|a| format!("<alert-{}.{}@{domain}>", a.id, a.since))
        .rev()
        .collect()
}

/// `disk-full; host=web07; state=firing; severity=critical`
fn about(item: &Item) -> String {
    let alert = &item.alert;
    format!(
        "{}; host={}; state={}; severity={}",
        alert.key.rule,
        alert.key.host,
        alert.state.as_str(),
        alert.severity.as_str()
    )
}

fn value(observed: &Observed) -> Value {
    match observed {
        Observed::Nothing => Value::Null,
        Observed::Bool(b) => json!(b),
        Observed::Number(n) => json!(n),
        Observed::Text(t) => json!(one_line(t)),
    }
}

fn plain_summary(alert: &Alert) -> String {
    let words = [
        &alert.key.host as &str,
        &alert.key.rule,
        &alert.key.entity,
        &alert.value.to_string(),
    ]
    .join(" ");
    one_line(&words)
}

/// The limit of the step that the alert has reached.
fn step(rule: &Rule, alert: &Alert) -> Option<f64> {
    let mut steps = rule.severity.iter();
    steps
        .find(|(severity, _)| *severity == alert.peak)
        .and_then(|(_, limit)| *limit)
}

/// `> 90 %`; the step's limit stands for the condition's own one.
fn condition(condition: &Condition, limit: Option<f64>, tables: &Tables) -> String {
    let literal = match (limit, &condition.literal) {
        (Some(limit), _) => plain_number(limit),
        (None, Literal::Number(n)) => plain_number(*n),
        (None, Literal::Text(t)) => one_line(t),
        (None, Literal::Bool(b)) => b.to_string(),
    };
    let unit = unit(condition, tables);
    format!("{} {literal} {unit}", operator(condition.op))
        .trim_end()
        .to_owned()
}

/// The unit of the column that a condition looks at.
fn unit(condition: &Condition, tables: &Tables) -> &'static str {
    let Some(table) = tables.find(&condition.table) else {
        return "";
    };
    let columns = table.columns.iter().map(|c| (c.name, c.unit));
    let derived = table.derived.iter().map(|d| (d.name, d.unit));
    let mut all = columns.chain(derived);
    all.find(|(name, _)| *name == condition.column)
        .map_or("", |(_, unit)| unit)
}

fn origin(origin: &Origin) -> Option<String> {
    match origin {
        Origin::BuiltIn => None,
        Origin::File { path, line, .. } => Some(format!("{path}:{line}")),
    }
}

/// Without control characters but line breaks: a terminal may show it.
fn plain_text(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for line in text.lines() {
        clean.extend(line.chars().filter(|c| !c.is_control()));
        clean.push('\n');
    }
    clean
}

#[cfg(test)]
mod tests;
