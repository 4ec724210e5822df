//! The sources of a section, each with its number: objects, index parts, reads.

use super::mapping;
use crate::inventory::nearest::nearest;
use crate::inventory::problem::Problems;
use crate::inventory::yaml::Written;
use crate::profile::expression::{Names, Type};
use crate::profile::{
    Arcs, IndexKind, IndexPart, IndexShape, Join, Mapping, Object, Read, Source, SystemWord, arcs,
};

const OBJECTS_MAX: usize = 200;

const SYSTEM: [(&str, SystemWord); 3] = [
    ("sys_descr", SystemWord::Descr),
    ("sys_object_id", SystemWord::ObjectId),
    ("sys_name", SystemWord::Name),
];

/// What a section may refer to, growing as it is read.
#[derive(Default)]
pub(super) struct Sources {
    pub(super) entry: Option<Arcs>,
    pub(super) joins: Vec<Join>,
    pub(super) index: IndexShape,
    /// Names of the index parts, empty where there is none.
    pub(super) index_names: Vec<String>,
    pub(super) objects: Vec<Object>,
    pub(super) reads: Vec<Read>,
    types: Vec<Type>,
}

/// Why a text is no source: a sentence, and what to do.
type Refused = (String, Option<String>);

impl Sources {
    /// Adds a read and gives its number.
    pub(super) fn add(&mut self, name: &str, sources: Vec<Source>, mapping: Mapping) -> usize {
        let own = sources.iter().map(|source| self.type_of_source(source));
        let own = own.reduce(|a, b| if a == b { a } else { Type::Any });
        self.types
            .push(mapping::type_of(&mapping, own.unwrap_or(Type::Any)));
        self.reads.push(Read {
            name: name.to_owned(),
            sources,
            mapping,
        });
        self.reads.len() - 1
    }

    pub(super) fn type_of(&self, read: usize) -> Type {
        self.types.get(read).copied().unwrap_or(Type::Any)
    }

    fn type_of_source(&self, source: &Source) -> Type {
        match source {
            Source::Object(_) => Type::Any,
            Source::Index(IndexPart::Whole) | Source::System(_) | Source::Text(_) => Type::Text,
            Source::Index(IndexPart::Part(part)) => match self.index.parts.get(*part) {
                None | Some(IndexKind::Int) => Type::Number,
                Some(_) => Type::Text,
            },
            Source::Read(read) => self.type_of(*read),
        }
    }

    /// The texts as sources, best first; what is none is reported.
    pub(super) fn sources(
        &mut self,
        texts: &[Written<String>],
        problems: &mut Problems<'_>,
    ) -> Vec<Source> {
        let mut sources = Vec::new();
        for text in texts {
            match self.source(text.value.trim()) {
                Ok(source) => sources.push(source),
                Err((message, help)) => {
                    let problem = problems.error("bad-source", text.mark, message);
                    if let Some(help) = help {
                        problem.help(help);
                    }
                }
            }
        }
        sources
    }

    /// One text as a source.
    pub(super) fn source(&mut self, text: &str) -> Result<Source, Refused> {
        if let Some(column) = text.strip_prefix('.') {
            if self.entry.is_none() {
                let help = "give the section an `entry:`, or write the whole object identifier";
                return Err((
                    format!("`{text}` is a column, but there is no `entry`"),
                    Some(help.into()),
                ));
            }
            let column = column_arcs(column).ok_or_else(|| no_column(text))?;
            return self.object(Object::Column(column)).map(Source::Object);
        }
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return match arcs(text).filter(|arcs| arcs.len() > 2) {
                Some(oid) => self.object(Object::Whole(oid)).map(Source::Object),
                None => Err((
                    format!("`{text}` is not an object identifier"),
                    Some("write it whole, with its instance: 1.3.6.1.2.1.1.5.0".into()),
                )),
            };
        }
        if let Some((_, word)) = SYSTEM.iter().find(|(known, _)| *known == text) {
            return Ok(Source::System(*word));
        }
        if let Some(read) = self.reads.iter().position(|read| read.name == text) {
            return Ok(Source::Read(read));
        }
        if text == "index" {
            return self.index(None);
        }
        match text.split_once('.') {
            Some(("index", part)) => self.index(Some(part)),
            Some((join, column)) => match self.joins.iter().position(|j| j.name == join) {
                Some(join) => {
                    let column = column_arcs(column).ok_or_else(|| no_column(text))?;
                    self.object(Object::Joined { join, column })
                        .map(Source::Object)
                }
                None => Err(self.unknown(join, &format!("there is no join `{join}`"))),
            },
            None => Err(self.unknown(text, &format!("nothing is called `{text}`"))),
        }
    }

    /// The index, or the part of that number (from 1) or name.
    pub(super) fn index_part(&self, part: &str) -> Result<IndexPart, Refused> {
        if let Some(place) = self.index_names.iter().position(|name| name == part) {
            return Ok(IndexPart::Part(place));
        }
        match part.parse::<usize>() {
            Ok(n @ 1..=128) if self.index.parts.is_empty() || n <= self.index.parts.len() => {
                Ok(IndexPart::Part(n - 1))
            }
            _ => {
                let help = nearest(part, self.index_names.iter().map(String::as_str))
                    .map(|likely| format!("did you mean `index.{likely}`?"));
                Err((format!("the index has no part `{part}`"), help))
            }
        }
    }

    fn index(&self, part: Option<&str>) -> Result<Source, Refused> {
        if self.entry.is_none() {
            return Err(("there is no index without an `entry`".into(), None));
        }
        match part {
            None => Ok(Source::Index(IndexPart::Whole)),
            Some(part) => self.index_part(part).map(Source::Index),
        }
    }

    fn object(&mut self, object: Object) -> Result<usize, Refused> {
        if let Some(known) = self.objects.iter().position(|o| *o == object) {
            return Ok(known);
        }
        if self.objects.len() >= OBJECTS_MAX {
            return Err((
                format!("more than {OBJECTS_MAX} objects in one section"),
                None,
            ));
        }
        self.objects.push(object);
        Ok(self.objects.len() - 1)
    }

    fn unknown(&self, name: &str, message: &str) -> Refused {
        let joins = self.joins.iter().map(|join| join.name.as_str());
        let reads = self.reads.iter().map(|read| read.name.as_str());
        let others = SYSTEM.iter().map(|(word, _)| *word).chain(["index"]);
        let help = match nearest(name, reads.chain(joins).chain(others)) {
            Some(likely) => format!("did you mean `{likely}`?"),
            None => "use a name of `read:`, a column `.4`, `JOIN.4`, `index.1` or a whole object identifier; text stands in quotes".into(),
        };
        (message.to_owned(), Some(help))
    }
}

/// `4` or `4.1`
pub(super) fn column_arcs(text: &str) -> Option<Arcs> {
    if text.starts_with('.') {
        return None;
    }
    arcs(text).filter(|arcs| arcs.len() <= 8)
}

fn no_column(text: &str) -> Refused {
    (
        format!("`{text}` is not a column"),
        Some("write the number below the entry: `.4`, `phys.7`".into()),
    )
}

/// Expressions may name reads, and sources directly.
impl Names for Sources {
    fn resolve(&mut self, name: &str) -> Result<usize, Refused> {
        if let Some(read) = self.reads.iter().position(|read| read.name == name) {
            return Ok(read);
        }
        let source = self.source(name)?;
        Ok(self.add(name, vec![source], Mapping::default()))
    }
}
