//! The one route table.

mod report;

use std::convert::Infallible;
use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use hyper::body::Bytes;
use warp::filters::BoxedFilter;
use warp::reject::Rejection;
use warp::{Filter, Reply as _};

use super::fault::Fault;
use super::percent::Segment;
use super::site::Site;
use super::visit::Visit;
use super::{adhoc, api, ask, db, health, live, login, pages, push, statics};
use crate::store::format::Format;

pub(super) type Response = warp::reply::Response;

/// Marks the response of a request that no route took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unrouted(StatusCode);

impl Unrouted {
    pub(super) fn fault(self) -> Fault {
        match self.0 {
            StatusCode::METHOD_NOT_ALLOWED => {
                Fault::new(self.0, "this page does not take that method")
            }
            StatusCode::NOT_FOUND => Fault::not_found("there is no such page"),
            other => Fault::new(other, "this request makes no sense here"),
        }
    }
}

/// All routes; what none of them takes becomes a response marked [`Unrouted`].
pub(super) fn all(site: &Arc<Site>) -> BoxedFilter<(Response,)> {
    machine(site)
        .or(people(site))
        .unify()
        .or(console(site))
        .unify()
        .or(api_v1(site))
        .unify()
        .or(session(site))
        .unify()
        .recover(unrouted)
        .unify()
        .boxed()
}

/// What programs ask for.
fn machine(site: &Arc<Site>) -> BoxedFilter<(Response,)> {
    let healthz = warp::path!("healthz").and(warp::get()).map(|| {
        warp::reply::with_header("ok\n", "content-type", "text/plain; charset=utf-8")
            .into_response()
    });
    let readyz = warp::path!("readyz")
        .and(warp::get())
        .and(with(site))
        .then(|site, visit| finish(site, visit, health::ready));
    let metrics = warp::path!("metrics")
        .and(warp::get())
        .and(with(site))
        .then(|site, visit| finish(site, visit, health::metrics));
    let events = warp::path!("events")
        .and(warp::get())
        .and(with(site))
        .map(|site: Arc<Site>, visit: Arc<Visit>| live::events(&site, &visit));
    let statics = warp::path!("static" / String)
        .and(warp::get())
        .and(with(site))
        .then(|name: String, site, visit| {
            finish(site, visit, move |site, visit| {
                statics::file(site, visit, name)
            })
        });
    healthz
        .or(readyz)
        .unify()
        .or(metrics)
        .unify()
        .or(events)
        .unify()
        .or(statics)
        .unify()
        .boxed()
}

/// What people look at.
fn people(site: &Arc<Site>) -> BoxedFilter<(Response,)> {
    let overview = warp::path::end()
        .and(warp::get())
        .and(with(site))
        .then(|site, visit| finish(site, visit, pages::overview::page));
    let host = warp::path!("hosts" / Segment)
        .and(warp::get())
        .and(with(site))
        .then(|host: Segment, site, visit| {
            finish(site, visit, move |site, visit| {
                pages::host::page(site, visit, host.0)
            })
        });
    let made = warp::path!("hosts" / Segment / Segment)
        .and(warp::get())
        .and(with(site))
        .then(|host: Segment, table: Segment, site, visit| {
            finish(site, visit, move |site, visit| {
                pages::made::page(site, visit, host.0, table.0)
            })
        });
    let alerts = warp::path!("alerts")
        .and(warp::get())
        .and(with(site))
        .then(|site, visit| finish(site, visit, pages::alerts::page));
    let status = warp::path!("status")
        .and(warp::get())
        .and(with(site))
        .then(|site, visit| finish(site, visit, pages::status::page));
    let queries = warp::path!("q")
        .and(warp::get())
        .and(with(site))
        .then(|site, visit| finish(site, visit, pages::query::list));
    let query = warp::path!("q" / Segment)
        .and(warp::get())
        .and(with(site))
        .then(|name: Segment, site, visit| {
            finish(site, visit, move |site, visit| query(site, visit, name.0))
        });
    let pages = overview
        .or(host)
        .unify()
        .or(made)
        .unify()
        .or(alerts)
        .unify();
    let pages = pages.or(report::all(site)).unify();
    let pages = pages.or(status).unify().or(queries).unify();
    pages.or(query).unify().boxed()
}

/// SQL of people, and the tables that it may ask.
fn console(site: &Arc<Site>) -> BoxedFilter<(Response,)> {
    let form = warp::path!("sql")
        .and(warp::get())
        .and(with(site))
        .then(|site, visit| finish(site, visit, pages::console::form));
    let ask = warp::path!("sql")
        .and(warp::post())
        .and(warp::body::bytes())
        .and(with(site))
        .then(|body: Bytes, site, visit| {
            finish(site, visit, move |site, visit| {
                pages::console::ask(site, visit, body)
            })
        });
    let file = warp::path!("sql" / "file")
        .and(warp::post())
        .and(warp::body::bytes())
        .and(with(site))
        .then(|body: Bytes, site, visit| {
            finish(site, visit, move |site, visit| {
                pages::console::file(site, visit, body)
            })
        });
    let tables = warp::path!("schema")
        .and(warp::get())
        .and(with(site))
        .then(|site, visit| finish(site, visit, pages::schema::list));
    let table = warp::path!("schema" / Segment)
        .and(warp::get())
        .and(with(site))
        .then(|name: Segment, site, visit| {
            finish(site, visit, move |site, visit| {
                pages::schema::table(site, visit, name.0)
            })
        });
    let api = warp::path!("api" / "v1" / "schema")
        .and(warp::get())
        .and(with(site))
        .then(|site, visit| finish(site, visit, pages::schema::api));
    let sql = form.or(ask).unify().or(file).unify();
    let schema = tables.or(table).unify().or(api).unify();
    sql.or(schema).unify().boxed()
}

/// A query as a page, or with the ending of a format as a file.
async fn query(site: Arc<Site>, visit: Arc<Visit>, name: String) -> Result<Response, Fault> {
    if let Some((name, ending)) = name.rsplit_once('.')
        && let Some(format) = Format::from_word(ending)
    {
        return ask::get(site, visit, name.to_owned(), Some(format)).await;
    }
    pages::query::page(site, visit, name).await
}

/// What the command line and scripts ask for.
fn api_v1(site: &Arc<Site>) -> BoxedFilter<(Response,)> {
    let status = warp::path!("api" / "v1" / "status")
        .and(warp::get())
        .and(with(site))
        .then(|site, visit| finish(site, visit, api::status));
    let hosts = warp::path!("api" / "v1" / "hosts")
        .and(warp::get())
        .and(with(site))
        .then(|site, visit| finish(site, visit, api::hosts));
    let poll = warp::path!("api" / "v1" / "hosts" / Segment / "poll")
        .and(warp::post())
        .and(with(site))
        .then(|host: Segment, site, visit| {
            finish(site, visit, move |site, visit| {
                api::poll(site, visit, host.0)
            })
        });
    let reload = warp::path!("api" / "v1" / "reload")
        .and(warp::post())
        .and(with(site))
        .then(|site, visit| finish(site, visit, api::reload));
    let sql = warp::path!("api" / "v1" / "sql")
        .and(warp::post())
        .and(warp::body::bytes())
        .and(with(site))
        .then(|body: Bytes, site, visit| {
            finish(site, visit, move |site, visit| {
                adhoc::sql(site, visit, body)
            })
        });
    let sql = sql.or(one_sql(site)).unify();
    let upkeep = warp::path!("api" / "v1" / "db")
        .and(warp::post())
        .and(warp::body::bytes())
        .and(with(site))
        .then(|body: Bytes, site, visit| {
            finish(site, visit, move |site, visit| db::run(site, visit, body))
        });
    let named = warp::path!("api" / "v1" / "q" / Segment)
        .and(warp::post())
        .and(warp::body::bytes())
        .and(with(site))
        .then(|name: Segment, body: Bytes, site, visit| {
            finish(site, visit, move |site, visit| {
                ask::named(site, visit, name.0, body)
            })
        });
    let got = warp::path!("api" / "v1" / "q" / Segment)
        .and(warp::get())
        .and(with(site))
        .then(|name: Segment, site, visit| {
            finish(site, visit, move |site, visit| {
                ask::get(site, visit, name.0, None)
            })
        });
    let reads = status.or(hosts).unify().or(got).unify();
    let reads = reads.or(pushes(site)).unify();
    let orders = poll.or(reload).unify().or(sql).unify().or(named).unify();
    reads.or(orders).unify().or(upkeep).unify().boxed()
}

/// One question under way, by the name that it was given.
fn one_sql(site: &Arc<Site>) -> BoxedFilter<(Response,)> {
    let progress = warp::path!("api" / "v1" / "sql" / Segment)
        .and(warp::get())
        .and(with(site))
        .then(|id: Segment, site, visit| {
            finish(site, visit, move |site, visit| {
                adhoc::progress(site, visit, id.0)
            })
        });
    let cancel = warp::path!("api" / "v1" / "sql" / Segment)
        .and(warp::delete())
        .and(with(site))
        .then(|id: Segment, site, visit| {
            finish(site, visit, move |site, visit| {
                adhoc::cancel(site, visit, id.0)
            })
        });
    progress.or(cancel).unify().boxed()
}

/// What hosts send by themselves.
fn pushes(site: &Arc<Site>) -> BoxedFilter<(Response,)> {
    let flat = warp::path!("api" / "metrics").map(|| true);
    let own = warp::path!("api" / "v1" / "push").map(|| false);
    flat.or(own)
        .unify()
        .and(warp::post())
        .and(warp::header::headers_cloned())
        .and(warp::body::bytes())
        .and(with(site))
        .then(|flat: bool, headers: HeaderMap, body: Bytes, site, visit| {
            finish(site, visit, move |site, visit| {
                push::take(site, visit, headers, body, flat)
            })
        })
        .boxed()
}

fn session(site: &Arc<Site>) -> BoxedFilter<(Response,)> {
    let form = warp::path!("login")
        .and(warp::get())
        .and(with(site))
        .then(|site, visit| finish(site, visit, login::form));
    let log_in = warp::path!("login")
        .and(warp::post())
        .and(warp::body::bytes())
        .and(with(site))
        .then(|body: Bytes, site, visit| {
            finish(site, visit, move |site, visit| {
                login::log_in(site, visit, body)
            })
        });
    let log_out = warp::path!("logout")
        .and(warp::post())
        .and(with(site))
        .then(|site, visit| finish(site, visit, login::log_out));
    form.or(log_in).unify().or(log_out).unify().boxed()
}

/// What every handler gets.
fn with(
    site: &Arc<Site>,
) -> impl Filter<Extract = (Arc<Site>, Arc<Visit>), Error = Rejection> + Clone + use<> {
    let site = Arc::clone(site);
    warp::any()
        .map(move || Arc::clone(&site))
        .and(warp::ext::get::<Arc<Visit>>())
}

/// Runs a handler; its error becomes a page or a problem document, never a rejection, which would
/// fall through to the next route.
async fn finish<F>(
    site: Arc<Site>,
    visit: Arc<Visit>,
    handler: impl FnOnce(Arc<Site>, Arc<Visit>) -> F,
) -> Response
where
    F: Future<Output = Result<Response, Fault>>,
{
    match handler(Arc::clone(&site), Arc::clone(&visit)).await {
        Ok(response) => response,
        Err(fault) => fault.respond(&site, &visit).await,
    }
}

async fn unrouted(rejection: Rejection) -> Result<Response, Infallible> {
    let status = if rejection.is_not_found() {
        StatusCode::NOT_FOUND
    } else if rejection.find::<warp::reject::MethodNotAllowed>().is_some() {
        StatusCode::METHOD_NOT_ALLOWED
    } else {
        StatusCode::BAD_REQUEST
    };
    let mut response = status.into_response();
    response.extensions_mut().insert(Unrouted(status));
    Ok(response)
}
