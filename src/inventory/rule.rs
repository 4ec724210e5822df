//! When to raise an alert.

use std::time::Duration;

use super::host::{Host, Origin};

/// One entry of `rules:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub name: String,
    /// `filesystem.used_pct > 90`, checked at load to be of that form.
    pub when: Condition,
    /// How long the condition must hold before the alert fires.
    pub hold: Duration,
    /// Resolves only when this holds; without it, as soon as `when` does not.
    pub clear_when: Option<Condition>,
    /// The steps in rising order: a plain `severity: warning` is one step without a limit.
    pub severity: Vec<(AlertSeverity, Option<f64>)>,
    pub summary: Localized,
    pub hosts: HostSelector,
    pub origin: Origin,
}

/// `table.column op literal`.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// `host` (columns: up, state) or a table.
    pub table: String,
    pub column: String,
    pub op: Comparison,
    pub literal: Literal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Number(f64),
    Text(String),
    Bool(bool),
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum AlertSeverity {
    Info,
    Warning,
    Critical,
}

impl AlertSeverity {
    pub fn as_str(self) -> &'static str {
        match self {
            AlertSeverity::Info => "info",
            AlertSeverity::Warning => "warning",
            AlertSeverity::Critical => "critical",
        }
    }

    pub fn from_word(word: &str) -> Option<AlertSeverity> {
        [
            AlertSeverity::Info,
            AlertSeverity::Warning,
            AlertSeverity::Critical,
        ]
        .into_iter()
        .find(|s| s.as_str() == word)
    }
}

/// A text in one or both languages; a plain string serves both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Localized {
    pub en: String,
    pub zh_cn: Option<String>,
}

impl Localized {
    /// The text for `en` or `zh-CN`.
    pub fn get(&self, language: &str) -> &str {
        match (language, &self.zh_cn) {
            ("zh-CN", Some(text)) => text,
            _ => &self.en,
        }
    }
}

/// Which hosts a rule is about: `all`, or terms joined by `and`: `group:edge and not label:site=lab`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostSelector {
    /// Every term must hold; empty means all hosts.
    pub terms: Vec<SelectorTerm>,
}

impl HostSelector {
    /// Whether the rule is about this host.
    pub fn matches(&self, host: &Host) -> bool {
        self.terms.iter().all(|term| {
            let holds = match &term.what {
                Selected::Host(name) => *host.name == **name,
                Selected::Group(name) => host.groups.contains(name),
                Selected::Label { name, value } => host.labels.get(name) == Some(value),
            };
            holds != term.negated
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct SelectorTerm {
    pub negated: bool,
    pub what: Selected,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Selected {
    Host(String),
    Group(String),
    Label { name: String, value: String },
}
