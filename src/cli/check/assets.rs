//! What `eider check` says of queries, templates and the summaries of rules.

use serde_json::{Map, Value, json};

use crate::home::{Folder, Home};
use crate::inventory::{
    Inventory, Literal, Origin, Place, Problem, ProblemSeverity, Rule, SourceFile,
};
use crate::render::{LANGUAGES, RenderError, Renderer};
use crate::store;
use crate::table::Tables;

/// Every query, read and asked against an empty history. Returns the files, how many there are and
/// what is wrong with them.
pub(super) fn queries(
    home: &Home,
    tables: &Tables,
) -> anyhow::Result<(Vec<SourceFile>, Vec<Problem>)> {
    let mut files = Vec::new();
    for name in home.asset_names(Folder::Queries) {
        if !name.ends_with(".sql") {
            continue;
        }
        if let Some(text) = home.asset(Folder::Queries, &name) {
            files.push(SourceFile::new(format!("queries/{name}"), text));
        }
    }
    let (_, problems) = store::check_queries(&files, tables)?;
    Ok((files, problems))
}

/// Every template, read without being rendered: what fills it is known only at run time.
pub(super) fn templates(home: &Home, renderer: &Renderer) -> (Vec<SourceFile>, Vec<Problem>) {
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for name in home.asset_names(Folder::Templates) {
        let is_template = (name.ends_with(".html") || name.ends_with(".txt"))
            && !name.starts_with("i18n/")
            && !name.starts_with("static/");
        if !is_template {
            continue;
        }
        let Err(error) = renderer.check(&name) else {
            continue;
        };
        let path = format!("templates/{name}");
        problems.push(template_problem(&path, &error));
        if let Some(text) = home.asset(Folder::Templates, &name) {
            files.push(SourceFile::new(path, text));
        }
    }
    (files, problems)
}

fn template_problem(path: &str, error: &RenderError) -> Problem {
    let (line, message) = match error {
        RenderError::Missing(name) => (1, format!("there is no template `{name}`")),
        RenderError::Failed { line, what, .. } => ((*line).max(1), what.clone()),
    };
    Problem {
        severity: ProblemSeverity::Error,
        code: "bad-template",
        message: format!("the template cannot be read: {message}"),
        places: vec![Place {
            path: path.to_owned(),
            line,
            column: 1,
            length: 1,
        }],
        help: None,
    }
}

/// The summary of every rule, rendered in every language with a made-up alert.
pub(super) fn summaries(inventory: &Inventory, renderer: &Renderer) -> Vec<Problem> {
    let mut problems = Vec::new();
    for rule in &inventory.rules {
        let context = made_up(rule, inventory);
        for language in LANGUAGES {
            let template = rule.summary.get(language);
            let Err(error) = renderer.render_text(&rule.name, template, language, "UTC", &context)
            else {
                continue;
            };
            let what = match error {
                RenderError::Missing(name) => format!("there is no template `{name}`"),
                RenderError::Failed { what, .. } => what,
            };
            problems.push(summary_problem(rule, inventory, &what));
            break;
        }
    }
    problems
}

fn summary_problem(rule: &Rule, inventory: &Inventory, what: &str) -> Problem {
    let places = match &rule.origin {
        Origin::File {
            path, line, column, ..
        } => vec![Place {
            path: path.clone(),
            line: *line,
            column: *column,
            length: rule.name.chars().count(),
        }],
        Origin::BuiltIn => Vec::new(),
    };
    let entity = inventory
        .tables
        .find(&rule.when.table)
        .and_then(|table| table.entity);
    let names = [
        "host",
        "value",
        "active_for",
        "severity",
        "labels",
        "groups",
    ]
    .into_iter()
    .chain(entity);
    Problem {
        severity: ProblemSeverity::Error,
        code: "bad-summary",
        message: format!(
            "the summary of the rule `{}` cannot be rendered: {what}",
            rule.name
        ),
        places,
        help: Some(format!(
            "it may use {}",
            names.collect::<Vec<_>>().join(", ")
        )),
    }
}

/// The names that a summary may use, as the notifier gives them, with values of the right kind.
fn made_up(rule: &Rule, inventory: &Inventory) -> Value {
    let labels: Map<String, Value> = inventory
        .hosts
        .values()
        .flat_map(|host| host.labels.keys())
        .map(|name| (name.clone(), json!("x")))
        .collect();
    let value = match &rule.when.literal {
        Literal::Number(number) => json!(number),
        Literal::Text(text) => json!(text),
        Literal::Bool(value) => json!(value),
    };
    let mut context = json!({
        "host": "web01",
        "rule": rule.name,
        "entity": "x",
        "value": value,
        "severity": "warning",
        "since": 0,
        "active_for": "5 min",
        "now": 300,
        "groups": ["x"],
        "labels": labels,
    });
    if let Some(entity) = inventory
        .tables
        .find(&rule.when.table)
        .and_then(|table| table.entity)
    {
        context[entity] = json!("x");
    }
    context
}
