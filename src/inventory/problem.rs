//! What is wrong with a file: where, why, and what to do.

use super::yaml::Mark;

/// After this many problems the rest is not worth reading.
const PROBLEMS_MAX: usize = 500;

/// One file of the home, as read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// As shown to people, relative to the home: `inventory/hosts.yaml`.
    pub path: String,
    pub text: String,
    /// Only its owner can read it (mode 0600 or less), so that it may hold secrets.
    pub private: bool,
}

impl SourceFile {
    /// A file that others can read.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> SourceFile {
        SourceFile {
            path: path.into(),
            text: text.into(),
            private: false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// One problem of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub severity: Severity,
    /// `unknown-key`, `duplicate-host`, …
    pub code: &'static str,
    /// One sentence.
    pub message: String,
    /// The places, the main one first.
    pub places: Vec<Place>,
    /// What to do: `did you mean `credential`?`
    pub help: Option<String>,
}

impl Problem {
    /// Adds what to do.
    pub(super) fn help(&mut self, help: impl Into<String>) -> &mut Problem {
        self.help = Some(help.into());
        self
    }

    /// Adds the likely word, if there is one.
    pub(super) fn did_you_mean(&mut self, likely: Option<&str>) -> &mut Problem {
        if let Some(likely) = likely {
            self.help = Some(format!("did you mean `{likely}`?"));
        }
        self
    }
}

/// A stretch of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub path: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Characters to mark with carets, at least 1.
    pub length: usize,
}

/// The problems found so far.
pub(super) struct Problems<'f> {
    files: &'f [SourceFile],
    list: Vec<Problem>,
    /// Those beyond the bound: the newest, and how many errors and warnings.
    spilled: Option<Problem>,
    spilled_errors: usize,
    spilled_warnings: usize,
}

impl<'f> Problems<'f> {
    pub(super) fn new(files: &'f [SourceFile]) -> Problems<'f> {
        Problems {
            files,
            list: Vec::new(),
            spilled: None,
            spilled_errors: 0,
            spilled_warnings: 0,
        }
    }

    pub(super) fn error(
        &mut self,
        code: &'static str,
        mark: Mark,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.error_at(code, &[mark], message)
    }

    /// An error of several places, the main one first.
    pub(super) fn error_at(
        &mut self,
        code: &'static str,
        marks: &[Mark],
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Severity::Error, code, marks, message.into())
    }

    pub(super) fn warning(
        &mut self,
        code: &'static str,
        mark: Mark,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Severity::Warning, code, &[mark], message.into())
    }

    /// A warning that no line is to blame for.
    pub(super) fn warning_of_all(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Severity::Warning, code, &[], message.into())
    }

    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        marks: &[Mark],
        message: String,
    ) -> &mut Problem {
        let places = marks.iter().map(|mark| self.place(*mark)).collect();
        let problem = Problem {
            severity,
            code,
            message,
            places,
            help: None,
        };
        if self.list.len() < PROBLEMS_MAX {
            self.list.push(problem);
            let last = self.list.len() - 1;
            return &mut self.list[last];
        }
        match severity {
            Severity::Error => self.spilled_errors += 1,
            Severity::Warning => self.spilled_warnings += 1,
        }
        self.spilled.insert(problem)
    }

    pub(super) fn place(&self, mark: Mark) -> Place {
        Place {
            path: self.path(mark.file).to_owned(),
            line: mark.line,
            column: mark.column,
            length: mark.length,
        }
    }

    pub(super) fn path(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |file| &file.path)
    }

    pub(super) fn is_private(&self, file: usize) -> bool {
        self.files.get(file).is_some_and(|file| file.private)
    }

    /// How many errors there are so far.
    pub(super) fn errors(&self) -> usize {
        let errors = self.list.iter().filter(|p| p.severity == Severity::Error);
        errors.count()
    }

    pub(super) fn has_errors(&self) -> bool {
        self.spilled_errors > 0 || self.list.iter().any(|p| p.severity == Severity::Error)
    }

    /// Every problem in the order of the files and lines.
    pub(super) fn finish(self) -> Vec<Problem> {
        let mut list = self.list;
        let position = |path: &str| self.files.iter().position(|file| file.path == path);
        list.sort_by_key(|problem| {
            let first = problem.places.first();
            first.map(|place| (position(&place.path), place.line, place.column))
        });
        if let Some(spilled) = self.spilled {
            list.push(Problem {
                severity: match self.spilled_errors {
                    0 => Severity::Warning,
                    _ => Severity::Error,
                },
                code: "too-many",
                message: format!(
                    "{} more errors and {} more warnings are not shown",
                    self.spilled_errors, self.spilled_warnings
                ),
                help: Some("mend the first ones and check again".into()),
                ..spilled
            });
        }
        list
    }
}
