//! Alerts and the notification ledger: tables, views, and what the loops read and write of them.

use duckdb::{Connection, Row, appender_params_from_iter};

use super::append::Slot;
use super::schema::FixedTable;
use super::view::FixedView;
use super::{Recorder, StoreError};
use crate::alert::ledger::Entry;
use crate::alert::{Alert, AlertId, AlertKey, AlertState, Closed, Observed};
use crate::inventory::AlertSeverity;

/// Made in schema `raw` at open; a column added here later is added to existing files.
pub(super) static TABLES: &[FixedTable] = &[
    FixedTable {
        name: "alert",
        columns: &[
            ("id", "BIGINT"),
            ("host", "VARCHAR"),
            ("host_id", "INTEGER"),
            ("rule", "VARCHAR"),
            ("entity", "VARCHAR"),
            ("state", "VARCHAR"),
            ("severity", "VARCHAR"),
            ("peak", "VARCHAR"),
            ("value", "DOUBLE"),
            ("value_text", "VARCHAR"),
            ("since", "TIMESTAMPTZ"),
            ("observed_at", "TIMESTAMPTZ"),
            ("stale", "BOOLEAN"),
            ("fired_at", "TIMESTAMPTZ"),
            ("resolved_at", "TIMESTAMPTZ"),
            ("reason", "VARCHAR"),
            ("changed_at", "TIMESTAMPTZ"),
            ("revision", "INTEGER"),
            ("summary", "VARCHAR"),
            ("detail", "VARCHAR"),
        ],
    },
    FixedTable {
        name: "notification",
        columns: &[
            ("ts", "TIMESTAMPTZ"),
            ("alert_id", "BIGINT"),
            ("rule", "VARCHAR"),
            ("host", "VARCHAR"),
            ("entity", "VARCHAR"),
            ("receiver", "VARCHAR"),
            ("recipient", "VARCHAR"),
            ("action", "VARCHAR"),
            ("reason", "VARCHAR"),
            ("note", "VARCHAR"),
            ("mail", "VARCHAR"),
        ],
    },
];

/// Made in schema `main` at open.
pub(super) static VIEWS: &[FixedView] = &[
    FixedView {
        name: "alert",
        select: "SELECT t.id, coalesce(h.name, t.host) AS host, t.rule, t.entity, t.state, t.severity, t.peak, t.value, t.value_text, t.since, t.fired_at, t.resolved_at, t.reason, t.summary, t.detail, t.stale, t.observed_at, t.changed_at, a.acknowledged_at, a.acknowledged_by FROM raw.alert t LEFT JOIN raw.host h ON h.id = t.host_id LEFT JOIN (SELECT alert_id, min(said_at) AS acknowledged_at, arg_min(said_by, said_at) AS acknowledged_by FROM raw.acknowledgement GROUP BY alert_id) a ON a.alert_id = t.id",
        comment: "Alerts: one row per thing that a rule is or was not content with, from its first sight to its end.",
        columns: &[
            (
                "id",
                "The alert's number, which its mails and notifications carry.",
            ),
            ("host", "The host's name in the inventory, today's one."),
            ("rule", "The rule's name."),
            (
                "entity",
                "The mount, interface or device; empty when it is the host.",
            ),
            (
                "state",
                "pending (the condition holds, but not yet for long enough), firing or resolved.",
            ),
            ("severity", "info, warning or critical, as of now."),
            ("peak", "The highest severity while it fired."),
            (
                "value",
                "The value that the rule looks at, when last seen; NULL when it is no number.",
            ),
            (
                "value_text",
                "The value when it is no number: true, false or text.",
            ),
            (
                "since",
                "Time of the first row for which the condition held.",
            ),
            ("fired_at", "When it fired; NULL while pending."),
            ("resolved_at", "When it ended; NULL while open."),
            (
                "reason",
                "Why it ended: cleared, removed (the host left the inventory), rule_removed, gone (the entity is no longer there); NULL while open.",
            ),
            (
                "summary",
                "What the rule says of it, in the server's language.",
            ),
            (
                "detail",
                "What else is known of the cause: of a host that is down, why its latest polls failed; NULL mostly.",
            ),
            (
                "stale",
                "Nothing fresh came when last evaluated: the state is held and the value is old.",
            ),
            ("observed_at", "Time of the row that the value comes from."),
            ("changed_at", "When state or severity last changed."),
            (
                "acknowledged_at",
                "When somebody first said that it is looked after; NULL while nobody has.",
            ),
            ("acknowledged_by", "Who said so."),
        ],
    },
    FixedView {
        name: "notification",
        select: "SELECT t.ts, t.alert_id, t.host, t.rule, t.entity, t.receiver, t.recipient, t.action, t.reason, t.note, t.mail FROM raw.notification t",
        comment: "The ledger of telling people: one row per decision, so that `why did I get no mail?` is a query.",
        columns: &[
            ("ts", "When it was decided or done."),
            (
                "alert_id",
                "The alert it is about; of a mail about several, the first.",
            ),
            ("host", "The alert's host."),
            ("rule", "The alert's rule."),
            (
                "entity",
                "The alert's mount, interface or device; empty when it is the host.",
            ),
            (
                "receiver",
                "The entry of `notify:`; empty when there is none.",
            ),
            ("recipient", "The mail address, in rows about a delivery."),
            (
                "action",
                "queued (a mail was put into the outbox), grouped (goes along in that mail), suppressed (nobody is told), sent (the mail server took it), retried (tried again later), failed (given up).",
            ),
            (
                "reason",
                "Why: fired, raised, still_firing, cleared, ended; or why not: host_down, behind_down_host, ended_untold, no_receiver.",
            ),
            (
                "note",
                "The host that is down, or what the mail server said.",
            ),
            (
                "mail",
                "What ties the rows of one mail together; its Message-ID begins with it.",
            ),
        ],
    },
];

const COLUMNS: &str = "t.id, coalesce(h.name, t.host), t.rule, t.entity, t.state, t.severity, t.peak, t.value, t.value_text, epoch(t.since)::BIGINT, epoch(t.observed_at)::BIGINT, t.stale, epoch(t.fired_at)::BIGINT, epoch(t.resolved_at)::BIGINT, t.reason, epoch(t.changed_at)::BIGINT, t.revision, t.summary, t.detail";

impl Recorder {
    /// Every pending and firing alert, under its host's name of today, and the highest number that
    /// any alert ever had.
    pub fn open_alerts(&mut self) -> Result<(Vec<Alert>, AlertId), StoreError> {
        self.ready()?;
        let connection = &self.connection;
        let sql = format!(
            "SELECT {COLUMNS} FROM raw.alert t LEFT JOIN raw.host h ON h.id = t.host_id WHERE t.state <> 'resolved' ORDER BY t.id"
        );
        let mut statement = connection.prepare(&sql)?;
        let rows = statement.query_map([], read)?;
        let alerts = rows.collect::<Result<Vec<Alert>, _>>()?;
        let last =
            connection.query_row("SELECT coalesce(max(id), 0) FROM raw.alert", [], |row| {
                row.get(0)
            })?;
        Ok((alerts, last))
    }

    /// Writes alerts as they stand now and forgets others, in one transaction.
    pub fn save_alerts(
        &mut self,
        changed: &[Alert],
        dropped: &[AlertId],
    ) -> Result<(), StoreError> {
        self.ready()?;
        // Outside of the transaction: a temporary table is of no concern to the file.
        self.connection.execute_batch(
            "CREATE TEMP TABLE IF NOT EXISTS alert_change AS FROM raw.alert LIMIT 0;
                 DELETE FROM temp.alert_change",
        )?;
        self.transaction(|connection| {
            append_alerts(connection, changed)?;
            let dropped: Vec<String> = dropped.iter().map(AlertId::to_string).collect();
            let dropped = if dropped.is_empty() {
                "NULL".to_owned()
            } else {
                dropped.join(", ")
            };
            connection
                .execute_batch(&format!(
                    "DELETE FROM raw.alert WHERE id IN (SELECT id FROM temp.alert_change) OR id IN ({dropped});
                     INSERT INTO raw.alert BY NAME
                     SELECT c.* REPLACE (h.id AS host_id) FROM temp.alert_change c
                     LEFT JOIN raw.host h ON h.name = c.host"
                ))?;
            Ok(())
        })
    }
}

/// Adds rows to the ledger.
pub(super) fn append_notifications(
    connection: &Connection,
    rows: &[Entry],
) -> Result<(), StoreError> {
    let mut appender = connection.appender_to_db("notification", "raw")?;
    for row in rows {
        let slots = [
            Slot::at(row.at),
            Slot::Int(row.alert),
            Slot::Text(&row.rule),
            Slot::Text(&row.host),
            Slot::Text(&row.entity),
            Slot::Text(&row.receiver),
            Slot::text(Some(&row.recipient)),
            Slot::Text(row.action.as_str()),
            Slot::Text(row.reason.as_str()),
            Slot::text(Some(&row.note)),
            Slot::text(Some(&row.mail)),
        ];
        appender.append_row(appender_params_from_iter(slots))?;
    }
    Ok(appender.flush()?)
}

fn append_alerts(connection: &Connection, alerts: &[Alert]) -> Result<(), StoreError> {
    let mut appender = connection.appender_to_catalog_and_db("alert_change", "temp", "main")?;
    for alert in alerts {
        let (value, text) = match &alert.value {
            Observed::Nothing => (Slot::Null, None),
            Observed::Number(n) => (Slot::Float(*n), None),
            other => (Slot::Null, Some(other.to_string())),
        };
        let slots = [
            Slot::Int(alert.id),
            Slot::Text(&alert.key.host),
            Slot::Null,
            Slot::Text(&alert.key.rule),
            Slot::Text(&alert.key.entity),
            Slot::Text(alert.state.as_str()),
            Slot::Text(alert.severity.as_str()),
            Slot::Text(alert.peak.as_str()),
            value,
            Slot::text(text.as_deref()),
            Slot::at(alert.since),
            Slot::at(alert.observed_at),
            Slot::Bool(alert.stale),
            alert.fired_at.map_or(Slot::Null, Slot::at),
            alert.resolved_at.map_or(Slot::Null, Slot::at),
            Slot::text(alert.closed.map(Closed::as_str)),
            Slot::at(alert.changed_at),
            Slot::Small(i32::try_from(alert.revision).unwrap_or(i32::MAX)),
            Slot::Text(&alert.summary),
            Slot::text(Some(&alert.detail)),
        ];
        appender.append_row(appender_params_from_iter(slots))?;
    }
    Ok(appender.flush()?)
}

fn read(row: &Row<'_>) -> duckdb::Result<Alert> {
    let word = |position: usize| {
        row.get::<_, Option<String>>(position)
            .map(Option::unwrap_or_default)
    };
    let severity = |position| {
        Ok::<_, duckdb::Error>(
            AlertSeverity::from_word(&word(position)?).unwrap_or(AlertSeverity::Warning),
        )
    };
    let number: Option<f64> = row.get(7)?;
    let value = match (number, word(8)?.as_str()) {
        (Some(number), _) => Observed::number(number),
        (None, "") => Observed::Nothing,
        (None, "true") => Observed::Bool(true),
        (None, "false") => Observed::Bool(false),
        (None, text) => Observed::Text(text.into()),
    };
    let since: i64 = row.get(9)?;
    Ok(Alert {
        id: row.get(0)?,
        key: AlertKey {
            host: word(1)?.into(),
            rule: word(2)?,
            entity: word(3)?,
        },
        state: AlertState::from_word(&word(4)?).unwrap_or(AlertState::Pending),
        severity: severity(5)?,
        peak: severity(6)?,
        value,
        since,
        observed_at: row.get::<_, Option<i64>>(10)?.unwrap_or(since),
        stale: row.get::<_, Option<bool>>(11)?.unwrap_or(false),
        fired_at: row.get(12)?,
        resolved_at: row.get(13)?,
        closed: Closed::from_word(&word(14)?),
        changed_at: row.get::<_, Option<i64>>(15)?.unwrap_or(since),
        revision: row.get::<_, Option<i32>>(16)?.map_or(1, i32::unsigned_abs),
        summary: word(17)?,
        detail: word(18)?,
    })
}
