//! From YAML text to a tree ([`super::yaml`]): aliases and merges resolved, duplicates reported.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::problem::Problems;
use super::syntax::syntax_help;
use super::yaml::{Entry, Kind, Map, Mark, Node, Written};

/// Deeper nesting, or more nodes (an alias can multiply them), is refused.
const DEPTH_MAX: usize = 24;
const NODES_MAX: usize = 1_000_000;
const TOO_MUCH: &str = "too much for one file";

/// The tree of the file at this position; an empty file is [`Kind::Null`]. `None` after a mistake
/// in the YAML itself, which is reported.
pub(super) fn parse(file: usize, text: &str, problems: &mut Problems<'_>) -> Option<Node> {
    let parser = Parser::new_from_str(text);
    let mut builder = Builder {
        file,
        text,
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        root: None,
        documents: 0,
        problems,
    };
    for item in parser {
        let stop = match item {
            Ok((event, span)) => builder.take(event, span).err(),
            Err(error) => Some(builder.syntax(&error)),
        };
        if let Some(stop) = stop {
            builder.problems.error("yaml", stop.mark, stop.message).help = stop.help;
            return None;
        }
    }
    Some(builder.root.unwrap_or(Node {
        mark: Mark::file(file),
        kind: Kind::Null,
    }))
}

/// Why the rest of the file cannot be read.
struct Stop {
    mark: Mark,
    message: String,
    help: Option<String>,
}

impl Stop {
    fn new(mark: Mark, message: impl Into<String>, help: &str) -> Stop {
        Stop {
            mark,
            message: message.into(),
            help: (!help.is_empty()).then(|| help.to_owned()),
        }
    }
}

/// A collection whose end has not come yet.
struct Open {
    mark: Mark,
    anchor: usize,
    what: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    Map {
        map: Map,
        /// Position of each key in the map.
        seen: HashMap<String, usize>,
        key: Option<Written<String>>,
        /// The values of `<<`, merged at the end.
        merges: Vec<Node>,
    },
}

struct Builder<'t, 'p, 'f> {
    file: usize,
    text: &'t str,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
    documents: usize,
    problems: &'p mut Problems<'f>,
}

impl Builder<'_, '_, '_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        let mark = self.mark(&span);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Stop::new(
                        mark,
                        "a second YAML document begins here",
                        "a file holds one document: remove the `---`",
                    ));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                refuse_tag(tag.as_deref(), mark)?;
                let plain = style == ScalarStyle::Plain;
                let kind = match &*text {
                    "" | "~" | "null" | "Null" | "NULL" if plain => Kind::Null,
                    text => Kind::Scalar(text.to_owned()),
                };
                self.place(Node { mark, kind }, anchor, Some(&text))?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                refuse_tag(tag.as_deref(), mark)?;
                self.begin(mark, anchor, OpenKind::List(Vec::new()))?;
            }
            Event::MappingStart(_, anchor, tag) => {
                refuse_tag(tag.as_deref(), mark)?;
                let map = OpenKind::Map {
                    map: Map::default(),
                    seen: HashMap::new(),
                    key: None,
                    merges: Vec::new(),
                };
                self.begin(mark, anchor, map)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end()?,
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id) else {
                    return Err(Stop::new(mark, "an alias inside what it stands for", ""));
                };
                let (nodes, depth) = extent(node);
                self.nodes += nodes;
                // Looked at before it is copied: what an alias stands for counts as if it were
                // written here.
                if self.nodes > NODES_MAX {
                    return Err(Stop::new(mark, TOO_MUCH, ""));
                }
                if self.open.len() + depth > DEPTH_MAX {
                    return Err(Stop::new(mark, too_deep(), ""));
                }
                let node = node.clone();
                let text = match &node.kind {
                    Kind::Scalar(text) => Some(text.clone()),
                    _ => None,
                };
                self.place(node, 0, text.as_deref())?;
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, mark: Mark, anchor: usize, what: OpenKind) -> Result<(), Stop> {
        if self.open.len() >= DEPTH_MAX {
            return Err(Stop::new(mark, too_deep(), ""));
        }
        if let Some(Open {
            what: OpenKind::Map { key: None, .. },
            ..
        }) = self.open.last()
        {
            return Err(Stop::new(
                mark,
                "a key must be plain text",
                "put text that begins with `[` or `{` in quotes",
            ));
        }
        self.open.push(Open { mark, anchor, what });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stop> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let kind = match open.what {
            OpenKind::List(items) => Kind::List(items),
            OpenKind::Map {
                mut map, merges, ..
            } => {
                for merge in merges {
                    self.merge(&mut map, merge);
                }
                Kind::Map(map)
            }
        };
        let node = Node {
            mark: open.mark,
            kind,
        };
        self.place(node, open.anchor, None)
    }

    /// Puts a finished node where it belongs; `text` is its text when it may serve as a key.
    fn place(&mut self, node: Node, anchor: usize, text: Option<&str>) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(Stop::new(node.mark, TOO_MUCH, ""));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.what) {
            None => self.root = Some(node),
            Some(OpenKind::List(items)) => items.push(node),
            Some(OpenKind::Map {
                map,
                seen,
                key,
                merges,
            }) => match key.take() {
                None => {
                    let value = text.unwrap_or_default().to_owned();
                    let mark = node.mark;
                    *key = Some(Written { value, mark });
                }
                Some(name) if name.value == "<<" => merges.push(node),
                Some(name) => match seen.get(&name.value) {
                    Some(&first) => {
                        let first = map.entries[first].key.mark;
                        let message = format!("`{}` is written twice", name.value);
                        self.problems
                            .error_at("duplicate-key", &[name.mark, first], message);
                    }
                    None => {
                        seen.insert(name.value.clone(), map.entries.len());
                        map.entries.push(Entry {
                            key: name,
                            value: node,
                        });
                    }
                },
            },
        }
        Ok(())
    }

    /// `<<: *base`: the entries of the base that the map does not have itself.
    fn merge(&mut self, map: &mut Map, from: Node) {
        match from.kind {
            Kind::Map(base) => {
                for entry in base.entries {
                    if map.get(&entry.key.value).is_none() {
                        map.entries.push(entry);
                    }
                }
            }
            Kind::List(bases) if bases.iter().all(|b| matches!(b.kind, Kind::Map(_))) => {
                for base in bases {
                    self.merge(map, base);
                }
            }
            _ => {
                let message = "`<<` takes a mapping or a list of mappings";
                self.problems.error("wrong-type", from.mark, message);
            }
        }
    }

    fn mark(&self, span: &Span) -> Mark {
        let length = match span.start.line() == span.end.line() {
            true => span.end.col().saturating_sub(span.start.col()),
            // The first line of a text over several lines.
            false => self
                .text
                .lines()
                .nth(span.start.line().saturating_sub(1))
                .map_or(1, |line| line.chars().count())
                .saturating_sub(span.start.col()),
        };
        Mark {
            file: self.file,
            line: span.start.line().max(1),
            column: span.start.col() + 1,
            length: length.max(1),
        }
    }

    fn syntax(&self, error: &ScanError) -> Stop {
        let at = error.marker();
        let mark = Mark {
            file: self.file,
            line: at.line().max(1),
            column: at.col() + 1,
            length: 1,
        };
        let help = syntax_help(self.text, mark.line);
        Stop::new(mark, format!("not valid YAML: {}", error.info()), &help)
    }
}

fn refuse_tag(tag: Option<&Tag>, mark: Mark) -> Result<(), Stop> {
    match tag {
        Some(tag) if tag.is_custom() => Err(Stop::new(
            mark,
            format!("the tag `{}` means nothing here", tag.original()),
            "remove the word that begins with `!`",
        )),
        _ => Ok(()),
    }
}

fn too_deep() -> String {
    format!("nested deeper than {DEPTH_MAX} levels")
}

/// How many nodes it is, and how many levels.
fn extent(node: &Node) -> (usize, usize) {
    let join = |(nodes, depth): (usize, usize), child: &Node| {
        let (more, deeper) = extent(child);
        (nodes + more, depth.max(deeper))
    };
    let (nodes, depth) = match &node.kind {
        Kind::List(items) => items.iter().fold((0, 0), join),
        Kind::Map(map) => map.entries.iter().map(|e| &e.value).fold((0, 0), join),
        Kind::Null | Kind::Scalar(_) => return (1, 0),
    };
    (nodes + 1, depth + 1)
}
