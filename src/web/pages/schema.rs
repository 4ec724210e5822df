//! The tables that can be asked: a list, and a page for each.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use warp::Reply as _;

use super::super::fault::Fault;
use super::super::page;
use super::super::routes::Response;
use super::super::site::Site;
use super::super::visit::Visit;
use crate::inventory::nearest;
use crate::store::TableDoc;

#[derive(Serialize)]
struct List {
    tables: Vec<TableDoc>,
}

/// The catalogue, read on a blocking thread.
pub(in crate::web) async fn catalog(site: &Site) -> Result<Vec<TableDoc>, Fault> {
    let store = site.parts.store.clone();
    let read = tokio::task::spawn_blocking(move || store.catalog()).await;
    Ok(read.map_err(|error| Fault::internal(&error))??)
}

pub(in crate::web) async fn list(site: Arc<Site>, visit: Arc<Visit>) -> Result<Response, Fault> {
    let tables = catalog(&site).await?;
    page::html(&site, &visit, "schema.html", List { tables }).await
}

pub(in crate::web) async fn table(
    site: Arc<Site>,
    visit: Arc<Visit>,
    name: String,
) -> Result<Response, Fault> {
    let mut tables = catalog(&site).await?;
    if !tables.iter().any(|table| table.name == name) {
        let near = nearest(&name, tables.iter().map(|t| t.name.as_str()));
        let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(Fault::not_found(format!(
            "there is no table `{name}`{near}"
        )));
    }
    tables.retain(|table| table.name == name);
    page::html(&site, &visit, "schema_table.html", List { tables }).await
}

/// `GET /api/v1/schema`
pub(in crate::web) async fn api(site: Arc<Site>, _visit: Arc<Visit>) -> Result<Response, Fault> {
    let tables = catalog(&site).await?;
    Ok(warp::reply::json(&json!({"version": 1, "tables": tables})).into_response())
}
