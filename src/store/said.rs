//! What people say of alerts and hosts: acknowledgements and planned downtimes.

use duckdb::params;

use super::schema::FixedTable;
use super::view::{FixedView, HOST};
use super::{Recorder, StoreError};
use crate::alert::said::{Acknowledgement, Downtime};

/// Made in schema `raw` at open.
pub(super) static TABLES: &[FixedTable] = &[
    FixedTable {
        name: "acknowledgement",
        columns: &[
            ("alert_id", "BIGINT"),
            ("said_at", "TIMESTAMPTZ"),
            ("said_by", "VARCHAR"),
            ("note", "VARCHAR"),
        ],
    },
    FixedTable {
        name: "downtime",
        columns: &[
            ("host_id", "INTEGER"),
            ("from_ts", "TIMESTAMPTZ"),
            ("to_ts", "TIMESTAMPTZ"),
            ("reason", "VARCHAR"),
            ("said_by", "VARCHAR"),
            ("said_at", "TIMESTAMPTZ"),
        ],
    },
];

/// Made in schema `main` at open.
pub(super) static VIEWS: &[FixedView] = &[
    FixedView {
        name: "acknowledgement",
        select: "SELECT t.alert_id, t.said_at, t.said_by, t.note FROM raw.acknowledgement t",
        comment: "Somebody looks after an alert; one row each time that it was said. The first one of each alert stands in `alert` as well.",
        columns: &[
            ("alert_id", "The alert's number."),
            ("said_at", "When it was said."),
            ("said_by", "Who said it."),
            ("note", "What else was said; empty when nothing."),
        ],
    },
    FixedView {
        name: "downtime",
        select: "SELECT h.name AS host, t.from_ts, t.to_ts, t.reason, t.said_by, t.said_at FROM raw.downtime t JOIN raw.host h ON h.id = t.host_id",
        comment: "Planned downtimes: time in which a host may be down. It counts neither for nor against its availability.",
        columns: &[
            ("host", HOST),
            ("from_ts", "When it begins."),
            (
                "to_ts",
                "When it ends, exclusive; NULL: until further notice.",
            ),
            ("reason", "What for."),
            ("said_by", "Who planned it."),
            ("said_at", "When it was planned."),
        ],
    },
];

impl Recorder {
    /// Adds that somebody looks after an alert.
    pub fn save_acknowledgement(&mut self, said: &Acknowledgement) -> Result<(), StoreError> {
        self.transaction(|connection| {
            connection.execute(
                "INSERT INTO raw.acknowledgement VALUES (?, to_timestamp(?), ?, ?)",
                params![said.alert, said.at, said.by, said.note],
            )?;
            Ok(())
        })
    }

    /// Adds a planned downtime. `Err` when the store knows no such host.
    pub fn save_downtime(&mut self, planned: &Downtime) -> Result<(), StoreError> {
        self.transaction(|connection| {
            let added = connection.execute(
                "INSERT INTO raw.downtime
                 SELECT id, to_timestamp(?), to_timestamp(?), ?, ?, to_timestamp(?)
                 FROM raw.host WHERE name = ?",
                params![
                    planned.from,
                    planned.to,
                    planned.reason,
                    planned.by,
                    planned.said_at,
                    &*planned.host
                ],
            )?;
            if added == 0 {
                let host = &planned.host;
                return Err(StoreError::Other(format!(
                    "the history knows no host `{host}`"
                )));
            }
            Ok(())
        })
    }
}
