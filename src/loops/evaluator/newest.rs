//! One question per table: the newest row of each entity that a rule could be about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::alert::{Alert, Newest, Observed, operator};
use crate::inventory::{Condition, Inventory, Literal};
use crate::store::Cell;
use crate::table::Table;

/// What the rules want of one table.
pub(super) struct Wanted {
    pub(super) table: String,
    pub(super) columns: BTreeSet<String>,
    conditions: Vec<Condition>,
    /// Hosts with an open alert on the table: their rows are wanted whatever they hold.
    hosts: BTreeSet<Arc<str>>,
}

impl Wanted {
    pub(super) fn of(inventory: &Inventory, open: &[Alert]) -> Vec<Wanted> {
        let mut wanted: BTreeMap<&str, Wanted> = BTreeMap::new();
        for rule in &inventory.rules {
            let when = &rule.when;
            let entry = wanted.entry(&when.table).or_insert_with(|| Wanted {
                table: when.table.clone(),
                columns: BTreeSet::new(),
                conditions: Vec::new(),
                hosts: BTreeSet::new(),
            });
            entry.columns.insert(when.column.clone());
            let clear = rule.clear_when.iter().filter(|c| c.table == when.table);
            entry.columns.extend(clear.map(|c| c.column.clone()));
            entry.conditions.push(when.clone());
            let mine = open.iter().filter(|alert| alert.key.rule == rule.name);
            entry.hosts.extend(mine.map(|alert| alert.key.host.clone()));
        }
        wanted.into_values().collect()
    }

    /// One pass over the recent rows: the newest one of each entity, if a rule could hold for it or
    /// an alert of its host is open. The struct keeps NULLs, which arg_max alone would skip.
    pub(super) fn sql(&self, table: &Table) -> String {
        let entity = table.entity.map_or("''".to_owned(), ident);
        let fields = |wrap: &dyn Fn(&str) -> String| {
            let all: Vec<String> = self.columns.iter().map(|c| wrap(c)).collect();
            all.join(", ")
        };
        let packed = fields(&|c| format!("{0} := {0}", ident(c)));
        let unpacked = fields(&|c| format!("v.{}", ident(c)));
        let mut wanted: Vec<String> = self.conditions.iter().map(holds).collect();
        if !self.hosts.is_empty() {
            let hosts: Vec<String> = self.hosts.iter().map(|host| text(host)).collect();
            wanted.push(format!("host IN ({})", hosts.join(", ")));
        }
        format!(
            "SELECT host, entity, epoch(ts)::BIGINT AS at, {unpacked} FROM (
                SELECT host, {entity} AS entity, max(ts) AS ts,
                    arg_max(struct_pack({packed}), ts) AS v
                FROM {} WHERE ts >= $since AND ts <= $until GROUP BY ALL)
             WHERE {}",
            ident(table.name),
            wanted.join(" OR ")
        )
    }
}

fn holds(condition: &Condition) -> String {
    let literal = match &condition.literal {
        Literal::Number(n) => format!("{n:?}"),
        Literal::Text(t) => text(t),
        Literal::Bool(b) => b.to_string(),
    };
    let column = ident(&condition.column);
    format!("v.{column} {} {literal}", operator(condition.op))
}

fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Host, entity, time, then the values.
pub(super) fn newest(row: &[Cell]) -> Option<Newest> {
    let [
        Cell::Text(host),
        Cell::Text(entity),
        Cell::Int(at),
        values @ ..,
    ] = row
    else {
        return None;
    };
    Some(Newest {
        host: host.as_str().into(),
        entity: entity.clone(),
        ts: i64::try_from(*at).ok()?,
        values: values.iter().map(observed).collect(),
        detail: String::new(),
    })
}

fn observed(cell: &Cell) -> Observed {
    match cell {
        Cell::Null => Observed::Nothing,
        Cell::Bool(b) => Observed::Bool(*b),
        Cell::Int(n) => Observed::number(*n as f64),
        Cell::Float(n) => Observed::number(*n),
        Cell::Text(t) | Cell::Other(t) => Observed::Text(t.clone()),
        Cell::Time(us) => Observed::number((us / 1_000_000) as f64),
        Cell::Date(days) => Observed::number(f64::from(*days)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::inventory::{AlertSeverity, Comparison, HostSelector, Localized, Origin, Rule};
    use crate::store::{Question, Store};
    use crate::table;

    /// Every column of every table, the derived ones too, can be asked for.
    #[test]
    fn the_question_can_be_asked_of_every_table() {
        let (store, _recorder) = Store::in_memory().unwrap();
        let mut inventory = Inventory::default();
        for table in table::ALL {
            let stored = table
                .columns
                .iter()
                .filter(|c| c.kind != table::Kind::Input);
            let names = stored.map(|c| (c.name, c.kind));
            let derived = table.derived.iter().map(|d| (d.name, table::Kind::Float));
            for (column, kind) in names.chain(derived) {
                let literal = match kind {
                    table::Kind::Text => Literal::Text("it's".into()),
                    table::Kind::Bool => Literal::Bool(true),
                    // A time is compared as a number nowhere yet.
                    table::Kind::Time => continue,
                    _ => Literal::Number(0.5),
                };
                inventory.rules.push(Rule {
                    name: format!("{}-{column}", table.name),
                    when: Condition {
                        table: table.name.into(),
                        column: column.into(),
                        op: Comparison::NotEqual,
                        literal,
                    },
                    hold: Duration::ZERO,
                    clear_when: None,
                    severity: vec![(AlertSeverity::Info, None)],
                    summary: Localized::default(),
                    hosts: HostSelector::default(),
                    origin: Origin::BuiltIn,
                });
            }
        }
        let mut wanted = Wanted::of(&inventory, &[]);
        assert_eq!(wanted.len(), table::ALL.len());
        for wanted in &mut wanted {
            wanted.hosts.insert("web'01".into());
            let table = table::find(&wanted.table).unwrap();
            let question = Question::new(wanted.sql(table))
                .bind("since", Cell::Time(0))
                .bind("until", Cell::Time(1));
            let answer = store.ask_blocking(&question).unwrap();
            assert_eq!(
                answer.columns.len(),
                3 + wanted.columns.len(),
                "{}",
                wanted.table
            );
        }
    }

    #[test]
    fn a_row_with_nulls_is_a_row() {
        let text = |t: &str| Cell::Text(t.into());
        let row = [
            text("web01"),
            text("/"),
            Cell::Int(60),
            Cell::Null,
            Cell::Float(91.5),
        ];
        let newest = newest(&row).unwrap();
        assert_eq!(
            (&*newest.host, newest.entity.as_str(), newest.ts),
            ("web01", "/", 60)
        );
        assert_eq!(newest.values, [Observed::Nothing, Observed::Number(91.5)]);
    }
}
