//! Workers, machines and their slots.

use actix_web::http::Method;

use crate::api::fleet;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    let read = Access::with::<may::ReadFleet>();
    let mut rows =
        vec![
            row(
                (Method::POST, "/api/v1/fleet/workers"),
                Access::Internal,
                fleet::register::register,
                Doc::new("fleet", "Register a worker")
                    .json_body("The worker's report, version 1")
                    .answers_with("200", "application/json", "`{ttl_seconds}`"),
            ),
            row(
                (Method::GET, "/api/v1/fleet/status"),
                read,
                fleet::status::status,
                Doc::new("fleet", "Capacity").answers::<fleet::view::FleetView>("200", "The fleet by host"),
            ),
            row(
                (Method::POST, "/api/v1/fleet/reservations"),
                Access::Internal,
                fleet::reserve::reserve,
                Doc::new("fleet", "Reserve a slot")
                    .body::<fleet::reserve::ReservationRequest>()
                    .answers::<fleet::reserve::ReservedView>("201", "The slot is kept until then")
                    .refuses("503", "`no_fleet`: no healthy host has a free slot"),
            ),
            row(
                (Method::DELETE, "/api/v1/fleet/reservations/{reservation_id}"),
                Access::Internal,
                fleet::release::release,
                Doc::new("fleet", "Give a slot back").answers_empty("204", "It is not kept any more"),
            ),
            row(
                (Method::GET, "/api/v1/fleet/reservations/{reservation_id}"),
                read,
                fleet::reservation::reservation,
                Doc::new("fleet", "Read a reservation")
                    .answers::<fleet::reservation::ReservationView>("200", "With the hosts that were seen"),
            ),
        ];
    rows.extend(hosts());
    rows
}

fn hosts() -> Vec<Route> {
    let (drain, manage) = (Access::with::<may::DrainHosts>(), Access::with::<may::ManageHosts>());
    vec![
        row(
            (Method::POST, "/api/v1/fleet/hosts"),
            manage,
            fleet::add_host::add_host,
            Doc::new("fleet", "Poll a host")
                .body::<fleet::add_host::HostRequest>()
                .answers::<fleet::add_host::HostRequest>("201", "It is polled from now on")
                .refuses("409", "`too_many_hosts`: 200 are polled"),
        ),
        row(
            (Method::DELETE, "/api/v1/fleet/hosts/{host}"),
            manage,
            fleet::remove_host::remove_host,
            Doc::new("fleet", "Poll a host no more").answers_empty("204", "It is forgotten"),
        ),
        row(
            (Method::POST, "/api/v1/fleet/hosts/{host}/drain"),
            drain,
            fleet::drain::drain,
            Doc::new("fleet", "Drain a host")
                .answers_empty("204", "It is given no new calls; running ones go on"),
        ),
        row(
            (Method::POST, "/api/v1/fleet/hosts/{host}/undrain"),
            drain,
            fleet::drain::undrain,
            Doc::new("fleet", "Undrain a host").answers_empty("204", "It is given calls again"),
        ),
    ]
}
