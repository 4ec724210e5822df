//! What became of the reports: table and view, and how the ledgers are written.

use duckdb::{Connection, appender_params_from_iter};

use super::append::Slot;
use super::schema::FixedTable;
use super::view::FixedView;
use super::{Recorder, StoreError};
use crate::alert::ledger::Entry;
use crate::report::run::Run;

/// Made in schema `raw` at open.
pub(super) static TABLES: &[FixedTable] = &[FixedTable {
    name: "report_run",
    columns: &[
        ("ts", "TIMESTAMPTZ"),
        ("report", "VARCHAR"),
        ("due_at", "TIMESTAMPTZ"),
        ("asked_by", "VARCHAR"),
        ("action", "VARCHAR"),
        ("recipient", "VARCHAR"),
        ("note", "VARCHAR"),
        ("mail", "VARCHAR"),
        ("took_ms", "BIGINT"),
        ("size_bytes", "BIGINT"),
    ],
}];

/// Made in schema `main` at open.
pub(super) static VIEWS: &[FixedView] = &[FixedView {
    name: "report_run",
    select: "SELECT t.ts, t.report, t.due_at, t.asked_by, t.action, t.recipient, t.note, t.mail, t.took_ms, t.size_bytes FROM raw.report_run t",
    comment: "The delivery log of the reports: one row for everything that happened to one.",
    columns: &[
        ("ts", "When it happened."),
        ("report", "The entry of `reports:`."),
        ("due_at", "The time that it is the report of."),
        (
            "asked_by",
            "schedule, or who asked for it: a user, or the command line.",
        ),
        (
            "action",
            "queued (made and put into the outbox for this address), skipped (no rows, and it is sent only with some), missed (its time passed while eider did not run, longer ago than `late:`), sent (the mail server took it), retried (tried again later), failed (given up).",
        ),
        (
            "recipient",
            "The mail address; empty where no single one is meant.",
        ),
        (
            "note",
            "What was wrong or left out, or what the mail server said.",
        ),
        (
            "mail",
            "What ties the rows of one mail together; its Message-ID begins with it.",
        ),
        ("took_ms", "How long it took to make."),
        (
            "size_bytes",
            "The size of all parts, before they are encoded for the way.",
        ),
    ],
}];

impl Recorder {
    /// Adds rows to `notification` and `report_run`, all or none.
    pub fn save_ledger(&mut self, entries: &[Entry], runs: &[Run]) -> Result<(), StoreError> {
        self.transaction(|connection| {
            super::alert::append_notifications(connection, entries)?;
            append_runs(connection, runs)
        })
    }
}

fn append_runs(connection: &Connection, runs: &[Run]) -> Result<(), StoreError> {
    let mut appender = connection.appender_to_db("report_run", "raw")?;
    for run in runs {
        let slots = [
            Slot::at(run.at),
            Slot::Text(&run.report),
            Slot::at(run.due_at),
            Slot::Text(&run.by),
            Slot::Text(run.event.as_str()),
            Slot::text(Some(&run.recipient)),
            Slot::text(Some(&run.note)),
            Slot::text(Some(&run.mail)),
            run.took_ms.map_or(Slot::Null, Slot::Int),
            run.size_bytes.map_or(Slot::Null, Slot::Int),
        ];
        appender.append_row(appender_params_from_iter(slots))?;
    }
    Ok(appender.flush()?)
}
