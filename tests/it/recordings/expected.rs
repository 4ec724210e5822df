//! What a person expects of a recorded device.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

/// By which version the device is asked.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Version {
    V1,
    #[default]
    V2c,
}

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    /// What it is and what is remarkable about it, for people.
    #[serde(rename = "device")]
    pub(super) _device: String,
    #[serde(default)]
    pub(super) version: Version,
    /// Facts about the host; `null`: it must not have this one.
    #[serde(default)]
    pub(super) facts: BTreeMap<String, Option<String>>,
    pub(super) tables: BTreeMap<String, ExpectedTable>,
    /// Tables that must have no row.
    #[serde(default)]
    pub(super) absent: Vec<String>,
    /// How many problems the poll may name.
    #[serde(default)]
    pub(super) problems: usize,
}

/// The rows of one table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedTable {
    /// How the values follow from the raw ones, for people.
    #[serde(rename = "how")]
    pub(super) _how: String,
    /// How many there are.
    pub(super) rows: usize,
    /// The column that names a row, where it is not the entity.
    pub(super) key: Option<String>,
    /// The only row of a table without entities.
    pub(super) row: Option<Cells>,
    /// Rows by name.
    #[serde(default)]
    pub(super) each: BTreeMap<String, Cells>,
    /// Names that must not be there.
    #[serde(default)]
    pub(super) without: Vec<String>,
}

/// Columns and facts by name: a number, a text, a truth value, `null`, or `[least, most]`.
pub(super) type Cells = BTreeMap<String, Json>;

impl Expected {
    pub(super) fn parse(text: &str) -> Result<Expected, String> {
        serde_saphyr::from_str(text).map_err(|e| e.to_string())
    }
}
