//! Sums over calls.

use actix_web::http::Method;

use crate::api::analytics;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    let read = Access::with::<may::ReadCalls>();
    vec![
        row(
            (Method::GET, "/api/v1/analytics/vendors"),
            read,
            analytics::vendors::vendors,
            Doc::new("analytics", "How fast vendors answered in the last 24 hours")
                .answers::<analytics::vendors::VendorLatencies>("200", "By service and vendor"),
        ),
        row(
            (Method::GET, "/api/v1/analytics/calls"),
            read,
            analytics::calls::calls,
            Doc::new("analytics", "Sums over calls")
                .query::<analytics::calls::SumsQuery>()
                .answers::<analytics::AnalyticsView>("200", "The sums"),
        ),
        row(
            (Method::GET, "/api/v1/analytics/calls/ids"),
            read,
            analytics::ids::ids,
            Doc::new("analytics", "The calls behind a sum")
                .query::<analytics::ids::IdsQuery>()
                .answers::<analytics::ids::CallIds>("200", "Newest first"),
        ),
    ]
}
