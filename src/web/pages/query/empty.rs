//! Why an answer has no rows.

use serde::Serialize;

use super::super::super::site::{self, Site};
use crate::inventory::Inventory;
use crate::query::{Asked, Kind, Query};
use crate::reading::UnixSeconds;
use crate::store::{Held, Question};

#[derive(Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub(super) enum Empty {
    UnknownHost {
        name: String,
    },
    UnknownGroup {
        name: String,
    },
    /// Nothing was ever collected for these tables.
    Never {
        tables: String,
    },
    /// There are rows, but not in the range.
    Outside {
        table: String,
        first: UnixSeconds,
        last: UnixSeconds,
        /// `from` and `to` that show them.
        from: UnixSeconds,
        to: UnixSeconds,
    },
    /// The question has no rows in its answer: often good news.
    NothingFits,
}

impl Empty {
    /// A host or group that the inventory does not have explains more than tables do.
    pub(super) fn or_unknown(self, query: &Query, asked: &Asked, inventory: &Inventory) -> Empty {
        for (given, value) in asked.params.iter().filter(|(_, value)| !value.is_empty()) {
            let name = value.clone();
            match query.param(given).map(|param| param.kind) {
                Some(Kind::Host) if !inventory.hosts.contains_key(value.as_str()) => {
                    return Empty::UnknownHost { name };
                }
                Some(Kind::Group) if !inventory.groups.iter().any(|g| g.name == *value) => {
                    return Empty::UnknownGroup { name };
                }
                _ => {}
            }
        }
        self
    }
}

/// What the tables say of it.
pub(super) async fn why(site: &Site, query: &Query, asked: &Asked, question: Question) -> Empty {
    let Ok(call) = query.bind(asked, site::now()) else {
        return Empty::NothingFits;
    };
    let held = site.parts.store.held(question).await.unwrap_or_default();
    of(&held, call.range.from, call.range.to)
}

fn of(held: &[Held], from: UnixSeconds, to: UnixSeconds) -> Empty {
    if held.is_empty() {
        return Empty::NothingFits;
    }
    if held.iter().all(|table| table.rows.is_none()) {
        let names: Vec<&str> = held.iter().map(|table| table.table.as_str()).collect();
        return Empty::Never {
            tables: names.join(", "),
        };
    }
    let filled = held
        .iter()
        .filter_map(|table| Some((&table.table, table.rows?)));
    let outside = |(_, (first, last)): &(&String, (i64, i64))| *last < from || *first >= to;
    if !filled.clone().all(|table| outside(&table)) {
        return Empty::NothingFits;
    }
    // The table that reaches nearest to what was asked for.
    let nearest = filled.min_by_key(|(_, (first, last))| (from - last).max(first - to));
    nearest.map_or(Empty::NothingFits, |(table, (first, last))| {
        Empty::Outside {
            table: table.clone(),
            first,
            last,
            from: first.max(last - (to - from)),
            to: last + 1,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_one_that_helps() {
        let held = |table: &str, rows| Held {
            table: table.into(),
            rows,
        };
        let never = of(&[held("cpu", None), held("ping", None)], 0, 10);
        assert!(matches!(never, Empty::Never { tables } if tables == "cpu, ping"));
        let tables = [held("cpu", None), held("ping", Some((100, 200)))];
        let before = of(&tables, 0, 50);
        assert!(
            matches!(before, Empty::Outside { ref table, from: 150, to: 201, .. } if table == "ping")
        );
        assert!(matches!(of(&tables, 0, 101), Empty::NothingFits));
        assert!(matches!(of(&tables, 200, 300), Empty::NothingFits));
        assert!(matches!(of(&tables, 201, 300), Empty::Outside { .. }));
        assert!(matches!(of(&[], 0, 1), Empty::NothingFits));
    }
}
