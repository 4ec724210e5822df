//! From the newest rows to observations: what each rule sees.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{AlertKey, Observed};
use crate::inventory::{
    AlertSeverity, Comparison, Host, HostSelector, Inventory, Literal, Rule, Selected,
};
use crate::reading::UnixSeconds;

/// The newest row per entity of one table.
#[derive(Clone, Debug, Default)]
pub struct NewestRows {
    /// A table, or `host` (columns `up` and `state`).
    pub table: String,
    /// The columns read, in the order of [`Newest::values`].
    pub columns: Vec<String>,
    pub rows: Vec<Newest>,
}

#[derive(Clone, Debug)]
pub struct Newest {
    pub host: Arc<str>,
    /// Empty in tables without an entity.
    pub entity: String,
    pub ts: UnixSeconds,
    pub values: Vec<Observed>,
    /// What else is known of the cause; empty mostly.
    pub detail: String,
}

/// What one rule sees of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    pub key: AlertKey,
    /// The row's time.
    pub at: UnixSeconds,
    /// The row is recent enough to change anything.
    pub fresh: bool,
    /// `None`: the value is not there, or not of the literal's type.
    pub holds: Option<bool>,
    /// What `clear_when` says; without one, the contrary of `holds`.
    pub clears: Option<bool>,
    /// The highest step that the value reaches, the lowest one when it reaches none.
    pub severity: AlertSeverity,
    pub value: Observed,
    pub detail: String,
}

/// Everything seen in one round.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub observations: BTreeMap<AlertKey, Observation>,
    /// The newest row of each (table, host), whatever the entity.
    pub newest: BTreeMap<(String, Arc<str>), UnixSeconds>,
}

/// How old a host's newest row may be: 2.5 times the longest interval of its targets.
pub fn freshness(host: &Host) -> Duration {
    let interval = host.targets.iter().map(|t| t.interval).max();
    interval.unwrap_or(Duration::from_secs(60)).mul_f64(2.5)
}

/// The same for a table whose rows may come less often than the host is polled.
pub fn freshness_in(inventory: &Inventory, host: &Host, table: &str) -> Duration {
    let slowest = Duration::from_secs(inventory.tables.slowest_s(table).unsigned_abs());
    freshness(host).max(slowest.mul_f64(2.5))
}

/// Applies every rule to the rows of its table. Rows of hosts that the inventory does not know, or
/// that the rule is not about, yield nothing.
pub fn observe(inventory: &Inventory, tables: &[NewestRows], now: UnixSeconds) -> Seen {
    let mut seen = Seen::default();
    for rows in tables {
        for row in &rows.rows {
            let slot = seen.newest.entry((rows.table.clone(), row.host.clone()));
            let newest = slot.or_insert(row.ts);
            *newest = row.ts.max(*newest);
        }
        for rule in inventory
            .rules
            .iter()
            .filter(|r| r.when.table == rows.table)
        {
            for observation in observe_rule(inventory, rule, rows, now) {
                seen.observations
                    .insert(observation.key.clone(), observation);
            }
        }
    }
    seen
}

fn observe_rule<'a>(
    inventory: &'a Inventory,
    rule: &'a Rule,
    rows: &'a NewestRows,
    now: UnixSeconds,
) -> impl Iterator<Item = Observation> + 'a {
    let position = |column: &str| rows.columns.iter().position(|c| c == column);
    let when = position(&rule.when.column);
    let clear = rule.clear_when.as_ref().map(|c| (c, position(&c.column)));
    rows.rows.iter().filter_map(move |row| {
        let host = inventory.hosts.get(&row.host)?;
        if !selects(&rule.hosts, host) {
            return None;
        }
        let value = when.and_then(|p| row.values.get(p)).cloned();
        let value = value.unwrap_or(Observed::Nothing);
        let holds = compare(&value, rule.when.op, &rule.when.literal);
        let clears = match clear {
            None => holds.map(|h| !h),
            Some((condition, column)) => column
                .and_then(|p| row.values.get(p))
                .and_then(|v| compare(v, condition.op, &condition.literal)),
        };
        Some(Observation {
            key: AlertKey {
                rule: rule.name.clone(),
                host: row.host.clone(),
                entity: row.entity.clone(),
            },
            at: row.ts,
            fresh: now - row.ts <= freshness_in(inventory, host, &rows.table).as_secs() as i64,
            holds,
            clears,
            severity: severity(rule, &value),
            value,
            detail: row.detail.clone(),
        })
    })
}

/// Whether the selector is about this host.
pub fn selects(selector: &HostSelector, host: &Host) -> bool {
    selector.terms.iter().all(|term| {
        let matches = match &term.what {
            Selected::Host(name) => *name == *host.name,
            Selected::Group(group) => host.groups.contains(group),
            Selected::Label { name, value } => host.labels.get(name) == Some(value),
        };
        matches != term.negated
    })
}

fn severity(rule: &Rule, value: &Observed) -> AlertSeverity {
    let reached = |limit: &Option<f64>| match limit {
        None => true,
        Some(limit) => {
            compare(value, rule.when.op, &Literal::Number(*limit)).is_some_and(|reached| reached)
        }
    };
    let steps = rule.severity.iter().rev();
    let highest = steps.clone().find(|(_, limit)| reached(limit));
    highest
        .or(rule.severity.first())
        .map_or(AlertSeverity::Warning, |(severity, _)| *severity)
}

/// `value op literal`; `None` when the two cannot be compared.
pub fn compare(value: &Observed, op: Comparison, literal: &Literal) -> Option<bool> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let ordering = match (value, literal) {
        (Observed::Number(v), Literal::Number(l)) => v.partial_cmp(l)?,
        (Observed::Text(v), Literal::Text(l)) => v.as_str().cmp(l),
        (Observed::Bool(v), Literal::Bool(l)) => v.cmp(l),
        _ => return None,
    };
    Some(match op {
        Comparison::Less => ordering == Less,
        Comparison::LessOrEqual => ordering != Greater,
        Comparison::Equal => ordering == Equal,
        Comparison::NotEqual => ordering != Equal,
        Comparison::GreaterOrEqual => ordering != Less,
        Comparison::Greater => ordering == Greater,
    })
}

/// The operator in rules and in SQL.
pub fn operator(op: Comparison) -> &'static str {
    match op {
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::GreaterOrEqual => ">=",
        Comparison::Greater => ">",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_cannot_be_compared_says_nothing() {
        let ninety = Literal::Number(90.0);
        let more = Comparison::Greater;
        assert_eq!(compare(&Observed::Number(91.0), more, &ninety), Some(true));
        assert_eq!(compare(&Observed::Number(90.0), more, &ninety), Some(false));
        assert_eq!(compare(&Observed::Nothing, more, &ninety), None);
        assert_eq!(compare(&Observed::Text("91".into()), more, &ninety), None);
        let down = Literal::Text("down".into());
        let state = Observed::Text("up".into());
        assert_eq!(compare(&state, Comparison::NotEqual, &down), Some(true));
        let no = Literal::Bool(false);
        assert_eq!(
            compare(&Observed::Bool(false), Comparison::Equal, &no),
            Some(true)
        );
    }
}
