//! The words of the pages and mails in each language: `templates/i18n/<language>.txt`, a line
//! `key = text` each. A home may override single lines.

use std::collections::BTreeMap;

use super::LANGUAGES;

/// The texts of one language, with English behind them.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalogue {
    texts: BTreeMap<String, String>,
}

impl Catalogue {
    pub(super) fn load(source: &dyn Fn(&str) -> Option<String>, language: &str) -> Catalogue {
        let mut texts = BTreeMap::new();
        for language in [LANGUAGES[0], language] {
            if let Some(file) = source(&format!("i18n/{language}.txt")) {
                texts.extend(parse(&file));
            }
        }
        Catalogue { texts }
    }

    /// The text of the key, or the key itself when no language has it.
    pub(super) fn text<'a>(&'a self, key: &'a str) -> &'a str {
        self.texts.get(key).map_or(key, String::as_str)
    }

    /// Whether any language has the key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.texts.contains_key(key)
    }

    /// The text of the key with `{n}` filled in.
    pub(super) fn count(&self, key: &str, n: i64) -> String {
        self.text(key).replace("{n}", &n.to_string())
    }
}

/// The pairs of a catalogue file; empty lines and lines that begin with `#` are skipped.
fn parse(file: &str) -> impl Iterator<Item = (String, String)> {
    file.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(key, text)| (key.trim().to_owned(), text.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn file(language: &str) -> BTreeMap<String, String> {
        let path = format!(
            "{}/templates/i18n/{language}.txt",
            env!("CARGO_MANIFEST_DIR")
        );
        parse(&std::fs::read_to_string(path).unwrap()).collect()
    }

    fn holes(text: &str) -> BTreeSet<&str> {
        text.split('{')
            .skip(1)
            .filter_map(|part| part.split_once('}').map(|(name, _)| name))
            .collect()
    }

    #[test]
    fn every_language_has_every_key_with_the_same_holes() {
        let english = file("en");
        assert!(english.len() > 100);
        for language in &LANGUAGES[1..] {
            let other = file(language);
            let keys = |texts: &BTreeMap<String, String>| texts.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(&english), keys(&other), "keys of {language}");
            for (key, text) in &english {
                assert_eq!(holes(text), holes(&other[key]), "{key} in {language}");
                assert!(!other[key].is_empty(), "{key} in {language}");
            }
        }
    }

    #[test]
    fn every_key_that_a_template_names_exists() {
        let english = file("en");
        let root = format!("{}/templates", env!("CARGO_MANIFEST_DIR"));
        let pattern =
            regex::Regex::new(r#"["']([a-z_]+(?:\.[a-z0-9_]+)+)["']\s*\|\s*t\b"#).unwrap();
        let mut seen = 0;
        for directory in [root.clone(), format!("{root}/mail")] {
            let Ok(entries) = std::fs::read_dir(&directory) else {
                continue;
            };
            for path in entries.map(|e| e.unwrap().path()).filter(|p| p.is_file()) {
                let source = std::fs::read_to_string(&path).unwrap();
                assert!(!source.contains("autoescape"), "{}", path.display());
                for found in pattern.captures_iter(&source) {
                    seen += 1;
                    assert!(
                        english.contains_key(&found[1]),
                        "{} in {}",
                        &found[1],
                        path.display()
                    );
                }
            }
        }
        assert!(seen > 50, "only {seen} keys seen");
    }
}
