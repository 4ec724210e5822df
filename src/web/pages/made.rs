//! The tables that profiles make, as sections of a host's page and as pages of their own: title and
//! columns come from the profile, what is in trouble from the rules.

mod whole;

use serde::Serialize;
use serde_json::Value;

use super::super::records::{self, Record, at};
use super::super::site::Site;
use crate::alert::{Observed, compare};
use crate::inventory::{AlertSeverity, Host, Inventory, Rule};
use crate::reading::UnixSeconds;
use crate::store::{Cell, Question, StoreError};
use crate::table::{Kind, Table};

pub(in crate::web) use whole::page;

/// Rows and columns of one table on the host's page.
const ROWS: usize = 8;
const COLUMNS: usize = 9;

/// One table of one host as it is now.
#[derive(Serialize)]
pub(super) struct Made {
    name: &'static str,
    title: String,
    comment: &'static str,
    #[serde(skip)]
    entity: Option<&'static str>,
    heads: Vec<Head>,
    rows: Vec<Vec<Shown>>,
    /// How many there are, shown or not.
    total: usize,
    /// The time of the newest row.
    newest: Option<UnixSeconds>,
}

#[derive(Serialize)]
struct Head {
    name: &'static str,
    label: String,
    comment: String,
    number: bool,
}

#[derive(Serialize)]
struct Shown {
    /// `number`, `time`, `text`, `yes`, `no` or `none`.
    kind: &'static str,
    value: Value,
    unit: &'static str,
    /// `warn`, `crit` or empty.
    level: &'static str,
}

/// A column of the view: one of the table's own, a fact, or a derived one.
struct Field {
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    comment: &'static str,
}

/// What is shown of a table besides the name of its things.
fn fields(table: &Table) -> Vec<Field> {
    let columns = table.facts.iter().chain(table.columns).map(|c| Field {
        name: c.name,
        kind: c.kind,
        unit: c.unit,
        comment: c.comment,
    });
    let derived = table.derived.iter().map(|d| Field {
        name: d.name,
        kind: Kind::Float,
        unit: d.unit,
        comment: d.comment,
    });
    columns
        .filter(|c| c.kind != Kind::Input)
        .chain(derived)
        .collect()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Everything that profiles make of a host and that has rows of the last day.
pub(super) async fn of_host(
    site: &Site,
    host: &Host,
    language: &str,
    now: UnixSeconds,
) -> Result<Vec<Made>, StoreError> {
    let inventory = site.loaded().inventory.clone();
    let tables = alive(site, &inventory, host, now).await?;
    let asked = tables.into_iter().map(|table| {
        let (inventory, ask) = (&inventory, Ask::part(inventory.as_ref(), host, table, now));
        async move { ask.made(site, inventory, language).await }
    });
    let made = futures_util::future::try_join_all(asked).await?;
    // Counters that stand still are left out, and with them tables that hold nothing else.
    let says = |made: &Made| made.heads.iter().any(|h| Some(h.name) != made.entity);
    let mut made: Vec<Made> = made.into_iter().filter(says).collect();
    made.sort_by(|a, b| a.title.cmp(&b.title));
    Ok(made)
}

/// The tables of profiles that have a row of the host within the last day, found by one question.
async fn alive(
    site: &Site,
    inventory: &Inventory,
    host: &Host,
    now: UnixSeconds,
) -> Result<Vec<&'static Table>, StoreError> {
    let parts: Vec<String> = inventory
        .tables
        .made()
        .map(|table| {
            format!(
                "SELECT '{0}' AS t WHERE EXISTS (FROM {1} WHERE host = $host AND ts >= $day)",
                table.name.replace('\'', "''"),
                quoted(table.name)
            )
        })
        .collect();
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let question = Question::new(parts.join(" UNION ALL "))
        .bind("host", Cell::Text(host.name.to_string()))
        .bind("day", at(now - 86_400));
    let found = records::ask(&site.parts.store, question).await?;
    let names = found.iter().filter_map(|row| row.get("t")?.as_str());
    Ok(names
        .filter_map(|name| inventory.tables.find(name))
        .collect())
}

/// A question about one table of one host.
struct Ask<'a> {
    host: &'a Host,
    table: &'static Table,
    now: UnixSeconds,
    /// Seconds within which rows belong together.
    window: i64,
    rows: usize,
    columns: usize,
}

impl<'a> Ask<'a> {
    fn part(inventory: &Inventory, host: &'a Host, table: &'static Table, now: i64) -> Ask<'a> {
        let intervals = host.targets.iter().map(|target| target.interval.as_secs());
        let interval = i64::try_from(intervals.max().unwrap_or(60)).unwrap_or(60);
        let slowest = inventory.tables.slowest_s(table.name);
        Ask {
            host,
            table,
            now,
            window: (interval * 2).max(slowest * 5 / 4),
            rows: ROWS,
            columns: COLUMNS,
        }
    }

    /// The newest row of each thing.
    async fn newest(&self, site: &Site) -> Result<Vec<Record>, StoreError> {
        let table = quoted(self.table.name);
        let (partition, order) = match self.table.entity {
            Some(entity) => (
                format!(" PARTITION BY {}", quoted(entity)),
                // Ports that are called by numbers stand in their order.
                format!(
                    "ORDER BY try_cast({0} AS BIGINT) NULLS LAST, {0}",
                    quoted(entity)
                ),
            ),
            None => (String::new(), String::new()),
        };
        let sql = format!(
            "SELECT *, count(*) OVER () AS \"eider: rows\" FROM (SELECT * FROM {table} \
             WHERE host = $host AND ts >= (SELECT max(ts) FROM {table} WHERE host = $host \
             AND ts >= $day) - to_seconds($window) \
             QUALIFY row_number() OVER ({partition} ORDER BY ts DESC) = 1) {order} LIMIT {}",
            self.rows
        );
        let question = Question::new(sql)
            .bind("host", Cell::Text(self.host.name.to_string()))
            .bind("day", at(self.now - 86_400))
            .bind("window", Cell::Int(self.window.into()));
        records::ask(&site.parts.store, question).await
    }

    async fn made(
        &self,
        site: &Site,
        inventory: &Inventory,
        language: &str,
    ) -> Result<Made, StoreError> {
        let records = self.newest(site).await?;
        let count = |row: &Record| row.get("eider: rows")?.as_u64();
        let total = records.first().and_then(count).unwrap_or(0) as usize;
        let newest = records.iter().filter_map(|row| row.get("ts")?.as_i64());
        let shown: Vec<Field> = fields(self.table)
            .into_iter()
            .filter(|field| records.iter().any(|row| says_something(field, row)))
            .take(self.columns)
            .collect();
        let rules = Rules::of(inventory, self.host, self.table);
        let entity = self.table.entity.map(|entity| Head {
            name: entity,
            label: entity.replace('_', " "),
            comment: String::new(),
            number: false,
        });
        let heads = shown.iter().map(head);
        let cells = |row: &Record| {
            let name = self.table.entity.map(|entity| Shown {
                kind: "text",
                value: row.get(entity).cloned().unwrap_or_default(),
                unit: "",
                level: "",
            });
            let cells = shown.iter().map(|field| cell(field, row, &rules));
            name.into_iter().chain(cells).collect()
        };
        let title = inventory.title_of(self.table);
        Ok(Made {
            name: self.table.name,
            title: title.map_or_else(
                || self.table.name.replace('_', " "),
                |title| title.get(language).to_owned(),
            ),
            comment: self.table.comment,
            entity: self.table.entity,
            newest: newest.max(),
            rows: records.iter().map(cells).collect(),
            heads: entity.into_iter().chain(heads).collect(),
            total,
        })
    }
}

/// Not NULL; of counters, which seldom move when they count what goes wrong, not zero either.
fn says_something(field: &Field, row: &Record) -> bool {
    match row.get(field.name) {
        None | Some(Value::Null) => false,
        Some(value) => field.kind != Kind::Counter || value.as_i64() != Some(0),
    }
}

/// `charge_pct` as `charge`: the unit stands in every cell.
fn head(field: &Field) -> Head {
    const UNITS: [&str; 10] = ["pct", "bytes", "bps", "s", "ms", "c", "v", "a", "w", "hz"];
    let (stem, last) = field.name.rsplit_once('_').unwrap_or((field.name, ""));
    let name = if !field.unit.is_empty() && UNITS.contains(&last) {
        stem
    } else {
        field.name
    };
    Head {
        name: field.name,
        label: name.replace('_', " "),
        comment: field.comment.to_owned(),
        number: !matches!(field.kind, Kind::Text | Kind::Bool | Kind::Time),
    }
}

fn cell(field: &Field, row: &Record, rules: &Rules<'_>) -> Shown {
    let value = row.get(field.name).cloned().unwrap_or_default();
    let kind = match (&value, field.kind) {
        (Value::Null, _) => "none",
        (Value::Bool(true), _) => "yes",
        (Value::Bool(false), _) => "no",
        (Value::Number(_), Kind::Time) => "time",
        (Value::Number(_), _) => "number",
        _ => "text",
    };
    let level = rules.level(field.name, &value);
    Shown {
        kind,
        value,
        unit: field.unit,
        level,
    }
}

/// The rules that are about a table and a host: their limits colour its values.
struct Rules<'a>(Vec<&'a Rule>);

impl<'a> Rules<'a> {
    fn of(inventory: &'a Inventory, host: &Host, table: &Table) -> Rules<'a> {
        let rules = inventory.rules.iter();
        Rules(
            rules
                .filter(|rule| rule.when.table == table.name && rule.hosts.matches(host))
                .collect(),
        )
    }

    /// How bad the value of a column is, by the worst of the rules that hold for it.
    fn level(&self, column: &str, value: &Value) -> &'static str {
        let observed = match value {
            Value::Bool(v) => Observed::Bool(*v),
            Value::String(v) => Observed::Text(v.clone()),
            value => value.as_f64().map_or(Observed::Nothing, Observed::number),
        };
        let held = self.0.iter().filter(|rule| rule.when.column == column);
        let held =
            held.filter(|rule| compare(&observed, rule.when.op, &rule.when.literal) == Some(true));
        let worst = held.filter_map(|rule| rule.severity.first().map(|(severity, _)| *severity));
        match worst.max() {
            Some(AlertSeverity::Critical) => "crit",
            Some(AlertSeverity::Warning) => "warn",
            _ => "",
        }
    }
}
