//! The routes of the reports.

use std::sync::Arc;

use hyper::body::Bytes;
use warp::Filter as _;
use warp::filters::BoxedFilter;

use super::super::pages::report as page;
use super::super::percent::Segment;
use super::super::site::Site;
use super::{Response, finish, with};

/// Reports: the list, one of them, and sending it.
pub(super) fn all(site: &Arc<Site>) -> BoxedFilter<(Response,)> {
    let list = warp::path!("reports")
        .and(warp::get())
        .and(with(site))
        .then(|site, visit| finish(site, visit, page::list));
    let one = warp::path!("reports" / Segment)
        .and(warp::get())
        .and(with(site))
        .then(|name: Segment, site, visit| {
            finish(site, visit, move |site, visit| {
                page::page(site, visit, name.0)
            })
        });
    let send = warp::path!("reports" / Segment / "send")
        .and(warp::post())
        .and(with(site))
        .then(|name: Segment, site, visit| {
            finish(site, visit, move |site, visit| {
                page::send(site, visit, name.0)
            })
        });
    let order = warp::path!("api" / "v1" / "reports" / Segment)
        .and(warp::post())
        .and(warp::body::bytes())
        .and(with(site))
        .then(|name: Segment, body: Bytes, site, visit| {
            finish(site, visit, move |site, visit| {
                page::api(site, visit, name.0, body)
            })
        });
    list.or(one)
        .unify()
        .or(send)
        .unify()
        .or(order)
        .unify()
        .boxed()
}
