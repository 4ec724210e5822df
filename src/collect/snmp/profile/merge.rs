//! What the built-in objects and several profiles say of the same table, put together by rank.

use std::collections::HashMap;
use std::sync::Arc;

use super::Given;
use crate::profile::{BUILT_IN_RANK, Fills};
use crate::reading::{EntityKey, Row, TableReadings, Value};
use crate::table::{PROCESS, Table};

/// What one collection has to say in the end.
pub(in crate::collect::snmp) struct Merged {
    pub(in crate::collect::snmp) tables: Vec<TableReadings>,
    pub(in crate::collect::snmp) host_facts: Vec<(&'static str, String)>,
}

/// The rows of one source, the built-in objects having no name.
struct Share {
    rank: u8,
    profile: Arc<str>,
    rows: Vec<Row>,
}

impl Merged {
    pub(in crate::collect::snmp) fn of(
        built_in: Vec<TableReadings>,
        facts: Vec<(&'static str, String)>,
        given: Vec<Given>,
    ) -> Merged {
        if given.is_empty() {
            let host_facts = facts;
            return Merged {
                tables: built_in,
                host_facts,
            };
        }
        let mut shares: Vec<(&'static Table, Vec<Share>)> = Vec::new();
        let mut all_facts: Vec<(u8, &'static str, String)> = facts
            .into_iter()
            .map(|(name, value)| (BUILT_IN_RANK, name, value))
            .collect();
        let mut add = |table: &'static Table, share: Share| match shares
            .iter_mut()
            .find(|(t, _)| std::ptr::eq(*t, table))
        {
            Some((_, list)) => list.push(share),
            None => shares.push((table, vec![share])),
        };
        for TableReadings { table, rows } in built_in {
            let profile = Arc::from("");
            add(
                table,
                Share {
                    rank: BUILT_IN_RANK,
                    profile,
                    rows,
                },
            );
        }
        for Given {
            rank,
            profile,
            fills,
            rows,
            facts,
        } in given
        {
            match fills {
                Fills::Table(table) if !rows.is_empty() => add(
                    table,
                    Share {
                        rank,
                        profile,
                        rows,
                    },
                ),
                _ => {}
            }
            all_facts.extend(facts.into_iter().map(|(name, value)| (rank, name, value)));
        }
        let tables = shares.into_iter().map(|(table, mut list)| {
            list.sort_by_key(|share| std::cmp::Reverse(share.rank));
            let rows = match table.entity {
                _ if list.len() == 1 => list.remove(0).rows,
                Some(_) => entities(list),
                None if *table == PROCESS => list.remove(0).rows,
                None => vec![one(table, list)],
            };
            TableReadings { table, rows }
        });
        let tables = tables.collect();
        all_facts.sort_by_key(|(rank, ..)| std::cmp::Reverse(*rank));
        let mut host_facts: Vec<(&'static str, String)> = Vec::new();
        for (_, name, value) in all_facts {
            if !host_facts.iter().any(|(known, _)| *known == name) {
                host_facts.push((name, value));
            }
        }
        Merged { tables, host_facts }
    }
}

/// One row per thing. Two profiles that know a thing of the same name mean the same thing, and the
/// higher rank tells of it; two things of one name in one profile are two.
fn entities(shares: Vec<Share>) -> Vec<Row> {
    let mut seen: HashMap<String, (Arc<str>, usize)> = HashMap::new();
    let mut rows = Vec::new();
    for share in shares {
        for mut row in share.rows {
            let Some(key) = &mut row.entity else {
                continue;
            };
            match seen.get_mut(&key.name) {
                Some((profile, _)) if *profile != share.profile => continue,
                Some((_, count)) => {
                    *count += 1;
                    let name = format!("{} #{count}", key.name);
                    *key = Arc::new(EntityKey::named(name));
                }
                None => {
                    seen.insert(key.name.clone(), (share.profile.clone(), 1));
                }
            }
            rows.push(row);
        }
    }
    rows
}

/// One row per host. Where the table says by which formula it was made, the parts of two formulas
/// are not mixed: the highest rank that has a value wins. Elsewhere each column is filled by the
/// highest rank that knows it.
fn one(table: &'static Table, shares: Vec<Share>) -> Row {
    let whole = table.position("formula").is_some();
    let mut row = Row::new(table, None);
    for other in shares.into_iter().flat_map(|share| share.rows) {
        if whole && tells(table, &row) {
            break;
        }
        if whole && tells(table, &other) {
            return other;
        }
        for (mine, theirs) in row.values.iter_mut().zip(other.values) {
            if mine.is_null() {
                *mine = theirs;
            }
        }
    }
    row
}

/// Whether the row says how much is used, and not only how much there is.
fn tells(table: &Table, row: &Row) -> bool {
    let amounts = ["cores", "formula", "total_bytes", "swap_total_bytes"];
    let columns = table.columns.iter().zip(&row.values);
    let mut told = columns.filter(|(column, _)| !amounts.contains(&column.name));
    told.any(|(_, value)| *value != Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{CPU, FILESYSTEM, SYSTEM};

    fn given(rank: u8, profile: &str, table: &'static Table, rows: Vec<Row>) -> Given {
        Given {
            rank,
            profile: profile.into(),
            fills: Fills::Table(table),
            rows,
            facts: vec![("model", format!("model of {profile}"))],
        }
    }

    fn row(table: &'static Table, column: &str, value: f64) -> Row {
        let mut row = Row::new(table, None);
        row.set(table, column, Value::Float(value));
        row
    }

    #[test]
    fn the_highest_rank_with_a_value_fills_cpu() {
        let built_in = vec![TableReadings {
            table: &CPU,
            rows: vec![row(&CPU, "used_pct", 1.0)],
        }];
        let used = |given: Vec<Given>| {
            let merged = Merged::of(built_in.clone(), Vec::new(), given);
            merged.tables[0].rows[0].values[CPU.position("used_pct").unwrap()].clone()
        };
        let high = || given(60, "cisco", &CPU, vec![row(&CPU, "used_pct", 2.0)]);
        let low = || given(30, "other", &CPU, vec![row(&CPU, "used_pct", 3.0)]);
        let only_cores = given(90, "cores", &CPU, vec![row(&CPU, "cores", 8.0)]);
        assert_eq!(used(vec![low()]), Value::Float(1.0));
        assert_eq!(used(vec![low(), high()]), Value::Float(2.0));
        assert_eq!(used(vec![only_cores]), Value::Float(1.0));
    }

    #[test]
    fn columns_of_system_come_from_whoever_knows_them() {
        let built_in = vec![TableReadings {
            table: &SYSTEM,
            rows: vec![row(&SYSTEM, "load1", 1.0)],
        }];
        let more = given(60, "x", &SYSTEM, vec![row(&SYSTEM, "users", 4.0)]);
        let merged = Merged::of(built_in, vec![("model", "plain".into())], vec![more]);
        let cell = |c| merged.tables[0].rows[0].values[SYSTEM.position(c).unwrap()].clone();
        assert_eq!(
            (cell("load1"), cell("users")),
            (Value::Float(1.0), Value::Float(4.0))
        );
        assert_eq!(merged.host_facts, [("model", "model of x".to_owned())]);
    }

    #[test]
    fn things_of_one_name() {
        let named = |name: &str| Row::new(&FILESYSTEM, Some(EntityKey::named(name)));
        let shares = vec![
            given(60, "a", &FILESYSTEM, vec![named("/"), named("/data")]),
            given(60, "a", &FILESYSTEM, vec![named("/data")]),
            given(50, "b", &FILESYSTEM, vec![named("/"), named("/b")]),
        ];
        let merged = Merged::of(Vec::new(), Vec::new(), shares);
        let rows = merged.tables[0].rows.iter();
        let names: Vec<_> = rows
            .map(|r| r.entity.as_ref().unwrap().name.as_str())
            .collect();
        assert_eq!(names, ["/", "/data", "/data #2", "/b"]);
    }
}
