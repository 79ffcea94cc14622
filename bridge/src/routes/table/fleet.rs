//! Workers.

use actix_web::http::Method;

use crate::api::fleet;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    vec![
        row(
            (Method::POST, "/api/v1/fleet/workers"),
            Access::Internal,
            fleet::register::register,
            Doc::new("fleet", "Register a worker").json_body("The worker's report, version 1").answers_with(
                "200",
                "application/json",
                "`{ttl_seconds}`",
            ),
        ),
        row(
            (Method::GET, "/api/v1/fleet/status"),
            Access::with::<may::ReadFleet>(),
            fleet::status::status,
            Doc::new("fleet", "Capacity")
                .answers::<fleet::view::FleetView>("200", "The registered workers by host"),
        ),
    ]
}
