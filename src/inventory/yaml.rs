//! A YAML file as a tree of which every node knows where it was written, so that all mistakes of a
//! file can be reported together and not only the first.

/// Where something was written: a stretch of one line of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Mark {
    /// The position of the file in the list that was given to the loader.
    pub(super) file: usize,
    /// From 1.
    pub(super) line: usize,
    /// From 1, in characters.
    pub(super) column: usize,
    /// In characters, at least 1.
    pub(super) length: usize,
}

impl Mark {
    /// The whole file, where no line is to blame.
    pub(super) fn file(file: usize) -> Mark {
        Mark {
            file,
            line: 1,
            column: 1,
            length: 1,
        }
    }
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Written<T> {
    pub(super) value: T,
    pub(super) mark: Mark,
}

impl<T> Written<T> {
    /// The same value with another place: that of its key, where the value as a whole is meant.
    pub(super) fn at(self, mark: Mark) -> Written<T> {
        Written { mark, ..self }
    }
}

/// The same thing written in two places is the same thing.
impl<T: PartialEq> PartialEq for Written<T> {
    fn eq(&self, other: &Written<T>) -> bool {
        self.value == other.value
    }
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) mark: Mark,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Null,
    /// Text, quoted or not.
    Scalar(String),
    List(Vec<Node>),
    Map(Map),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Map {
    pub(super) entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Written<String>,
    pub(super) value: Node,
}

impl Map {
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key.value == key)
    }
}

impl Node {
    /// What this is, for a sentence: `a list`.
    pub(super) fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".into(),
            Kind::Scalar(text) if text.chars().count() <= 40 => format!("`{text}`"),
            Kind::Scalar(_) => "a long text".into(),
            Kind::List(_) => "a list".into(),
            Kind::Map(_) => "a mapping".into(),
        }
    }
}
