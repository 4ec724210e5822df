//! The last readings of the rows of one table of one target, in little memory: of a quarter of a
//! million ports each octet counts.

use super::{BaseRow, RowKey};
use crate::reading::Value;

/// Rows by their key. A collection shows nearly always the same rows in the same order as the one
/// before, so that the next one asked for is nearly always the next one here.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rows {
    sorted: Vec<BaseRow>,
    /// Seen for the first time in the collection that is being taken in.
    fresh: Vec<BaseRow>,
    next: usize,
}

impl Rows {
    pub(super) fn get_mut(&mut self, key: RowKey) -> Option<&mut BaseRow> {
        let place = match self.sorted.get(self.next) {
            Some(row) if row.key == key => self.next,
            _ => self.sorted.binary_search_by_key(&key, |row| row.key).ok()?,
        };
        self.next = place + 1;
        self.sorted.get_mut(place)
    }

    /// Adds a row that is not there yet.
    pub(super) fn add(&mut self, row: BaseRow) {
        self.fresh.push(row);
    }

    /// The end of a collection: what is not to be kept goes, what is new finds its place. Of rows
    /// with one key the first stays.
    pub(super) fn settle(&mut self, keep: impl FnMut(&BaseRow) -> bool) {
        self.next = 0;
        self.sorted.retain(keep);
        if !self.fresh.is_empty() {
            self.sorted.reserve_exact(self.fresh.len());
            self.sorted.append(&mut self.fresh);
            self.fresh = Vec::new();
            self.sorted.sort_by_key(|row| row.key);
            self.sorted.dedup_by_key(|row| row.key);
        }
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, BaseRow> {
        self.sorted.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len()
    }
}

impl FromIterator<BaseRow> for Rows {
    fn from_iter<T: IntoIterator<Item = BaseRow>>(rows: T) -> Rows {
        let fresh = rows.into_iter().collect();
        let mut rows = Rows {
            fresh,
            ..Rows::default()
        };
        rows.settle(|_| true);
        rows
    }
}

/// A raw counter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Raw {
    None,
    Bits32(u32),
    Bits64(u64),
}

impl Raw {
    pub(super) fn of(value: &Value) -> Raw {
        match value {
            Value::Counter32(n) => Raw::Bits32(*n),
            Value::Counter64(n) => Raw::Bits64(*n),
            _ => Raw::None,
        }
    }

    pub(super) fn value(self) -> Value {
        match self {
            Raw::None => Value::Null,
            Raw::Bits32(n) => Value::Counter32(n),
            Raw::Bits64(n) => Value::Counter64(n),
        }
    }
}

/// How many counters one word tells the kinds of.
const TOLD: usize = 32;

/// The raw counters of one row: a word with two bits for the kind of each of 32, then the values of
/// those that there are, and so on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Packed(Box<[u64]>);

impl Packed {
    /// Of what [`pack`] made.
    pub(super) fn of(words: &[u64]) -> Packed {
        Packed(words.into())
    }

    /// The same as [`Packed::of`], in the place that there is.
    pub(super) fn replace(&mut self, words: &[u64]) {
        if self.0.len() == words.len() {
            self.0.copy_from_slice(words);
        } else {
            self.0 = words.into();
        }
    }

    /// The counters in their order; after the last one [`Raw::None`] for ever.
    pub(super) fn iter(&self) -> Unpacked<'_> {
        Unpacked {
            words: self.0.iter(),
            kinds: 0,
            left: 0,
        }
    }

    pub(super) fn words(&self) -> &[u64] {
        &self.0
    }
}

/// Replaces `words` by the counters, packed.
pub(super) fn pack(raws: impl Iterator<Item = Raw>, words: &mut Vec<u64>) {
    words.clear();
    let mut kinds = 0;
    for (n, raw) in raws.enumerate() {
        let bit = 2 * (n % TOLD);
        if bit == 0 {
            kinds = words.len();
            words.push(0);
        }
        let (kind, value) = match raw {
            Raw::None => continue,
            Raw::Bits32(n) => (1, u64::from(n)),
            Raw::Bits64(n) => (2, n),
        };
        words[kinds] |= kind << bit;
        words.push(value);
    }
}

pub(super) struct Unpacked<'a> {
    words: std::slice::Iter<'a, u64>,
    kinds: u64,
    left: usize,
}

impl Unpacked<'_> {
    pub(super) fn next(&mut self) -> Raw {
        if self.left == 0 {
            let Some(kinds) = self.words.next() else {
                return Raw::None;
            };
            (self.kinds, self.left) = (*kinds, TOLD);
        }
        let kind = self.kinds & 3;
        self.kinds >>= 2;
        self.left -= 1;
        let mut value = || self.words.next().copied().unwrap_or(0);
        match kind {
            1 => Raw::Bits32(value() as u32),
            2 => Raw::Bits64(value()),
            _ => Raw::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw() -> impl Strategy<Value = Raw> {
        prop_oneof![
            Just(Raw::None),
            any::<u32>().prop_map(Raw::Bits32),
            any::<u64>().prop_map(Raw::Bits64),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn what_is_packed_comes_out(
            first in prop::collection::vec(raw(), 0..80),
            second in prop::collection::vec(raw(), 0..80),
        ) {
            let mut scratch = Vec::new();
            let mut packed = Packed::default();
            for raws in [first, second] {
                pack(raws.iter().copied(), &mut scratch);
                packed.replace(&scratch);
                let again = Packed::of(packed.words());
                prop_assert_eq!(&again, &packed);
                let mut all = again.iter();
                for raw in &raws {
                    prop_assert_eq!(all.next(), *raw);
                }
                prop_assert_eq!(all.next(), Raw::None);
            }
        }

        #[test]
        fn any_words_do_no_harm(words in prop::collection::vec(any::<u64>(), 0..5)) {
            let packed = Packed::of(&words);
            let mut all = packed.iter();
            for _ in 0..200 {
                all.next();
            }
        }
    }
}
