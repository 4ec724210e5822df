//! Alerts: those that are open, and those that ended lately.

use std::sync::Arc;

use serde::Serialize;

use super::super::fault::Fault;
use super::super::page;
use super::super::records::{self, Record, at};
use super::super::routes::Response;
use super::super::site::{self, Site};
use super::super::visit::Visit;
use super::sql;
use crate::store::{Cell, Question, StoreError};

/// Ended alerts are shown for so long.
const BACK_S: i64 = 30 * 86_400;

#[derive(Serialize)]
struct AlertsPage {
    open: Vec<Record>,
    resolved: Vec<Record>,
    notifications: Vec<Record>,
}

pub(in crate::web) async fn page(site: Arc<Site>, visit: Arc<Visit>) -> Result<Response, Fault> {
    let ask = |sql: &str| {
        let question = Question::new(sql).bind("from", at(site::now() - BACK_S));
        records::ask(&site.parts.store, question)
    };
    let (open, resolved, notifications) = tokio::try_join!(
        open(&site),
        ask(sql::RESOLVED_ALERTS),
        ask(sql::NOTIFICATIONS)
    )?;
    let body = AlertsPage {
        open,
        resolved,
        notifications,
    };
    page::html(&site, &visit, "alerts.html", body).await
}

/// Firing alerts before pending ones, worst and newest first.
pub(super) async fn open(site: &Site) -> Result<Vec<Record>, StoreError> {
    records::ask(&site.parts.store, Question::new(sql::OPEN_ALERTS)).await
}

/// Alerts of one host, open or ended lately.
pub(super) async fn of_host(site: &Site, host: &str) -> Result<Vec<Record>, StoreError> {
    let question = Question::new(sql::HOST_ALERTS)
        .bind("host", Cell::Text(host.into()))
        .bind("from", at(site::now() - BACK_S));
    records::ask(&site.parts.store, question).await
}
