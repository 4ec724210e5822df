//! What a profile is once it is read: whom it is for, what to ask and which tables it fills.
//!
//! `inventory` reads the files and checks them, `collect::snmp` asks the devices, and `expression`
//! makes values of the answers. Everything here is resolved: names are numbers, columns positions.

pub mod expression;
pub mod http;
mod matching;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use crate::inventory::Localized;
use crate::table::Table;
use expression::Expression;

pub use matching::{Matching, Offers, Verdict};

/// The rank of the objects that need no profile (IF-MIB, HOST-RESOURCES-MIB, UCD-SNMP-MIB).
pub const BUILT_IN_RANK: u8 = 40;

/// The arcs of an object identifier.
pub type Arcs = Box<[u32]>;

/// One profile.
#[derive(Clone, Debug)]
pub struct Profile {
    pub name: Arc<str>,
    pub comment: String,
    /// The file it came from, `inventory/profiles/cisco-ios.yaml`.
    pub path: String,
    /// `None`: only for hosts that name it.
    pub matching: Option<Matching>,
    /// Who wins where several profiles say the same of a host; 0 to 100.
    pub rank: u8,
    pub sections: Vec<Section>,
    /// What it makes of the answers of HTTP endpoints.
    pub http: Vec<http::Filling>,
    pub traps: Vec<TrapName>,
    pub objects: Vec<ObjectName>,
    /// The text of the file: what tells one version of a profile from another.
    pub source: Arc<str>,
}

/// Two readings of the same file are the same profile. What it fills may have changed all the same:
/// a column that another profile added moves others.
impl PartialEq for Profile {
    fn eq(&self, other: &Profile) -> bool {
        let tables = |p: &Profile| -> Vec<Option<*const Table>> {
            let table = |s: &Section| match s.fills {
                Fills::Table(table) => Some(table as *const Table),
                Fills::Host => None,
            };
            let http = p.http.iter().map(|f| Some(f.table as *const Table));
            p.sections.iter().map(table).chain(http).collect()
        };
        self.name == other.name && self.source == other.source && tables(self) == tables(other)
    }
}

/// The profiles that a target may use.
#[derive(Clone, Debug, Default)]
pub struct ProfileSet {
    pub profiles: Arc<[Arc<Profile>]>,
    /// The host names them: they need not match.
    pub pinned: bool,
}

impl PartialEq for ProfileSet {
    fn eq(&self, other: &ProfileSet) -> bool {
        self.pinned == other.pinned
            && (Arc::ptr_eq(&self.profiles, &other.profiles) || self.profiles == other.profiles)
    }
}

/// One item of `tables:`, or the `facts:` of the host.
#[derive(Clone, Debug)]
pub struct Section {
    pub fills: Fills,
    /// What pages call the table.
    pub title: Option<Localized>,
    /// For the column `formula` of cpu and memory.
    pub formula: Option<Arc<str>>,
    /// The conceptual row; `None` when only scalars are read.
    pub entry: Option<Arcs>,
    pub joins: Vec<Join>,
    pub index: IndexShape,
    /// What is asked of the device, each object once.
    pub objects: Vec<Object>,
    /// What expressions refer to by number.
    pub reads: Vec<Read>,
    /// Rows to keep.
    pub keep: Option<Expression>,
    pub entity: Option<Expression>,
    /// Position among the table's facts, and the value.
    pub facts: Vec<(usize, Expression)>,
    pub columns: Vec<Fill>,
    pub every: Option<Duration>,
    /// Walk the table each time instead of asking for the rows known.
    pub walk: bool,
}

/// What a section fills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fills {
    Table(&'static Table),
    /// Facts of the host: columns are positions in [`crate::table::HOST_FACTS`].
    Host,
}

impl Section {
    /// The name of what it fills.
    pub fn name(&self) -> &'static str {
        match self.fills {
            Fills::Table(table) => table.name,
            Fills::Host => "host",
        }
    }

    /// Whether all rows of the entry make one row of the table.
    pub fn folds(&self) -> bool {
        self.entry.is_some()
            && match self.fills {
                Fills::Table(table) => table.entity.is_none(),
                Fills::Host => true,
            }
    }
}

/// Another table, looked up for every row.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    pub name: String,
    pub entry: Arcs,
    /// Its index, put together; empty: the same as ours.
    pub on: Vec<On>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum On {
    Index(IndexPart),
    /// The value of this column of ours.
    Column(Arcs),
    /// A number written down.
    Number(u32),
}

/// One object of the device.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    /// With its instance.
    Whole(Arcs),
    /// A column of the entry, by its arcs below it.
    Column(Arcs),
    /// A column of a join.
    Joined { join: usize, column: Arcs },
}

/// One thing that is read, by whichever source gives it first.
#[derive(Clone, Debug)]
pub struct Read {
    /// As it is called in the file.
    pub name: String,
    pub sources: Vec<Source>,
    pub mapping: Mapping,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// By its place in [`Section::objects`].
    Object(usize),
    /// The row's index, whole or in part.
    Index(IndexPart),
    System(SystemWord),
    /// Another read of the section, by its place; always an earlier one.
    Read(usize),
    /// Written in the file.
    Text(Arc<str>),
}

/// What every device says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemWord {
    Descr,
    ObjectId,
    Name,
}

/// How the octets and numbers of an object become a value.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    pub form: Form,
    pub words: Words,
    pub scale: Option<f64>,
    pub offset: Option<f64>,
    pub null_if: Vec<String>,
    pub regex: Option<Regex>,
    /// A number out of text: `23.5 C`.
    pub number: bool,
}

impl Mapping {
    /// Whether the value is the device's own, untouched.
    pub fn is_plain(&self) -> bool {
        self.form == Form::Text
            && self.words == Words::None
            && self.scale.is_none()
            && self.offset.is_none()
            && self.null_if.is_empty()
            && self.regex.is_none()
            && !self.number
    }
}

/// How octets are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    #[default]
    Text,
    Mac,
    Ip,
    Hex,
    /// DateAndTime: seconds since 1970.
    Date,
    Oid,
    Bits,
}

/// Words for numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Words {
    #[default]
    None,
    Enum(Vec<(i64, Arc<str>)>),
    Bits(Vec<(i64, Arc<str>)>),
}

impl Words {
    pub fn find(words: &[(i64, Arc<str>)], number: i64) -> Option<Arc<str>> {
        let found = words.iter().find(|(n, _)| *n == number);
        found.map(|(_, word)| word.clone())
    }
}

/// One column to be filled.
#[derive(Clone, Debug)]
pub enum Fill {
    /// The raw counter under that number of [`Section::reads`].
    Counter {
        position: usize,
        read: usize,
    },
    Value {
        position: usize,
        value: Expression,
    },
}

impl Fill {
    /// In the table's columns.
    pub fn position(&self) -> usize {
        match self {
            Fill::Counter { position, .. } | Fill::Value { position, .. } => *position,
        }
    }
}

/// How an index is taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexShape {
    /// Empty: one part per arc.
    pub parts: Vec<IndexKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexKind {
    Int,
    /// Four octets (IpAddress).
    Ip,
    /// Length first, then 4 or 16 octets (InetAddress).
    Inet,
    Mac,
    /// Length first.
    Text,
    /// Everything left, as text.
    Rest,
    /// Octets in hexadecimal: so many, or length first.
    Octets(Option<usize>),
    /// Everything left, as an object identifier.
    Oid,
}

/// Which part of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexPart {
    Whole,
    /// From 0, by [`IndexShape::parts`].
    Part(usize),
}

/// What a trap is called.
#[derive(Clone, Debug, PartialEq)]
pub struct TrapName {
    /// snmpTrapOID, or enterprise.0.specific of version 1.
    pub oid: Arcs,
    pub name: String,
    pub message: Option<Localized>,
    pub severity: Option<crate::inventory::AlertSeverity>,
}

/// What an object in a trap is called.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectName {
    pub oid: Arcs,
    pub name: String,
}

/// Reads `1.3.6.1` or `.1.3.6.1`: at most 128 arcs, none beyond 32 bits.
pub fn arcs(text: &str) -> Option<Arcs> {
    let text = text.strip_prefix('.').unwrap_or(text);
    let digits = |part: &&str| part.bytes().all(|b| b.is_ascii_digit());
    if text.split('.').count() > 128 || !text.split('.').all(|part| digits(&part)) {
        return None;
    }
    text.split('.').map(|part| part.parse().ok()).collect()
}

/// `1.3.6.1`
pub fn dotted(arcs: &[u32]) -> impl fmt::Display + '_ {
    Dotted(arcs)
}

struct Dotted<'a>(&'a [u32]);

impl fmt::Display for Dotted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, arc) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            write!(f, "{arc}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_identifiers() {
        assert_eq!(arcs(".1.3.6").as_deref(), Some(&[1, 3, 6][..]));
        assert_eq!(arcs("1.0.8802").as_deref(), Some(&[1, 0, 8802][..]));
        for bad in ["", ".", "1..3", "1.3.", "1.4294967296", "a.1", "1.+3", "-1"] {
            assert_eq!(arcs(bad), None, "{bad}");
        }
        assert_eq!(dotted(&[1, 3, 6]).to_string(), "1.3.6");
    }
}
