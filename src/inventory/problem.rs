//! What is wrong with a file: where, why, and what to do.

/// One file of the home, as read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// As shown to people, relative to the home: `inventory/hosts.yaml`.
    pub path: String,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
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
