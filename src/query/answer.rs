//! What the history answers.

use serde::{Deserialize, Serialize};

/// The rows of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    pub columns: Vec<AnswerColumn>,
    pub rows: Vec<Vec<Cell>>,
    /// There were more rows than asked for.
    pub truncated: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerColumn {
    pub name: String,
    /// DuckDB's name of the type.
    pub sql_type: String,
}

/// One cell of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Cell {
    Null,
    Bool(bool),
    /// Any integer type up to HUGEINT.
    Int(#[serde(with = "exact")] i128),
    Float(#[serde(with = "bits")] f64),
    Text(String),
    /// Microseconds since 1970 UTC.
    Time(i64),
    /// Days since 1970.
    Date(i32),
    /// Everything else, as DuckDB prints it (INTERVAL, LIST, DECIMAL, …).
    Other(String),
}

impl Answer {
    /// The place of the column of that name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

impl Cell {
    /// The number in it, if it is a finite one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Cell::Int(value) => Some(*value as f64),
            Cell::Float(value) => Some(*value).filter(|value| value.is_finite()),
            // A DECIMAL comes as DuckDB prints it.
            Cell::Other(text) => text.parse().ok().filter(|value: &f64| value.is_finite()),
            _ => None,
        }
    }
}

/// An integer beyond what JSON's numbers hold, as text.
mod exact {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(v: &i128, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&v.to_string())
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<i128, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// A float bit by bit: JSON has no infinity.
mod bits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(v: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(v.to_bits())
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<f64, D::Error> {
        u64::deserialize(from).map(f64::from_bits)
    }
}
