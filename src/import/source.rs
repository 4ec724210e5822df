//! Where hosts come from by themselves: a file or a program that is asked again and again.

use std::time::Duration;

use super::{Fault, Imported, Kind, Wishes, import};
use crate::inventory::Outline;

/// One entry of `sources:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    pub name: String,
    pub from: From,
    pub kind: Kind,
    pub every: Duration,
    pub wishes: Wishes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// A path; `*` in its last part stands for any text.
    File(String),
    /// A program with its arguments; what it prints.
    Command(Vec<String>),
}

impl Source {
    /// Where its hosts are written, relative to the home.
    pub fn path(&self) -> String {
        format!("inventory/hosts.d/source-{}.yaml", self.name)
    }

    /// The hosts file for these texts, each with the name of what it came from. `None`: they name no
    /// host, which is rather a mistake there than the end of all hosts.
    ///
    /// # Errors
    /// When one of them cannot be read, in one line.
    pub fn hosts_file(&self, texts: &[(String, String)]) -> Result<Option<String>, String> {
        let mut whole = Outline::default();
        for (from, text) in texts {
            let read = import(self.kind, text, &self.wishes);
            let Imported { outline, .. } = read.map_err(|fault| told(from, &fault))?;
            whole.credentials.extend(outline.credentials);
            whole.hosts.extend(outline.hosts);
            for group in outline.groups {
                let known = whole.groups.iter_mut().find(|g| g.name == group.name);
                match known {
                    Some(known) => known.hosts.extend(group.hosts),
                    None => whole.groups.push(group),
                }
            }
        }
        if whole.is_empty() {
            return Ok(None);
        }
        let mut seen = std::collections::BTreeSet::new();
        let groups = whole.groups.iter_mut().map(|group| &mut group.hosts);
        for hosts in groups.chain([&mut whole.hosts]) {
            hosts.retain(|host| seen.insert(host.name.clone()));
        }
        whole.heading = vec![
            format!("Written by Eider from the source {}.", self.name),
            "Changes here are lost when the source changes: make them there, or end the source and rename the file."
                .into(),
        ];
        Ok(Some(whole.to_yaml()))
    }
}

fn told(from: &str, fault: &Fault) -> String {
    match (fault.line, fault.column) {
        (0, _) => format!("{from}: {}", fault.why),
        (line, 0) => format!("{from}:{line}: {}", fault.why),
        (line, column) => format!("{from}:{line}:{column}: {}", fault.why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(kind: Kind) -> Source {
        Source {
            name: "nodes".into(),
            from: From::File("targets/*.json".into()),
            kind,
            every: Duration::from_secs(60),
            wishes: Wishes {
                collect: vec!["ping".into()],
                group: Some("nodes".into()),
                ..Wishes::default()
            },
        }
    }

    fn of(texts: &[(&str, &str)]) -> Result<Option<String>, String> {
        let owned = texts
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        source(Kind::FileSd).hosts_file(&owned.collect::<Vec<_>>())
    }

    #[test]
    fn several_files_make_one_and_each_host_stands_once() {
        let made = of(&[
            ("a.json", r#"[{"targets": ["x", "y"]}]"#),
            ("b.json", r#"[{"targets": ["y", "z"]}]"#),
        ]);
        let made = made.unwrap().unwrap();
        assert_eq!(made.matches("collect").count(), 3, "{made}");
        assert_eq!(made.matches("nodes:\n").count(), 1, "{made}");
    }

    #[test]
    fn nothing_is_not_believed_and_a_mistake_has_its_place() {
        assert_eq!(of(&[("a.json", "[]")]), Ok(None));
        assert_eq!(of(&[]), Ok(None));
        let why = of(&[("a.json", "[{"), ("b.json", "[]")]).unwrap_err();
        assert!(why.starts_with("a.json:1:"), "{why}");
    }
}
