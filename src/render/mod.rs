//! Templates: pages and mails from minijinja, values formatted with their units; charts and tables
//! of answers, for pages and mails alike.
//!
//! Text from a device ends up in every template, so escaping is not left to their authors: all but
//! `.txt` are escaped as HTML whatever their name, and the `safe` filter does not exist.

mod catalogue;
pub mod cells;
pub mod chart;
mod duration;
mod filters;
pub mod number;

use std::fmt;
use std::io;
use std::sync::Arc;

use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use serde::Serialize;

use catalogue::Catalogue;
use filters::Scope;

/// The languages that every page and mail exists in; the first is the fallback.
pub const LANGUAGES: [&str; 2] = ["en", "zh-CN"];

/// Instructions that one rendering may take: a page of 10,000 hosts needs about a tenth of it.
const FUEL: u64 = 40_000_000;
/// Bytes that one rendering may give.
const MAX_OUTPUT_BYTES: usize = 32 << 20;
/// How deep templates may include one another and macros may call themselves.
const MAX_DEPTH: usize = 60;

/// Renders the templates that its source has. Cheap to clone.
#[derive(Clone)]
pub struct Renderer {
    source: Source,
}

/// The text of the template of that name, if there is one.
type Source = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

impl fmt::Debug for Renderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renderer").finish_non_exhaustive()
    }
}

/// Why a template gave no text. Names the template and the line, never a variable's value: values
/// may be secret, and come from outside.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RenderError {
    #[error("there is no template {0}: neither in templates/ nor built in")]
    Missing(String),
    #[error("templates/{template}, line {line}: {what}")]
    Failed {
        template: String,
        line: usize,
        what: String,
    },
}

impl Renderer {
    /// `source` gives a template by its name: `move |name| home.asset(Folder::Templates, name)`.
    pub fn new(source: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Renderer {
        Renderer {
            source: Arc::new(source),
        }
    }

    /// Renders `templates/<name>`. `language` is one of [`LANGUAGES`] (any other counts as `en`),
    /// `timezone` an IANA name (UTC when unknown). The context should have `now` (Unix seconds),
    /// which the filter `ago` counts from. Templates see `lang` and `timezone` beside it.
    ///
    /// The environment is made anew for each rendering, so that an edited template shows at once.
    pub fn render(
        &self,
        name: &str,
        language: &str,
        timezone: &str,
        context: &impl Serialize,
    ) -> Result<String, RenderError> {
        let root = Value::from(Serde(context));
        let environment = self.environment(language, timezone, &root);
        let template = environment
            .get_template(name)
            .map_err(|error| explain(name, &error))?;
        let mut output = Capped(Vec::new());
        template
            .render_captured_to(root, &mut output)
            .map_err(|error| explain(name, &error))?;
        String::from_utf8(output.0).map_err(|_| RenderError::Failed {
            template: name.into(),
            line: 0,
            what: "gave bytes that are not text".into(),
        })
    }

    /// Reads a template without rendering it: what is wrong with its syntax, if anything.
    pub fn check(&self, name: &str) -> Result<(), RenderError> {
        let environment = self.environment(LANGUAGES[0], "UTC", &Value::UNDEFINED);
        environment
            .get_template(name)
            .map(|_| ())
            .map_err(|error| explain(name, &error))
    }

    /// Renders a template that is not a file (a rule's summary), as plain text. `name` is what an
    /// error calls it.
    pub fn render_text(
        &self,
        name: &str,
        source: &str,
        language: &str,
        timezone: &str,
        context: &impl Serialize,
    ) -> Result<String, RenderError> {
        let root = Value::from(Serde(context));
        self.environment(language, timezone, &root)
            .render_named_str(&format!("{name}.txt"), source, root)
            .map_err(|error| explain(name, &error))
    }

    /// The words of a language, for code that speaks outside a template.
    pub fn translate(&self, language: &str, key: &str) -> String {
        Catalogue::load(&*self.source, language)
            .text(key)
            .to_owned()
    }

    fn environment(&self, language: &str, timezone: &str, root: &Value) -> Environment<'static> {
        let language = LANGUAGES
            .into_iter()
            .find(|l| *l == language)
            .unwrap_or(LANGUAGES[0]);
        let mut environment = Environment::new();
        let source = self.source.clone();
        environment.set_loader(move |name| Ok(source(name)));
        environment.set_auto_escape_callback(|name| {
            if name.ends_with(".txt") {
                AutoEscape::None
            } else {
                AutoEscape::Html
            }
        });
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(MAX_DEPTH);
        // Error texts must not carry the values of variables.
        environment.set_debug(false);
        environment.remove_filter("safe");
        environment.remove_global("debug");
        environment.add_global("lang", language);
        environment.add_global("timezone", timezone);
        let now = root
            .get_attr("now")
            .ok()
            .and_then(|now| i64::try_from(now).ok());
        filters::register(
            &mut environment,
            Scope::new(Catalogue::load(&*self.source, language), timezone, now),
        );
        environment
    }
}

/// Where and what kind, from the innermost template that the error names.
fn explain(asked: &str, error: &Error) -> RenderError {
    if error.kind() == ErrorKind::TemplateNotFound {
        return RenderError::Missing(asked.into());
    }
    let mut place = (error.name(), error.line(), error.kind());
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(inner) = inner.downcast_ref::<Error>()
            && inner.line().is_some()
        {
            place = (inner.name(), inner.line(), inner.kind());
        }
        source = inner.source();
    }
    RenderError::Failed {
        template: place.0.unwrap_or(asked).into(),
        line: place.1.unwrap_or(0),
        what: place.2.to_string(),
    }
}

/// Refuses to grow beyond [`MAX_OUTPUT_BYTES`].
struct Capped(Vec<u8>);

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT_BYTES {
            return Err(io::Error::other("the page grew too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn renderer() -> Renderer {
        Renderer::new(|_| None)
    }

    fn text(renderer: &Renderer, source: &str, context: &serde_json::Value) -> String {
        renderer
            .render_text("test", source, "en", "Asia/Shanghai", context)
            .unwrap()
    }

    #[test]
    fn filters_format_values() {
        let renderer = renderer();
        let at = |source| {
            text(
                &renderer,
                source,
                &json!({"now": 1_700_000_100, "x": 95.234}),
            )
        };
        assert_eq!(at("{{ x|unit('%') }}"), "95.2 %");
        assert_eq!(at("{{ none|ago }}"), "–");
        assert_eq!(
            at("{{ 1_700_000_000|datetime }}"),
            "2023-11-15 06:13:20 +08:00"
        );
        assert_eq!(at("{{ 'a/b c?'|segment }}"), "a%2Fb%20c%3F");
        assert_eq!(at("{{ lang }} {{ timezone }}"), "en Asia/Shanghai");
    }

    #[test]
    fn an_error_names_the_line_and_no_value() {
        let renderer = renderer();
        let error = renderer
            .render_text(
                "rule disk-full",
                "one\n{{ password + 1 }}",
                "en",
                "UTC",
                &json!({"password": "hunter2"}),
            )
            .unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(said.contains("rule disk-full"), "{said}");
        assert!(said.contains("line 2"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }

    #[test]
    fn unknown_variables_endless_loops_and_safe_are_errors() {
        let renderer = renderer();
        for source in [
            "{{ nothing }}",
            "{{ '<b>'|safe }}",
            "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}",
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        ] {
            renderer
                .render_text("test", source, "en", "UTC", &json!({}))
                .expect_err(source);
        }
    }
}
