//! The front matter as it is written.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::inventory::Localized;

use super::param::Scalar;

/// The file as written.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Front {
    pub(super) title: Words,
    #[serde(default)]
    pub(super) description: Option<Words>,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    #[serde(default)]
    pub(super) range: Option<String>,
    #[serde(default)]
    pub(super) params: Ordered<ParamFile>,
    #[serde(default)]
    pub(super) columns: Ordered<ShowFile>,
    #[serde(default)]
    pub(super) chart: Option<ChartFile>,
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
pub(super) enum Words {
    Plain(String),
    Localized {
        en: String,
        #[serde(rename = "zh-CN")]
        zh_cn: Option<String>,
    },
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParamFile {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) default: Option<Scalar>,
    #[serde(default)]
    pub(super) min: Option<f64>,
    #[serde(default)]
    pub(super) max: Option<f64>,
    #[serde(default)]
    pub(super) values: Vec<String>,
    #[serde(default)]
    pub(super) unit: Option<String>,
    #[serde(default)]
    pub(super) title: Option<Words>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShowFile {
    #[serde(default)]
    pub(super) title: Option<Words>,
    #[serde(default)]
    pub(super) unit: Option<String>,
    #[serde(default)]
    pub(super) link: Option<String>,
    #[serde(default)]
    pub(super) bar: bool,
    #[serde(default)]
    pub(super) warn: Option<f64>,
    #[serde(default)]
    pub(super) crit: Option<f64>,
    #[serde(default)]
    pub(super) digits: Option<u8>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChartFile {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) x: Option<String>,
    #[serde(default)]
    pub(super) y: Option<OneOrMore>,
    #[serde(default)]
    pub(super) series: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// A mapping in the order of the file.
pub(super) struct Ordered<T>(pub(super) Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Ordered(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Ordered(pairs))
            }
        }
        deserializer.deserialize_map(Pairs(PhantomData))
    }
}

impl From<Words> for Localized {
    fn from(words: Words) -> Localized {
        match words {
            Words::Plain(en) => Localized { en, zh_cn: None },
            Words::Localized { en, zh_cn } => Localized { en, zh_cn },
        }
    }
}
